"""The model's own arithmetic: indices, caching, masks, saving."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from genescribe.language import vocabulary as v
from genescribe.language.bases import reverse_complement, to_codes
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.decoder import last_pointed_position
from genescribe.model.encoder import HEXAMER, kmer_index
from genescribe.model.modeling import GeneScribeModel
from torch import Tensor

WINDOW = 240


@pytest.fixture(scope="module", params=[None, {"experts": 4, "top_k": 2}], ids=["dense", "experts"])
def model(request: pytest.FixtureRequest) -> GeneScribeModel:
    torch.manual_seed(7)
    config = GeneScribeConfig(
        window=WINDOW,
        width=32,
        heads=2,
        channels=16,
        encoder_layers=2,
        decoder_layers=2,
        patch_kernel=5,
        moe=request.param,
    )
    return GeneScribeModel(config).eval()


@pytest.fixture(scope="module")
def codes() -> Tensor:
    return torch.randint(0, 4, (3, WINDOW), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


SENTENCE = [
    v.BOS,
    v.PLUS,
    v.FIRST_KIND,
    v.LEFT,
    v.RIGHT,
    v.END,
    v.MINUS,
    v.FIRST_KIND,
    v.LEFT,
    v.OPEN[1],
    v.END,
    v.EOS,
]
POINTS = [-1, -1, -1, 12, 101, -1, -1, -1, 97, -1, -1, -1]


def test_hexamer_index_reads_six_bases_to_the_right() -> None:
    codes = torch.from_numpy(to_codes("AAAAACNGGGGGGG"))[None]
    index = kmer_index(codes, HEXAMER)[0].tolist()
    assert index[0] == 1
    assert index[1:7] == [4**HEXAMER] * 6
    assert index[7:9] == [0b101010101010] * 2
    # The window's end counts as N.
    assert index[9:] == [4**HEXAMER] * 5


def test_last_pointed_is_the_newest_pointer_even_when_it_lies_left_of_an_older_one() -> None:
    positions = torch.tensor([POINTS])
    assert last_pointed_position(positions)[0].tolist() == [0, 0, 0, 12, 101, 101, 101, 101, 97, 97, 97, 97]


def test_cached_decoding_gives_the_logits_of_teacher_forcing(model: GeneScribeModel, codes: Tensor) -> None:
    tokens = torch.tensor([SENTENCE] * 3)
    positions = torch.tensor([POINTS] * 3)
    last = last_pointed_position(positions)
    with torch.inference_mode():
        encoded = model.encode(codes)
        whole_tokens, whole_pointers = model.step(encoded, model.start(encoded), tokens, positions, last)
        cache = model.start(encoded)
        for index in range(tokens.shape[1]):
            now = slice(index, index + 1)
            token_logits, pointer_logits = model.step(
                encoded, cache, tokens[:, now], positions[:, now], last[:, now]
            )
            torch.testing.assert_close(token_logits[:, 0], whole_tokens[:, index], atol=1e-4, rtol=0)
            torch.testing.assert_close(pointer_logits[:, 0], whole_pointers[:, index], atol=1e-4, rtol=0)


def test_padding_does_not_change_what_is_said_of_real_patches(model: GeneScribeModel, codes: Tensor) -> None:
    short = codes[:, :120]
    padded = torch.cat((short, torch.full_like(codes[:, 120:], 4)), dim=1)
    with torch.inference_mode():
        memory = model.encode(padded, torch.tensor([120, 120, 120])).memory
        padded[:, 200:] = 0  # whatever stands in the padding
        other = model.encode(padded, torch.tensor([120, 120, 120])).memory
    # The convolutions reach a few bases past the edge; attention must not.
    torch.testing.assert_close(memory[:, :5], other[:, :5], atol=1e-5, rtol=0)


def test_memory_of_windows_does_not_depend_on_the_batch(model: GeneScribeModel, codes: Tensor) -> None:
    with torch.inference_mode():
        together = model.encode(codes).features
        alone = torch.cat([model.encode(row[None]).features for row in codes])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_saved_model_is_the_same_model(model: GeneScribeModel, codes: Tensor, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    again = GeneScribeModel.from_pretrained(tmp_path).eval()
    assert again.config.to_json_string() == model.config.to_json_string()
    with torch.inference_mode():
        assert torch.equal(again.encode(codes).features, model.encode(codes).features)
    weights = model.state_dict()
    assert again.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in again.state_dict().items())


@pytest.mark.parametrize("gate", [True, False])
def test_boundaries_enter_the_pointers_through_the_gate_alone(
    gate: bool, model: GeneScribeModel, codes: Tensor
) -> None:
    config = GeneScribeConfig.from_dict({**model.config.to_dict(), "boundary_gate": gate})
    gated = GeneScribeModel(config).eval()
    sentence = torch.tensor([SENTENCE] * len(codes)), torch.tensor([POINTS] * len(codes))

    def pointers() -> Tensor:
        encoded = gated.encode(codes)
        last_pointed = last_pointed_position(sentence[1])
        return gated.step(encoded, gated.start(encoded), *sentence, last_pointed)[1]

    with torch.inference_mode():
        before = pointers()
        gated.dense_heads.boundary.weight.add_(1.0)
        assert torch.equal(pointers(), before) is not gate


def test_masked_bases_give_no_gradient(model: GeneScribeModel, codes: Tensor) -> None:
    """Labels under the mask may be anything."""
    batch = {
        "codes": codes,
        "tokens": torch.tensor([SENTENCE] * 3),
        "positions": torch.tensor([POINTS] * 3),
        "loss_mask": torch.ones(3, WINDOW, dtype=torch.bool),
    }
    batch["loss_mask"][:, 100:140] = False
    frame = torch.zeros(3, WINDOW, dtype=torch.int8)
    boundary = torch.zeros(3, WINDOW, dtype=torch.uint8)
    with torch.no_grad():
        first = model(**batch, frame_class=frame, boundary=boundary)
        frame[:, 100:140] = 5
        boundary[:, 100:140] = 255
        second = model(**batch, frame_class=frame, boundary=boundary)
        frame[:, 90:100] = 5
        third = model(**batch, frame_class=frame, boundary=boundary)
    assert first.frame == second.frame and first.boundary == second.boundary
    assert third.frame != second.frame
    assert float(first.bases) == 3 * (WINDOW - 40)


def test_codes_of_a_mirror_are_a_mirror() -> None:
    assert reverse_complement(to_codes("ACGTN")).tolist() == to_codes("NACGT").tolist()
