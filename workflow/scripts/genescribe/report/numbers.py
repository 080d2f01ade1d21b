"""How numbers are written for a reader: sensible digits, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence

NO_BREAK = "\u00a0"
"""No-break space: a number and its unit stay on one line."""
MISSING = "–"
"""Stands where there is no figure, such as the precision of a predictor that wrote nothing."""


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal; never "100.0%" unless it is exactly that."""
    if fraction is None:
        return MISSING
    shown = f"{100 * fraction:.1f}%"
    return "99.9%" if shown == "100.0%" and fraction < 1 else shown


def count(number: float | None) -> str:
    """A whole number with thousands separators."""
    return MISSING if number is None else f"{round(number):,}"


def bases(number: int) -> str:
    """A length of sequence in nt, kb or Mb with three digits."""
    if number < 1_000:
        return f"{number}{NO_BREAK}nt"
    if number < 1_000_000:
        return f"{significant(number / 1_000, 3)}{NO_BREAK}kb"
    return f"{significant(number / 1_000_000, 3)}{NO_BREAK}Mb"


def significant(number: float, digits: int) -> str:
    """A number with `digits` significant digits and no exponent; whole parts are never rounded away."""
    if number == 0:
        return "0"
    whole = len(str(int(abs(number)))) if abs(number) >= 1 else 0
    if whole:
        return f"{number:,.{max(digits - whole, 0)}f}"
    return f"{float(f'{number:.{digits}g}'):.12f}".rstrip("0")


def duration(seconds: float | None) -> str:
    """Time as a person says it: 0.4 s, 12 s, 3 min 20 s, 1 h 05 min."""
    if seconds is None:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def memory(megabytes: float | None) -> str:
    """Mebibytes, as Snakemake measures them, in MB or GB."""
    if megabytes is None:
        return MISSING
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def listing(words: Sequence[str]) -> str:
    """Words as an English enumeration: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
