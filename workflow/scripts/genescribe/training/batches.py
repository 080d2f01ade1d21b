"""Batches for the loop: read ahead, moved to the device, counted."""

from __future__ import annotations

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
    """Item i is the batch of sample indices `ranges[i]`."""

    def __init__(self, sampler: WindowSampler, ranges: list[range]) -> None:
        self.sampler, self.ranges = sampler, ranges

    def __len__(self) -> int:
        return len(self.ranges)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return model_inputs(self.sampler.rows(self.ranges[index]))


BATCHES_AHEAD = 256
"""How many batches are planned at a time: their sizes depend on the tokens seen, estimated from full
windows."""


def training_batches(
    config: TrainingConfig, sampler: WindowSampler, position: Position
) -> Iterator[dict[str, Tensor]]:
    """Batches from a position on, without end. Each is a pure function of its first sample index and its
    size.

    While the batch ramps up, the size of a batch depends on the tokens seen, so batches are then read one at
    a time.
    """
    first = position.windows
    while True:
        ramping = position.tokens < config.ramp_tokens
        ranges = []
        for _ in range(1 if ramping else BATCHES_AHEAD):
            size = batch_windows(config, position.tokens)
            ranges.append(range(first, first + size))
            first += size
        workers = 0 if ramping else config.workers
        # batch_size None: the data set makes whole batches itself. A generator of its own: else the loader
        # would draw from the global one, and dropout after a resume would differ.
        yield from DataLoader(
            _TrainingBatches(sampler, ranges),
            batch_size=None,
            num_workers=workers,
            generator=torch.Generator().manual_seed(0),
        )


def validation_batches(windows: ValidationWindows, size: int, most: int) -> Iterator[dict[str, Tensor]]:
    """Validation batches: `most` windows spread evenly over all of them; all if `most` is 0."""
    total = len(windows)
    count = min(most or total, total)
    chosen = [index * total // count for index in range(count)]
    for first in range(0, count, size):
        yield model_inputs(windows.rows(chosen[first : first + size]))
