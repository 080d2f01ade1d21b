"""Reliability of scores as probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from genescribe.benchmark.calibration import BINS, calibration, of_gene_table
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = ["side", "id", "kind", "class", "score"]


def test_two_bins_by_hand() -> None:
    scores = np.array([0.2, 0.5, 0.6, 1.0])
    found = calibration(scores, np.array([False, True, True, False]), reference=4, bins=2)
    one, two = found.bins
    assert (one.low, one.high, one.genes, one.mean_score, one.exact_share) == (0.0, 0.5, 2, 0.35, 0.5)
    assert (two.low, two.high, two.genes, two.mean_score, two.exact_share) == (0.5, 1.0, 2, 0.8, 0.5)
    assert found.expected_calibration_error == pytest.approx(0.5 * 0.15 + 0.5 * 0.3)
    assert found.brier == pytest.approx((0.04 + 0.25 + 0.16 + 1.0) / 4)
    kept = {one.score: (one.genes, one.exact, one.precision, one.recall) for one in found.thresholds}
    assert kept[0.5] == (3, 2, 2 / 3, 0.5)
    assert kept[0.99] == (1, 0, 0.0, 0.0)


@pytest.mark.parametrize(("score", "number"), [(0.0, 0), (0.2, 2), (0.201, 3), (0.4, 5), (0.6, 8), (1.0, 14)])
def test_a_bin_holds_its_upper_edge(score: float, number: int) -> None:
    bins = calibration(np.array([score]), np.array([True]), 1).bins
    assert len(bins) == BINS == 15
    assert [index for index, one in enumerate(bins) if one.genes] == [number]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_bins_hold_every_gene_and_errors_lie_between_0_and_1(genes: list[tuple[float, bool]]) -> None:
    scores, right = np.array([score for score, _ in genes]), np.array([is_right for _, is_right in genes])
    found = calibration(scores, right, reference=len(genes))
    assert sum(one.genes for one in found.bins) == len(genes)
    assert abs(found.mean_score - found.exact_share) <= found.expected_calibration_error + 1e-9 <= 1 + 2e-9
    for one in found.bins:
        if one.genes:
            assert one.mean_score is not None
            assert one.low - 1e-9 <= one.mean_score <= one.high + 1e-9


def test_certain_and_right_has_no_error() -> None:
    found = calibration(np.array([1.0, 0.0]), np.array([True, False]), 1)
    assert (found.expected_calibration_error, found.brier) == (0.0, 0.0)


def table(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_only_predicted_coding_genes_that_count() -> None:
    genes = table(
        ("reference", "a", "protein_coding", "exact", None),
        ("reference", "b", "protein_coding", "missed", None),
        ("predicted", "p", "protein_coding", "exact", 0.9),
        ("predicted", "q", "protein_coding", "wrong_start", 0.8),
        ("predicted", "r", "protein_coding", "neutral", 7.0),
        ("predicted", "s", "tRNA", "exact", None),
    )
    found = of_gene_table(genes)
    assert found is not None
    assert (found["genes"], found["exact_share"]) == (2, 0.5)
    assert found["thresholds"][3] == {  # type: ignore[index]
        "score": 0.9, "genes": 1, "exact": 1, "precision": 1.0, "recall": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("score", [None, 1.001, -0.1, 35.2])
def test_scores_that_are_no_probabilities(score: float | None) -> None:
    genes = table(
        ("predicted", "p", "protein_coding", "exact", 0.9),
        ("predicted", "q", "protein_coding", "extra", score),
    )
    assert of_gene_table(genes) is None
    assert of_gene_table(genes[:0]) is None
