#!/usr/bin/env python3
"""Deepen the encoder of a trained model: it computes the same, and has room to learn more.

New layers stand evenly among the old ones, each a copy of the one before it whose two outputs are zero, so
that it adds nothing yet (Wu et al. 2024, "LLaMA Pro", arXiv:2401.02415). Training goes on with `--init`.

Example: python scripts/grow_model.py --model results/models/prokaryotes/pretrain --encoder-layers 6
    --out grown
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from genescribe.files import atomic_folder
from genescribe.model.card import GROWN, ORIGIN
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.encoder import EncoderLayer
from genescribe.model.modeling import GeneScribeModel, quiet_transformers, read_model
from genescribe.training.output import CONTENTS

LAYERS = "encoder.layers."


def places(layers: int, more: int) -> list[tuple[int, bool]]:
    """Which old layer each of the new model's layers comes from, and whether it is a new one after it.

    >>> places(4, 2)
    [(0, False), (1, False), (1, True), (2, False), (3, False), (3, True)]
    """
    copied = {layers * (number + 1) // more - 1 for number in range(more)}
    return [
        (layer, is_new)
        for layer in range(layers)
        for is_new in ((False, True) if layer in copied else (False,))
    ]


@torch.no_grad()
def grown(model: GeneScribeModel, encoder_layers: int) -> GeneScribeModel:
    """A model with so many encoder layers that computes what `model` does."""
    config = GeneScribeConfig.from_dict({**model.config.to_dict(), "encoder_layers": encoder_layers})
    larger = GeneScribeModel(config, model.tokenizer)
    rest = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(LAYERS)}
    larger.load_state_dict(rest, strict=False)
    old = cast(Sequence[EncoderLayer], model.encoder.layers)
    new = cast(Sequence[EncoderLayer], larger.encoder.layers)
    origins = places(len(old), encoder_layers - len(old))
    for layer, (origin, is_new) in zip(new, origins, strict=True):
        layer.load_state_dict(old[origin].state_dict())
        if is_new:
            layer.attention.out.weight.zero_()
            layer.mlp.out.weight.zero_()
    return larger


def main() -> None:
    """Parse the command line, write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder with a compact encoder")
    parser.add_argument("--encoder-layers", type=int, required=True, help="up to twice as many as it has")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    model = read_model(arguments.model)
    layers = model.config.encoder_layers
    if model.config.encoder != "compact" or not layers < arguments.encoder_layers <= 2 * layers:
        raise SystemExit(f"--encoder-layers: {layers + 1} to {2 * layers}, of a compact encoder")
    larger = grown(model, arguments.encoder_layers)
    origin = arguments.model / ORIGIN
    made = json.loads(origin.read_text(encoding="utf-8")) if origin.is_file() else None
    with atomic_folder(arguments.out, CONTENTS) as folder:
        with quiet_transformers():
            larger.save_pretrained(folder)
        if made is not None:
            text = json.dumps({**made, GROWN: arguments.encoder_layers}, indent=1, sort_keys=True)
            (folder / ORIGIN).write_text(text + "\n", encoding="utf-8")
    parameters = sum(parameter.numel() for parameter in larger.parameters())
    print(f"{arguments.out}: {parameters:,} parameters")  # noqa: T201


if __name__ == "__main__":
    main()
