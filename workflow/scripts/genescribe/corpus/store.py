"""An opened corpus: pieces whose bases are read from the shards as they are asked for.

Needs numpy and `language` alone, so that it runs on a bare GPU node.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

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
from genescribe.language.gene_model import KINDS, RNA_KINDS, GeneModel
from genescribe.language.grammar import GrammarConfig

Side = Literal["left", "right"]
Rows = npt.NDArray[Any]
_TYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("<u1"), "I64": np.dtype("<i8")}
_SEARCHED = 512
"""Rows that are read at once at the end of a search."""


class Shard:
    """One shard on disk. Rows are read when windows ask for them and never kept, so that memory does not grow
    with the corpus; they are not mapped either, for mapped pages would count as memory of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb", buffering=0)
            size = int.from_bytes(self._file.read(8), "little")
            header = json.loads(self._file.read(size))
            # Name -> place of the first row in the file, type, shape of a row.
            self._arrays = {
                name: (
                    8 + size + header[name]["data_offsets"][0],
                    _TYPES[header[name]["dtype"]],
                    tuple(header[name]["shape"][1:]),
                )
                for name in ARRAYS
            }
        except (OSError, ValueError, KeyError, TypeError, IndexError, MemoryError) as error:
            raise InputError(f"not a shard ({error!r}); build the corpus again", path) from error

    def __reduce__(self) -> tuple[type[Shard], tuple[Path]]:
        # Worker processes that are not forked open the file again.
        return Shard, (self.path,)

    def rows(self, name: str, first: int, last: int) -> Rows:
        """Rows [first, last) of an array."""
        place, dtype, shape = self._arrays[name]
        width = dtype.itemsize * math.prod(shape)
        # Unlike seek and read, this leaves no position behind that forked processes would share.
        data = os.pread(self._file.fileno(), (last - first) * width, place + first * width)
        return np.frombuffer(data, dtype).reshape(last - first, *shape)

    def search(self, name: str, column: int, first: int, last: int, value: int, side: Side) -> int:
        """Where `value` belongs among rows [first, last) whose `column` ascends, as `numpy.searchsorted`."""
        low, high = first, last
        while high - low > _SEARCHED:
            middle = (low + high) // 2
            probe = self.rows(name, middle, middle + 1)[0, column]
            if probe < value or (side == "right" and probe == value):
                low = middle + 1
            else:
                high = middle
        return low + int(np.searchsorted(self.rows(name, low, high)[:, column], value, side=side))

    def codes(self, first_byte: int, start: int, end: int) -> Codes:
        """Base codes [start, end) of the piece whose bytes begin at `first_byte`, N runs not yet put in."""
        packed = self.rows("bases", first_byte + start // 4, first_byte + -(-end // 4))
        return unpack(packed, start % 4, end - start)

    def genes(self, first: int, last: int, offset: int) -> list[GeneModel]:
        """Genes [first, last), with `offset` added to their coordinates."""
        arrays = {
            name: self.rows(name, first, last)
            for name in ("gene_kind", "gene_strand", "gene_left", "gene_right", "gene_lead")
        }
        segments = self.rows("gene_first_segment", first, last + 1)
        arrays["gene_first_segment"] = segments - segments[0]
        arrays["segments"] = self.rows("segments", int(segments[0]), int(segments[-1]))
        return [gene_at(arrays, index, offset) for index in range(last - first)]


class Piece:
    """A contiguous piece of sequence with its genes and masked intervals."""

    def __init__(self, entry: PieceEntry, shard: Shard, grammar: GrammarConfig) -> None:
        self.entry = entry
        self.grammar = grammar
        self._shard = shard

    def __len__(self) -> int:
        return self.entry.length

    @property
    def gene_count(self) -> int:
        """Genes in the piece."""
        return self.entry.genes[1] - self.entry.genes[0]

    def gene_span(self, index: int) -> tuple[int, int]:
        """First base and one past the last of gene `index`, in the piece's coordinates."""
        (gene,) = self._shard.genes(self.entry.genes[0] + index, self.entry.genes[0] + index + 1, 0)
        return gene.start, gene.end

    @cached_property
    def rna_genes(self) -> Rows:
        """Indices (RNA genes,) of tRNA, rRNA and tmRNA genes among the piece's, ascending; few, so that they
        are kept."""
        kinds = self._shard.rows("gene_kind", *self.entry.genes)
        return np.flatnonzero(np.isin(kinds, [KINDS.index(kind) for kind in RNA_KINDS]))

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
        for first, last in self._overlapping("n_runs", self.entry.n_runs, start, length):
            codes[first:last] = N
        return codes

    def _overlapping(
        self, name: str, rows: tuple[int, int], start: int, length: int
    ) -> Iterator[tuple[int, int]]:
        """Parts of sorted disjoint intervals inside a window, in its coordinates."""
        if rows[0] == rows[1]:
            return
        for turn in self._turns():
            first = self._shard.search(name, 1, *rows, start - turn, "right")
            last = self._shard.search(name, 0, *rows, start + length - turn, "left")
            if first < last:
                for left, right in (self._shard.rows(name, first, last) + (turn - start)).tolist():
                    yield max(left, 0), min(right, length)

    def masked(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        """Masked intervals of a window, in its coordinates."""
        return self._overlapping("masked", self.entry.masked, start, length)

    def genes(self, start: int, length: int) -> list[GeneModel]:
        """Genes with a base or an intron in a window, whole, in the window's coordinates."""
        found: list[GeneModel] = []
        for turn in self._turns():
            first = self._shard.search("gene_reach", 1, *self.entry.genes, start - turn, "right")
            last = self._shard.search("gene_reach", 0, *self.entry.genes, start + length - turn, "left")
            if first < last:
                found += [gene for gene in self._shard.genes(first, last, turn - start) if gene.end > 0]
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
