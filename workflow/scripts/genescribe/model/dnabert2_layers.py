"""Layers of DNABERT-2 and their sizes. Tokens are packed: (N, H), one row of a batch after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig
from transformers.activations import ACT2FN

from genescribe.language.bpe import PAD
from genescribe.model.layers import LayerNorm, attention

_HEAD_EPSILON = 1e-12
"""Of the layer norm in the masked-language-model head, whatever `layer_norm_eps` says."""
_ALIGNMENT = 8
"""GPU kernels read a bias without a copy whose rows begin at multiples of so many numbers."""


class DnaBert2Config(PreTrainedConfig):
    """Sizes of DNABERT-2, by the names of the public config.json; the defaults are its 117 M parameters.

    Args:
        vocab_size: BPE tokens.
        hidden_size: width H of the states.
        num_hidden_layers, num_attention_heads: how many.
        intermediate_size: width of the gated product.
        hidden_act: activation in the masked-language-model head; the layers always take exact GELU.
        hidden_dropout_prob: of embeddings, attention output and gated product.
        layer_norm_eps: of embeddings and layers.
        type_vocab_size: rows of the token-type table; only row 0 is used.
        initializer_range: standard deviation of new weights.
        kwargs: other keys of the public file, which do not change what is computed. There is no limit of
            length: `max_position_embeddings` and `alibi_starting_size` limit nothing.

    Raises:
        ValueError: the sizes do not fit together, or `attention_probs_dropout_prob` is not 0.
    """

    model_type = "dnabert2"

    def __init__(
        self,
        vocab_size: int = 4096,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        hidden_act: str = "gelu",
        hidden_dropout_prob: float = 0.1,
        layer_norm_eps: float = 1e-12,
        type_vocab_size: int = 2,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.layer_norm_eps = layer_norm_eps
        self.type_vocab_size = type_vocab_size
        self.initializer_range = initializer_range
        if hidden_size % num_attention_heads:
            raise ValueError(
                f"hidden_size ({hidden_size}) must be a multiple of num_attention_heads"
                f" ({num_attention_heads})"
            )
        if hidden_act not in ACT2FN:
            raise ValueError(f"hidden_act ({hidden_act}) is no activation that transformers knows")
        if kwargs.get("attention_probs_dropout_prob", 0.0):
            raise ValueError("attention_probs_dropout_prob must be 0, as in the public checkpoint")
        # Copies of the public file call 0 the padding, which is [UNK]; and it names code, which is not run.
        kwargs.pop("auto_map", None)
        kwargs["pad_token_id"] = PAD
        super().__init__(**kwargs)


def alibi_slopes(heads: int) -> list[float]:
    """Slope of each head (Press et al. 2022, arXiv:2108.12409): 2^(-8 (h + 1) / heads).

    Where `heads` is no power of two: the slopes of the largest one below, then every second of twice as many.
    """
    power = 2 ** (heads.bit_length() - 1)
    slopes = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    if power < heads:
        slopes += alibi_slopes(2 * power)[::2][: heads - power]
    return slopes


def alibi_bias(heads: int, length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What attention adds to its scores, (heads, length, length): -slope |i - j|, in both directions."""
    aligned = -(-length // _ALIGNMENT) * _ALIGNMENT
    positions = torch.arange(aligned, device=device, dtype=torch.float32)
    distance = (positions[:, None] - positions).abs_()
    bias = torch.empty(heads, aligned, aligned, dtype=dtype, device=device)
    for head, slope in enumerate(alibi_slopes(heads)):
        torch.mul(distance, -slope, out=bias[head])
    return bias[:, :length, :length]


@dataclass(frozen=True)
class Rows:
    """Neighbouring rows of a batch with equally many tokens.

    Attributes:
        first, last: their tokens among all packed tokens.
        count: number of rows.
        bias: added to the scores, (1, heads, n, n): a view of the one bias of the batch.
    """

    first: int
    last: int
    count: int
    bias: Tensor


def equal_rows(mask: Tensor, bias: Tensor) -> list[Rows]:
    """Rows of a batch; its tokens are those under the mask (B, L), row after row.

    Args:
        mask: True where a token is.
        bias: (heads, L, L).
    """
    length = mask.shape[1]
    counts = mask.sum(dim=1)
    # The bias depends on distances alone: tokens in one run have its corner, wherever they stand.
    spans = length - mask.int().argmax(dim=1) - mask.flip(1).int().argmax(dim=1)
    table = torch.stack((counts, spans == counts), dim=1).tolist()
    rows, first, index = [], 0, 0
    for (count, in_a_run), equal in groupby(table):
        many = len(list(equal))
        for size in (many,) if in_a_run else (1,) * many:
            here = bias[:, :count, :count]
            if not in_a_run:
                positions = mask[index].nonzero().flatten()
                here = bias[:, positions][:, :, positions]
            last = first + size * count
            if count:
                rows.append(Rows(first, last, size, here[None]))
            first, index = last, index + size
    return rows


class Embeddings(nn.Module):
    """Word and token-type embeddings; positions have none."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, extra: Tensor | None) -> Tensor:
        """Token ids (N,) -> (N, H). `extra` (N, H) is added before the normalisation."""
        x = self.word_embeddings(input_ids) + self.token_type_embeddings.weight[0]
        if extra is not None:
            x = x + extra
        out: Tensor = self.dropout(self.LayerNorm(x))
        return out


class Projection(nn.Module):
    """Queries, keys and values."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.Wqkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)

    def forward(self, x: Tensor, rows: Sequence[Rows]) -> Tensor:
        """Attention among the tokens of each row, packed (N, H) -> (N, H)."""
        parts = self.Wqkv(x).unflatten(-1, (3, self.heads, -1)).unbind(1)
        mixed = []
        for group in rows:
            query, key, value = (
                part[group.first : group.last].unflatten(0, (group.count, -1)).transpose(1, 2)
                for part in parts
            )
            mixed.append(attention(query, key, value, group.bias).transpose(1, 2).flatten(0, 1).flatten(1))
        return torch.cat(mixed)


class AttentionOutput(nn.Module):
    """Projection of the heads, residual sum, normalisation."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, mixed: Tensor, x: Tensor) -> Tensor:
        """(N, H) and the residual (N, H) -> (N, H)."""
        out: Tensor = self.LayerNorm(self.dropout(self.dense(mixed)) + x)
        return out


class Attention(nn.Module):
    """Self-attention of a layer."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.self = Projection(config)
        self.output = AttentionOutput(config)

    def forward(self, x: Tensor, rows: Sequence[Rows]) -> Tensor:
        """(N, H) -> (N, H)."""
        out: Tensor = self.output(self.self(x, rows), x)
        return out


class GatedLayer(nn.Module):
    """Gated MLP with residual sum and normalisation. The first half of the product is the gate."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.wo = nn.Linear(config.intermediate_size, config.hidden_size)
        self.layernorm = LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, x: Tensor) -> Tensor:
        """(N, H) -> (N, H)."""
        gate, value = self.gated_layers(x).chunk(2, dim=-1)
        out: Tensor = self.layernorm(self.wo(self.dropout(functional.gelu(gate) * value)) + x)
        return out


class Layer(nn.Module):
    """Post-norm transformer layer."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.mlp = GatedLayer(config)

    def forward(self, x: Tensor, rows: Sequence[Rows]) -> Tensor:
        """(N, H) -> (N, H)."""
        out: Tensor = self.mlp(self.attention(x, rows))
        return out


class Encoder(nn.Module):
    """The layers."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))


class Transform(nn.Module):
    """Hidden layer of the masked-language-model head."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = LayerNorm(config.hidden_size, eps=_HEAD_EPSILON)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., H)."""
        out: Tensor = self.LayerNorm(self.activation(self.dense(x)))
        return out


class Predictions(nn.Module):
    """Logits of the tokens; the weight of `decoder` is that of the word embeddings."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.transform = Transform(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)

    def forward(self, x: Tensor) -> Tensor:
        """(..., H) -> (..., V)."""
        out: Tensor = self.decoder(self.transform(x))
        return out


class Head(nn.Module):
    """The masked-language-model head, under the name that the checkpoint gives it."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__()
        self.predictions = Predictions(config)
