#!/usr/bin/env python3
"""Kill a training run at random moments and show that it ends as if nothing had happened.

A run without interruption is compared with runs that were killed (SIGKILL) at a random moment and started
again: every number in metrics.jsonl but the times, to the last bit, and every byte of the weights, their
average included. The model is tiny; batches grow, dropout is on, validation decodes genes, checkpoints are
written all the time, so that kills fall into them too.

Example: python scripts/check_resume.py --kills 20
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from genescribe.corpus.shards import read_spec, write_corpus
from genescribe.genomes.normalize import normalize_genome

GENOME = Path(__file__).resolve().parent.parent / "resources" / "genomes" / "escherichia_coli_k12"
TOKENS_PER_WINDOW = 128
CONFIG = {
    "training": {
        "tokens": 120 * 2 * TOKENS_PER_WINDOW,
        "batch_tokens": 2 * TOKENS_PER_WINDOW,
        "ramp_start_tokens": TOKENS_PER_WINDOW,
        "ramp_tokens": 60 * TOKENS_PER_WINDOW,
        "warmup_tokens": 20 * TOKENS_PER_WINDOW,
        "ema_decay": 0.9,
        "label_smoothing": 0.05,
        "validate_every_tokens": 60 * TOKENS_PER_WINDOW,
        "validation_windows": 4,
        "decoded_windows": 2,
        "patience": 100,
        "save_every_seconds": 0.2,
        "threads": 1,
    },
    "model": {
        "window": 12 * TOKENS_PER_WINDOW,
        "width": 32,
        "heads": 2,
        "channels": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "potential_channels": 8,
        "dropout": 0.1,
    },
}
TIMES = ("seconds", "tokens_per_second", "bases_per_second")
WEIGHTS = ("model.safetensors", "unaveraged/model.safetensors")


def make_inputs(folder: Path) -> None:
    """A corpus of 60 kb of the bundled *E. coli* and the configuration."""
    normalize_genome(
        GENOME / "genome.fna.gz", GENOME / "annotation.gff3.gz", folder / "ecoli", "ecoli", "11", False
    )
    (folder / "regions.bed").write_text("NC_000913.2\t100000\t160000\n")
    genome = {"name": "ecoli", "folder": str(folder / "ecoli"), "regions": str(folder / "regions.bed")}
    (folder / "spec.json").write_text(json.dumps({"genomes": [{**genome, "domain": "prokaryote"}]}))
    write_corpus(read_spec(folder / "spec.json"), folder / "corpus")
    (folder / "train.json").write_text(json.dumps(CONFIG))


def start(inputs: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start training in a process of its own."""
    corpus = str(inputs / "corpus")
    command = [sys.executable, "-m", "genescribe.training", "--config", str(inputs / "train.json")]
    command += ["--train", corpus, "--val", corpus, "--state", str(folder / "state")]
    command += ["--out", str(folder / "model"), "--device", "cpu"]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def finish(inputs: Path, folder: Path) -> None:
    """Train to the end."""
    code = start(inputs, folder).wait()
    if code != 0:
        raise SystemExit(f"training ended with {code}:\n{(folder / 'log').read_text()}")


def metrics(folder: Path) -> list[Path]:
    """The metrics file of a state folder, if it is there."""
    return list(folder.glob("state/*/metrics.jsonl"))


def steps(folder: Path) -> int:
    """Lines of metrics written so far."""
    return sum(path.read_bytes().count(b"\n") for path in metrics(folder))


def numbers(folder: Path) -> Iterator[dict[str, object]]:
    """What metrics.jsonl says, without times. JSON keeps every bit of a double."""
    for line in (folder / "model" / "metrics.jsonl").read_text().splitlines():
        yield {key: value for key, value in json.loads(line).items() if key not in TIMES}


def training_seconds(folder: Path) -> float:
    """How long the steps of a run took."""
    lines = (folder / "model" / "metrics.jsonl").read_text().splitlines()
    return float(json.loads(lines[-1])["seconds"])


def kill(process: subprocess.Popen[bytes], folder: Path, after: float) -> int | None:
    """Wait for the first step, then `after` seconds, and kill. Gives the steps done, None if it had ended."""
    while process.poll() is None and steps(folder) == 0:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        return None
    return steps(folder)


def main() -> int:
    """Compare; 0 when all is equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="killed runs")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="check-resume-") as name:
        inputs = Path(name)
        make_inputs(inputs)
        whole = inputs / "whole"
        finish(inputs, whole)
        expected, length = list(numbers(whole)), training_seconds(whole)
        sys.stdout.write(f"without interruption: {len(expected)} lines of metrics, {length:.1f} s of steps\n")
        killed = failed = 0
        while killed < options.kills:
            folder = inputs / "killed"
            shutil.rmtree(folder, ignore_errors=True)
            done = kill(start(inputs, folder), folder, moments.uniform(0, length))
            if done is None:
                continue
            half_written = len(list(folder.glob("state/*/.partial-*")))
            finish(inputs, folder)
            killed += 1
            equal = list(numbers(folder)) == expected and all(
                (folder / "model" / file).read_bytes() == (whole / "model" / file).read_bytes()
                for file in WEIGHTS
            )
            failed += not equal
            resumed = re.findall(r"continuing at step (\d+)", (folder / "log").read_text())
            sys.stdout.write(
                f"kill {killed}: after {done} lines of metrics, {half_written} half-written checkpoints;"
                f" resumed at step {resumed[-1] if resumed else 0}; {'equal' if equal else 'DIFFERENT'}\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"{killed - failed} of {killed} killed runs ended equal to the last bit\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
