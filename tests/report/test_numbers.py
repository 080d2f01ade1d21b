"""How numbers are written."""

from __future__ import annotations

import pytest
from genescribe.report import numbers


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(None, "–"), (0.0, "0.0%"), (0.85649, "85.6%"), (0.99951, "99.9%"), (1.0, "100.0%"), (1 / 3, "33.3%")],
)
def test_percent(fraction: float | None, text: str) -> None:
    assert numbers.percent(fraction) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0 nt"), (999, "999 nt"), (1_000, "1.00 kb"), (450_000, "450 kb"), (4_639_675, "4.64 Mb")],
)
def test_bases_do_not_break_before_their_unit(length: int, text: str) -> None:
    assert numbers.bases(length) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (12_345.6, "12,346"),
        (1.23456, "1.23"),
        (0.000123456, "0.000123"),
        (0.5, "0.5"),
        (-2.5, "-2.50"),
    ],
)
def test_three_significant_digits(number: float, text: str) -> None:
    assert numbers.significant(number, 3) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.44, "0.4 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3_900, "1 h 05 min"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(None, "–"), (0.4, "0 MB"), (455.3, "455 MB"), (1_536, "1.5 GB")])
def test_memory(size: float | None, text: str) -> None:
    assert numbers.memory(size) == text


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c")]
)
def test_listing(words: list[str], text: str) -> None:
    assert numbers.listing(words) == text
