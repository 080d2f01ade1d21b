"""Dense labels, on cases small enough to read."""

from __future__ import annotations

import numpy as np
from genescribe.corpus.labels import FRAME_CLASSES, INTRON, MASKED, RNA, dense_labels
from genescribe.language.gene_model import End, GeneModel
from hypothesis import given, settings
from hypothesis import strategies as st


def _labels(length: int, *genes: GeneModel) -> tuple[list[int], dict[int, int]]:
    frame, boundary = dense_labels(genes, length)
    return frame.tolist(), {int(p): int(boundary[p]) for p in np.flatnonzero(boundary)}


def test_plus_gene() -> None:
    frame, boundary = _labels(10, GeneModel("protein_coding", "+", ((2, 8),)))
    assert frame == [0, 0, 1, 2, 3, 1, 2, 3, 0, 0]
    assert boundary == {2: 1 << 0, 7: 1 << 1}


def test_minus_gene_counts_codon_positions_left_to_right() -> None:
    frame, boundary = _labels(10, GeneModel("protein_coding", "-", ((2, 8),)))
    assert frame == [0, 0, 4, 5, 6, 4, 5, 6, 0, 0]
    assert boundary == {2: 1 << 4, 7: 1 << 5}


def test_introns_keep_the_frame_and_have_their_own_boundaries() -> None:
    plus = GeneModel("protein_coding", "+", ((0, 2), (5, 9)))
    assert _labels(9, plus) == ([1, 2, 8, 8, 8, 3, 1, 2, 3], {0: 1, 1: 1 << 2, 5: 1 << 3, 8: 1 << 1})
    minus = GeneModel("protein_coding", "-", ((0, 2), (5, 9)))
    assert _labels(9, minus) == ([4, 5, 8, 8, 8, 6, 4, 5, 6], {0: 1 << 4, 1: 1 << 6, 5: 1 << 7, 8: 1 << 5})


def test_a_gene_over_both_edges_shows_no_boundary() -> None:
    assert _labels(4, GeneModel("protein_coding", "+", ((-4, 8),))) == ([2, 3, 1, 2], {})


def test_an_open_gene_begins_with_its_lead_and_without_a_boundary() -> None:
    gene = GeneModel("protein_coding", "+", ((0, 4),), left=End.OPEN, lead=2)
    assert _labels(5, gene) == ([3, 1, 2, 3, 0], {3: 1 << 1})


def test_an_edge_in_an_intron() -> None:
    gene = GeneModel("protein_coding", "+", ((2, 4),), left=End.OPEN_INTRON, right=End.OPEN_INTRON, lead=1)
    assert _labels(6, gene) == ([8, 8, 2, 3, 8, 8], {2: 1 << 3, 3: 1 << 2})


def test_coding_goes_before_rna_and_rna_before_introns() -> None:
    spliced = GeneModel("protein_coding", "+", ((0, 3), (9, 12)))
    nested = GeneModel("tRNA", "-", ((2, 6),))
    frame, boundary = _labels(12, spliced, nested)
    assert frame == [1, 2, 3, RNA, RNA, RNA, INTRON, INTRON, INTRON, 1, 2, 3]
    assert boundary[2] == 1 << 4 | 1 << 2
    assert boundary[5] == 1 << 5


def test_two_coding_genes_that_overlap_in_other_frames_mask_each_other() -> None:
    one, other = GeneModel("protein_coding", "+", ((0, 6),)), GeneModel("protein_coding", "+", ((4, 10),))
    assert _labels(10, one, other)[0] == [1, 2, 3, 1, MASKED, MASKED, 3, 1, 2, 3]
    assert _labels(10, one, other) == _labels(10, other, one)


def test_two_coding_genes_that_overlap_in_one_frame_agree() -> None:
    one, other = GeneModel("protein_coding", "+", ((0, 9),)), GeneModel("protein_coding", "+", ((3, 9),))
    assert _labels(9, one, other)[0] == [1, 2, 3] * 3


@st.composite
def _genes(draw: st.DrawFn) -> GeneModel:
    cuts = draw(st.lists(st.integers(-30, 60), min_size=2, max_size=6, unique=True))
    cuts = sorted(cuts)[: len(cuts) // 2 * 2]
    kind = draw(st.sampled_from(["protein_coding", "tRNA"]))
    segments = tuple(zip(cuts[::2], cuts[1::2], strict=True))
    if kind == "protein_coding":
        start, end = segments[-1]
        short = -sum(b - a for a, b in segments) % 3
        segments = (*segments[:-1], (start, end + short))
    return GeneModel(kind, draw(st.sampled_from("+-")), segments)


MIRRORED_CLASS = np.array([0, 6, 5, 4, 3, 2, 1, 7, 8, MASKED])
MIRRORED_BIT = [5, 4, 7, 6, 1, 0, 3, 2]


@settings(deadline=None)
@given(st.lists(_genes(), max_size=4), st.integers(1, 40))
def test_labels_of_the_mirror_are_the_mirror_of_the_labels(genes: list[GeneModel], length: int) -> None:
    frame, boundary = dense_labels(genes, length)
    mirrored, mirrored_boundary = dense_labels([g.reverse_complement(length) for g in genes], length)
    assert FRAME_CLASSES == 9
    np.testing.assert_array_equal(mirrored, MIRRORED_CLASS[frame[::-1]])
    swapped = np.zeros_like(boundary)
    for bit, other in enumerate(MIRRORED_BIT):
        swapped |= (boundary >> bit & 1) << other
    np.testing.assert_array_equal(mirrored_boundary, swapped[::-1])
