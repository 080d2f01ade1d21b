from __future__ import annotations

from itertools import product

import pytest
from Bio.Data import CodonTable
from genescribe.errors import InputError
from genescribe.language.genetic_code import SUPPORTED, Flags, genetic_code, strand_codons


@pytest.mark.parametrize("number", SUPPORTED)
def test_tables_are_those_of_biopython(number: int) -> None:
    code, table = genetic_code(number), CodonTable.unambiguous_dna_by_id[number]
    assert code.stops == set(table.stop_codons)
    assert {codon: letter for codon, letter in code.forward.items() if letter != "*"} == table.forward_table
    assert code.starts_write <= code.starts_accept <= set(table.start_codons)
    assert not code.starts_accept & code.stops


def test_start_codons_of_the_common_codes() -> None:
    assert genetic_code(1).starts_accept == genetic_code(1).starts_write == {"ATG"}
    assert genetic_code(11).starts_write == {"ATG", "GTG", "TTG"}
    assert genetic_code(11).starts_accept == {"ATG", "GTG", "TTG", "CTG", "ATT", "ATC", "ATA"}
    assert genetic_code(4).starts_write == {"ATG", "GTG", "TTG", "TTA"}
    assert genetic_code(4).starts_accept == genetic_code(11).starts_accept | {"TTA"}
    assert genetic_code(3).starts_accept == {"ATA", "ATG", "GTG"}


def test_all_codes_that_are_asked_for_are_there() -> None:
    assert {1, 2, 3, 4, 5, 11, 25} <= set(SUPPORTED)


@pytest.mark.parametrize("number", [27, 28, 31])
def test_codes_with_a_codon_that_is_stop_and_sense_are_refused(number: int) -> None:
    table = CodonTable.unambiguous_dna_by_id[number]
    assert set(table.stop_codons) & set(table.forward_table)
    with pytest.raises(InputError, match="both as stop and as sense"):
        genetic_code(number)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(InputError, match="genetic code 7 is not supported; use one of 1, 2, 3, 4, 5, 11, 25"):
        genetic_code(7)


def test_codons_of_the_minus_strand_are_read_from_the_left() -> None:
    minus = strand_codons(1, "-", labels=True)
    assert names(minus.first) == names(minus.stop) == {"TTA", "CTA", "TCA"}
    assert names(minus.last) == {"CAT"}
    plus = strand_codons(11, "+", labels=False)
    assert names(plus.first) == {"ATG", "GTG", "TTG"}
    assert names(plus.stop) == names(plus.last) == {"TAA", "TAG", "TGA"}


def names(flags: Flags) -> set[str]:
    """The codons that are flagged."""
    return {codon for index, codon in enumerate(map("".join, product("ACGTN", repeat=3))) if flags[index]}
