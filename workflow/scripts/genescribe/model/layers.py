"""Layers that encoder and decoder share: rotary positions, attention, gated MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ROTARY_BASE = 10_000.0


def rotary_angles(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine (..., size / 2) of rotary position embedding (Su et al. 2021) at real-valued positions
    (...)."""
    exponents = torch.arange(0, size, 2, device=positions.device, dtype=torch.float32) / size
    angles = positions.float().unsqueeze(-1) * ROTARY_BASE**-exponents
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the two halves of x (..., size) by the angles (..., size / 2)."""
    first, second = x.chunk(2, dim=-1)
    cosine, sine = cosine.to(x.dtype), sine.to(x.dtype)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, width) -> (B, heads, T, width / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, T, size) -> (B, T, heads * size)."""
    return x.transpose(1, 2).flatten(-2)


class GatedMLP(nn.Module):
    """GELU-gated feed-forward layer (Shazeer 2020, "GLU variants improve transformer")."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(width * ratio) // 16 * 16
        self.gate_and_value = nn.Linear(width, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        out: Tensor = self.out(functional.gelu(gate, approximate="tanh") * value)
        return out


class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries, rotated keys and values, each (B, heads, T, size)."""
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return rotate(query, cosine, sine), rotate(key, cosine, sine), value

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None, causal: bool = False
    ) -> Tensor:
        """(B, T, width) -> (B, T, width). `mask` (B, 1, 1, T) is True where a key may be read."""
        query, key, value = self.project(x, cosine, sine)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        out: Tensor = self.out(merge_heads(mixed))
        return out
