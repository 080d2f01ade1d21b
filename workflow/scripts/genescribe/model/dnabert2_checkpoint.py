"""Checkpoints of DNABERT-2: where they come from, and reading them without running anything of theirs."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HTTPError  # of the HTTP library that its version uses
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedConfig

from genescribe.errors import InputError
from genescribe.files import sha256
from genescribe.language.bpe import TOKENIZER
from genescribe.model.pieces import weight_files

CONFIG, PICKLED = "config.json", "pytorch_model.bin"
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
"""What a config.json must say: a default in place of a size would fail late, or not at all."""
TIED = ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight")
"""Two keys of one weight."""
_NAMED = 5
"""Keys that a message names at most."""

Config = TypeVar("Config", bound=PreTrainedConfig)


@dataclass(frozen=True)
class HubCheckpoint:
    """A checkpoint on the Hugging Face hub, pinned.

    Attributes:
        name: owner and repository.
        revision: commit.
        digests: SHA-256 of each file that is needed.
    """

    name: str
    revision: str
    digests: Mapping[str, str]


PUBLIC = HubCheckpoint(
    "zhihan1996/DNABERT-2-117M",
    "d064dece8a8b41d9fb8729fbe3435278786931f1",
    {
        CONFIG: "ba9bdafaff0cc3e30556927474d4a179519a9864012bed2628e9f1bc23c84bfd",
        TOKENIZER: "5d178e8ce2ba55df97fff197f4b30f40133b95d7096be398c2df6b526c5d8cd3",
        PICKLED: "7ff39ec77a484dd01070a41bfd6e95cdd7247bec80fe357ab43a4be33687aeba",
    },
)
"""DNABERT-2 as published, 117 M parameters, Apache-2.0."""


def checkpoint_folder(source: str | Path, checkpoint: HubCheckpoint = PUBLIC) -> Path:
    """Folder of a checkpoint: `source` itself, or where `checkpoint` was downloaded to if that is its name.

    Raises:
        InputError: there is no such folder, the download failed, or a digest differs.
    """
    if Path(source).is_dir():
        return Path(source)
    if str(source) != checkpoint.name:
        raise InputError(f"no such folder; name the folder of a checkpoint, or {checkpoint.name}", source)
    return download(checkpoint)


def download(checkpoint: HubCheckpoint, endpoint: str | None = None, cache: Path | None = None) -> Path:
    """Download what is not in the cache of the Hugging Face client yet, check all digests, give the folder.

    Args:
        checkpoint: what.
        endpoint: address of the hub; None for the client's own (`HF_ENDPOINT`).
        cache: folder; None for the client's own (`HF_HOME`).

    Raises:
        InputError: a file cannot be had, or its digest differs. It is not read then.
    """
    folder = Path()
    for name, digest in checkpoint.digests.items():
        try:
            path = Path(
                hf_hub_download(
                    checkpoint.name,
                    name,
                    revision=checkpoint.revision,
                    endpoint=endpoint,
                    cache_dir=cache,
                    library_name="genescribe",
                )
            )
        # All that the client raises descends from these.
        except (OSError, ValueError, HTTPError) as error:
            raise InputError(
                f"{name} cannot be downloaded ({str(error).splitlines()[0]}); check the network, or give the"
                " folder of a copy",
                checkpoint.name,
            ) from error
        found = sha256(path)
        if found != digest:
            raise InputError(
                f"its SHA-256 is {found}, not {digest}: it is not what was published, or damaged; remove it",
                path,
            )
        folder = path.parent
    return folder


def read_settings(folder: Path, config: type[Config]) -> Config:
    """The config.json of a checkpoint; the code that it names is ignored.

    Raises:
        InputError: there is none, or it does not say the sizes of a DNABERT-2.
    """
    path = folder / CONFIG
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"not a checkpoint: it must hold {CONFIG} and weights", folder) from error
    except ValueError as error:
        raise InputError(f"not JSON ({error}); copy or download it again", path) from error
    for key in SIZES:
        value = settings.get(key) if isinstance(settings, dict) else None
        if type(value) is not int or value < 1:
            raise InputError(f"{key} must be a whole number above 0, not {value!r}", path)
    try:
        return config(**settings)
    except (ValueError, TypeError) as error:
        raise InputError(f"not a DNABERT-2: {error}", path) from error


def checkpoint_weights(folder: Path) -> list[Path]:
    """Files of the weights of a checkpoint: model.safetensors (or its pieces), else pytorch_model.bin.

    Raises:
        InputError: there are none.
    """
    found = weight_files(folder)
    if not found and (folder / PICKLED).is_file():
        found = [folder / PICKLED]
    if not found:
        raise InputError(f"no weights: it must hold model.safetensors or {PICKLED}", folder)
    return found


def read_weights(folder: Path, wanted_prefix: str = "") -> dict[str, Tensor]:
    """Tensors of a checkpoint by key: from model.safetensors (or its pieces), else from pytorch_model.bin.

    Args:
        folder: of the checkpoint.
        wanted_prefix: "bert." for the encoder alone: where keys begin with it, it is taken off them, and the
            head (`cls.`) is left out.

    Raises:
        InputError: there are no weights, or a file holds anything but tensors.
    """
    weights: dict[str, Tensor] = {}
    for path in checkpoint_weights(folder):
        try:
            weights |= _unpickled(path) if path.name == PICKLED else load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"not a file of weights ({error}); copy or download it again", path) from error
    if wanted_prefix and any(key.startswith(wanted_prefix) for key in weights):
        kept = {key: tensor for key, tensor in weights.items() if not key.startswith("cls.")}
        return {key.removeprefix(wanted_prefix): tensor for key, tensor in kept.items()}
    return weights


def _unpickled(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(
            f"not a file of weights alone ({str(error).splitlines()[0]}); nothing else is read from it", path
        ) from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError("must hold tensors by name and nothing else", path)
    return dict(content)


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: Path) -> None:
    """Check that a checkpoint has all weights of a model, of its shapes, and no others.

    Args:
        weights: of the checkpoint.
        expected: of the model.
        source: folder of the checkpoint.

    Raises:
        InputError: names the keys that are missing, surplus or of another shape, or two that differ although
            they are one weight.
    """
    missing, surplus = expected.keys() - weights.keys(), weights.keys() - expected.keys()
    if missing:
        raise InputError(f"weights are missing: {_named(missing)}; sizes in {CONFIG} may be wrong", source)
    if surplus:
        raise InputError(f"weights that DNABERT-2 does not have: {_named(surplus)}", source)
    misshapen = [
        f"{key} is {tuple(weights[key].shape)}, not {tuple(tensor.shape)}"
        for key, tensor in expected.items()
        if weights[key].shape != tensor.shape
    ]
    if misshapen:
        raise InputError(f"weights of another shape than {CONFIG} says: {_named(misshapen)}", source)
    if all(key in weights for key in TIED) and not torch.equal(*(weights[key] for key in TIED)):
        raise InputError(f"{TIED[0]} differs from {TIED[1]}, with which it is one in DNABERT-2", source)


def _named(keys: Iterable[str]) -> str:
    ordered = sorted(keys)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more
