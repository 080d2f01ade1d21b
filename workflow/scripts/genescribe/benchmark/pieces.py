"""Cutting sequences into overlapping pieces for gene finders, without cutting genes.

A piece is a core and a margin on either side. The cores tile what is asked for; a finder sees the whole
piece, and a gene counts in the one piece whose core holds its midpoint. Where the pieces lie depends on
lengths alone: neither on the number of threads nor on the reference annotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from genescribe.genomes.regions import Region
from genescribe.language.gene_model import GeneModel


@dataclass(frozen=True, slots=True)
class Piece:
    """Bases `start` to `end` of a sequence; `core_start` to `core_end` are its own. 0-based half-open."""

    seqid: str
    start: int
    end: int
    core_start: int
    core_end: int

    def owns(self, model: GeneModel) -> bool:
        """Whether the midpoint of a model, in coordinates of the sequence, lies in the core."""
        return self.core_start <= (model.start + model.end) // 2 < self.core_end


def cut(
    lengths: Mapping[str, int], core: int, margin: int, regions: Sequence[Region] | None = None
) -> list[Piece]:
    """Pieces whose cores tile the regions (whole sequences if None), in that order.

    Args:
        lengths: length of each sequence.
        core: longest core; a region is cut into cores of equal length, give or take one base.
        margin: bases on either side of a core, as far as the sequence goes; beyond a region's border, too.
        regions: what to cover.
    """
    asked = [Region(seqid, 0, length) for seqid, length in lengths.items()] if regions is None else regions
    pieces = []
    for region in asked:
        count = max(1, -(-len(region) // core))
        edges = [region.start + len(region) * index // count for index in range(count + 1)]
        for first, last in pairwise(edges):
            end = min(lengths[region.seqid], last + margin)
            pieces.append(Piece(region.seqid, max(0, first - margin), end, first, last))
    return pieces
