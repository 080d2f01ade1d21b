"""Decoding windows in several processes, one CPU thread each.

Decoding is many small steps: threads of one process wait for each other more than they work, processes do
not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch

from genescribe.annotation.predict import (
    batches,
    choose_device,
    decode_all,
    load_model,
    predict,
    window_codes,
)
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.processes import process_context, usable_cores
from genescribe.annotation.tiling import Window
from genescribe.language.bases import Codes
from genescribe.model.generation import generate
from genescribe.progress import progress

FEW_BATCHES = 4
"""A process takes seconds to start: it must have so many batches to be worth it."""
MANY_BATCHES = 8
"""Batches that a process should have, so that none works long when the others are done."""
SMALL_BATCH = 8
"""Smaller batches cost more than they balance."""


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
        device: as for `choose_device`; on any but the CPU one process does all.
        sequences: bases of each sequence.
        genetic_codes: NCBI translation table of each sequence.
        windows: from `tiling.tile`.
        batch: windows decoded side by side, at most.
        workers: processes; 0 for one a core.
        beam: as for `generate`.
    """
    where = choose_device(device)
    workers = workers or usable_cores()
    batch = min(batch, max(SMALL_BATCH, len(windows) // (MANY_BATCHES * workers)))
    workers = min(workers, len(windows) // (FEW_BATCHES * batch))
    if where.type != "cpu" or workers < 2:
        if where.type == "cpu":
            torch.set_num_threads(1)
        decode = partial(generate, beam=beam)
        yield from predict(load_model(folder, where), sequences, genetic_codes, windows, batch, decode)
        return
    bases = sum(window.length for window in windows)
    with (
        progress("annotating", bases, "bases", interval=10.0) as bar,
        ProcessPoolExecutor(
            workers,
            mp_context=process_context(),
            initializer=_start,
            initargs=(folder, window_codes(sequences, windows), genetic_codes, beam),
        ) as pool,
    ):
        parts = list(batches(windows, batch))
        for part, predictions in zip(parts, pool.map(_decode, parts), strict=True):
            yield from predictions
            bar.advance(sum(window.length for window in part))


_decode_part: partial[list[WindowPrediction]]
"""What a worker does with a batch; set when it starts."""


def _start(folder: Path, codes: Mapping[str, Codes], genetic_codes: Mapping[str, int], beam: int) -> None:
    global _decode_part
    torch.set_num_threads(1)
    model = load_model(folder, torch.device("cpu"))
    _decode_part = partial(decode_all, model, codes, genetic_codes, decode=partial(generate, beam=beam))


def _decode(windows: Sequence[Window]) -> list[WindowPrediction]:
    return _decode_part(windows)
