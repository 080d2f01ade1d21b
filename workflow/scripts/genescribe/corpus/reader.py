"""Windows of a corpus: training windows as a pure function of (seed, index), validation windows in order.

Needs numpy, safetensors and `language` alone, so that it runs on a bare GPU node.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genescribe.corpus.labels import MASKED, dense_labels
from genescribe.corpus.shuffling import shuffled_codes
from genescribe.corpus.store import Corpus, Piece
from genescribe.errors import InputError
from genescribe.language.bases import Codes, N, reverse_complement
from genescribe.language.bpe import BpeTokenizer, BpeTokens, padded
from genescribe.language.codec import clip, encode
from genescribe.language.gene_model import KINDS
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import NO_POSITION, PAD

__all__ = ["Batch", "Corpus", "Piece", "Row", "ValidationWindows", "WindowSampler", "collate", "cut"]

Batch = dict[str, npt.NDArray[Any]]

_STILL_TRUE = ("short_in_window", "same_extent")
"""Reasons for which a gene is no target of the decoder although its dense labels hold."""


@dataclass(frozen=True)
class Row:
    """One window before it is padded into a batch."""

    codes: Codes
    tokens: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    frame_class: npt.NDArray[np.int8]
    boundary: npt.NDArray[np.uint8]
    loss_mask: npt.NDArray[np.bool_]
    genetic_code: int
    introns: bool
    doubtful_starts: bool
    kinds: tuple[str, ...]
    weight: float


def cut(piece: Piece, start: int, window: int, *, reverse: bool = False, weight: float = 1.0) -> Row:
    """Cut one window and encode it. Genes that the language cannot express in this window are masked."""
    length = piece.window_length(start, window)
    codes = piece.codes(start, length)
    genes = piece.genes(start, length)
    masked = list(piece.masked(start, length))
    if reverse:
        codes = np.ascontiguousarray(reverse_complement(codes))
        genes = [gene.reverse_complement(length) for gene in genes]
        masked = [(length - end, length - first) for first, end in masked]
    frame_class, boundary = dense_labels(genes, length)
    models, no_targets = clip(genes, 0, length, piece.grammar.min_target)
    encoding = encode(codes, models, piece.grammar)
    masked += [
        (gene.start, gene.end)
        for gene, reason in (*no_targets, *encoding.rejected)
        if reason not in _STILL_TRUE
    ]
    loss_mask = np.ones(length, dtype=bool)
    for first, last in masked:
        loss_mask[first:last] = False
    frame_class[~loss_mask] = MASKED
    entry = piece.entry
    return Row(
        codes=codes,
        tokens=encoding.tokens,
        positions=encoding.positions,
        frame_class=frame_class,
        boundary=boundary,
        loss_mask=loss_mask,
        genetic_code=entry.genetic_code,
        introns=entry.introns,
        doubtful_starts=entry.doubtful_starts,
        kinds=entry.kinds,
        weight=weight,
    )


def collate(rows: Sequence[Row], window: int, tokenizer: BpeTokenizer | None = None) -> Batch:
    """Pad rows into arrays.

    Returns:
        codes (B, L) uint8, N beyond the window's real bases; valid (B,) int64, the number of real bases;
        tokens (B, S) int64, BOS ... EOS, then PAD; positions (B, S) int64, -1 where a token points nowhere;
        frame_class (B, L) int8, -1 = masked; boundary (B, L) uint8, a bit field; loss_mask (B, L) bool,
        False = masked or beyond the end; weight (B,) float32; genetic_code (B,) int64; introns (B,) bool;
        doubtful_starts (B,) bool; annotated_kinds (B, kinds) bool, in the order of `KINDS`.
        With a tokenizer also input_ids (B, T) int64, BPE tokens of the real bases, then [PAD], and
        input_bases (B, T) int64, how many bases each stands for.
    """
    size = len(rows)
    width = max(len(row.tokens) for row in rows)
    batch: Batch = {
        "codes": np.full((size, window), N, dtype=np.uint8),
        "valid": np.array([len(row.codes) for row in rows], dtype=np.int64),
        "tokens": np.full((size, width), PAD, dtype=np.int64),
        "positions": np.full((size, width), NO_POSITION, dtype=np.int64),
        "frame_class": np.full((size, window), MASKED, dtype=np.int8),
        "boundary": np.zeros((size, window), dtype=np.uint8),
        "loss_mask": np.zeros((size, window), dtype=bool),
        "weight": np.array([row.weight for row in rows], dtype=np.float32),
        "genetic_code": np.array([row.genetic_code for row in rows], dtype=np.int64),
        "introns": np.array([row.introns for row in rows], dtype=bool),
        "doubtful_starts": np.array([row.doubtful_starts for row in rows], dtype=bool),
        "annotated_kinds": np.array([[kind in row.kinds for kind in KINDS] for row in rows], dtype=bool),
    }
    for index, row in enumerate(rows):
        for key in ("codes", "tokens", "positions", "frame_class", "boundary", "loss_mask"):
            values = getattr(row, key)
            batch[key][index, : len(values)] = values
    if tokenizer is not None:
        batch["input_ids"], batch["input_bases"] = padded([tokenizer.tokens(row.codes) for row in rows])
    return batch


def piece_shares(pieces: Sequence[Piece], least_code_share: float = 0.0) -> list[float]:
    """How often each piece is drawn: by its length, but so that the pieces of every genetic code together
    have at least a given share. In units of bases: without a least share these are the lengths themselves.

    Raises:
        InputError: the corpus has more genetic codes than there is room for.
    """
    of_code = Counter[int]()
    for piece in pieces:
        of_code[piece.entry.genetic_code] += len(piece)
    if least_code_share * len(of_code) > 1:
        raise InputError(
            f"training.least_code_share is {least_code_share}, but there are {len(of_code)} genetic codes"
            f": take {math.floor(100 / len(of_code)) / 100} or less"
        )
    everything = of_code.total()
    wanted = {code: float(bases) for code, bases in of_code.items()}
    raised: set[int] = set()
    # To raise one code lowers the others: again until none is below.
    while below := {code for code in wanted if wanted[code] < least_code_share * everything} - raised:
        raised |= below
        left = everything * (1 - least_code_share * len(raised))
        others = sum(bases for code, bases in of_code.items() if code not in raised)
        wanted = {
            code: least_code_share * everything if code in raised else bases * left / others
            for code, bases in of_code.items()
        }
    factor = {code: wanted[code] / of_code[code] for code in of_code}
    return [len(piece) * factor[piece.entry.genetic_code] for piece in pieces]


class WindowSampler:
    """Random training windows. Sample `index` is a pure function of (corpus, window, seed, index).

    A piece is drawn by its length (and its genetic code, see `piece_shares`), then an offset: any offset, not
    multiples of anything; on a linear piece so that at least half of the window is real, as the last window
    of an annotation run may be. Then a strand.

    Args:
        corpus: where from.
        window: nominal length in bases.
        batch: windows in a batch.
        seed: of all draws.
        gene_fraction: share of the windows of pieces with introns that are drawn so as to hold a given
            random gene. The weight of a window is its natural density over the density that it was drawn
            with, so that a weighted mean over windows is the natural one. Pieces without introns keep their
            natural share of empty windows.
        rna_fraction: share of the windows of pieces without introns that are drawn so as to hold a given
            random RNA gene. These keep the weight 1: RNA genes are few, and are to be learnt sooner than
            their number would have it.
        least_code_share: every genetic code of the corpus gets at least this share of the windows.
        shuffled_synonyms, shuffled: largest shares of codons and bases that change places, see
            `corpus.shuffling`; the shares of a window are drawn evenly from 0 to these.
        tokenizer: of an encoder that reads BPE tokens.
    """

    def __init__(
        self,
        corpus: Corpus,
        window: int,
        batch: int,
        seed: int,
        *,
        gene_fraction: float = 0.5,
        rna_fraction: float = 0.0,
        least_code_share: float = 0.0,
        shuffled_synonyms: float = 0.0,
        shuffled: float = 0.0,
        tokenizer: BpeTokenizer | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.corpus, self.window, self.batch_size = corpus, window, batch
        self.seed, self.gene_fraction, self.rna_fraction = seed, gene_fraction, rna_fraction
        self.largest_shares = np.array([shuffled_synonyms, shuffled])
        self._piece_ends = np.cumsum(piece_shares(corpus.pieces, least_code_share))

    def _offsets(self, piece: Piece) -> int:
        """Number of offsets at which a window may begin."""
        return len(piece) if piece.entry.circular else max(len(piece) - self.window // 2, 1)

    def _around(self, piece: Piece, spans: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """First and one past the last offset of windows that overlap genes (genes, 2) -> (genes, 2)."""
        offsets = self._offsets(piece)
        if piece.entry.circular:
            # Offsets are taken modulo the length; a gene and a window together may be longer than the circle.
            first = spans[:, 0] - min(self.window, len(piece)) + 1
            return np.stack([first, np.minimum(spans[:, 1], first + len(piece))], axis=1)
        last = np.clip(spans[:, 1], 1, offsets)
        return np.stack([np.clip(spans[:, 0] - self.window + 1, 0, last - 1), last], axis=1)

    def _weight(self, piece: Piece, start: int) -> float:
        """Natural density of an offset over the density with which genes' windows are drawn."""
        genes = piece.genes(start, piece.window_length(start, self.window))
        # A long gene of a small circle may meet a window twice.
        spans = {((gene.start + start) % len(piece), gene.end - gene.start) for gene in genes}
        around = self._around(
            piece, np.array([(first, first + size) for first, size in sorted(spans)]).reshape(-1, 2)
        )
        share = float((1.0 / (around[:, 1] - around[:, 0])).sum()) / piece.gene_count
        return 1.0 / (1.0 - self.gene_fraction + self.gene_fraction * self._offsets(piece) * share)

    def draw(self, index: int) -> tuple[int, int, bool, float]:
        """Piece, offset, whether the minus strand is read, and weight of sample `index`."""
        random = np.random.Generator(np.random.Philox(key=[self.seed, index]))
        at_piece, of_gene, at_gene, at_offset, strand, of_rna = random.random(6)
        number = int(np.searchsorted(self._piece_ends, int(at_piece * self._piece_ends[-1]), side="right"))
        piece = self.corpus.pieces[number]
        first, last = 0, self._offsets(piece)
        weight = 1.0
        weighted = piece.entry.introns and self.gene_fraction > 0 and piece.gene_count > 0
        gene = None
        if weighted and of_gene < self.gene_fraction:
            gene = int(at_gene * piece.gene_count)
        elif not piece.entry.introns and of_rna < self.rna_fraction and len(piece.rna_genes):
            gene = int(piece.rna_genes[int(at_gene * len(piece.rna_genes))])
        if gene is not None:
            first, last = self._around(piece, np.array([piece.gene_span(gene)]))[0].tolist()
        start = (first + int(at_offset * (last - first))) % len(piece)
        if weighted:
            weight = self._weight(piece, start)
        return number, start, bool(strand < 0.5), weight

    def length(self, index: int) -> int:
        """Bases really there in the window of sample `index`."""
        number, start, _, _ = self.draw(index)
        return self.corpus.pieces[number].window_length(start, self.window)

    def sequence(self, index: int) -> tuple[Codes, float]:
        """Base codes of the window of sample `index`, without its genes; and its weight."""
        number, start, reverse, weight = self.draw(index)
        piece = self.corpus.pieces[number]
        codes = piece.codes(start, piece.window_length(start, self.window))
        return reverse_complement(codes) if reverse else codes, weight

    def input_tokens(self, index: int) -> BpeTokens:
        """BPE tokens of the window of sample `index`; the sampler must have a tokenizer."""
        assert self.tokenizer is not None
        codes = self._row(index).codes if self.largest_shares.any() else self.sequence(index)[0]
        return self.tokenizer.tokens(codes)

    def _row(self, index: int) -> Row:
        """The window of sample `index`, some of its codons and bases in other places if that is asked for."""
        number, start, reverse, weight = self.draw(index)
        row = cut(self.corpus.pieces[number], start, self.window, reverse=reverse, weight=weight)
        if not self.largest_shares.any():
            return row
        # The counter keeps these draws apart from those of `draw`, which have the same key.
        random = np.random.Generator(np.random.Philox(key=[self.seed, index], counter=[0, 0, 0, 2]))
        synonyms, anything = self.largest_shares * random.random(2)
        codes = shuffled_codes(
            row.codes, row.frame_class, row.boundary, row.genetic_code, synonyms, anything, random
        )
        return replace(row, codes=codes)

    def rows(self, indices: Sequence[int]) -> Batch:
        """The samples with these indices as a batch (see `collate`), for batches that grow or are shared
        out."""
        return collate([self._row(index) for index in indices], self.window, self.tokenizer)

    def batch(self, step: int) -> Batch:
        """Batch of samples step * batch ... (step + 1) * batch - 1."""
        return self.rows(range(step * self.batch_size, (step + 1) * self.batch_size))


