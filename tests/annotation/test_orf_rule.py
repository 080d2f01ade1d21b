"""The ORF rule over dense frame classes, on sequences that can be read by eye."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from genescribe.annotation.orf_rule import predict
from genescribe.language.bases import reverse_complement, to_codes
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel
from genescribe.language.genetic_code import genetic_code

CODE = genetic_code(11)
LYSINES = "AAA" * 25


def dense(length: int, *genes: GeneModel, sure: float = 0.9) -> npt.NDArray[np.float32]:
    """Log probabilities (L, 9) that call the genes' bases coding in their frames, and all else intergenic."""
    classes = np.zeros(length, dtype=int)
    for gene in genes:
        bases = np.arange(gene.start, gene.end)
        classes[bases] = (1 if gene.strand == "+" else 4) + (bases - gene.start) % 3
    probabilities = np.full((length, 9), (1 - sure) / 8)
    probabilities[np.arange(length), classes] = sure
    return np.log(probabilities).astype(np.float32)


def model(strand: str, start: int, end: int) -> GeneModel:
    return GeneModel(PROTEIN_CODING, strand, ((start, end),))


def found(sequence: str, log_probabilities: npt.NDArray[np.float32]) -> list[GeneModel]:
    return [one.model for one in predict(to_codes(sequence), log_probabilities, CODE)]


PLUS = "CC" + "ATG" + LYSINES + "ATG" + LYSINES + "TAA" + "CCCC"
"""Starts at 2 and 80, stop codon 158-161."""


@pytest.mark.parametrize("start", [2, 80])
def test_the_start_is_where_coding_begins(start: int) -> None:
    gene = model("+", start, 161)
    assert found(PLUS, dense(len(PLUS), gene)) == [gene]


def test_the_minus_strand_is_the_mirror() -> None:
    length = len(PLUS)
    mirror = to_codes(PLUS)
    gene = model("+", 80, 161).reverse_complement(length)
    result = predict(reverse_complement(mirror), dense(length, gene), CODE)
    assert [one.model for one in result] == [gene]
    plus = predict(mirror, dense(length, model("+", 80, 161)), CODE)
    assert result[0].score == pytest.approx(plus[0].score)


def test_the_wrong_frame_gives_nothing() -> None:
    assert found(PLUS, dense(len(PLUS), model("+", 3, 162))) == []
    assert found(PLUS, dense(len(PLUS), model("-", 2, 161))) == []
    assert found(PLUS, dense(len(PLUS))) == []


def test_the_score_is_the_sum_of_log_odds() -> None:
    gene = model("+", 80, 161)
    [one] = predict(to_codes(PLUS), dense(len(PLUS), gene, sure=0.9), CODE)
    assert one.score == pytest.approx(81 * np.log(0.9 / 0.1), rel=1e-5)


def test_no_frame_runs_over_a_stop_codon_or_an_end() -> None:
    broken = PLUS.replace(LYSINES + "ATG", "AAA" * 24 + "TAG" + "ATG")
    assert found(broken, dense(len(PLUS), model("+", 2, 161))) == [
        model("+", 2, 80),
        model("+", 80, 161),
    ]
    endless = PLUS[:158]
    assert found(endless, dense(len(endless), model("+", 2, 158))) == []


def test_short_frames_are_left_out() -> None:
    for lysines, count in ((17, 0), (18, 1)):
        sequence = "ATG" + "AAA" * lysines + "TAA"
        gene = model("+", 0, len(sequence))
        assert len(found(sequence, dense(len(sequence), gene))) == count


@pytest.mark.parametrize(("codons", "both_stay"), [(17, True), (19, False)])
def test_of_two_that_overlap_too_far_the_better_one_stays(codons: int, both_stay: bool) -> None:
    """A gene on plus whose end lies under a gene on minus, by 57 or by 63 bases."""
    before, under, after = "ATG" + "GCC" * 20, "TTA" + "GCC" * codons + "TAA", "GCC" * 60 + "CAT"
    sequence = before + under + after
    plus = model("+", 0, len(before + under))
    minus = model("-", len(before), len(sequence))
    log_probabilities = dense(len(sequence), minus)
    log_probabilities[: plus.end] = dense(plus.end, plus)
    assert found(sequence, log_probabilities) == ([plus, minus] if both_stay else [plus])


def test_the_genetic_code_counts() -> None:
    sequence = "ATG" + LYSINES + "TGA" + LYSINES + "TAA"
    gene = model("+", 0, len(sequence))
    codes, odds = to_codes(sequence), dense(len(sequence), gene)
    assert [one.model for one in predict(codes, odds, genetic_code(4))] == [gene]
    assert [one.model for one in predict(codes, odds, CODE)] == [model("+", 0, 81)]


@pytest.mark.parametrize("length", [0, 1, 2, 4])
def test_tiny_sequences_have_no_genes(length: int) -> None:
    assert found("A" * length, dense(length)) == []


def test_the_shape_is_checked() -> None:
    with pytest.raises(ValueError, match="shape"):
        predict(to_codes("ACGT"), np.zeros((4, 8)), CODE)
