"""Line charts as SVG text, drawn here so that the page needs no chart library.

Colours, dashes and fonts come from the page's style sheet by class name (`line-<class>`, `mark-<class>`), so
that light, dark and print need no second drawing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDTH, HEIGHT = 420, 252
LINE = 13
"""Height of a line of tick labels."""
LEFT, RIGHT, TOP = 46, 14, 14
BAR_SHARE = 0.25
"""Part of a chart's height that the highest bar takes."""
_MARK_PATHS = {
    "circle": "m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z",
    "square": "m-3.2-3.2h6.4v6.4h-6.4z",
    "triangle": "m0-4.2l4 7.2h-8z",
    "diamond": "m0-4.4l3.6 4.4l-3.6 4.4l-3.6-4.4z",
}
MARKS = tuple(_MARK_PATHS)

_Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: for the legend and the points' tool tips.
        style: class of the style sheet.
        points: (x, y), ascending in x; a y of None is a gap.
        mark: one of `MARKS`, or "" for a line without marks.
        notes: one tool tip per point, or empty.
        is_line: whether a line joins the points; else they stand alone.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float | None]]
    mark: str = ""
    notes: Sequence[str] = field(default_factory=tuple)
    is_line: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis: its range, its ticks as (value, label lines) and what it measures."""

    low: float
    high: float
    ticks: Sequence[tuple[float, tuple[str, ...]]]
    label: str

    def fraction(self, value: float) -> float:
        """Where a value lies between the axis' ends, 0 to 1."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


def nice_axis(low: float, high: float, label: str, ticks: int = 5, is_tight: bool = False) -> Axis:
    """An axis over [low, high] with round ticks, at steps of 1, 2 or 5 times a power of ten.

    It is widened to the next ticks, or ends at `high` itself if `is_tight`.
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if is_tight and high > low:
        last = math.floor(high / step + 1e-9)
    elif last == first:
        last += 1
    values = [step * index for index in range(first, last + 1)]
    end = high if is_tight and high > low else values[-1]
    return Axis(values[0], end, [(value, (_tick(value, step),)) for value in values], label)


def _tick(value: float, step: float) -> str:
    if value == 0:
        return "0"
    if step < 1e-5 or step >= 1e6:
        number, exponent = f"{value:.1e}".split("e")
        return f"{number.removesuffix('.0')}e{int(exponent)}".replace("-", "−")
    return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def line_chart(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    description: str,
    bars: Sequence[tuple[float, float, float]] = (),
) -> Markup:
    """One chart as an SVG element that scales with its column.

    Args:
        title: said before the description.
        x: horizontal axis.
        y: vertical axis.
        series: lines, drawn in this order.
        description: what a screen reader says in place of the picture.
        bars: (left, right, height) on the ground of the chart, a height of 1 being a quarter of it.
    """
    bottom = 22 + LINE * max(len(lines) for _, lines in x.ticks)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - bottom

    def place(px: float, py: float) -> tuple[float, float]:
        return LEFT + width * x.fraction(px), TOP + height * (1 - y.fraction(py))

    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>').format(
            WIDTH, HEIGHT, title, description
        )
    ]
    for value, lines in y.ticks:
        _, at = place(x.low, value)
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, at, WIDTH - RIGHT))
        parts.append(Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT - 6, at + 4, lines[0]
        ))  # fmt: skip
    for value, lines in x.ticks:
        at, _ = place(value, y.low)
        for row, line in enumerate(lines):
            kind = "tick" if row == 0 else "tick faint"
            parts.append(Markup('<text class="{}" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                kind, at, HEIGHT - bottom + 16 + LINE * row, line
            ))  # fmt: skip
    parts.append(Markup('<path class="axis" d="M{} {}H{}"/>').format(LEFT, TOP + height, WIDTH - RIGHT))
    parts.append(Markup('<text class="tick label" x="{}" y="{}" text-anchor="end">{}</text>').format(
        WIDTH - RIGHT, HEIGHT - 4, x.label
    ))  # fmt: skip
    for low, high, share in bars:
        left, right = place(low, y.low)[0], place(high, y.low)[0]
        tall = height * share * BAR_SHARE
        parts.append(Markup('<path class="count" d="M{:.1f} {}h{:.1f}v{:.1f}h{:.1f}z"/>').format(
            left + 0.5, TOP + height, right - left - 1, -tall, left - right + 1
        ))  # fmt: skip
    for one in series:
        parts.append(_line(one, place))
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _line(series: Series, place: _Place) -> Markup:
    """A series as a path with a gap wherever a point is missing, and its marks."""
    path: list[str] = []
    pen_down = False
    for px, py in series.points:
        if py is None:
            pen_down = False
            continue
        at_x, at_y = place(px, py)
        path.append(f"{'L' if pen_down else 'M'}{at_x:.1f} {at_y:.1f}")
        pen_down = True
    parts = []
    if series.is_line:
        parts.append(Markup('<path class="line line-{}" d="{}"/>').format(series.style, "".join(path)))
    if series.mark:
        for index, (px, py) in enumerate(series.points):
            if py is not None:
                note = series.notes[index] if series.notes else series.name
                parts.append(mark(series.mark, series.style, *place(px, py), note))
    return Markup("").join(parts)


def mark(shape: str, style: str, x: float, y: float, note: str = "") -> Markup:
    """One mark centred on (x, y), with a tool tip where there is a note."""
    path = f"M{x:.1f} {y:.1f}{_MARK_PATHS[shape]}"
    inner = Markup("<title>{}</title>").format(note) if note else Markup("")
    return Markup('<path class="mark mark-{}" d="{}">{}</path>').format(style, path, inner)


def legend(entries: Sequence[tuple[str, str, str]]) -> Markup:
    """A list of (name, style, mark) with a small sample of each line."""
    svg = Markup(
        '<svg class="key" viewBox="0 0 28 12" aria-hidden="true">'
        '<path class="line line-{}" d="M1 6H27"/>{}</svg>'
    )
    items = [
        Markup("<li>{}{}</li>").format(svg.format(style, mark(shape, style, 14, 6) if shape else ""), name)
        for name, style, shape in entries
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))
