"""Nucleotides as small integers: A 0, C 1, G 2, T 3, everything else 4 (N)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]

N = 4
LETTERS = "ACGTN"

_TO_CODE = np.full(256, N, dtype=np.uint8)
for _code, _letter in enumerate("ACGT"):
    _TO_CODE[ord(_letter)] = _TO_CODE[ord(_letter.lower())] = _code
_TO_CODE[ord("U")] = _TO_CODE[ord("u")] = 3
_COMPLEMENT = np.array([3, 2, 1, 0, N], dtype=np.uint8)
_TO_LETTER = np.frombuffer(LETTERS.encode(), dtype=np.uint8)


def to_codes(sequence: str | bytes) -> Codes:
    """Base codes (L,) of a sequence in any case; U counts as T, IUPAC ambiguity codes as N."""
    raw = sequence.encode("ascii") if isinstance(sequence, str) else sequence
    return _TO_CODE[np.frombuffer(raw, dtype=np.uint8)]


def to_letters(codes: Codes) -> str:
    """The sequence of base codes (L,) as upper-case letters."""
    return _TO_LETTER[codes].tobytes().decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """Base codes (..., L) of the other strand, read in its own direction."""
    return _COMPLEMENT[codes][..., ::-1]
