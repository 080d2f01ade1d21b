"""Tensors in files of a bounded size: weights and checkpoints for places where large files cannot go.

Pieces are named as transformers names them: model-00001-of-00003.safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from genescribe.errors import InputError

MIB = 2**20
WEIGHTS = "model.safetensors"
_HEADER = 200
"""Bytes that a tensor's entry in the header of a file takes, beside its name, at most."""


def _size(name: str, tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size() + len(name.encode()) + _HEADER


def check_pieces(tensors: Mapping[str, Tensor], mib: int) -> None:
    """See to it that each tensor fits in a file of `mib` MiB; 0 is no limit.

    Raises:
        InputError: one does not.
    """
    name, size = max(
        ((name, _size(name, tensor)) for name, tensor in tensors.items()), key=lambda one: one[1]
    )
    if mib and size + _HEADER > mib * MIB:
        raise InputError(
            f"a tensor is never cut, and {name} needs --pieces-mib {-(-(size + _HEADER) // MIB)} at least"
        )


def save_pieces(tensors: Mapping[str, Tensor], folder: Path, name: str, mib: int) -> list[str]:
    """Save tensors in one file, or in as many as `mib` MiB each demand; give the names of the files.

    Args:
        tensors: by name; each goes into one file.
        folder: where to.
        name: of the file, if it is one; ends with .safetensors.
        mib: size that no file exceeds; 0 for one file.
    """
    check_pieces(tensors, mib)
    pieces: list[dict[str, Tensor]] = []
    room = 0
    for key, tensor in tensors.items():
        if not pieces or (mib and _size(key, tensor) > room):
            pieces.append({})
            room = mib * MIB - _HEADER
        pieces[-1][key] = tensor.contiguous()
        room -= _size(key, tensor)
    stem = name.removesuffix(".safetensors")
    names = [f"{stem}-{i:05d}-of-{len(pieces):05d}.safetensors" for i in range(1, len(pieces) + 1)]
    names = [name] if len(pieces) == 1 else names
    for file, piece in zip(names, pieces, strict=True):
        save_file(piece, folder / file)
    return names


def load_pieces(folder: Path, name: str) -> dict[str, Tensor]:
    """What `save_pieces` saved under a name, in one file or several; empty if there is none of that name."""
    tensors: dict[str, Tensor] = {}
    for file in (
        folder / name,
        *sorted(folder.glob(f"{name.removesuffix('.safetensors')}-*-of-*.safetensors")),
    ):
        if file.is_file():
            tensors |= load_file(file)
    return tensors


def save_model(
    model: PreTrainedModel, folder: Path, mib: int, weights: Mapping[str, Tensor] | None = None
) -> None:
    """`save_pretrained` of the model, or with other weights in their place, with no file of weights above
    `mib` MiB unless it is 0."""
    tensors = dict(weights or model.state_dict())
    check_pieces(tensors, mib)
    if not mib:
        model.save_pretrained(folder, state_dict=tensors)
        return
    # transformers counts the tensors alone, not the headers.
    headers = sum(len(name.encode()) + _HEADER for name in tensors) + _HEADER
    model.save_pretrained(folder, state_dict=tensors, max_shard_size=max(mib * MIB - headers, 1))


def weight_files(folder: Path) -> list[Path]:
    """Files of the weights of a model folder; none if it holds no model.

    Raises:
        InputError: the index of the pieces is damaged.
    """
    whole, index = folder / WEIGHTS, folder / f"{WEIGHTS}.index.json"
    if whole.is_file():
        return [whole]
    if not index.is_file():
        return []
    try:
        return [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    except (ValueError, KeyError, AttributeError) as error:
        raise InputError("is no index of weights; bring the model folder back again", index) from error


def tensor_names(folder: Path) -> set[str]:
    """Names of all tensors in a model folder's files of weights, of which only the headers are read.

    Raises:
        InputError: the index of the pieces is damaged.
    """
    names: set[str] = set()
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            names.update(file.keys())
    return names
