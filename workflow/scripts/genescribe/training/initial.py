"""The model that a run starts from, and what of it is trained."""

from __future__ import annotations

from pathlib import Path

import torch

from genescribe.errors import InputError
from genescribe.files import sha256
from genescribe.language.bpe import TOKENIZER, BpeTokenizer
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.dnabert2 import DnaBert2Config, DnaBert2Model
from genescribe.model.dnabert2_checkpoint import (
    CONFIG,
    checkpoint_folder,
    checkpoint_weights,
    read_settings,
)
from genescribe.model.dnabert2_encoder import DnaBert2Encoder
from genescribe.model.modeling import GeneScribeModel, read_model
from genescribe.model.pieces import WEIGHTS, weight_files
from genescribe.training.config import Run, TrainingConfig

SIZES = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hidden_dropout_prob", "layer_norm_eps", "type_vocab_size",
)  # fmt: skip
"""What of a checkpoint's configuration goes into that of our model."""


def initial_model(run: Run) -> GeneScribeModel:
    """New weights from the run's seed, or those of the model folder it starts from.

    Raises:
        InputError: sizes, checkpoint and tokenizer do not fit together.
    """
    torch.manual_seed(run.training.seed)
    if run.initial is not None:
        if run.model or run.encoder or run.tokenizer:
            raise InputError(
                "a run that starts from a model takes sizes and tokenizer from there: leave `model`,"
                " --encoder and --tokenizer out"
            )
        model = read_model(run.initial)
    elif run.model.get("encoder") == "dnabert2":
        model = _on_dnabert2(run)
    elif run.encoder or run.tokenizer:
        raise InputError("--encoder and --tokenizer are for `encoder: dnabert2`; say so in `model`")
    else:
        model = GeneScribeModel(GeneScribeConfig(**run.model))
    _freeze(model, run.training)
    if model.config.moe is None and "balance_weight" in run.training.decisive():
        raise InputError("training.balance_weight is for a mixture of experts; say so in `model.moe`")
    return model


def _on_dnabert2(run: Run) -> GeneScribeModel:
    """A new model on DNABERT-2: with the weights of a checkpoint, or new ones for a tokenizer."""
    if run.encoder is not None:
        if run.tokenizer is not None or run.model.get("dnabert2"):
            raise InputError(
                "a run that starts from a checkpoint of DNABERT-2 takes sizes and tokenizer from there: leave"
                " `model.dnabert2` and --tokenizer out",
                run.encoder,
            )
        folder = checkpoint_folder(run.encoder)
        settings = read_settings(folder, DnaBert2Config)
        sizes = {name: getattr(settings, name) for name in SIZES}
        tokenizer = BpeTokenizer.read(folder / TOKENIZER)
        if len(tokenizer) > settings.vocab_size:
            raise InputError(
                f"the tokenizer has {len(tokenizer)} tokens, the model {settings.vocab_size}", folder
            )
        model = GeneScribeModel(GeneScribeConfig(**{**run.model, "dnabert2": sizes}), tokenizer)
        assert isinstance(model.encoder, DnaBert2Encoder)
        model.encoder.bert.load_state_dict(DnaBert2Model.from_pretrained(folder).state_dict())
        return model
    if run.tokenizer is None:
        raise InputError("encoder dnabert2 needs --tokenizer (`genescribe bpe` makes one) or --encoder")
    tokenizer = BpeTokenizer.read(run.tokenizer)
    sizes = {**run.model.get("dnabert2", {}), "vocab_size": len(tokenizer)}
    return GeneScribeModel(GeneScribeConfig(**{**run.model, "dnabert2": sizes}), tokenizer)


def _freeze(model: GeneScribeModel, config: TrainingConfig) -> None:
    """Freeze what of DNABERT-2 the settings say."""
    if not isinstance(model.encoder, DnaBert2Encoder):
        if config.dnabert2_rate != 1 or config.dnabert2_frozen_layers:
            raise InputError("training.dnabert2_rate and dnabert2_frozen_layers are for `encoder: dnabert2`")
        return
    layers = len(model.encoder.bert.encoder.layer)
    if config.dnabert2_frozen_layers > layers:
        raise InputError(f"training.dnabert2_frozen_layers must be at most {layers}, the layers there are")
    if config.dnabert2_rate == 0:
        model.encoder.freeze()
    elif config.dnabert2_frozen_layers:
        model.encoder.freeze(config.dnabert2_frozen_layers)


def input_digests(
    train: Path,
    validation: Path | None,
    initial: Path | None,
    encoder: str | None = None,
    tokenizer: Path | None = None,
) -> dict[str, str]:
    """Digests of what a run reads: manifests (which hold the digests of the shards), initial weights,
    tokenizer."""
    files = {"train": train / "manifest.json"}
    if validation is not None:
        files["validation"] = validation / "manifest.json"
    if initial is not None:
        files |= {f"initial/{file.name}": file for file in weight_files(initial) or [initial / WEIGHTS]}
        if (initial / TOKENIZER).is_file():
            files[f"initial/{TOKENIZER}"] = initial / TOKENIZER
    if encoder is not None:
        folder = checkpoint_folder(encoder)
        weights = checkpoint_weights(folder)
        files |= {f"encoder/{file.name}": file for file in (folder / CONFIG, folder / TOKENIZER, *weights)}
    if tokenizer is not None:
        files["tokenizer"] = tokenizer
    for path in files.values():
        if not path.is_file():
            raise InputError("no such file", path)
    return {name: sha256(path) for name, path in files.items()}
