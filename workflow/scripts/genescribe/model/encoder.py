"""The compact encoder: frame-aware patches, a transformer over them, and features per nucleotide."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from genescribe.language.bases import N
from genescribe.model.configuration import FRAME_CLASSES, GeneScribeConfig
from genescribe.model.layers import GatedMLP, LayerNorm, SelfAttention, rotary_angles

CODON, HEXAMER = 3, 6


def kmer_index(codes: Tensor, size: int) -> Tensor:
    """Index (B, L) of the k-mer of `size` bases that begins at each nucleotide: its letters as digits of base
    4.

    4**size where it holds an N or leaves the window.
    """
    length = codes.shape[-1]
    padded = functional.pad(codes, (0, size - 1), value=N).long()
    index = torch.zeros_like(codes, dtype=torch.long)
    ambiguous = torch.zeros_like(codes, dtype=torch.bool)
    for offset in range(size):
        base = padded[..., offset : offset + length]
        index = index * 4 + base.clamp(max=3)
        ambiguous |= base == N
    return index.masked_fill(ambiguous, 4**size)


class PhasedKmers(nn.Module):
    """Sum over a patch of embeddings of (k-mer that begins at a nucleotide, position mod 3)."""

    def __init__(self, size: int, patch: int, width: int) -> None:
        super().__init__()
        self.size, self.patch = size, patch
        self.table = nn.EmbeddingBag(3 * (4**size + 1), width, mode="sum")

    def forward(self, codes: Tensor) -> Tensor:
        """Base codes (B, L) -> (B, T, width)."""
        batch, length = codes.shape
        phase = torch.arange(length, device=codes.device) % 3
        bags = (kmer_index(codes, self.size) * 3 + phase).view(-1, self.patch)
        out: Tensor = self.table(bags).view(batch, length // self.patch, -1)
        return out


class EncoderLayer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.attention_norm = LayerNorm(config.width)
        self.attention = SelfAttention(config.width, config.heads)
        self.mlp_norm = LayerNorm(config.width)
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
        self.norm = LayerNorm(channels)
        # A 2-d convolution over a height of 1: its channels-last kernels read (B, L, channels) without a
        # copy.
        self.convolution = nn.Conv2d(channels, channels, (1, kernel), padding=(0, kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, channels) -> (B, L, channels)."""
        mixed = self.convolution(self.norm(x).transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        return x + functional.gelu(mixed)


class CodingPotential(nn.Module):
    """Phased k-mer statistics averaged over neighbouring patches: linear in its tables from end to end.

    A patch alone says little about the frame, an average over some 300 nucleotides nearly everything, and as
    a linear path to the frame logits it is learnt from the first megabases (see
    docs/decisions/0001-coding-potential.md). Codons stand beside hexamers because 64 of them need less
    sequence than 4096.
    """

    def __init__(self, channels: int, patch: int, kernel: int) -> None:
        super().__init__()
        self.codons = PhasedKmers(CODON, patch, channels)
        self.hexamers = PhasedKmers(HEXAMER, patch, channels)
        self.average = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)

    def reset_kernels(self) -> None:
        """Begin as bells with standard deviations from one patch to a third of the kernel, each of sum 1."""
        channels, _, kernel = self.average.weight.shape
        deviations = torch.logspace(0.0, math.log10(kernel / 3), channels)
        offsets = torch.arange(kernel) - kernel // 2
        bells = torch.exp(-((offsets / deviations[:, None]) ** 2) / 2)
        self.average.weight.copy_((bells / bells.sum(dim=1, keepdim=True))[:, None])

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Base codes (B, L) -> statistics of each patch and their average around it, each (B, T,
        channels)."""
        own = self.codons(codes) + self.hexamers(codes)
        # As a 2-d convolution it takes channels last, thirty times faster on a CPU. In float32: oneDNN's
        # bfloat16 kernel never returns for 16 or fewer channels (torch 2.13).
        with torch.autocast(codes.device.type, enabled=False):
            average = functional.conv2d(
                own.float().transpose(1, 2).unsqueeze(2),
                self.average.weight.unsqueeze(2),
                padding=(0, self.average.kernel_size[0] // 2),
                groups=self.average.groups,
            )
        return own, average.squeeze(2).transpose(1, 2)


class CompactEncoder(nn.Module):
    """Reads base codes; gives a memory per patch and features per nucleotide.

    Each nucleotide has embeddings of (k-mer that begins there, position mod 3), summed over the patch: with
    patches of a multiple of 3 the sum holds the in-frame statistics of all three frames, hexamers being the
    best single measure of coding potential (Fickett & Tung 1992). Codons stand beside hexamers because 64 of
    them are learnt from a few hundred kilobases, 4096 hexamers are not. A convolutional stem adds motifs.
    """

    def __init__(self, config: GeneScribeConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.size = config.width // config.heads
        self.potential = CodingPotential(config.potential_channels, config.patch, config.patch_kernel)
        self.potential_to_frame = nn.Linear(config.potential_channels, config.patch * len(FRAME_CLASSES))
        self.potential_to_patch = nn.Linear(2 * config.potential_channels, config.width)
        self.bases = nn.Embedding(N + 1, config.channels)
        self.stem = nn.Sequential(*(Convolution(config.channels, config.stem_kernel) for _ in range(2)))
        self.stem_to_patch = nn.Linear(config.patch * config.channels, config.width)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = LayerNorm(config.width)
        self.patch_to_bases = nn.Linear(
            config.width + config.potential_channels, config.patch * config.channels
        )
        self.head = nn.Sequential(
            *(Convolution(config.channels, config.stem_kernel) for _ in range(2)),
            LayerNorm(config.channels),
        )

    def forward(
        self, codes: Tensor, patch_mask: Tensor | None = None, bases: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode windows.

        Args:
            codes: base codes (B, L), L a multiple of the patch.
            patch_mask: True (B, T) where a patch holds sequence; None where all do.
            bases: embeddings of the bases (B, L, channels), where they are not those of the codes alone; None
                for those.

        Returns:
            memory (B, T, width), features (B, L, channels), and the frame logits (B, L, 9) that the averaged
            k-mer statistics alone give.
        """
        batch, length = codes.shape
        patches = length // self.patch
        codes = codes.long()
        if bases is None:
            bases = self.bases(codes)
        if torch.is_autocast_enabled(codes.device.type):
            # Autocast leaves embeddings in float32; the layers over nucleotides are bound by memory.
            bases = bases.to(torch.get_autocast_dtype(codes.device.type))
        stem = self.stem(bases)
        own, average = self.potential(codes)
        x = self.potential_to_patch(torch.cat((own, average), dim=-1))
        x = x + self.stem_to_patch(stem.reshape(batch, patches, -1))
        cosine, sine = rotary_angles(torch.arange(patches, device=codes.device), self.size)
        attention_mask = None if patch_mask is None else patch_mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, cosine, sine, attention_mask)
        memory = self.norm(x)
        spread = self.patch_to_bases(torch.cat((memory, average.to(memory.dtype)), dim=-1))
        features = self.head(stem + spread.view(batch, length, -1))
        return memory, features, self.potential_to_frame(average).view(batch, length, -1)
