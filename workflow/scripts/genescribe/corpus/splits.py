"""Which part of a genome trains, tunes and tests: from a declaration to one BED file per split."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.regions import Region, parse, write_bed

SPLITS = ("train", "val", "test")
WHOLE = "whole"


def parse_split(declaration: str, lengths: Mapping[str, int]) -> dict[str, list[Region]]:
    """The regions of each split.

    Args:
        declaration: `split=regions` parted by semicolons, where split is train, val or test and regions are
            `whole`, or sequence ids and `id:first-last` (1-based, inclusive) parted by commas, such as
            `train=chr1,chr2:1-500000;test=chr3`.
        lengths: of each sequence, in the order of the genome.

    Returns:
        For every split its regions in the order of the genome; none for a split that is not declared.

    Raises:
        InputError: an unknown or repeated split, no regions, an unknown sequence, a region past a
            sequence's end, or regions that overlap, within a split or between two.
    """
    splits: dict[str, list[Region]] = {name: [] for name in SPLITS}
    for part in filter(None, map(str.strip, declaration.split(";"))):
        name, equals, text = map(str.strip, part.partition("="))
        if name not in SPLITS or not equals:
            raise InputError(f"split {part!r}: write train=..., val=... or test=..., parted by semicolons")
        if splits[name]:
            raise InputError(f"split {declaration!r} declares {name} twice; join the two with a comma")
        names = list(lengths) if text == WHOLE else [item.strip() for item in text.split(",")]
        if not all(names) or not names:
            raise InputError(f"split {part!r} names no region; write `whole`, sequence ids or id:first-last")
        splits[name] = [parse(item, lengths) for item in names]
    order = {seqid: index for index, seqid in enumerate(lengths)}
    for regions in splits.values():
        regions.sort(key=lambda region: (order[region.seqid], region.start, region.end))
    if not any(splits.values()):
        raise InputError("the split declaration is empty; write for instance train=whole")
    _refuse_overlap(splits)
    return splits


def _refuse_overlap(splits: Mapping[str, list[Region]]) -> None:
    placed = sorted((region, name) for name, regions in splits.items() for region in regions)
    for (one, first), (other, second) in pairwise(placed):
        if one.seqid == other.seqid and other.start < one.end:
            raise InputError(f"{first}={one} and {second}={other} overlap; each base belongs to one split")


def write_splits(splits: Mapping[str, list[Region]], folder: str | Path) -> None:
    """Write `<split>.bed` for every split, empty where it has no regions."""
    for name, regions in splits.items():
        write_bed(Path(folder) / f"{name}.bed", regions)
