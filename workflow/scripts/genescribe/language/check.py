"""Whether the grammar allows a single gene model, and if not, why: the fast counterpart of the automaton."""

from __future__ import annotations

import numpy as np

from genescribe.language.bases import Codes, N, to_codes
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.language.grammar import GrammarConfig

_FRAMESHIFT_REACH = 4
"""Rows this many bases apart, or overlapping by as many, are joined over a frameshift."""


def check(
    codes: Codes,
    model: GeneModel,
    config: GrammarConfig,
    labels: bool = True,
    valid: int | None = None,
    circular: bool = False,
) -> str | None:
    """Say why the grammar rejects a model; None if it accepts it.

    Only the model's own bases and those beside its segments are read.

    Args:
        codes: base codes (L,) of a window or a whole sequence, whose edges are those that open ends must
            reach.
        model: the model in the same coordinates.
        config: the grammar.
        labels: whether the model is reference annotation: all start codons that are accepted there count, and
            it may be short.
        valid: bases before the padding; L if not given.
        circular: whether the model may run over the end of `codes` to their beginning.

    Returns:
        None, or one of `kind_not_written`, `empty_segment`, `out_of_window`, `frameshift`,
        `overlapping_segments`, `adjoining_segments`, `several_segments`, `short_intron`, `partial_inside`,
        `impossible_lead`, `length_not_multiple_of_3`, `too_short`, `no_start_codon`, `no_stop_codon`,
        `internal_stop`, `splice_site`.
    """
    length = len(codes) if valid is None else valid
    if circular and model.segments and model.end > length and model.is_complete:
        if model.end - model.start > length:
            return "out_of_window"
        codes = np.take(codes[:length], np.arange(model.start, model.end), mode="wrap")
        model, length = model.shifted(-model.start), len(codes)
    return (
        _coordinates(model, config, length)
        or _ends(model, length)
        or ("too_short" if _span(model, length) < config.shortest(labels) else None)
        or (None if model.kind != PROTEIN_CODING else _codons(codes, model, config, labels))
        or (None if model.kind != PROTEIN_CODING else _splice_sites(codes, model, config, length))
    )


def _coordinates(model: GeneModel, config: GrammarConfig, length: int) -> str | None:
    if model.kind not in config.kinds:
        return "kind_not_written"
    if not model.segments or any(start >= end for start, end in model.segments):
        return "empty_segment"
    if min(start for start, _ in model.segments) < 0 or max(end for _, end in model.segments) > length:
        return "out_of_window"
    coding = model.kind == PROTEIN_CODING
    for (_, end), (start, _) in zip(model.segments, model.segments[1:], strict=False):
        gap = start - end
        if gap == 0:
            return "adjoining_segments"
        if coding and abs(gap) <= _FRAMESHIFT_REACH and gap < config.min_intron:
            return "frameshift"
        if gap < 0:
            return "overlapping_segments"
        if coding and not config.introns:
            return "several_segments"
        if coding and gap < config.min_intron:
            return "short_intron"
    return None


def _ends(model: GeneModel, length: int) -> str | None:
    inside_left = {End.CLOSED: False, End.OPEN: model.start != 0, End.OPEN_INTRON: model.start == 0}
    inside_right = {End.CLOSED: False, End.OPEN: model.end != length, End.OPEN_INTRON: model.end == length}
    if inside_left[model.left] or inside_right[model.right]:
        return "partial_inside"
    may_lead = model.kind == PROTEIN_CODING and model.left is not End.CLOSED
    if model.lead not in ((0, 1, 2) if may_lead else (0,)):
        return "impossible_lead"
    return None


def _span(model: GeneModel, length: int) -> int:
    """Bases from end to end, an open end being at the edge."""
    start = model.start if model.left is End.CLOSED else 0
    return (model.end if model.right is End.CLOSED else length) - start


def _codons(codes: Codes, model: GeneModel, config: GrammarConfig, labels: bool) -> str | None:
    left_closed, right_closed = model.left is End.CLOSED, model.right is End.CLOSED
    if right_closed and (model.lead + model.length) % 3:
        return "length_not_multiple_of_3"
    if model.length < 3 * (left_closed + right_closed):
        return "too_short"
    lead = np.full(model.lead, N, dtype=np.uint8)
    bases = np.concatenate([lead, *(codes[start:end] for start, end in model.segments)])
    codons = bases[: len(bases) // 3 * 3].reshape(-1, 3) @ np.array([25, 5, 1], dtype=np.uint8)
    meaning = config.codons(model.strand, labels)
    no_first, no_last = ("no_start_codon", "no_stop_codon")[:: 1 if model.strand == "+" else -1]
    if left_closed and not meaning.first[codons[0]]:
        return no_first
    if right_closed and not meaning.last[codons[-1]]:
        return no_last
    if meaning.stop[codons[int(left_closed) : len(codons) - int(right_closed)]].any():
        return "internal_stop"
    return None


def _splice_sites(codes: Codes, model: GeneModel, config: GrammarConfig, length: int) -> str | None:
    pairs = [(to_codes(first), to_codes(last)) for first, last in config.introns_on(model.strand)]
    introns = [(left[1], right[0]) for left, right in zip(model.segments, model.segments[1:], strict=False)]
    if not config.introns and (introns or End.OPEN_INTRON in (model.left, model.right)):
        return "several_segments"
    for start, end in introns:
        head, tail = codes[start : start + 2], codes[end - 2 : end]
        if not any(np.array_equal(head, first) and np.array_equal(tail, last) for first, last in pairs):
            return "splice_site"
    # Of an intron that the edge cuts, one side is seen, and of that perhaps one base only.
    if model.left is End.OPEN_INTRON:
        tail = codes[max(0, model.start - 2) : model.start]
        if not any(np.array_equal(tail, last[-len(tail) :]) for _, last in pairs):
            return "splice_site"
    if model.right is End.OPEN_INTRON:
        head = codes[model.end : min(length, model.end + 2)]
        if not any(np.array_equal(head, first[: len(head)]) for first, _ in pairs):
            return "splice_site"
    return None
