"""Gene models of a window to tokens and pointers, and back: `clip`, `encode`, `decode`.

`decode(encode(w, clip(genes, w)))` is `clip(genes, w)` for every gene that `check` accepts; every other gene
is returned with the reason. `encode` asks `check` rather than the automaton, since it runs on every window of
training; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genescribe.language.bases import Codes
from genescribe.language.check import check
from genescribe.language.gene_model import KINDS, PROTEIN_CODING, End, GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import (
    BOS,
    END,
    EOS,
    KIND_OF_TOKEN,
    KIND_TOKEN,
    LEFT,
    NO_POSITION,
    OPEN,
    OPEN_INTRON,
    PAD,
    RIGHT,
    STRAND_OF_TOKEN,
    STRAND_TOKEN,
)

Rejected = list[tuple[GeneModel, str]]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A window's annotation as the decoder writes it.

    Attributes:
        tokens: (S,) int64, from BOS to EOS.
        positions: (S,) int64: where LEFT and RIGHT point in the window, -1 elsewhere.
        accepted: the models that were written, in the order of writing.
        rejected: the models that were not, with the reason.
    """

    tokens: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    accepted: list[GeneModel]
    rejected: Rejected


def order_key(model: GeneModel, length: int) -> tuple[int, int, int, int]:
    """The key by which genes are written: left end, right end, strand, kind.

    A left end past the edge of the window of `length` bases comes before all others, a right end past it
    after all. In one window no two genes are written with the same key.
    """
    left = model.start if model.left is End.CLOSED else -1
    right = model.end if model.right is End.CLOSED else length + 1
    return left, right, int(model.strand == "-"), KINDS.index(model.kind)


def _full_key(model: GeneModel, length: int) -> tuple[object, ...]:
    """`order_key`, and for models with an equal one an order that is the same on the reverse complement."""
    own = model if model.strand == "+" else model.reverse_complement(length)
    return *order_key(model, length), own.segments, own.lead


def clip(
    models: Iterable[GeneModel],
    start: int,
    length: int,
    min_target: int = 60,
    circular_length: int | None = None,
) -> tuple[list[GeneModel], Rejected]:
    """Cut models to the window of `length` bases from `start`.

    A gene that is cut becomes OPEN where the edge's base is in a segment, else OPEN_INTRON. Models without a
    base in the window are dropped. An OPEN_INTRON end of a model on the sequence is taken to reach any edge
    beyond it.

    Args:
        models: models in the sequence's coordinates, complete or already open.
        start: the window's first base on the sequence.
        length: bases of the window that are on the sequence (without padding).
        min_target: fewest bases in segments inside the window, see `GrammarConfig`.
        circular_length: length of a circular sequence. Windows and models may then run over the origin; a
            model with both ends in the window but not its middle gives two.

    Returns:
        The models in the window's coordinates, in the order of writing, and those that are no targets, cut
        to the window likewise, with the reason: `partial_inside` (an end that is open, but not at the
        window's edge) or `short_in_window`.
    """
    kept: list[GeneModel] = []
    rejected: Rejected = []
    for model in models:
        for offset in _offsets(model, start, length, circular_length):
            cut, reason = _cut(model.shifted(offset - start), length)
            if cut is None:
                continue
            if reason is None and cut.length < min_target:
                reason = "short_in_window"
            if reason is None:
                kept.append(cut)
            else:
                rejected.append((cut, reason))
    kept.sort(key=lambda model: _full_key(model, length))
    return kept, rejected


def _offsets(model: GeneModel, start: int, length: int, circular_length: int | None) -> Iterable[int]:
    """Multiples of the circle by which the model is shifted to meet the window."""
    if circular_length is None:
        return (0,)
    first = (start - model.end) // circular_length + 1
    last = (start + length - 1 - model.start) // circular_length
    return (turn * circular_length for turn in range(first, last + 1))


def _cut(model: GeneModel, length: int) -> tuple[GeneModel | None, str | None]:
    """The part of a model in [0, length), if any, and `partial_inside` where that is the matter with it."""
    inside = tuple((max(a, 0), min(b, length)) for a, b in model.segments if a < length and b > 0)
    if not inside:
        return None, None
    if inside == model.segments and model.is_complete:
        return model, None
    cut_left, cut_right = model.start < 0, model.end > length
    reason = None
    if (model.left is End.OPEN and model.start > 0) or (model.right is End.OPEN and model.end < length):
        reason = "partial_inside"
    left, right = model.left, model.right
    if cut_left or left is not End.CLOSED:
        left = End.OPEN if inside[0][0] == 0 else left if reason else End.OPEN_INTRON
    if cut_right or right is not End.CLOSED:
        right = End.OPEN if inside[-1][1] == length else right if reason else End.OPEN_INTRON
    before = sum(min(b, 0) - a for a, b in model.segments if a < 0)
    lead = (model.lead + before) % 3 if model.kind == PROTEIN_CODING else 0
    return replace(model, segments=inside, left=left, right=right, lead=lead), reason


