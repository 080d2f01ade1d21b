"""The GeneScribe model: encoder, decoder, pointer and dense heads, as one Hugging Face model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.utils import logging

from genescribe.errors import InputError
from genescribe.language import vocabulary
from genescribe.language.bpe import TOKENIZER, BpeTokenizer, padded
from genescribe.model.configuration import BOUNDARIES, GeneScribeConfig
from genescribe.model.decoder import Decoder, DecoderCache, last_pointed_position
from genescribe.model.dnabert2_encoder import DnaBert2Encoder, Phases
from genescribe.model.encoder import CodingPotential, CompactEncoder
from genescribe.model.experts import Routing
from genescribe.model.heads import DenseHeads, PointerHead, TokenHead
from genescribe.model.label_masks import (
    absent_frame_class,
    absent_tokens,
    boundary_weights,
    cross_entropy,
    masked_targets,
    pointer_weights,
)
from genescribe.model.pieces import tensor_names

RARE_WEIGHT = 20.0
"""Weight of a positive in the boundary loss: a nucleotide in some 500 is a boundary of a given type."""


@dataclass
class Encoded:
    """A batch of windows as the decoder sees it.

    Attributes:
        memory: (B, T, width).
        features: (B, L, channels).
        frame: frame logits (B, L, 9).
        boundary: boundary logits (B, L, 8).
        keys: pointer keys, see `PointerHead.keys`.
        memory_mask: True (B, T) where a patch holds sequence or a token is, or None for everywhere.
        places: where in the window tokens stand, in patches (B, T); None for one position in each patch.
    """

    memory: Tensor
    features: Tensor
    frame: Tensor
    boundary: Tensor
    keys: Tensor
    memory_mask: Tensor | None
    places: Tensor | None = None

    @classmethod
    def join(cls, parts: Iterable[Encoded], count: int) -> Encoded:
        """One batch, in float32, of `count` windows that come one by one.

        What is large is written into its place at once: no window is in memory twice.
        """
        large: dict[str, Tensor] = {}
        memories, masks, places = [], [], []
        for row, part in enumerate(parts):
            for name in ("features", "frame", "boundary", "keys"):
                values = getattr(part, name)
                if not row:
                    large[name] = values.new_empty((count, *values.shape[1:]), dtype=torch.float32)
                large[name][row] = values[0]
            memory = part.memory.float()
            memories.append(memory)
            everywhere = torch.ones_like(memory[..., 0], dtype=torch.bool)
            masks.append(everywhere if part.memory_mask is None else part.memory_mask)
            if part.places is not None:
                places.append(part.places)
        longest = max(memory.shape[1] for memory in memories)

        def lengthened(values: list[Tensor]) -> Tensor:
            """(B, T, ...), each padded to the longest memory."""
            return torch.cat(
                [functional.pad(one, (0, 0) * (one.ndim - 2) + (0, longest - one.shape[1])) for one in values]
            )

        mask = lengthened(masks)
        return cls(
            memory=lengthened(memories),
            **large,
            memory_mask=None if bool(mask.all()) else mask,
            places=lengthened(places) if places else None,
        )


@dataclass
class Losses:
    """Sums of the losses over a batch, and what they are summed over.

    `token` and `pointer` are cross-entropies in nats, `frame` is a cross-entropy and `boundary` a weighted
    binary cross-entropy per nucleotide. `pointer_hits` is the summed weight of pointers whose best nucleotide
    is the right one.

    `balance` is the load-balancing loss of the experts (`model.experts.Routing`), summed over what `token` is
    summed over, and `choices` (layers, E) how many of these tokens chose an expert; None without experts.
    """

    token: Tensor
    pointer: Tensor
    frame: Tensor
    boundary: Tensor
    pointer_hits: Tensor
    tokens: Tensor
    pointers: Tensor
    bases: Tensor
    balance: Tensor | None = None
    choices: Tensor | None = None


def real_patches(codes: Tensor, valid: Tensor | None, patch: int) -> Tensor | None:
    """True (B, T) where a patch of windows of codes (B, L) holds real bases, of which there are `valid` (B,);
    None where all do."""
    if valid is None or not bool((valid < codes.shape[1]).any()):
        return None
    patches = torch.arange(codes.shape[1] // patch, device=codes.device)
    return patches[None, :] * patch < valid[:, None]


class GeneScribeModel(PreTrainedModel):
    """Reads windows of DNA and writes their genes in the annotation language (`genescribe.language`)."""

    config: GeneScribeConfig
    config_class = GeneScribeConfig
    base_model_prefix = "genescribe"
    main_input_name = "codes"

    def __init__(self, config: GeneScribeConfig, tokenizer: BpeTokenizer | None = None) -> None:
        super().__init__(config)
        self.tokenizer = tokenizer
        self.encoder: CompactEncoder | DnaBert2Encoder
        self.encoder = CompactEncoder(config) if config.encoder == "compact" else DnaBert2Encoder(config)
        self.decoder = Decoder(config)
        self.token_head = TokenHead(config)
        self.pointer_head = PointerHead(config)
        self.dense_heads = DenseHeads(config)
        self.post_init()

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, folder: str | Path, *arguments: Any, **options: Any
    ) -> Self:
        """As in transformers; the tokenizer comes along where the encoder reads BPE tokens.

        Raises:
            InputError: there is no tokenizer.json then, or it is not one of DNA.
        """
        model: Self = super().from_pretrained(folder, *arguments, **options)
        if model.config.encoder == "dnabert2":
            model.tokenizer = BpeTokenizer.read(Path(folder) / TOKENIZER)
        return model

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | Path, **options: Any
    ) -> None:
        """As in transformers; the tokenizer, if there is one, is written beside the weights."""
        super().save_pretrained(save_directory, **options)
        if self.tokenizer is not None:
            self.tokenizer.write(Path(save_directory) / TOKENIZER)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Normal weights, of variance 1 / fan-in where there is one; no k-mer speaks for a frame yet."""
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=fan_in**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, Phases):
            nn.init.zeros_(module.weight)
        elif isinstance(module, nn.EmbeddingBag):
            nn.init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.5)
        elif isinstance(module, CodingPotential):
            module.reset_kernels()
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)

    def encode(
        self,
        codes: Tensor,
        valid: Tensor | None = None,
        input_ids: Tensor | None = None,
        input_bases: Tensor | None = None,
    ) -> Encoded:
        """Encode windows.

        Args:
            codes: base codes (B, L).
            valid: real bases per window (B,), the rest is padding; None for all.
            input_ids: BPE tokens of the real bases (B, T), padded with [PAD]; the model's tokenizer makes
                them where they are None. The compact encoder reads none.
            input_bases: bases that each token stands for (B, T).
        """
        if isinstance(self.encoder, DnaBert2Encoder):
            if input_ids is None or input_bases is None:
                input_ids, input_bases = self._tokenized(codes, valid)
            memory, features, potential, memory_mask, places = self.encoder(codes, input_ids, input_bases)
            frame, boundary = self.dense_heads(features, potential)
            keys = self.pointer_head.keys(features, boundary)
            return Encoded(memory, features, frame, boundary, keys, memory_mask, places)
        patch_mask = real_patches(codes, valid, self.config.patch)
        memory, features, potential = self.encoder(codes, patch_mask)
        frame, boundary = self.dense_heads(features, potential)
        return Encoded(
            memory, features, frame, boundary, self.pointer_head.keys(features, boundary), patch_mask
        )

    def _tokenized(self, codes: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
        """BPE tokens (B, T) of windows and their bases (B, T)."""
        if self.tokenizer is None:
            raise ValueError("this model has no tokenizer: give input_ids and input_bases")
        counts = [codes.shape[1]] * len(codes) if valid is None else valid.tolist()
        rows = zip(codes.cpu().numpy(), counts, strict=True)
        arrays = padded([self.tokenizer.tokens(row[:count]) for row, count in rows])
        ids, bases = (torch.from_numpy(array).to(codes.device) for array in arrays)
        return ids, bases

    def start(self, encoded: Encoded) -> DecoderCache:
        """A fresh decoder cache over encoded windows."""
        return self.decoder.start(encoded.memory, encoded.memory_mask, encoded.places)

    def step(
        self, encoded: Encoded, cache: DecoderCache, tokens: Tensor, positions: Tensor, last_pointed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Read tokens (B, S) and give token logits (B, S, V) and pointer logits (B, S, L) of what comes
        next."""
        hidden = self.decoder(tokens, positions, last_pointed, encoded.features, cache)
        logits: Tensor = self.token_head(hidden).float()
        return logits, self.pointer_head(hidden, last_pointed, encoded.keys)

    def forward(
        self,
        codes: Tensor,
        tokens: Tensor,
        positions: Tensor,
        frame_class: Tensor,
        boundary: Tensor,
        loss_mask: Tensor,
        valid: Tensor | None = None,
        weight: Tensor | None = None,
        annotated_kinds: Tensor | None = None,
        doubtful_starts: Tensor | None = None,
        label_smoothing: float = 0.0,
        doubtful_start_weight: float = 0.0,
        input_ids: Tensor | None = None,
        input_bases: Tensor | None = None,
    ) -> Losses:
        """Losses of a batch under teacher forcing.

        Args:
            codes: base codes (B, L).
            tokens: BOS ... EOS PAD*, (B, S).
            positions: nucleotides pointed at, -1 elsewhere, (B, S).
            frame_class: (B, L), -1 where masked.
            boundary: bit field (B, L), see `configuration.BOUNDARIES`.
            loss_mask: False (B, L) where a base takes no part in any loss.
            valid: real bases per window (B,).
            weight: weight of each window's losses (B,).
            annotated_kinds: kinds that the genome's annotation has (B, kinds). With it, what the annotation
                cannot know is masked from all losses; without it, from the dense losses alone. See
                `label_masks`.
            doubtful_starts: True (B,) where start codons are to be trusted less.
            label_smoothing: of the token loss.
            doubtful_start_weight: weight of such start codons.
            input_ids, input_bases: see `encode`.
        """
        encoded = self.encode(codes, valid, input_ids, input_bases)
        last_pointed = last_pointed_position(positions)
        if weight is None:
            weight = torch.ones(codes.shape[0], device=codes.device)
        next_token = tokens[:, 1:]
        written = (next_token != vocabulary.PAD) * weight[:, None]
        cache = self.start(encoded)
        routing = None if self.config.moe is None else Routing(written)
        cache.routing = routing
        hidden = self.decoder(
            tokens[:, :-1], positions[:, :-1], last_pointed[:, :-1], encoded.features, cache
        )

        absent = None if annotated_kinds is None else absent_tokens(annotated_kinds)
        token_loss = cross_entropy(self.token_head(hidden), next_token, absent, label_smoothing)
        token_sum = (token_loss * written).sum()

        # Pointing steps are a third of all: pack them to the left so that no logits over the window are
        # computed for the others.
        next_position = positions[:, 1:]
        points = next_position >= 0
        most = max(int(points.sum(dim=1).max()), 1)
        order = (~points).to(torch.int8).argsort(dim=1, stable=True)[:, :most]
        target = next_position.gather(1, order)
        packed = hidden.gather(1, order.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
        logits = self.pointer_head(packed, last_pointed[:, :-1].gather(1, order), encoded.keys)
        pointer_weight = pointer_weights(tokens, doubtful_starts, doubtful_start_weight)[:, 1:]
        pointing = (target >= 0) * pointer_weight.gather(1, order) * weight[:, None]
        chosen = target.clamp(min=0)
        free = None if annotated_kinds is None else masked_targets(loss_mask, valid, chosen)
        pointer_loss = cross_entropy(logits, chosen, free)
        pointer_sum = (pointer_loss * pointing).sum()
        hits = ((logits.argmax(dim=-1) == target) * pointing).sum()

        base_weight = loss_mask * weight[:, None]
        known = frame_class >= 0
        absent = None if annotated_kinds is None else absent_frame_class(annotated_kinds, frame_class)
        frame_loss = cross_entropy(encoded.frame, frame_class.clamp(min=0).long(), absent)
        frame_sum = (frame_loss * known * base_weight).sum()
        bits = torch.arange(len(BOUNDARIES), device=codes.device)
        is_boundary = ((boundary.long().unsqueeze(-1) >> bits) & 1).float()
        boundary_loss = functional.binary_cross_entropy_with_logits(
            encoded.boundary.float(),
            is_boundary,
            reduction="none",
            pos_weight=torch.full_like(bits, 1) * RARE_WEIGHT,
        )
        if doubtful_starts is not None:
            boundary_loss = boundary_loss * boundary_weights(doubtful_starts, doubtful_start_weight)
        boundary_sum = (boundary_loss.sum(dim=-1) * base_weight).sum()
        return Losses(
            token=token_sum,
            pointer=pointer_sum,
            frame=frame_sum,
            boundary=boundary_sum,
            pointer_hits=hits,
            tokens=written.sum(),
            pointers=pointing.sum(),
            bases=base_weight.sum(),
            balance=None if routing is None else routing.balance(),
            choices=None if routing is None else torch.stack(routing.choices),
        )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep out of logs the progress bars of transformers, as reading and writing a small model takes no time,
    and its reports of missing and surplus weights, which `read_model` refuses itself."""
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()


def read_model(folder: Path) -> GeneScribeModel:
    """The model of a folder, in float32 on the CPU.

    Raises:
        InputError: its weights lack tensors that its config.json asks for, or have others. transformers would
            draw the first at random, and leave the others out.
    """
    with quiet_transformers():
        model = GeneScribeModel.from_pretrained(folder, dtype=torch.float32)
    stored = tensor_names(folder)
    strange = sorted(stored ^ model.state_dict().keys())
    if strange:
        what = "has weights beyond" if strange[0] in stored else "has not all weights of"
        raise InputError(
            f"{what} what its config.json says, such as {strange[0]}; take both files from one model", folder
        )
    return model
