"""Muon: steps for matrices whose singular values are all near one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from genescribe.model.decoder import CrossAttention
from genescribe.model.dnabert2_layers import GatedLayer, Projection
from genescribe.model.layers import GatedMLP, SelfAttention

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration (Jordan et al. 2024, "Muon: An optimizer for hidden layers")."""

ITERATIONS = 5

ADAMW_RMS = 0.2
"""Root mean square of a step at learning rate 1, that of AdamW, so that both take the same learning rate (Liu
et al. 2025, arXiv:2502.16982, section 2.2)."""


def orthogonalized(matrices: Tensor) -> Tensor:
    """Matrices (N, rows, columns) with the singular vectors of the given ones and singular values of about
    0.7 to 1.2."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def fused_matrices(model: nn.Module) -> dict[Tensor, int]:
    """Weights that hold several matrices one below the other, and how many."""
    fused: dict[Tensor, int] = {}
    for module in model.modules():
        if isinstance(module, SelfAttention):
            fused[module.qkv.weight] = 3
        elif isinstance(module, GatedMLP):
            fused[module.gate_and_value.weight] = 2
        elif isinstance(module, CrossAttention):
            fused[module.key_value.weight] = 2
        elif isinstance(module, Projection):
            fused[module.Wqkv.weight] = 3
        elif isinstance(module, GatedLayer):
            fused[module.gated_layers.weight] = 2
    return fused


class Muon(Optimizer):
    """Momentum whose steps are orthogonalised: no direction of a matrix learns faster than another.

    After Jordan et al. 2024, with weight decay and scale after Liu et al. 2025 (arXiv:2502.16982). Kernels of
    convolutions count as matrices of (outputs, inputs * size). Momentum and iteration are in float32. With
    several processes each works on its share of the matrices; the gradients must be the same in all.

    Args:
        parameters: matrices and kernels, or groups of them as torch's optimisers take them.
        fused: those that hold several matrices one below the other, and how many; others hold one.
        lr: learning rate, as for AdamW.
        weight_decay: decoupled, as in AdamW.
        momentum: share of the old momentum after a step; Nesterov's.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        fused: dict[Tensor, int],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.fused = fused

    def matrices(self, parameter: Tensor, values: Tensor) -> Tensor:
        """Values of a parameter's shape as its matrices (N, rows, columns)."""
        return values.reshape(self.fused.get(parameter, 1), -1, parameter[0].numel())

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take a step.

        Args:
            closure: not taken; gradients must be there.
        """
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[Tensor]] = {}
            for parameter in group["params"]:
                _, rows, columns = self.matrices(parameter, parameter).shape
                by_shape.setdefault((rows, columns), []).append(parameter)
            for shape, parameters in by_shape.items():
                directions = [self.direction(parameter, group["momentum"]) for parameter in parameters]
                steps = _shared(torch.cat(directions)).split([len(direction) for direction in directions])
                scale = ADAMW_RMS * math.sqrt(max(shape))
                for parameter, matrices in zip(parameters, steps, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(matrices.reshape(parameter.shape), alpha=group["lr"] * scale)

    def direction(self, parameter: Tensor, momentum: float) -> Tensor:
        """Take in a parameter's gradient; gives Nesterov's direction as matrices (N, rows, columns)."""
        gradient, state = parameter.grad, self.state[parameter]
        if gradient is None:
            raise ValueError("every parameter of Muon must have a gradient")
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return self.matrices(parameter, gradient.lerp(state["momentum"], momentum))


def _shared(matrices: Tensor) -> Tensor:
    """`orthogonalized`, each process doing its share."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return orthogonalized(matrices)
    out = torch.zeros_like(matrices)
    mine = slice(distributed.get_rank(), None, distributed.get_world_size())
    if len(matrices[mine]):
        out[mine] = orthogonalized(matrices[mine])
    distributed.all_reduce(out)
    return out
