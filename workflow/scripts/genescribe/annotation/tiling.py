"""Sliding windows over whole sequences.

Sequences are parted at long N runs, the grid of windows is anchored at the start of each stretch, the last
window is padded and not shifted, and on a circle windows wrap past the origin. The model reads every second
window on the reverse strand, so that where windows overlap it sees a gene from both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from genescribe.corpus.stretches import MIN_PIECE, Stretch, stretches
from genescribe.errors import InputError
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, to_codes

STEP = 12
"""Windows and strides are multiples of this, so that codon positions and patches stay where they are."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A window on a sequence.

    Attributes:
        seqid: the sequence.
        piece: the stretch between gaps, region borders and ends that it lies in, 0-based half-open. On a
            circular sequence it may end beyond the length.
        start: first base. On a circle below the length, else inside `piece`.
        length: bases really there, without padding.
        circular: whether the piece is a whole circle; windows then wrap past its end.
        reverse: whether the model reads its reverse complement. Genes and coordinates are those of the
            forward strand all the same.
    """

    seqid: str
    piece: tuple[int, int]
    start: int
    length: int
    circular: bool = False
    reverse: bool = False

    @property
    def end(self) -> int:
        """One past the last base; beyond the piece where a window wraps."""
        return self.start + self.length

    def codes(self, sequence: Codes) -> Codes:
        """Base codes (length,) of the window, given those of the whole sequence."""
        if self.end <= len(sequence):
            return sequence[self.start : self.end]
        return sequence.take(range(self.start, self.end), mode="wrap")


def tile_stretch(stretch: Stretch, window: int, stride: int) -> list[Window]:
    """Windows over one stretch: each begins `stride` after the one before, until the end is reached, and is
    read on the other strand.

    On a circle there are at least two, so that each place lies inside a window. What fits into one window is
    read on both strands.
    """
    size = stretch.end - stretch.start
    piece = (stretch.start, stretch.end)
    starts: Sequence[int]
    if stretch.circular:
        starts = range(0, size, min(stride, max(STEP, size // 2 // STEP * STEP)))
    elif size <= window:
        starts = (0, 0)
    else:
        starts = range(0, size - window + stride, stride)
    return [
        Window(
            stretch.seqid,
            piece,
            stretch.start + start,
            min(window, size if stretch.circular else size - start),
            stretch.circular,
            reverse=bool(number % 2),
        )
        for number, start in enumerate(starts)
    ]


def tile(
    sequences: Mapping[str, str],
    circular: Iterable[str],
    window: int,
    stride: int | None = None,
    regions: Sequence[Region] | None = None,
) -> list[Window]:
    """Windows over sequences, in their order; stretches shorter than `MIN_PIECE` have none.

    Args:
        sequences: bases of each sequence.
        circular: ids of those that are circles.
        window: nominal length, a multiple of 12.
        stride: distance of windows, a multiple of 12, at most `window`; half a window if not given
            (docs/decisions/0006-stride.md).
        regions: where windows may lie; everywhere if not given.

    Raises:
        InputError: sizes that do not fit, or a region outside the sequences.
    """
    stride = window // 2 // STEP * STEP if stride is None else stride
    if window % STEP or stride % STEP or not 0 < stride <= window:
        raise InputError(
            f"stride {stride} does not fit windows of {window}: take a multiple of {STEP}, at most {window}"
        )
    for region in regions or ():
        if region.seqid not in sequences:
            known = ", ".join(list(sequences)[:3])
            raise InputError(f"region {region}: the genome has no such sequence ({known} ...); use its ids")
        if region.end > len(sequences[region.seqid]):
            length = len(sequences[region.seqid])
            raise InputError(f"region {region}: {region.seqid} has {length} bases; let the region end there")
    circles = frozenset(circular)
    windows: list[Window] = []
    for seqid, sequence in sequences.items():
        for stretch in stretches(seqid, to_codes(sequence), seqid in circles, regions):
            if stretch.end - stretch.start >= MIN_PIECE:
                windows += tile_stretch(stretch, window, stride)
    return windows


def is_covering(windows: Sequence[Window]) -> bool:
    """Whether windows of one piece leave no base of it out."""
    return all(after.start <= before.end for before, after in _neighbours(windows))


def is_overlapping(windows: Sequence[Window]) -> bool:
    """Whether windows of one piece leave nothing out and each overlaps the next, on a circle over the
    origin too."""
    return all(after.start < before.end for before, after in _neighbours(windows))


def _neighbours(windows: Sequence[Window]) -> list[tuple[Window, Window]]:
    """Windows of one piece with the next one each, between two empty windows at the piece's ends."""
    pieces = {(window.seqid, window.piece, window.circular) for window in windows}
    if len(pieces) != 1:
        raise ValueError("the windows must be of one piece")
    ((seqid, (start, end), circular),) = pieces
    ordered = sorted(windows)
    if circular:
        first = ordered[0]
        ordered.append(Window(seqid, first.piece, first.start + end - start, first.length, True))
    else:
        # One base is shared with each end, so that reaching it counts as overlap.
        before, after = Window(seqid, (start, end), start, 1), Window(seqid, (start, end), end - 1, 1)
        ordered = [before, *ordered, after]
    return list(pairwise(ordered))


def is_inside(window: Window) -> bool:
    """Whether a window lies inside its piece; on a circle it starts there and is no longer than the
    circle."""
    start, end = window.piece
    if window.circular:
        return start <= window.start < end and 0 < window.length <= end - start
    return start <= window.start < window.end <= end


def chunk(windows: Sequence[Window], index: int, count: int) -> Sequence[Window]:
    """Chunk `index` of `count`: contiguous, the sizes differ by one at most."""
    if not 0 <= index < count:
        raise InputError(f"there is no chunk {index} of {count}; chunks count from 0")
    return windows[len(windows) * index // count : len(windows) * (index + 1) // count]


def batches(windows: Sequence[Window], size: int) -> Iterator[Sequence[Window]]:
    """Runs of at most `size` windows of one sequence."""
    first = 0
    for index in range(1, len(windows) + 1):
        at_end = index == len(windows)
        if at_end or index - first == size or windows[index].seqid != windows[first].seqid:
            yield windows[first:index]
            first = index


def window_codes(sequences: Mapping[str, str], windows: Sequence[Window]) -> dict[str, Codes]:
    """Base codes of the sequences that windows lie on."""
    return {seqid: to_codes(sequences[seqid]) for seqid in {window.seqid for window in windows}}
