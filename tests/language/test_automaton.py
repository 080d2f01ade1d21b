"""Literal cases of the grammar: what may come next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from genescribe.language.automaton import Automaton
from genescribe.language.bases import to_codes
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import LEFT, NAMES, NO_POSITION, RIGHT

PROKARYOTE = GrammarConfig(kinds=(PROTEIN_CODING,), min_target=1)
EUKARYOTE = GrammarConfig(genetic_code=1, introns=True, min_intron=6, kinds=(PROTEIN_CODING,), min_target=1)
RNA = GrammarConfig(kinds=("tRNA",), min_target=1)


def after(bases: str, words: str, config: GrammarConfig = PROKARYOTE, **options: int) -> Automaton:
    """The automaton after words such as "+ protein_coding LEFT@3"."""
    automaton = Automaton(to_codes(bases.replace(" ", "")), config, valid=options.get("valid"))
    for word in words.split():
        name, _, position = word.partition("@")
        automaton.advance(NAMES.index(name), int(position) if position else NO_POSITION)
    return automaton


def legal(automaton: Automaton) -> str:
    return " ".join(NAMES[token] for token in sorted(automaton.tokens()))


def test_a_gene_from_start_to_stop() -> None:
    bases = "CC ATG AAA TAA CCC"
    assert legal(after(bases, "")) == "EOS + -"
    assert legal(after(bases, "+")) == "protein_coding"
    begun = after(bases, "+ protein_coding")
    assert legal(begun) == "LEFT OPEN0 OPEN1 OPEN2"
    assert begun.positions(LEFT) == [2]
    inside = after(bases, "+ protein_coding LEFT@2")
    assert legal(inside) == "RIGHT"
    assert inside.positions(RIGHT) == [10]
    assert legal(after(bases, "+ protein_coding LEFT@2 RIGHT@10")) == "END"


def test_only_pad_follows_the_end() -> None:
    assert legal(after("CCC", "EOS")) == "PAD"
    assert legal(after("CCC", "EOS PAD PAD")) == "PAD"


def test_a_gene_on_minus_needs_a_start_before_the_next_stop() -> None:
    # From the left: a stop codon, a codon, and then a second stop codon in frame, before any start codon.
    assert after("TTA CCC TTA CCC", "- protein_coding").positions(LEFT) == [6]
    assert after("TTA CCC CAT TTA CCC", "- protein_coding").positions(LEFT) == [0, 9]
    assert after("TTA CCC CAT CAT TTA", "- protein_coding LEFT@0").positions(RIGHT) == [8, 11]
    # Run to the edge: the start codon may lie beyond it.
    open_right = after("TTA CAT CCC C", "- protein_coding LEFT@0")
    assert legal(open_right) == "RIGHT OPEN1"
    assert open_right.positions(RIGHT) == [5]


def test_an_open_gene_tells_its_frame() -> None:
    # TAA at 2: a gene that is open on the left may only end there with two bases of a codon in the window.
    bases = "CC TAA CCC"
    assert after(bases, "+ protein_coding OPEN1").positions(RIGHT) == [4]
    assert legal(after(bases, "+ protein_coding OPEN1")) == "RIGHT"
    assert legal(after(bases, "+ protein_coding OPEN0")) == "OPEN2"
    assert legal(after(bases, "+ protein_coding OPEN2")) == "OPEN1"
    # On minus a stop codon is where a gene begins from the left, and no gene is open over it in its frame.
    assert legal(after("CC TTA CCC", "- protein_coding")) == "LEFT OPEN0 OPEN2"


def test_the_first_codon_is_inside_the_window() -> None:
    assert after("CCCAT", "+ protein_coding").positions(LEFT) == []
    assert legal(after("CCATG", "+ protein_coding LEFT@2")) == "OPEN0"


def test_introns() -> None:
    bases = "CC ATG A GTCCCCAG AA TAA CC"
    inside = after(bases, "+ protein_coding LEFT@2", EUKARYOTE)
    assert inside.positions(RIGHT) == [5]
    after_donor = after(bases, "+ protein_coding LEFT@2 RIGHT@5", EUKARYOTE)
    assert legal(after_donor) == "LEFT OPEN_INTRON1"
    assert after_donor.positions(LEFT) == [14]
    assert after(bases, "+ protein_coding LEFT@2 RIGHT@5 LEFT@14", EUKARYOTE).positions(RIGHT) == [18]
    long_introns = replace(EUKARYOTE, min_intron=9)
    assert legal(after(bases, "+ protein_coding LEFT@2 RIGHT@5", long_introns)) == "OPEN_INTRON1"


def test_a_start_codon_split_by_an_intron() -> None:
    bases = "C A GTCCCCAG TG AAA TAA"
    begun = after(bases, "+ protein_coding", EUKARYOTE)
    assert begun.positions(LEFT) == [1]
    inside = after(bases, "+ protein_coding LEFT@1", EUKARYOTE)
    assert (legal(inside), inside.positions(RIGHT)) == ("RIGHT", [1])
    # The intron cannot run past the edge: nobody would know the start codon.
    after_donor = after(bases, "+ protein_coding LEFT@1 RIGHT@1", EUKARYOTE)
    assert (legal(after_donor), after_donor.positions(LEFT)) == ("LEFT", [10])
    assert after(bases.replace("TG", "CG"), "+ protein_coding", EUKARYOTE).positions(LEFT) == []


def test_splice_sites_must_match() -> None:
    pairs = (("GT", "AG"), ("AT", "AC"))
    config = replace(EUKARYOTE, splice_sites=pairs)
    bases = "ATG A GTCCCCAC CCCAG CCC"
    assert after(bases, "+ protein_coding LEFT@0 RIGHT@3", config).positions(LEFT) == [17]
    bases = "ATG A ATCCCCAC CCCAG CCC"
    assert after(bases, "+ protein_coding LEFT@0 RIGHT@3", config).positions(LEFT) == [12]


def test_codes_without_introns_have_one_segment() -> None:
    assert after("ATG A GTCCCCAG CC TAA", "+ protein_coding LEFT@0").positions(RIGHT) == []
    assert legal(after("ATG A GTCCCCAG CC TAA", "+ protein_coding LEFT@0")) == "OPEN2"


def test_kinds_without_codons_have_coordinates_only() -> None:
    assert legal(after("CCCCC", "-", RNA)) == "tRNA"
    begun = after("CCCCC", "- tRNA", RNA)
    assert legal(begun) == "LEFT OPEN0 OPEN_INTRON0"
    assert begun.positions(LEFT) == [0, 1, 2, 3, 4]
    assert after("CCCCC", "- tRNA LEFT@1", RNA).positions(RIGHT) == [1, 2, 3, 4]
    after_right = after("CCCCC", "- tRNA LEFT@1 RIGHT@1", RNA)
    assert legal(after_right) == "END LEFT OPEN_INTRON0"
    assert after_right.positions(LEFT) == [3, 4]
    assert legal(after("CCCCC", "- tRNA LEFT@1 RIGHT@4", RNA)) == "END"


def test_the_padding_is_outside() -> None:
    assert after("CCCCC", "- tRNA LEFT@1", RNA, valid=3).positions(RIGHT) == [1, 2]
    assert legal(after("ATGCCCNNN", "+ protein_coding LEFT@0", valid=5)) == "OPEN2"


def test_genes_come_in_order() -> None:
    config = GrammarConfig(kinds=("tRNA", "rRNA"), min_target=1)
    one = "+ rRNA LEFT@2 RIGHT@3 END "
    assert legal(after("CCCCC", one + "+ rRNA", config)) == "LEFT"
    assert after("CCCCC", one + "+ rRNA", config).positions(LEFT) == [2, 3, 4]
    # Its first segment may end there again, if the gene then goes on.
    assert after("CCCCC", one + "+ rRNA LEFT@2", config).positions(RIGHT) == [2, 3, 4]
    assert legal(after("CCCCC", one + "+ rRNA LEFT@2 RIGHT@3", config)) == "OPEN_INTRON0"
    assert legal(after("CCCCC", one + "+ rRNA LEFT@2 RIGHT@4", config)) == "END"
    # With the same ends, tRNA comes before rRNA and plus before minus.
    assert after("CCCCC", one + "+ tRNA LEFT@2 RIGHT@2", config).tokens() == {
        LEFT,
        NAMES.index("OPEN_INTRON0"),
    }
    assert legal(after("CCCCC", one + "- tRNA LEFT@2 RIGHT@3", config)) == "END OPEN_INTRON0"
    whole = "+ rRNA OPEN0 OPEN0 END "
    assert legal(after("CCCCC", whole + "+", config)) == "tRNA rRNA"
    assert legal(after("CCCCC", whole + "+ rRNA", config)) == "LEFT"
    assert legal(after("CCCCC", whole + "- rRNA", config)) == "LEFT OPEN0 OPEN_INTRON0"


def test_what_is_written_is_not_shorter_than_a_target() -> None:
    config = replace(PROKARYOTE, min_target=10)
    bases = "ATG TAA C ATG AAA AAA TAA C"
    assert after(bases, "+ protein_coding", config).positions(LEFT) == [7]
    assert after(bases, "+ protein_coding", replace(config, min_target=6)).positions(LEFT) == [0, 7]
    # An open gene spans the window from its edge on.
    assert legal(after(bases, "+ protein_coding", config)) == "LEFT OPEN1 OPEN2"
    rna = replace(RNA, min_target=3)
    assert after("CCCCC", "+ tRNA", rna).positions(LEFT) == [0, 1, 2]
    assert after("CCCCC", "+ tRNA LEFT@1", rna).positions(RIGHT) == [1, 2, 3, 4]
    assert legal(after("CCCCC", "+ tRNA LEFT@1 RIGHT@2", rna)) == "LEFT OPEN_INTRON0"


@pytest.mark.parametrize(
    ("words", "token", "position"),
    [
        ("", "END", -1),
        ("", "protein_coding", -1),
        ("+ protein_coding", "LEFT", 3),
        ("+ protein_coding", "LEFT", -1),
        ("+ protein_coding", "OPEN0", 0),
        ("+ protein_coding LEFT@2", "RIGHT", 9),
        ("+ protein_coding LEFT@2", "OPEN0", -1),
        ("EOS", "EOS", -1),
    ],
)
def test_what_is_not_legal_is_refused(words: str, token: str, position: int) -> None:
    automaton = after("CC ATG AAA TAA CCC", words)
    with pytest.raises(ValueError, match="may not follow"):
        automaton.advance(NAMES.index(token), position)
