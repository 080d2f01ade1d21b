"""Masked language modelling: the compact encoder says which letters stood at bases that it cannot see."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genescribe.language.bases import N
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.encoder import CompactEncoder
from genescribe.model.modeling import GeneScribeModel, real_patches


@dataclass
class MaskedLosses:
    """Sums over the masked bases of a batch, each with the weight of its window.

    Attributes:
        masked: cross-entropy over the four letters, in nats.
        masked_hits: bases whose most probable letter is the right one.
    """

    masked: Tensor
    masked_hits: Tensor


class MaskedBaseModel(nn.Module):
    """The encoder of a GeneScribe model, with a symbol for masked bases and a head over the four letters.

    The encoder is the model's own, not a copy: what it learns here is in the model. Symbol and head are of
    this stage alone, so that the model keeps its parameters and their shapes.
    """

    def __init__(self, model: GeneScribeModel) -> None:
        """Make symbol and head, with torch's random numbers.

        Args:
            model: its encoder must be the compact one; BPE tokens would tell of the letters below a mask.
        """
        super().__init__()
        if not isinstance(model.encoder, CompactEncoder):
            raise TypeError("masked bases are for the compact encoder")
        self.config: GeneScribeConfig = model.config
        self.encoder = model.encoder
        # Frame logits are no part of the features.
        self.encoder.potential_to_frame.requires_grad_(False)
        self.mask = nn.Parameter(torch.empty(model.config.channels).normal_(std=0.5))
        self.head = nn.Linear(model.config.channels, N)
        self.head.apply(model._init_weights)

    def logits(self, codes: Tensor, masked: Tensor, valid: Tensor | None = None) -> Tensor:
        """Logits of A, C, G and T at every base (B, L, 4), in float32.

        A masked base is an N to k-mers, as every base is that is not known; the convolutions read the symbol
        of the mask in its place. No letter below the mask reaches anything else.

        Args:
            codes: base codes (B, L), with the letters below the mask or without.
            masked: True (B, L) where a base is masked.
            valid: real bases per window (B,), the rest is padding; None for all.
        """
        seen = codes.long().masked_fill(masked, N)
        bases = torch.where(masked.unsqueeze(-1), self.mask, self.encoder.bases(seen))
        _, features, _ = self.encoder(seen, real_patches(codes, valid, self.config.patch), bases)
        logits: Tensor = self.head(features).float()
        return logits

    def forward(self, codes: Tensor, masked: Tensor, valid: Tensor, weight: Tensor) -> MaskedLosses:
        """Losses of a batch.

        Args:
            codes: base codes (B, L) with the letters that are asked for.
            masked: True (B, L) where a base is masked; its code is a letter, no N.
            valid: real bases per window (B,).
            weight: weight of each window (B,).
        """
        logits = self.logits(codes, masked, valid)
        letters = codes.long().clamp(max=N - 1)
        scored = masked * weight[:, None]
        loss = functional.cross_entropy(logits.transpose(1, 2), letters, reduction="none")
        hits = logits.argmax(dim=-1) == letters
        return MaskedLosses(masked=(loss * scored).sum(), masked_hits=(hits * scored).sum())
