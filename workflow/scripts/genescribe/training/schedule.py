"""Learning rate and batch size as functions of the tokens seen (Brown et al. 2020, section 2.3 and appendix
B)."""

from __future__ import annotations

import math

from genescribe.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, tokens: float) -> float:
    """Learning rate after `tokens` tokens: linear warm-up, then a cosine to a fraction of the peak, then
    constant."""
    peak, end = config.peak_learning_rate, config.decay_tokens or config.tokens
    if tokens < config.warmup_tokens:
        return peak * tokens / config.warmup_tokens
    done = min(1.0, (tokens - config.warmup_tokens) / max(end - config.warmup_tokens, 1))
    cosine = (1 + math.cos(math.pi * done)) / 2
    return peak * (config.final_learning_rate + (1 - config.final_learning_rate) * cosine)


def batch_windows(config: TrainingConfig, tokens: float) -> int:
    """Windows in the batch that follows `tokens` tokens: a linear ramp, then constant."""
    if tokens >= config.ramp_tokens:
        return config.batch_windows
    grown = config.ramp_windows + (config.batch_windows - config.ramp_windows) * tokens / config.ramp_tokens
    return max(1, int(grown))
