"""Genes as windows saw them, put on the sequence, and how two of them relate."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from genescribe.annotation.calibration import Evidence
from genescribe.annotation.predictions import LOGPROB_DIGITS, PredictedGene
from genescribe.annotation.tiling import Window
from genescribe.language.bases import Codes, N
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

Part = tuple[int, int]
"""A gene of a window: number of the window, number of the gene in it."""

FAR = 1 << 60
"""Distance to a window's edge where there is none."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What all windows of one piece share.

    Attributes:
        start, end: the piece on its sequence, 0-based half-open.
        period: length of the circle, if the piece is one.
        known_left, known_right: whether the sequence ends there, or a gap begins: genes there are truly
        partial.
    """

    start: int
    end: int
    period: int | None
    known_left: bool
    known_right: bool

    @classmethod
    def of(cls, window: Window, sequence: Codes, is_circle: bool) -> Piece:
        """The piece of a window, given the base codes of the whole sequence and whether that is circular."""
        start, end = window.piece
        size = len(sequence)

        def is_gap(position: int) -> bool:
            return bool(sequence[position % size] == N)

        return cls(
            start,
            end,
            end - start if window.circular else None,
            not window.circular and (is_gap(start - 1) or (start == 0 and not is_circle)),
            not window.circular and (is_gap(end) or (end == size and not is_circle)),
        )

    @property
    def turns(self) -> tuple[int, ...]:
        """Offsets at which the same place is found again."""
        return (0,) if self.period is None else (0, -self.period, self.period)

    def normal(self, model: GeneModel) -> int:
        """The offset that brings a model's start onto the circle."""
        return 0 if self.period is None else -(model.start // self.period) * self.period


@dataclass(frozen=True, slots=True)
class Observation:
    """A gene, or a part of one, put on the sequence.

    Attributes:
        model: on the sequence; on a circle its start lies below the length.
        logprob: log probability; of a joined gene that of its least probable part.
        margin: distance to the nearest edge of the window at which the sequence goes on; 0 for a joined gene.
        parts: what it was seen as.
        first, last: the window's edges in the coordinates of the model.
        cut_left, cut_right: whether it is open at an edge where the piece goes on: it is to be joined there.
        agreement: share of the windows that hold it whole in which it was seen just so; 1 where none does.
    """

    model: GeneModel
    logprob: float
    margin: int
    parts: frozenset[Part]
    first: int
    last: int
    cut_left: bool = False
    cut_right: bool = False
    agreement: float = 1.0

    @property
    def evidence(self) -> Evidence:
        """What a calibration reads of it."""
        return Evidence(self.model.kind, self.logprob, self.agreement, self.model.length)

    @property
    def windows(self) -> frozenset[int]:
        """Numbers of the windows in which it was seen."""
        return frozenset(window for window, _ in self.parts)

    def shifted(self, offset: int) -> Observation:
        """The same, `offset` further."""
        if not offset:
            return self
        return replace(
            self, model=self.model.shifted(offset), first=self.first + offset, last=self.last + offset
        )


def observe(piece: Piece, number: int, window: Window, index: int, gene: PredictedGene) -> Observation:
    """Put gene `index` of window `number` on the sequence."""
    model = gene.model.shifted(window.start)
    at_left = piece.period is None and window.start == piece.start
    at_right = piece.period is None and window.end == piece.end
    observation = Observation(
        model,
        round(gene.logprob, LOGPROB_DIGITS),
        min(FAR if at_left else model.start - window.start, FAR if at_right else window.end - model.end),
        frozenset([(number, index)]),
        window.start,
        window.end,
        model.left is not End.CLOSED and not at_left,
        model.right is not End.CLOSED and not at_right,
    )
    return observation.shifted(piece.normal(model))


Key = tuple[int, int, str, str, tuple[tuple[int, int], ...], str, str, int]


def model_key(model: GeneModel) -> Key:
    """A total order of models: left end, right end, strand, then everything else."""
    left, right = model.left.value, model.right.value
    return model.start, model.end, model.strand, model.kind, model.segments, left, right, model.lead


class SpanIndex:
    """Finds which of many spans overlap a given one, on a line or on a circle."""

    def __init__(self, spans: Sequence[tuple[int, int]], turns: Sequence[int]) -> None:
        self._spans, self._turns = spans, turns
        self._order = sorted(range(len(spans)), key=lambda index: spans[index])
        self._starts = [spans[index][0] for index in self._order]
        # The furthest end so far ascends, so that it can be searched.
        self._reach = list(accumulate((spans[index][1] for index in self._order), max))

    def overlapping(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Number of each span that overlaps [start, end), with the offset at which it does."""
        for turn in self._turns:
            first = bisect_right(self._reach, start - turn)
            last = bisect_left(self._starts, end - turn)
            for index in self._order[first:last]:
                if self._spans[index][1] > start - turn:
                    yield index, turn


def framed_segments(model: GeneModel) -> list[tuple[int, int, int]]:
    """(start, end, frame) of each segment; bases of equal frame have equal codon positions. RNA has one
    frame."""
    found = []
    position = model.lead
    for start, end in model.segments:
        found.append((start, end, (start - position) % 3 if model.kind == PROTEIN_CODING else 0))
        position += end - start
    return found


def common_stretches(one: GeneModel, other: GeneModel) -> list[tuple[int, int]]:
    """Where two models have segments in the same frame."""
    return [
        (max(start, other_start), min(end, other_end))
        for start, end, frame in framed_segments(one)
        for other_start, other_end, other_frame in framed_segments(other)
        if frame == other_frame and max(start, other_start) < min(end, other_end)
    ]


def shared_bases(one: GeneModel, other: GeneModel) -> int:
    """Bases that lie in segments of both models, whatever their strands and frames."""
    return sum(
        max(min(end, other_end) - max(start, other_start), 0)
        for start, end in one.segments
        for other_start, other_end in other.segments
    )


def _stop_end(model: GeneModel) -> int | None:
    """Where a coding model ends on its own strand, if it does."""
    if model.kind != PROTEIN_CODING:
        return None
    if model.strand == "+":
        return model.end if model.right is End.CLOSED else None
    return model.start if model.left is End.CLOSED else None


def is_version(one: GeneModel, other: GeneModel) -> bool:
    """Whether two models are versions of one gene: the same stop, or more than half of the shorter in
    frame."""
    if one.strand != other.strand or one.kind != other.kind:
        return False
    stop = _stop_end(one)
    if stop is not None and stop == _stop_end(other):
        return True
    common = sum(end - start for start, end in common_stretches(one, other))
    return 2 * common > min(one.length, other.length)


def is_exclusive(one: GeneModel, other: GeneModel, most: float) -> bool:
    """The rule for genes that lie on each other, on any strand: not both if they share too much.

    That is, more than the share `most` of the bases of the shorter. Coding genes are held against coding
    genes and genes of other kinds against each other; introns do not count, so that a gene may lie in
    another's intron.
    """
    if (one.kind == PROTEIN_CODING) != (other.kind == PROTEIN_CODING):
        return False
    return shared_bases(one, other) > most * min(one.length, other.length)


def were_written_together(one: frozenset[Part], other: frozenset[Part]) -> bool:
    """Whether some window wrote both, as two genes: then they are no versions of one."""
    for window in {window for window, _ in one} & {window for window, _ in other}:
        if not {part for part in one if part[0] == window} & {part for part in other if part[0] == window}:
            return True
    return False
