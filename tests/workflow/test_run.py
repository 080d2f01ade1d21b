"""The whole workflow on 120 kb of the bundled *E. coli*, with every real program and a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
LENGTH = 120_000
SPECIES = """\
name\tfasta\tgff\tdomain\tgenetic_code\tsplit\taugustus_species
tiny\tdata/genome.fna\tdata/annotation.gff3\tbacteria\t11\t{split}\tE_coli_K12
bare\tdata/genome.fna\t\tbacteria\t11\tannotate\t
"""
SPLIT = "train=tiny:1-70000;val=tiny:70001-80000;test=tiny:80001-120000"
CONFIG = """\
run: tiny
species: species.tsv
device: cpu
model: {window: 1536, width: 32, heads: 2, encoder_layers: 1, decoder_layers: 1, potential_channels: 8}
training:
  species_table: species.tsv
  threads: 1
  pretrain: {tokens: 2000, batch_tokens: 256, validate_every_tokens: 1000, validation_windows: 2}
  finetune: {tokens: 500, batch_tokens: 256, validate_every_tokens: 500, validation_windows: 2}
annotation: {model: finetune, stride: 1536, batch: 32, chunks: 2}
benchmark: {controls: [random_weights, dense_orf]}
"""
RUN = ("--cores", "2", "--configfile", "tiny.yaml")
PREDICTORS = {"genescribe", "augustus", "prodigal", "random_weights", "dense_orf"}


@pytest.fixture(scope="module")
def finished(tiny_project: Callable[[int, str, str], Path], snakemake: Snakemake) -> Path:
    """Folder of a finished run."""
    folder = tiny_project(LENGTH, SPECIES.format(split=SPLIT), CONFIG)
    result = snakemake(*RUN, folder=folder)
    assert result.returncode == 0, result.stdout
    # A person at the console sees how far training is.
    assert "training: 2.0k tokens" in result.stdout
    return folder


def test_everything_is_written(finished: Path) -> None:
    results = finished / "results"
    for species in ("tiny", "bare"):
        for name in (
            *(f"genescribe.{suffix}" for suffix in ("gff3", "gtf", "bed", "tsv")),
            *("proteins.faa", "cds.fna", "summary.json", "counts.json"),
        ):
            assert (results / "annotation" / species / name).is_file()
    for stage in ("pretrain", "finetune"):
        metrics = (results / "models" / "tiny" / stage / "metrics.jsonl").read_text().splitlines()
        assert {json.loads(line)["event"] for line in metrics} == {"train", "val"}
    assert "<html" in (results / "report" / "tiny.html").read_text()
    assert not (results / "benchmark" / "bare" / "scores.tsv").exists(), (
        "there is nothing to score it against"
    )


def test_scores_have_all_rows(finished: Path) -> None:
    table = json.loads((finished / "results" / "benchmark" / "tiny" / "scores.json").read_text())
    assert {row["predictor"] for row in table["scores"]} == PREDICTORS
    exact = {
        row["predictor"]: metric
        for row in table["scores"]
        for metric in row["metrics"]
        if (metric["metric"], metric["class"]) == ("three_prime", "all")
    }
    assert {metric["reference"] for metric in exact.values()} == {exact["augustus"]["reference"]}
    # The genes of 40 kb of E. coli: other programs find nearly all of them here, too.
    assert exact["augustus"]["reference"] >= 25
    assert exact["augustus"]["f1"] > 0.8
    assert exact["prodigal"]["f1"] > 0.8


def test_no_gene_lies_outside_the_test_region(finished: Path) -> None:
    for name in (
        "annotation/tiny/genescribe.gff3",
        "benchmark/tiny/augustus.gff3",
        "benchmark/tiny/prodigal.gff3",
    ):
        for line in (finished / "results" / name).read_text().splitlines():
            cells = line.split("\t")
            if len(cells) == 9 and cells[2] == "gene":
                assert int(cells[4]) > 80_000


def test_every_job_leaves_log_and_run_time(finished: Path) -> None:
    logs = {
        path.relative_to(finished / "results/logs").with_suffix("")
        for path in finished.rglob("results/logs/*/*.log")
    }
    times = {
        path.relative_to(finished / "results/benchmarks").with_suffix("")
        for path in finished.rglob("results/benchmarks/*/*.tsv")
    }
    assert logs == times
    assert {str(path.parent) for path in logs} >= {
        "normalize",
        "train",
        "predict",
        "augustus",
        "score",
        "write_report",
    }


def test_second_run_has_nothing_to_do(finished: Path, snakemake: Snakemake) -> None:
    result = snakemake(*RUN, folder=finished)
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout


def test_touching_every_file_reruns_nothing(finished: Path, snakemake: Snakemake) -> None:
    touched = 0
    for folder, folders, files in os.walk(finished):
        folders[:] = [name for name in folders if name not in (".snakemake", "results")]
        for name in files:
            os.utime(Path(folder) / name)
            touched += 1
    assert touched > 50
    result = snakemake("-n", *RUN, folder=finished)
    assert "Nothing to be done" in result.stdout, result.stdout


@pytest.mark.parametrize(
    ("module", "rerun", "kept"),
    [
        (
            "benchmark/scorer.py",
            {"calibrate", "stitch", "score", "score_table", "compare_programs", "write_report"},
            {"train", "predict", "augustus"},
        ),
        ("annotation/stitch.py", {"stitch", "stitch_control", "score"}, {"train", "predict", "augustus"}),
        (
            "training/schedule.py",
            {"train", "predict", "stitch", "score"},
            {"shards", "augustus", "normalize"},
        ),
    ],
)
def test_changed_code_reruns_what_depends_on_it(
    module: str, rerun: set[str], kept: set[str], finished: Path, snakemake: Snakemake
) -> None:
    path = finished / "workflow" / "scripts" / "genescribe" / module
    text = path.read_text()
    path.write_text(text + "\n# changed\n")
    try:
        result = snakemake("-n", "--quiet", "host", "reason", *RUN, folder=finished)
    finally:
        path.write_text(text)
    jobs = result.stdout.partition("Job stats:")[2].partition("\n\n")[0]
    names = {line.split()[0] for line in jobs.splitlines() if line and line.split()[-1].isdecimal()}
    assert rerun <= names
    assert not kept & names
