"""Reading shards: training windows as a pure function of (seed, index), validation windows in order.

Needs numpy, safetensors and `language` alone, so that it runs on a bare GPU node.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from genescribe.corpus.labels import MASKED, dense_labels
from genescribe.corpus.shard_format import (
    ARRAYS,
    FORMAT_VERSION,
    MANIFEST,
    PieceEntry,
    gene_at,
    unpack,
)
from genescribe.errors import InputError
from genescribe.files import sha256
from genescribe.language.bases import Codes, N, reverse_complement
from genescribe.language.codec import clip, encode
from genescribe.language.gene_model import KINDS, GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import NO_POSITION, PAD

Batch = dict[str, npt.NDArray[Any]]

_STILL_TRUE = ("short_in_window", "same_extent")
"""Reasons for which a gene is no target of the decoder although its dense labels hold."""


class Shard:
    """One opened shard: bases are read from the file as windows ask for them, the tables are held in
    memory."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = safe_open(str(path), framework="numpy")
            self._bases = self._file.get_slice("bases")
            self.arrays = {key: self._file.get_tensor(key) for key in ARRAYS if key != "bases"}
        except (SafetensorError, OSError) as error:
            raise InputError(f"not a shard ({error}); build the corpus again", path) from error

    def codes(self, first_byte: int, start: int, end: int) -> Codes:
        """Base codes [start, end) of the piece whose bytes begin at `first_byte`, N runs not yet put in."""
        packed = self._bases[first_byte + start // 4 : first_byte + -(-end // 4)]
        return unpack(packed, start % 4, end - start)


class Piece:
    """A contiguous piece of sequence with its genes and masked intervals."""

    def __init__(self, entry: PieceEntry, shard: Shard, grammar: GrammarConfig) -> None:
        self.entry = entry
        self.grammar = grammar
        self._shard = shard

    def __len__(self) -> int:
        return self.entry.length

    @cached_property
    def _n_runs(self) -> npt.NDArray[np.int64]:
        return self._shard.arrays["n_runs"][slice(*self.entry.n_runs)]

    @cached_property
    def _masked(self) -> npt.NDArray[np.int64]:
        return self._shard.arrays["masked"][slice(*self.entry.masked)]

    @cached_property
    def gene_spans(self) -> npt.NDArray[np.int64]:
        """First base and one past the last of each gene, sorted by first base, (genes, 2)."""
        arrays = self._shard.arrays
        rows = arrays["gene_first_segment"][self.entry.genes[0] : self.entry.genes[1] + 1]
        return np.stack([arrays["segments"][rows[:-1], 0], arrays["segments"][rows[1:] - 1, 1]], axis=1)

    @cached_property
    def _reach(self) -> npt.NDArray[np.int64]:
        """The furthest end of each gene and those before it: ascending, so that it can be searched."""
        return np.maximum.accumulate(self.gene_spans[:, 1])

    def _turns(self) -> tuple[int, ...]:
        """Offsets at which features are seen: once around either way on a circular piece."""
        return (-len(self), 0, len(self)) if self.entry.circular else (0,)

    def codes(self, start: int, length: int) -> Codes:
        """Base codes of a window. On a circular piece it may reach past the end, over the origin."""
        end = start + length
        first_byte = self.entry.bases[0]
        codes = self._shard.codes(first_byte, start, min(end, len(self)))
        if end > len(self):
            codes = np.concatenate([codes, self._shard.codes(first_byte, 0, end - len(self))])
        for first, last in self._overlapping(self._n_runs, start, length):
            codes[first:last] = N
        return codes

    def _overlapping(
        self, intervals: npt.NDArray[np.int64], start: int, length: int
    ) -> Iterator[tuple[int, int]]:
        """Parts of sorted disjoint intervals inside a window, in its coordinates."""
        if not len(intervals):
            return
        for turn in self._turns():
            first = np.searchsorted(intervals[:, 1], start - turn, side="right")
            last = np.searchsorted(intervals[:, 0], start + length - turn, side="left")
            for left, right in (intervals[first:last] + (turn - start)).tolist():
                yield max(left, 0), min(right, length)

    def masked(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        """Masked intervals of a window, in its coordinates."""
        return self._overlapping(self._masked, start, length)

    def genes(self, start: int, length: int) -> list[GeneModel]:
        """Genes with a base or an intron in a window, whole, in the window's coordinates."""
        found = []
        spans = self.gene_spans
        for turn in self._turns():
            first = np.searchsorted(self._reach, start - turn, side="right")
            last = np.searchsorted(spans[:, 0], start + length - turn, side="left")
            for index in range(int(first), int(last)):
                if spans[index, 1] > start - turn:
                    row = self.entry.genes[0] + index
                    found.append(gene_at(self._shard.arrays, row, turn - start))
        return found

    def window_length(self, start: int, window: int) -> int:
        """Bases really there in a window of nominal length `window` that begins at `start`."""
        return min(window, len(self) if self.entry.circular else len(self) - start)


@dataclass(frozen=True)
class Corpus:
    """A folder of shards, opened.

    Attributes:
        folder: where it lies.
        manifest: as written by `genescribe shards`.
        pieces: in the order of the manifest.
    """

    folder: Path
    manifest: Mapping[str, Any]
    pieces: tuple[Piece, ...]

    @classmethod
    def open(cls, folder: str | Path) -> Corpus:
        """Open a corpus and verify the digest of every shard.

        Raises:
            InputError: the manifest is missing or of another version, or a shard is missing or damaged.
        """
        folder = Path(folder)
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text())
        except FileNotFoundError as error:
            raise InputError("no manifest.json: not a corpus folder", folder) from error
        except ValueError as error:
            raise InputError("not JSON; build the corpus again", path) from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_VERSION:
            raise InputError(f"not a corpus of format {FORMAT_VERSION}; build it again", path)
        settings = dict(manifest["grammar"])
        settings["splice_sites"] = tuple(tuple(pair) for pair in settings["splice_sites"])
        settings["kinds"] = tuple(settings["kinds"])

        @cache
        def grammar(genetic_code: int, introns: bool) -> GrammarConfig:
            return GrammarConfig(genetic_code=genetic_code, introns=introns, **settings)

        pieces = []
        for shard_entry in manifest["shards"]:
            shard_path = folder / shard_entry["file"]
            if not shard_path.is_file():
                raise InputError("the shard is missing; build the corpus again", shard_path)
            if sha256(shard_path) != shard_entry["sha256"]:
                raise InputError(
                    "the shard is damaged (its digest differs); build the corpus again", shard_path
                )
            shard = Shard(shard_path)
            for entry in map(PieceEntry.from_json, shard_entry["pieces"]):
                pieces.append(Piece(entry, shard, grammar(entry.genetic_code, entry.introns)))
        return cls(folder, manifest, tuple(pieces))

    @property
    def bases(self) -> int:
        """Bases in all pieces."""
        return sum(map(len, self.pieces))


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


def collate(rows: Sequence[Row], window: int) -> Batch:
    """Pad rows into arrays.

    Returns:
        codes (B, L) uint8, N beyond the window's real bases; valid (B,) int64, the number of real bases;
        tokens (B, S) int64, BOS ... EOS, then PAD; positions (B, S) int64, -1 where a token points nowhere;
        frame_class (B, L) int8, -1 = masked; boundary (B, L) uint8, a bit field; loss_mask (B, L) bool,
        False = masked or beyond the end; weight (B,) float32; genetic_code (B,) int64; introns (B,) bool;
        doubtful_starts (B,) bool; annotated_kinds (B, kinds) bool, in the order of `KINDS`.
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
    return batch


class WindowSampler:
    """Random training windows. Sample `index` is a pure function of (corpus, window, seed, index).

    A piece is drawn by its length, then an offset: any offset, not multiples of anything; on a linear piece
    so that at least half of the window is real, as the last window of an annotation run may be. Then a
    strand.

    Args:
        corpus: where from.
        window: nominal length in bases.
        batch: windows in a batch.
        seed: of all draws.
        gene_fraction: share of the windows of pieces with introns that are drawn so as to hold a given
            random gene. The weight of a window is its natural density over the density that it was drawn
            with, so that a weighted mean over windows is the natural one. Pieces without introns keep their
            natural share of empty windows.
    """

    def __init__(
        self, corpus: Corpus, window: int, batch: int, seed: int, *, gene_fraction: float = 0.5
    ) -> None:
        self.corpus, self.window, self.batch_size = corpus, window, batch
        self.seed, self.gene_fraction = seed, gene_fraction
        self._piece_ends = np.cumsum([len(piece) for piece in corpus.pieces])

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
        share = float((1.0 / (around[:, 1] - around[:, 0])).sum()) / len(piece.gene_spans)
        return 1.0 / (1.0 - self.gene_fraction + self.gene_fraction * self._offsets(piece) * share)

    def draw(self, index: int) -> tuple[int, int, bool, float]:
        """Piece, offset, whether the minus strand is read, and weight of sample `index`."""
        random = np.random.Generator(np.random.Philox(key=[self.seed, index]))
        at_piece, of_gene, at_gene, at_offset, strand = random.random(5)
        number = int(np.searchsorted(self._piece_ends, int(at_piece * self._piece_ends[-1]), side="right"))
        piece = self.corpus.pieces[number]
        first, last = 0, self._offsets(piece)
        weight = 1.0
        weighted = piece.entry.introns and self.gene_fraction > 0 and len(piece.gene_spans) > 0
        if weighted and of_gene < self.gene_fraction:
            gene = int(at_gene * len(piece.gene_spans))
            first, last = self._around(piece, piece.gene_spans[gene : gene + 1])[0].tolist()
        start = (first + int(at_offset * (last - first))) % len(piece)
        if weighted:
            weight = self._weight(piece, start)
        return number, start, bool(strand < 0.5), weight

    def rows(self, indices: Sequence[int]) -> Batch:
        """The samples with these indices as a batch (see `collate`), for batches that grow or are shared
        out."""
        rows = []
        for index in indices:
            number, start, reverse, weight = self.draw(index)
            piece = self.corpus.pieces[number]
            rows.append(cut(piece, start, self.window, reverse=reverse, weight=weight))
        return collate(rows, self.window)

    def batch(self, step: int) -> Batch:
        """Batch of samples step * batch ... (step + 1) * batch - 1."""
        return self.rows(range(step * self.batch_size, (step + 1) * self.batch_size))


class ValidationWindows:
    """All windows of a corpus on a fixed grid, plus strand, in order.

    Args:
        corpus: where from.
        window: nominal length in bases.
        stride: distance of windows; the default puts them side by side.
    """

    def __init__(self, corpus: Corpus, window: int, stride: int | None = None) -> None:
        self.corpus, self.window = corpus, window
        self.places = [
            (number, start)
            for number, piece in enumerate(corpus.pieces)
            for start in range(0, len(piece), stride or window)
        ]

    def __len__(self) -> int:
        return len(self.places)

    def rows(self, indices: Iterable[int]) -> Batch:
        """The windows with these indices as a batch (see `collate`)."""
        places = (self.places[index] for index in indices)
        return collate([cut(self.corpus.pieces[n], start, self.window) for n, start in places], self.window)

    def batches(self, size: int) -> Iterator[Batch]:
        """All windows in order."""
        for first in range(0, len(self), size):
            yield self.rows(range(first, min(first + size, len(self))))
