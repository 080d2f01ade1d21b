"""DNABERT-2 as the encoder of a GeneScribe model: states of BPE tokens, spread over their bases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from genescribe.language.bases import N
from genescribe.language.bpe import PAD
from genescribe.model.configuration import FRAME_CLASSES, GeneScribeConfig
from genescribe.model.dnabert2 import DnaBert2Config, DnaBert2Model
from genescribe.model.encoder import CODON, CodingPotential, Convolution
from genescribe.model.layers import LayerNorm


@dataclass(frozen=True)
class TokenPlaces:
    """Where the BPE tokens of windows lie.

    Attributes:
        first: first base of each token (B, T); [SEP] and padding lie after the last.
        middle: middle of each token in nucleotides (B, T), float32.
        owner: token that each base belongs to (B, L); the last one beyond the window's real bases.
        is_base: False (B, L) beyond the window's real bases.
    """

    first: Tensor
    middle: Tensor
    owner: Tensor
    is_base: Tensor


def token_places(bases: Tensor, length: int) -> TokenPlaces:
    """Places of tokens of which each stands for `bases` (B, T) bases, in windows of `length` bases."""
    last = bases.cumsum(dim=1)
    positions = torch.arange(length, device=bases.device).expand(len(bases), -1).contiguous()
    owner = torch.searchsorted(last, positions, right=True)
    return TokenPlaces(
        first=last - bases,
        middle=last - bases / 2,
        owner=owner.clamp(max=bases.shape[1] - 1),
        is_base=positions < last[:, -1:],
    )


class Phases(nn.Embedding):
    """Codon position, in the window's own frame, of a token's first base; 0 at first, so that published
    weights begin as they were."""

    def __init__(self, width: int) -> None:
        super().__init__(CODON, width)


class DnaBert2Encoder(nn.Module):
    """Reads BPE tokens and base codes; gives a memory per token and features per nucleotide.

    A BPE token does not respect codons and DNABERT-2 knows distances in tokens alone. So each token is told
    the codon position that it begins at, and its state gives one vector for each codon position, of which a
    base takes its own. Stem and k-mer statistics over nucleotides are those of the compact encoder.
    """

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.channels = config.channels
        sizes = DnaBert2Config(**(config.dnabert2 or {}))
        self.bert = DnaBert2Model(sizes)
        self.phases = Phases(sizes.hidden_size)
        self.potential = CodingPotential(config.potential_channels, config.patch, config.patch_kernel)
        self.potential_to_frame = nn.Linear(config.potential_channels, config.patch * len(FRAME_CLASSES))
        self.potential_to_memory = nn.Linear(config.potential_channels, config.width)
        self.potential_to_bases = nn.Linear(config.potential_channels, config.patch * config.channels)
        self.bases = nn.Embedding(N + 1, config.channels)
        self.stem = nn.Sequential(*(Convolution(config.channels, config.stem_kernel) for _ in range(2)))
        self.token_to_memory = nn.Linear(sizes.hidden_size, config.width)
        self.norm = LayerNorm(config.width)
        self.token_to_bases = nn.Linear(sizes.hidden_size, CODON * config.channels)
        self.head = nn.Sequential(
            *(Convolution(config.channels, config.stem_kernel) for _ in range(2)),
            LayerNorm(config.channels),
        )
        self._frozen: list[nn.Module] = []

    def freeze(self, layers: int | None = None) -> None:
        """Train the embeddings and first layers of DNABERT-2 no more, nor drop anything out there.

        Args:
            layers: how many layers; None for all that DNABERT-2 has.
        """
        bert = self.bert
        self._frozen = [bert] if layers is None else [bert.embeddings, *bert.encoder.layer[:layers]]
        for module in self._frozen:
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Training or evaluation mode; what is frozen stays in evaluation."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(
        self, codes: Tensor, input_ids: Tensor, input_bases: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Encode windows.

        Args:
            codes: base codes (B, L), L a multiple of the patch.
            input_ids: BPE tokens (B, T), padded with [PAD].
            input_bases: bases that each stands for (B, T).

        Returns:
            memory (B, T, width), features (B, L, channels), the frame logits (B, L, 9) that the averaged
            k-mer statistics alone give, True (B, T) where a token is, and where in the window the tokens
            stand, in patches (B, T).
        """
        batch, length = codes.shape
        codes = codes.long()
        places = token_places(input_bases, length)
        there = input_ids != PAD
        states = self.bert(
            input_ids, attention_mask=there, extra_embeddings=self.phases(places.first % CODON)
        ).last_hidden_state
        _, average = self.potential(codes)

        # Of [SEP] at the window's end, and of padding, the patch is the last one.
        patch = (places.middle / self.patch).long().clamp(max=average.shape[1] - 1)
        around = average.gather(1, patch.unsqueeze(-1).expand(-1, -1, average.shape[-1]))
        memory = self.norm(self.token_to_memory(states) + self.potential_to_memory(around))

        # Row 3 t + p: what token t says of its bases at codon position p.
        spoken = self.token_to_bases(states).view(batch, -1, self.channels)
        row = places.owner * CODON + torch.arange(length, device=codes.device) % CODON
        spread = spoken.gather(1, row.unsqueeze(-1).expand(-1, -1, self.channels))
        spread = spread * places.is_base.unsqueeze(-1)
        bases = self.bases(codes)
        if torch.is_autocast_enabled(codes.device.type):
            # Autocast leaves embeddings in float32; the layers over nucleotides are bound by memory.
            bases = bases.to(torch.get_autocast_dtype(codes.device.type))
        stem = self.stem(bases)
        statistics = self.potential_to_bases(average).view(batch, length, -1)
        features = self.head(stem + spread + statistics)
        frame = self.potential_to_frame(average).view(batch, length, -1)
        return memory, features, frame, there, places.middle / self.patch
