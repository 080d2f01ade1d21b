"""Dense labels per nucleotide for the auxiliary heads: frame and strand class, boundaries."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

MASKED = -1
INTERGENIC = 0
CODING = {"+": 1, "-": 4}
"""Class of codon position 0; positions 1 and 2 follow. Codon positions count left to right on either
strand."""
RNA = 7
INTRON = 8
FRAME_CLASSES = 9

LEFT_END = {"+": 0, "-": 4}
"""Boundary bit of a gene's own leftmost base: start codon on +, stop codon on -."""
RIGHT_END = {"+": 1, "-": 5}
"""Boundary bit of a gene's own rightmost base: stop codon on +, start codon on -."""
RIGHT_INNER = {"+": 2, "-": 6}
"""Last base before an intron: donor on +, acceptor on -."""
LEFT_INNER = {"+": 3, "-": 7}
"""First base after an intron: acceptor on +, donor on -."""
BOUNDARY_BITS = 8


def _codon_positions(first: int, count: int) -> npt.NDArray[np.int8]:
    return ((np.arange(count, dtype=np.int32) + first) % 3).astype(np.int8)


def dense_labels(
    genes: Iterable[GeneModel], length: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Labels of a window of `length` bases from genes in its coordinates, which may reach past its edges.

    Returns:
        frame class (L,): coding goes before RNA, RNA before intron. Bases where two coding genes overlap
        and differ in strand or codon position are `MASKED`.
        boundaries (L,): a bit field.
    """
    frame = np.zeros(length, dtype=np.int8)
    coding = np.zeros(length, dtype=np.int8)
    rna = np.zeros(length, dtype=bool)
    boundary = np.zeros(length, dtype=np.uint8)

    def mark(position: int, bit: int) -> None:
        if 0 <= position < length:
            boundary[position] |= 1 << bit

    for gene in genes:
        strand = gene.strand
        if gene.left is End.OPEN_INTRON:
            frame[: max(gene.start, 0)] = INTRON
        if gene.right is End.OPEN_INTRON:
            frame[max(gene.end, 0) :] = INTRON
        codon_position = gene.lead
        for index, (start, end) in enumerate(gene.segments):
            first, last = max(start, 0), min(end, length)
            if first < last and gene.kind == PROTEIN_CODING:
                labels = CODING[strand] + _codon_positions(codon_position + first - start, last - first)
                there = coding[first:last]
                coding[first:last] = np.where((there != 0) & (there != labels), MASKED, labels)
            elif first < last:
                rna[first:last] = True
            codon_position += end - start
            if index:
                frame[max(gene.segments[index - 1][1], 0) : max(start, 0)] = INTRON
                mark(start, LEFT_INNER[strand])
                mark(gene.segments[index - 1][1] - 1, RIGHT_INNER[strand])
        # An edge within an intron follows a RIGHT or comes before a LEFT like any other intron.
        if gene.left is not End.OPEN:
            mark(gene.start, (LEFT_END if gene.left is End.CLOSED else LEFT_INNER)[strand])
        if gene.right is not End.OPEN:
            mark(gene.end - 1, (RIGHT_END if gene.right is End.CLOSED else RIGHT_INNER)[strand])
    frame[rna] = RNA
    return np.where(coding != 0, coding, frame), boundary
