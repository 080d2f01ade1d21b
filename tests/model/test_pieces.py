"""Weights in files of a bounded size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from genescribe.annotation.predict import load_model
from genescribe.errors import InputError
from genescribe.model import GeneScribeConfig, GeneScribeModel
from genescribe.model.pieces import MIB, load_pieces, save_model, save_pieces, weight_files
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel


@pytest.fixture(scope="module")
def model() -> GeneScribeModel:
    torch.manual_seed(0)
    config = GeneScribeConfig(
        window=768, width=96, heads=2, encoder_layers=3, decoder_layers=1, potential_channels=24
    )
    return GeneScribeModel(config)


def same(one: GeneScribeModel, other: GeneScribeModel) -> bool:
    weights, others = one.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[k], others[k]) for k in weights)


@pytest.mark.parametrize("mib", [0, 2, 3])
def test_a_model_folder_in_pieces_is_read_by_all_that_read_models(
    model: GeneScribeModel, tmp_path: Path, mib: int
) -> None:
    save_model(model, tmp_path, mib)
    files = list(tmp_path.iterdir())
    weights = weight_files(tmp_path)
    assert (len(weights) > 1) == bool(mib)
    if mib:
        assert max(file.stat().st_size for file in files) <= mib * MIB
    assert same(load_model(tmp_path, torch.device("cpu")), model)
    auto = AutoModel.from_pretrained(tmp_path)
    assert type(auto) is GeneScribeModel and same(auto, model)
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is GeneScribeConfig and config.width == 96


def test_a_lost_piece_is_told(model: GeneScribeModel, tmp_path: Path) -> None:
    save_model(model, tmp_path, 2)
    weight_files(tmp_path)[1].unlink()
    with pytest.raises(InputError, match="cannot be read"):
        load_model(tmp_path, torch.device("cpu"))


@pytest.mark.parametrize(
    ("written", "read", "message"),
    [(True, False, "has weights beyond .*pointer_head.gate"), (False, True, "has not all weights of .*gate")],
)
def test_weights_of_another_configuration_are_refused(
    written: bool, read: bool, message: str, tmp_path: Path
) -> None:
    save_model(GeneScribeModel(GeneScribeConfig(width=96, boundary_gate=written)), tmp_path, 0)
    GeneScribeConfig(width=96, boundary_gate=read).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=message):
        load_model(tmp_path, torch.device("cpu"))


def test_a_tensor_that_fits_in_no_piece_is_told_with_what_would_do(
    model: GeneScribeModel, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"encoder\.potential.*--pieces-mib 2 at least"):
        save_model(model, tmp_path, 1)
    save_model(model, tmp_path, 2)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 250_000), min_size=1, max_size=12))
def test_any_tensors_come_back_from_pieces_of_a_mebibyte(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    tensors = {f"{i}/x": torch.arange(size, dtype=torch.float32) + i for i, size in enumerate(sizes)}
    names = save_pieces(tensors, folder, "optimizer.safetensors", 1)
    assert sorted(names) == sorted(file.name for file in folder.iterdir())
    assert max(file.stat().st_size for file in folder.iterdir()) <= MIB
    again = load_pieces(folder, "optimizer.safetensors")
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[name], tensors[name]) for name in tensors)
