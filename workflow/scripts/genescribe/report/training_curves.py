"""Training curves: the metrics of each stage, drawn against the amount of sequence read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from genescribe.errors import InputError
from genescribe.report import charts
from genescribe.report.numbers import count, duration, percent, significant

MOST_POINTS = 240
"""Points a line may have; longer runs are averaged into as many equal bins."""

_PANELS = (
    ("masked_loss", "Masked letters", "cross-entropy of the letters of masked bases; 1.386 is a guess"),
    ("masked_accuracy", "Masked letters right", "share of masked bases with the right letter, %"),
    ("token_loss", "Gene words", "cross-entropy of strand, kind, boundary type, end of gene"),
    ("pointer_loss", "Positions", "cross-entropy of the nucleotide pointed at"),
    ("frame_loss", "Reading frame per base", "cross-entropy of the auxiliary frame head"),
    ("boundary_loss", "Boundaries per base", "cross-entropy of the auxiliary start, stop and splice heads"),
    ("pointer_accuracy", "Positions exactly right", "share of pointers on the right nucleotide, %"),
    ("balance_loss", "Balance of experts", "1 if all are used alike, their number if one alone is"),
    ("least_expert_share", "Least used expert", "share of gene words that it reads, %"),
    ("learning_rate", "Learning rate", "set by the schedule"),
)


@dataclass(frozen=True)
class Record:
    """One line of metrics: the event ("train" or "val"), where it stands, and its finite numbers by name."""

    event: str
    values: dict[str, float]


@dataclass(frozen=True)
class StageCurves:
    """What the page shows of one stage: charts and a sentence of facts."""

    name: str
    facts: str
    charts: list[tuple[str, str, Markup]]


def read_metrics(path: Path) -> list[Record]:
    """Read JSON lines; unknown fields and events stay unused, missing ones are allowed.

    Raises:
        InputError: a line is no JSON object.
    """
    records = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(
                    f"is no JSON ({error.msg}); metrics are one object a line", path, number
                ) from error
            if not isinstance(data, dict):
                raise InputError("is no JSON object; metrics are one object a line", path, number)
            values = {
                key: float(value)
                for key, value in data.items()
                if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            }
            records.append(Record(str(data.get("event", "train")), values))
    return records


def stage_curves(name: str, records: Sequence[Record]) -> StageCurves:
    """Charts of one stage. A panel whose field no record has is left out."""
    field, divisor, label = _x_axis(records)
    drawn = []
    for key, title, meaning in _PANELS:
        lines = []
        for event in ("train", "val") if key != "learning_rate" else ("train",):
            scale = 100.0 if key.endswith(("_accuracy", "_share")) else 1.0
            points = [
                (record.values[field] / divisor, record.values[key] * scale)
                for record in records
                if record.event == event and key in record.values and field in record.values
            ]
            if points:
                lines.append((event, _binned(sorted(points))))
        if lines:
            drawn.append((title, meaning, _chart(title, label, lines)))
    return StageCurves(name, _facts(records), drawn)


def _x_axis(records: Sequence[Record]) -> tuple[str, float, str]:
    """The field that most records count progress in, its divisor and the axis label."""
    for field, divisor, label in (
        ("bases", 1e6, "Mb of sequence read"),
        ("tokens", 1e6, "million tokens read"),
    ):
        if any(field in record.values for record in records):
            return field, divisor, label
    return "step", 1.0, "steps"


def _binned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Means over equal runs of consecutive points, so that no line has more than MOST_POINTS."""
    if len(points) <= MOST_POINTS:
        return points
    edges = [round(index * len(points) / MOST_POINTS) for index in range(MOST_POINTS + 1)]
    runs = [points[first:last] for first, last in pairwise(edges)]
    return [(sum(x for x, _ in run) / len(run), sum(y for _, y in run) / len(run)) for run in runs]


def _chart(title: str, x_label: str, lines: list[tuple[str, list[tuple[float, float]]]]) -> Markup:
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    series = [
        charts.Series(
            event,
            event,
            points,
            mark="circle" if len(points) <= (40 if event == "val" else 1) else "",
            notes=[f"{event} {significant(y, 3)} at {significant(x, 3)} {x_label}" for x, y in points],
        )
        for event, points in lines
    ]
    ends = "; ".join(
        f"{event}: {significant(points[0][1], 3)} at the start, {significant(points[-1][1], 3)} at the end"
        for event, points in lines
    )
    return charts.line_chart(
        title,
        charts.nice_axis(0, max(xs), x_label, ticks=5, is_tight=True),
        charts.nice_axis(0, max(ys), "", ticks=4),
        series,
        f"{title} against {x_label}. {ends}.",
    )


def _facts(records: Sequence[Record]) -> str:
    """One sentence: how much was read in how long, and where the validation figures ended."""

    def last(key: str, event: str | None = None) -> float | None:
        found = [r.values[key] for r in records if key in r.values and event in (None, r.event)]
        return found[-1] if found else None

    parts = []
    if (step := last("step")) is not None:
        parts.append(f"{count(step)} steps")
    if (read := last("bases")) is not None:
        parts.append(f"{significant(read / 1e6, 3)} Mb of sequence")
    if (tokens := last("tokens")) is not None:
        parts.append(f"{significant(tokens / 1e6, 3)} million tokens")
    if (seconds := last("seconds")) is not None:
        parts.append(duration(seconds))
    if (speed := last("bases_per_second", "train")) is not None:
        parts.append(f"{significant(speed / 1000, 3)} kb a second at the end")
    if (accuracy := last("pointer_accuracy", "val")) is not None:
        parts.append(f"on validation windows {percent(accuracy)} of the positions exactly right at the end")
    return "; ".join(parts)
