"""The autoregressive decoder: writes annotation tokens, reads the memory, and remembers where it last
pointed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.experts import MixtureOfExperts, Routing
from genescribe.model.layers import (
    GatedMLP,
    LayerNorm,
    SelfAttention,
    attention,
    merge_heads,
    rotary_angles,
    rotate,
    split_heads,
)


class ClosingUp:
    """How the rows of a batch close up when some of them leave: the last ones move into the gaps.

    It copies a row for each that leaves, where picking the others would copy all of those.

    Args:
        staying: bool (B,): the rows that stay.
    """

    def __init__(self, staying: Tensor) -> None:
        self.count = int(staying.sum())
        self.gaps = (~staying[: self.count]).nonzero().flatten()
        self.movers = staying[self.count :].nonzero().flatten() + self.count

    def __call__(self, rows: Tensor) -> Tensor:
        """The staying rows of (B, ...), in place: a view of its first rows."""
        rows[self.gaps] = rows[self.movers]
        return rows[: self.count]


@dataclass
class LayerCache:
    """What one layer remembers: keys and values of the tokens (B, heads, t, size) and of the memory (B,
    heads, T, size)."""

    cross_key: Tensor
    cross_value: Tensor
    key: Tensor | None = None
    value: Tensor | None = None

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; gives those of all tokens."""
        if self.key is not None and self.value is not None:
            key, value = torch.cat((self.key, key), dim=2), torch.cat((self.value, value), dim=2)
        self.key, self.value = key, value
        return key, value

    def close_up(self, windows: ClosingUp) -> None:
        """Forget the windows that leave."""
        before = len(self.cross_key)
        self.cross_key, self.cross_value = windows(self.cross_key), windows(self.cross_value)
        if self.key is not None and self.value is not None:
            self.key, self.value = (
                windows(rows.unflatten(0, (before, -1))).flatten(0, 1) for rows in (self.key, self.value)
            )

    def select(self, rows: Tensor) -> None:
        """Go on with these sentences, in this order; each window keeps its number of them."""
        if self.key is not None and self.value is not None:
            self.key, self.value = self.key[rows], self.value[rows]


@dataclass
class DecoderCache:
    """What the decoder remembers of a batch.

    Attributes:
        layers: of each layer.
        memory_mask: True (B, 1, 1, T) where the memory may be read, or None.
        length: tokens written.
        routing: what counts the use of the experts; None where nobody asks.
    """

    layers: list[LayerCache]
    memory_mask: Tensor | None = None
    length: int = 0
    routing: Routing | None = None

    def close_up(self, windows: ClosingUp) -> None:
        """Forget the windows that leave."""
        for layer in self.layers:
            layer.close_up(windows)
        if self.memory_mask is not None:
            self.memory_mask = windows(self.memory_mask)

    def select(self, rows: Tensor) -> None:
        """Go on with these sentences, in this order; each window keeps its number of them."""
        for layer in self.layers:
            layer.select(rows)


class CrossAttention(nn.Module):
    """Attention of the decoder to the memory. Rotary positions in patches: a query stands where the decoder
    last pointed, a key at its patch or token, so that "the next gene to the right" is a matter of relative
    distance."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project_memory(self, memory: Tensor, places: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Rotated keys and values (B, heads, T, size) of a memory (B, T, width).

        Its positions stand at `places` (B, T), in patches; None for one in each patch.
        """
        if places is None:
            places = torch.arange(memory.shape[1], device=memory.device)[None]
        key, value = (split_heads(part, self.heads) for part in self.key_value(memory).chunk(2, dim=-1))
        cosine, sine = rotary_angles(places[:, None], key.shape[-1])
        return rotate(key, cosine, sine), value

    def forward(
        self, x: Tensor, positions: Tensor, key: Tensor, value: Tensor, mask: Tensor | None
    ) -> Tensor:
        """(B, S, width) at positions (B, S), in patches -> (B, S, width).

        Where there are several sentences a window, B is a multiple of the batch of keys and values, and a
        window's sentences read them together.
        """
        read = (len(key), -1, x.shape[-1])
        query = split_heads(self.query(x).view(read), self.heads)
        cosine, sine = rotary_angles(positions.view(read[:2])[:, None], query.shape[-1])
        mixed = attention(rotate(query, cosine, sine), key, value, mask)
        out: Tensor = self.out(merge_heads(mixed)).view_as(x)
        return out


