"""Packing, intervals and gene tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from genescribe.corpus.shard_format import gene_arrays, gene_at, merge, pack, runs, unpack
from genescribe.language.bases import N, to_codes
from genescribe.language.gene_model import End, GeneModel
from hypothesis import given, settings
from hypothesis import strategies as st


def test_four_bases_make_a_byte_and_n_becomes_a() -> None:
    assert pack(to_codes("ACGTNC")).tolist() == [0b11100100, 0b0100]


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.data())
def test_any_part_is_unpacked(bases: list[int], data: st.DataObject) -> None:
    codes = np.array(bases, dtype=np.uint8)
    start = data.draw(st.integers(0, len(codes) - 1))
    end = data.draw(st.integers(start, len(codes)))
    there = unpack(pack(codes)[start // 4 : -(-end // 4)], start % 4, end - start)
    known = codes[start:end] != N
    np.testing.assert_array_equal(there[known], codes[start:end][known])
    assert len(there) == end - start


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_the_true_bases_and_maximal(flags: list[bool]) -> None:
    found = runs(np.array(flags, dtype=bool))
    again = np.zeros(len(flags), dtype=bool)
    for start, end in found:
        again[start:end] = True
    assert again.tolist() == flags
    assert all(a_end < b_start for (_, a_end), (b_start, _) in pairwise(found))


def test_merge() -> None:
    assert merge([(5, 7), (0, 2), (2, 3), (6, 9), (11, 11)]).tolist() == [[0, 3], [5, 9]]
    assert merge([]).shape == (0, 2)


def test_gene_tables_give_back_the_genes() -> None:
    genes = [
        GeneModel("protein_coding", "+", ((0, 4), (30, 35)), left=End.OPEN, lead=2),
        GeneModel("tRNA", "-", ((7, 80),)),
        GeneModel("protein_coding", "-", ((90, 99),), left=End.OPEN_INTRON, right=End.OPEN),
    ]
    arrays = gene_arrays(genes)
    assert [gene_at(arrays, index, 0) for index in range(3)] == genes
    assert gene_at(arrays, 1, -7) == GeneModel("tRNA", "-", ((0, 73),))
    assert gene_arrays([])["gene_first_segment"].tolist() == [0]
