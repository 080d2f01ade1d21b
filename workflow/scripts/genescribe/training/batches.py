"""Batches for the loop: read ahead, moved to the device, counted."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from genescribe.corpus.reader import Batch, ValidationWindows, WindowSampler
from genescribe.errors import InputError
from genescribe.language import vocabulary
from genescribe.language.bpe import PAD
from genescribe.model.configuration import BASES_PER_TOKEN
from genescribe.model.label_masks import pointer_weights
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_windows, ramping
from genescribe.training.state import Position

MODEL_INPUTS = (
    "codes", "tokens", "positions", "frame_class", "boundary", "loss_mask", "valid", "weight",
    "annotated_kinds", "doubtful_starts", "input_ids", "input_bases",
)  # fmt: skip


Windows = WindowSampler | ValidationWindows
Reader = Callable[[Windows, Sequence[int]], dict[str, Tensor]]
"""Reads the windows with these indices as a batch. Worker processes that are not forked pickle it."""


def model_inputs(batch: Batch) -> dict[str, Tensor]:
    """The arrays of a batch that the model reads, as tensors."""
    return {name: torch.from_numpy(batch[name]) for name in MODEL_INPUTS if name in batch}


def labelled_batch(windows: Windows, indices: Sequence[int]) -> dict[str, Tensor]:
    """Windows with their genes, as the model reads them."""
    return model_inputs(windows.rows(indices))


def encoder_positions(batch: dict[str, Tensor], patch: int) -> int:
    """Encoder positions that hold sequence: patches, or BPE tokens where there are some."""
    if "input_ids" in batch:
        return int((batch["input_ids"] != PAD).sum())
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
    """Item `range` is the batch of these sample indices."""

    def __init__(self, sampler: WindowSampler, read: Reader) -> None:
        self.sampler, self.read = sampler, read

    def __getitem__(self, indices: range) -> dict[str, Tensor]:
        return self.read(self.sampler, indices)


def _positions(sampler: WindowSampler, index: int, patch: int) -> int:
    """Encoder positions of a sample, without reading its genes."""
    if sampler.tokenizer is not None:
        return len(sampler.input_tokens(index).ids)
    return -(-sampler.length(index) // patch)


def planned(
    config: TrainingConfig, sampler: WindowSampler, position: Position, patch: int
) -> Iterator[range]:
    """Sample indices of every batch from a position on, without end.

    While the batch ramps up, its size depends on the tokens seen; the places of the windows tell these before
    any window is read (of BPE tokens, their bases do), so that worker processes may run ahead.
    """
    first, tokens = position.windows, position.tokens
    full = sampler.window // (patch if sampler.tokenizer is None else BASES_PER_TOKEN)
    while True:
        batch = range(first, first + batch_windows(config, tokens, full))
        yield batch
        first = batch.stop
        if ramping(config, tokens):
            tokens += sum(_positions(sampler, index, patch) for index in batch)


def _leave_stopping_to_the_parent(worker: int) -> None:
    """SIGTERM may reach the whole process group: the training process then saves, and ends its workers."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def training_batches(
    config: TrainingConfig,
    sampler: WindowSampler,
    position: Position,
    patch: int,
    process: int = 0,
    processes: int = 1,
    read: Reader = labelled_batch,
) -> Iterator[dict[str, Tensor]]:
    """Batches from a position on, or one process's shares of them, without end. Each is a pure function of
    its first sample index and its size, whether `config.workers` processes read it ahead or none.
    """
    plan = planned(config, sampler, position, patch)
    # batch_size None: the data set makes whole batches itself. A generator of its own: else the loader would
    # draw from the global one.
    yield from DataLoader(
        _TrainingBatches(sampler, read),
        batch_size=None,
        sampler=(share(batch, process, processes) for batch in plan),
        num_workers=config.workers,
        worker_init_fn=_leave_stopping_to_the_parent,
        generator=torch.Generator().manual_seed(0),
    )


def spread(total: int, most: int) -> list[int]:
    """At most `most` of `total` indices, spread evenly over all of them; all if `most` is 0."""
    count = min(most or total, total)
    return [index * total // count for index in range(count)]


def validation_batches(
    windows: ValidationWindows, indices: Sequence[int], size: int, read: Reader = labelled_batch
) -> Iterator[dict[str, Tensor]]:
    """The validation windows with these indices, in batches of `size`."""
    for first in range(0, len(indices), size):
        yield read(windows, indices[first : first + size])
