"""Pieces cover what is asked for, and each gene has one owner."""

from __future__ import annotations

from typing import Any

from genescribe.benchmark.pieces import Piece, cut
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel
from hypothesis import given
from hypothesis import strategies as st


def test_a_sequence_is_cut_into_equal_cores_with_margins() -> None:
    assert cut({"a": 1000, "b": 90}, core=400, margin=50) == [
        Piece("a", 0, 383, 0, 333),
        Piece("a", 283, 716, 333, 666),
        Piece("a", 616, 1000, 666, 1000),
        Piece("b", 0, 90, 0, 90),
    ]


def test_the_margin_goes_beyond_a_region_but_not_beyond_the_sequence() -> None:
    regions = [Region("a", 20, 300), Region("a", 900, 1000)]
    assert cut({"a": 1000}, core=400, margin=50, regions=regions) == [
        Piece("a", 0, 350, 20, 300),
        Piece("a", 850, 1000, 900, 1000),
    ]


def test_the_midpoint_decides(build: Any) -> None:
    piece = Piece("a", 0, 500, 100, 200)
    assert piece.owns(build.model("+", (0, 90), (300, 399)))
    assert not piece.owns(build.model("+", (0, 199)))
    assert piece.owns(build.model("+", (0, 200)))
    assert not piece.owns(build.model("-", (150, 250)))


@given(
    st.integers(1, 5000),
    st.integers(1, 2000),
    st.integers(0, 300),
    st.integers(0, 4999),
    st.integers(1, 2000),
)
def test_each_gene_has_exactly_one_piece(length: int, core: int, margin: int, start: int, bases: int) -> None:
    pieces = cut({"a": length}, core, margin)
    assert [piece.core_start for piece in pieces[1:]] == [piece.core_end for piece in pieces[:-1]]
    assert (pieces[0].core_start, pieces[-1].core_end) == (0, length)
    assert all(piece.core_end - piece.core_start <= core for piece in pieces)
    start %= length
    model = GeneModel(PROTEIN_CODING, "+", ((start, min(start + bases, length)),))
    assert sum(piece.owns(model) for piece in pieces) == 1
