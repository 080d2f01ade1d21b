"""Training in processes of its own: two that share the work, and one that is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import genescribe
import numpy as np
import pytest
from safetensors.numpy import load_file

STEPS = 20
PATCHES = 64
MODEL = {
    "window": 12 * PATCHES,
    "width": 32,
    "heads": 2,
    "channels": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "potential_channels": 8,
}
TRAINING = {
    "tokens": STEPS * 5 * PATCHES,
    "batch_tokens": 5 * PATCHES,  # three windows for one process, two for the other
    "precision": "float32",
    "threads": 1,
    "ema_decay": 0.5,
    "validate_every_tokens": 10 * 5 * PATCHES,
    "validation_windows": 7,
    "decoded_windows": 3,
}
MEANS = {
    "loss", "token_loss", "pointer_loss", "frame_loss", "boundary_loss", "balance_loss", "least_expert_share",
    "masked_loss", "markov_loss",
}  # fmt: skip
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(genescribe.__path__[0]).parent),
    "OMP_NUM_THREADS": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}


def command(
    corpus: Path, folder: Path, model: dict[str, Any] | None = None, **settings: float | str
) -> list[str]:
    """The command line, and its configuration written into `folder`."""
    folder.mkdir(parents=True)
    config = folder / "train.json"
    config.write_text(json.dumps({"training": {**TRAINING, **settings}, "model": {**MODEL, **(model or {})}}))
    paths = {
        "config": config,
        "train": corpus,
        "val": corpus,
        "state": folder / "state",
        "out": folder / "out",
    }
    options = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    return ["-m", "genescribe.training", *options]


def numbers(folder: Path, event: str) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl."""
    lines = map(json.loads, (folder / "out" / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] == event]


# 16 is the default, as what is decoded has no meaning there.
MASKED = {"objective": "masked", "decoded_windows": 16}


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        ({"optimizer": "adamw"}, {}),
        ({"optimizer": "muon"}, {}),
        ({"optimizer": "muon"}, {"moe": {"experts": 3, "top_k": 1}, "boundary_gate": True}),
        (MASKED, {}),
    ],
    ids=["adamw", "muon", "experts", "masked"],
)
def test_two_processes_give_the_losses_of_one(
    ecoli_corpus: Path, tmp_path: Path, settings: dict[str, str | int], model: dict[str, Any]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    starts = {
        one: [sys.executable],
        two: [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"],
    }
    for folder, start in starts.items():
        # The second process of two has two windows, so it makes one micro-batch less than the first.
        done = subprocess.run(
            [*start, *command(ecoli_corpus, folder, model, micro_batch_windows=2, **settings)],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    for event, count in (("train", STEPS), ("val", 2)):
        alone, together = numbers(one, event), numbers(two, event)
        assert len(alone) == len(together) >= count
        for expected, found in zip(alone, together, strict=True):
            assert expected.keys() == found.keys()
            assert (expected["step"], expected["tokens"]) == (found["step"], found["tokens"])
            assert ("least_expert_share" in expected) == bool(model)
            # Experts are balanced within a forward pass, and processes deal out validation windows otherwise.
            for name in expected.keys() & MEANS - ({"balance_loss"} if event == "val" else set()):
                assert found[name] == pytest.approx(expected[name], abs=1e-4), (event, expected["step"], name)
    # Of four letters there is less to learn in so few steps.
    least = 0.05 if settings == MASKED else 0.5
    assert numbers(one, "train")[-1]["loss"] < numbers(one, "train")[0]["loss"] - least
    for name in ("model.safetensors", "unaveraged/model.safetensors"):
        alone_weights, shared_weights = load_file(one / "out" / name), load_file(two / "out" / name)
        for key, value in alone_weights.items():
            # The second half of this one adds the same to all logits: rounding alone moves it.
            moved = slice(len(value) // 2) if key == "pointer_head.key.bias" else slice(None)
            np.testing.assert_allclose(shared_weights[key][moved], value[moved], atol=2e-3)


def test_a_batch_that_cannot_be_shared_is_refused(ecoli_corpus: Path, tmp_path: Path) -> None:
    from genescribe.errors import InputError
    from genescribe.training.batches import share

    assert [share(range(10, 15), process, 2) for process in (0, 1)] == [range(10, 12), range(12, 15)]
    with pytest.raises(InputError, match="1 windows cannot be shared by 2 processes"):
        share(range(1), 0, 2)


def test_sigterm_saves_and_exits_with_75(ecoli_corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = command(ecoli_corpus, folder, tokens=10**9, save_every_seconds=10**6)
    process = subprocess.Popen(
        [sys.executable, *arguments], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 200
    while not any(path.stat().st_size for path in folder.glob("state/*/metrics.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 75, complaint
    assert "run again to continue" in complaint
    (checkpoint,) = folder.glob("state/*/step-*")
    position = json.loads((checkpoint / "position.json").read_text())["position"]
    (metrics,) = folder.glob("state/*/metrics.jsonl")
    last = json.loads(metrics.read_text().splitlines()[-1])
    assert (last["step"], last["tokens"]) == (position["step"], position["tokens"])
    assert not (folder / "out").exists()
