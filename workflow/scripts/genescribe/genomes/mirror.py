"""Genomes from a local folder instead of the network."""

from __future__ import annotations

import gzip
import re
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import GZIP_MAGIC
from genescribe.genomes.lines import numbered_lines
from genescribe.genomes.package import DATA, check_sums, locate, missing

INDEX = "index.tsv"


def copy_from_mirror(mirror: Path, accession: str, wanted: Iterable[str], folder: Path) -> None:
    """Copy the files of one assembly out of a mirror, uncompressed and under our names.

    The assembly's folder is `ncbi_dataset/data/ACCESSION`, as an unpacked package of NCBI Datasets has it; or
    one that `index.tsv` (columns name and accession) names; or one whose name contains the accession.

    Raises:
        InputError: the mirror lacks the assembly or one of its files, has two, or has a damaged one.
    """
    source = find_assembly(mirror, accession)
    found = locate(file.name for file in source.iterdir() if file.is_file())
    for name in wanted:
        if name not in found:
            raise missing(name, accession, str(source))
    check_sums(source, [found[name] for name in wanted])
    for name in wanted:
        _expand(source / found[name], folder / name)


def find_assembly(mirror: Path, accession: str) -> Path:
    """The folder of an assembly in a mirror; see `copy_from_mirror`."""
    if not mirror.is_dir():
        raise InputError("there is no such folder; it should be the local mirror", mirror)
    for folder in (mirror / DATA / accession, mirror / accession):
        if folder.is_dir():
            return folder
    names = _indexed(mirror, accession) or [
        folder.name
        for folder in sorted(mirror.iterdir())
        if folder.is_dir() and _names(folder.name, accession)
    ]
    if not names:
        raise InputError(f"has no assembly {accession}: neither in {INDEX} nor as a folder's name", mirror)
    if len(names) > 1:
        raise InputError(f"has {accession} more than once: {', '.join(names)}; remove all but one", mirror)
    folder = mirror / names[0]
    if not folder.is_dir():
        raise InputError(f"{INDEX} names the folder {names[0]}, which is not there", mirror)
    return folder


def _names(text: str, accession: str) -> bool:
    """Whether a text holds the accession, and not only a longer one that begins like it."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(accession)}(?!\d)", text) is not None


def _indexed(mirror: Path, accession: str) -> list[str]:
    """Folders that `index.tsv` gives for an accession; none where there is no such table."""
    if not (mirror / INDEX).is_file():
        return []
    rows = [line.split("\t") for _, line in numbered_lines(mirror / INDEX)]
    header = rows[0]
    if not {"name", "accession"} <= set(header):
        return []
    name, column = header.index("name"), header.index("accession")
    return [row[name] for row in rows[1:] if len(row) == len(header) and _names(row[column], accession)]


def _expand(source: Path, target: Path) -> None:
    with source.open("rb") as probe:
        compressed = probe.read(2) == GZIP_MAGIC
    try:
        with gzip.open(source) if compressed else source.open("rb") as data, target.open("wb") as file:
            shutil.copyfileobj(data, file, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError("the compressed file is cut short or damaged; copy it again", source) from error
