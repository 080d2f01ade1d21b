"""The compact encoder: frame-aware patches, a transformer over them, and features per nucleotide."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genescribe.language.bases import N
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.layers import GatedMLP, SelfAttention, rotary_angles

HEXAMER = 6
HEXAMERS = 4**HEXAMER
AMBIGUOUS_HEXAMER = HEXAMERS


def hexamer_index(codes: Tensor) -> Tensor:
    """Index (B, L) of the hexamer that begins at each nucleotide; 4096 where it holds an N or leaves the window."""
    length = codes.shape[-1]
    padded = functional.pad(codes, (0, HEXAMER - 1), value=N).long()
    index = torch.zeros_like(codes, dtype=torch.long)
    ambiguous = torch.zeros_like(codes, dtype=torch.bool)
    for offset in range(HEXAMER):
        base = padded[..., offset : offset + length]
        index = index * 4 + base.clamp(max=3)
        ambiguous |= base == N
    return index.masked_fill(ambiguous, AMBIGUOUS_HEXAMER)


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width)
        self.attention = SelfAttention(config.width, config.heads)
        self.mlp_norm = nn.RMSNorm(config.width)
        self.mlp = GatedMLP(config.width, config.mlp_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), cosine, sine, mask))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Convolution(nn.Module):
    """Convolution over nucleotides with a residual connection; channels last, (B, L, channels)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(channels)
        self.convolution = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, channels) -> (B, L, channels)."""
        mixed = self.convolution(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + functional.gelu(mixed, approximate="tanh")


class PatchSmoothing(nn.Module):
    """Depthwise convolution over patches: averages coding potential over neighbours from the first step on."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        smoothed = self.depthwise(self.norm(x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.mix(functional.gelu(smoothed, approximate="tanh"))
        return out


class CompactEncoder(nn.Module):
    """Reads base codes; gives a memory per patch and features per nucleotide.

    Each nucleotide has an embedding of (hexamer that begins there, position mod 3), summed over the patch: with
    patches of a multiple of 3 the sum holds the in-frame hexamer statistics of all three frames, which is what
    distinguishes coding from non-coding sequence (Fickett & Tung 1992). A convolutional stem adds motifs.
    """

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.size = config.width // config.heads
        self.hexamers = nn.EmbeddingBag(3 * (HEXAMERS + 1), config.width, mode="sum")
        self.bases = nn.Embedding(N + 1, config.channels)
        self.stem = nn.Sequential(*(Convolution(config.channels, config.stem_kernel) for _ in range(2)))
        self.stem_to_patch = nn.Linear(config.patch * config.channels, config.width)
        self.smoothing = PatchSmoothing(config.width, config.patch_kernel)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = nn.RMSNorm(config.width)
        self.patch_to_bases = nn.Linear(config.width, config.patch * config.channels)
        self.head = nn.Sequential(
            *(Convolution(config.channels, config.stem_kernel) for _ in range(2)), nn.RMSNorm(config.channels)
        )

    def forward(self, codes: Tensor, patch_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode windows.

        Args:
            codes: base codes (B, L), L a multiple of the patch.
            patch_mask: True (B, T) where a patch holds sequence; None where all do.

        Returns:
            memory (B, T, width) and features (B, L, channels).
        """
        batch, length = codes.shape
        patches = length // self.patch
        codes = codes.long()
        phase = torch.arange(length, device=codes.device) % 3
        bags = (hexamer_index(codes) * 3 + phase).view(batch * patches, self.patch)
        stem = self.stem(self.bases(codes))
        x = self.hexamers(bags).view(batch, patches, -1)
        x = x + self.stem_to_patch(stem.reshape(batch, patches, -1))
        x = self.smoothing(x)
        cosine, sine = rotary_angles(torch.arange(patches, device=codes.device), self.size)
        attention_mask = None if patch_mask is None else patch_mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, cosine, sine, attention_mask)
        memory = self.norm(x)
        features = self.head(stem + self.patch_to_bases(memory).view(batch, length, -1))
        return memory, features
