"""Nothing that the masked language model computes depends on a letter below a mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from genescribe.corpus.reader import ValidationWindows
from genescribe.corpus.store import Corpus
from genescribe.language.bases import N, to_codes
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.encoder import PhasedKmers, kmer_index
from genescribe.model.masked import MaskedBaseModel
from genescribe.model.modeling import GeneScribeModel
from torch import Tensor

WINDOW = 240
SIZES: dict[str, Any] = {
    "window": WINDOW, "width": 32, "heads": 2, "channels": 16, "encoder_layers": 1, "decoder_layers": 1,
    "potential_channels": 8, "patch_kernel": 5,
}  # fmt: skip


@pytest.fixture
def model() -> MaskedBaseModel:
    torch.manual_seed(0)
    return MaskedBaseModel(GeneScribeModel(GeneScribeConfig(**SIZES)))


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Two random windows, the second with an N and padding, each with two spans, some at the very edges."""
    codes = torch.from_numpy(np.random.default_rng(1).integers(0, 4, (2, WINDOW)).astype(np.uint8))
    codes[1, 100] = N
    codes[1, 200:] = N
    masked = torch.zeros(2, WINDOW, dtype=torch.bool)
    masked[0, :7] = masked[0, 60:84] = masked[1, 90:96] = masked[1, 180:200] = True
    return {
        "codes": codes,
        "masked": masked,
        "valid": torch.tensor([WINDOW, 200]),
        "weight": torch.tensor([1.0, 0.5]),
    }


def test_other_letters_below_the_masks_change_no_logit(
    model: MaskedBaseModel, batch: dict[str, Tensor]
) -> None:
    with torch.no_grad():
        logits = model.logits(batch["codes"], batch["masked"], batch["valid"])
        for shift in (1, 2, 3):
            other = torch.where(batch["masked"], (batch["codes"] + shift) % 4, batch["codes"])
            assert torch.equal(model.logits(other, batch["masked"], batch["valid"]), logits)
        # One letter that is seen does change them, at masked bases, too.
        batch["codes"][0, 58] = (batch["codes"][0, 58] + 1) % 4
        changed = model.logits(batch["codes"], batch["masked"], batch["valid"]) != logits
    assert changed[0, 60:84].any() and not changed[1].any()


def test_no_gradient_reaches_the_loss_from_masked_letters(
    model: MaskedBaseModel, batch: dict[str, Tensor]
) -> None:
    """The loss's gradient with respect to the embedding of a base is 0 where it is masked and only there; a
    row of the k-mer tables gets one if its k-mer stands somewhere where none of its letters is masked."""
    looked_up: list[Tensor] = []

    def keep(module: torch.nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        looked_up.append(output)

    model.encoder.bases.register_forward_hook(keep)
    model(**batch).masked.backward()
    (embedding,) = looked_up
    assert embedding.grad is not None and model.mask.grad is not None
    reached = embedding.grad.abs().sum(dim=-1) > 0
    real = torch.arange(WINDOW) < batch["valid"][:, None]
    assert not reached[batch["masked"]].any()
    assert reached[~batch["masked"] & real].all()
    assert model.mask.grad.abs().sum() > 0

    potential = model.encoder.potential
    for kmers in (potential.codons, potential.hexamers):
        assert isinstance(kmers, PhasedKmers) and kmers.table.weight.grad is not None
        rows = set(kmers.table.weight.grad.abs().sum(dim=-1).nonzero().flatten().tolist())
        phase = torch.arange(WINDOW) % 3
        hidden = kmer_index(batch["codes"].masked_fill(batch["masked"], N), kmers.size) * 3 + phase
        true = kmer_index(batch["codes"], kmers.size) * 3 + phase
        assert rows == set(hidden.flatten().tolist())
        # Most hexamers that hold a masked letter stand nowhere else: none of these rows is reached.
        below = set(true[true != hidden].tolist()) - set(hidden.flatten().tolist())
        assert not below & rows and (kmers.size == 3 or len(below) > 30)


def test_loss_is_summed_over_masked_bases_by_the_weights_of_windows(
    model: MaskedBaseModel, batch: dict[str, Tensor]
) -> None:
    with torch.no_grad():
        logits = model.logits(batch["codes"], batch["masked"], batch["valid"])
        losses = model(**batch)
    expected = hits = 0.0
    for row, place in batch["masked"].nonzero().tolist():
        scores, letter = logits[row, place].double(), int(batch["codes"][row, place])
        weight = float(batch["weight"][row])
        expected += weight * (math.log(float(scores.exp().sum())) - float(scores[letter]))
        hits += weight * (int(scores.argmax()) == letter)
    assert float(losses.masked) == pytest.approx(expected, rel=1e-5)
    assert float(losses.masked_hits) == hits


def test_without_masks_the_encoder_reads_what_it_always_reads(
    model: MaskedBaseModel, batch: dict[str, Tensor]
) -> None:
    """The symbol takes no row of the embedding: its own is nowhere where nothing is masked."""
    assert model.encoder.bases.weight.shape == (N + 1, SIZES["channels"])
    with torch.no_grad():
        features = model.encoder(batch["codes"])[1]
        nothing = torch.zeros_like(batch["masked"])
        assert torch.equal(model.logits(batch["codes"], nothing), model.head(features))


def test_what_is_trained_is_the_encoder_of_the_model(model: MaskedBaseModel) -> None:
    whole = GeneScribeModel(GeneScribeConfig(**SIZES))
    trained = dict(MaskedBaseModel(whole).named_parameters())
    assert {name for name, one in trained.items() if not one.requires_grad} == {
        "encoder.potential_to_frame.weight",
        "encoder.potential_to_frame.bias",
    }
    assert {name for name in trained if not name.startswith("encoder.")} == {
        "mask",
        "head.weight",
        "head.bias",
    }
    assert trained["encoder.bases.weight"] is whole.encoder.bases.weight


def test_a_repeat_is_learnt_from_what_stands_beside_the_mask(model: MaskedBaseModel) -> None:
    """Bases of a tandem repeat follow from their neighbours: the loss falls far below that of a guess."""
    unit = to_codes("ACGTTGCAATCG")
    codes = torch.from_numpy(np.tile(unit, (1, WINDOW // len(unit))))
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=3e-3)
    random = np.random.default_rng(0)
    for _ in range(60):
        masked = torch.zeros(1, WINDOW, dtype=torch.bool)
        start = int(random.integers(0, WINDOW - 12))
        masked[0, start : start + 12] = True
        losses = model(codes, masked, torch.tensor([WINDOW]), torch.ones(1))
        optimizer.zero_grad()
        (losses.masked / 12).backward()
        optimizer.step()
    assert float(losses.masked.detach()) / 12 < 0.3 < math.log(4)


def test_the_encoder_on_bpe_tokens_is_refused() -> None:
    sizes = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    config = GeneScribeConfig(**{**SIZES, "encoder": "dnabert2", "dnabert2": {**sizes, "vocab_size": 32}})
    with pytest.raises(TypeError, match="compact encoder"):
        MaskedBaseModel(GeneScribeModel(config))


def test_windows_of_real_sequence_have_finite_gradients(ecoli_corpus: object, model: MaskedBaseModel) -> None:
    windows = ValidationWindows(Corpus.open(str(ecoli_corpus)), WINDOW)
    codes = torch.from_numpy(np.stack([windows.sequence(index)[0] for index in range(4)]))
    masked = torch.zeros_like(codes, dtype=torch.bool)
    masked[:, 30:50] = True
    model(codes, masked, torch.full((4,), WINDOW), torch.ones(4)).masked.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
