"""DNABERT-2 against the original code's outputs, and against attention written out plainly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from genescribe.model import dnabert2, dnabert2_layers
from genescribe.model.dnabert2 import DnaBert2Config, DnaBert2ForMaskedLM, DnaBert2Model
from genescribe.model.dnabert2_layers import alibi_bias, alibi_slopes
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

TOLERANCE = 1e-4


def small(**sizes: int | str) -> DnaBert2ForMaskedLM:
    """New weights, three heads: no power of two. Norms and biases are random, too."""
    torch.manual_seed(3)
    settings = {
        "vocab_size": 40,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 32,
        "initializer_range": 0.3,
        **sizes,
    }
    model = DnaBert2ForMaskedLM(DnaBert2Config(**settings)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def tokens(*lengths: int) -> tuple[Tensor, Tensor]:
    """Random ids (B, L) of rows of these lengths, padded with 3, and their mask."""
    ids = torch.randint(4, 40, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(5))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, 3), mask.long()


def plain(model: DnaBert2ForMaskedLM, ids: Tensor, positions: Tensor) -> list[Tensor]:
    """States of one row (L,) after the embeddings and each layer, from the weights by their public names.

    `positions` are where the tokens stand.
    """
    weights = {name.removeprefix("bert."): tensor for name, tensor in model.state_dict().items()}
    heads, width = model.config.num_attention_heads, model.config.hidden_size

    def norm(x: Tensor, name: str) -> Tensor:
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt()
        return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", torch.zeros(()))

    words, types = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type"))
    x = norm(words[ids] + types[0], "embeddings.LayerNorm")
    states = [x]
    for layer in range(model.config.num_hidden_layers):
        name = f"encoder.layer.{layer}"
        query, key, value = linear(x, f"{name}.attention.self.Wqkv").split(width, dim=-1)
        mixed = []
        for head, slope in enumerate(alibi_slopes(heads)):
            own = slice(head * width // heads, (head + 1) * width // heads)
            scores = query[:, own] @ key[:, own].T / math.sqrt(width // heads)
            scores -= slope * (positions[:, None] - positions).abs()
            mixed.append(scores.softmax(-1) @ value[:, own])
        x = x + linear(torch.cat(mixed, dim=-1), f"{name}.attention.output.dense")
        x = norm(x, f"{name}.attention.output.LayerNorm")
        gate, product = linear(x, f"{name}.mlp.gated_layers").chunk(2, dim=-1)
        gate = gate * (1 + torch.erf(gate / math.sqrt(2))) / 2
        x = norm(x + linear(gate * product, f"{name}.mlp.wo"), f"{name}.mlp.layernorm")
        states.append(x)
    return states


def test_slopes_of_a_power_of_two_and_of_three_heads() -> None:
    assert alibi_slopes(2) == [2**-4, 2**-8]
    assert alibi_slopes(3) == [2**-4, 2**-8, 2**-2]
    bias = alibi_bias(3, 11, torch.float32, torch.device("cpu"))
    assert bias.shape == (3, 11, 11)
    assert bias[1, 2].tolist() == [-abs(2 - j) / 256 for j in range(11)]


@torch.no_grad()
def test_every_layer_equals_attention_written_out() -> None:
    model = small()
    ids, mask = tokens(13, 7, 13, 1)
    # A row with padding on its left, and one with a hole: distances count places, not tokens.
    mask[2, :4] = 0
    mask[0, 5:8] = 0
    out = model.bert(ids, mask, output_hidden_states=True)
    assert len(out.hidden_states) == 3
    assert torch.equal(out.hidden_states[-1], out.last_hidden_state)
    for row in range(4):
        there = mask[row].nonzero().flatten()
        for found, expected in zip(out.hidden_states, plain(model, ids[row, there], there), strict=True):
            torch.testing.assert_close(found[row, there], expected, atol=1e-5, rtol=0)
            assert not found[row, mask[row] == 0].any()


@torch.no_grad()
def test_four_thousand_tokens_equal_attention_written_out() -> None:
    """There is no limit of length, whatever `max_position_embeddings` says."""
    model = small(num_hidden_layers=1, max_position_embeddings=64, alibi_starting_size=64)
    ids, mask = tokens(4096, 100)
    states = model.bert(input_ids=ids, attention_mask=mask).last_hidden_state
    expected = plain(model, ids[0], torch.arange(4096))[-1]
    torch.testing.assert_close(states[0], expected, atol=TOLERANCE, rtol=0)
    expected = plain(model, ids[1, :100], torch.arange(100))[-1]
    torch.testing.assert_close(states[1, :100], expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_bias_is_built_once_for_all_layers_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Tensor] = []
    used: list[Tensor] = []
    attention = dnabert2_layers.attention

    def build(*arguments: object) -> Tensor:
        built.append(alibi_bias(*arguments))  # type: ignore[arg-type]
        return built[-1]

    def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        used.append(bias)
        return attention(query, key, value, bias)

    monkeypatch.setattr(dnabert2, "alibi_bias", build)
    monkeypatch.setattr(dnabert2_layers, "attention", attend)
    model = small().bert
    model(*tokens(20, 20, 20))
    assert len(built) == 1 and len(used) == 2, "full rows are one batch of attention in each of two layers"
    model(*tokens(20, 9, 12))
    assert len(built) == 2 and len(used) == 2 + 2 * 3
    for bias, storage in [(one, built[0]) for one in used[:2]] + [(one, built[1]) for one in used[2:]]:
        assert bias.untyped_storage().data_ptr() == storage.untyped_storage().data_ptr()
        assert len(bias) == 1


@torch.no_grad()
def test_states_do_not_depend_on_the_other_rows() -> None:
    model = small()
    ids, mask = tokens(30, 11, 30, 30, 2)
    together = model(ids, attention_mask=mask).logits
    for row, length in enumerate((30, 11, 30, 30, 2)):
        alone = model(ids[row : row + 1, :length]).logits[0]
        torch.testing.assert_close(together[row, :length], alone, atol=1e-5, rtol=0)


def test_loss_counts_what_is_asked_for_and_teaches_every_weight() -> None:
    model = small().train()
    ids, mask = tokens(15, 8)
    labels = torch.full_like(ids, -100)
    labels[0, 3], labels[1, 5] = 7, 9
    out = model(ids, mask, labels)
    expected = functional.cross_entropy(out.logits[[0, 1], [3, 5]], torch.tensor([7, 9]))
    torch.testing.assert_close(out.loss, expected)
    out.loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_sizes_that_do_not_fit_and_dropout_of_attention_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of num_attention_heads"):
        small(num_attention_heads=5)
    with pytest.raises(ValueError, match="hidden_act"):
        small(hidden_act="nonsense")
    with pytest.raises(ValueError, match="attention_probs_dropout_prob"):
        DnaBert2Config(attention_probs_dropout_prob=0.1)


@pytest.mark.reference
@torch.no_grad()
def test_outputs_of_the_original_code_are_reproduced(dnabert2_reference: Path) -> None:
    expected = load_file(dnabert2_reference / "tiny" / "io.safetensors")
    ids, mask = expected["input_ids"], expected["attention_mask"]
    encoder = DnaBert2Model.from_pretrained(dnabert2_reference / "tiny")
    states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    assert float((states - expected["last_hidden_state"]).abs().max()) < TOLERANCE
    model = DnaBert2ForMaskedLM.from_pretrained(dnabert2_reference / "tiny")
    out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    assert len(out.hidden_states) == len(expected["hidden_states"])
    for found, layer in zip(out.hidden_states, expected["hidden_states"], strict=True):
        assert float((found - layer).abs().max()) < TOLERANCE
    rows, places = expected["mlm_positions"].T
    assert float((out.logits[rows, places] - expected["mlm_logits"]).abs().max()) < TOLERANCE


@pytest.mark.reference
def test_slopes_of_the_original_code(dnabert2_reference: Path) -> None:
    expected = json.loads((dnabert2_reference / "alibi_slopes.json").read_text())
    assert set(expected) == {"4", "8", "12"}
    for heads, slopes in expected.items():
        assert alibi_slopes(int(heads)) == pytest.approx(slopes, rel=1e-7)


@pytest.mark.reference
def test_keys_and_shapes_are_those_of_the_public_checkpoint(dnabert2_reference: Path) -> None:
    expected = json.loads((dnabert2_reference / "state_dict_keys.json").read_text())["shapes"]
    settings = json.loads((dnabert2_reference / "hub_layout" / "config.json").read_text())
    for config in (DnaBert2Config(), DnaBert2Config(**settings)):
        with torch.device("meta"):
            model = DnaBert2ForMaskedLM(config)
        found = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
        assert found == expected
        assert model.num_parameters() == 117_074_176
