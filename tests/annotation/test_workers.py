"""Windows decoded by several processes: the same genes, and mistakes reach the user."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from genescribe.annotation.model_folder import read_model_folder
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.processes import process_context
from genescribe.annotation.tiling import tile
from genescribe.annotation.workers import predict_with_workers
from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta
from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

WINDOW = 768


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt nothing, but is not silent."""
    torch.manual_seed(3)
    config = GeneScribeConfig(
        window=WINDOW, width=32, heads=2, encoder_layers=1, decoder_layers=1, channels=16
    )
    model = GeneScribeModel(config)
    with torch.no_grad():
        model.token_head.bias[vocabulary.EOS] -= 20
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    return folder


def test_several_processes_write_what_one_writes(folder: Path, ecoli: Path) -> None:
    bases = read_fasta(ecoli / "genome.fna")["NC_000913.2"].sequence
    sequences = {"one": bases[:6_000], "two": bases[10_000:11_000]}
    windows = tile(sequences, (), WINDOW)

    def predictions(workers: int) -> list[WindowPrediction]:
        codes = dict.fromkeys(sequences, 11)
        return list(predict_with_workers(folder, "cpu", sequences, codes, windows, 2, workers))

    one, two = predictions(1), predictions(2)
    assert [prediction.window for prediction in two] == windows
    assert sum(len(prediction.genes) for prediction in one) > 20
    for first, second in zip(one, two, strict=True):
        assert [gene.model for gene in first.genes] == [gene.model for gene in second.genes]
        assert [gene.logprob for gene in first.genes] == pytest.approx(
            [gene.logprob for gene in second.genes], abs=1e-4
        )


@pytest.mark.parametrize("command", ["annotate", "predict", "calibrate"])
def test_who_asks_for_workers_does_not_import_torch(
    command: str, folder: Path, ecoli: Path, tmp_path: Path
) -> None:
    """Torch takes seconds and hundreds of megabytes, which only the processes that decode should spend."""
    out = tmp_path / "out"
    arguments = {
        "annotate": [str(ecoli / "genome.fna"), "--min-score", "0"],
        "predict": ["--genome", str(ecoli)],
        "calibrate": ["--genome", str(ecoli)],
    }[command]
    region = tmp_path / "region.bed"
    region.write_text("NC_000913.2\t0\t3000\n")
    code = (
        "import sys\n"
        "from genescribe.cli import app\n"
        f"app({[command, *arguments, '--model', str(folder), '--regions', str(region), '--out', str(out)]!r},"
        " standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert out.is_file()


def test_there_is_no_server_where_torch_does_not_survive_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert process_context().get_start_method() == "spawn"


def test_a_damaged_model_is_a_mistake_of_one_line(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"no weights")
    sequences = {"one": "ACGT" * 300}
    windows = tile(sequences, (), WINDOW)
    with pytest.raises(InputError, match="model: this model cannot be read"):
        next(predict_with_workers(tmp_path / "model", "cpu", sequences, {"one": 11}, windows, 1, 1))


def test_a_folder_without_a_model_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        read_model_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"config\.json: this model cannot be read"):
        read_model_folder(tmp_path)
