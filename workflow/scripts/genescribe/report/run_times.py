"""Run times and memory, from the files that Snakemake's `benchmark:` directive writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError


@dataclass(frozen=True)
class RunTime:
    """One rule: wall seconds, processor seconds, largest memory (MiB); None if too short to measure.

    Memory is the proportional set size of the rule's processes together: pages that they share count once.
    Where the system does not tell it, it is the sum of their resident sets.

    `share` is this rule's part of the longest wall time, for the bar in the table.
    """

    rule: str
    seconds: float
    cpu_seconds: float | None
    memory: float | None
    share: float = 0.0


def read_run_times(files: Mapping[str, Path]) -> list[RunTime]:
    """All rules, the longest first. Repeats of one rule give their mean time and largest memory.

    Raises:
        InputError: a file has no column `s` or a cell that is no number.
    """
    found = [_read(rule, path) for rule, path in files.items()]
    longest = max((entry.seconds for entry in found), default=0.0) or 1.0
    shared = [RunTime(e.rule, e.seconds, e.cpu_seconds, e.memory, e.seconds / longest) for e in found]
    return sorted(shared, key=lambda entry: (-entry.seconds, entry.rule))


def _read(rule: str, path: Path) -> RunTime:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    if not rows or "s" not in rows[0]:
        raise InputError(
            "is no Snakemake benchmark file (no column s); name one that a rule's benchmark: wrote", path
        )

    def column(name: str) -> list[float]:
        numbers = []
        for number, row in enumerate(rows, start=2):
            text = row.get(name) or "-"
            # Snakemake writes "-" or "NA" for jobs that end before the first measurement.
            if text not in ("-", "NA"):
                try:
                    numbers.append(float(text))
                except ValueError as error:
                    raise InputError(f"column {name}: {text!r} is no number", path, number) from error
        return numbers

    seconds, cpu = column("s"), column("cpu_time")
    # psutil has no proportional sizes on macOS; Snakemake then writes 0.
    memory = [size for size in column("max_pss") if size > 0] or column("max_rss")
    if not seconds:
        raise InputError("column s holds no number; run the rule again", path, 2)
    return RunTime(
        rule,
        sum(seconds) / len(seconds),
        sum(cpu) / len(cpu) if cpu else None,
        max(memory) if memory else None,
    )
