"""The training loop: masked language modelling, pre-training and fine-tuning alike."""

from __future__ import annotations

import gc
import logging
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from torch import Tensor, nn

from genescribe.corpus.reader import Corpus, ValidationWindows, WindowSampler
from genescribe.errors import InputError
from genescribe.files import check_folder
from genescribe.model.generation import is_fast_in_bfloat16
from genescribe.model.masked import MaskedLosses
from genescribe.model.modeling import Losses
from genescribe.model.pieces import check_pieces
from genescribe.progress import progress
from genescribe.training import state
from genescribe.training.average import Average
from genescribe.training.batches import encoder_positions, spread, training_batches, validation_batches
from genescribe.training.config import Run
from genescribe.training.evaluation import Meter, mean_losses
from genescribe.training.initial import initial_model
from genescribe.training.objectives import Watched, make_objective
from genescribe.training.optimizers import make_optimizers, set_learning_rate
from genescribe.training.output import CONTENTS, METRICS, MetricsLog, write_model
from genescribe.training.schedule import batch_windows, learning_rate

log = logging.getLogger(__name__)


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


def on_cpu(run: Run) -> bool:
    """Whether the run trains on the CPU. Several processes find each other there only if they are told."""
    return run.device == "cpu" or not (torch.cuda.is_available() or torch.backends.mps.is_available())


def multiplies_in_bfloat16(run: Run) -> bool:
    """Whether the run's matrix products are in bfloat16; "auto" asks the device."""
    if run.training.precision != "auto":
        return run.training.precision == "bf16"
    return is_fast_in_bfloat16(PartialState(cpu=on_cpu(run)).device)


def micro_batches(batch: dict[str, Tensor], size: int) -> Iterator[dict[str, Tensor]]:
    """The batch in parts of `size` windows; whole if `size` is 0."""
    total = len(batch["valid"])
    for first in range(0, total, size or total):
        yield {name: tensor[first : first + (size or total)] for name, tensor in batch.items()}


def seed_dropout(seed: int, step: int, process: int) -> None:
    """Make the random numbers of a step a function of these three, so that no checkpoint need hold them."""
    (mixed,) = np.random.SeedSequence((seed, step, process)).generate_state(1, np.uint64)
    torch.manual_seed(int(mixed))


