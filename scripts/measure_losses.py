#!/usr/bin/env python3
"""Measure the losses of models on windows of a corpus, spread evenly over it: what a validation measures.

Of a training corpus they tell, beside those of a validation corpus, how much was learnt by heart.

Example: python scripts/measure_losses.py --corpus results/corpus/val --windows 96
    --model resources/models/prokaryotes results/models/prokaryotes/pretrain --out losses.tsv
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from genescribe.corpus.reader import ValidationWindows
from genescribe.corpus.store import Corpus
from genescribe.files import atomic_path
from genescribe.model.modeling import read_model
from genescribe.training.batches import spread, validation_batches
from genescribe.training.config import TrainingConfig
from genescribe.training.evaluation import mean_losses
from genescribe.training.objectives import GeneObjective

BATCH = 8
COLUMNS = ("loss", "token_loss", "pointer_loss", "frame_loss", "boundary_loss", "pointer_accuracy")


def losses(folder: Path, corpus: Corpus, most: int) -> dict[str, Any]:
    """Mean losses of a model, computed in float32.

    Args:
        folder: of the model.
        corpus: where windows are read, as long as the model's own.
        most: windows; all if 0.

    Returns:
        Losses in nats and the accuracy of pointers (0 to 1), by the names of metrics.jsonl.

    Raises:
        InputError: weights and config.json of the folder do not fit.
    """
    model = read_model(folder).eval()
    objective = GeneObjective(TrainingConfig(tokens=1), model)
    windows = ValidationWindows(corpus, model.config.window, tokenizer=model.tokenizer)
    batches = validation_batches(windows, spread(len(windows), most), BATCH)
    meter = mean_losses(
        objective.meter(), lambda batch: objective.forward(model, batch), batches, objective.denominators
    )
    return meter.means(objective.weights)


def main() -> None:
    """Parse the command line, write and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder that genescribe shards wrote")
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="folders of models")
    parser.add_argument("--windows", type=int, default=96, help="how many; 0: all")
    parser.add_argument("--out", type=Path, required=True, help="table to write (.tsv)")
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus)

    def rows() -> Iterator[dict[str, Any]]:
        for folder in arguments.model:
            measured = losses(folder, corpus, arguments.windows)
            yield {"model": folder, **{name: round(measured[name], 4) for name in COLUMNS}}

    table = pd.DataFrame(rows())
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, sep="\t", index=False)
    print(table.to_string(index=False))  # noqa: T201


if __name__ == "__main__":
    main()
