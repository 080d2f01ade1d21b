"""The Markov model of order 5: counts on both strands, and unknown letters summed out."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from genescribe.corpus.store import Corpus
from genescribe.language.bases import N, reverse_complement, to_codes, to_letters
from genescribe.training import markov
from genescribe.training.markov import MarkovModel

A, C, G, T = range(4)


def test_a_literal_case() -> None:
    """AAAAAC twice and AAAAAG once; on the other strand GTTTTT twice and CTTTTT once."""
    model = MarkovModel.fit(to_codes(text) for text in ("AAAAAC", "AAAAAC", "AAAAAG"))
    assert model.probabilities.shape == (5, 5, 5, 5, 5, 4)
    assert model.probabilities[A, A, A, A, A].tolist() == [1 / 7, 3 / 7, 2 / 7, 1 / 7]
    assert model.probabilities[G, T, T, T, T].tolist() == [1 / 6, 1 / 6, 1 / 6, 3 / 6]
    # Never seen: all letters alike.
    assert model.probabilities[C, G, C, G, C].tolist() == [1 / 4] * 4
    # The first letter is not known: GTTTT and CTTTT together.
    assert model.probabilities[N, T, T, T, T].tolist() == [1 / 7, 1 / 7, 1 / 7, 4 / 7]
    # Nothing is known: the last letters of all six k-mers, C twice, G once, T three times.
    assert model.probabilities[N, N, N, N, N].tolist() == [1 / 10, 3 / 10, 2 / 10, 4 / 10]


def test_losses_with_and_without_the_masked_letters_to_the_left() -> None:
    model = MarkovModel.fit(to_codes(text) for text in ("AAAAAC", "AAAAAC", "AAAAAG"))
    codes = to_codes("AAAAACAAAAAA")[None]
    masked = np.zeros(codes.shape, dtype=bool)
    masked[0, 5:7] = masked[0, 11] = True
    seen = model.losses(codes, masked, sees_masked=True)
    # C after AAAAA; A after AAAAC, never seen; A after AAAAA.
    np.testing.assert_allclose(np.exp(-seen), [3 / 7, 1 / 4, 1 / 7])
    unseen = model.losses(codes, masked, sees_masked=False)
    # C after AAAAA; A after AAAA and a letter that is not known, as after AAAAA; A after one and AAAA.
    np.testing.assert_allclose(np.exp(-unseen), [3 / 7, 1 / 7, 1 / 7])
    masked[0, 8] = True
    # Three letters of the last one's context are known, and AAAAA alone agrees with them.
    np.testing.assert_allclose(np.exp(-model.losses(codes, masked, sees_masked=False))[-1], 1 / 7)
    # At the left edge nothing is known.
    masked = np.zeros(codes.shape, dtype=bool)
    masked[0, 0] = True
    np.testing.assert_allclose(np.exp(-model.losses(codes, masked, sees_masked=True)), [1 / 10])


def test_masked_letters_do_not_matter_where_they_are_not_seen() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 4, (3, 200)).astype(np.uint8)
    model = MarkovModel.fit(codes)
    masked = np.zeros(codes.shape, dtype=bool)
    masked[:, 50:70] = True
    other = codes.copy()
    other[:, 50:69] = (codes[:, 50:69] + 1) % 4
    last = np.flatnonzero(np.nonzero(masked)[1] == 69)
    same = [model.losses(one, masked, sees_masked=False)[last] for one in (codes, other)]
    assert (same[0] == same[1]).all()
    different = [model.losses(one, masked, sees_masked=True)[last] for one in (codes, other)]
    assert (different[0] != different[1]).any()
    # Five bases into the span all is unknown but the composition.
    deep = model.losses(codes, masked, sees_masked=False)[5:20]
    np.testing.assert_allclose(deep, -np.log(model.probabilities[N, N, N, N, N][codes[0, 55:70]]))


def test_n_and_short_sequences_count_nothing() -> None:
    assert (MarkovModel.fit([to_codes("ACGTN"), to_codes("ACGTNACGTA")]).probabilities == 0.25).all()


def test_counts_of_a_corpus_are_those_of_its_words(
    ecoli_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus.open(ecoli_corpus)
    (piece,) = corpus.pieces
    codes = piece.codes(0, len(piece))
    words = Counter[str]()
    for strand in (codes, reverse_complement(codes)):
        text = to_letters(strand)
        words.update(text[first : first + 6] for first in range(len(text) - 5))
    monkeypatch.setattr(markov, "_CHUNK", 7001)
    model = MarkovModel.of_corpus(corpus)
    for context in ("GATTA", "CTGGC", "TAGTC"):
        counts = [words[context + letter] + 1 for letter in "ACGT"]
        found = model.probabilities[tuple(to_codes(context))]
        np.testing.assert_allclose(found, np.array(counts) / sum(counts))
    # On what it was counted on, it knows more than the composition does.
    everywhere = np.ones((1, len(codes)), dtype=bool)
    loss = model.losses(codes[None], everywhere, sees_masked=True).mean()
    assert loss < -(p := model.probabilities[N, N, N, N, N]) @ np.log(p) < math.log(4)
