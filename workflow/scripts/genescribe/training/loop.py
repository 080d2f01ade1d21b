"""The training loop: pre-training and fine-tuning alike."""

from __future__ import annotations

import json
import logging
import math
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from genescribe.corpus.reader import Corpus, ValidationWindows, WindowSampler
from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256
from genescribe.model.card import METRICS, ORIGIN, origin, write_card
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel, Losses, read_model, without_bars
from genescribe.model.pieces import WEIGHTS, check_pieces, save_model, weight_files
from genescribe.progress import progress
from genescribe.training import state
from genescribe.training.batches import denominators, encoder_positions, training_batches, validation_batches
from genescribe.training.config import Run, TrainingConfig
from genescribe.training.schedule import learning_rate
from genescribe.training.state import Position

LOSSES = ("token", "pointer", "frame", "boundary")
log = logging.getLogger(__name__)


def loss_weights(config: TrainingConfig) -> dict[str, float]:
    """Weight of each loss in the sum."""
    return {"token": 1.0, "pointer": 1.0, "frame": config.frame_weight, "boundary": config.boundary_weight}


def make_optimizer(model: GeneScribeModel, config: TrainingConfig) -> Optimizer:
    """AdamW; weight decay on matrices and convolution kernels alone, not on norms, biases and embeddings.

    Each group carries `rate`, the factor of its learning rate; `set_learning_rate` reads it.
    """
    tables = list(model.encoder.potential.parameters())
    embeddings = {
        parameter
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    special = {*tables}
    others = [parameter for parameter in model.parameters() if parameter not in special]
    kept = [parameter for parameter in others if parameter.ndim <= 1 or parameter in embeddings]
    decayed = [parameter for parameter in others if parameter.ndim > 1 and parameter not in embeddings]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay, "rate": 1.0},
        {"params": kept, "weight_decay": 0.0, "rate": 1.0},
        {"params": tables, "weight_decay": 0.0, "rate": config.table_rate},
    ]
    return AdamW(groups, lr=config.peak_learning_rate, betas=config.betas, fused=True)


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate"]


@dataclass
class Meter:
    """Sums of losses over batches, and what they are divided by."""

    sums: dict[str, float]
    counts: dict[str, float]
    hits: float = 0.0

    @classmethod
    def empty(cls) -> Meter:
        """Nothing counted yet."""
        return cls(dict.fromkeys(LOSSES, 0.0), dict.fromkeys(LOSSES, 0.0))

    def add(self, losses: Losses, counts: dict[str, float]) -> None:
        """Count one forward pass."""
        for name in LOSSES:
            self.sums[name] += float(getattr(losses, name).detach())
            self.counts[name] += counts[name]
        self.hits += float(losses.pointer_hits)

    def means(self, weights: dict[str, float]) -> dict[str, float]:
        """Mean losses by the names that metrics.jsonl uses."""
        means = {name: self.sums[name] / max(self.counts[name], 1.0) for name in LOSSES}
        metrics = {f"{name}_loss": value for name, value in means.items()}
        metrics["pointer_accuracy"] = self.hits / max(self.counts["pointer"], 1.0)
        return {"loss": sum(weights[name] * value for name, value in means.items()), **metrics}


@torch.no_grad()
def validate(
    model: GeneScribeModel,
    batches: Iterable[dict[str, Tensor]],
    accelerator: Accelerator,
    weights: dict[str, float],
) -> dict[str, float]:
    """Mean losses over validation batches, without dropout."""
    model.eval()
    meter = Meter.empty()
    for batch in batches:
        counts = denominators(batch)
        with accelerator.autocast():
            losses = model(**{name: tensor.to(accelerator.device) for name, tensor in batch.items()})
        meter.add(losses, counts)
    model.train()
    return meter.means(weights)


