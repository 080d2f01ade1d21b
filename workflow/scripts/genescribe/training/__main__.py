"""`python -m genescribe.training`: train on a machine that has torch, transformers, accelerate and numpy
alone."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from genescribe.errors import InputError
from genescribe.training.config import Run, read_config

UNFINISHED = 75
"""Exit code of a run that stopped in good order before its end (EX_TEMPFAIL of sysexits.h): run it again."""

EXAMPLE = """example:
  python -m genescribe.training --config train.json --train shards/train --val shards/val --state state --out
  model
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="genescribe train",
        description="Train a model on shards. Run the same command again to continue after an interruption.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help='JSON: {"training": {...}, "model": {...}}; with "objective": "masked" among the settings of'
        " training the encoder alone is trained, on masked bases",
    )
    parser.add_argument("--train", type=Path, required=True, help="folder of shards to learn from")
    parser.add_argument("--val", type=Path, help="folder of shards to watch")
    parser.add_argument(
        "--init",
        type=Path,
        help="model folder to start from: in fine-tuning, or in pre-training after masked bases",
    )
    parser.add_argument(
        "--encoder",
        help="checkpoint of DNABERT-2 to start the encoder from: a folder, or zhihan1996/DNABERT-2-117M",
    )
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json for encoder dnabert2 with new weights")
    parser.add_argument(
        "--state", type=Path, required=True, help="folder for checkpoints between interruptions"
    )
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument(
        "--pieces-mib",
        type=int,
        default=0,
        help="largest file of weights and checkpoints, in MiB; 0: no limit",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train; 0 when finished, 2 on bad input, 75 when stopped before the end."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        # Heavy imports come after the command line is known to be good.
        from genescribe.training.initial import input_digests
        from genescribe.training.loop import train

        training, model = read_config(options.config)
        run = Run(
            training=training,
            model=model,
            train=options.train,
            validation=options.val,
            initial=options.init,
            state=options.state,
            out=options.out,
            device=options.device,
            digests=input_digests(
                options.train, options.val, options.init, options.encoder, options.tokenizer
            ),
            pieces_mib=options.pieces_mib,
            encoder=options.encoder,
            tokenizer=options.tokenizer,
        )
        return 0 if train(run) else UNFINISHED
    except InputError as error:
        sys.stderr.write(f"genescribe: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
