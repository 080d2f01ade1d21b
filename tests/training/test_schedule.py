"""Learning rate and batch size against values worked out by hand."""

from __future__ import annotations

import pytest
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_windows, learning_rate

CONFIG = TrainingConfig(
    tokens=1000,
    batch_windows=16,
    ramp_tokens=100,
    ramp_windows=4,
    peak_learning_rate=1.0,
    warmup_tokens=200,
    decay_tokens=600,
    final_learning_rate=0.1,
)


@pytest.mark.parametrize(
    ("tokens", "expected"), [(0, 0.0), (50, 0.25), (200, 1.0), (400, 0.55), (600, 0.1), (900, 0.1)]
)
def test_learning_rate_warms_up_falls_as_a_cosine_and_stays(tokens: int, expected: float) -> None:
    assert learning_rate(CONFIG, tokens) == pytest.approx(expected)


@pytest.mark.parametrize(("tokens", "expected"), [(0, 4), (50, 10), (99, 15), (100, 16), (5000, 16)])
def test_batch_grows_linearly(tokens: int, expected: int) -> None:
    assert batch_windows(CONFIG, tokens) == expected
