"""Training windows varied so that their labels stay true: codons and bases change places.

A window that is seen for the tenth time can be known by heart, start codons and all. Silent changes take that
away and leave what is true of every genome: codons that change places with synonymous ones keep proteins,
codon usage and composition; a few that change places with any other keep reading frames and composition.
Start and stop codons stay, and so does all that is masked, RNA, intron, or no A, C, G or T.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genescribe.corpus.labels import CODING, INTERGENIC, LEFT_END, RIGHT_END
from genescribe.language.bases import LETTERS, Codes, N, reverse_complement
from genescribe.language.genetic_code import genetic_code

_STOP = ord("*")


@lru_cache
def _meanings(number: int) -> npt.NDArray[np.uint8]:
    """ASCII letter of the amino acid of codon (a, b, c), base codes, in genetic code `number` (4, 4, 4)."""
    forward = genetic_code(number).forward
    letters = LETTERS[:N]
    table = [ord(forward[a + b + c]) for a in letters for b in letters for c in letters]
    return np.array(table, dtype=np.uint8).reshape(N, N, N)


def _inner_codons(
    codes: Codes, frame_class: npt.NDArray[np.int8], boundary: npt.NDArray[np.uint8], strand: str
) -> npt.NDArray[np.int64]:
    """Leftmost bases of the whole codons of a strand that are neither a gene's first nor its last."""
    first = CODING[strand]
    whole = np.ones(max(len(codes) - 2, 0), dtype=bool)
    for place in range(3):
        here = slice(place, place + len(whole))
        whole &= (frame_class[here] == first + place) & (codes[here] < N)
    whole &= (boundary[: len(whole)] >> LEFT_END[strand] & 1) == 0
    whole &= (boundary[2:][: len(whole)] >> RIGHT_END[strand] & 1) == 0
    return np.flatnonzero(whole)


def _exchanged(groups: npt.NDArray[np.uint8], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """A random order of 0 ... len(groups) - 1 that keeps every place in its group."""
    given, taken = (np.lexsort((random.random(len(groups)), groups)) for _ in range(2))
    order = np.empty(len(groups), dtype=np.int64)
    order[given] = taken
    return order


def shuffled_codes(
    codes: Codes,
    frame_class: npt.NDArray[np.int8],
    boundary: npt.NDArray[np.uint8],
    number: int,
    synonyms: float,
    anything: float,
    random: np.random.Generator,
) -> Codes:
    """Base codes (L,) of a window in which codons and bases have changed places.

    Args:
        codes: base codes (L,).
        frame_class: frame class (L,), see `corpus.labels`.
        boundary: boundaries (L,), a bit field, see there.
        number: genetic code.
        synonyms: share of the codons that change places with synonymous ones of the window.
        anything: share of the codons that then change places with any other of the window, and of the
            intergenic bases that do with other intergenic bases.
        random: where the draws come from.
    """
    codes = codes.copy()
    places, strands = [], []
    for strand in CODING:
        places.append(_inner_codons(codes, frame_class, boundary, strand))
        strands.append(np.full(len(places[-1]), strand == "-"))
    codons = np.concatenate(places)[:, None] + np.arange(3)
    minus = np.concatenate(strands)[:, None]
    sense = np.where(minus, reverse_complement(codes[codons]), codes[codons])
    meaning = _meanings(number)[tuple(sense.T)]
    readable = meaning != _STOP
    codons, minus, sense, meaning = codons[readable], minus[readable], sense[readable], meaning[readable]
    for share, groups in ((synonyms, meaning), (anything, np.zeros_like(meaning))):
        chosen = np.flatnonzero(random.random(len(sense)) < share)
        sense[chosen] = sense[chosen][_exchanged(groups[chosen], random)]
    codes[codons] = np.where(minus, reverse_complement(sense), sense)
    between = np.flatnonzero((frame_class == INTERGENIC) & (codes < N))
    chosen = between[random.random(len(between)) < anything]
    codes[chosen] = codes[random.permutation(chosen)]
    return codes
