"""The mean of weights that a release may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

from scripts.release_model import average


def _model(seed: int, width: int = 32) -> GeneScribeModel:
    torch.manual_seed(seed)
    return GeneScribeModel(
        GeneScribeConfig(window=240, width=width, heads=2, channels=16, encoder_layers=1, patch_kernel=5)
    )


def test_mean_of_three_models(tmp_path: Path) -> None:
    models = [_model(seed) for seed in range(3)]
    expected = {
        name: (tensor + models[1].state_dict()[name] + models[2].state_dict()[name]) / 3
        for name, tensor in models[0].state_dict().items()
    }
    for number in (1, 2):
        models[number].save_pretrained(tmp_path / str(number))
    average(models[0], [tmp_path / "1", tmp_path / "2"])
    for name, tensor in models[0].state_dict().items():
        torch.testing.assert_close(tensor, expected[name])


def test_a_model_of_another_width_is_refused(tmp_path: Path) -> None:
    _model(0, width=64).save_pretrained(tmp_path / "wide")
    with pytest.raises(SystemExit, match=r"wide: not of the same configuration"):
        average(_model(1), [tmp_path / "wide"])
