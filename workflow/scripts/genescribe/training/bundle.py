"""What travels to a GPU node: one folder with code, shards, configuration and the one command to run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from genescribe.corpus.store import MANIFEST, Corpus
from genescribe.errors import InputError
from genescribe.files import atomic_folder, sha256
from genescribe.language.bpe import TOKENIZER, BpeTokenizer
from genescribe.model.dnabert2_checkpoint import CONFIG, checkpoint_folder, checkpoint_weights
from genescribe.model.pieces import weight_files
from genescribe.training.config import read_config
from genescribe.workflow.code_files import PACKAGE, code_files

SUMS = "SHA256SUMS"
CONTENTS = (
    "genescribe",
    "train",
    "val",
    "init",
    "encoder",
    TOKENIZER,
    "config.json",
    "run.sh",
    "README.md",
    SUMS,
)
"""What a bundle holds before it is run. State and model of a run are not overwritten."""

RUN = """\
#!/bin/sh
# Trains in this folder; run it again to go on after an interruption. Exit code 75: stopped before the end.
# LAUNCH is the interpreter, or for several GPUs: LAUNCH="torchrun --nproc-per-node 8" ./run.sh
cd "$(dirname "$0")" || exit
PYTHONPATH=. exec ${{LAUNCH:-python3}} -m genescribe.training --config config.json --train train \\
    {options}--state state --out model --pieces-mib {pieces_mib} "$@"
"""

README = """\
# A training run

Needs python 3.11 or later with torch, transformers, accelerate, safetensors and numpy, and no network.

    sha256sum --check --quiet {sums}
    sh run.sh

Run it again after an interruption: it goes on from the newest checkpoint in `state/`, also where this
folder was copied to. `model/` appears at the end. To bring back: `model/`, or `state/` of an unfinished run.
{pieces}
"""


def bundle(
    config: Path,
    train: Path,
    validation: Path | None,
    initial: Path | None,
    out: Path,
    pieces_mib: int,
    encoder: str | None = None,
    tokenizer: Path | None = None,
) -> None:
    """Write the folder.

    Args:
        config: JSON of settings, as `genescribe train` takes it.
        train: corpus to learn from.
        validation: corpus to watch.
        initial: model folder to start from.
        out: folder to write.
        pieces_mib: largest file of weights and checkpoints that training there shall write; 0 for no limit.
        encoder: checkpoint of DNABERT-2 to start the encoder from: a folder, or the public one's name.
        tokenizer: tokenizer.json for an encoder dnabert2 with new weights.

    Raises:
        InputError: the settings are wrong, a shard is damaged, or there is no model in `initial`.
    """
    read_config(config)
    corpora = {"train": train} if validation is None else {"train": train, "val": validation}
    options = "" if validation is None else "--val val "
    weights = [] if initial is None else weight_files(initial)
    if initial is not None:
        options += "--init init "
        if not weights:
            raise InputError("not a model folder: it must hold config.json and model.safetensors", initial)
    checkpoint = None if encoder is None else checkpoint_folder(encoder)
    if checkpoint is not None:
        options += "--encoder encoder "
    if tokenizer is not None:
        BpeTokenizer.read(tokenizer)
        options += f"--tokenizer {TOKENIZER} "
    package = Path(__file__).parents[1]
    with atomic_folder(out, CONTENTS) as folder:
        for file in map(Path, code_files([f"{PACKAGE}.training.__main__"], package.parent)):
            _copy(file, folder / file.relative_to(package.parent))
        for name, corpus in corpora.items():
            manifest = Corpus.open(corpus).manifest
            for file in (MANIFEST, *(shard["file"] for shard in manifest["shards"])):
                _copy(corpus / file, folder / name / file)
        if initial is not None:
            for file in (*weights, *sorted(initial.glob("*.json"))):
                _copy(file, folder / "init" / file.name)
        if checkpoint is not None:
            for file in (*checkpoint_weights(checkpoint), checkpoint / CONFIG, checkpoint / TOKENIZER):
                _copy(file, folder / "encoder" / file.name)
        if tokenizer is not None:
            _copy(tokenizer, folder / TOKENIZER)
        # Without the layout of the file that was given: the same settings give the same bytes.
        settings = json.loads(config.read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
        (folder / "run.sh").write_text(RUN.format(options=options, pieces_mib=pieces_mib))
        pieces = f"No file of weights in them is larger than {pieces_mib} MiB." if pieces_mib else ""
        (folder / "README.md").write_text(README.format(sums=SUMS, pieces=pieces).rstrip() + "\n")
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        (folder / SUMS).write_text(
            "".join(f"{sha256(file)}  {file.relative_to(folder).as_posix()}\n" for file in files)
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
