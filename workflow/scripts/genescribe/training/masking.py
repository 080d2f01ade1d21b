"""Which bases of a window are masked: spans, as a pure function of (seed, index of the window)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genescribe.language.bases import Codes, N
from genescribe.training.batches import Windows

SHORTEST, LONGEST = 6, 24
"""Bases in a span: more than a k-mer of the encoder holds, up to two patches of the default size."""

VALIDATION_SEED = 0
"""The masks of the validation windows are the same in every run."""


def masked_spans(codes: Codes, fraction: float, random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """True (L,) where a base is masked.

    The lengths of the spans are uniform from `SHORTEST` to `LONGEST`; at least one base lies between two
    spans, and every arrangement is equally probable. Only A, C, G and T are counted and masked: a span that
    meets an N goes on behind it.

    Args:
        codes: base codes (L,).
        fraction: expected share of the letters that is masked.
        random: where the draws come from.
    """
    letters = np.flatnonzero(codes < N)
    masked = np.zeros(len(codes), dtype=bool)
    expected = fraction * len(letters) / ((SHORTEST + LONGEST) / 2)
    lengths = random.integers(SHORTEST, LONGEST + 1, int(expected + random.random()))
    # Each span takes one more base, which parts it from the next; the last one may lie beyond the end.
    ends = np.cumsum(lengths + 1)
    lengths = lengths[ends <= len(letters) + 1]
    if len(lengths):
        ends = ends[: len(lengths)]
        before = np.sort(random.integers(0, len(letters) + 1 - ends[-1], len(lengths), endpoint=True))
        starts = before + ends - lengths - 1
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        masked[letters[np.repeat(starts, lengths) + within]] = True
    return masked


def masked_batch(fraction: float, seed: int, windows: Windows, indices: Sequence[int]) -> dict[str, Tensor]:
    """Windows with their masks; their genes are not read.

    Returns:
        codes (B, L) uint8, N beyond the window's real bases; masked (B, L) bool; valid (B,) int64, the number
        of real bases; weight (B,) float32.
    """
    codes = np.full((len(indices), windows.window), N, dtype=np.uint8)
    masked = np.zeros(codes.shape, dtype=bool)
    valid = np.zeros(len(indices), dtype=np.int64)
    weight = np.zeros(len(indices), dtype=np.float32)
    for row, index in enumerate(indices):
        letters, weight[row] = windows.sequence(index)
        valid[row] = len(letters)
        codes[row, : len(letters)] = letters
        # The counter keeps these draws apart from those of the window itself, which have the same key.
        random = np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, 1]))
        masked[row, : len(letters)] = masked_spans(letters, fraction, random)
    arrays = {"codes": codes, "masked": masked, "valid": valid, "weight": weight}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
