"""Reading ahead: the same batches whoever reads them, from any position on."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
import torch
from genescribe.corpus.reader import WindowSampler
from genescribe.corpus.store import Corpus
from genescribe.training.__main__ import UNFINISHED
from genescribe.training.batches import encoder_positions, planned, training_batches
from genescribe.training.config import TrainingConfig
from genescribe.training.schedule import batch_windows
from genescribe.training.state import Position
from torch import Tensor

WINDOW, PATCH = 3072, 12


def settings(workers: int = 0) -> TrainingConfig:
    return TrainingConfig(
        tokens=1,
        batch_tokens=5 * WINDOW // PATCH,
        ramp_start_tokens=WINDOW // PATCH,
        ramp_tokens=12 * WINDOW // PATCH,
        workers=workers,
    )


@pytest.fixture(scope="module")
def sampler(ecoli_corpus: Path) -> WindowSampler:
    return WindowSampler(Corpus.open(ecoli_corpus), WINDOW, 5, seed=3)


def first_batches(sampler: WindowSampler, workers: int, count: int = 12) -> list[dict[str, Tensor]]:
    config = settings(workers)
    return list(islice(training_batches(config, sampler, Position(), PATCH), count))


def test_worker_processes_give_the_batches_of_the_training_process(sampler: WindowSampler) -> None:
    alone = first_batches(sampler, workers=0)
    for workers in (1, 2):
        for ours, theirs in zip(alone, first_batches(sampler, workers), strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_batch_grows_by_the_tokens_seen_and_is_planned_before_it_is_read(sampler: WindowSampler) -> None:
    config = settings()
    sizes, tokens = [], 0
    for batch in first_batches(sampler, workers=0):
        sizes.append(len(batch["valid"]))
        assert sizes[-1] == batch_windows(config, tokens, WINDOW // PATCH)
        tokens += encoder_positions(batch, PATCH)
    assert sizes[0] == 1 and sizes[-1] == 5 and sizes == sorted(sizes) and len(set(sizes)) >= 4


@pytest.mark.parametrize("done", [1, 4, 9])
def test_from_any_position_the_plan_goes_on_as_if_it_had_never_stopped(
    sampler: WindowSampler, done: int
) -> None:
    config = settings()
    plan = list(islice(planned(config, sampler, Position(), PATCH), 12))
    tokens = sum(encoder_positions(batch, PATCH) for batch in first_batches(sampler, 0, done))
    position = Position(step=done, tokens=tokens, windows=plan[done].start)
    assert list(islice(planned(config, sampler, position, PATCH), 12 - done)) == plan[done:]


def test_a_sampler_travels_to_processes_that_are_not_forked(sampler: WindowSampler) -> None:
    again = pickle.loads(pickle.dumps(sampler))
    for name, values in sampler.batch(7).items():
        assert (again.batch(7)[name] == values).all()


def test_sigterm_to_the_whole_group_saves_and_stops_in_good_order(ecoli_corpus: Path, tmp_path: Path) -> None:
    """A batch system ends the workers with their parent; what they were reading must not matter."""
    training = {"tokens": 10**9, "batch_tokens": 256, "threads": 1, "workers": 2}
    model = {"window": 1536, "width": 32, "heads": 2, "encoder_layers": 1, "decoder_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps({"training": training, "model": model}))
    command = [sys.executable, "-m", "genescribe.training", "--device", "cpu", "--config", "config.json"]
    command += ["--train", str(ecoli_corpus), "--state", "state", "--out", "model"]
    run = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE)
    try:
        # Long, for a machine that is busy with other tests; a failed start ends the wait.
        for _ in range(3000):
            metrics = list(tmp_path.glob("state/*/metrics.jsonl"))
            if (metrics and metrics[0].stat().st_size) or run.poll() is not None:
                break
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGTERM)
        _, said = run.communicate(timeout=300)
    finally:
        run.kill()
    assert run.returncode == UNFINISHED, said.decode()
    (checkpoint,) = tmp_path.glob("state/*/step-*")
    position = json.loads((checkpoint / "position.json").read_text())["position"]
    assert position["step"] == len(metrics[0].read_text().splitlines()) > 0
