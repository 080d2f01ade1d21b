"""Training a mixture of experts: what its balance is divided by, keys, refusals, and use of the experts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from genescribe.errors import InputError
from genescribe.model.experts import MixtureOfExperts
from genescribe.training.batches import training_batches
from genescribe.training.config import TrainingConfig
from genescribe.training.initial import initial_model
from genescribe.training.loop import Trainer, micro_batches, train
from genescribe.training.state import Position

from tests.training.runs import PATCHES, TINY, make_run, metrics

MODEL = {**TINY, "decoder_layers": 2, "dropout": 0.0}


def with_experts(experts: int, top_k: int, **sizes: int) -> dict[str, Any]:
    return {**MODEL, "moe": {"experts": experts, "top_k": top_k}, **sizes}


def test_the_balance_of_a_batch_is_the_mean_over_tokens_of_that_of_its_micro_batches(
    ecoli_corpus: Path, tmp_path: Path
) -> None:
    run = make_run(
        ecoli_corpus,
        tmp_path,
        model=with_experts(4, 2),
        batch_tokens=3 * PATCHES,
        micro_batch_windows=2,
        precision="float32",
    )
    trainer = Trainer(run)
    batch = next(training_batches(run.training, trainer.sampler, Position(), 12))
    weights = {**dict.fromkeys(trainer.objective.weights, 0.0), "balance": 1.0}
    trainer.objective.weights = weights
    routers = [one.router.weight for one in trainer.model.modules() if isinstance(one, MixtureOfExperts)]
    parts = [trainer.model(**part) for part in micro_batches(batch, 2)]
    tokens = [float(part.tokens) for part in parts]
    assert len(tokens) == 2 and tokens[0] != tokens[1]
    means = [part.balance / part.tokens for part in parts]
    expected = sum(mean * count for mean, count in zip(means, tokens, strict=True)) / sum(tokens)
    gradients = torch.autograd.grad(expected, routers)

    values = trainer.gradients(batch).means(weights)
    assert values["balance_loss"] == pytest.approx(float(expected.detach()), rel=1e-5)
    assert values["loss"] == values["balance_loss"]
    for router, gradient in zip(routers, gradients, strict=True):
        torch.testing.assert_close(router.grad, gradient, atol=1e-6, rtol=1e-4)
        assert float(gradient.norm()) > 0
    shares = torch.stack([part.choices for part in parts]).sum(dim=0) / sum(tokens)
    torch.testing.assert_close(torch.tensor(values["expert_shares"]), shares.detach())
    assert values["least_expert_share"] == pytest.approx(float(shares.min()))


def test_runs_without_experts_keep_their_key_and_refuse_a_weight_of_their_balance(
    ecoli_corpus: Path, tmp_path: Path
) -> None:
    assert "balance_weight" not in TrainingConfig(tokens=1).decisive()
    assert TrainingConfig(tokens=1, balance_weight=0.1).decisive()["balance_weight"] == 0.1
    with pytest.raises(InputError, match=r"training.balance_weight is for a mixture of experts; say so in"):
        initial_model(make_run(ecoli_corpus, tmp_path, balance_weight=0.1))
    model = with_experts(2, 1)
    keys = {make_run(ecoli_corpus, tmp_path, model=model, balance_weight=one).key() for one in (0.01, 0.1)}
    assert len(keys | {make_run(ecoli_corpus, tmp_path, model=MODEL).key()}) == 3
    with pytest.raises(InputError, match=r"model.moe.top_k \(3\) must be at most experts \(2\)"):
        initial_model(make_run(ecoli_corpus, tmp_path, model=with_experts(2, 3)))


def test_every_expert_is_used_after_training_on_real_sequence(ecoli_corpus: Path, tmp_path: Path) -> None:
    """80 steps of 4 windows, with the default weight of the balance loss and without the loss."""
    settings: dict[str, Any] = {
        "tokens": 80 * 4 * PATCHES,
        "batch_tokens": 4 * PATCHES,
        "peak_learning_rate": 4e-3,
    }
    settings |= {"validation_windows": 16, "decoded_windows": 0, "validate_every_tokens": 0}
    settings |= {"precision": "float32", "model": with_experts(4, 2, decoder_layers=1)}
    last = []
    for balance_weight in (0.01, 0.0):
        folder = tmp_path / str(balance_weight)
        run = make_run(ecoli_corpus, folder, **settings, balance_weight=balance_weight)
        assert train(run)
        last.append(metrics(run)[-1])
    balanced, free = last
    assert balanced["event"] == free["event"] == "val"
    assert len(balanced["expert_shares"]) == 1 and sum(balanced["expert_shares"][0]) == pytest.approx(1)
    assert balanced["least_expert_share"] == min(balanced["expert_shares"][0]) > 0.05
    assert balanced["balance_loss"] < free["balance_loss"]
