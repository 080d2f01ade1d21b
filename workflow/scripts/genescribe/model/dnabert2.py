"""DNABERT-2 (Zhou et al. 2023, arXiv:2306.15006): a BERT over BPE tokens of DNA, with ALiBi and gated GELU.

Modules bear the names of the public checkpoint's keys, so that its weights load as they are; no code is
loaded from it. Like the original it computes on the tokens that are there, not on padding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, MaskedLMOutput

from genescribe.model.dnabert2_checkpoint import (
    PUBLIC,
    HubCheckpoint,
    check_weights,
    checkpoint_folder,
    read_settings,
    read_weights,
)
from genescribe.model.dnabert2_layers import (
    DnaBert2Config,
    Embeddings,
    Encoder,
    Head,
    alibi_bias,
    equal_rows,
)

__all__ = ["DnaBert2Config", "DnaBert2ForMaskedLM", "DnaBert2Model"]

IGNORED_LABEL = -100


class DnaBert2PreTrainedModel(PreTrainedModel):
    """Reading and writing, alike for encoder and masked language model."""

    config: DnaBert2Config
    config_class = DnaBert2Config
    base_model_prefix = "bert"
    main_input_name = "input_ids"

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, source: str | Path, checkpoint: HubCheckpoint = PUBLIC
    ) -> Self:
        """Weights of a checkpoint, in float32 and evaluation mode.

        Args:
            source: a folder with config.json and model.safetensors or pytorch_model.bin; or the name of
                `checkpoint` on the Hugging Face hub, from where it is downloaded.
            checkpoint: what may be downloaded; its files are checked against its digests before they are
                read.

        Raises:
            InputError: there is no such folder, a digest differs, the configuration is wrong, or weights are
                missing, surplus or of another shape.
        """
        folder = checkpoint_folder(source, checkpoint)
        model = cls(read_settings(folder, DnaBert2Config))
        own = model.state_dict()
        weights = read_weights(folder, wanted_prefix="" if "bert" in model._modules else "bert.")
        check_weights(weights, own, folder)
        model.load_state_dict(weights)
        return model.eval()

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | Path, **kwargs: Any
    ) -> None:
        """Write config.json and model.safetensors in the public layout, each key with a tensor of its own."""
        weights = kwargs.pop("state_dict", None) or self.state_dict()
        copies = {name: tensor.clone() for name, tensor in weights.items()}
        super().save_pretrained(save_directory, state_dict=copies, **kwargs)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Normal weights of `initializer_range`, as in BERT."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


class DnaBert2Model(DnaBert2PreTrainedModel):
    """The encoder."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool = False,
        extra_embeddings: Tensor | None = None,
    ) -> BaseModelOutput:
        """States of the tokens.

        The bias of attention is built once for all layers and rows: it takes heads * L * L numbers, in the
        type that attention is computed in. At 12 heads and 4,096 tokens that is 768 MiB in float32, and the
        peak of memory beside weights and states (64 MiB more while it is built), whatever the batch.

        Args:
            input_ids: (B, L), of any length.
            attention_mask: 1 (B, L) where a token is, 0 where padding is; None for tokens everywhere.
            output_hidden_states: whether to give the states of every layer, too.
            extra_embeddings: added to the embeddings of the tokens, (B, L, H).

        Returns:
            `last_hidden_state` (B, L, H), and, if asked for, `hidden_states`: that of the embeddings and of
            each layer. They are 0 at padding.
        """
        batch, length = input_ids.shape
        device = input_ids.device
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        mask = mask.bool()
        autocast = torch.is_autocast_enabled(device.type)
        dtype = torch.get_autocast_dtype(device.type) if autocast else self.dtype
        bias = alibi_bias(self.config.num_attention_heads, length, dtype, device)
        rows = equal_rows(mask, bias)
        there = mask.flatten().nonzero().flatten()

        def padded(packed: Tensor) -> Tensor:
            if len(packed) == batch * length:
                return packed.view(batch, length, -1)
            empty = packed.new_zeros(batch * length, packed.shape[1])
            return empty.index_copy(0, there, packed).view(batch, length, -1)

        extra = None if extra_embeddings is None else extra_embeddings.flatten(0, 1)[there]
        x = self.embeddings(input_ids.flatten()[there], extra)
        states = [padded(x)] if output_hidden_states else []
        for layer in self.encoder.layer:
            x = layer(x, rows) if rows else x
            if output_hidden_states:
                states.append(padded(x))
        return BaseModelOutput(
            last_hidden_state=states[-1] if states else padded(x), hidden_states=tuple(states) or None
        )


class DnaBert2ForMaskedLM(DnaBert2PreTrainedModel):
    """The encoder and a head that says which token stood at a place."""

    def __init__(self, config: DnaBert2Config) -> None:
        super().__init__(config)
        self.bert = DnaBert2Model(config)
        self.cls = Head(config)
        self.post_init()
        self.cls.predictions.decoder.weight = self.bert.embeddings.word_embeddings.weight

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> MaskedLMOutput:
        """Logits of the tokens. Arguments as for `DnaBert2Model`, and:

        Args:
            input_ids: (B, L).
            attention_mask: (B, L).
            labels: tokens that stood there, (B, L), -100 where none is asked for.
            output_hidden_states: whether to give the states of every layer.

        Returns:
            `logits` (B, L, V); with labels `loss`, the mean cross-entropy in nats over what is asked for; and
            `hidden_states`, if asked for.
        """
        encoded = self.bert(input_ids, attention_mask, output_hidden_states)
        logits: Tensor = self.cls.predictions(encoded.last_hidden_state)
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(
                logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED_LABEL
            )
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=encoded.hidden_states)
