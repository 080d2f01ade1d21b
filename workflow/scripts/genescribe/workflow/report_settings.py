"""`python -m genescribe.workflow.report_settings`: what the report shows, with what only a run can tell."""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genescribe import __version__
from genescribe.files import atomic_path

PACKAGES = ("torch", "transformers", "numpy", "pandas", "pybedtools", "biopython")
PROGRAMS = ("bedtools",)
PREDICTORS = {"augustus": "augustus", "prodigal": "pyrodigal"}
"""What stands behind a predictor: a program, or a Python package."""
CONDA_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch"}
"""Conda's names for packages that have another one here."""
_PIN = re.compile(r"^ *- *([a-z0-9-]+)=([0-9.]+) *$", re.MULTILINE)


def program_version(program: str) -> str | None:
    """Version that a program on PATH tells of itself, or None where it is not installed or tells none."""
    path = shutil.which(program)
    if path is None:
        return None
    told = subprocess.run(
        [path, "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = re.search(r"\d+\.\d+(\.\d+)?", told.stdout + told.stderr)
    return found.group() if found else None


def package_version(package: str) -> str | None:
    """Version of an installed Python package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def pins(environments: Iterable[Path]) -> dict[str, str]:
    """Package -> version, as conda environment files pin them."""
    return {
        CONDA_NAMES.get(name, name): number
        for path in environments
        for name, number in _PIN.findall(path.read_text(encoding="utf-8"))
    }


def versions(settings: dict[str, Any], pinned: dict[str, str]) -> dict[str, str]:
    """Name and version of what stands behind the figures.

    Checks and comparisons say in their files which program made them. Everything else is asked here; what is
    not installed here ran in another environment, whose pins are then the answer.

    Args:
        settings: what the report shows.
        pinned: of the environments that jobs ran in; empty where all ran in this one.
    """
    used = {name for one in settings["species"] for name in one["predictions"]}
    names = [*PACKAGES, *PROGRAMS, *(PREDICTORS[name] for name in PREDICTORS if name in used)]
    found: dict[str, str | None] = {"genescribe": __version__, "python": platform.python_version()}
    for name in names:
        found[name] = package_version(name) or program_version(name) or pinned.get(name)
    for one in settings["species"]:
        if "summary" in one and (check := _read(one["summary"]).get("gffread")):
            found["gffread"] = check["version"]
        for path in one.get("gffcompare", {}).values():
            compared = _read(path)
            if compared["program"]:
                found[compared["program"]] = compared["version"]
    return {name: number for name, number in found.items() if number is not None}


def _read(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def complete(settings: dict[str, Any], environments: Iterable[Path] = ()) -> dict[str, Any]:
    """Add the versions to those given; leave out run times of jobs that were not run here."""
    benchmarks = {job: path for job, path in settings["benchmarks"].items() if Path(path).is_file()}
    told = {**versions(settings, pins(environments)), **settings.get("versions", {})}
    return {**settings, "benchmarks": benchmarks, "versions": told}


def main(arguments: list[str] | None = None) -> int:
    """Read settings from the command line, write them with versions and run times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON from the workflow")
    parser.add_argument(
        "--environments", type=Path, nargs="*", default=[], help="conda environment files that jobs ran in"
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON for `genescribe report`")
    options = parser.parse_args(arguments)
    with atomic_path(options.out) as temporary:
        content = complete(json.loads(options.settings), options.environments)
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
