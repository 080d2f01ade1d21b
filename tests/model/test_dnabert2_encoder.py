"""BPE states spread over bases, and windows with unequal numbers of tokens in one batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from genescribe.corpus.bpe import train_bpe
from genescribe.errors import InputError
from genescribe.language.bases import N
from genescribe.language.bpe import PAD, BpeTokenizer, padded
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.dnabert2_encoder import DnaBert2Encoder, token_places
from genescribe.model.dnabert2_layers import Layer
from genescribe.model.generation import encode_windows
from genescribe.model.modeling import Encoded, GeneScribeModel
from torch import Tensor

WINDOW = 240
LENGTHS = [240, 131, 240]


@pytest.fixture(scope="module")
def tokenizer() -> BpeTokenizer:
    random = np.random.default_rng(3)
    return train_bpe([random.integers(0, 4, 4000).astype(np.uint8)], vocabulary=60)


@pytest.fixture(scope="module")
def model(tokenizer: BpeTokenizer) -> GeneScribeModel:
    torch.manual_seed(7)
    sizes = {
        "vocab_size": 60,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 32,
        "initializer_range": 0.2,
    }
    config = GeneScribeConfig(
        encoder="dnabert2", dnabert2=sizes, window=WINDOW, width=32, heads=2, channels=16,
        decoder_layers=1, patch_kernel=5,
    )  # fmt: skip
    return GeneScribeModel(config, tokenizer).eval()


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    codes = np.random.default_rng(5).integers(0, 4, (3, WINDOW)).astype(np.uint8)
    # One token each: the third window has many more tokens.
    codes[2, 10:60] = N
    for row, length in zip(codes, LENGTHS, strict=True):
        row[length:] = N
    return codes


def tokens(tokenizer: BpeTokenizer, codes: np.ndarray) -> tuple[Tensor, Tensor]:
    arrays = padded([tokenizer.tokens(row[:length]) for row, length in zip(codes, LENGTHS, strict=True)])
    ids, bases = (torch.from_numpy(array) for array in arrays)
    return ids, bases


def dnabert2(model: GeneScribeModel) -> DnaBert2Encoder:
    assert isinstance(model.encoder, DnaBert2Encoder)
    return model.encoder


def test_every_base_has_the_token_that_covers_it() -> None:
    places = token_places(torch.tensor([[0, 2, 1, 3, 0], [0, 4, 0, 0, 0]]), 8)
    assert places.owner[0, :6].tolist() == [1, 1, 2, 3, 3, 3]
    assert places.owner[1, :4].tolist() == [1, 1, 1, 1]
    assert places.is_base.sum(dim=1).tolist() == [6, 4]
    assert places.first[0].tolist() == [0, 0, 2, 3, 6]
    assert places.middle[0].tolist() == [0, 1, 2.5, 4.5, 6]


@torch.no_grad()
def test_a_state_reaches_its_own_bases_at_their_codon_position(
    model: GeneScribeModel, codes: np.ndarray, tokenizer: BpeTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = dnabert2(model)
    ids, bases = tokens(tokenizer, codes)
    spread: list[Tensor] = []

    def keep(x: Tensor) -> Tensor:
        spread.append(x)
        return x

    monkeypatch.setattr(encoder.stem, "forward", torch.zeros_like)
    monkeypatch.setattr(encoder.head, "forward", keep)
    monkeypatch.setattr(encoder.potential_to_bases, "forward", lambda x: x.new_zeros(*x.shape[:2], 12 * 16))
    # What token t says at codon position p is 10 t + p in all channels.
    said = (10 * torch.arange(ids.shape[1])[:, None] + torch.arange(3)).float()
    monkeypatch.setattr(
        encoder.token_to_bases, "forward", lambda x: said.repeat_interleave(16, dim=1).expand(3, -1, -1)
    )
    encoder(torch.from_numpy(codes), ids, bases)
    for row, length in enumerate(LENGTHS):
        owners = np.repeat(np.arange(ids.shape[1]), bases[row].numpy())
        expected = 10 * owners + np.arange(length) % 3
        assert spread[0][row, :length, 0].tolist() == expected.tolist()
        assert not spread[0][row, length:].any()


@torch.no_grad()
def test_published_weights_begin_as_they_were(
    model: GeneScribeModel, codes: np.ndarray, tokenizer: BpeTokenizer
) -> None:
    """The phase of a token is 0 at first, and is learnt."""
    encoder = dnabert2(model)
    ids, bases = tokens(tokenizer, codes)
    assert not encoder.phases.weight.any()
    before = encoder(torch.from_numpy(codes), ids, bases)[0]
    encoder.phases.weight.normal_()
    after = encoder(torch.from_numpy(codes), ids, bases)[0]
    encoder.phases.weight.zero_()
    assert not torch.allclose(before, after, atol=1e-3)


@torch.no_grad()
def test_windows_of_other_lengths_change_nothing(
    model: GeneScribeModel, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both in float32, on processors that multiply bfloat16 faster, too.
    monkeypatch.setattr("genescribe.model.generation.is_fast_in_bfloat16", lambda device: False)
    together = model.encode(torch.from_numpy(codes), torch.tensor(LENGTHS))
    joined = encode_windows(model, codes, LENGTHS)
    counts = [len(model.tokenizer.tokens(row[:n]).ids) for row, n in zip(codes, LENGTHS, strict=True)]  # type: ignore[union-attr]
    assert len(set(counts)) == 3 and joined.memory.shape[1] == max(counts)
    for name in ("features", "frame", "boundary", "keys"):
        torch.testing.assert_close(getattr(joined, name), getattr(together, name), atol=1e-5, rtol=0)
    assert joined.memory_mask is not None and together.memory_mask is not None
    assert joined.memory_mask.sum(dim=1).tolist() == counts
    assert torch.equal(joined.memory_mask, together.memory_mask)
    torch.testing.assert_close(
        joined.memory[joined.memory_mask], together.memory[joined.memory_mask], atol=1e-5, rtol=0
    )

    def first_logits(encoded: Encoded) -> Tensor:
        size = len(encoded.memory)
        start = torch.zeros(size, 1, dtype=torch.long)
        return model.step(encoded, model.start(encoded), start, start - 1, start)[0]

    alone = torch.cat(
        [first_logits(encode_windows(model, codes[i : i + 1], LENGTHS[i : i + 1])) for i in range(3)]
    )
    torch.testing.assert_close(first_logits(joined), alone, atol=1e-5, rtol=0)


def test_a_saved_model_brings_its_tokenizer(
    model: GeneScribeModel, codes: np.ndarray, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    names = {"config.json", "model.safetensors", "tokenizer.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    again = GeneScribeModel.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        inputs = torch.from_numpy(codes), torch.tensor(LENGTHS)
        assert torch.equal(again.encode(*inputs).features, model.encode(*inputs).features)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="no such tokenizer"):
        GeneScribeModel.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has no tokenizer"):
        GeneScribeModel(model.config).encode(*inputs)


@pytest.mark.parametrize("layers", [None, 1])
def test_what_is_frozen_gets_no_gradient_and_drops_nothing_out(
    model: GeneScribeModel, codes: np.ndarray, tokenizer: BpeTokenizer, layers: int | None
) -> None:
    fresh = GeneScribeModel(model.config, tokenizer)
    encoder = dnabert2(fresh)
    encoder.freeze(layers)
    fresh.train()
    encoder(torch.from_numpy(codes), *tokens(tokenizer, codes))[0].sum().backward()
    frozen = {name for name, one in encoder.bert.named_parameters() if not one.requires_grad}
    later = {name for name, _ in encoder.bert.named_parameters() if name.startswith("encoder.layer.1.")}
    assert frozen == {name for name, _ in encoder.bert.named_parameters()} - (later if layers else set())
    assert all((one.grad is None) == (name in frozen) for name, one in encoder.bert.named_parameters())
    assert encoder.phases.weight.grad is not None
    assert not encoder.bert.embeddings.dropout.training
    last = encoder.bert.encoder.layer[1]
    assert isinstance(last, Layer) and last.mlp.dropout.training == bool(layers)
    assert (tokens(tokenizer, codes)[0] == PAD).any()
