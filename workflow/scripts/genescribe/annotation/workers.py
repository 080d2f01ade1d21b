"""Decoding windows on CPUs in processes of their own; does not import torch.

There is one process a core, with one thread: decoding is many small steps, and threads of one process wait
for each other more than they work. The process that asks reads genomes and stitches genes, and needs none of
the memory that torch takes. A GPU it uses itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.processes import process_context, usable_cores
from genescribe.annotation.tiling import Window, batches, window_codes
from genescribe.language.bases import Codes
from genescribe.progress import progress

if TYPE_CHECKING:
    from genescribe.model.modeling import GeneScribeModel

FEW_BATCHES = 4
"""A process takes seconds to start: it must have so many batches to be worth it."""
MANY_BATCHES = 8
"""Batches that a process should have, so that none works long when the others are done."""
SMALL_BATCH = 8
"""Smaller batches cost more than they balance."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the processes work on.

    Attributes:
        folder: of the model.
        codes: base codes of each sequence.
        genetic_codes: NCBI translation table of each.
        beam: as for `generate`.
    """

    folder: Path
    codes: Mapping[str, Codes]
    genetic_codes: Mapping[str, int]
    beam: int


def predict_with_workers(
    folder: Path,
    device: str,
    sequences: Mapping[str, str],
    genetic_codes: Mapping[str, int],
    windows: Sequence[Window],
    batch: int,
    workers: int = 0,
    beam: int = 1,
) -> Iterator[WindowPrediction]:
    """Decode windows, in order; the same as `predict.predict` in one process.

    Args:
        folder: of the model.
        device: as for `predict.choose_device`; on any but the CPU one process does all.
        sequences: bases of each sequence.
        genetic_codes: NCBI translation table of each sequence.
        windows: from `tiling.tile`.
        batch: windows decoded side by side, at most.
        workers: processes; 0 for one a core.
        beam: as for `generate`.

    Raises:
        InputError: the folder holds no model, or there is no such device.
    """
    device = _chosen(device)
    if device != "cpu":
        from genescribe.annotation import predict

        model = predict.load_model(folder, predict.choose_device(device))
        decode = partial(predict.generate, beam=beam)
        yield from predict.predict(model, sequences, genetic_codes, windows, batch, decode)
        return
    workers = workers or usable_cores()
    batch = min(batch, max(SMALL_BATCH, len(windows) // (MANY_BATCHES * workers)))
    workers = max(1, min(workers, len(windows) // (FEW_BATCHES * batch)))
    job = Job(folder, window_codes(sequences, windows), genetic_codes, beam)
    bases = sum(window.length for window in windows)
    with (
        progress("annotating", bases, "bases", interval=10.0) as bar,
        ProcessPoolExecutor(
            workers, mp_context=process_context(), initializer=_take, initargs=(job,)
        ) as pool,
    ):
        parts = list(batches(windows, batch))
        for part, predictions in zip(parts, pool.map(_decode, parts), strict=True):
            yield from predictions
            bar.advance(sum(window.length for window in part))


def _chosen(device: str) -> str:
    """Kind of the device of a name. Torch is asked in another process, if it must be asked."""
    if device == "cpu":
        return device
    with ProcessPoolExecutor(1, mp_context=process_context()) as pool:
        return pool.submit(_choose, device).result()


# What follows runs in the workers.

_job: Job


def _take(job: Job) -> None:
    global _job
    _job = job


def _choose(device: str) -> str:
    from genescribe.annotation.predict import choose_device

    return choose_device(device).type


@cache
def _model(folder: Path) -> GeneScribeModel:
    """The model, loaded with a worker's first batch: mistakes then reach who asked for it."""
    import torch

    from genescribe.annotation.predict import load_model

    torch.set_num_threads(1)
    return load_model(folder, torch.device("cpu"))


def _decode(windows: Sequence[Window]) -> list[WindowPrediction]:
    from genescribe.annotation.predict import decode_all
    from genescribe.model.generation import generate

    decode = partial(generate, beam=_job.beam)
    return decode_all(_model(_job.folder), _job.codes, _job.genetic_codes, windows, decode)
