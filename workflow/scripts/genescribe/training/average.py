"""A moving average of the weights over steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of a model's parameters, in their own type and on their device.

    Early steps count for less: after `step` steps the share of the old average is at most (1 + step) /
    (10 + step), so that the first weights are soon forgotten.

    Attributes:
        decay: share of the old average after a step.
        weights: the average, by name of the parameter.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps (1 after the first)."""
        new = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, parameter in model.named_parameters():
            self.weights[name].lerp_(parameter, new)

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take the average of a checkpoint."""
        for name, weight in self.weights.items():
            weight.copy_(tensors[name])

    @contextmanager
    def in_place(self, model: nn.Module) -> Iterator[None]:
        """Let the model have the average while the block runs; after it the weights are as before, to the
        bit."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    @torch.no_grad()
    def _swap(self, model: nn.Module) -> None:
        for name, parameter in model.named_parameters():
            kept = parameter.clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(kept)
