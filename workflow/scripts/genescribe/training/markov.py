"""A Markov model of DNA, which a masked language model has to beat: what five letters to the left say of a
base.

Five is the order of GeneMark (Borodovsky & McIninch 1993), whose models of genes are three-periodic; this one
is the same everywhere, as nothing is known of genes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genescribe.corpus.store import Corpus, Piece
from genescribe.language.bases import Codes, N, reverse_complement

ORDER = 5
_CHUNK = 1 << 20
"""Bases that are counted at once."""


def _kmers(codes: Codes) -> npt.NDArray[np.int64]:
    """Counts (4 ** (ORDER + 1),) of k-mers without an N, the first letter the highest digit of base 4."""
    size, places = ORDER + 1, len(codes) - ORDER
    if places <= 0:
        return np.zeros(4**size, dtype=np.int64)
    index = np.zeros(places, dtype=np.int64)
    whole = np.ones(places, dtype=bool)
    for offset in range(size):
        letter = codes[offset : offset + places]
        index = index * 4 + letter
        whole &= letter < N
    return np.bincount(index[whole], minlength=4**size)


def _stretches(piece: Piece) -> Iterable[Codes]:
    """A piece in parts that overlap by `ORDER`, so that every k-mer lies in one of them alone."""
    for first in range(0, len(piece), _CHUNK):
        yield piece.codes(first, min(_CHUNK + ORDER, len(piece) - first))


class MarkovModel:
    """P(letter | the five letters to its left), counted on both strands, one added to each count.

    A letter of the context that is not known, an N, is summed out: the counts are those of all k-mers that
    agree with the others. Where none is known, what is left is the composition.

    Attributes:
        probabilities: (5, 5, 5, 5, 5, 4), by the codes of the context from left to right, and the letter.
    """

    def __init__(self, counts: npt.NDArray[np.int64]) -> None:
        """Make the table.

        Args:
            counts: of k-mers of `ORDER` + 1 letters, (4,) * (ORDER + 1).
        """
        table = counts
        for axis in range(ORDER):
            table = np.concatenate([table, table.sum(axis=axis, keepdims=True)], axis=axis)
        smoothed = table + 1.0
        self.probabilities = smoothed / smoothed.sum(axis=-1, keepdims=True)

    @classmethod
    def fit(cls, sequences: Iterable[Codes]) -> MarkovModel:
        """Count k-mers on both strands of sequences."""
        counts = np.zeros(4 ** (ORDER + 1), dtype=np.int64)
        for codes in sequences:
            counts += _kmers(codes) + _kmers(reverse_complement(codes))
        return cls(counts.reshape((4,) * (ORDER + 1)))

    @classmethod
    def of_corpus(cls, corpus: Corpus) -> MarkovModel:
        """Count k-mers on both strands of a corpus, each base once."""
        return cls.fit(codes for piece in corpus.pieces for codes in _stretches(piece))

    def losses(
        self, codes: npt.NDArray[np.uint8], masked: npt.NDArray[np.bool_], *, sees_masked: bool
    ) -> npt.NDArray[np.float64]:
        """Cross-entropies, in nats, of the masked bases of windows: (masked,), in the order of rows.

        Args:
            codes: base codes (B, L); masked ones are no N.
            masked: True (B, L) where a base is asked for.
            sees_masked: whether letters of the context that are masked themselves are known. If so, the model
                reads most of a span while it goes through it, which a masked language model cannot; if not,
                it knows as much of the left side as that one does, and nothing of the right.
        """
        known = codes if sees_masked else np.where(masked, N, codes)
        left = np.pad(known, ((0, 0), (ORDER, 0)), constant_values=N)
        rows, places = np.nonzero(masked)
        context = tuple(left[rows, places + offset] for offset in range(ORDER))
        losses: npt.NDArray[np.float64] = -np.log(self.probabilities[(*context, codes[rows, places])])
        return losses
