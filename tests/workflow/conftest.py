"""The repository, its configuration as Snakemake merges it, and Snakemake itself."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Config = dict[str, Any]


def merge(below: Config, above: Config) -> Config:
    """What Snakemake makes of two configuration files: mappings are merged, all else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def schemas(root: Path) -> Path:
    return root / "workflow" / "schemas"


@pytest.fixture
def load_config(root: Path) -> Callable[..., Config]:
    """The default configuration under the named files of config/."""

    def load(*names: str) -> Config:
        config: Config = {}
        for name in ("config.yaml", *names):
            config = merge(config, yaml.safe_load((root / "config" / name).read_text()))
        return config

    return load


@pytest.fixture(scope="session")
def bundled_stretch(root: Path) -> Callable[[int], tuple[bytes, bytes]]:
    """The first bases of the bundled *E. coli*, and the genes that lie there, as FASTA and GFF3."""
    source = root / "resources" / "genomes" / "escherichia_coli_k12"

    def cut(length: int) -> tuple[bytes, bytes]:
        with gzip.open(source / "genome.fna.gz", "rt") as fasta:
            header, *lines = fasta
        rows = ["##gff-version 3"]
        with gzip.open(source / "annotation.gff3.gz", "rt") as gff:
            for line in gff:
                cells = line.rstrip("\n").split("\t")
                if len(cells) == 9 and cells[2] != "region" and int(cells[4]) <= length:
                    rows.append(line.rstrip("\n"))
        sequence = "".join(line.strip() for line in lines)[:length]
        return f"{header.strip()}\n{sequence}\n".encode(), ("\n".join(rows) + "\n").encode()

    return cut


@pytest.fixture(scope="session")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the workflow is made of, so that no run touches the repository."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("workflow", "config", "profiles", "envs"):
        shutil.copytree(
            root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    shutil.copy(root / "Snakefile", folder)
    (folder / "resources").symlink_to(root / "resources")
    return folder


@pytest.fixture(scope="session")
def tiny_project(
    bundled_stretch: Callable[[int], tuple[bytes, bytes]],
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[int, str, str], Path]:
    """A checkout with `species.tsv`, `tiny.yaml` and, in `data`, the first bases of the bundled *E. coli* as
    the sequence `tiny`."""

    def make(length: int, species: str, config: str) -> Path:
        folder = tmp_path_factory.mktemp("project") / "genescribe"
        ignored = shutil.ignore_patterns(".snakemake", "weights")
        shutil.copytree(checkout, folder, symlinks=True, ignore=ignored)
        (folder / "data").mkdir()
        for name, content in zip(("genome.fna", "annotation.gff3"), bundled_stretch(length), strict=True):
            (folder / "data" / name).write_bytes(content.replace(b"NC_000913.2", b"tiny"))
        (folder / "species.tsv").write_text(species)
        (folder / "tiny.yaml").write_text(config)
        return folder

    return make


@pytest.fixture(scope="session")
def snakemake(checkout: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Snakemake in the copy; standard error comes with standard output."""

    def run(*arguments: str, folder: Path = checkout) -> subprocess.CompletedProcess[str]:
        # Rules call plain `python`: it must be the one that runs the tests.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run
