"""Checkpoints: everything that the next step depends on, in safetensors and JSON, written so that a kill at
any moment leaves the one before it whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256
from genescribe.model.pieces import load_pieces, save_pieces
from genescribe.training.average import Average

MODEL, OPTIMIZER = "model.safetensors", "optimizer.safetensors"
AVERAGE, BEST = "average.safetensors", "best.safetensors"
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
        best_f1: the best exact F1 of validation so far; -1 before the first.
        validations_since: validations since then.
    """

    step: int = 0
    tokens: int = 0
    bases: int = 0
    windows: int = 0
    seconds: float = 0.0
    best_f1: float = -1.0
    validations_since: int = 0


@dataclass
class TrainingState:
    """Everything that the next step depends on. Random numbers are no part of it: windows and dropout are
    functions of the seed and the step.

    Attributes:
        model, optimizers: as they are trained; each parameter belongs to one optimiser.
        average: moving average of the weights, if the run keeps one.
        best: weights with the best exact F1 so far, if the run looks for them.
        position: how far the run has come.
    """

    model: nn.Module
    optimizers: Sequence[Optimizer]
    average: Average | None = None
    best: dict[str, Tensor] | None = None
    position: Position = field(default_factory=Position)


def _optimizer_tensors(model: nn.Module, optimizers: Sequence[Optimizer]) -> dict[str, Tensor]:
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}/{key}": value.contiguous()
        for optimizer in optimizers
        for parameter, entries in optimizer.state.items()
        for key, value in entries.items()
    }


def _load_optimizers(model: nn.Module, optimizers: Sequence[Optimizer], tensors: dict[str, Tensor]) -> None:
    parameters = dict(model.named_parameters())
    of = {
        parameter: optimizer
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    for key, value in tensors.items():
        name, entry = key.rsplit("/", 1)
        parameter = parameters[name]
        # AdamW keeps its step counter on the CPU unless it is fused or capturable there.
        device = parameter.device if entry != "step" or parameter.is_cuda else value.device
        of[parameter].state[parameter][entry] = value.to(device)


def save(folder: Path, key: str, state: TrainingState, pieces_mib: int = 0) -> Path:
    """Write a checkpoint `folder`/step-N and remove all but the newest two. Returns its folder.

    No file of tensors is larger than `pieces_mib` MiB, unless that is 0.
    """
    contents = {
        MODEL: state.model.state_dict(),
        OPTIMIZER: _optimizer_tensors(state.model, state.optimizers),
    }
    if state.average is not None:
        contents[AVERAGE] = state.average.weights
    if state.best is not None:
        contents[BEST] = state.best
    target = folder / f"step-{state.position.step:09d}"
    with atomic_folder(target, ["*"]) as temporary:
        files = [
            file
            for name, tensors in contents.items()
            for file in save_pieces(tensors, temporary, name, pieces_mib)
        ]
        digests = {file: sha256(temporary / file) for file in files}
        content = {"key": key, "position": asdict(state.position), "sha256": digests}
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


def load_newest(folder: Path, key: str, state: TrainingState) -> list[Path]:
    """Load the newest whole checkpoint in place; leave the state as it is if there is none.

    Returns:
        the damaged checkpoints that were passed over.

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
        state.model.load_state_dict(load_pieces(checkpoint, MODEL))
        _load_optimizers(state.model, state.optimizers, load_pieces(checkpoint, OPTIMIZER))
        if state.average is not None:
            state.average.load(load_pieces(checkpoint, AVERAGE))
        state.best = load_pieces(checkpoint, BEST) or None
        state.position = Position(**content["position"])
        break
    return damaged


def clean(folder: Path, damaged: list[Path]) -> None:
    """Remove damaged checkpoints, which would count among those kept, and what a kill left half-written."""
    for path in (*damaged, *folder.glob(".partial-*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
