"""Training on DNABERT-2: exact genes, exact resume, weights of a checkpoint, freezing, rates."""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from genescribe.annotation.predict import load_model, predict
from genescribe.annotation.tiling import tile
from genescribe.corpus.bpe import read_codes, train_bpe
from genescribe.corpus.reader import WindowSampler
from genescribe.corpus.store import Corpus
from genescribe.errors import InputError
from genescribe.genomes.load import load_genome
from genescribe.genomes.regions import Region
from genescribe.language.bpe import PAD, BpeTokenizer
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.dnabert2 import DnaBert2Config, DnaBert2ForMaskedLM
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.batches import encoder_positions, training_batches
from genescribe.training.bundle import bundle
from genescribe.training.config import TrainingConfig
from genescribe.training.initial import initial_model
from genescribe.training.loop import train
from genescribe.training.optimizers import make_optimizers
from genescribe.training.state import Position
from safetensors.torch import load_file

from tests.training.runs import TINY, make_run, metrics

WINDOW = 3072
SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
MODEL = {**TINY, "encoder": "dnabert2", "dropout": 0.0}
short_run = partial(make_run, model=MODEL, watched=False, tokens=4000, batch_tokens=620, precision="float32")


@pytest.fixture(scope="module")
def tokenizer(ecoli_corpus: Path) -> BpeTokenizer:
    return train_bpe(read_codes(ecoli_corpus), 512)


