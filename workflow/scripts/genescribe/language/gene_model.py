"""The one representation of a gene that the language, the corpus, the decoder and the scorer share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

PROTEIN_CODING = "protein_coding"
KINDS = (PROTEIN_CODING, "tRNA", "rRNA", "ncRNA", "tmRNA", "pseudogene")
RNA_KINDS = ("tRNA", "rRNA", "tmRNA")
"""Kinds of RNA genes that are scored, and that training may see more often."""


class End(Enum):
    """How a gene model ends on one side."""

    CLOSED = "closed"
    """The gene's own first or last base is here."""
    OPEN = "open"
    """The gene runs past the edge, and the edge lies inside a segment."""
    OPEN_INTRON = "open_intron"
    """The gene runs past the edge, and the edge lies in an intron."""


@dataclass(frozen=True, slots=True)
class GeneModel:
    """One gene model: the CDS segments of a protein-coding gene, the exons of an RNA gene.

    Coordinates are 0-based half-open, on a whole sequence or inside a window. On a circular sequence a model
    over the origin ends beyond the sequence's length. Everything reads left to right, whatever the strand.

    Attributes:
        kind: one of `KINDS`.
        strand: "+" or "-".
        segments: (start, end) pairs, ascending.
        left: how it ends on the left; OPEN means that the first segment begins at the edge.
        right: how it ends on the right; OPEN means that the last segment stops at the edge.
        lead: bases of the leftmost codon that lie before the first segment: 0, 1 or 2, counted from left to
            right on either strand. 0 unless `left` is open and the kind is protein_coding.
    """

    kind: str
    strand: str
    segments: tuple[tuple[int, int], ...]
    left: End = End.CLOSED
    right: End = End.CLOSED
    lead: int = 0

    @property
    def start(self) -> int:
        """First base of the first segment."""
        return self.segments[0][0]

    @property
    def end(self) -> int:
        """One past the last base of the last segment."""
        return self.segments[-1][1]

    @property
    def length(self) -> int:
        """Bases in segments."""
        return sum(end - start for start, end in self.segments)

    @property
    def trail(self) -> int:
        """Codon position at the right side: bases of an unfinished codon after the last base, 0, 1 or 2."""
        return (self.lead + self.length) % 3 if self.kind == PROTEIN_CODING else 0

    @property
    def is_complete(self) -> bool:
        """Whether both ends are the gene's own."""
        return self.left is End.CLOSED and self.right is End.CLOSED

    @property
    def phases(self) -> tuple[int, ...]:
        """GFF3 phase of each segment, left to right: bases to skip, on its strand, to the next codon."""
        if self.kind != PROTEIN_CODING:
            return tuple(0 for _ in self.segments)
        phases = []
        position = self.lead
        for start, end in self.segments:
            after = (position + end - start) % 3
            # Plus: skip what is left of a begun codon. Minus: the reading begins at the right side, where
            # `after` bases belong to a codon that goes on further right.
            phases.append(-position % 3 if self.strand == "+" else after)
            position = after
        return tuple(phases)

    def shifted(self, offset: int) -> GeneModel:
        """The same model with `offset` added to every coordinate."""
        return replace(self, segments=tuple((start + offset, end + offset) for start, end in self.segments))

    def reverse_complement(self, length: int) -> GeneModel:
        """The mirror of this model on the reverse complement of a sequence or window of `length` bases."""
        return GeneModel(
            kind=self.kind,
            strand="-" if self.strand == "+" else "+",
            segments=tuple((length - end, length - start) for start, end in reversed(self.segments)),
            left=self.right,
            right=self.left,
            lead=-self.trail % 3,
        )
