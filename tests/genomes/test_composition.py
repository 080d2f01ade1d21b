"""First codons and GC content of gene models."""

from __future__ import annotations

import pytest
from genescribe.genomes.composition import first_codon, gc_content
from genescribe.genomes.proteins import spliced
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from hypothesis import given
from hypothesis import strategies as st

SEQUENCE = "ATGCCNRTTAGGCAT"


@pytest.mark.parametrize(
    ("strand", "segments", "codon", "gc"),
    [
        ("+", ((0, 6),), "ATG", 3 / 5),
        ("-", ((9, 15),), "ATG", 3 / 6),
        ("+", ((0, 1), (4, 5), (10, 13)), "ACG", 4 / 5),
        ("-", ((0, 3), (12, 13), (14, 15)), "AGC", 2 / 5),
        # Over the origin of a circle.
        ("+", ((13, 17),), "ATA", 0.0),
        ("+", ((5, 7),), "NR", None),
    ],
)
def test_codon_and_gc(
    strand: str, segments: tuple[tuple[int, int], ...], codon: str, gc: float | None
) -> None:
    model = GeneModel(PROTEIN_CODING, strand, segments)
    assert first_codon(model, SEQUENCE) == codon
    assert gc_content(model, SEQUENCE) == gc


def test_a_missing_start_has_no_codon() -> None:
    assert first_codon(GeneModel(PROTEIN_CODING, "+", ((0, 6),), left=End.OPEN), SEQUENCE) == ""
    assert first_codon(GeneModel(PROTEIN_CODING, "+", ((0, 6),), right=End.OPEN), SEQUENCE) == "ATG"


@given(st.data())
def test_the_first_codon_is_that_of_the_coding_sequence(data: st.DataObject) -> None:
    sequence = data.draw(st.text("ACGTN", min_size=20, max_size=40))
    edges = sorted(data.draw(st.sets(st.integers(0, len(sequence)), min_size=4, max_size=8)))
    segments = tuple(zip(edges[0::2], edges[1::2], strict=False))
    model = GeneModel(PROTEIN_CODING, data.draw(st.sampled_from("+-")), segments)
    assert first_codon(model, sequence) == spliced(model, sequence)[:3]
