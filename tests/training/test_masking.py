"""Spans: their lengths, how much they mask, and that they depend on seed and window alone."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from genescribe.corpus.reader import ValidationWindows, WindowSampler
from genescribe.corpus.store import Corpus
from genescribe.language.bases import N, reverse_complement
from genescribe.training.batches import labelled_batch, share
from genescribe.training.masking import LONGEST, SHORTEST, masked_batch, masked_spans

WINDOW = 1536


def runs(masked: npt.NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of masked bases."""
    edges = np.flatnonzero(np.diff(np.pad(masked.astype(np.int8), 1)))
    return (edges[1::2] - edges[::2]).tolist()


def spans(length: int, fraction: float, seed: int) -> npt.NDArray[np.bool_]:
    return masked_spans(np.zeros(length, dtype=np.uint8), fraction, np.random.default_rng(seed))


@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.5])
def test_lengths_are_uniform_and_the_share_is_as_asked(fraction: float) -> None:
    drawn = [spans(WINDOW, fraction, seed) for seed in range(2000)]
    lengths = np.bincount([length for masked in drawn for length in runs(masked)], minlength=LONGEST + 1)
    assert lengths[:SHORTEST].sum() == 0 and len(lengths) == LONGEST + 1
    counts = lengths[SHORTEST:]
    # Each length has its share, to five standard deviations.
    expected = counts.sum() / len(counts)
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()
    assert np.mean(drawn) == pytest.approx(fraction, rel=0.02)


def test_every_place_is_masked_as_often_but_for_the_edges() -> None:
    """A base that lies near an edge is in fewer spans; that is the only difference."""
    often = np.mean([spans(240, 0.15, seed) for seed in range(20_000)], axis=0)
    inside = often[LONGEST:-LONGEST]
    assert inside.min() > 0.9 * inside.mean() and inside.max() < 1.1 * inside.mean()
    np.testing.assert_allclose(often, often[::-1], atol=0.02)


@pytest.mark.parametrize("length", [0, 5, 6, 20, 23, 24, 25, 50])
def test_short_windows(length: int) -> None:
    for seed in range(200):
        for run in runs(spans(length, 0.5, seed)):
            assert SHORTEST <= run <= min(LONGEST, length)
    if length in (6, 24, 50):
        assert any(spans(length, 0.5, seed).any() for seed in range(200))


def test_n_is_never_masked_and_does_not_count() -> None:
    random = np.random.default_rng(2)
    shares = []
    for seed in range(300):
        codes = random.integers(0, 4, WINDOW).astype(np.uint8)
        codes[300:900] = N
        codes[random.random(WINDOW) < 0.02] = N
        masked = masked_spans(codes, 0.15, np.random.default_rng(seed))
        assert not (masked & (codes == N)).any()
        # Without its Ns, a window is as one that never had any.
        assert all(SHORTEST <= run <= LONGEST for run in runs(masked[codes < N]))
        shares.append(masked.sum() / (codes < N).sum())
    assert np.mean(shares) == pytest.approx(0.15, rel=0.05)
    assert not masked_spans(np.full(WINDOW, N, dtype=np.uint8), 0.5, np.random.default_rng(0)).any()


@pytest.fixture(scope="module")
def corpus(ecoli_corpus: Path) -> Corpus:
    return Corpus.open(ecoli_corpus)


def test_a_batch_is_a_function_of_seed_and_window_alone(corpus: Corpus) -> None:
    sampler = WindowSampler(corpus, WINDOW, 1, seed=3)
    read = partial(masked_batch, 0.15, 3)
    whole = read(sampler, range(10, 17))
    assert whole.keys() == {"codes", "masked", "valid", "weight"}
    for processes in (2, 3):
        parts = [read(sampler, share(range(10, 17), process, processes)) for process in range(processes)]
        for name, values in whole.items():
            assert torch.equal(torch.cat([part[name] for part in parts]), values)
    again = pickle.loads(pickle.dumps(read))(sampler, range(10, 17))
    assert all(torch.equal(again[name], values) for name, values in whole.items())
    # Another seed of masks, and another window, mask other bases of it.
    assert not torch.equal(masked_batch(0.15, 4, sampler, range(10, 17))["masked"], whole["masked"])
    assert len({row.numpy().tobytes() for row in whole["masked"]}) == 7


def test_windows_are_those_of_the_labelled_batches(corpus: Corpus) -> None:
    sampler = WindowSampler(corpus, WINDOW, 1, seed=3)
    validation = ValidationWindows(corpus, WINDOW)
    for windows, indices in ((sampler, range(30)), (validation, range(len(validation)))):
        ours, labelled = masked_batch(0.15, 3, windows, indices), labelled_batch(windows, indices)
        for name in ("codes", "valid", "weight"):
            assert torch.equal(ours[name], labelled[name]), name
        assert not (ours["masked"] & (ours["codes"] == N)).any()
    assert len(validation) * WINDOW > corpus.bases, "the last window is padded"
    # Both strands are read.
    drawn = [sampler.draw(index) for index in range(30)]
    number, start, reverse, _ = next(draw for draw in drawn if draw[2] and draw[1] + WINDOW < corpus.bases)
    codes, _ = sampler.sequence(drawn.index((number, start, reverse, 1.0)))
    assert (codes == reverse_complement(corpus.pieces[number].codes(start, WINDOW))).all()
