"""Commands of the training phase, beside `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bundle(
    config: Annotated[Path, typer.Option(help="JSON of settings, as `genescribe train` takes it.")],
    train: Annotated[Path, typer.Option(help="Folder of shards to learn from.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    val: Annotated[Path | None, typer.Option(help="Folder of shards to watch.")] = None,
    init: Annotated[Path | None, typer.Option(help="Model folder to start from.")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Checkpoint of DNABERT-2 for the encoder: a folder, or zhihan1996/DNABERT-2-117M."),
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json for encoder dnabert2 with new weights.")
    ] = None,
    pieces_mib: Annotated[
        int,
        typer.Option(min=0, help="Largest file of weights that it shall write there, in MiB; 0: no limit."),
    ] = 0,
) -> None:
    """Write one folder that holds a whole training run, for a machine without network or installation.

    It needs python with torch, transformers, accelerate, safetensors and numpy there, and `sh run.sh`.

    Example: genescribe bundle --config train.json --train shards/train --val shards/val --pieces-mib 15 --out
        gpu-run
    """
    from genescribe.training.bundle import bundle as write

    write(config, train, val, init, out, pieces_mib, encoder, tokenizer)
