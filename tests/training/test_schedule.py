"""Learning rate and batch size against values worked out by hand, and against the table of GPT-3 175B."""

from __future__ import annotations

import math

import pytest
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_tokens, batch_windows, learning_rate

WINDOW = 512
"""Tokens of a window of 6144 bases in patches of 12."""

CONFIG = TrainingConfig(
    tokens=1000,
    batch_tokens=16 * WINDOW,
    ramp_tokens=100,
    ramp_start_tokens=4 * WINDOW,
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
    assert batch_windows(CONFIG, tokens, WINDOW) == expected


@pytest.mark.parametrize(("tokens", "expected"), [(1, 1), (511, 1), (1023, 1), (1024, 2), (3_200_000, 6250)])
def test_batch_is_as_many_full_windows_as_go_in(tokens: int, expected: int) -> None:
    assert batch_windows(TrainingConfig(tokens=1, batch_tokens=tokens), 0, WINDOW) == expected


# Brown et al. 2020, table 2.1 (175B: batch 3.2M, learning rate 0.6e-4) and appendix B (Adam with betas 0.9
# and 0.95, norm clipped at 1.0, cosine to 10 % over 260 billion tokens, linear warm-up over 375 million,
# batch from 32k over the first 4 to 12 billion, weight decay 0.1). Between warm-up and 260 billion lie
# 259.625 billion: a quarter, a third, half, two thirds and three quarters of them are cosines of 45, 60, 90,
# 120 and 135 degrees.
GPT3_TABLE = [
    # tokens, learning rate in units of 1e-4, tokens in the batch
    (0, 0.0, 32_000),
    (187_500_000, 0.3, 81_500),
    (375_000_000, 0.6, 131_000),
    (375e6 + 259.625e9 / 4, 0.06 + 0.54 * (1 + math.sqrt(0.5)) / 2, 3_200_000),
    (375e6 + 259.625e9 / 3, 0.465, 3_200_000),
    (130_187_500_000, 0.33, 3_200_000),
    (375e6 + 259.625e9 * 2 / 3, 0.195, 3_200_000),
    (375e6 + 259.625e9 * 3 / 4, 0.06 + 0.54 * (1 - math.sqrt(0.5)) / 2, 3_200_000),
    (260_000_000_000, 0.06, 3_200_000),
    (300_000_000_000, 0.06, 3_200_000),
]
RAMP_TABLE = [(3e9, 824_000), (6e9, 1_616_000), (9e9, 2_408_000), (12e9, 3_200_000)]


def gpt3(**settings: object) -> TrainingConfig:
    return TrainingConfig.from_mapping({"preset": "gpt3", "tokens": 300_000_000_000, **settings})


@pytest.mark.parametrize(("tokens", "rate", "batch"), GPT3_TABLE)
def test_preset_is_the_published_table(tokens: float, rate: float, batch: int) -> None:
    # To the last digits of a double: the only slack is that of the cosine.
    assert learning_rate(gpt3(), tokens) == pytest.approx(rate * 1e-4, rel=1e-14, abs=0)
    assert batch_tokens(gpt3(), tokens) == batch


@pytest.mark.parametrize(("tokens", "batch"), RAMP_TABLE)
def test_preset_ramps_the_batch_over_twelve_billion_tokens(tokens: float, batch: int) -> None:
    assert batch_tokens(gpt3(), tokens) == batch


def test_preset_has_the_published_optimiser() -> None:
    config = gpt3()
    assert config.betas == (0.9, 0.95)
    assert (config.weight_decay, config.clip, config.table_rate) == (0.1, 1.0, 1.0)


@pytest.mark.parametrize(("tokens", "rate", "batch"), GPT3_TABLE)
def test_scale_shrinks_the_lengths_together_and_never_the_batch(
    tokens: float, rate: float, batch: int
) -> None:
    shrunk = gpt3(scale=1e-3)
    assert learning_rate(shrunk, tokens / 1000) == pytest.approx(rate * 1e-4, rel=1e-12, abs=0)
    assert batch_tokens(shrunk, tokens / 1000) == pytest.approx(batch, rel=1e-12)
    assert batch_tokens(shrunk, 300e9) == 3_200_000


def test_what_the_configuration_says_goes_before_the_preset() -> None:
    config = gpt3(batch_tokens=4096, clip=0.5)
    assert (config.batch_tokens, config.clip, config.peak_learning_rate) == (4096, 0.5, 0.6e-4)


def test_decay_ends_with_the_run_where_nothing_is_said_whatever_the_scale() -> None:
    config = TrainingConfig(tokens=1000, scale=0.5, peak_learning_rate=1.0, final_learning_rate=0.2)
    assert learning_rate(config, 1000) == pytest.approx(0.2)
    assert learning_rate(config, 500) == pytest.approx(0.6)