@contextmanager
def noticing_sigterm() -> Iterator[list[int]]:
    """Collect SIGTERM instead of dying of it: the list is empty until one came."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, before)


class MetricsLog:
    """metrics.jsonl: one JSON object a line. On resume, lines beyond the checkpoint are cut off."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
                # A kill may have left half a line at the end.
                if line.endswith("\n") and json.loads(line)["step"] <= step:
                    kept.append(line)
        path.write_text("".join(kept), encoding="utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        """Append one entry."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def initial_model(run: Run) -> GeneScribeModel:
    """New weights from the run's seed, or those of the model folder it starts from."""
    torch.manual_seed(run.training.seed)
    if run.initial is None:
        return GeneScribeModel(GeneScribeConfig(**run.model))
    if run.model:
        raise InputError("a run that starts from a model takes its sizes from there: leave `model` out")
    return read_model(run.initial)


def micro_batches(batch: dict[str, Tensor], size: int) -> Iterator[dict[str, Tensor]]:
    """The batch in parts of `size` windows; whole if `size` is 0."""
    total = len(batch["valid"])
    for first in range(0, total, size or total):
        yield {name: tensor[first : first + (size or total)] for name, tensor in batch.items()}


def train(run: Run) -> bool:
    """Train to the end, or until time or SIGTERM stops it; continues from the newest checkpoint of the state
    folder.

    Returns:
        True when the run is finished and `run.out` is written, False when it was stopped and saved.

    Raises:
        InputError: settings, corpora and checkpoints do not fit together.
    """
    config, weights = run.training, loss_weights(run.training)
    if config.threads:
        torch.set_num_threads(config.threads)
    accelerator = Accelerator(
        cpu=run.device == "cpu", mixed_precision="bf16" if config.precision == "bf16" else "no"
    )
    model = initial_model(run).to(accelerator.device).train()
    check_pieces(model.state_dict(), run.pieces_mib)
    optimizer = make_optimizer(model, config)
    patch, window = model.config.patch, model.config.window

    corpus = Corpus.open(run.train)
    sampler = WindowSampler(
        corpus, window, config.batch_windows, config.seed, gene_fraction=config.gene_fraction
    )
    watched = None if run.validation is None else ValidationWindows(Corpus.open(run.validation), window)

    key = run.key()
    folder = run.state / key
    folder.mkdir(parents=True, exist_ok=True)
    found, damaged = state.load_newest(folder, key, model, optimizer)
    for checkpoint in damaged:
        log.warning("checkpoint %s is damaged: its digest differs; using the one before it", checkpoint)
    position = found or Position()
    metrics = MetricsLog(folder / METRICS, position.step)
    if found:
        log.info("continuing at step %d, %d tokens", position.step, position.tokens)

    began = saved = time.monotonic()
    seconds_before = position.seconds

    def measure(event: str, values: dict[str, float]) -> None:
        spent = max(position.seconds, 1e-9)
        metrics.write(
            {
                "event": event,
                "step": position.step,
                "tokens": position.tokens,
                "bases": position.bases,
                **values,
                "learning_rate": learning_rate(config, position.tokens),
                "tokens_per_second": position.tokens / spent,
                "bases_per_second": position.bases / spent,
                "seconds": spent,
            }
        )

    def look_at_validation() -> None:
        if watched is not None:
            batches = validation_batches(watched, config.batch_windows, config.validation_windows)
            values = validate(model, batches, accelerator, weights)
            measure("val", values)
            log.info(
                "step %d, %.1f Mb: validation loss %.3f, pointer accuracy %.3f",
                position.step, position.bases / 1e6, values["loss"], values["pointer_accuracy"],
            )  # fmt: skip

    with noticing_sigterm() as stop, progress("training", config.tokens, "tokens") as bar:
        bar.advance(position.tokens)
        for batch in training_batches(config, sampler, position, patch):
            if position.tokens >= config.tokens:
                break
            counts, meter = denominators(batch), Meter.empty()
            set_learning_rate(optimizer, learning_rate(config, position.tokens))
            for part in micro_batches(batch, config.micro_batch_windows):
                inputs = {
                    name: tensor.to(accelerator.device, non_blocking=True) for name, tensor in part.items()
                }
                with accelerator.autocast():
                    losses: Losses = model(**inputs, label_smoothing=config.label_smoothing)
                total = sum(weights[name] * getattr(losses, name) / counts[name] for name in LOSSES)
                accelerator.backward(total)
                meter.add(losses, dict.fromkeys(LOSSES, 0.0))
            norm = float(nn.utils.clip_grad_norm_(model.parameters(), config.clip))
            if not math.isfinite(norm):
                raise InputError(
                    f"the gradient is not finite at step {position.step}; lower peak_learning_rate"
                )
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            new_tokens = encoder_positions(batch, patch)
            due = crossed(position.tokens, new_tokens, config.validate_every_tokens)
            position.step += 1
            position.tokens += new_tokens
            position.bases += int(batch["valid"].sum())
            position.windows += len(batch["valid"])
            now = time.monotonic()
            position.seconds = seconds_before + now - began
            meter.counts = counts
            measure("train", {**meter.means(weights), "gradient_norm": norm})
            bar.advance(new_tokens)
            finished = position.tokens >= config.tokens
            if due or finished:
                look_at_validation()
            out_of_time = config.max_seconds > 0 and now - began > config.max_seconds
            if finished or stop or out_of_time or now - saved > config.save_every_seconds:
                state.save(folder, key, position, model, optimizer, run.pieces_mib)
                saved = time.monotonic()
            if (stop or out_of_time) and not finished:
                log.warning(
                    "stopped after %d of %d tokens; run again to continue", position.tokens, config.tokens
                )
                return False
    write_model(run, model, folder / METRICS)
    return True


def crossed(before: int, added: int, interval: int) -> bool:
    """Whether counting from `before` to `before + added` passes a multiple of `interval` (never if it is
    0)."""
    return interval > 0 and before // interval < (before + added) // interval


def write_model(run: Run, model: GeneScribeModel, metrics: Path) -> None:
    """Write the model folder: configuration, weights, the metrics of its training and what made it."""
    with atomic_folder(run.out) as folder:
        with without_bars():
            save_model(model, folder, run.pieces_mib)
        shutil.copyfile(metrics, folder / METRICS)
        made = origin(run.training.decisive(), run.digests, run.train, run.initial)
        (folder / ORIGIN).write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        write_card(folder, model.num_parameters())


def input_digests(train: Path, validation: Path | None, initial: Path | None) -> dict[str, str]:
    """Digests of what a run reads: manifests (which hold the digests of the shards) and initial weights."""
    files = {"train": train / "manifest.json"}
    if validation is not None:
        files["validation"] = validation / "manifest.json"
    if initial is not None:
        files |= {f"initial/{file.name}": file for file in weight_files(initial) or [initial / WEIGHTS]}
    for path in files.values():
        if not path.is_file():
            raise InputError("no such file", path)
    return {name: sha256(path) for name, path in files.items()}
