"""Windows with codons and bases in other places: what changes and what never does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from genescribe.corpus.bpe import train_bpe
from genescribe.corpus.labels import INTERGENIC, MASKED, RNA, dense_labels
from genescribe.corpus.reader import Corpus, ValidationWindows, WindowSampler
from genescribe.corpus.shuffling import shuffled_codes
from genescribe.genomes.proteins import translate
from genescribe.language.bases import Codes, N, reverse_complement, to_codes, to_letters
from genescribe.language.codec import encode
from genescribe.language.gene_model import GeneModel
from genescribe.language.grammar import GrammarConfig
from hypothesis import given, settings
from hypothesis import strategies as st

Make = Callable[..., Any]
GRAMMAR = GrammarConfig(genetic_code=11, introns=False)


def _changed(
    codes: Codes, genes: list[GeneModel], synonyms: float, anything: float, seed: int = 0, code: int = 11
) -> Codes:
    frame_class, boundary = dense_labels(genes, len(codes))
    return shuffled_codes(codes, frame_class, boundary, code, synonyms, anything, np.random.default_rng(seed))


def _codons(codes: Codes, gene: GeneModel) -> list[str]:
    sense = codes[gene.start : gene.end]
    letters = to_letters(reverse_complement(sense) if gene.strand == "-" else sense)
    return [letters[at : at + 3] for at in range(0, len(letters), 3)]


@pytest.mark.parametrize("strand", "+-")
def test_two_synonymous_codons_change_places(strand: str) -> None:
    # Met Lys Lys Glu stop; K has AAA and AAG, E has no partner.
    window = to_codes("CCATGAAAAAGGAATAACC")
    gene = GeneModel("protein_coding", "+", ((2, 17),))
    if strand == "-":
        window, gene = reverse_complement(window), gene.reverse_complement(len(window))
    outcomes = {to_letters(_changed(window, [gene], 1.0, 0.0, seed)) for seed in range(20)}
    expected = {"CCATGAAAAAGGAATAACC", "CCATGAAGAAAGAATAACC"}
    if strand == "-":
        expected = {to_letters(reverse_complement(to_codes(letters))) for letters in expected}
    assert outcomes == expected


def test_the_genetic_code_says_what_is_synonymous() -> None:
    """TGA is tryptophan in code 4; in code 11 it is a stop, and stays although it lies within the gene."""
    window, gene = to_codes("ATGTGGTGATAA"), GeneModel("protein_coding", "+", ((0, 12),))
    outcomes = {
        code: {to_letters(_changed(window, [gene], 1.0, 1.0, seed, code)) for seed in range(20)}
        for code in (4, 11)
    }
    assert outcomes == {4: {"ATGTGGTGATAA", "ATGTGATGGTAA"}, 11: {"ATGTGGTGATAA"}}


def test_no_share_changes_nothing(plant: Make) -> None:
    planted = plant(1, 3000)
    np.testing.assert_array_equal(_changed(planted.codes, planted.genes, 0.0, 0.0), planted.codes)


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1))
def test_genes_stay_genes(plant: Make, number: int, seed: int, synonyms: float, anything: float) -> None:
    planted = plant(number, 3000)
    before = planted.codes.copy()
    codes = _changed(planted.codes, planted.genes, synonyms, anything, seed)
    np.testing.assert_array_equal(planted.codes, before)
    assert not encode(codes, planted.genes, GRAMMAR).rejected
    used = Counter(codon for gene in planted.genes for codon in _codons(codes, gene))
    assert used == Counter(codon for gene in planted.genes for codon in _codons(before, gene))
    frame_class, _ = dense_labels(planted.genes, len(before))
    between = frame_class == INTERGENIC
    np.testing.assert_array_equal(np.bincount(codes[between]), np.bincount(before[between]))
    for gene in planted.genes:
        assert _codons(codes, gene)[0] == "ATG" and _codons(codes, gene)[-1] == "TAA"


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 2**32))
def test_synonyms_alone_keep_proteins_and_all_between_genes(plant: Make, number: int, seed: int) -> None:
    planted = plant(number, 3000)
    codes = _changed(planted.codes, planted.genes, 1.0, 0.0, seed)
    assert (codes != planted.codes).sum() > 100
    for gene in planted.genes:
        assert _codons(codes, gene)[0] == "ATG"
        assert translate(gene, to_letters(codes), 11) == translate(gene, planted.letters, 11)
    frame_class, _ = dense_labels(planted.genes, len(codes))
    between = frame_class == INTERGENIC
    np.testing.assert_array_equal(codes[between], planted.codes[between])


def test_what_is_masked_or_rna_or_unknown_stays(plant: Make) -> None:
    planted = plant(3, 3000)
    frame_class, boundary = dense_labels(planted.genes, 3000)
    frame_class[500:900] = MASKED
    frame_class[1500:1900] = RNA
    planted.codes[2200:2300] = N
    codes = shuffled_codes(planted.codes, frame_class, boundary, 11, 1.0, 1.0, np.random.default_rng(0))
    for kept in (slice(500, 900), slice(1500, 1900), slice(2200, 2300)):
        np.testing.assert_array_equal(codes[kept], planted.codes[kept])
    assert (codes != planted.codes).sum() > 500


@pytest.fixture
def corpus(build: Make, plant: Make) -> Corpus:
    made: Corpus = build("one", {"line": plant(5, 9000, genes=12)})
    return made


def test_training_windows_are_shuffled_and_their_labels_are_not(corpus: Corpus) -> None:
    plain = WindowSampler(corpus, 1200, 4, seed=7).batch(2)
    sampler = WindowSampler(corpus, 1200, 4, seed=7, shuffled_synonyms=0.5, shuffled=0.1)
    batch = sampler.batch(2)
    for key in plain.keys() - {"codes"}:
        np.testing.assert_array_equal(batch[key], plain[key])
    # Half of the largest share on average, and most codons have synonyms.
    assert 0.02 < (batch["codes"] != plain["codes"]).mean() < 0.3
    np.testing.assert_array_equal(sampler.rows([10])["codes"][0], batch["codes"][2])


def test_bpe_tokens_are_those_of_the_shuffled_window(corpus: Corpus) -> None:
    tokenizer = train_bpe([corpus.pieces[0].codes(0, 9000)], vocabulary=60)
    shares = {"shuffled_synonyms": 1.0, "shuffled": 0.5}
    sampler = WindowSampler(corpus, 1200, 1, seed=7, tokenizer=tokenizer, **shares)
    for index in range(4):
        ids = sampler.input_tokens(index).ids
        np.testing.assert_array_equal(sampler.rows([index])["input_ids"][0], ids)


def test_validation_windows_are_as_they_are(corpus: Corpus) -> None:
    windows = ValidationWindows(corpus, 1200)
    np.testing.assert_array_equal(windows.rows([1])["codes"][0], corpus.pieces[0].codes(1200, 1200))
