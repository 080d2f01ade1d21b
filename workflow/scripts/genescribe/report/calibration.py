"""Calibration: what the scores promise against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from genescribe.report import charts
from genescribe.report.numbers import MISSING, count, percent
from genescribe.report.scores import CONTROLS, Bin, Calibration, Score, label, order, style


@dataclass(frozen=True)
class CalibrationView:
    """One predictor: a sentence, the reliability curve, its bins and what thresholds leave, as texts."""

    name: str
    sentence: str
    chart: Markup
    bins: list[tuple[str, str, str, str]]
    thresholds: list[tuple[str, str, str, str]]


def calibration_views(scores: Sequence[Score]) -> list[CalibrationView]:
    """Every predictor whose scores are probabilities; no control rows."""
    return [
        _view(score, score.calibration)
        for score in sorted(scores, key=lambda one: order(one.predictor))
        if score.calibration is not None and score.predictor not in CONTROLS
    ]


def _view(score: Score, found: Calibration) -> CalibrationView:
    name = label(score.predictor)
    sentence = (
        f"{name}’s scores promise that {percent(found.mean_score)} of its {count(found.genes)} genes are "
        f"exactly right; {percent(found.exact_share)} are. Expected calibration error: "
        f"{_points(found.expected_calibration_error)} (0 is perfect). Brier score: {found.brier:.3f}."
    )
    return CalibrationView(
        name=name,
        sentence=sentence,
        chart=_chart(score.predictor, name, found),
        bins=[
            (_edges(one), count(one.genes), percent(one.mean_score), percent(one.exact_share))
            for one in found.bins
        ],
        thresholds=[
            (f"{one.score:g}", count(one.genes), percent(one.precision), percent(one.recall))
            for one in found.thresholds
        ],
    )


def _points(share: float) -> str:
    return f"{100 * share:.1f} percentage points"


def _edges(one: Bin) -> str:
    return f"{one.low:.3f}–{one.high:.3f}"


def _chart(predictor: str, name: str, found: Calibration) -> Markup:
    filled = [one for one in found.bins if one.mean_score is not None and one.exact_share is not None]
    points = [(100 * (one.mean_score or 0.0), 100 * (one.exact_share or 0.0)) for one in filled]
    notes = [
        f"score {_edges(one)}: {count(one.genes)} genes, mean {percent(one.mean_score)}, "
        f"right {percent(one.exact_share)}"
        for one in filled
    ]
    most = max((one.genes for one in found.bins), default=0) or 1
    bars = [(100 * one.low, 100 * one.high, one.genes / most) for one in found.bins]
    said = "; ".join(notes) or MISSING
    return charts.line_chart(
        f"{name}: reliability of the scores",
        charts.nice_axis(0, 100, "score of the genes, %"),
        charts.nice_axis(0, 100, "exactly right, %"),
        [
            charts.Series("perfect", "ideal", [(0.0, 0.0), (100.0, 100.0)]),
            charts.Series(name, style(predictor), points, charts.MARKS[0], notes),
        ],
        f"Share of genes that are exactly right against their mean score, in {len(found.bins)} bins. {said}.",
        bars,
    )
