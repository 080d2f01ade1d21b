"""Colours of genes by their score, the same in GFF3 (attribute `color`) and BED12 (column itemRgb)."""

from __future__ import annotations

BANDS: tuple[tuple[float, tuple[int, int, int]], ...] = (
    (0.9, (8, 81, 156)),
    (0.7, (49, 130, 189)),
    (0.5, (107, 174, 214)),
    (0.0, (150, 150, 150)),
)
"""Least score of a band and its colour: three blues, the darker the surer, and grey. They differ in
lightness, so that they can be told apart without colour vision and in print."""


def colour(score: float | None) -> tuple[int, int, int] | None:
    """Red, green and blue (0 to 255) of a score; None where there is none or it is no probability."""
    if score is None or not 0 <= score <= 1:
        return None
    return next(shade for least, shade in BANDS if score >= least)


def hex_colour(score: float | None) -> str | None:
    """The same as `#rrggbb`."""
    shade = colour(score)
    return None if shade is None else "#" + "".join(f"{part:02x}" for part in shade)
