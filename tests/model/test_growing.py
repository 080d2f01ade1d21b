"""A model with a deeper encoder computes the same, and learns in its new layers."""

from __future__ import annotations

import pytest
import torch
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

from scripts.grow_model import grown, places


@pytest.mark.parametrize(
    ("layers", "more", "copied"),
    [(4, 1, [3]), (4, 2, [1, 3]), (4, 3, [0, 1, 3]), (4, 4, [0, 1, 2, 3]), (1, 1, [0])],
)
def test_new_layers_stand_evenly_after_old_ones(layers: int, more: int, copied: list[int]) -> None:
    made = places(layers, more)
    assert [layer for layer, is_new in made if not is_new] == list(range(layers))
    assert [layer for layer, is_new in made if is_new] == copied
    assert made == sorted(made)


def test_grown_model_computes_the_same() -> None:
    torch.manual_seed(3)
    config = GeneScribeConfig(window=240, width=32, heads=2, channels=16, encoder_layers=2, patch_kernel=5)
    model = GeneScribeModel(config).eval()
    larger = grown(model, 3).eval()
    assert larger.config.encoder_layers == len(larger.encoder.layers) == 3
    codes = torch.randint(0, 4, (2, 240), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    before, after = model.encode(codes), larger.encode(codes)
    torch.testing.assert_close(after.memory, before.memory, rtol=0, atol=0)
    torch.testing.assert_close(after.features, before.features, rtol=0, atol=0)
    for (name, old), (other, new) in zip(
        model.decoder.named_parameters(), larger.decoder.named_parameters(), strict=True
    ):
        assert name == other and torch.equal(old, new)

    after.features.square().sum().backward()
    new_layer = larger.encoder.layers[2]
    for weight in (new_layer.attention.out.weight, new_layer.mlp.out.weight):
        assert not weight.any() and weight.grad is not None and bool(weight.grad.any())
