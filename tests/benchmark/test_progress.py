"""Progress: plain lines where no terminal is."""

from __future__ import annotations

import io

import pytest
from genescribe.progress import Progress, format_amount, format_seconds, progress


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (0.25, "0.2"), (7, "7"), (999, "999"), (1500, "1.5k"), (25_000, "25k"), (4_641_652, "4.6M")],
)
def test_amounts_are_short(amount: float, text: str) -> None:
    assert format_amount(amount) == text


@pytest.mark.parametrize(("seconds", "text"), [(8.4, "8 s"), (125, "2 min 5 s"), (12_000, "3 h 20 min")])
def test_durations_are_words(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_line_tells_share_rate_and_time_left() -> None:
    counter = Progress("AUGUSTUS", total=12, unit="pieces", stream=io.StringIO(), interval=10)
    counter.done = 3
    assert counter.line(elapsed=6) == "AUGUSTUS: 3 of 12 pieces (25 %), 0.5 pieces/s, 18 s left"


def test_a_log_gets_plain_lines() -> None:
    log = io.StringIO()
    with progress("reading", total=3, unit="files", stream=log, interval=0) as counter:
        for _ in range(3):
            counter.advance()
    lines = log.getvalue().splitlines()
    assert lines[0] == "reading: 3 files to do"
    assert [line.split(" (")[0] for line in lines[1:3]] == ["reading: 1 of 3 files", "reading: 2 of 3 files"]
    assert lines[3].startswith("reading: 3 files in ")
    assert "\x1b" not in log.getvalue()


def test_an_error_ends_the_count_and_passes() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError, match="broken"), progress("reading", total=3, stream=log):
        raise ValueError("broken")
    assert log.getvalue().splitlines()[-1].startswith("reading: 0 steps in ")


def test_an_unknown_amount_has_no_share_and_no_time_left() -> None:
    log = io.StringIO()
    with progress("Download", total=0, unit="bytes", stream=log, interval=0) as counter:
        counter.advance(2000)
    lines = log.getvalue().splitlines()
    assert lines[0] == "Download: begins"
    assert lines[1].startswith("Download: 2.0k bytes, ") and lines[1].endswith(" bytes/s")
    assert lines[2].startswith("Download: 2.0k bytes in ")
