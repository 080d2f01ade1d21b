"""What a shard holds: contiguous pieces of sequence at 2 bits a base, their gene tables and what is masked.

A shard is one safetensors file with the arrays of `ARRAYS`, each the concatenation over its pieces; the
manifest says which rows belong to which piece (`PieceEntry`). Coordinates are 0-based half-open from the
piece's first base. On a circular piece a gene over the origin ends beyond the piece's length; masked
intervals never do, they are cut in two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genescribe.language.bases import Codes, N
from genescribe.language.gene_model import KINDS, End, GeneModel

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
ARRAYS = (
    "bases", "n_runs", "masked", "gene_kind", "gene_strand", "gene_left", "gene_right", "gene_lead",
    "gene_first_segment", "gene_reach", "segments",
)  # fmt: skip
"""bases uint8 (bytes,) four bases a byte; n_runs, masked, segments int64 (rows, 2); gene_* (genes,), of which
gene_first_segment int64 (genes + 1,) indexes `segments` within the shard, and gene_reach int64 (genes, 2)
holds the first base of a gene and the furthest end of it and those before it in its piece: both ascend, so
that they can be searched."""

_ENDS = (End.CLOSED, End.OPEN, End.OPEN_INTRON)
_STRANDS = "+-"
_SHIFTS = np.array([0, 2, 4, 6], dtype=np.uint8)
_BYTE_TO_CODES = np.arange(256, dtype=np.uint8)[:, None] >> _SHIFTS & np.uint8(3)

Intervals = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PieceEntry:
    """Where one piece comes from and which rows of its shard's arrays are its own.

    Attributes:
        genome: name of the genome.
        seqid: the sequence.
        start: first base on the sequence.
        length: bases.
        circular: whether this is a whole circular sequence, so that windows wrap past its end.
        genetic_code: NCBI number.
        introns: whether genes may have introns (eukaryotes).
        doubtful_starts: whether the annotation's start codons are to be trusted less.
        kinds: gene kinds that this genome's annotation has at all.
        bases, n_runs, masked, genes: (first, last + 1) row of the arrays.
    """

    genome: str
    seqid: str
    start: int
    length: int
    circular: bool
    genetic_code: int
    introns: bool
    doubtful_starts: bool
    kinds: tuple[str, ...]
    bases: tuple[int, int]
    n_runs: tuple[int, int]
    masked: tuple[int, int]
    genes: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """This entry for the manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> PieceEntry:
        """An entry of the manifest. Raises TypeError or KeyError when it is none."""
        lists = ("kinds", "bases", "n_runs", "masked", "genes")
        values: dict[str, Any] = {
            key: tuple(value) if key in lists else value for key, value in entry.items()
        }
        return cls(**values)


def pack(codes: Codes) -> npt.NDArray[np.uint8]:
    """Base codes (L,) at 2 bits each, (ceil(L / 4),); an N becomes A, so its place must be kept aside."""
    padded = np.zeros(-(-len(codes) // 4) * 4, dtype=np.uint8)
    padded[: len(codes)] = codes
    padded[padded == N] = 0
    quads = padded.reshape(-1, 4)
    return (quads << _SHIFTS).sum(axis=1, dtype=np.uint8)


def unpack(packed: npt.NDArray[np.uint8], skip: int, length: int) -> Codes:
    """`length` base codes of packed bytes, after the first `skip` (0 to 3)."""
    return _BYTE_TO_CODES[packed].reshape(-1)[skip : skip + length]


def runs(flags: npt.NDArray[np.bool_]) -> Intervals:
    """Maximal runs of True in (L,), as (runs, 2)."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2).astype(np.int64)


def merge(intervals: Sequence[tuple[int, int]]) -> Intervals:
    """The union of intervals: sorted, disjoint and not touching, (rows, 2)."""
    merged: list[list[int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        elif end > start:
            merged.append([start, end])
    return np.array(merged, dtype=np.int64).reshape(-1, 2)


def gene_arrays(genes: Sequence[GeneModel]) -> dict[str, npt.NDArray[Any]]:
    """Gene models as flat arrays, named as in `ARRAYS`."""
    counts = [len(gene.segments) for gene in genes]
    segments = [segment for gene in genes for segment in gene.segments]
    return {
        "gene_kind": np.array([KINDS.index(gene.kind) for gene in genes], dtype=np.uint8),
        "gene_strand": np.array([_STRANDS.index(gene.strand) for gene in genes], dtype=np.uint8),
        "gene_left": np.array([_ENDS.index(gene.left) for gene in genes], dtype=np.uint8),
        "gene_right": np.array([_ENDS.index(gene.right) for gene in genes], dtype=np.uint8),
        "gene_lead": np.array([gene.lead for gene in genes], dtype=np.uint8),
        "gene_first_segment": np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
        "segments": np.array(segments, dtype=np.int64).reshape(-1, 2),
    }


def gene_reach(genes: Sequence[GeneModel]) -> Intervals:
    """First base of each gene of one piece, sorted by it, and the furthest end so far, (genes, 2)."""
    starts = np.array([gene.start for gene in genes], dtype=np.int64)
    ends = np.array([gene.end for gene in genes], dtype=np.int64)
    return np.stack([starts, np.maximum.accumulate(ends)], axis=1)


def gene_at(arrays: dict[str, npt.NDArray[Any]], index: int, offset: int) -> GeneModel:
    """Gene `index` of flat arrays, with `offset` added to its coordinates."""
    first, last = arrays["gene_first_segment"][index], arrays["gene_first_segment"][index + 1]
    segments = (arrays["segments"][first:last] + offset).tolist()
    return GeneModel(
        kind=KINDS[arrays["gene_kind"][index]],
        strand=_STRANDS[arrays["gene_strand"][index]],
        segments=tuple((start, end) for start, end in segments),
        left=_ENDS[arrays["gene_left"][index]],
        right=_ENDS[arrays["gene_right"][index]],
        lead=int(arrays["gene_lead"][index]),
    )
