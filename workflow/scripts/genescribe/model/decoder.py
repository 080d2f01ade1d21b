"""The autoregressive decoder: writes annotation tokens, reads the memory, and remembers where it last pointed."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.layers import GatedMLP, SelfAttention, merge_heads, rotary_angles, rotate, split_heads


@dataclass
class DecoderCache:
    """Keys and values of the tokens written so far, and of the memory, per layer.

    Attributes:
        self_keys, self_values: per layer (B, heads, t, size).
        cross_keys, cross_values: per layer (B, heads, T, size).
        memory_mask: True (B, 1, 1, T) where the memory may be read, or None.
        length: t, tokens written.
    """

    self_keys: list[Tensor] = field(default_factory=list)
    self_values: list[Tensor] = field(default_factory=list)
    cross_keys: list[Tensor] = field(default_factory=list)
    cross_values: list[Tensor] = field(default_factory=list)
    memory_mask: Tensor | None = None
    length: int = 0

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order."""
        for tensors in (self.self_keys, self.self_values, self.cross_keys, self.cross_values):
            tensors[:] = [tensor[rows] for tensor in tensors]
        if self.memory_mask is not None:
            self.memory_mask = self.memory_mask[rows]


class CrossAttention(nn.Module):
    """Attention of the decoder to the memory. Rotary positions in patches: a query stands where the decoder last
    pointed, a key at its patch, so that "the next gene to the right" is a matter of relative distance."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Rotated keys and values (B, heads, T, size) of a memory (B, T, width)."""
        key, value = (split_heads(part, self.heads) for part in self.key_value(memory).chunk(2, dim=-1))
        cosine, sine = rotary_angles(torch.arange(memory.shape[1], device=memory.device), key.shape[-1])
        return rotate(key, cosine, sine), value

    def forward(self, x: Tensor, positions: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(B, S, width) at positions (B, S), in patches -> (B, S, width)."""
        query = split_heads(self.query(x), self.heads)
        cosine, sine = rotary_angles(positions[:, None], query.shape[-1])
        mixed = functional.scaled_dot_product_attention(rotate(query, cosine, sine), key, value, attn_mask=mask)
        out: Tensor = self.out(merge_heads(mixed))
        return out


class DecoderLayer(nn.Module):
    """Pre-norm layer: causal self-attention, cross-attention, gated MLP."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.self_norm = nn.RMSNorm(config.width)
        self.self_attention = SelfAttention(config.width, config.heads)
        self.cross_norm = nn.RMSNorm(config.width)
        self.cross_attention = CrossAttention(config.width, config.heads)
        self.mlp_norm = nn.RMSNorm(config.width)
        self.mlp = GatedMLP(config.width, config.mlp_ratio)
        self.dropout = nn.Dropout(config.dropout)


class Decoder(nn.Module):
    """Tokens and the features they point at in, hidden states out."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.size = config.width // config.heads
        self.tokens = nn.Embedding(vocabulary.SIZE, config.width)
        self.pointed = nn.Linear(config.channels, config.width)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = nn.RMSNorm(config.width)
        self.use_cross_attention = True
        """False switches cross-attention off: a control of the benchmark, never a setting of the product."""

    def start(self, memory: Tensor, patch_mask: Tensor | None) -> DecoderCache:
        """An empty cache over a memory (B, T, width)."""
        cache = DecoderCache(memory_mask=None if patch_mask is None else patch_mask[:, None, None, :])
        for layer in self.layers:
            key, value = layer.cross_attention.project_memory(memory)
            cache.cross_keys.append(key)
            cache.cross_values.append(value)
        return cache

    def forward(self, tokens: Tensor, positions: Tensor, last_pointed: Tensor, features: Tensor, cache: DecoderCache) -> Tensor:
        """Hidden states of the tokens that follow what the cache holds; they are added to the cache.

        Args:
            tokens: (B, S).
            positions: nucleotide each token points at, or -1, (B, S).
            last_pointed: nucleotide last pointed at, this token included; 0 before the first, (B, S).
            features: (B, L, channels).
            cache: from `start`; empty for teacher forcing, then S is the whole sequence.

        Returns:
            hidden states (B, S, width).
        """
        points = positions >= 0
        index = positions.clamp(min=0).unsqueeze(-1).expand(-1, -1, features.shape[-1])
        pointed = self.pointed(features.gather(1, index)) * points.unsqueeze(-1)
        x = self.tokens(tokens) + pointed
        steps = torch.arange(cache.length, cache.length + tokens.shape[1], device=tokens.device)
        cosine, sine = rotary_angles(steps, self.size)
        where = last_pointed.float() / self.patch
        first = cache.length == 0
        for index_of_layer, layer in enumerate(self.layers):
            query, key, value = layer.self_attention.project(layer.self_norm(x), cosine, sine)
            if first:
                cache.self_keys.append(key)
                cache.self_values.append(value)
            else:
                key = cache.self_keys[index_of_layer] = torch.cat((cache.self_keys[index_of_layer], key), dim=2)
                value = cache.self_values[index_of_layer] = torch.cat((cache.self_values[index_of_layer], value), dim=2)
            # Either the whole sequence at once (causal) or one more token, which may read all before it.
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=first and tokens.shape[1] > 1)
            x = x + layer.dropout(layer.self_attention.out(merge_heads(mixed)))
            if self.use_cross_attention:
                x = x + layer.dropout(
                    layer.cross_attention(
                        layer.cross_norm(x),
                        where,
                        cache.cross_keys[index_of_layer],
                        cache.cross_values[index_of_layer],
                        cache.memory_mask,
                    )
                )
            x = x + layer.dropout(layer.mlp(layer.mlp_norm(x)))
        cache.length += tokens.shape[1]
        out: Tensor = self.norm(x)
        return out


def last_pointed_position(positions: Tensor) -> Tensor:
    """Nucleotide last pointed at, (B, S), from the positions (B, S) of a token sequence, -1 where none.

    Genes are in order of their left ends, but a gene may begin left of where the one before it ended, so this is not
    a running maximum of positions: it is the value at the running maximum of the pointing steps.
    """
    steps = torch.arange(positions.shape[1], device=positions.device)
    last_step = torch.where(positions >= 0, steps, -1).cummax(dim=1).values
    return torch.where(last_step >= 0, positions.gather(1, last_step.clamp(min=0)), 0)
