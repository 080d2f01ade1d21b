"""Genes from the dense frame classes alone: a control row that shows what the decoder adds.

An open reading frame is scored by its summed log odds, base by base, of coding in its own frame against
anything else. Each in-frame stop codon gets the start codon that gives the highest sum; sums above zero
compete, the best first, and a gene that overlaps a better one by more than a few bases is dropped. No
introns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genescribe.language.bases import Codes, reverse_complement
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel
from genescribe.language.genetic_code import GeneticCode

FRAME_CLASSES = 9
"""0 intergenic, 1-3 coding on + by codon position, 4-6 coding on - by codon position from left to right, 7
RNA, 8 intron."""
PLUS, MINUS = 1, 4
MIN_LENGTH = 60
"""Shortest gene (nt), with the stop codon."""
MAX_OVERLAP = 60
"""Bases, and at most half its own, by which a gene may overlap better ones, on either strand."""
LEAST = -20.0
"""Log odds are cut here and at its negative, so that one certain base does not decide alone."""

LogOdds = npt.NDArray[np.float64]


class ScoredModel(NamedTuple):
    """A gene and its summed log odds."""

    model: GeneModel
    score: float


def predict(
    codes: Codes,
    log_probabilities: npt.NDArray[np.floating],
    code: GeneticCode,
    min_length: int = MIN_LENGTH,
    max_overlap: int = MAX_OVERLAP,
) -> list[ScoredModel]:
    """Genes of one sequence.

    Args:
        codes: base codes (L,).
        log_probabilities: of the frame classes at each base (L, 9).
        code: its starts_write are the start codons.
        min_length: shortest gene.
        max_overlap: bases, and at most half its own, by which a gene may overlap better ones.

    Returns:
        Complete single-segment genes from left to right. Reading frames that run past an end of the
        sequence give no gene.
    """
    length = len(codes)
    if log_probabilities.shape != (length, FRAME_CLASSES):
        raise ValueError(
            f"log probabilities have shape {log_probabilities.shape}, not {(length, FRAME_CLASSES)}"
        )
    odds = _log_odds(log_probabilities)
    found = [
        ScoredModel(GeneModel(PROTEIN_CODING, "+", ((start, end),)), score)
        for start, end, score in _reading_frames(codes, odds[:, PLUS : PLUS + 3], code, min_length)
    ]
    # On the minus strand codon positions are counted from the left, so the first base read has position 2.
    mirrored = odds[::-1, [MINUS + 2, MINUS + 1, MINUS]]
    found += [
        ScoredModel(GeneModel(PROTEIN_CODING, "-", ((length - end, length - start),)), score)
        for start, end, score in _reading_frames(reverse_complement(codes), mirrored, code, min_length)
    ]
    kept = _without_conflicts(found, length, max_overlap)
    return sorted(kept, key=lambda one: (one.model.start, one.model.end, one.model.strand))


def _log_odds(log_probabilities: npt.NDArray[np.floating]) -> LogOdds:
    """log(p / (1 - p)) of each class at each base (L, 9)."""
    log_p = np.minimum(log_probabilities.astype(np.float64), -1e-12)
    return np.clip(log_p - np.log(-np.expm1(log_p)), LEAST, -LEAST)


def _reading_frames(
    codes: Codes, odds: LogOdds, code: GeneticCode, min_length: int
) -> list[tuple[int, int, float]]:
    """(start, end, score) of the best frame of each stop codon, reading left to right.

    Args:
        codes: base codes (L,), read in this direction.
        odds: log odds (L, 3) of coding with the base at codon position 0, 1, 2.
        code: genetic code.
        min_length: shortest frame.
    """
    result: list[tuple[int, int, float]] = []
    if len(codes) < 3:
        return result
    starts, stops = _codons(codes, code.starts_write), _codons(codes, code.stops)
    for frame in range(3):
        count = (len(codes) - frame) // 3
        if count == 0:
            continue
        codons = slice(frame, frame + 3 * count, 3)
        bases = odds[frame : frame + 3 * count].reshape(count, 3, 3)
        per_codon = np.einsum("cpp->c", bases)
        before = np.concatenate(([0.0], np.cumsum(per_codon)))
        is_start, is_stop = starts[codons], stops[codons]
        first = 0
        for stop in np.flatnonzero(is_stop):
            candidates = first + np.flatnonzero(is_start[first:stop])
            first = int(stop) + 1
            candidates = candidates[3 * (stop + 1 - candidates) >= min_length]
            if len(candidates) == 0:
                continue
            # The sum from a start is highest where the sum before it is lowest; of equals the longest frame.
            best = candidates[np.argmin(before[candidates])]
            score = float(before[stop + 1] - before[best])
            if score > 0:
                result.append((frame + 3 * int(best), frame + 3 * (int(stop) + 1), score))
    return result


def _codons(codes: Codes, wanted: frozenset[str]) -> npt.NDArray[np.bool_]:
    """Whether a codon of `wanted` begins at each base (L,); the last two bases begin none."""
    table = np.zeros((5, 5, 5), dtype=bool)
    for codon in wanted:
        table[tuple("ACGT".index(base) for base in codon)] = True
    flags = np.zeros(len(codes), dtype=bool)
    flags[:-2] = table[codes[:-2], codes[1:-1], codes[2:]]
    return flags


def _without_conflicts(found: list[ScoredModel], length: int, max_overlap: int) -> list[ScoredModel]:
    """The genes kept, best score first; ties go to the left one, then to the plus strand."""
    taken = np.zeros(length, dtype=bool)
    kept = []
    for one in sorted(found, key=lambda one: (-one.score, one.model.start, one.model.end, one.model.strand)):
        bases = taken[one.model.start : one.model.end]
        if int(bases.sum()) <= min(max_overlap, len(bases) // 2):
            bases[:] = True
            kept.append(one)
    return kept
