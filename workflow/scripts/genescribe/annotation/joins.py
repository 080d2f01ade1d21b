"""Joining the halves of genes that windows cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genescribe.annotation.observations import (
    Observation,
    Piece,
    common_stretches,
    framed_segments,
    model_key,
)
from genescribe.language.gene_model import End, GeneModel


def join(left: Observation, right: Observation) -> tuple[GeneModel, int] | None:
    """The gene of which `left` saw the left part and `right` the right part.

    The windows overlap, or touch, from `right.first` to `left.last`. Where both have the same base there in
    the same codon position, the gene changes over from one to the other at such a base, the nearest to the
    middle. Else both must have an intron all over the overlap, or touch there, with the same codon position.

    Returns:
        The joined model and the number of bases that vouch for it; None if the parts do not fit.
    """
    one, other = left.model, right.model
    if one.strand != other.strand or one.kind != other.kind:
        return None
    first, last = right.first, left.last
    common = [
        (max(start, first), min(end, last))
        for start, end in common_stretches(one, other)
        if max(start, first) < min(end, last)
    ]
    if common:
        middle = (first + last) // 2
        _, change = min((abs(at - middle), at) for at in (min(max(middle, a), b - 1) for a, b in common))
        before = [(start, end) for start, end, _ in framed_segments(one) if start <= change]
        after = [(start, end) for start, end, _ in framed_segments(other) if end > change]
        segments = (*before[:-1], (before[-1][0], after[0][1]), *after[1:])
    elif one.trail != other.lead or one.end > first or other.start < last:
        return None
    elif one.right is End.OPEN_INTRON and other.left is End.OPEN_INTRON:
        segments = one.segments + other.segments
    elif one.right is End.OPEN and other.left is End.OPEN and first == last:
        segments = (*one.segments[:-1], (one.segments[-1][0], other.segments[0][1]), *other.segments[1:])
    else:
        return None
    model = replace(one, segments=segments, right=other.right)
    return model, sum(end - start for start, end in common)


class Joiner:
    """Finds the right part of a cut gene."""

    def __init__(self, piece: Piece, cut: Sequence[Observation]) -> None:
        self.piece = piece
        self._tails = sorted(
            (one for one in cut if one.cut_left),
            key=lambda one: (one.first, model_key(one.model), sorted(one.parts)),
        )
        self._firsts = [one.first for one in self._tails]

    def _best(self, head: Observation) -> Observation | None:
        """`head` joined with the part that fits best: most bases in common, then the more probable."""
        found: list[tuple[tuple[Any, ...], Observation]] = []
        for turn in self.piece.turns:
            begin = bisect_right(self._firsts, head.first - turn)
            end = bisect_right(self._firsts, head.last - turn)
            for tail in self._tails[begin:end]:
                if tail.last + turn <= head.last or tail.windows & head.windows:
                    continue
                tail = tail.shifted(turn)
                joined = join(head, tail)
                if joined is None:
                    continue
                model, support = joined
                rank = (-support, -tail.logprob, model_key(model), sorted(tail.parts))
                whole = Observation(
                    model,
                    min(head.logprob, tail.logprob),
                    0,
                    head.parts | tail.parts,
                    head.first,
                    tail.last,
                    head.cut_left,
                    tail.cut_right,
                )
                found.append((rank, whole))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def complete(self, head: Observation) -> Observation | None:
        """Join parts to a gene that is cut on the right until none is missing; None if one is."""
        whole: Observation | None = head
        while whole is not None and whole.cut_right:
            whole = self._best(whole)
        if whole is None or (self.piece.period and whole.model.end - whole.model.start > self.piece.period):
            return None
        return whole.shifted(self.piece.normal(whole.model))


def join_all(piece: Piece, cut: Sequence[Observation]) -> list[Observation]:
    """Every gene that can be put together from cut parts."""
    joiner = Joiner(piece, cut)
    wholes = (joiner.complete(head) for head in cut if head.cut_right and not head.cut_left)
    return [whole for whole in wholes if whole is not None]
