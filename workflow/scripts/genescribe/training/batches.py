"""Batches for the loop: read ahead, moved to the device, counted."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from genescribe.corpus.reader import Batch, ValidationWindows, WindowSampler
from genescribe.language import vocabulary
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_windows
from genescribe.training.state import Position

MODEL_INPUTS = ("codes", "tokens", "positions", "frame_class", "boundary", "loss_mask", "valid", "weight")


def model_inputs(batch: Batch) -> dict[str, Tensor]:
    """The arrays of a batch that the model reads, as tensors."""
    return {name: torch.from_numpy(batch[name]) for name in MODEL_INPUTS}


def encoder_positions(batch: dict[str, Tensor], patch: int) -> int:
    """Encoder positions (patches) that hold sequence."""
    return int((-(-batch["valid"] // patch)).sum())


def denominators(batch: dict[str, Tensor]) -> dict[str, float]:
    """What the four losses of a whole batch are summed over; see `model.modeling.Losses`.

    Known before the forward pass, so that micro-batches and processes can divide by the counts of the whole
    batch.
    """
    weight = batch["weight"].double()
    written = (batch["tokens"][:, 1:] != vocabulary.PAD).sum(dim=1)
    points = (batch["positions"][:, 1:] >= 0).sum(dim=1)
    counts = {"token": written, "pointer": points}
    sums = {name: float((count * weight).sum()) for name, count in counts.items()}
    sums["frame"] = sums["boundary"] = float((batch["loss_mask"].sum(dim=1) * weight).sum())
    return {name: max(value, 1.0) for name, value in sums.items()}


class _TrainingBatches(Dataset[dict[str, Tensor]]):
    """Item `range` is the batch of these sample indices."""

    def __init__(self, sampler: WindowSampler) -> None:
        self.sampler = sampler

    def __getitem__(self, indices: range) -> dict[str, Tensor]:
        return model_inputs(self.sampler.rows(indices))


def planned(
    config: TrainingConfig, sampler: WindowSampler, position: Position, patch: int
) -> Iterator[range]:
    """Sample indices of every batch from a position on, without end.

    While the batch ramps up, its size depends on the tokens seen; the places of the windows tell these before
    any window is read, so that worker processes may run ahead.
    """
    first, tokens = position.windows, position.tokens
    while True:
        batch = range(first, first + batch_windows(config, tokens))
        yield batch
        first = batch.stop
        if tokens < config.ramp_tokens:
            tokens += sum(-(-sampler.length(index) // patch) for index in batch)


def _leave_stopping_to_the_parent(worker: int) -> None:
    """SIGTERM may reach the whole process group: the training process then saves, and ends its workers."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def training_batches(
    config: TrainingConfig, sampler: WindowSampler, position: Position, patch: int
) -> Iterator[dict[str, Tensor]]:
    """Batches from a position on, without end. Each is a pure function of its first sample index and its
    size, whether `config.workers` processes read it ahead or none.
    """
    # batch_size None: the data set makes whole batches itself. A generator of its own: else the loader would
    # draw from the global one, and dropout after a resume would differ.
    yield from DataLoader(
        _TrainingBatches(sampler),
        batch_size=None,
        sampler=planned(config, sampler, position, patch),
        num_workers=config.workers,
        worker_init_fn=_leave_stopping_to_the_parent,
        generator=torch.Generator().manual_seed(0),
    )


def validation_batches(windows: ValidationWindows, size: int, most: int) -> Iterator[dict[str, Tensor]]:
    """Validation batches: `most` windows spread evenly over all of them; all if `most` is 0."""
    total = len(windows)
    count = min(most or total, total)
    chosen = [index * total // count for index in range(count)]
    for first in range(0, count, size):
        yield model_inputs(windows.rows(chosen[first : first + size]))
