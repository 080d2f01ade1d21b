"""Where windows may lie: stretches between long N runs, the same in training and in annotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genescribe.corpus.shard_format import Intervals, merge, runs
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, N

MIN_GAP = 50
"""N runs of this length or longer part a sequence, in training as in annotation."""
MIN_PIECE = 60
"""Shorter pieces hold no gene and are left out."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of sequence without long N runs, cut out by a region or by the sequence's own ends.

    On a circular sequence `end` may lie beyond the length: the stretch goes on over the origin.

    Attributes:
        seqid: the sequence.
        start, end: 0-based half-open.
        circular: whether it is a whole circle.
        ends_left, ends_right: whether known sequence ends there (and not only the region).
    """

    seqid: str
    start: int
    end: int
    circular: bool = False
    ends_left: bool = True
    ends_right: bool = True


def find_gaps(codes: Codes, min_gap: int = MIN_GAP) -> Intervals:
    """N runs of at least `min_gap` bases, (gaps, 2)."""
    gaps = runs(codes == N)
    return gaps[gaps[:, 1] - gaps[:, 0] >= min_gap]


def stretches(seqid: str, codes: Codes, circular: bool, regions: Sequence[Region] | None) -> list[Stretch]:
    """Maximal stretches without long N runs, inside regions where these are given.

    Regions that overlap or touch are one. A circular sequence without such runs is one circular stretch;
    with runs, the stretch over the origin is one.
    """
    length = len(codes)
    gaps = find_gaps(codes)
    wanted = [(0, length)]
    if regions is not None:
        wanted = merge([(region.start, region.end) for region in regions if region.seqid == seqid]).tolist()
    if circular and [tuple(one) for one in wanted] == [(0, length)]:
        if not len(gaps):
            return [Stretch(seqid, 0, length, circular=True)]
        starts, ends = gaps[:, 1].tolist(), [*gaps[1:, 0].tolist(), int(gaps[0, 0]) + length]
        turns = [length if start == length else 0 for start in starts]
        return [
            Stretch(seqid, start - turn, end - turn)
            for start, end, turn in zip(starts, ends, turns, strict=True)
            if start < end
        ]
    borders = [0, *gaps.reshape(-1).tolist(), length]
    found = []
    for first, last in wanted:
        for start, end in zip(borders[::2], borders[1::2], strict=True):
            left, right = max(first, start), min(last, end)
            if left < right:
                found.append(
                    Stretch(
                        seqid,
                        left,
                        right,
                        ends_left=left == start and not (circular and start == 0),
                        ends_right=right == end and not (circular and end == length),
                    )
                )
    return found
