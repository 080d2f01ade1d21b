"""The loop on real sequence: resume, determinism, learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from genescribe.annotation.predict import load_model
from genescribe.errors import InputError
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.config import Run
from genescribe.training.loop import train
from safetensors.torch import load_file

from tests.training.runs import PATCHES, TINY, make_run, metrics


def losses(run: Run) -> list[tuple[float, float, float]]:
    return [(entry["step"], entry["loss"], entry["pointer_loss"]) for entry in metrics(run)]


def weights(run: Run, folder: str = ".") -> bytes:
    return (run.out / folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("optimizer", "model"),
    [("adamw", {}), ("muon", {}), ("muon", {"moe": {"experts": 3, "top_k": 2}})],
    ids=["adamw", "muon", "experts"],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    ecoli_corpus: Path, tmp_path: Path, optimizer: str, model: dict[str, Any]
) -> None:
    """Weights, optimiser, windows, dropout, average of the weights, best weights and counts all come back."""
    settings: dict[str, Any] = {
        "optimizer": optimizer,
        "ema_decay": 0.9,
        "patience": 9,
        "decoded_windows": 2,
        "ramp_start_tokens": PATCHES,
    }
    settings["ramp_tokens"] = 5 * PATCHES
    whole = make_run(ecoli_corpus, tmp_path / "whole", **settings)
    parts = make_run(ecoli_corpus, tmp_path / "parts", **settings, max_seconds=1e-9)
    for run in (whole, parts):
        run.model.update(model)
    assert train(whole)
    stops = 0
    while not train(parts):  # every step is a life of its own
        assert not parts.out.exists()
        stops += 1
    steps = metrics(whole)[-1]["step"]
    assert stops == steps - 1 and steps > 12
    assert metrics(parts) == metrics(whole)
    assert weights(parts) == weights(whole)
    assert weights(parts, "unaveraged") == weights(whole, "unaveraged") != weights(whole)


def test_patience_stops_and_keeps_the_best_weights(ecoli_corpus: Path, tmp_path: Path) -> None:
    """With a rate near 0 exact F1 stays 0: the first validation is the best, the third ends the run."""
    settings: dict[str, Any] = {
        "decoded_windows": 1,
        "validate_every_tokens": 4 * PATCHES,
        "decay_tokens": 9**9,
    }
    settings |= {"peak_learning_rate": 1e-7}
    patient = make_run(ecoli_corpus, tmp_path / "patient", **settings, patience=2)
    assert train(patient)
    validations = [entry for entry in metrics(patient) if entry["event"] == "val"]
    assert [entry["step"] for entry in validations] == [2, 4, 6]
    assert [entry["exact_f1"] for entry in validations] == [0, 0, 0]
    short = make_run(ecoli_corpus, tmp_path / "short", **settings, tokens=4 * PATCHES)
    assert train(short)
    assert weights(patient) == weights(short)
    assert train(patient)  # over is over: no step is added
    assert metrics(patient)[-1]["step"] == 6


def test_a_damaged_checkpoint_is_passed_over(
    ecoli_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_run(ecoli_corpus, tmp_path / "whole")
    train(whole)
    run = make_run(ecoli_corpus, tmp_path / "run", max_seconds=1e-9)
    for _ in range(3):
        train(run)
    checkpoints = sorted((run.state / run.key()).glob("step-*"))
    assert [path.name for path in checkpoints] == ["step-000000002", "step-000000003"]
    with (checkpoints[-1] / "optimizer.safetensors").open("r+b") as file:
        file.truncate(1000)
    while not train(run):
        pass
    assert "step-000000003 is damaged" in caplog.text
    assert losses(run) == losses(whole)


def test_a_checkpoint_of_another_configuration_is_refused(ecoli_corpus: Path, tmp_path: Path) -> None:
    run = make_run(ecoli_corpus, tmp_path, max_seconds=1e-9)
    train(run)
    other = make_run(ecoli_corpus, tmp_path, max_seconds=1e-9, seed=5)
    (run.state / run.key()).rename(other.state / other.key())
    with pytest.raises(InputError, match="another configuration"):
        train(other)


def test_micro_batches_and_a_growing_batch_give_the_same_gradients(
    ecoli_corpus: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "batch_tokens": 4 * PATCHES,
        "ramp_start_tokens": 2 * PATCHES,
        "ramp_tokens": 6 * PATCHES,
        "precision": "float32",
    }
    first = make_run(ecoli_corpus, tmp_path / "one", **settings)
    second = make_run(ecoli_corpus, tmp_path / "two", micro_batch_windows=2, **settings)
    for run in (first, second):
        run.model["dropout"] = 0.0
        train(run)
    np.testing.assert_allclose(losses(first), losses(second), atol=1e-4)


def test_fine_tuning_starts_from_the_weights_it_is_given(ecoli_corpus: Path, tmp_path: Path) -> None:
    base = make_run(ecoli_corpus, tmp_path / "base")
    train(base)
    tuned = make_run(
        ecoli_corpus, tmp_path / "tuned", initial=base.out, tokens=2 * PATCHES, peak_learning_rate=1e-9
    )
    assert train(tuned)
    before, after = (load_file(folder / "model.safetensors") for folder in (base.out, tuned.out))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)
    assert load_model(tuned.out, torch.device("cpu")).config.window == TINY["window"]


@pytest.mark.parametrize(
    ("optimizer", "moe"),
    [("adamw", None), ("muon", None), ("muon", {"experts": 4, "top_k": 2})],
    ids=["adamw", "muon", "experts"],
)
def test_three_real_windows_are_learnt_to_the_exact_genes(
    three_windows: Any, optimizer: str, moe: dict[str, int] | None
) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = GeneScribeConfig(
        window=three_windows.WINDOW,
        width=64,
        heads=2,
        channels=32,
        encoder_layers=1,
        decoder_layers=1,
        moe=moe,
    )
    model = GeneScribeModel(config)
    three_windows.teach(model, 150, optimizer)
    three_windows.check(model)
