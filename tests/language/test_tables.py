"""Literal tables, and tables against a plain search. The tests of the masks hold them to the automaton."""

from __future__ import annotations

import numpy as np
import pytest
from genescribe.language.bases import to_codes, to_letters
from genescribe.language.grammar import GrammarConfig
from genescribe.language.tables import FAR, PADDING, build_tables, first_codon_parts

PROKARYOTE = GrammarConfig(min_target=1)
EUKARYOTE = GrammarConfig(genetic_code=1, introns=True, min_intron=6, min_target=1)


def test_a_gene_on_plus() -> None:
    tables = build_tables(to_codes("CATGAAATAAC"), PROKARYOTE)
    assert tables.next_stop.shape == (2, 11 + PADDING)
    assert tables.next_stop[0, :11].tolist() == [FAR, 9, 4, FAR, 9, FAR, FAR, 9, FAR, FAR, FAR]
    assert tables.last_end[0, :11].tolist() == [0, 10, 5, 0, 10, 0, 0, 10, 0, 0, 0]
    assert np.flatnonzero(tables.first_reach[0]).tolist() == [1]
    assert tables.first_reach[0, 1] == 10
    assert tables.last_first.tolist() == [1, -1]
    # Unknown bases of the codon at the edge: with one TGA is in frame, with two TAA.
    assert tables.open_reach[0].tolist() == [12, 5, 10]
    assert not tables.donors.any() and tables.carried_reach.shape == (1, 14)


def test_a_gene_on_minus() -> None:
    tables = build_tables(to_codes("TTACATCATTTACCC"), PROKARYOTE)
    assert tables.first_reach[1, :12].tolist() == [9, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0]
    assert tables.last_end[1, [3, 6, 9, 12]].tolist() == [9, 9, 0, 0]
    assert tables.last_first[1] == 9


def test_splice_sites_of_both_strands() -> None:
    tables = build_tables(to_codes("AGTAAAGCTTACG"), EUKARYOTE)
    # GT is pair 0, GC pair 1; both end with AG. The last G may be the first base of either.
    assert tables.donors[0, :13].tolist() == [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0]
    assert tables.acceptors[0, :13].tolist() == [0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]
    # On minus CT is on the left, AC or GC on the right.
    assert tables.donors[1, :13].tolist() == [0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]
    assert tables.acceptors[1, :13].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert tables.next_donor[1, :13].tolist() == [6] * 7 + [FAR] * 6


def test_parts_of_first_codons() -> None:
    assert first_codon_parts(PROKARYOTE, labels=False) == []
    parts = first_codon_parts(EUKARYOTE, labels=False)
    # ATG on plus; TTA, CTA and TCA on minus.
    assert [(strand, to_letters(np.array(part, dtype=np.uint8))) for strand, part in parts] == [
        (0, "AT"),
        (1, "CT"),
        (1, "TC"),
        (1, "TT"),
        (0, "A"),
        (1, "C"),
        (1, "T"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100, 301])
def test_stops_and_ends_by_plain_search(size: int) -> None:
    codes = np.random.default_rng(size).integers(0, 5, size, dtype=np.uint8)
    bases = to_letters(codes)
    tables = build_tables(codes, PROKARYOTE)
    for strand, stops, lasts in (
        (0, {"TAA", "TAG", "TGA"}, {"TAA", "TAG", "TGA"}),
        (1, {"TTA", "CTA", "TCA"}, {"CAT", "CAC", "CAA"}),
    ):
        for begin in range(size):
            next_stop, last_end = FAR, 0
            for base in range(begin, size - 2, 3):
                codon = bases[base : base + 3]
                last_end = base + 3 if codon in lasts else last_end
                if codon in stops:
                    next_stop = base + 2
                    break
            assert tables.next_stop[strand, begin] == next_stop
            assert tables.last_end[strand, begin] == last_end
            ends = begin >= 2 and bases[begin - 2 : begin + 1] in lasts
            assert tables.ends[strand, begin] == (begin % 3 + 1 if ends else 0)
