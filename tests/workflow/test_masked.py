"""Masked language modelling, pre-training and fine-tuning, one after another, with a tiny model."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
LENGTH = 40_000
SPECIES = """\
name\tfasta\tgff\tdomain\tgenetic_code\tsplit\taugustus_species
tiny\tdata/genome.fna\tdata/annotation.gff3\tbacteria\t11\ttrain=tiny:1-30000;val=tiny:30001-40000\t
"""
CONFIG = """\
run: tiny
species: species.tsv
device: cpu
model: {window: 1536, width: 32, heads: 2, encoder_layers: 1, decoder_layers: 1, potential_channels: 8}
training:
  species_table: species.tsv
  threads: 1
  masked: {tokens: 1000, batch_tokens: 256, masked_fraction: 0.2, validation_windows: 2}
  pretrain: {tokens: 500, batch_tokens: 256, validation_windows: 2, decoded_windows: 0}
  finetune: {tokens: 500, batch_tokens: 256, validation_windows: 2, decoded_windows: 0}
annotation: {model: finetune, stride: 1536}
"""
RUN = ("pretrain_all", "--cores", "1", "--configfile", "tiny.yaml")


@pytest.fixture(scope="module")
def folder(tiny_project: Callable[[int, str, str], Path]) -> Path:
    """A checkout with 40 kb of the bundled *E. coli*."""
    return tiny_project(LENGTH, SPECIES, CONFIG)


def test_the_stage_comes_first_and_reads_the_shards_of_pretraining(
    folder: Path, snakemake: Snakemake
) -> None:
    result = snakemake("-n", *RUN, folder=folder)
    assert result.returncode == 0, result.stdout
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", result.stdout, re.MULTILINE))
    # train and val of pre-training and of fine-tuning
    assert (jobs["train"], jobs["shards"]) == ("3", "4")
    assert "corpus/tiny/masked" not in result.stdout


def test_without_the_key_there_is_no_such_stage(folder: Path, snakemake: Snakemake) -> None:
    text = "".join(line for line in CONFIG.splitlines(keepends=True) if "masked:" not in line)
    (folder / "plain.yaml").write_text(text)
    result = snakemake("-n", *RUN[:-1], "plain.yaml", folder=folder)
    assert result.returncode == 0, result.stdout
    assert "Train: pretrain" in result.stdout and "Train: masked" not in result.stdout


@pytest.mark.slow
def test_each_stage_starts_from_the_one_before(folder: Path, snakemake: Snakemake) -> None:
    result = snakemake(*RUN, folder=folder)
    assert result.returncode == 0, result.stdout
    models = folder / "results" / "models" / "tiny"
    settings = {stage: json.loads((models / f"{stage}.json").read_text()) for stage in ("masked", "pretrain")}
    assert settings["masked"]["model"]["width"] == 32 and "model" not in settings["pretrain"]
    assert settings["masked"]["training"]["objective"] == "masked"
    made = json.loads((models / "finetune" / "training.json").read_text())
    before = made["initial"]["initial"]
    assert before["training"]["masked_fraction"] == 0.2 and before["initial"] is None
    assert "objective" not in made["training"] and "objective" not in made["initial"]["training"]
    *_, last = map(json.loads, (models / "masked" / "metrics.jsonl").read_text().splitlines())
    assert last["event"] == "val" and {"masked_loss", "masked_accuracy", "markov_loss"} <= last.keys()
    again = snakemake("-n", *RUN, folder=folder)
    assert "Nothing to be done" in again.stdout
