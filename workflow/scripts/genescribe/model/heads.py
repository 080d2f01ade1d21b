"""Heads: next token, pointer over nucleotides, dense labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genescribe.language import vocabulary
from genescribe.model.configuration import BOUNDARIES, FRAME_CLASSES, GeneScribeConfig
from genescribe.model.layers import rotate


class DenseHeads(nn.Module):
    """Frame class and boundaries of every nucleotide. They teach the features; genes come from the
    decoder."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.frame = nn.Linear(config.channels, len(FRAME_CLASSES))
        self.boundary = nn.Linear(config.channels, len(BOUNDARIES))

    def forward(self, features: Tensor, potential: Tensor) -> tuple[Tensor, Tensor]:
        """Frame logits (B, L, 9) and boundary logits (B, L, 8) from features (B, L, channels) and the frame
        logits (B, L, 9) of the coding potential."""
        return self.frame(features) + potential, self.boundary(features)


def pointer_wavelengths(pairs: int, window: int) -> Tensor:
    """Wavelengths (pairs,) in nucleotides of the pointer's rotary positions.

    The first is exactly 3, the codon; the others spread geometrically from 8 nt to four windows.
    """
    spread = torch.logspace(math.log10(8), math.log10(4 * window), pairs - 1)
    return torch.cat((torch.tensor([3.0]), spread))


class PointerHead(nn.Module):
    """Distribution over the nucleotides of the window, from a decoder state.

    logit = query . key; with `boundary_gate`, + gate . boundary logits. Half of the query and key turns with
    the position (relative to the nucleotide last pointed at), half is content alone.
    """

    wavelengths: Tensor

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.size = config.channels
        self.query = nn.Linear(config.width, config.channels)
        self.key = nn.Linear(config.channels, config.channels)
        self.gate = nn.Linear(config.width, len(BOUNDARIES)) if config.boundary_gate else None
        self.window = config.window

    def _turned_half(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The first half of x (..., channels), float32 and turned by its positions (...), and the rest."""
        half = self.size // 2
        wavelengths = pointer_wavelengths(half // 2, self.window).to(x.device)
        angles = positions.float().unsqueeze(-1) * (2 * math.pi / wavelengths)
        return rotate(x[..., :half].float(), angles.cos(), angles.sin()), x[..., half:].float()

    def keys(self, features: Tensor, boundary: Tensor) -> Tensor:
        """Keys (B, L, size), float32, of features (B, L, channels) and boundary logits (B, L, 8).

        The size is that of the channels, and 8 more with a gate.
        """
        positions = torch.arange(features.shape[1], device=features.device)
        gated = () if self.gate is None else (boundary.float(),)
        return torch.cat((*self._turned_half(self.key(features), positions), *gated), dim=-1)

    def forward(self, hidden: Tensor, last_pointed: Tensor, keys: Tensor) -> Tensor:
        """Pointer logits.

        Args:
            hidden: decoder states (B, P, width).
            last_pointed: (B, P).
            keys: from `keys`, (B, L, size), or of a whole fraction of B windows, each with several sentences.

        Returns:
            logits (B, P, L), float32.
        """
        scaled = self.query(hidden).float() / math.sqrt(self.size)
        gates = () if self.gate is None else (self.gate(hidden).float(),)
        queries = torch.cat((*self._turned_half(scaled, last_pointed), *gates), dim=-1)
        # Positions need float32; the product is small, and copies of the keys in bfloat16 cost more.
        with torch.autocast(keys.device.type, enabled=False):
            by_window = queries.view(len(keys), -1, queries.shape[-1])
            return torch.bmm(by_window, keys.transpose(1, 2)).view(*hidden.shape[:2], -1)


class TokenHead(nn.Linear):
    """Logits of the next token."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__(config.width, vocabulary.SIZE)
