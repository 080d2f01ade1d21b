"""Whether a predictor's scores are the probabilities that its genes are right."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from genescribe.benchmark.gene_table import EXACT, NEUTRAL
from genescribe.language.gene_model import PROTEIN_CODING

BINS = 15
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Bin:
    """Genes with a score in (low, high]; the first bin holds a score of 0, too.

    Attributes:
        low: lower edge.
        high: upper edge.
        genes: how many.
        mean_score: their mean score; None without genes.
        exact_share: share of them that is exactly right; None without genes.
    """

    low: float
    high: float
    genes: int
    mean_score: float | None
    exact_share: float | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is left if only genes with at least `score` are kept.

    Attributes:
        score: least score.
        genes: genes kept.
        exact: of them exactly right.
        precision: exact / genes; None without genes.
        recall: exact / reference genes; None without a reference gene.
    """

    score: float
    genes: int
    exact: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores and truth fit.

    Attributes:
        genes: predicted coding genes that count.
        mean_score: mean of their scores.
        exact_share: share of them that is exactly right.
        expected_calibration_error: mean distance of mean score and exact share over the bins, each weighed by
            its genes (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).
        brier: mean squared distance of score and truth (1 or 0).
        bins: of equal width, ascending.
        thresholds: ascending.
    """

    genes: int
    mean_score: float
    exact_share: float
    expected_calibration_error: float
    brier: float
    bins: tuple[Bin, ...]
    thresholds: tuple[Threshold, ...]


def calibration(
    scores: npt.NDArray[np.float64], is_exact: npt.NDArray[np.bool_], reference: int, bins: int = BINS
) -> Calibration:
    """Compare scores with what came true.

    Args:
        scores: (N,) probabilities, 0 to 1; at least one.
        is_exact: (N,) whether each gene is exactly right.
        reference: number of reference genes.
        bins: how many bins of equal width.
    """
    numbers = np.clip(np.ceil(scores * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    score_sums = np.bincount(numbers, scores, minlength=bins)
    exact_sums = np.bincount(numbers, is_exact, minlength=bins)
    rows = tuple(
        Bin(
            index / bins,
            (index + 1) / bins,
            int(count),
            float(score_sums[index] / count) if count else None,
            float(exact_sums[index] / count) if count else None,
        )
        for index, count in enumerate(counts)
    )
    return Calibration(
        genes=len(scores),
        mean_score=float(scores.mean()),
        exact_share=float(is_exact.mean()),
        expected_calibration_error=float(np.abs(score_sums - exact_sums).sum() / len(scores)),
        brier=float(np.square(scores - is_exact).mean()),
        bins=rows,
        thresholds=tuple(_threshold(scores, is_exact, reference, least) for least in THRESHOLDS),
    )


def _threshold(
    scores: npt.NDArray[np.float64], is_exact: npt.NDArray[np.bool_], reference: int, least: float
) -> Threshold:
    kept = scores >= least
    genes, exact = int(kept.sum()), int((kept & is_exact).sum())
    return Threshold(
        least, genes, exact, exact / genes if genes else None, exact / reference if reference else None
    )


def of_gene_table(genes: pd.DataFrame) -> dict[str, object] | None:
    """Calibration of the predicted coding genes of a table of genes, as plain data.

    None where the scores are no probabilities: a gene has none, or one lies outside 0 to 1 (Prodigal's scores
    are sums of log odds).
    """
    coding = genes[(genes["kind"] == PROTEIN_CODING) & (genes["class"] != NEUTRAL)]
    predicted = coding[coding["side"] == "predicted"]
    scores = predicted["score"].to_numpy(np.float64)
    if not len(scores) or not ((scores >= 0) & (scores <= 1)).all():
        return None
    is_exact = (predicted["class"] == EXACT).to_numpy(np.bool_)
    return asdict(calibration(scores, is_exact, int((coding["side"] == "reference").sum())))
