"""Windows decoded by several processes: the same genes, and mistakes reach the user."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.processes import FORK_SERVER
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


def test_the_server_can_be_asked_for_before_torch_is_there() -> None:
    code = (
        "import sys\n"
        "from multiprocessing import forkserver\n"
        "from genescribe.annotation.processes import start_server\n"
        "start_server(2, 'cpu')\n"
        "assert 'torch' not in sys.modules\n"
        "print(forkserver._forkserver._forkserver_pid is not None)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    has_server = FORK_SERVER in multiprocessing.get_all_start_methods()
    assert run.stdout.strip() == str(has_server)


def test_a_folder_without_a_model_is_a_mistake(tmp_path: Path) -> None:
    sequences = {"one": "ACGT" * 300}
    windows = tile(sequences, (), WINDOW)
    with pytest.raises(InputError, match="not a model folder"):
        next(predict_with_workers(tmp_path, "cpu", sequences, {"one": 11}, windows, 1, 1))
