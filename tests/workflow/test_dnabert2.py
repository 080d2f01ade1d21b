"""`encoder: dnabert2` from sequence to GFF3: tokenizer, shards, training, annotation, with a tiny model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.genomes.gff3 import read_gff3
from genescribe.language.bpe import BpeTokenizer

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
LENGTH = 40_000
SPECIES = """\
name\tfasta\tgff\tdomain\tgenetic_code\tsplit\taugustus_species
tiny\tdata/genome.fna\tdata/annotation.gff3\tbacteria\t11\ttrain=tiny:1-30000;test=tiny:30001-40000\t
"""
CONFIG = """\
run: tiny
species: species.tsv
device: cpu
model:
  encoder: dnabert2
  dnabert2: {hidden_size: 24, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 48}
  window: 1536
  width: 32
  heads: 2
  decoder_layers: 1
  potential_channels: 8
training:
  species_table: species.tsv
  bpe_tokens: 256
  threads: 1
  pretrain: {tokens: 4000, batch_tokens: 700, decoded_windows: 0, precision: float32}
annotation: {model: pretrain, stride: 1536, batch: 8, chunks: 1}
"""
GENES = "results/annotation/tiny/genescribe.gff3"
RUN = (GENES, "--cores", "1", "--configfile", "tiny.yaml")


@pytest.fixture(scope="module")
def folder(tiny_project: Callable[[int, str, str], Path]) -> Path:
    """A checkout with 40 kb of the bundled *E. coli*."""
    return tiny_project(LENGTH, SPECIES, CONFIG)


def test_from_sequence_to_gff3(folder: Path, snakemake: Snakemake) -> None:
    result = snakemake(*RUN, folder=folder)
    assert result.returncode == 0, result.stdout
    models = folder / "results" / "models" / "tiny"
    tokenizer = BpeTokenizer.read(models / "tokenizer.json")
    assert len(tokenizer) == 256
    assert (models / "pretrain" / "tokenizer.json").read_bytes() == (models / "tokenizer.json").read_bytes()
    config = json.loads((models / "pretrain" / "config.json").read_text())
    assert config["encoder"] == "dnabert2"
    assert config["dnabert2"] == {
        "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48,
        "vocab_size": 256,
    }  # fmt: skip
    steps = [json.loads(line) for line in (models / "pretrain" / "metrics.jsonl").read_text().splitlines()]
    # BPE tokens are counted: of such a tokenizer some three or four bases each.
    assert steps[-1]["tokens"] >= 4000
    assert 3 < steps[-1]["bases"] / steps[-1]["tokens"] < 4.5
    assert (folder / GENES).read_text().startswith("##gff-version 3")
    for gene in read_gff3(folder / GENES, {"tiny": LENGTH}).genes:
        assert gene.start >= 30_000
    again = snakemake("-n", *RUN, folder=folder)
    assert "Nothing to be done" in again.stdout


def test_sizes_without_the_encoder_are_refused(folder: Path, snakemake: Snakemake) -> None:
    result = snakemake("-n", *RUN, "--config", "model={encoder: compact}", folder=folder)
    assert result.returncode != 0
    assert "model.dnabert2: these sizes need model.encoder: dnabert2" in result.stdout