def encode(
    codes: Codes,
    models: Sequence[GeneModel],
    config: GrammarConfig,
    labels: bool = True,
    valid: int | None = None,
) -> Encoding:
    """Write models as tokens and pointers.

    Args:
        codes: base codes (L,) of the window.
        models: models in the window's coordinates, in any order; see `clip`.
        config: the grammar.
        labels: whether the models are reference annotation: all start codons that are accepted there count,
            and they may be short.
        valid: bases of the window before its padding; L if not given.
    """
    length = len(codes) if valid is None else valid
    accepted: list[GeneModel] = []
    rejected: Rejected = []
    tokens, positions = [BOS], [NO_POSITION]
    seen: set[tuple[int, int, int, int]] = set()
    for model in sorted(models, key=lambda model: _full_key(model, length)):
        reason = check(codes, model, config, labels=labels, valid=length)
        key = order_key(model, length)
        if reason is None and key in seen:
            reason = "same_extent"
        if reason is not None:
            rejected.append((model, reason))
            continue
        seen.add(key)
        accepted.append(model)
        for token, position in model_tokens(model):
            tokens.append(token)
            positions.append(position)
    tokens.append(EOS)
    positions.append(NO_POSITION)
    return Encoding(np.array(tokens, dtype=np.int64), np.array(positions, dtype=np.int64), accepted, rejected)


def model_tokens(model: GeneModel) -> list[tuple[int, int]]:
    """The (token, position) pairs of one model in a window, from STRAND to END."""
    pairs = [(STRAND_TOKEN[model.strand], NO_POSITION), (KIND_TOKEN[model.kind], NO_POSITION)]
    if model.left is End.OPEN_INTRON:
        pairs.append((OPEN_INTRON[model.lead], NO_POSITION))
    for index, (start, end) in enumerate(model.segments):
        if index == 0 and model.left is End.OPEN:
            pairs.append((OPEN[model.lead], NO_POSITION))
        else:
            pairs.append((LEFT, start))
        if index == len(model.segments) - 1 and model.right is End.OPEN:
            pairs.append((OPEN[model.trail], NO_POSITION))
        else:
            pairs.append((RIGHT, end - 1))
    if model.right is End.OPEN_INTRON:
        pairs.append((OPEN_INTRON[model.trail], NO_POSITION))
    pairs.append((END, NO_POSITION))
    return pairs


def decode(
    tokens: Sequence[int] | npt.NDArray[Any], positions: Sequence[int] | npt.NDArray[Any], length: int
) -> list[GeneModel]:
    """Read tokens and pointers as models of a window, the inverse of `encode`.

    Args:
        tokens: with or without BOS, EOS and PAD. A last gene without END is left out.
        positions: of the same length.
        length: bases of the window before its padding.

    Raises:
        ValueError: a token stands where the language has no place for it.
    """
    models: list[GeneModel] = []
    reader: _Reader | None = None
    for token, position in zip(map(int, tokens), map(int, positions), strict=True):
        if token == EOS:
            break
        if token in (BOS, PAD):
            continue
        if token in STRAND_OF_TOKEN and reader is None:
            reader = _Reader(STRAND_OF_TOKEN[token], length)
        elif reader is None:
            raise ValueError(f"token {token} between two genes")
        elif token == END:
            models.append(reader.finish())
            reader = None
        else:
            reader.read(token, position)
    return models


class _Reader:
    """The gene that `decode` is reading."""

    def __init__(self, strand: str, length: int) -> None:
        self.strand = strand
        self.length = length
        self.kind: str | None = None
        self.left = self.right = End.CLOSED
        self.lead = 0
        self.segments: list[tuple[int, int]] = []
        self.begin: int | None = None

    def read(self, token: int, position: int) -> None:
        """Take one token after STRAND and before END."""
        at_left = not self.segments and self.begin is None and self.left is End.CLOSED
        if token in KIND_OF_TOKEN and self.kind is None:
            self.kind = KIND_OF_TOKEN[token]
        elif self.kind is None or self.right is not End.CLOSED:
            raise ValueError(f"token {token} out of place")
        elif token == LEFT and self.begin is None:
            self.begin = position
        elif token == RIGHT and self.begin is not None:
            self._close(position + 1)
        elif token in OPEN and at_left:
            self.left, self.lead, self.begin = End.OPEN, OPEN.index(token), 0
        elif token in OPEN and self.begin is not None:
            self._close(self.length)
            self.right = End.OPEN
        elif token in OPEN_INTRON and at_left:
            self.left, self.lead = End.OPEN_INTRON, OPEN_INTRON.index(token)
        elif token in OPEN_INTRON and self.segments and self.begin is None:
            self.right = End.OPEN_INTRON
        else:
            raise ValueError(f"token {token} out of place")

    def _close(self, end: int) -> None:
        if self.begin is None or not 0 <= self.begin < end <= self.length:
            raise ValueError(f"segment from {self.begin} to {end} in a window of {self.length}")
        self.segments.append((self.begin, end))
        self.begin = None

    def finish(self) -> GeneModel:
        """The gene, at END."""
        if self.kind is None or not self.segments or self.begin is not None:
            raise ValueError("END of an unfinished gene")
        return GeneModel(self.kind, self.strand, tuple(self.segments), self.left, self.right, self.lead)
