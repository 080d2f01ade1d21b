"""Accelerate keeps one state per process; each test gets its own. And three windows to learn by heart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from genescribe.corpus.reader import collate, cut
from genescribe.corpus.store import Corpus
from genescribe.language.codec import clip
from genescribe.model.generation import generate
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.batches import model_inputs
from genescribe.training.config import TrainingConfig
from genescribe.training.objectives import GeneObjective
from genescribe.training.optimizers import make_optimizers


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


class ThreeWindows:
    """Three windows with genes, of a corpus of one piece, for a model to learn by heart."""

    WINDOW, STARTS = 3072, (3000, 21000, 40001)

    def __init__(self, corpus: Path) -> None:
        (self.piece,) = Corpus.open(corpus).pieces

    def teach(self, model: GeneScribeModel, steps: int, optimizer: str = "adamw") -> None:
        """Train the model on them alone; it is in evaluation mode afterwards."""
        rows = [cut(self.piece, start, self.WINDOW) for start in self.STARTS]
        batch = model_inputs(collate(rows, self.WINDOW, model.tokenizer))
        training = TrainingConfig(tokens=1, peak_learning_rate=4e-3, weight_decay=0.0, optimizer=optimizer)
        optimizers = make_optimizers(model, training)
        objective = GeneObjective(training, model)
        counts = objective.denominators(batch)
        model.train()
        for _ in range(steps):
            losses = model(**batch)
            loss = torch.zeros(())
            for name, weight in objective.weights.items():
                loss = loss + weight * getattr(losses, name) / counts[name]
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for one in optimizers:
                one.step()
                one.zero_grad()
        model.eval()

    def check(self, model: GeneScribeModel) -> None:
        """See to it that the model writes exactly the genes of the annotation."""
        codes = np.stack([self.piece.codes(start, self.WINDOW) for start in self.STARTS])
        written = generate(model, codes, [self.WINDOW] * 3, self.piece.grammar)
        for genes, start in zip(written, self.STARTS, strict=True):
            expected, _ = clip(self.piece.genes(start, self.WINDOW), 0, self.WINDOW)
            assert genes.genes == expected
            assert len(expected) >= 2


@pytest.fixture(scope="session")
def three_windows(ecoli_corpus: Path) -> ThreeWindows:
    """Three windows of the bundled *E. coli*."""
    return ThreeWindows(ecoli_corpus)
