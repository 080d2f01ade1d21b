"""Scores as probabilities: curves that are fitted to genes of known truth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from genescribe.annotation.calibration import (
    CALIBRATION,
    UNCALIBRATED,
    Calibration,
    Curve,
    Evidence,
    best_threshold,
    fit_curve,
    folder_calibration,
    read_calibration,
)
from genescribe.errors import InputError


def evidence(
    logprob: float, agreement: float = 1.0, length: int = 900, kind: str = "protein_coding"
) -> Evidence:
    return Evidence(kind, logprob, agreement, length)


def drawn(curve: Curve, count: int, seed: int) -> tuple[list[Evidence], list[bool]]:
    """Genes that are right with the probability that a curve gives them."""
    random = np.random.default_rng(seed)
    genes = [
        evidence(
            -float(random.exponential(1.0)), float(random.integers(0, 2)), int(random.integers(90, 3000))
        )
        for _ in range(count)
    ]
    return genes, [bool(random.random() < curve.probability(gene)) for gene in genes]


def test_without_calibration_the_score_is_the_decoders_probability_and_all_is_kept() -> None:
    for logprob in (-0.01, -0.5, -5.0):
        assert UNCALIBRATED.score(evidence(logprob)) == pytest.approx(math.exp(logprob))
    assert UNCALIBRATED.is_kept(evidence(-50.0))
    assert 0.999 < UNCALIBRATED.score(evidence(0.0)) < 1


def test_a_curve_is_found_again_from_genes_that_follow_it() -> None:
    truth = Curve(own=0.6, disagreement=-1.5, length=0.4, constant=-0.3)
    fitted = fit_curve(*drawn(truth, 20_000, seed=1))
    assert fitted.weights == pytest.approx(truth.weights, abs=0.12)
    assert fitted.genes == 20_000


def test_fitted_scores_are_calibrated_on_other_genes() -> None:
    truth = Curve(own=0.5, disagreement=-2.0, length=0.5, constant=0.5)
    fitted = fit_curve(*drawn(truth, 5_000, seed=2))
    genes, right = drawn(truth, 5_000, seed=3)
    scores = np.array([fitted.probability(gene) for gene in genes])
    for low in np.arange(0.1, 0.9, 0.2):
        chosen = (scores >= low) & (scores < low + 0.2)
        assert np.array(right)[chosen].mean() == pytest.approx(scores[chosen].mean(), abs=0.06)


def test_genes_of_which_few_are_right_are_fitted_too() -> None:
    random = np.random.default_rng(5)
    genes = [evidence(-float(random.exponential(8.0)), 0.5, 300) for _ in range(400)]
    right = [gene.logprob > -0.2 for gene in genes]
    assert 0 < sum(right) < 20
    fitted = fit_curve(genes, right)
    assert sum(fitted.probability(gene) for gene in genes) == pytest.approx(sum(right), abs=1.0)


def test_too_few_genes_or_none_wrong_leave_the_scores_as_they_were() -> None:
    genes, right = drawn(Curve(), 29, seed=4)
    assert fit_curve(genes, right) == Curve(genes=29)
    genes, _ = drawn(Curve(), 200, seed=4)
    for all_alike in (True, False):
        assert fit_curve(genes, [all_alike] * 200) == Curve(genes=200)
    assert fit_curve([], []) == Curve()


def test_the_threshold_has_the_highest_f1() -> None:
    # Keeping 2: F1 = 4/6. Keeping 3: 4/7. Keeping 4: 6/8.
    assert best_threshold([0.9, 0.8, 0.7, 0.6], [True, True, False, True], reference=4) == 0.6
    # With a wrong fourth gene, the first two are best.
    assert best_threshold([0.9, 0.8, 0.7, 0.6], [True, True, False, False], reference=4) == 0.8
    # Keeping 2: 2 * 2 / 6. Keeping 4, each of the last two half right: 2 * 3 / 8.
    assert best_threshold([0.9, 0.8, 0.7, 0.6], [1.0, 1.0, 0.5, 0.5], reference=4) == 0.6


def test_a_kind_of_which_all_were_wrong_is_not_written() -> None:
    assert best_threshold([0.9, 0.8], [0.0, 0.0], reference=20) == 1.0
    assert best_threshold([], [], reference=20) == 0.0
    assert not Calibration(min_stop=1.0).is_kept(evidence(-0.001))


def test_rna_genes_have_a_curve_of_their_own() -> None:
    calibration = Calibration(Curve(constant=-2.0), min_stop=0.7, min_rna=0.2)
    coding, trna = evidence(-0.5), evidence(-0.5, kind="tRNA", length=76)
    assert calibration.score(coding) < calibration.score(trna) == pytest.approx(math.exp(-0.5))
    assert not calibration.is_kept(coding) and calibration.is_kept(trna)
    assert calibration.is_kept(coding, min_score=0.0) and not calibration.is_kept(trna, min_score=0.9)


def test_a_coding_gene_is_kept_for_its_stop_and_scored_for_its_start_too() -> None:
    """A long gene of which two windows see different starts is there, whatever its start."""
    calibration = Calibration(Curve(disagreement=-4.0), Curve(length=3.0), min_stop=0.5)
    long, short = evidence(-1.0, 0.5, length=3000), evidence(-1.0, 1.0, length=150)
    assert calibration.score(long) < 0.1 < 0.3 < calibration.score(short)
    assert calibration.is_kept(long) and not calibration.is_kept(short)
    assert calibration.is_kept(short, min_score=0.3) and not calibration.is_kept(long, min_score=0.3)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    coding, stop = Curve(0.5, -1.0, 0.25, 0.125, 100), Curve(0.75, genes=120)
    calibration = Calibration(coding, stop, Curve(), 0.4, 0.25, ("one", "two"))
    calibration.write(tmp_path / CALIBRATION)
    assert read_calibration(tmp_path / CALIBRATION) == folder_calibration(tmp_path) == calibration


def test_a_file_beside_the_weights_goes_before_what_they_carry(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must hold config"):
        folder_calibration(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert folder_calibration(tmp_path) == UNCALIBRATED
    content = {
        "coding": {"own": 0.5},
        "stop": {},
        "rna": {},
        "min_stop": 0.25,
        "min_rna": 0,
        "fitted_on": ["a"],
    }
    carried = {"calibration": content}
    (tmp_path / "config.json").write_text(json.dumps(carried))
    assert folder_calibration(tmp_path) == Calibration(Curve(own=0.5), min_stop=0.25, fitted_on=("a",))
    beside = Calibration(Curve(own=2.0))
    beside.write(tmp_path / CALIBRATION)
    assert folder_calibration(tmp_path) == beside


def test_what_is_no_calibration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / CALIBRATION
    with pytest.raises(InputError, match="no such file"):
        read_calibration(path)
    for content in ("{", "[]", '{"coding": {"slope": 1}, "rna": {}, "fitted_on": []}'):
        path.write_text(content)
        with pytest.raises(InputError, match="no calibration"):
            read_calibration(path)