class ValidationWindows:
    """All windows of a corpus on a fixed grid, plus strand, in order.

    Args:
        corpus: where from.
        window: nominal length in bases.
        stride: distance of windows; the default puts them side by side.
        tokenizer: of an encoder that reads BPE tokens.
    """

    def __init__(
        self,
        corpus: Corpus,
        window: int,
        stride: int | None = None,
        tokenizer: BpeTokenizer | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.corpus, self.window, self.stride = corpus, window, stride or window
        self._ends = np.cumsum([-(-len(piece) // self.stride) for piece in corpus.pieces])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _place(self, index: int) -> tuple[Piece, int]:
        number = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[number - 1]) if number else 0
        return self.corpus.pieces[number], (index - before) * self.stride

    def sequence(self, index: int) -> tuple[Codes, float]:
        """Base codes of the window with this index, without its genes; and its weight."""
        piece, start = self._place(index)
        return piece.codes(start, piece.window_length(start, self.window)), 1.0

    def rows(self, indices: Iterable[int]) -> Batch:
        """The windows with these indices as a batch (see `collate`)."""
        rows = [cut(*self._place(index), self.window) for index in indices]
        return collate(rows, self.window, self.tokenizer)

    def grammar(self, index: int) -> GrammarConfig:
        """The grammar of the window with this index."""
        return self._place(index)[0].grammar

    def batches(self, size: int) -> Iterator[Batch]:
        """All windows in order."""
        for first in range(0, len(self), size):
            yield self.rows(range(first, min(first + size, len(self))))
