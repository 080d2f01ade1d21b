"""Axes and lines of the charts."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from genescribe.report.charts import Axis, Series, legend, line_chart, nice_axis
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (0, 0.13, ["0", "0.05", "0.10", "0.15"]),
        (0, 0.0017, ["0", "0.0005", "0.0010", "0.0015", "0.0020"]),
        (0, 0, ["0", "0.5"]),
        (0, 3e-6, ["0", "1e−6", "2e−6", "3e−6"]),
    ],
)
def test_round_ticks(low: float, high: float, labels: list[str]) -> None:
    axis = nice_axis(low, high, "x", ticks=5 if high == 100 else 4)
    assert [lines[0] for _, lines in axis.ticks] == labels


def test_a_tight_axis_ends_at_the_last_point() -> None:
    axis = nice_axis(0, 44.2, "Mb", is_tight=True)
    assert axis.high == 44.2
    assert [value for value, _ in axis.ticks] == [0, 10, 20, 30, 40]


@given(st.floats(0, 1e9), st.floats(1e-9, 1e9))
def test_an_axis_covers_its_values(low: float, span: float) -> None:
    high = low + span
    axis = nice_axis(low, high, "x")
    assert axis.low <= low * (1 + 1e-6) + 1e-12 and high <= axis.high * (1 + 1e-6)
    assert 2 <= len(axis.ticks) <= 12


def test_a_missing_point_breaks_the_line_and_has_no_mark() -> None:
    axis = Axis(0, 3, [(0, ("0",))], "x")
    svg = line_chart("t", axis, axis, [Series("a", "s", [(0, 1), (1, 2), (2, None), (3, 1)], "circle")], "d")
    path = re.search(r'<path class="line line-s" d="([^"]*)"', svg)
    assert path and re.findall("[ML]", path[1]) == ["M", "L", "M"]
    assert svg.count('class="mark mark-s"') == 3


def test_points_lie_where_the_axes_say() -> None:
    x, y = Axis(0, 10, [(0, ("0",))], "x"), Axis(0, 100, [(0, ("0",)), (100, ("100",))], "y")
    svg = line_chart("t", x, y, [Series("a", "s", [(0, 0), (10, 100)])], "d")
    path = re.search(r'line-s" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg)
    assert path is not None
    left, bottom, right, top = map(float, path.groups())
    grid = {
        text: float(at)
        for at, text in re.findall(r'<text class="tick" x="40" y="([\d.]+)" [^>]*>(\d+)<', svg)
    }
    assert (left, right) == (46, 406)
    assert top < bottom
    assert grid == {"0": bottom + 4, "100": top + 4}


def test_names_are_escaped_and_the_svg_is_well_formed() -> None:
    axis = Axis(0, 1, [(0, ("<0",))], "<x>")
    series = [Series("<b>", 'a"b', [(0, 0)], "square", ["<note>"])]
    svg = line_chart("<title>", axis, axis, series, "<desc>")
    root = ElementTree.fromstring(svg)
    assert [element.text for element in root if element.tag in ("title", "desc")] == ["<title>", "<desc>"]
    ElementTree.fromstring(legend([("<b>", 'a"b', "diamond")]))
