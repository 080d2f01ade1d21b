"""First codon and GC content of a gene model. Nothing here needs more than the standard library."""

from __future__ import annotations

from collections.abc import Iterator

from genescribe.language.gene_model import End, GeneModel

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def first_codon(model: GeneModel, sequence: str) -> str:
    """The first three coding bases on the model's strand; empty where its start is missing.

    Segments may run over the end of a circular `sequence`; a codon may be split by an intron.
    """
    is_plus = model.strand == "+"
    if (model.left if is_plus else model.right) is not End.CLOSED:
        return ""
    # A segment has at least one base, so three of them hold a codon.
    segments = model.segments[:3] if is_plus else model.segments[-3:]
    bases = "".join(sequence[place % len(sequence)] for start, end in segments for place in _ends(start, end))
    codon = bases[:3] if is_plus else bases[-3:]
    return codon if is_plus else codon.translate(_COMPLEMENT)[::-1]


def _ends(start: int, end: int) -> Iterator[int]:
    """The first three and the last three places of a segment, each once, ascending."""
    yield from range(start, min(start + 3, end))
    yield from range(max(start + 3, end - 3), end)


def gc_content(model: GeneModel, sequence: str) -> float | None:
    """Share of G and C among the known bases of the segments, 0 to 1; None where all are unknown.

    Args:
        model: segments may run over the end of a circular `sequence`.
        sequence: upper-case bases of the whole sequence.
    """
    length = len(sequence)
    strong = known = 0
    for start, end in model.segments:
        for part in (sequence[start:end], sequence[max(0, start - length) : max(0, end - length)]):
            gc = part.count("G") + part.count("C")
            strong += gc
            known += gc + part.count("A") + part.count("T")
    return strong / known if known else None
