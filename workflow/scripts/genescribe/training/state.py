"""Checkpoints: everything that the next step depends on, in safetensors and JSON, written so that a kill at
any moment leaves the one before it whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256
from genescribe.model.pieces import load_pieces, save_pieces

MODEL, OPTIMIZER, RANDOM = "model.safetensors", "optimizer.safetensors", "random.safetensors"
POSITION = "position.json"
KEEP = 2
"""Checkpoints kept: if the newest turns out damaged, the one before it is used."""


@dataclass
class Position:
    """How far a run has come.

    Attributes:
        step: optimiser steps done.
        tokens: encoder positions seen, padding excluded.
        bases: nucleotides seen, padding excluded.
        windows: windows seen; the next batch begins with this sample index.
        seconds: training time of all parts of the run.
    """

    step: int = 0
    tokens: int = 0
    bases: int = 0
    windows: int = 0
    seconds: float = 0.0


def _optimizer_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}/{key}": value.contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state[parameter].items()
    }


def _load_optimizer(model: nn.Module, optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        name, entry = key.rsplit("/", 1)
        parameter = parameters[name]
        # AdamW keeps its step counter on the CPU unless it is fused or capturable there.
        device = parameter.device if entry != "step" or parameter.is_cuda else value.device
        optimizer.state[parameter][entry] = value.to(device)


def _random_tensors() -> dict[str, Tensor]:
    tensors = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    return tensors


def save(
    folder: Path, key: str, position: Position, model: nn.Module, optimizer: Optimizer, pieces_mib: int = 0
) -> Path:
    """Write a checkpoint `folder`/step-N and remove all but the newest two. Returns its folder.

    No file of tensors is larger than `pieces_mib` MiB, unless that is 0."""
    target = folder / f"step-{position.step:09d}"
    with atomic_folder(target) as temporary:
        parts = {
            MODEL: model.state_dict(),
            OPTIMIZER: _optimizer_tensors(model, optimizer),
            RANDOM: _random_tensors(),
        }
        names = [
            file for name, part in parts.items() for file in save_pieces(part, temporary, name, pieces_mib)
        ]
        digests = {name: sha256(temporary / name) for name in names}
        content = {"key": key, "position": asdict(position), "sha256": digests}
        (temporary / POSITION).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for old in sorted(folder.glob("step-*"))[:-KEEP]:
        shutil.rmtree(old)
    return target


def _verified(checkpoint: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((checkpoint / POSITION).read_text(encoding="utf-8"))
        for name, digest in content["sha256"].items():
            if sha256(checkpoint / name) != digest:
                return None
        Position(**content["position"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return content


def load_newest(
    folder: Path, key: str, model: nn.Module, optimizer: Optimizer
) -> tuple[Position | None, list[Path]]:
    """Load the newest whole checkpoint in place.

    Returns:
        the position it was saved at, None if there is no checkpoint; and the damaged ones passed over.

    Raises:
        InputError: the checkpoint belongs to another configuration.
    """
    damaged = []
    for checkpoint in sorted(folder.glob("step-*"), reverse=True):
        content = _verified(checkpoint)
        if content is None:
            damaged.append(checkpoint)
            continue
        if content["key"] != key:
            raise InputError(
                "this checkpoint belongs to another configuration; give another --state folder or remove it",
                checkpoint,
            )
        model.load_state_dict(load_pieces(checkpoint, MODEL))
        _load_optimizer(model, optimizer, load_pieces(checkpoint, OPTIMIZER))
        random = load_pieces(checkpoint, RANDOM)
        torch.set_rng_state(random["cpu"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all([random[name] for name in sorted(random) if name != "cpu"])
        return Position(**content["position"]), damaged
    return None, damaged
