"""Layers that are written out for speed equal the plain formulas, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from genescribe.model.layers import LayerNorm, attention, rotary_angles, rotate
from torch import Tensor
from torch.nn import functional


def tensors(seed: int, *shapes: tuple[int, ...], kind: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(kind).requires_grad_() for shape in shapes]


@pytest.mark.parametrize(("causal", "masked"), [(False, False), (True, False), (False, True)])
def test_attention_in_bfloat16_is_that_of_float32_to_its_rounding(causal: bool, masked: bool) -> None:
    queries = 24 if causal else 10
    shapes = [(3, 2, queries, 16), (3, 2, 24, 16), (3, 2, 24, 16)]
    low = tensors(1, *shapes, kind=torch.bfloat16)
    high = [tensor.detach().float().requires_grad_() for tensor in low]
    mask = None
    if masked:
        mask = torch.arange(24)[None, None, None, :] < torch.tensor([24, 7, 1])[:, None, None, None]
    weigh = torch.randn(shapes[0], generator=torch.Generator().manual_seed(2))
    written = attention(low[0], low[1], low[2], mask, causal)
    expected = functional.scaled_dot_product_attention(
        high[0], high[1], high[2], attn_mask=mask, is_causal=causal
    )
    assert written.dtype == torch.bfloat16
    torch.testing.assert_close(written.float(), expected, atol=0.03, rtol=0.03)
    (written.float() * weigh).sum().backward()
    (expected * weigh).sum().backward()
    for got, want in zip(low, high, strict=True):
        assert got.grad is not None and want.grad is not None
        error = (got.grad.float() - want.grad).norm() / want.grad.norm()
        assert error < 0.02


def test_attention_reads_no_masked_key() -> None:
    query, key, value = tensors(3, *[(1, 1, 4, 8)] * 3, kind=torch.bfloat16)
    mask = torch.tensor([True, True, False, False])[None, None, None]
    before = attention(query, key, value, mask)
    with torch.no_grad():
        key[..., 2:, :] = 50.0
        value[..., 2:, :] = -50.0
    assert torch.equal(before, attention(query, key, value, mask))


def test_rotation_and_its_gradient_are_those_of_the_formula() -> None:
    (x,) = tensors(4, (2, 3, 7, 8))
    y = x.detach().clone().requires_grad_()
    cosine, sine = rotary_angles(torch.arange(7), 8)
    first, second = y.chunk(2, dim=-1)
    expected = torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
    (weigh,) = tensors(5, (2, 3, 7, 8))
    (rotate(x, cosine, sine) * weigh.detach()).sum().backward()
    (expected * weigh.detach()).sum().backward()
    torch.testing.assert_close(rotate(x, cosine, sine), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(x.grad, y.grad, atol=1e-6, rtol=0)


def test_gradients_of_a_norm_over_many_rows_are_not_rounding() -> None:
    x, gradient = tensors(6, (40_000, 16), (40_000, 16), kind=torch.bfloat16)
    norm, exact = LayerNorm(16), torch.nn.LayerNorm(16)
    norm(x).backward(gradient.detach())
    y = x.detach().float().requires_grad_()
    exact(y).backward(gradient.detach().float())
    for got, want in ((norm.weight, exact.weight), (norm.bias, exact.bias), (x, y)):
        assert got.grad is not None and want.grad is not None
        assert (got.grad.float() - want.grad).norm() / want.grad.norm() < 0.02
