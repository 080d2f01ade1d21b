"""GFF3 and FASTA written by hand for one test, and the bundled genomes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Annotation

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "genomes"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes into a file of its own."""

    def _write(content: str | bytes, name: str = "input.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture(scope="session")
def gff() -> Callable[..., str]:
    """Write GFF3 of rows `seqid type first last strand phase attributes`, parted by blanks, one a line."""
    return _gff_text


def _gff_text(rows: str, head: str = "##gff-version 3\n") -> str:
    lines = []
    for row in rows.strip().splitlines():
        seqid, kind, first, last, strand, phase, attributes = row.split(maxsplit=6)
        lines.append("\t".join((seqid, "test", kind, first, last, ".", strand, phase, attributes)))
    return head + "\n".join(lines) + "\n"


@pytest.fixture
def read(write: Callable[..., Path]) -> Callable[..., Annotation]:
    """Read GFF3 given as the rows that `gff` takes."""

    def _read(rows: str, lengths: dict[str, int] | None = None, genetic_code: int = 11) -> Annotation:
        return read_gff3(write(_gff_text(rows), "input.gff3"), lengths, genetic_code)

    return _read


@pytest.fixture(scope="session")
def bundled() -> Path:
    """Folder of the bundled genomes."""
    return RESOURCES


@pytest.fixture(scope="session")
def collection() -> Path:
    """Folder of the genomes that the survey counts; the test is skipped where there is none."""
    folder = os.environ.get("GENESCRIBE_GENOMES")
    if not folder:
        pytest.skip("GENESCRIBE_GENOMES names no folder of genomes")
    return Path(folder)
