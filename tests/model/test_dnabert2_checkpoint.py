"""Reading checkpoints of DNABERT-2: both layouts, the hub, and everything that is not one."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from genescribe.errors import InputError
from genescribe.model.dnabert2 import DnaBert2Config, DnaBert2ForMaskedLM, DnaBert2Model
from genescribe.model.dnabert2_checkpoint import PUBLIC, HubCheckpoint, download
from safetensors.torch import load_file, save_file
from torch import Tensor

SIZES: dict[str, Any] = {
    "vocab_size": 12,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
IDS = torch.tensor([[1, 5, 6, 7, 2]])


@pytest.fixture
def model() -> DnaBert2ForMaskedLM:
    torch.manual_seed(2)
    return DnaBert2ForMaskedLM(DnaBert2Config(**SIZES)).eval()


@pytest.fixture
def folder(model: DnaBert2ForMaskedLM, tmp_path: Path) -> Path:
    """A checkpoint in the public layout: config.json that names code, and tied weights in a pickle."""
    out = tmp_path / "checkpoint"
    out.mkdir()
    settings = {**SIZES, "auto_map": {"AutoModel": "bert_layers.BertModel"}, "pad_token_id": 0}
    (out / "config.json").write_text(json.dumps(settings))
    torch.save(model.state_dict(), out / "pytorch_model.bin")
    return out


def change(folder: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the weights of a checkpoint."""
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    edit(weights)
    torch.save(weights, folder / "pytorch_model.bin")


@torch.no_grad()
def test_both_files_of_weights_give_the_same_model(model: DnaBert2ForMaskedLM, folder: Path) -> None:
    expected = model(IDS)
    pickled = DnaBert2ForMaskedLM.from_pretrained(folder)
    assert torch.equal(pickled(IDS).logits, expected.logits)
    assert pickled.config.pad_token_id == 3 and not hasattr(pickled.config, "auto_map")
    save_file(
        {name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors"
    )
    (folder / "pytorch_model.bin").unlink()
    assert torch.equal(DnaBert2ForMaskedLM.from_pretrained(folder)(IDS).logits, expected.logits)
    encoder = DnaBert2Model.from_pretrained(str(folder))
    assert torch.equal(encoder(IDS).last_hidden_state, model.bert(IDS).last_hidden_state)
    assert not encoder.training and encoder.dtype == torch.float32


@torch.no_grad()
def test_what_is_saved_is_the_public_layout_and_reads_again(
    model: DnaBert2ForMaskedLM, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "whole")
    assert load_file(tmp_path / "whole" / "model.safetensors").keys() == model.state_dict().keys()
    again = DnaBert2ForMaskedLM.from_pretrained(tmp_path / "whole")
    assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert again.cls.predictions.decoder.weight is again.bert.embeddings.word_embeddings.weight
    model.bert.save_pretrained(tmp_path / "encoder")
    encoder = DnaBert2Model.from_pretrained(tmp_path / "encoder")
    assert torch.equal(encoder(IDS).last_hidden_state, model.bert(IDS).last_hidden_state)
    with pytest.raises(InputError, match=r"missing: bert\.embeddings"):
        DnaBert2ForMaskedLM.from_pretrained(tmp_path / "encoder")


WO = "bert.encoder.layer.0.mlp.wo.weight"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda w: w.pop(WO), r"missing: .*layer\.0\.mlp\.wo\.weight"),
        (
            lambda w: w.update({"bert.pooler.dense.bias": torch.zeros(8)}),
            r"does not have: .*pooler\.dense\.bias",
        ),
        (
            lambda w: w.update({WO: torch.zeros(8, 15)}),
            r"layer\.0\.mlp\.wo\.weight is \(8, 15\), not \(8, 16\)",
        ),
    ],
)
def test_missing_surplus_and_misshapen_keys_are_named(
    folder: Path, edit: Callable[[dict[str, Tensor]], object], message: str
) -> None:
    change(folder, edit)
    for kind in (DnaBert2ForMaskedLM, DnaBert2Model):
        with pytest.raises(InputError, match=message):
            kind.from_pretrained(folder)


def test_the_head_is_left_out_for_the_encoder_alone(folder: Path) -> None:
    change(folder, lambda weights: weights.pop("cls.predictions.decoder.bias"))
    DnaBert2Model.from_pretrained(folder)
    with pytest.raises(InputError, match=r"missing: cls\.predictions\.decoder\.bias"):
        DnaBert2ForMaskedLM.from_pretrained(folder)


