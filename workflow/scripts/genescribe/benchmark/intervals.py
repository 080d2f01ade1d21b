"""Overlaps of stranded intervals, done by bedtools through pybedtools."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pybedtools

from genescribe.errors import InputError


class Interval(NamedTuple):
    """A stretch of one strand, 0-based half-open. `name` is the number of the thing that it belongs to."""

    seqid: str
    start: int
    end: int
    name: int
    strand: str


class Shared(NamedTuple):
    """Bases that thing `first` of one set and thing `second` of another share."""

    first: int
    second: int
    bases: int


@contextmanager
def _scratch() -> Iterator[None]:
    """bedtools' files live in a folder of their own that goes away even after an error."""
    if shutil.which("bedtools") is None:
        raise InputError("bedtools is not on PATH; install it (Debian: apt-get install bedtools)")
    before = pybedtools.get_tempdir()
    with tempfile.TemporaryDirectory(prefix="genescribe-bed-") as folder:
        pybedtools.set_tempdir(folder)
        try:
            yield
        finally:
            pybedtools.set_tempdir(before)


def _bed(intervals: Iterable[Interval]) -> pybedtools.BedTool:
    rows = sorted(intervals)
    text = "".join(f"{row.seqid}\t{row.start}\t{row.end}\t{row.name}\t0\t{row.strand}\n" for row in rows)
    return pybedtools.BedTool(text, from_string=True)


def shared_bases(first: Iterable[Interval], second: Iterable[Interval]) -> list[Shared]:
    """Bases that things of two sets share on the same strand: all pairs that share any, sorted by name."""
    one, two = list(first), list(second)
    if not one or not two:
        return []
    pairs: Counter[tuple[int, int]] = Counter()
    with _scratch():
        hits = _bed(one).intersect(_bed(two), s=True, wo=True)
        for row in hits:
            pairs[int(row[3]), int(row[9])] += int(row[12])
    return [Shared(first, second, bases) for (first, second), bases in sorted(pairs.items())]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The bases covered, per strand, as intervals that neither overlap nor touch. All names are 0."""
    rows = list(intervals)
    if not rows:
        return []
    with _scratch():
        merged = _bed(rows).merge(s=True, c=6, o="distinct")
        return [Interval(row[0], int(row[1]), int(row[2]), 0, row[3]) for row in merged]