@pytest.fixture(scope="module")
def learnt(three_windows: Any, tokenizer: BpeTokenizer) -> GeneScribeModel:
    """A model that has learnt three windows by heart."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sizes = {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 96,
        "vocab_size": len(tokenizer),
        "hidden_dropout_prob": 0.0,
    }
    config = GeneScribeConfig(
        encoder="dnabert2", dnabert2=sizes, window=WINDOW, width=64, heads=2, channels=32, decoder_layers=1
    )
    model = GeneScribeModel(config, tokenizer)
    three_windows.teach(model, 70)
    return model


def test_three_real_windows_are_learnt_to_the_exact_genes(
    learnt: GeneScribeModel, three_windows: Any
) -> None:
    three_windows.check(learnt)


def test_genes_do_not_depend_on_the_batch_and_survive_saving(
    learnt: GeneScribeModel, ecoli: Path, tmp_path: Path
) -> None:
    genome = load_genome(ecoli)
    # The last window is a short one.
    region = [Region("NC_000913.2", 102_000, 111_000)]
    windows = tile(genome.sequences, genome.circular, WINDOW, WINDOW // 2, region)
    learnt.save_pretrained(tmp_path / "model")
    again = load_model(tmp_path / "model", torch.device("cpu"))
    apart, together = (
        list(predict(model, genome.sequences, genome.genetic_codes, windows, batch))
        for model, batch in ((learnt, 1), (again, 16))
    )
    assert len(windows) >= 5 and sum(len(one.genes) for one in apart) >= 5
    for one, other in zip(apart, together, strict=True):
        assert [gene.model for gene in one.genes] == [gene.model for gene in other.genes]
        assert [gene.logprob for gene in one.genes] == pytest.approx(
            [gene.logprob for gene in other.genes], abs=1e-4
        )


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped_and_counts_bpe_tokens(
    ecoli_corpus: Path, tokenizer: BpeTokenizer, tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.write(path)
    settings: dict[str, Any] = {"tokenizer": path, "ramp_start_tokens": 310, "ramp_tokens": 1500}
    model = {**MODEL, "dnabert2": SIZES}
    whole = short_run(ecoli_corpus, tmp_path / "whole", model=model, **settings)
    assert train(whole)
    parts = short_run(ecoli_corpus, tmp_path / "parts", model=model, **settings, max_seconds=1e-9)
    while not train(parts):
        assert not parts.out.exists()
    assert metrics(parts) == metrics(whole)
    assert (parts.out / "model.safetensors").read_bytes() == (whole.out / "model.safetensors").read_bytes()
    assert (whole.out / "tokenizer.json").read_text() == tokenizer.to_json()

    sampler = WindowSampler(Corpus.open(ecoli_corpus), MODEL["window"], 1, 0, tokenizer=tokenizer)
    batches = list(islice(training_batches(whole.training, sampler, Position(), 12), len(metrics(whole))))
    counts = np.cumsum([encoder_positions(batch, 12) for batch in batches])
    assert [line["tokens"] for line in metrics(whole)] == counts.tolist()
    sizes = [len(batch["valid"]) for batch in batches]
    assert sizes[0] == 1 and sizes[-1] == 2
    for batch in batches[:2]:
        for row, bases, valid in zip(batch["input_ids"], batch["input_bases"], batch["valid"], strict=True):
            assert int(bases.sum()) == int(valid) and not bases[row == PAD].any()


@pytest.fixture(scope="module")
def checkpoint(tokenizer: BpeTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of DNABERT-2 in the public layout, of random weights."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(8)
    config = DnaBert2Config(**SIZES, vocab_size=512, initializer_range=0.1)  # type: ignore[arg-type]
    model = DnaBert2ForMaskedLM(config)
    (folder / "config.json").write_text(json.dumps({**SIZES, "vocab_size": 512, "hidden_dropout_prob": 0.2}))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    tokenizer.write(folder / "tokenizer.json")
    return folder


def bert_weights(model: Path | dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of DNABERT-2 by their public names."""
    prefix = "encoder.bert."
    tensors = load_file(model / "model.safetensors") if isinstance(model, Path) else model
    return {
        f"bert.{name.removeprefix(prefix)}": tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


@pytest.mark.parametrize(
    ("settings", "frozen"),
    [
        ({"dnabert2_rate": 0.0}, ("bert.",)),
        ({"dnabert2_frozen_layers": 1}, ("bert.embeddings.", "bert.encoder.layer.0.")),
        ({"dnabert2_rate": 0.1, "optimizer": "muon"}, ()),
    ],
)
def test_a_new_model_takes_the_weights_of_a_checkpoint_and_trains_what_it_should(
    ecoli_corpus: Path, checkpoint: Path, tmp_path: Path, settings: dict[str, Any], frozen: tuple[str, ...]
) -> None:
    public = torch.load(checkpoint / "pytorch_model.bin", weights_only=True)
    run = short_run(ecoli_corpus, tmp_path, encoder=str(checkpoint), tokens=1400, **settings)
    model = initial_model(run)
    assert model.config.dnabert2 is not None and model.config.dnabert2["hidden_dropout_prob"] == 0.2
    before = bert_weights(model.state_dict())
    assert before.keys() == {name for name in public if name.startswith("bert.")}
    assert all(torch.equal(tensor, public[name]) for name, tensor in before.items())
    assert train(run)
    unused = "bert.embeddings.token_type_embeddings.weight"
    for name, tensor in bert_weights(run.out).items():
        if name != unused:
            assert torch.equal(tensor, public[name]) == name.startswith(frozen or "none"), name
    assert "DNABERT-2" in (run.out / "README.md").read_text()
    rates = {group["rate"] for one in make_optimizers(model, run.training) for group in one.param_groups}
    assert rates == {1.0, run.training.table_rate, *([0.1] if settings.get("dnabert2_rate") else [])}


def test_a_bundle_carries_checkpoint_or_tokenizer(
    ecoli_corpus: Path, checkpoint: Path, tmp_path: Path
) -> None:
    config = tmp_path / "settings.json"
    config.write_text(json.dumps({"training": {"tokens": 1}, "model": MODEL}))
    bundle(config, ecoli_corpus, None, None, tmp_path / "one", 0, encoder=str(checkpoint))
    names = ("config.json", "pytorch_model.bin", "tokenizer.json")
    assert {path.name for path in (tmp_path / "one" / "encoder").iterdir()} == set(names)
    assert "--encoder encoder " in (tmp_path / "one" / "run.sh").read_text()
    path = checkpoint / "tokenizer.json"
    bundle(config, ecoli_corpus, None, None, tmp_path / "two", 0, tokenizer=path)
    assert (tmp_path / "two" / "tokenizer.json").read_bytes() == path.read_bytes()
    assert "--tokenizer tokenizer.json " in (tmp_path / "two" / "run.sh").read_text()


def test_what_does_not_fit_together_is_refused(ecoli_corpus: Path, checkpoint: Path, tmp_path: Path) -> None:
    path = checkpoint / "tokenizer.json"
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "needs --tokenizer"),
        ({"model": TINY, "tokenizer": path}, "are for `encoder: dnabert2`"),
        ({"model": TINY, "dnabert2_rate": 0.5}, "are for `encoder: dnabert2`"),
        ({"encoder": str(checkpoint), "tokenizer": path}, "leave `model.dnabert2` and --tokenizer out"),
        ({"encoder": str(checkpoint), "dnabert2_frozen_layers": 3}, "must be at most 2"),
    )
    for more, message in cases:
        with pytest.raises(InputError, match=message):
            initial_model(short_run(ecoli_corpus, tmp_path, **more))
    with pytest.raises(InputError, match="must not be below 0"):
        TrainingConfig(tokens=1, dnabert2_rate=-1.0)


def test_runs_without_dnabert2_keep_their_key() -> None:
    decisive = TrainingConfig(tokens=1).decisive()
    assert not {"dnabert2_rate", "dnabert2_frozen_layers"} & set(decisive)
    assert TrainingConfig(tokens=1, dnabert2_rate=0.5).decisive()["dnabert2_rate"] == 0.5


def test_masked_bases_are_refused(ecoli_corpus: Path, tokenizer: BpeTokenizer, tmp_path: Path) -> None:
    tokenizer.write(tmp_path / "tokenizer.json")
    run = short_run(ecoli_corpus, tmp_path, tokenizer=tmp_path / "tokenizer.json", objective="masked")
    with pytest.raises(InputError, match="objective: masked needs `encoder: compact`"):
        train(run)
