"""Muon: orthogonal steps, matrices that share a tensor, and learning."""

from __future__ import annotations

import pytest
import torch
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.experts import MixtureOfExperts
from genescribe.model.layers import GatedMLP
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.config import TrainingConfig
from genescribe.training.muon import Muon, fused_matrices, orthogonalized
from genescribe.training.optimizers import make_optimizers, set_learning_rate


@pytest.fixture
def model() -> GeneScribeModel:
    torch.manual_seed(0)
    return GeneScribeModel(
        GeneScribeConfig(
            window=96,
            width=16,
            heads=2,
            channels=8,
            encoder_layers=1,
            decoder_layers=1,
            moe={"experts": 3, "top_k": 1},
            boundary_gate=True,
        )
    )


@pytest.mark.parametrize("shape", [(3, 8, 20), (2, 20, 8), (1, 6, 6)])
def test_singular_values_come_near_one_and_singular_vectors_stay(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    matrices = torch.randn(shape)
    left, values, right = torch.linalg.svd(orthogonalized(matrices), full_matrices=False)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3
    # U V' of both is the same up to the iteration's error: the vectors did not turn.
    first, _, last = torch.linalg.svd(matrices, full_matrices=False)
    assert torch.allclose(left @ right, first @ last, atol=1e-4)


def test_a_step_has_the_size_of_adamw(model: GeneScribeModel) -> None:
    weight = torch.nn.Parameter(torch.zeros(24, 40))
    weight.grad = torch.randn(24, 40, generator=torch.Generator().manual_seed(2))
    Muon([weight], {}, lr=0.01, weight_decay=0.1).step()
    assert 0.01 * 0.1 < float(weight.detach().square().mean().sqrt()) < 0.01 * 0.25


def test_fused_matrices_are_taken_apart() -> None:
    gradient = torch.randn(24, 8, generator=torch.Generator().manual_seed(3))
    fused = torch.nn.Parameter(torch.zeros(24, 8))
    fused.grad = gradient
    parts = [torch.nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    for part, values in zip(parts, gradient.split(8), strict=True):
        part.grad = values.clone()
    Muon([fused], {fused: 3}, lr=0.1, weight_decay=0.0).step()
    Muon(parts, {}, lr=0.1, weight_decay=0.0).step()
    assert torch.allclose(fused, torch.cat(tuple(parts)), atol=1e-6)


def test_weight_decay_shrinks_what_has_no_gradient() -> None:
    weight = torch.nn.Parameter(torch.ones(4, 4))
    weight.grad = torch.zeros(4, 4)
    Muon([weight], {}, lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(weight, torch.full((4, 4), 0.95))


def test_each_parameter_has_one_optimizer(model: GeneScribeModel) -> None:
    optimizers = make_optimizers(model, TrainingConfig(tokens=1, optimizer="muon"))
    muon, adamw = optimizers
    parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert len(parameters) == len(set(parameters)) == len(list(model.parameters()))
    assert isinstance(muon, Muon)
    hidden = set(muon.param_groups[0]["params"])
    assert set(fused_matrices(model)) <= hidden
    assert all(p.ndim > 1 for p in hidden)
    gate = model.pointer_head.gate
    assert gate is not None
    for giving_logits in (model.token_head, model.dense_heads.frame, gate):
        assert giving_logits.weight not in hidden
    mixture = model.decoder.layers[0].mlp
    assert isinstance(mixture, MixtureOfExperts)
    assert mixture.router.weight not in hidden
    for expert in mixture.experts:
        assert isinstance(expert, GatedMLP)
        assert set(expert.parameters()) <= hidden
        assert fused_matrices(model)[expert.gate_and_value.weight] == 2

    set_learning_rate(optimizers, 0.5)
    assert [group["lr"] for group in adamw.param_groups] == [0.5, 0.5, 2.5]
    assert muon.param_groups[0]["lr"] == 0.5
