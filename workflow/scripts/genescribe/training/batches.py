"""Batches for the loop: read ahead, moved to the device, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from genescribe.corpus.reader import Batch, ValidationWindows, WindowSampler
from genescribe.errors import InputError
from genescribe.language import vocabulary
from genescribe.model.label_masks import pointer_weights
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_windows, ramping
from genescribe.training.state import Position

MODEL_INPUTS = (
    "codes", "tokens", "positions", "frame_class", "boundary", "loss_mask", "valid", "weight",
    "annotated_kinds", "doubtful_starts",
)  # fmt: skip


def model_inputs(batch: Batch) -> dict[str, Tensor]:
    """The arrays of a batch that the model reads, as tensors."""
    return {name: torch.from_numpy(batch[name]) for name in MODEL_INPUTS}


def encoder_positions(batch: dict[str, Tensor], patch: int) -> int:
    """Encoder positions (patches) that hold sequence."""
    return int((-(-batch["valid"] // patch)).sum())


def denominators(batch: dict[str, Tensor], doubtful_start_weight: float = 0.0) -> dict[str, float]:
    """What the four losses of a batch are summed over; see `model.modeling.Losses`.

    Known before the forward pass, so that micro-batches and processes can divide by the counts of the whole
    batch.
    """
    weight = batch["weight"].double()
    written = (batch["tokens"][:, 1:] != vocabulary.PAD).sum(dim=1)
    pointed = pointer_weights(batch["tokens"], batch.get("doubtful_starts"), doubtful_start_weight)
    points = ((batch["positions"] >= 0) * pointed)[:, 1:].double().sum(dim=1)
    sums = {name: float((count * weight).sum()) for name, count in (("token", written), ("pointer", points))}
    sums["frame"] = sums["boundary"] = float((batch["loss_mask"].sum(dim=1) * weight).sum())
    return sums


def share(indices: range, process: int, processes: int) -> range:
    """The part of a batch's sample indices that one of several processes takes: equal ones, to a window.

    Raises:
        InputError: the batch has fewer windows than there are processes.
    """
    if len(indices) < processes:
        raise InputError(
            f"a batch of {len(indices)} windows cannot be shared by {processes} processes; raise"
            " training.batch_tokens or ramp_start_tokens"
        )
    first, last = (len(indices) * number // processes for number in (process, process + 1))
    return indices[first:last]


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
    config: TrainingConfig,
    sampler: WindowSampler,
    position: Position,
    patch: int,
    process: int = 0,
    processes: int = 1,
) -> Iterator[dict[str, Tensor]]:
    """Batches from a position on, or one process's shares of them, without end. Each is a pure function of
    its first sample index and its size.

    While the batch ramps up, the size of a batch depends on the tokens seen, so batches are then read one at
    a time.
    """
    first = position.windows
    while True:
        growing = ramping(config, position.tokens)
        ranges = []
        for _ in range(1 if growing else BATCHES_AHEAD):
            size = batch_windows(config, position.tokens, sampler.window // patch)
            ranges.append(share(range(first, first + size), process, processes))
            first += size
        workers = 0 if growing else config.workers
        # batch_size None: the data set makes whole batches itself. A generator of its own: else the loader
        # would draw from the global one, and dropout after a resume would differ.
        yield from DataLoader(
            _TrainingBatches(sampler, ranges),
            batch_size=None,
            num_workers=workers,
            generator=torch.Generator().manual_seed(0),
        )


def spread(total: int, most: int) -> list[int]:
    """At most `most` of `total` indices, spread evenly over all of them; all if `most` is 0."""
    count = min(most or total, total)
    return [index * total // count for index in range(count)]


def validation_batches(
    windows: ValidationWindows, indices: Sequence[int], size: int
) -> Iterator[dict[str, Tensor]]:
    """The validation windows with these indices, in batches of `size`."""
    for first in range(0, len(indices), size):
        yield model_inputs(windows.rows(indices[first : first + size]))
