"""Mixture of experts: dispatch, gates, gradients, balance, and that nothing changes without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from genescribe.errors import InputError
from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.decoder import last_pointed_position
from genescribe.model.experts import MixtureOfExperts, Routing
from genescribe.model.layers import GatedMLP
from genescribe.model.modeling import GeneScribeModel, Losses
from torch import Tensor

WIDTH = 32
WINDOW = 240


def mixture(experts: int, top_k: int) -> MixtureOfExperts:
    torch.manual_seed(3)
    return MixtureOfExperts(WIDTH, 8 / 3, experts, top_k)


def states(rows: int = 3, steps: int = 7) -> Tensor:
    return torch.randn(rows, steps, WIDTH, generator=torch.Generator().manual_seed(4))


def computed_by_all(layer: MixtureOfExperts, x: Tensor) -> Tensor:
    """The layer written plainly: every expert reads every token, and the gates of those not chosen are 0."""
    probability = (x @ layer.router.weight.T).softmax(dim=-1)
    best = probability.sort(dim=-1, descending=True).values[..., layer.top_k - 1 : layer.top_k]
    gates = probability * (probability >= best)
    if layer.top_k > 1:
        gates = gates / gates.sum(dim=-1, keepdim=True)
    everything = torch.stack([expert(x) for expert in layer.experts], dim=-1)
    return (everything * gates.unsqueeze(-2)).sum(dim=-1)


@pytest.mark.parametrize("low", [False, True], ids=["float32", "bf16"])
def test_one_expert_is_the_dense_layer_to_the_last_bit(low: bool) -> None:
    layer, dense, x = mixture(1, 1), GatedMLP(WIDTH, 8 / 3), states()
    dense.load_state_dict(layer.experts[0].state_dict())
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        assert torch.equal(layer(x), dense(x))


@pytest.mark.parametrize(("experts", "top_k"), [(4, 1), (4, 2), (5, 3), (3, 3)])
def test_dispatch_is_computing_all_experts_forwards_and_backwards(experts: int, top_k: int) -> None:
    layer, x = mixture(experts, top_k), states().requires_grad_()
    weigh = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    wanted = [x, *layer.parameters()]
    outputs = layer(x), computed_by_all(layer, x)
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=1e-5)
    got, expected = (torch.autograd.grad((out * weigh).sum(), wanted) for out in outputs)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
        assert float(one.abs().max()) > 0


def test_an_expert_reads_its_own_tokens_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = mixture(4, 2), states()
    read: list[int] = []

    def keep(module: object, arguments: tuple[Tensor]) -> None:
        read.append(len(arguments[0]))

    for expert in layer.experts:
        expert.register_forward_pre_hook(keep)
    layer(x)
    assert len(read) == 4 and sum(read) == 2 * x.shape[0] * x.shape[1]
    read.clear()
    with torch.inference_mode():  # one token: two experts, not four
        layer(x[:1, :1])
    assert read == [1, 1]


def test_an_expert_without_tokens_has_a_gradient_of_zeros() -> None:
    layer = mixture(3, 1)
    with torch.no_grad():
        layer.router.weight.zero_()
    layer(states()).sum().backward()
    for number, expert in enumerate(layer.experts):
        for parameter in expert.parameters():
            assert parameter.grad is not None
            assert bool(parameter.grad.any()) == (number == 0)


def balance(probability: list[list[float]], top_k: int, weights: list[float] | None = None) -> float:
    """The loss of a mean token."""
    values = torch.tensor(probability)
    routing = Routing(torch.ones(len(values)) if weights is None else torch.tensor(weights))
    routing.add(values, values.topk(top_k).indices)
    return float(routing.balance() / routing.weights.sum())


@pytest.mark.parametrize("experts", [2, 4])
def test_balance_is_1_if_experts_are_used_alike_and_their_number_if_one_is_used(experts: int) -> None:
    certain = torch.eye(experts).tolist()
    assert balance(certain, 1) == pytest.approx(1.0)
    assert balance([certain[1]] * 5, 1) == pytest.approx(experts)
    # Undecided routers cost no more than the minimum, whoever wins the tie.
    assert balance([[1 / experts] * experts] * 3, 1) == pytest.approx(1.0)


def test_balance_of_a_case_by_hand() -> None:
    probability = [[0.5, 0.3, 0.2], [0.6, 0.1, 0.3]]
    # Means 0.55, 0.2, 0.25; both choose the first.
    assert balance(probability, 1) == pytest.approx(3 * 0.55)
    # First and second, first and third: shares 1/2, 1/4, 1/4.
    assert balance(probability, 2) == pytest.approx(3 * (0.5 * 0.55 + 0.25 * 0.2 + 0.25 * 0.25))
    # The first token counts three times: shares 1, 0, 0, mean (3 * 0.5 + 0.6) / 4.
    assert balance(probability, 1, [3.0, 1.0]) == pytest.approx(3 * 0.525)
    # Padding takes no part.
    padded = [*probability, [0.0, 1.0, 0.0]]
    assert balance(padded, 1, [1.0, 1.0, 0.0]) == pytest.approx(3 * 0.55)


def test_balance_is_a_mean_over_layers() -> None:
    routing = Routing(torch.ones(2))
    for probability in (torch.eye(2), torch.tensor([[1.0, 0.0]] * 2)):
        routing.add(probability, probability.topk(1).indices)
    assert float(routing.balance()) == pytest.approx(2 * (1 + 2) / 2)
    assert torch.stack(routing.choices).tolist() == [[1, 1], [2, 0]]


def test_descending_the_balance_loss_spreads_the_tokens() -> None:
    layer = mixture(4, 1)
    x = states(8, 16)
    x[..., 0] = 1.0  # what all tokens have in common
    with torch.no_grad():
        layer.router.weight[2, 0] += 5.0
    optimizer = torch.optim.Adam([layer.router.weight], lr=0.05)
    shares = []
    for _ in range(60):
        routing = Routing(torch.ones(8, 16))
        layer(x, routing)
        shares.append(float(routing.choices[0].max()) / 128)
        optimizer.zero_grad()
        routing.balance().backward()
        optimizer.step()
    assert shares[0] > 0.9
    assert shares[-1] < 0.5


def model(moe: dict[str, int] | None) -> GeneScribeModel:
    torch.manual_seed(6)
    return GeneScribeModel(
        GeneScribeConfig(
            window=WINDOW,
            width=WIDTH,
            heads=2,
            channels=16,
            encoder_layers=1,
            decoder_layers=2,
            patch_kernel=5,
            moe=moe,
        )
    )


def batch(padding: int = 0) -> dict[str, Tensor]:
    """Two windows, the second without a gene, and `padding` more tokens than the first needs."""
    v = vocabulary
    gene = [v.BOS, v.PLUS, v.FIRST_KIND, v.LEFT, v.RIGHT, v.END, v.EOS]
    length = len(gene) + padding
    tokens = [row + [v.PAD] * (length - len(row)) for row in (gene, [v.BOS, v.EOS])]
    positions = [[-1, -1, -1, 12, 101] + [-1] * (length - 5), [-1] * length]
    generator = torch.Generator().manual_seed(1)
    return {
        "codes": torch.randint(0, 4, (2, WINDOW), generator=generator).to(torch.uint8),
        "tokens": torch.tensor(tokens),
        "positions": torch.tensor(positions),
        "frame_class": torch.zeros(2, WINDOW, dtype=torch.int8),
        "boundary": torch.zeros(2, WINDOW, dtype=torch.uint8),
        "loss_mask": torch.ones(2, WINDOW, dtype=torch.bool),
    }


@pytest.mark.parametrize("top_k", [1, 2])
def test_losses_of_genes_teach_the_router(top_k: int) -> None:
    mixed = model({"experts": 4, "top_k": top_k})
    losses: Losses = mixed(**batch())
    (losses.token + losses.pointer).backward()
    for layer in mixed.decoder.layers:
        assert isinstance(layer.mlp, MixtureOfExperts)
        assert layer.mlp.router.weight.grad is not None
        assert float(layer.mlp.router.weight.grad.norm()) > 1e-4


def test_padding_takes_no_part_and_windows_count_with_their_weight() -> None:
    mixed = model({"experts": 4, "top_k": 2}).eval()
    with torch.no_grad():
        first, padded = (mixed(**batch(padding)) for padding in (0, 9))
        weighted = mixed(**batch(), weight=torch.tensor([0.5, 2.0]))
        alone = mixed(**{name: values[:1] for name, values in batch().items()})
    # Six tokens are written in the first window, one in the second, and each of two layers counts them.
    for losses, tokens in ((first, 7), (padded, 7), (weighted, 0.5 * 6 + 2.0), (alone, 6)):
        assert losses.choices is not None and losses.choices.shape == (2, 4)
        assert losses.choices.sum(dim=1).tolist() == pytest.approx([tokens] * 2)
        assert float(losses.tokens) == tokens
    torch.testing.assert_close(padded.balance, first.balance)
    torch.testing.assert_close(padded.choices, first.choices)
    assert float(first.balance) >= 7 * 0.9


def test_writing_genes_counts_nothing() -> None:
    mixed = model({"experts": 4, "top_k": 1}).eval()
    inputs = batch()
    with torch.inference_mode():
        encoded = mixed.encode(inputs["codes"])
        cache = mixed.start(encoded)
        mixed.step(
            encoded, cache, inputs["tokens"], inputs["positions"], last_pointed_position(inputs["positions"])
        )
    assert cache.routing is None


def test_one_expert_gives_the_losses_of_the_dense_model() -> None:
    dense, mixed = model(None), model({"experts": 1, "top_k": 1})
    for name, values in mixed.state_dict().items():
        if ".router." not in name:
            values.copy_(dense.state_dict()[name.replace(".experts.0.", ".")])
    with torch.no_grad():
        expected, got = dense(**batch()), mixed(**batch())
    assert expected.balance is None and expected.choices is None
    for name in ("token", "pointer", "frame", "boundary", "tokens"):
        assert torch.equal(getattr(got, name), getattr(expected, name))
    assert float(got.balance) == pytest.approx(7)


@pytest.mark.parametrize(
    ("moe", "message"),
    [
        ({"experts": 0, "top_k": 1}, "model.moe.experts must be a whole number above 0, not 0"),
        ({"experts": 4, "top_k": 0}, "model.moe.top_k must be a whole number above 0, not 0"),
        ({"experts": 4, "top_k": 2.0}, "model.moe.top_k must be a whole number above 0, not 2.0"),
        ({"experts": 4, "top_k": True}, "model.moe.top_k must be a whole number above 0, not True"),
        ({"experts": 4, "top_k": 5}, r"model.moe.top_k \(5\) must be at most experts \(4\)"),
        ({"experts": 4}, "model.moe must have the keys experts and top_k and no other"),
        ({"experts": 4, "top_k": 1, "capacity": 2}, "model.moe must have the keys experts and top_k"),
        (4, "model.moe must have the keys experts and top_k and no other, not 4"),
    ],
)
def test_wrong_experts_are_refused(moe: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        GeneScribeConfig(moe=moe)


def test_a_configuration_without_experts_is_written_as_before_there_were_any(tmp_path: Path) -> None:
    bundled = Path(__file__).parents[2] / "resources" / "models" / "prokaryotes"
    config = GeneScribeConfig.from_pretrained(bundled)
    assert config.moe is None
    config.save_pretrained(tmp_path)
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (bundled, tmp_path))
    assert after | {"transformers_version": before["transformers_version"]} == before
    GeneScribeConfig(moe={"experts": 3, "top_k": 2}).save_pretrained(tmp_path)
    assert GeneScribeConfig.from_pretrained(tmp_path).moe == {"experts": 3, "top_k": 2}
