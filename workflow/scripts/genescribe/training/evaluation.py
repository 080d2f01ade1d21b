"""What is measured on the way: losses, and on validation windows the exact F1 of decoded genes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genescribe.corpus.reader import ValidationWindows
from genescribe.language import vocabulary
from genescribe.language.codec import decode
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel
from genescribe.model.generation import generate
from genescribe.model.masked import MaskedLosses
from genescribe.model.modeling import GeneScribeModel, Losses

MAX_GENES, MAX_TOKENS = 32, 256
"""What is decoded of a validation window at most: weights that write without end early in training cost no
time. A bacterial window of 6144 bases has some 40 tokens."""

Total = Callable[[Sequence[float]], list[float]]
"""Sums numbers over all processes."""


@dataclass
class Meter:
    """Sums of losses over batches by their names, and what they are divided by.

    Attributes:
        counted: the loss whose hits are counted, too.
        sums, counts: of every loss.
        choices: tokens that chose an expert, (layers, experts); (0, 0) without experts.
        hits: how often the most probable choice was the right one.
    """

    counted: str
    sums: dict[str, float]
    counts: dict[str, float]
    choices: Tensor
    hits: float = 0.0

    @classmethod
    def empty(cls, losses: Iterable[str], counted: str, experts: tuple[int, int] = (0, 0)) -> Meter:
        """Nothing counted yet of these losses."""
        names = tuple(losses)
        sums, counts = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
        return cls(counted, sums, counts, torch.zeros(experts, dtype=torch.float64))

    def add(self, losses: Losses | MaskedLosses, counts: dict[str, float] | None = None) -> None:
        """Count one forward pass."""
        for name in self.sums:
            self.sums[name] += float(getattr(losses, name).detach())
            self.counts[name] += counts[name] if counts else 0.0
        self.hits += float(getattr(losses, f"{self.counted}_hits"))
        if isinstance(losses, Losses) and losses.choices is not None:
            self.choices += losses.choices.cpu()  # mps has no float64

    def over_processes(self, total: Total) -> Meter:
        """The sums over all processes."""
        losses = (*self.sums.values(), *self.counts.values())
        totals = iter(total([*losses, self.hits, *self.choices.flatten().tolist()]))
        sums = {name: next(totals) for name in self.sums}
        counts = {name: next(totals) for name in self.counts}
        hits = next(totals)
        choices = torch.tensor(list(totals), dtype=torch.float64).view_as(self.choices)
        return Meter(self.counted, sums, counts, choices, hits)

    def means(self, weights: dict[str, float]) -> dict[str, Any]:
        """Mean losses by the names that metrics.jsonl uses; of experts also their shares of the tokens, layer
        by layer, and the least of these."""
        means = {name: total / max(self.counts[name], 1.0) for name, total in self.sums.items()}
        metrics: dict[str, Any] = {f"{name}_loss": value for name, value in means.items()}
        metrics[f"{self.counted}_accuracy"] = self.hits / max(self.counts[self.counted], 1.0)
        if self.choices.numel():
            shares = self.choices / self.choices.sum(dim=1, keepdim=True).clamp(min=1.0)
            metrics["expert_shares"] = shares.tolist()
            metrics["least_expert_share"] = float(shares.min())
        return {"loss": sum(weights[name] * value for name, value in means.items()), **metrics}


@dataclass
class GeneCounts:
    """Complete protein-coding genes in windows: in the reference, predicted, and in both exactly."""

    reference: float = 0
    predicted: float = 0
    matched: float = 0

    def add(self, reference: Iterable[GeneModel], predicted: Iterable[GeneModel], masked: Tensor) -> None:
        """Count one window.

        Args:
            reference: genes of the annotation.
            predicted: genes that were decoded.
            masked: True (L,) where the annotation is not to be trusted: a gene predicted there that is not in
                the reference does not count if more than half of its bases are masked.
        """
        expected = {gene for gene in reference if gene.kind == PROTEIN_CODING and gene.is_complete}
        found = {gene for gene in predicted if gene.kind == PROTEIN_CODING and gene.is_complete}
        matched = expected & found
        neutral = [gene for gene in found - expected if _masked_share(gene, masked) > 0.5]
        self.reference += len(expected)
        self.predicted += len(found) - len(neutral)
        self.matched += len(matched)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where there is no gene at all."""
        return 2 * self.matched / max(self.reference + self.predicted, 1)


def _masked_share(gene: GeneModel, masked: Tensor) -> float:
    return sum(float(masked[start:end].sum()) for start, end in gene.segments) / gene.length


@torch.no_grad()
def mean_losses(
    meter: Meter,
    forward: Callable[[dict[str, Tensor]], Losses | MaskedLosses],
    batches: Iterable[dict[str, Tensor]],
    denominators: Callable[[dict[str, Tensor]], dict[str, float]],
) -> Meter:
    """Losses over batches.

    Args:
        meter: an empty one, to which they are added.
        forward: the model's losses of a batch, in evaluation mode.
        batches: what to measure on.
        denominators: what a batch's losses are divided by.
    """
    for batch in batches:
        meter.add(forward(batch), denominators(batch))
    return meter


def decoded_genes(
    model: GeneScribeModel, windows: ValidationWindows, indices: Sequence[int], size: int
) -> GeneCounts:
    """Decode windows and compare their genes with the annotation's, window by window.

    Genes that the language cannot express in a window are in neither set.

    Args:
        model: in evaluation mode.
        windows: validation windows.
        indices: which of them.
        size: windows decoded side by side.
    """
    counts = GeneCounts()
    for first in range(0, len(indices), size):
        part = indices[first : first + size]
        batch = windows.rows(part)
        grammars = [windows.grammar(index) for index in part]
        for grammar in dict.fromkeys(grammars):
            rows = [row for row, other in enumerate(grammars) if other == grammar]
            valid = batch["valid"][rows].tolist()
            written = generate(model, batch["codes"][rows], valid, grammar, MAX_GENES, MAX_TOKENS)
            for row, length, window in zip(rows, valid, written, strict=True):
                known = batch["tokens"][row] != vocabulary.PAD
                reference = decode(batch["tokens"][row][known], batch["positions"][row][known], length)
                counts.add(reference, window.genes, torch.from_numpy(~batch["loss_mask"][row]))
    return counts