class DecoderLayer(nn.Module):
    """Pre-norm layer: causal self-attention, cross-attention, gated MLP or a mixture of them."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.self_norm = LayerNorm(config.width)
        self.self_attention = SelfAttention(config.width, config.heads)
        self.cross_norm = LayerNorm(config.width)
        self.cross_attention = CrossAttention(config.width, config.heads)
        self.mlp_norm = LayerNorm(config.width)
        self.mlp: GatedMLP | MixtureOfExperts
        if config.moe is None:
            self.mlp = GatedMLP(config.width, config.mlp_ratio)
        else:
            self.mlp = MixtureOfExperts(config.width, config.mlp_ratio, **config.moe)
        self.dropout = nn.Dropout(config.dropout)
        self.use_cross_attention = True

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        where: Tensor,
        cache: LayerCache,
        memory_mask: Tensor | None,
        routing: Routing | None = None,
    ) -> Tensor:
        """(B, S, width) -> (B, S, width): a whole sequence over an empty cache, or one more token."""
        whole = cache.key is None
        query, key, value = self.self_attention.project(self.self_norm(x), *rotation)
        key, value = cache.extend(key, value)
        mixed = attention(query, key, value, causal=whole)
        x = x + self.dropout(self.self_attention.out(merge_heads(mixed)))
        if self.use_cross_attention:
            read = self.cross_attention(
                self.cross_norm(x), where, cache.cross_key, cache.cross_value, memory_mask
            )
            x = x + self.dropout(read)
        x_in = self.mlp_norm(x)
        mixed = self.mlp(x_in, routing) if isinstance(self.mlp, MixtureOfExperts) else self.mlp(x_in)
        return x + self.dropout(mixed)


class Decoder(nn.Module):
    """Tokens and the features they point at in, hidden states out."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.size = config.width // config.heads
        self.tokens = nn.Embedding(vocabulary.SIZE, config.width)
        self.pointed = nn.Linear(config.channels, config.width)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = LayerNorm(config.width)

    def start(self, memory: Tensor, memory_mask: Tensor | None, places: Tensor | None = None) -> DecoderCache:
        """An empty cache over a memory (B, T, width), of which `memory_mask` (B, T) may be read.

        Its positions stand at `places` (B, T), in patches; None for one in each patch.
        """
        layers = [
            LayerCache(*layer.cross_attention.project_memory(memory, places)) for layer in self._layers()
        ]
        return DecoderCache(layers, None if memory_mask is None else memory_mask[:, None, None, :])

    def _layers(self) -> Iterator[DecoderLayer]:
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            yield layer

    def switch_off_cross_attention(self) -> None:
        """Decode from features alone: a control of the benchmark."""
        for layer in self._layers():
            layer.use_cross_attention = False

    def forward(
        self, tokens: Tensor, positions: Tensor, last_pointed: Tensor, features: Tensor, cache: DecoderCache
    ) -> Tensor:
        """Hidden states of the tokens that follow what the cache holds; they are added to the cache.

        Args:
            tokens: (B, S): a whole sequence over an empty cache, or one token.
            positions: nucleotide each token points at, or -1, (B, S).
            last_pointed: nucleotide last pointed at, this token included; 0 before the first, (B, S).
            features: (B, L, channels), or of a whole fraction of B windows, each with several sentences.
            cache: from `start`, of as many windows.

        Returns:
            hidden states (B, S, width).
        """
        points = positions >= 0
        index = positions.clamp(min=0).view(len(features), -1, 1).expand(-1, -1, features.shape[-1])
        pointed = features.gather(1, index).view(*positions.shape, -1)
        x = self.tokens(tokens) + self.pointed(pointed) * points.unsqueeze(-1)
        steps = torch.arange(cache.length, cache.length + tokens.shape[1], device=tokens.device)
        rotation = rotary_angles(steps, self.size)
        where = last_pointed.float() / self.patch
        for layer, layer_cache in zip(self._layers(), cache.layers, strict=True):
            x = layer(x, rotation, where, layer_cache, cache.memory_mask, cache.routing)
        cache.length += tokens.shape[1]
        out: Tensor = self.norm(x)
        return out


def last_pointed_position(positions: Tensor) -> Tensor:
    """Nucleotide last pointed at, (B, S), from the positions (B, S) of a token sequence, -1 where none.

    Genes are in order of their left ends, but a gene may begin left of where the one before it ended, so this
    is not
    a running maximum of positions: it is the value at the running maximum of the pointing steps.
    """
    steps = torch.arange(positions.shape[1], device=positions.device)
    last_step = torch.where(positions >= 0, steps, -1).cummax(dim=1).values
    return torch.where(last_step >= 0, positions.gather(1, last_step.clamp(min=0)), 0)
