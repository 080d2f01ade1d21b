"""Progress that a person can read: a bar on a terminal, plain lines in a log, with rate and time left.

Needs nothing but the standard library; with `rich` installed and a terminal attached, the bar is rich's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

SECONDS_BETWEEN_LINES = 10.0


def format_amount(amount: float) -> str:
    """A number in at most five characters, with k, M or G: 999, 1.5k, 25k, 4.6M."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= factor:
            scaled = amount / factor
            return f"{scaled:.1f}{letter}" if abs(scaled) < 10 else f"{scaled:.0f}{letter}"
    return f"{amount:.1f}" if abs(amount) < 10 and amount != int(amount) else f"{amount:.0f}"


def format_seconds(seconds: float) -> str:
    """A duration as a person says it: 8 s, 2 min 5 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress:
    """Counts work done and prints a plain line now and then. `progress` makes one; call `advance` on it."""

    def __init__(self, description: str, total: float, unit: str, stream: TextIO, interval: float) -> None:
        self.description = description
        self.total = total
        self.unit = unit
        self.done = 0.0
        self._stream = stream
        self._interval = interval
        self._begin = self._last = time.monotonic()

    def advance(self, amount: float = 1) -> None:
        """Add `amount` units of finished work."""
        self.done += amount
        now = time.monotonic()
        if now - self._last >= self._interval and (self.done < self.total or not self.total):
            self._last = now
            self._write(self.line(now - self._begin))

    def line(self, elapsed: float) -> str:
        """The state after `elapsed` seconds as one line of text."""
        done, total = format_amount(self.done), format_amount(self.total)
        share = (
            f" of {total} {self.unit} ({100 * self.done / self.total:.0f} %)"
            if self.total
            else f" {self.unit}"
        )
        text = f"{self.description}: {done}{share}"
        rate = self.done / elapsed if elapsed > 0 else 0.0
        if rate > 0:
            text += f", {format_amount(rate)} {self.unit}/s"
            if self.total:
                text += f", {format_seconds((self.total - self.done) / rate)} left"
        return text

    def start(self) -> None:
        """Announce the work."""
        amount = f"{format_amount(self.total)} {self.unit} to do" if self.total else "begins"
        self._write(f"{self.description}: {amount}")

    def finish(self) -> None:
        """Say how much was done in how long."""
        elapsed = time.monotonic() - self._begin
        self._write(
            f"{self.description}: {format_amount(self.done)} {self.unit} in {format_seconds(elapsed)}"
        )

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class _BarProgress(Progress):
    """The same with a rich bar; only for a terminal."""

    def start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
        )
        self._task = self._bar.add_task(self.description, total=self.total or None, rate="")
        self._bar.start()

    def advance(self, amount: float = 1) -> None:
        self.done += amount
        elapsed = max(time.monotonic() - self._begin, 1e-9)
        rate = f"{format_amount(self.done / elapsed)} {self.unit}/s"
        self._bar.update(self._task, completed=self.done, rate=rate)

    def finish(self) -> None:
        self._bar.stop()


def _rich_is_there() -> bool:
    try:
        import rich.progress  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def progress(
    description: str,
    total: float,
    unit: str = "steps",
    stream: TextIO | None = None,
    interval: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Progress]:
    """Show progress while the block runs.

    Args:
        description: what is going on, a few words.
        total: units of work in all; 0 if nobody knows.
        unit: what is counted, in the plural ("windows", "pieces", "b").
        stream: where to write; standard error if None. A bar where it is a terminal, else plain lines.
        interval: seconds between plain lines, at least.
    """
    target = sys.stderr if stream is None else stream
    kind = _BarProgress if target.isatty() and _rich_is_there() else Progress
    counter = kind(description, total, unit, target, interval)
    counter.start()
    try:
        yield counter
    finally:
        counter.finish()
