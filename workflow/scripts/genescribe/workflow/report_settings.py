"""`python -m genescribe.workflow.report_settings`: what the report shows, with what only a run can tell."""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genescribe import __version__
from genescribe.files import atomic_path

PACKAGES = ("snakemake", "torch", "transformers", "numpy", "pandas", "pybedtools", "pyrodigal", "biopython")
PROGRAMS = ("augustus", "gffread", "gffcompare", "cuffcompare", "bedtools")


def program_version(program: str) -> str | None:
    """Version that a program on PATH tells of itself, or None where it is not installed or tells none."""
    path = shutil.which(program)
    if path is None:
        return None
    # cuffcompare has no --version: its usage, on standard error, begins with it.
    arguments = [path] if program == "cuffcompare" else [path, "--version"]
    told = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(r"\d+\.\d+(\.\d+)?", told.stdout + told.stderr)
    return found.group() if found else None


def versions() -> dict[str, str]:
    """Name and version of what stands behind the figures, as far as it is installed here."""
    found: dict[str, str | None] = {"genescribe": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found |= {program: program_version(program) for program in PROGRAMS}
    return {name: number for name, number in found.items() if number is not None}


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Add the versions; leave out run times of jobs that were not run here, as after a copy of results."""
    benchmarks = {job: path for job, path in settings["benchmarks"].items() if Path(path).is_file()}
    return {**settings, "benchmarks": benchmarks, "versions": versions()}


def main(arguments: list[str] | None = None) -> int:
    """Read settings from the command line, write them with versions and run times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON from the workflow")
    parser.add_argument("--out", type=Path, required=True, help="JSON for `genescribe report`")
    options = parser.parse_args(arguments)
    with atomic_path(options.out) as temporary:
        text = json.dumps(complete(json.loads(options.settings)), indent=1) + "\n"
        temporary.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
