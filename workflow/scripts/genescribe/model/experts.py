"""A mixture of experts: several gated MLPs in the place of one, of which each token reads a few."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from genescribe.model.layers import GatedMLP


@dataclass
class Routing:
    """How the layers of a decoder use their experts in one forward pass; each layer adds an entry.

    Attributes:
        weights: weight (B, S) of each token, float32; 0 for padding.
        choices: of each layer, the summed weights (E,) of the tokens that chose an expert; the choices of a
            token share its weight.
        probabilities: of each layer, the router's probabilities (E,), summed with the same weights.
    """

    weights: Tensor
    choices: list[Tensor] = field(default_factory=list)
    probabilities: list[Tensor] = field(default_factory=list)

    def add(self, probability: Tensor, chosen: Tensor) -> None:
        """Count one layer.

        Args:
            probability: of each expert, (B * S, E), float32.
            chosen: the experts of each token, (B * S, k).
        """
        weights = self.weights.flatten()[:, None]
        chose = functional.one_hot(chosen, probability.shape[1]).sum(dim=1) / chosen.shape[1]
        self.choices.append((weights * chose).sum(dim=0))
        self.probabilities.append((weights * probability).sum(dim=0))

    def balance(self) -> Tensor:
        """Load-balancing loss of Switch Transformer (Fedus et al. 2021, arXiv:2101.03961, equations 4 to 6):
        E times the sum over experts of (share of the tokens) * (mean probability), averaged over layers; here
        summed over tokens, as all losses are.

        A token counts 1 where experts are used alike, and E where all tokens go to one expert for certain.
        Shares and means are those of this forward pass, and shares have no gradient.
        """
        choices, probabilities = torch.stack(self.choices), torch.stack(self.probabilities)
        tokens = self.weights.sum().clamp(min=torch.finfo(torch.float32).tiny)
        return ((choices * probabilities).sum(dim=1) * choices.shape[1] / tokens).mean()


class MixtureOfExperts(nn.Module):
    """Gated MLPs of which a router chooses `top_k` for each token; no token is dropped for want of room.

    The output is the sum of the chosen experts' times their gates. With one choice a gate is the router's
    probability, as in Switch Transformer (one that is always 1 would teach the router nothing); with more, it
    is the probability over the sum of those chosen, as in GShard (Lepikhin et al. 2020, arXiv:2006.16668) and
    Mixtral (Jiang et al. 2024, arXiv:2401.04088). The router is in float32, under autocast too.
    """

    def __init__(self, width: int, ratio: float, experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(GatedMLP(width, ratio) for _ in range(experts))

    def forward(self, x: Tensor, routing: Routing | None = None) -> Tensor:
        """(B, S, width) -> (B, S, width); the use of the experts is added to `routing`."""
        tokens = x.flatten(0, 1)
        with torch.autocast(x.device.type, enabled=False):
            probability = self.router(tokens.float()).softmax(dim=-1)
        gates, chosen = probability.topk(self.top_k, dim=-1)
        if self.top_k > 1:
            gates = gates / gates.sum(dim=-1, keepdim=True)
        if routing is not None:
            routing.add(probability, chosen)
        # The choices (token 0's first, token 0's second, ...) in the order of their experts.
        order = chosen.flatten().argsort(stable=True)
        counts = chosen.flatten().bincount(minlength=len(self.experts)).tolist()
        parts = tokens[order // self.top_k].split(counts)
        # An expert without tokens still gets a gradient, of zeros: optimisers and processes wait for one.
        written = [
            expert(part)
            for expert, part in zip(self.experts, parts, strict=True)
            if len(part) or torch.is_grad_enabled()
        ]
        by_token = torch.cat(written)[order.argsort()].unflatten(0, chosen.shape)
        return (by_token * gates.unsqueeze(-1)).sum(dim=1).view(x.shape)
