"""Learning rate and batch size as functions of the tokens seen (Brown et al. 2020, section 2.3 and appendix
B)."""

from __future__ import annotations

import math

from genescribe.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, tokens: float) -> float:
    """Learning rate after `tokens` tokens: linear warm-up, then a cosine to a fraction of the peak, then
    constant."""
    warmup, end = config.scale * config.warmup_tokens, config.scale * config.decay_tokens or config.tokens
    if tokens < warmup:
        return config.peak_learning_rate * tokens / warmup
    done = min(1.0, (tokens - warmup) / max(end - warmup, 1))
    cosine = (1 + math.cos(math.pi * done)) / 2
    return config.peak_learning_rate * (
        config.final_learning_rate + (1 - config.final_learning_rate) * cosine
    )


def ramping(config: TrainingConfig, tokens: float) -> bool:
    """Whether the batch still grows after `tokens` tokens."""
    return tokens < config.scale * config.ramp_tokens


def batch_tokens(config: TrainingConfig, tokens: float) -> float:
    """Tokens in the batch that follows `tokens` tokens: a linear ramp, then constant."""
    if not ramping(config, tokens):
        return config.batch_tokens
    share = tokens / (config.scale * config.ramp_tokens)
    return config.ramp_start_tokens + (config.batch_tokens - config.ramp_start_tokens) * share


def batch_windows(config: TrainingConfig, tokens: float, window_tokens: int) -> int:
    """Windows in the batch that follows `tokens` tokens: as many of `window_tokens` as go into it, at least
    one."""
    return max(1, int(batch_tokens(config, tokens) // window_tokens))