def test_a_decoder_that_is_not_the_embeddings_is_refused(folder: Path) -> None:
    change(folder, lambda weights: weights.update({"cls.predictions.decoder.weight": torch.zeros(12, 8)}))
    with pytest.raises(InputError, match=r"decoder\.weight differs from bert\.embeddings"):
        DnaBert2ForMaskedLM.from_pretrained(folder)


class Bomb:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.write_text, (self.path, "boom")


def test_a_pickle_that_runs_code_is_refused_and_runs_nothing(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    torch.save({"weight": Bomb(victim)}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="not a file of weights alone"):
        DnaBert2Model.from_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(victim)))
    with pytest.raises(InputError, match="not a file of weights alone"):
        DnaBert2Model.from_pretrained(folder)
    assert not victim.exists()
    torch.save({"step": 3}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="must hold tensors by name"):
        DnaBert2Model.from_pretrained(folder)


def test_what_is_no_checkpoint_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        DnaBert2Model.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"must hold config\.json"):
        DnaBert2Model.from_pretrained(tmp_path)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(InputError, match=r"must hold model\.safetensors or pytorch_model\.bin"):
        DnaBert2Model.from_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="not a file of weights"):
        DnaBert2Model.from_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**SIZES, "hidden_size": "8"}))
    with pytest.raises(InputError, match="hidden_size must be a whole number"):
        DnaBert2Model.from_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**SIZES, "num_attention_heads": 3}))
    with pytest.raises(InputError, match="multiple of num_attention_heads"):
        DnaBert2Model.from_pretrained(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        DnaBert2Model.from_pretrained(folder)


class _Hub(BaseHTTPRequestHandler):
    """Answers as huggingface.co does for files of a repository."""

    files: dict[str, bytes]
    asked: list[str]

    def _answer(self) -> bytes:
        self.asked.append(f"{self.command} {self.path}")
        content = self.files.get(self.path)
        self.send_response(200 if content is not None else 404)
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
            content = b""
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", PUBLIC.revision)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return content

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def log_message(self, format: str, *arguments: object) -> None:
        """Tests need no log."""


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A hub on the loopback interface that has the checkpoint; its address, and what it was asked."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    files = {
        f"/{PUBLIC.name}/resolve/{PUBLIC.revision}/{path.name}": path.read_bytes()
        for path in folder.iterdir()
    }
    asked: list[str] = []
    handler = type("Handler", (_Hub,), {"files": files, "asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


@torch.no_grad()
def test_the_hub_is_asked_for_the_pinned_revision_and_digests_are_checked(
    hub: tuple[str, list[str]], model: DnaBert2ForMaskedLM, folder: Path, tmp_path: Path
) -> None:
    address, asked = hub
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    pinned = HubCheckpoint(PUBLIC.name, PUBLIC.revision, digests)
    found = download(pinned, address, tmp_path / "cache")
    assert torch.equal(DnaBert2ForMaskedLM.from_pretrained(found)(IDS).logits, model(IDS).logits)
    assert all(f"/{PUBLIC.revision}/" in one for one in asked) and len(asked) >= 2
    # What is there is not fetched again, but checked again.
    before = len(asked)
    weights = (found / "pytorch_model.bin").resolve()
    assert download(pinned, address, tmp_path / "cache") == found
    assert len(asked) == before
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="its SHA-256 is"):
        download(pinned, address, tmp_path / "cache")


def test_other_bytes_and_missing_files_of_the_hub_are_refused(
    hub: tuple[str, list[str]], tmp_path: Path
) -> None:
    other = HubCheckpoint(PUBLIC.name, PUBLIC.revision, {"pytorch_model.bin": "0" * 64})
    with pytest.raises(InputError, match=f"not {'0' * 64}"):
        download(other, hub[0], tmp_path / "cache")
    absent = HubCheckpoint(PUBLIC.name, PUBLIC.revision, {"absent.bin": "0" * 64})
    with pytest.raises(InputError, match=r"absent\.bin cannot be downloaded"):
        download(absent, hub[0], tmp_path / "cache")


@pytest.mark.reference
def test_pinned_digests_are_those_of_the_public_files(dnabert2_reference: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        content = (dnabert2_reference / "hub_layout" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == PUBLIC.digests[name]
