"""What a run leaves: metrics while it goes on, the model folder at its end."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from genescribe.files import atomic_folder, atomic_path
from genescribe.model.card import METRICS, ORIGIN, origin, write_card
from genescribe.model.modeling import GeneScribeModel, quiet_transformers
from genescribe.model.pieces import save_model
from genescribe.training.config import Run
from genescribe.training.state import TrainingState

UNAVERAGED = "unaveraged"
CONTENTS = (UNAVERAGED, METRICS, "*.safetensors", "*.json", "README.md")
"""What a model folder holds."""


class MetricsLog:
    """metrics.jsonl: one JSON object a line. On resume, lines beyond the checkpoint are cut off."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
                # A kill may have left half a line at the end.
                if line.endswith("\n") and json.loads(line)["step"] <= step:
                    kept.append(line)
        with atomic_path(path) as temporary:
            temporary.write_text("".join(kept), encoding="utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        """Append one entry."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def write_model(run: Run, model: GeneScribeModel, trained: TrainingState, metrics: Path) -> None:
    """Write the model folder: configuration, weights, the metrics of its training and what made it.

    The weights are the best, or the last; averages of weights if the run keeps one, and then the weights of
    the last step lie in `unaveraged/`.

    Args:
        run: where to.
        model: what is written; its weights are those that the state trains, or some of them are.
        trained: state of the run.
        metrics: of its training.
    """
    with atomic_folder(run.out, CONTENTS) as folder, quiet_transformers():
        if trained.average is not None:
            save_model(model, folder / UNAVERAGED, run.pieces_mib)
        with nullcontext() if trained.average is None else trained.average.in_place(trained.model):
            save_model(model, folder, run.pieces_mib, trained.best)
        shutil.copyfile(metrics, folder / METRICS)
        made = origin(run.training.decisive(), run.digests, run.train, run.initial)
        (folder / ORIGIN).write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        write_card(folder, model.num_parameters())
