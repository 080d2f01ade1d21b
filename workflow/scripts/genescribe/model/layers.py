"""Layers that encoder and decoder share: rotary positions, attention, gated MLP."""

from __future__ import annotations

from typing import Any

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


class _Rotation(torch.autograd.Function):
    """`rotate` in two passes over each half and without copies, in both directions."""

    @staticmethod
    def forward(context: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        context.save_for_backward(cosine, sine)
        return _turned(x, cosine, sine)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = context.saved_tensors
        return _turned(gradients[0], cosine, -sine), None, None


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    out = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    (first, second), (left, right) = x.chunk(2, dim=-1), out.chunk(2, dim=-1)
    torch.mul(first, cosine, out=left).addcmul_(second, sine, value=-1)
    torch.mul(first, sine, out=right).addcmul_(second, cosine)
    return out


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the two halves of x (..., size) by the angles (..., size / 2); contiguous."""
    out: Tensor = _Rotation.apply(x, cosine.to(x.dtype), sine.to(x.dtype))
    return out


class _WindowAttention(torch.autograd.Function):
    """Attention one window at a time, so that its scores never leave the cache.

    Backward computes the weights again, as fused kernels do: memory does not grow with the number of scores
    of the batch. Queries come scaled; `bias` (B or 1, 1 or heads, S or 1, T) is added to the scores.
    """

    @staticmethod
    def forward(context: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        context.save_for_backward(query, key, value, bias)
        out = torch.empty_like(query)
        for row in range(len(query)):
            torch.bmm(_attention_weights(query, key, bias, row), value[row], out=out[row])
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, bias = context.saved_tensors
        for_query, for_key, for_value = map(torch.empty_like, (query, key, value))
        for row, gradient in enumerate(gradients[0]):
            weights = _attention_weights(query, key, bias, row)
            torch.bmm(weights.transpose(1, 2), gradient, out=for_value[row])
            # Gradient of softmax: weights * (gradient - its mean under the weights).
            scores = torch.bmm(gradient, value[row].transpose(1, 2)).mul_(weights)
            scores.addcmul_(weights, scores.sum(dim=-1, keepdim=True), value=-1)
            torch.bmm(scores, key[row], out=for_query[row])
            torch.bmm(scores.transpose(1, 2), query[row], out=for_key[row])
        return for_query, for_key, for_value, None


def _attention_weights(query: Tensor, key: Tensor, bias: Tensor | None, row: int) -> Tensor:
    """Weights (heads, S, T) of one window of a batch."""
    scores = torch.bmm(query[row], key[row].transpose(1, 2))
    if bias is not None:
        scores += bias[row if len(bias) > 1 else 0]
    return scores.softmax(dim=-1)


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Scaled dot-product attention of queries (B, heads, S, size) to keys and values (B, heads, T, size).

    Args:
        query, key, value: of one type.
        mask: True (B, 1, 1, T) where a key may be read; or, of their type, what is added to the scores, (B or
            1, 1 or heads, S or 1, T).
        causal: whether query i reads keys 0 to i only; not together with `mask`.

    In bfloat16 on a CPU it is written out: torch's fused kernel for CPUs multiplies in float32 there, at a
    fifth of the speed.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    if causal:
        mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()[None, None]
    bias = mask
    if mask is not None and mask.dtype == torch.bool:
        bias = query.new_zeros(mask.shape).masked_fill(~mask, -torch.inf)
    out: Tensor = _WindowAttention.apply(query * query.shape[-1] ** -0.5, key, value, bias)
    return out


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, width) -> (B, heads, T, width / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, T, size) -> (B, T, heads * size)."""
    return x.transpose(1, 2).flatten(-2)


class _Normalization(torch.autograd.Function):
    """Layer normalisation in bfloat16 whose gradients of gain and bias are summed in float32.

    Torch's own kernel for CPUs sums them over all rows in bfloat16: over the nucleotides of a batch they are
    then mostly rounding.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        out, mean, scale = torch.native_layer_norm(x, x.shape[-1:], weight, bias, epsilon)
        context.save_for_backward(x, weight, bias, mean, scale)
        return out

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, bias, mean, scale = context.saved_tensors
        gradient = gradients[0].contiguous()
        for_x: Tensor = torch.ops.aten.native_layer_norm_backward(
            gradient, x, x.shape[-1:], mean, scale, weight, bias, [True, False, False]
        )[0]
        rows, products = gradient.flatten(0, -2), (gradient * x).flatten(0, -2)
        # Matrix products sum in float32.
        columns = torch.stack((mean * scale, torch.ones_like(mean)), dim=-1).to(x.dtype).view(-1, 2)
        shift, for_bias = (rows.T @ columns).float().unbind(1)
        for_weight = (products.T @ scale.to(x.dtype).view(-1, 1)).float()[:, 0] - shift
        return for_x, for_weight.to(weight.dtype), for_bias.to(bias.dtype), None


class LayerNorm(nn.LayerNorm):
    """Layer normalisation over the last axis, with gradients that are right in bfloat16 on a CPU too."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        if x.device.type != "cpu" or x.dtype != torch.bfloat16:
            return super().forward(x)
        out: Tensor = _Normalization.apply(x, self.weight, self.bias, self.eps)
        return out


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
        out: Tensor = self.out(functional.gelu(gate) * value)
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
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind()
        return rotate(query, cosine, sine), rotate(key, cosine, sine), value

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None, causal: bool = False
    ) -> Tensor:
        """(B, T, width) -> (B, T, width). `mask` (B, 1, 1, T) is True where a key may be read."""
        query, key, value = self.project(x, cosine, sine)
        mixed = attention(query, key, value, mask, causal)
        out: Tensor = self.out(merge_heads(mixed))
        return out
