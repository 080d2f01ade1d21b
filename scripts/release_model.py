#!/usr/bin/env python3
"""Make a folder of bundled weights of a trained model: bfloat16, its calibration carried along, a short log.

Example: python scripts/release_model.py --model results/models/prokaryotes/pretrain
    --calibration results/models/prokaryotes/pretrain/calibration.json --released 2026-11-25
    --accuracy docs/accuracy.md --out resources/models/prokaryotes

The page of accuracies is made with the weights that are released: make the folder first without it, then
again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from genescribe.annotation.calibration import read_calibration
from genescribe.files import atomic_folder, sha256
from genescribe.model.card import AVERAGED, METRICS, ORIGIN, write_card
from genescribe.model.modeling import GeneScribeModel, quiet_transformers, read_model
from genescribe.model.pieces import WEIGHTS
from genescribe.training.output import CONTENTS
from torch import Tensor

MOST_MIB = 20
EARLIER = "metrics-{}.jsonl"
KEPT_STEPS = 25
"""Of the lines of training steps in the log, one in so many is kept; all validations are."""


def short_log(path: Path) -> str:
    """Validations, and some of the training steps, of a metrics.jsonl."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [
        line
        for number, line in enumerate(lines)
        if json.loads(line)["event"] == "val" or number % KEPT_STEPS == 0 or number == len(lines) - 1
    ]
    return "\n".join(kept) + "\n"


def section(page: Path, title: str) -> str:
    """What stands under a title of a Markdown page."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"## {title}\n")
    return rest.partition("\n## ")[0].strip()


def shapes(weights: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Shape of every tensor, by its name."""
    return {name: tensor.shape for name, tensor in weights.items()}


def average(model: GeneScribeModel, others: Sequence[Path]) -> None:
    """Take the mean of a model's weights and those of other folders, in place."""
    own = model.state_dict()
    weights = [read_model(other).state_dict() for other in others]
    for folder, one in zip(others, weights, strict=True):
        if shapes(one) != shapes(own):
            raise SystemExit(f"{folder}: not of the same configuration; no mean can be taken")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(torch.stack([tensor, *(one[name] for one in weights)]).mean(dim=0))


def main() -> None:
    """Parse the command line, write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder that training wrote")
    parser.add_argument(
        "--average-with",
        type=Path,
        nargs="*",
        default=[],
        help="folders with weights of earlier stages: the mean of all is released",
    )
    parser.add_argument("--calibration", type=Path, required=True, help="what `genescribe calibrate` wrote")
    parser.add_argument(
        "--earlier-log",
        type=Path,
        nargs="*",
        default=[],
        help="short logs that were released with the stages before, the first one first",
    )
    parser.add_argument("--released", required=True, help="date for the model card")
    parser.add_argument("--accuracy", type=Path, help="page of accuracies, whose summary goes into the card")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    model = read_model(arguments.model)
    made = json.loads((arguments.model / ORIGIN).read_text(encoding="utf-8"))
    if arguments.average_with:
        average(model, arguments.average_with)
        made[AVERAGED] = [sha256(folder / WEIGHTS) for folder in arguments.average_with]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    model.config.calibration = asdict(read_calibration(arguments.calibration))
    # They may lie in the folder that is written, and would be shortened twice.
    logs = [path.read_text(encoding="utf-8") for path in arguments.earlier_log]
    summary = "" if arguments.accuracy is None else section(arguments.accuracy, "In short")
    with atomic_folder(arguments.out, (*CONTENTS, EARLIER.format("*"))) as folder:
        with quiet_transformers():
            model.bfloat16().save_pretrained(folder)
        (folder / ORIGIN).write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (folder / METRICS).write_text(short_log(arguments.model / METRICS), encoding="utf-8")
        for number, log in enumerate(logs, start=1):
            (folder / EARLIER.format(number)).write_text(log, encoding="utf-8")
        write_card(folder, parameters, arguments.released, summary)
        size = sum(file.stat().st_size for file in folder.rglob("*")) / 2**20
        if size > MOST_MIB:
            raise SystemExit(f"{size:.1f} MiB are too many; at most {MOST_MIB}")
    print(f"{arguments.out}: {parameters:,} parameters, {size:.1f} MiB")  # noqa: T201


if __name__ == "__main__":
    main()
