"""Configuration of a GeneScribe model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedConfig

from genescribe.errors import InputError

FRAME_CLASSES = ("intergenic", "+0", "+1", "+2", "-0", "-1", "-2", "RNA", "intron")
"""Dense label of a nucleotide: coding on a strand with its codon position, counted from left to right."""

BOUNDARIES = ("start+", "stop+", "donor+", "acceptor+", "stop-", "start-", "acceptor-", "donor-")
"""Dense boundary labels, each at the segment's own first or last base; bit i of the `boundary` labels."""


ENCODERS = ("compact", "dnabert2")

BASES_PER_TOKEN = 5
"""Of BPE tokens, roughly: what a full window counts when batches are planned."""


class GeneScribeConfig(PreTrainedConfig):
    """Sizes of the encoder, the decoder and the heads, and how windows are cut.

    Args:
        encoder: "compact", or "dnabert2", which reads BPE tokens; the model then has a tokenizer.
        patch: nucleotides per encoder position; a multiple of 3.
        window: nucleotides per window in training and annotation; a multiple of `patch`.
        width: width of encoder and decoder.
        heads: attention heads of encoder and decoder.
        encoder_layers, decoder_layers: how many; those of DNABERT-2 are in `dnabert2`.
        mlp_ratio: width of the gated MLP over `width`.
        channels: width of the features of a nucleotide.
        stem_kernel: kernel of the convolutions over nucleotides.
        potential_channels: channels of the averaged k-mer statistics.
        patch_kernel: kernel, in patches, over which they are averaged; odd.
        dropout: on the residual branches.
        genetic_codes: NCBI numbers of the codes that the model was trained on.
        introns: whether protein-coding genes may have introns (eukaryotes).
        dnabert2: arguments of `DnaBert2Config`, for that encoder; what it does not say is as published.
        calibration: how scores become probabilities, as `annotation.calibration` writes it; None for not at
            all.
        moe: {"experts": E, "top_k": k} for a mixture of experts in the place of the decoder's gated MLPs: E
            of them, of which each token reads k; None for one MLP.
        boundary_gate: whether the boundary logits of the dense heads enter the pointers, times a gate that
            the decoder sets.

    Raises:
        InputError: `moe` is not of that form.
    """

    model_type = "genescribe"

    def __init__(
        self,
        encoder: str = "compact",
        patch: int = 12,
        window: int = 6144,
        width: int = 192,
        heads: int = 3,
        encoder_layers: int = 4,
        decoder_layers: int = 2,
        mlp_ratio: float = 8 / 3,
        channels: int = 64,
        stem_kernel: int = 9,
        potential_channels: int = 96,
        patch_kernel: int = 33,
        dropout: float = 0.0,
        genetic_codes: tuple[int, ...] | list[int] = (11,),
        introns: bool = False,
        dnabert2: dict[str, Any] | None = None,
        calibration: dict[str, Any] | None = None,
        moe: dict[str, int] | None = None,
        boundary_gate: bool = False,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder
        self.patch = patch
        self.window = window
        self.width = width
        self.heads = heads
        self.encoder_layers = encoder_layers
        self.decoder_layers = decoder_layers
        self.mlp_ratio = mlp_ratio
        self.channels = channels
        self.stem_kernel = stem_kernel
        self.potential_channels = potential_channels
        self.patch_kernel = patch_kernel
        self.dropout = dropout
        self.genetic_codes = list(genetic_codes)
        self.introns = introns
        self.dnabert2 = dnabert2
        self.calibration = calibration
        self.moe = moe
        self.boundary_gate = boundary_gate
        super().__init__(**kwargs)
        if encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, not {encoder}")
        if patch % 3 or window % patch:
            raise ValueError(
                f"patch ({patch}) must be a multiple of 3 and window ({window}) a multiple of patch"
            )
        if width % heads or (width // heads) % 2:
            raise ValueError(f"width ({width}) must be an even multiple of heads ({heads})")
        _check_experts(moe)

    def to_dict(self) -> dict[str, Any]:
        """As in transformers. Without experts there is no word of them: config.json is as it was before there
        were any."""
        values: dict[str, Any] = super().to_dict()
        if values.get("moe") is None:
            values.pop("moe", None)
        return values

    @property
    def window_tokens(self) -> int:
        """Encoder positions of a full window; of BPE tokens, about so many."""
        return self.window // (self.patch if self.encoder == "compact" else BASES_PER_TOKEN)


def _check_experts(moe: object) -> None:
    """See to it that `moe` is None or {"experts": E, "top_k": k}, 1 <= k <= E.

    Raises:
        InputError: it is neither.
    """
    if moe is None:
        return
    if not isinstance(moe, Mapping) or set(moe) != {"experts", "top_k"}:
        raise InputError(f"model.moe must have the keys experts and top_k and no other, not {moe!r}")
    for key, value in moe.items():
        if type(value) is not int or value < 1:
            raise InputError(f"model.moe.{key} must be a whole number above 0, not {value!r}")
    if moe["top_k"] > moe["experts"]:
        raise InputError(f"model.moe.top_k ({moe['top_k']}) must be at most experts ({moe['experts']})")
