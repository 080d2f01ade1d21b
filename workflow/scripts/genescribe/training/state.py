"""Checkpoints: everything that the next step depends on, in safetensors and JSON, written so that a kill at
any moment leaves the one before it whole."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256

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


def save(folder: Path, key: str, position: Position, model: nn.Module, optimizer: Optimizer) -> Path:
    """Write a checkpoint `folder`/step-N and remove all but the newest two. Returns its folder."""
    target = folder / f"step-{position.step:09d}"
    with atomic_folder(target) as temporary:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary / MODEL)
        save_file(_optimizer_tensors(model, optimizer), temporary / OPTIMIZER)
        save_file(_random_tensors(), temporary / RANDOM)
        digests = {name: sha256(temporary / name) for name in (MODEL, OPTIMIZER, RANDOM)}
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
        model.load_state_dict(load_file(checkpoint / MODEL))
        _load_optimizer(model, optimizer, load_file(checkpoint / OPTIMIZER))
        random = load_file(checkpoint / RANDOM)
        torch.set_rng_state(random["cpu"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all([random[name] for name in sorted(random) if name != "cpu"])
        return Position(**content["position"]), damaged
    return None, damaged
