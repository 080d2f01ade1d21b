"""Stretches of sequences: BED files and the text form `id:first-last`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.genomes.lines import numbered_lines


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """Bases `start` to `end` (0-based, half-open) of the sequence `seqid`."""

    seqid: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.seqid}:{self.start + 1}-{self.end}"

    def contains(self, start: int, end: int) -> bool:
        """Whether the bases `start` to `end` of this sequence lie wholly inside."""
        return self.start <= start and end <= self.end


def parse(text: str, lengths: Mapping[str, int] | None = None) -> Region:
    """Region of a text `id:first-last` (1-based, inclusive), or of an `id` alone: the whole sequence.

    Args:
        text: the region; the id may itself contain colons and dashes.
        lengths: length of each sequence; needed for an id alone, and checked where given.

    Raises:
        InputError: no such sequence, or a range outside it.
    """
    seqid, first, last = _split(text.strip(), lengths)
    if lengths is not None and seqid not in lengths:
        raise InputError(f"region {text!r}: there is no sequence {seqid!r}; use an id of the genome's FASTA")
    if first is None or last is None:
        if lengths is None:
            raise InputError(f"region {text!r}: write it as id:first-last")
        return Region(seqid, 0, lengths[seqid])
    if not 1 <= first <= last or (lengths is not None and last > lengths[seqid]):
        limit = "" if lengths is None else f" up to {lengths[seqid]}"
        raise InputError(f"region {text!r}: positions run from 1{limit}, first before last")
    return Region(seqid, first - 1, last)


def _split(text: str, lengths: Mapping[str, int] | None) -> tuple[str, int | None, int | None]:
    seqid, colon, span = text.rpartition(":")
    first, dash, last = span.replace(",", "").partition("-")
    is_range = bool(colon and dash and first.isdecimal() and last.isdecimal())
    if not is_range or (lengths is not None and text in lengths):
        return text, None, None
    return seqid, int(first), int(last)


def read_bed(path: str | Path) -> list[Region]:
    """Regions of a BED file, in its order; columns after the third are ignored. An empty file has no regions.

    Raises:
        InputError: a line that is not BED.
    """
    if Path(path).is_file() and Path(path).stat().st_size == 0:
        return []
    regions = []
    for number, line in numbered_lines(path):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        columns = line.split("\t")
        if len(columns) < 3 or not columns[1].isdecimal() or not columns[2].isdecimal():
            raise InputError("a BED line has sequence, start and end, parted by tabs", path, number)
        region = Region(columns[0], int(columns[1]), int(columns[2]))
        if region.start > region.end:
            raise InputError(f"start {region.start} lies beyond end {region.end}; swap them", path, number)
        regions.append(region)
    return regions


def write_bed(path: str | Path, regions: Iterable[Region]) -> None:
    """Write regions as a BED file of three columns, in the order given."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as bed:
        bed.writelines(f"{region.seqid}\t{region.start}\t{region.end}\n" for region in regions)
