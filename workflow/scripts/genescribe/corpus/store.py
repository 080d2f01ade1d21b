"""An opened corpus: pieces whose bases are read from the shards as they are asked for.

Needs numpy, safetensors and `language` alone, so that it runs on a bare GPU node.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

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
from genescribe.language.bases import Codes, N
from genescribe.language.gene_model import GeneModel
from genescribe.language.grammar import GrammarConfig


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
