"""From the decoder's log probability to the probability that a gene is right.

The decoder is too sure of itself on sequence unlike what it learned from, and it does not know whether the
other windows that hold a gene saw it too. A logistic regression on genes of known truth (val) corrects both.
It is small enough to be read: four numbers for coding genes to be exactly right, four for their stop codons
to be, four for RNA genes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.language.gene_model import PROTEIN_CODING

CALIBRATION = "calibration.json"
"""Its file in a model's folder."""

LEAST_LOGIT, MOST_LOGIT = -12.0, 8.0
USUAL_LENGTH = 900
"""Length of a usual gene in nt; the feature is zero there."""
RIDGE = 1.0
"""Penalty on the squares of the weights' distances from an uncalibrated curve, in units of genes."""
MIN_GENES = 30
"""With fewer genes of known truth a curve stays uncalibrated."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a predicted gene.

    Attributes:
        kind: see `genescribe.language.gene_model.KINDS`.
        logprob: the decoder's log probability.
        agreement: share of the windows that hold the gene whole in which it was seen just so, 0 to 1.
        length: of its segments in nt.
    """

    kind: str
    logprob: float
    agreement: float
    length: int

    @property
    def features(self) -> tuple[float, float, float, float]:
        """Log odds by the decoder's own probability; disagreement; log of the length; 1."""
        own = self.logprob - math.log(max(-math.expm1(min(self.logprob, 0.0)), 1e-12))
        own = min(max(own, LEAST_LOGIT), MOST_LOGIT)
        return own, 1.0 - self.agreement, math.log(max(self.length, 1) / USUAL_LENGTH), 1.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Log odds of being right as a weighted sum of `Evidence.features`, learnt from so many genes.

    Without a calibration it gives the decoder's own probability.
    """

    own: float = 1.0
    disagreement: float = 0.0
    length: float = 0.0
    constant: float = 0.0
    genes: int = 0

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """The weights (4,)."""
        return np.array([self.own, self.disagreement, self.length, self.constant])

    def probability(self, evidence: Evidence) -> float:
        """Probability that the gene is right."""
        return float(np.exp(-np.logaddexp(0.0, -(self.weights @ np.array(evidence.features)))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How genes are scored, and which are kept.

    A coding gene is kept for its stop codon: one with a doubtful start is of use, and its score says so.

    Attributes:
        coding: of a coding gene to be exactly right: its score.
        stop: of its stop codon to be right.
        rna: of an RNA gene to share half of either span: its score.
        min_stop: least probability by `stop` of a coding gene that is kept.
        min_rna: least score of an RNA gene that is kept.
        fitted_on: names of the genomes.
        stops_alone: those of them whose coding genes taught `stop` alone, not `coding`.
    """

    coding: Curve = Curve()
    stop: Curve = Curve()
    rna: Curve = Curve()
    min_stop: float = 0.0
    min_rna: float = 0.0
    fitted_on: tuple[str, ...] = ()
    stops_alone: tuple[str, ...] = ()

    def score(self, evidence: Evidence) -> float:
        """Probability that the gene is right."""
        return (self.coding if evidence.kind == PROTEIN_CODING else self.rna).probability(evidence)

    def is_kept(self, evidence: Evidence, min_score: float | None = None) -> bool:
        """Whether the gene is probable enough: by its score, or as was best on val if `min_score` is None."""
        if min_score is not None:
            return self.score(evidence) >= min_score
        if evidence.kind == PROTEIN_CODING:
            return self.stop.probability(evidence) >= self.min_stop
        return self.score(evidence) >= self.min_rna

    def write(self, path: Path) -> None:
        """Write as JSON."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


UNCALIBRATED = Calibration()
"""The score is the decoder's own probability; every gene is kept."""


def from_mapping(content: Mapping[str, Any]) -> Calibration:
    """A calibration of the content of its JSON. Raises KeyError or TypeError when it is none."""
    coding, stop, rna = (Curve(**content[name]) for name in ("coding", "stop", "rna"))
    fitted_on = tuple(map(str, content["fitted_on"]))
    stops_alone = tuple(map(str, content.get("stops_alone", ())))
    min_stop, min_rna = (float(content[key]) for key in ("min_stop", "min_rna"))
    return Calibration(coding, stop, rna, min_stop, min_rna, fitted_on, stops_alone)


def read_calibration(path: Path) -> Calibration:
    """Read what `Calibration.write` wrote.

    Raises:
        InputError: no such file, or no calibration.
    """
    try:
        return from_mapping(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError("no such file; make it with `genescribe calibrate`", path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"no calibration ({error}); make it with `genescribe calibrate`", path) from error


def folder_calibration(folder: Path) -> Calibration:
    """The calibration of a model's folder: that beside the weights, else that which they carry, else
    `UNCALIBRATED`.

    Raises:
        InputError: the folder holds no model, or its calibration is none.
    """
    if (folder / CALIBRATION).is_file():
        return read_calibration(folder / CALIBRATION)
    path = folder / "config.json"
    try:
        carried = json.loads(path.read_text(encoding="utf-8")).get("calibration")
        return from_mapping(carried) if carried else UNCALIBRATED
    except FileNotFoundError as error:
        raise InputError("not a model folder: it must hold config.json", folder) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"its calibration cannot be read ({error})", path) from error


def fit_curve(genes: Sequence[Evidence], right: Sequence[bool]) -> Curve:
    """Fit a curve by penalised logistic regression (Newton's method).

    Args:
        genes: predicted genes of known truth.
        right: whether each is right.

    Returns:
        An uncalibrated curve if there are fewer than `MIN_GENES` genes, or all or none are right.
    """
    truth = np.array(right, dtype=np.float64)
    if len(genes) < MIN_GENES or truth.min() == truth.max():
        return Curve(genes=len(genes))
    features = np.array([gene.features for gene in genes])
    prior = Curve().weights
    penalty = np.diag([RIDGE] * (features.shape[1] - 1) + [1e-6])
    weights = prior.copy()

    def loss(weights: npt.NDArray[np.float64]) -> float:
        logits = features @ weights
        pull = weights - prior
        return float(np.logaddexp(0.0, logits).sum() - truth @ logits + pull @ penalty @ pull / 2)

    for _ in range(100):
        probability = np.exp(-np.logaddexp(0.0, -features @ weights))
        gradient = features.T @ (probability - truth) + penalty @ (weights - prior)
        curvature = (features * (probability * (1 - probability))[:, None]).T @ features + penalty
        step = np.linalg.solve(curvature, gradient)
        # A whole step may overshoot where nearly all probabilities are 0 or 1.
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step /= 2
        weights = weights - step
        if np.abs(step).max() <= 1e-9:
            break
    own, disagreement, length, constant = (round(float(value), 6) for value in weights)
    return Curve(own, disagreement, length, constant, len(genes))


def best_threshold(probabilities: Sequence[float], credit: Sequence[float], reference: int) -> float:
    """The least probability, to three decimals, with which F1 against `reference` genes is highest.

    A gene is a hit as far as its credit goes. Where a coding gene whose start codon alone is wrong has one
    half, this is the F1 of exactly right genes and that of right stop codons together.

    0 without genes. 1 where none has credit, so that a kind of which all were wrong is not written.
    """
    if not any(credit):
        return 1.0 if len(credit) else 0.0
    order = np.argsort(probabilities)[::-1]
    ordered, hits = np.array(probabilities)[order], np.cumsum(np.array(credit)[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + reference)
    return math.floor(float(ordered[int(np.argmax(f1))]) * 1000) / 1000
