"""Figures of gffcompare (or cuffcompare), as `genescribe gffcompare` wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from genescribe.errors import InputError
from genescribe.report.numbers import MISSING
from genescribe.report.scores import label, order


class _Level(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sensitivity: float | None
    precision: float | None


class _Stats(BaseModel):
    model_config = ConfigDict(extra="ignore")

    program: str | None
    version: str | None
    reason: str | None
    levels: dict[str, _Level]


@dataclass(frozen=True)
class GffcompareTable:
    """Sensitivity and precision in percent, as the program prints them, per level and predictor.

    `program` is None if it ran for no predictor; `reasons` say why it did not run.
    """

    program: str | None
    levels: list[str]
    rows: list[tuple[str, list[tuple[str, str]]]]
    reasons: list[str]


def gffcompare_table(paths: Mapping[str, Path]) -> GffcompareTable | None:
    """One row per predictor that the program ran for, or None if the workflow did not compare at all.

    Raises:
        InputError: a file is not what `genescribe gffcompare` writes.
    """
    if not paths:
        return None
    stats = {name: _read(paths[name]) for name in sorted(paths, key=order)}
    ran = {name: one for name, one in stats.items() if one.program}
    every = dict.fromkeys(level for one in ran.values() for level in one.levels)
    levels = [level for level in every if any(_has_figure(one.levels.get(level)) for one in ran.values())]
    programs = sorted({f"{one.program} {one.version or ''}".strip() for one in ran.values()})
    return GffcompareTable(
        program=" and ".join(programs) or None,
        levels=[level.replace("_", " ").capitalize() for level in levels],
        rows=[(label(name), [_cell(one.levels.get(level)) for level in levels]) for name, one in ran.items()],
        reasons=sorted({one.reason for one in stats.values() if one.reason}),
    )


def _has_figure(level: _Level | None) -> bool:
    return level is not None and (level.sensitivity is not None or level.precision is not None)


def _cell(level: _Level | None) -> tuple[str, str]:
    if level is None:
        return MISSING, MISSING
    sensitivity, precision = (
        MISSING if v is None else f"{v:.1f}" for v in (level.sensitivity, level.precision)
    )
    return sensitivity, precision


def _read(path: Path) -> _Stats:
    try:
        return _Stats.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, ValidationError) as error:
        raise InputError("is not what `genescribe gffcompare` writes; run it again", path) from error