class Trainer:
    """One training run on this process, which may be one of several.

    Attributes:
        run, config: what is to be done.
        objective: what is learnt.
        accelerator: this process among the others, and its device.
        state: the model and all that is saved with it.
        done: whether the run has reached its end, by its length or by `patience`.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.config = run, run.training
        if self.config.threads:
            torch.set_num_threads(self.config.threads)
        self.accelerator = Accelerator(
            cpu=on_cpu(run),
            mixed_precision="bf16" if multiplies_in_bfloat16(run) else "no",
            # The buffers are constants, and processes may have different numbers of micro-batches.
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        self.process, self.processes = self.accelerator.process_index, self.accelerator.num_processes
        corpus = Corpus.open(run.train)
        self.objective = make_objective(self.config, initial_model(run).to(self.accelerator.device), corpus)
        model = self.objective.module.to(self.accelerator.device).train()
        for tensors in (self.objective.model.state_dict(), model.state_dict()):
            check_pieces(tensors, run.pieces_mib)
        tokenizer = self.objective.model.tokenizer
        average = Average(model, self.config.ema_decay) if self.config.ema_decay else None
        self.model = model
        self.state = state.TrainingState(model, make_optimizers(model, self.config), average)
        self.wrapped = self.accelerator.prepare_model(model) if self.processes > 1 else model
        window = model.config.window
        self.sampler = WindowSampler(
            corpus,
            window,
            1,
            self.config.seed,
            gene_fraction=self.config.gene_fraction,
            rna_fraction=self.config.rna_fraction,
            least_code_share=self.config.least_code_share,
            shuffled_synonyms=self.config.shuffled_synonyms,
            shuffled=self.config.shuffled,
            tokenizer=tokenizer,
        )
        self.watched = None
        if run.validation is not None:
            self.watched = ValidationWindows(Corpus.open(run.validation), window, tokenizer=tokenizer)
        elif self.config.patience:
            raise InputError("training.patience needs a validation corpus: give --val")

        self.folder = run.state / run.key()
        self.folder.mkdir(parents=True, exist_ok=True)
        damaged = state.load_newest(self.folder, run.key(), self.state)
        self.accelerator.wait_for_everyone()
        if self.is_main:
            for checkpoint in damaged:
                log.warning(
                    "checkpoint %s is damaged: its digest differs; using the one before it", checkpoint
                )
            state.clean(self.folder, damaged)
            self.metrics = MetricsLog(self.folder / METRICS, self.state.position.step)
            if self.state.position.step:
                position = self.state.position
                log.info("continuing at step %d, %d tokens", position.step, position.tokens)
        self.began = self.saved = time.monotonic()

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def done(self) -> bool:
        """Whether the run has reached its end."""
        position, patience = self.state.position, self.config.patience
        return position.tokens >= self.config.tokens or bool(
            patience and position.validations_since >= patience
        )

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes."""
        if self.processes == 1:
            return list(values)
        tensor = torch.tensor(list(values), dtype=torch.float64, device=self.accelerator.device)
        return [float(value) for value in self.accelerator.reduce(tensor, "sum")]

    def forward(self, model: nn.Module, batch: dict[str, Tensor]) -> Losses | MaskedLosses:
        """Losses of a batch, on the device and in the precision of the run."""
        device = self.accelerator.device
        inputs = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
        with self.accelerator.autocast():
            return self.objective.forward(model, inputs)

    def gradients(self, batch: dict[str, Tensor]) -> Meter:
        """Gradients of the loss, sums over all processes divided by counts over all processes; and both."""
        weights, local = self.objective.weights, self.objective.denominators(batch)
        counts = dict(zip(weights, self.total([local[name] for name in weights]), strict=True))
        meter = self.objective.meter()
        parts = list(micro_batches(batch, self.config.micro_batch_windows))
        for number, part in enumerate(parts, start=1):
            last = number == len(parts)
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                losses = self.forward(self.wrapped, part)
                loss = sum(
                    weight * getattr(losses, name) / max(counts[name], 1.0)
                    for name, weight in weights.items()
                )
                # The processes' gradients are averaged; they should be summed.
                self.accelerator.backward(loss * self.processes)
            meter.add(losses)
        meter.counts = local
        return meter

    def step(self, batch: dict[str, Tensor], stop: bool, began: float) -> tuple[bool, bool]:
        """One optimiser step.

        Args:
            batch: this process's share.
            stop: whether this process has been told to stop.
            began: when the batch was asked for, by the monotonic clock in seconds.

        Returns:
            whether any process has been told to stop, or time is over; whether a checkpoint is due.
        """
        config, position = self.config, self.state.position
        rate = learning_rate(config, position.tokens)
        set_learning_rate(self.state.optimizers, rate)
        seed_dropout(config.seed, position.step, self.process)
        losses = self.gradients(batch).over_processes(self.total).means(self.objective.weights)
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip))
        if not math.isfinite(losses["loss"] + norm):
            raise InputError(
                f"loss or gradient is not finite at step {position.step}; lower peak_learning_rate"
            )
        for optimizer in self.state.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        now = time.monotonic()
        over = self.is_main and 0 < config.max_seconds < now - self.began
        due = self.is_main and now - self.saved > config.save_every_seconds
        tokens, bases, windows, *flags = self.total(
            [
                encoder_positions(batch, self.model.config.patch),
                float(batch["valid"].sum()),
                len(batch["valid"]),
                stop or over,
                due,
            ]
        )
        position.step += 1
        position.tokens += int(tokens)
        position.bases += int(bases)
        position.windows += int(windows)
        # Validation and checkpoints take no part in the throughput.
        position.seconds += time.monotonic() - began
        if self.state.average is not None:
            self.state.average.update(self.model, position.step)
        self.measure("train", {**losses, "gradient_norm": norm}, rate)
        return flags[0] > 0, flags[1] > 0

    def measure(self, event: str, values: dict[str, Any], rate: float) -> None:
        """Add a line to the metrics."""
        if not self.is_main:
            return
        position = self.state.position
        spent = max(position.seconds, 1e-9)
        self.metrics.write(
            {
                "event": event,
                "step": position.step,
                "tokens": position.tokens,
                "bases": position.bases,
                **values,
                "learning_rate": rate,
                "tokens_per_second": position.tokens / spent,
                "bases_per_second": position.bases / spent,
                "seconds": spent,
            }
        )

    def validate(self) -> None:
        """Measure the model, or the average of its weights where there is one; remember the best."""
        if self.watched is None:
            return
        average = self.state.average
        with nullcontext() if average is None else average.in_place(self.model):
            values = self.validation()
            self.note(values)
        self.measure("val", values, learning_rate(self.config, self.state.position.tokens))

    def validation(self) -> dict[str, Any]:
        """What the objective measures on the validation windows, of all processes together."""
        assert self.watched is not None
        self.model.eval()
        size = self.config.micro_batch_windows or max(
            1, batch_windows(self.config, math.inf, self.window_tokens) // self.processes
        )
        losses = mean_losses(
            self.objective.meter(),
            lambda batch: self.forward(self.model, batch),
            validation_batches(
                self.watched,
                self.share(self.config.validation_windows),
                size,
                self.objective.validation_reader,
            ),
            self.objective.denominators,
        )
        values = losses.over_processes(self.total).means(self.objective.weights)
        values |= self.objective.further(Watched(self.watched, self.share, size, self.total))
        self.model.train()
        return values

    @property
    def window_tokens(self) -> int:
        """Tokens of a full window."""
        return self.model.config.window_tokens

    def share(self, most: int) -> list[int]:
        """This process's share of `most` validation windows at most, spread evenly."""
        assert self.watched is not None
        return spread(len(self.watched), most)[self.process :: self.processes]

    def note(self, values: dict[str, Any]) -> None:
        """Say what a validation gave, and keep the weights if they are the best so far."""
        position, f1 = self.state.position, values.get("exact_f1", 0.0)
        if self.is_main:
            said = self.objective.said(values)
            log.info("step %d, %.1f Mb: %s", position.step, position.bases / 1e6, said)
        if not self.config.patience:
            return
        if f1 > position.best_f1:
            position.best_f1, position.validations_since = f1, 0
            self.state.best = {
                name: tensor.detach().to("cpu", copy=True) for name, tensor in self.model.state_dict().items()
            }
        else:
            position.validations_since += 1

    def save(self) -> None:
        """Write a checkpoint."""
        if self.is_main:
            state.save(self.folder, self.run.key(), self.state, self.run.pieces_mib)
        self.saved = time.monotonic()

    def part(self) -> None:
        """Part from the other processes, when all of them are done."""
        self.accelerator.wait_for_everyone()
        # The wrapper goes before the process group does. Else the group dies with the wrapper, which holds
        # Python's lock and waits for gloo's threads, and one of these may wait for the lock to free the
        # tensor of the barrier above.
        self.wrapped = self.model
        self.accelerator.free_memory()
        gc.collect()
        self.accelerator.end_training()

    def train(self) -> bool:
        """Train to the end, or until time or SIGTERM stops it; see `train`."""
        config, position = self.config, self.state.position
        batches = training_batches(
            config,
            self.sampler,
            position,
            self.model.config.patch,
            self.process,
            self.processes,
            self.objective.training_reader,
        )
        shown = progress("training", config.tokens, "tokens") if self.is_main else nullcontext()
        with noticing_sigterm() as stop, shown as bar:
            if bar:
                bar.advance(position.tokens)
            while not self.done:
                before, began = position.tokens, time.monotonic()
                stopping, due = self.step(next(batches), bool(stop), began)
                if bar:
                    bar.advance(position.tokens - before)
                at_end = position.tokens >= config.tokens
                if at_end or crossed(before, position.tokens - before, config.validate_every_tokens):
                    self.validate()
                if self.done or stopping or due:
                    self.save()
                if stopping and not self.done:
                    if self.is_main:
                        log.warning(
                            "stopped after %d of %d tokens; run again to continue",
                            position.tokens,
                            config.tokens,
                        )
                    return False
        if self.is_main:
            write_model(self.run, self.objective.model, self.state, self.folder / METRICS)
        return True


def train(run: Run) -> bool:
    """Train to the end, or until time or SIGTERM stops it; continues from the newest checkpoint of the state
    folder.

    Returns:
        True when the run is finished and `run.out` is written, False when it was stopped and saved.

    Raises:
        InputError: settings, corpora and checkpoints do not fit together.
    """
    check_folder(run.out, CONTENTS)
    trainer = Trainer(run)
    finished = trainer.train()
    trainer.part()
    return finished


def crossed(before: int, added: int, interval: int) -> bool:
    """Whether counting from `before` to `before + added` passes a multiple of `interval` (never if it is
    0)."""
    return interval > 0 and before // interval < (before + added) // interval
