"""What the model wrote about a window, as genes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from genescribe.language import vocabulary
from genescribe.language.codec import decode
from genescribe.language.gene_model import GeneModel

MAX_GENES = 128
"""Genes that a window may hold; a window that reaches it is reported as truncated and is decoded again in
halves."""


@dataclass(frozen=True)
class WindowGenes:
    """What the model wrote about one window.

    Attributes:
        genes: gene models in the window's coordinates, in the order they were written, each valid by the
            grammar.
        log_probabilities: of each gene, the sum over its tokens and pointers.
        truncated: whether writing stopped at the most genes or tokens allowed; the genes are those finished
            by then.
    """

    genes: list[GeneModel]
    log_probabilities: list[float]
    truncated: bool


@dataclass
class Writing:
    """Tokens, positions and log probabilities written for one window; BOS has no probability."""

    tokens: list[int] = field(default_factory=lambda: [vocabulary.BOS])
    positions: list[int] = field(default_factory=lambda: [vocabulary.NO_POSITION])
    log_probabilities: list[float] = field(default_factory=list)

    def add(self, token: int, position: int, log_probability: float) -> None:
        """Write one token."""
        self.tokens.append(token)
        self.positions.append(position)
        self.log_probabilities.append(log_probability)

    def genes(self, length: int) -> WindowGenes:
        """The genes of a window of so many bases."""
        finished = self.tokens[-1] == vocabulary.EOS
        tokens, positions = self.tokens, self.positions
        if not finished:
            # Close the sentence after the last whole gene, so that the codec can read it.
            whole = max(i for i, t in enumerate(tokens) if t in (vocabulary.BOS, vocabulary.END)) + 1
            tokens = [*tokens[:whole], vocabulary.EOS]
            positions = [*positions[:whole], vocabulary.NO_POSITION]
        models = decode(np.array(tokens), np.array(positions), length)
        sums, running = [], 0.0
        for token, value in zip(self.tokens[1:], self.log_probabilities, strict=True):
            running += value
            if token == vocabulary.END:
                sums.append(running)
                running = 0.0
        return WindowGenes(models, sums, truncated=not finished)
