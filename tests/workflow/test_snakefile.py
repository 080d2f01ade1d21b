"""The form of the workflow, and what it plans without running anything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from genescribe.workflow.species import Species, read_species

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
HEADING = re.compile(r"^(?:rule \w+:|use rule \w+ as \w+ with:)$", re.MULTILINE)


def rules() -> dict[str, str]:
    """Text of every rule by its name."""
    found = {}
    for path in RULE_FILES:
        text = path.read_text()
        starts = [heading.start() for heading in HEADING.finditer(text)] + [len(text)]
        for start, end in pairwise(starts):
            found[re.findall(r"\w+", text[start:end].partition(":")[0].removesuffix(" with"))[-1]] = text[
                start:end
            ]
    return found


RULES = rules()
# A run that trains the model it annotates with.
OWN_WEIGHTS = "annotation={model: finetune}"


def planned(output: str) -> dict[str, int]:
    """Job counts of a dry run."""
    table = output.partition("Job stats:")[2].partition("\n\n")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def test_files_are_short() -> None:
    assert len((ROOT / "workflow" / "Snakefile").read_text().splitlines()) < 80
    for path in RULE_FILES:
        assert 20 <= len(path.read_text().splitlines()) <= 150, path


def test_one_rule_file_a_phase() -> None:
    phases = {"genomes", "corpus", "training", "annotation", "benchmark", "report"}
    # What needs a network stands apart from the rest of its phase.
    assert {path.stem for path in RULE_FILES} == {*phases, "common", "download"}


@pytest.mark.parametrize("name", RULES)
def test_rule_is_complete(name: str) -> None:
    text = RULES[name]
    words = {"message", "output", "log", "benchmark"}
    if text.startswith("rule"):
        words |= {"conda", "threads", "resources", "params", "shell"} - (
            {"params"} if "params" not in text else set()
        )
        assert re.search(r"\bmem_mb=", text) and re.search(r"\bruntime=", text)
    assert {word for word in words if not re.search(rf"^    {word}:", text, re.MULTILINE)} == set()
    documentation = re.search(r'"""(.*?)"""', text, re.DOTALL)
    assert documentation is not None
    assert "Inputs:" in documentation.group(1) and "Outputs:" in documentation.group(1)
    # Code is an input: a change of it reruns the job. `script:` would miss the modules that a file imports.
    if "python -m genescribe" in text:
        assert re.search(r"^        code=(ancient\()?code\(", text, re.MULTILINE)
    assert not re.search(r"^    (script|run):", text, re.MULTILINE)


def test_min_version_is_in_the_channels(root: Path) -> None:
    text = (root / "workflow" / "Snakefile").read_text()
    found = re.search(r'min_version\("(\d+)\.(\d+)"\)', text)
    assert found is not None
    assert (9, 0) <= (int(found.group(1)), int(found.group(2))) <= (9, 22)


def test_demo_is_planned(snakemake: Snakemake) -> None:
    result = snakemake("-n", "--cores", "2", "--configfile", "config/demo.yaml")
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["train"] == jobs["calibrate"] == 1
    assert jobs["predict"] == 4
    assert jobs["score"] == 6
    assert jobs["write_report"] == 1


@pytest.fixture(scope="module")
def training_table(schemas: Path) -> list[Species]:
    table = read_species(ROOT / "config/training_species.tsv", schemas / "species.schema.yaml")
    return list(table.values())


def test_default_run_is_planned(snakemake: Snakemake) -> None:
    result = snakemake("-n", "--cores", "2")
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert jobs["stitch"] == jobs["score_table"] == jobs["write_report"] == 1


def test_accuracy_is_planned(snakemake: Snakemake) -> None:
    command = "accuracy --cores 2 --configfile config/accuracy.yaml"
    result = snakemake(*command.split(), "-n", "-p")
    assert result.returncode == 0, result.stdout
    assert f"snakemake {command}" in result.stdout, "the page does not tell the command that made it"
    jobs = planned(result.stdout)
    assert jobs["download"] == jobs["predict"] == jobs["augustus"] == jobs["prodigal"] == 4
    assert jobs["score"] == 24
    assert jobs["accuracy_page"] == 1


def test_full_run_is_planned(snakemake: Snakemake, training_table: list[Species]) -> None:
    result = snakemake("-n", "--cores", "2", "--config", OWN_WEIGHTS)
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    learned = [one for one in training_table if one.has("train") or one.has("val")]
    assert jobs["download"] == len(learned) > 20
    assert jobs["normalize"] == len(learned) + 1
    assert jobs["augustus"] == jobs["prodigal"] == jobs["score_table"] == 1


def test_test_genomes_of_the_training_table_are_planned(
    snakemake: Snakemake, training_table: list[Species]
) -> None:
    result = snakemake("-n", "--cores", "2", "--config", "species=config/training_species.tsv", OWN_WEIGHTS)
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    tested = [one for one in training_table if one.has("test")]
    assert jobs["download"] == len(training_table)
    assert jobs["stitch"] == jobs["score_table"] == len(tested) >= 4
    assert jobs["augustus"] == len([one for one in tested if one.augustus_species])
    # A eukaryote is no case for Prodigal.
    assert jobs["prodigal"] == len([one for one in tested if one.kind == "prokaryote"]) < len(tested)


@pytest.mark.parametrize(
    ("target", "with_jobs", "without_jobs"),
    [
        ("annotate", {"train", "predict", "stitch"}, {"augustus", "score", "write_report"}),
        ("benchmark", {"predict", "augustus", "score_table"}, {"write_report"}),
        ("report", {"train", "score", "write_report"}, {"score_table"}),
        ("accuracy", {"score", "augustus", "accuracy_page"}, {"score_table", "write_report"}),
        ("pretrain_all", {"download", "shards", "train"}, {"predict", "augustus"}),
    ],
)
def test_targets(target: str, with_jobs: set[str], without_jobs: set[str], snakemake: Snakemake) -> None:
    result = snakemake("-n", "--config", OWN_WEIGHTS, "--cores", "2", target)
    assert result.returncode == 0, result.stdout
    jobs = set(planned(result.stdout))
    assert with_jobs <= jobs
    assert not without_jobs & jobs


def test_workflow_snakefile_stands_alone(snakemake: Snakemake) -> None:
    result = snakemake("-n", "--cores", "2", "--snakefile", "workflow/Snakefile")
    assert result.returncode == 0, result.stdout
    assert planned(result.stdout)["all"] == 1


def test_cluster_profile_is_read(snakemake: Snakemake) -> None:
    result = snakemake("-n", "--profile", "profiles/slurm", "--config", OWN_WEIGHTS)
    assert result.returncode == 0, result.stdout
    assert planned(result.stdout)["train"] == 2


def test_model_of_another_run_needs_no_training(snakemake: Snakemake, checkout: Path) -> None:
    folder = checkout / "weights"
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    result = snakemake("-n", "--cores", "2", "--config", "annotation={model: weights}")
    assert result.returncode == 0, result.stdout
    jobs = planned(result.stdout)
    assert not {"train", "shards", "download"} & set(jobs)
    assert jobs["stitch"] == 1


def test_fine_tuning_of_another_model_needs_no_pretraining(snakemake: Snakemake, checkout: Path) -> None:
    folder = checkout / "weights"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text('{"introns": true}')
    (folder / "model.safetensors").write_text("{}")
    result = snakemake(
        "-n", "pretrain_all", "--cores", "2", "--config", "training={initial: weights}", OWN_WEIGHTS
    )
    assert result.returncode == 0, result.stdout
    assert planned(result.stdout)["train"] == 1
    assert "Train: finetune" in result.stdout and "Train: pretrain" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "runs=a"], "configuration: unknown key runs; did you mean run?"),
        (["--config", "species=config/none.tsv"], "config/none.tsv: no such file"),
        (
            ["--config", "training={threads: many}"],
            "configuration: training.threads: 'many' is not a whole number",
        ),
    ],
)
def test_mistake_is_one_line_without_traceback(
    arguments: list[str], message: str, snakemake: Snakemake
) -> None:
    result = snakemake("-n", "--cores", "2", *arguments)
    assert result.returncode == 1
    assert [line for line in result.stdout.splitlines() if line.startswith(message)]
    assert "Traceback" not in result.stdout
