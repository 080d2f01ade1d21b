"""The moving average of the weights against numbers worked out by hand."""

from __future__ import annotations

import torch
from genescribe.training.average import Average
from torch import nn


def one_weight(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def test_average_follows_the_weights() -> None:
    model = one_weight(0.0)
    average = Average(model, decay=0.5)
    for step, (weight, expected) in enumerate(
        # The share of the old average is at most (1 + step) / (10 + step): 2/11, 3/12, then 4/13 and so on.
        [(11.0, 9.0), (13.0, 12.0), (-1.0, 3.0)],
        start=1,
    ):
        nn.init.constant_(model.weight, weight)
        average.update(model, step)
        torch.testing.assert_close(average.weights["weight"].item(), expected, rtol=1e-6, atol=0)
    nn.init.constant_(model.weight, 5.0)
    average.update(model, 10**6)  # by now the decay itself holds
    torch.testing.assert_close(average.weights["weight"].item(), 4.0, rtol=1e-6, atol=0)


def test_weights_are_as_before_after_the_average_stood_in_for_them() -> None:
    model = one_weight(0.1)
    average = Average(model, decay=0.5)
    nn.init.constant_(model.weight, 0.3)
    average.update(model, 10**6)
    before, mean = model.weight.detach().clone(), average.weights["weight"].clone()
    with average.in_place(model):
        assert torch.equal(model.weight, mean) and not torch.equal(mean, before)
    assert torch.equal(model.weight, before) and torch.equal(average.weights["weight"], mean)
