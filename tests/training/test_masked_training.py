"""Masked language modelling in the loop: resume, learning, what it leaves, and training that starts there."""

from __future__ import annotations

import logging
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from genescribe.corpus.reader import ValidationWindows
from genescribe.corpus.store import Corpus
from genescribe.errors import InputError
from genescribe.model.modeling import read_model
from genescribe.training.config import TrainingConfig
from genescribe.training.loop import train
from genescribe.training.markov import MarkovModel
from genescribe.training.masking import VALIDATION_SEED, masked_batch
from safetensors.torch import load_file

from tests.training.runs import PATCHES, TINY, make_run, metrics

masked_run = partial(make_run, objective="masked")


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    ecoli_corpus: Path, tmp_path: Path, optimizer: str
) -> None:
    """Encoder, symbol of the mask, head, optimiser and average come back; masks and dropout are drawn anew,
    the same."""
    settings: dict[str, Any] = {"optimizer": optimizer, "ema_decay": 0.9}
    settings |= {"ramp_start_tokens": PATCHES, "ramp_tokens": 5 * PATCHES}
    whole = masked_run(ecoli_corpus, tmp_path / "whole", **settings)
    assert train(whole)
    parts = masked_run(ecoli_corpus, tmp_path / "parts", **settings, max_seconds=1e-9)
    stops = 0
    while not train(parts):  # every step is a life of its own
        stops += 1
    assert stops == metrics(whole)[-1]["step"] - 1 > 6
    assert metrics(parts) == metrics(whole)
    for name in ("model.safetensors", "unaveraged/model.safetensors"):
        assert (parts.out / name).read_bytes() == (whole.out / name).read_bytes()
    assert (whole.out / "model.safetensors").read_bytes() != (whole.out / name).read_bytes()


def test_micro_batches_give_the_same_gradients(ecoli_corpus: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"batch_tokens": 3 * PATCHES, "precision": "float32"}
    model = {**TINY, "dropout": 0.0}
    runs = [
        masked_run(ecoli_corpus, tmp_path / str(size), model=model, micro_batch_windows=size, **settings)
        for size in (0, 2)
    ]
    for run in runs:
        assert train(run)
    losses = [[line["loss"] for line in metrics(run)] for run in runs]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_short_training_beats_a_guess_and_the_encoder_alone_is_trained(
    ecoli_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings: dict[str, Any] = {"batch_tokens": 4 * PATCHES, "masked_fraction": 0.3}
    settings |= {"validation_windows": 16, "validate_every_tokens": 0, "model": {**TINY, "dropout": 0.0}}
    tokens = 150 * 4 * PATCHES
    untrained = masked_run(
        ecoli_corpus, tmp_path / "untrained", **settings, tokens=1, peak_learning_rate=1e-9
    )
    assert train(untrained)
    with caplog.at_level(logging.INFO):
        run = masked_run(
            ecoli_corpus,
            tmp_path / "run",
            **settings,
            tokens=tokens,
            peak_learning_rate=5e-3,
            warmup_tokens=tokens // 15,
        )
        assert train(run)
    first, last = (metrics(one)[-1] for one in (untrained, run))
    assert first["event"] == last["event"] == "val"
    assert last["loss"] == last["masked_loss"] < math.log(4) - 0.005 < first["loss"]
    assert last["masked_accuracy"] > 0.27
    assert f"loss {last['loss']:.4f} nats" in caplog.text
    assert f"Markov model of order 5: {last['markov_visible_loss']:.4f}" in caplog.text
    assert "exact_f1" not in last and "pointer_accuracy" not in last

    before, after = (load_file(one.out / "model.safetensors") for one in (untrained, run))
    changed = {name for name, tensor in before.items() if not torch.allclose(after[name], tensor, atol=1e-6)}
    assert changed and all(name.startswith("encoder.") for name in changed)
    assert {name for name in before if name.startswith("encoder.")} - changed == {
        "encoder.potential_to_frame.weight",
        "encoder.potential_to_frame.bias",
    }
    card = (run.out / "README.md").read_text()
    assert f"1. Up to {tokens:,} tokens of ecoli" in card
    assert "to train the encoder alone on masked bases" in card
    assert "| Markov model of order 5 at the same bases, nats |" in card and "exact F1" not in card


def test_the_markov_model_is_asked_for_the_same_bases(ecoli_corpus: Path, tmp_path: Path) -> None:
    run = masked_run(ecoli_corpus, tmp_path, tokens=1, validation_windows=3)
    assert train(run)
    (line,) = (line for line in metrics(run) if line["event"] == "val")
    corpus = Corpus.open(ecoli_corpus)
    windows = ValidationWindows(corpus, TINY["window"])
    count = len(windows)
    batch = masked_batch(0.15, VALIDATION_SEED, windows, [0, count // 3, 2 * count // 3])
    markov = MarkovModel.of_corpus(corpus)
    for name, sees_masked in (("markov_loss", True), ("markov_visible_loss", False)):
        losses = markov.losses(batch["codes"].numpy(), batch["masked"].numpy(), sees_masked=sees_masked)
        assert line[name] == pytest.approx(losses.mean())
    assert line["markov_loss"] < line["markov_visible_loss"] < math.log(4)


def test_pretraining_starts_from_the_encoder(ecoli_corpus: Path, tmp_path: Path) -> None:
    masked = masked_run(ecoli_corpus, tmp_path / "masked", ema_decay=0.5)
    assert train(masked)
    genes = make_run(
        ecoli_corpus,
        tmp_path / "genes",
        initial=masked.out,
        tokens=1,
        peak_learning_rate=1e-9,
        decoded_windows=1,
    )
    assert train(genes)
    before, after = (load_file(run.out / "model.safetensors") for run in (masked, genes))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)
    assert read_model(genes.out).config.window == TINY["window"]
    assert "exact_f1" in metrics(genes)[-1]
    card = (genes.out / "README.md").read_text()
    assert "to train the encoder alone on masked bases" in card.partition("2. Up to")[0]
    assert "2. Up to 1 tokens of the same genomes. SHA-256" in card


def test_the_objective_is_no_part_of_the_key_of_other_runs() -> None:
    plain = TrainingConfig(tokens=1).decisive()
    assert not {"objective", "masked_fraction"} & plain.keys()
    masked = TrainingConfig(tokens=1, objective="masked").decisive()
    assert masked["objective"] == "masked" and masked["masked_fraction"] == 0.15
    assert not {"masks", "decoded_windows", "frame_weight"} & masked.keys()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"objective": "letters"}, "objective must be one of genes, masked, not letters"),
        ({"objective": "masked", "masked_fraction": 0.0}, "must be above 0 and at most 0.5, not 0.0"),
        ({"objective": "masked", "masked_fraction": 0.6}, "must be above 0 and at most 0.5, not 0.6"),
        (
            {"objective": "masked", "frame_weight": 2.0},
            "frame_weight has no meaning with the objective masked",
        ),
        ({"objective": "masked", "patience": 2}, "patience has no meaning with the objective masked"),
        ({"masked_fraction": 0.2}, "masked_fraction has no meaning with the objective genes"),
    ],
)
def test_a_mistake_names_the_key(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        TrainingConfig(tokens=1, **settings)  # type: ignore[arg-type]
