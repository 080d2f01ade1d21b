"""What the Snakemake workflow catalog asks of a repository that it lists under standardised usage."""

from __future__ import annotations

from pathlib import Path

import yaml


def test_catalog_finds_what_it_needs(root: Path) -> None:
    for name in ("README.md", "workflow/Snakefile", "config/README.md", "config/config.yaml"):
        assert (root / name).is_file(), name
    usage = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) <= {"mandatory-flags", "software-stack-deployment", "report"}
    # True, as every rule names an environment: tests/workflow/test_envs.py.
    assert usage["software-stack-deployment"]["conda"] is True
    # No output is marked for `snakemake --report`; the page of the run is a file of its own.
    marked = [path for path in root.glob("workflow/rules/*.smk") if "report(" in path.read_text()]
    assert usage["report"] is bool(marked)
