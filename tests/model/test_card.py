"""The model card says what the files beside it say, and the hub can read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from genescribe.model.card import origin, write_card
from huggingface_hub import ModelCard

VAL = {"event": "val", "step": 2, "tokens": 900, "bases": 10_800, "loss": 1.5, "pointer_accuracy": 0.75}
TRAIN = {"event": "train", "step": 3, "tokens": 1234, "bases": 14_808, "loss": 1.0}


@pytest.fixture
def folder(ecoli_corpus: Path, tmp_path: Path) -> Path:
    first, second = tmp_path / "pretrained", tmp_path / "model"
    for place in (first, second):
        place.mkdir()
        made = origin({"tokens": 5000}, {"train": "ab12"}, ecoli_corpus, first if place == second else None)
        (place / "training.json").write_text(json.dumps(made))
        (place / "config.json").write_text(
            json.dumps({"window": 6144, "introns": False, "genetic_codes": [4, 11]})
        )
        (place / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in (VAL, TRAIN)))
    return second


def test_the_card_names_species_digests_tokens_and_figures(folder: Path) -> None:
    write_card(folder, 1_234_567)
    text = (folder / "README.md").read_text()
    for said in (
        "1,234,567 parameters", "windows of 6144 bases", "without introns",
        "genetic code (NCBI number) 4, 11.",
        "1. Up to 5,000 tokens of ecoli (prokaryote, 60,000 bases,",
        "2. Up to 5,000 tokens of the same genomes.",
        "train `ab12`", "1,234 tokens (encoder positions), 14,808 bases", "after 900 tokens",
        "| loss, all parts | 1.5000 |", "## Limits", "## Licence",
    ):  # fmt: skip
        assert said in text, said


def test_a_release_says_when_how_good_and_what_its_scores_are(folder: Path) -> None:
    write_card(folder, 7)
    plain = (folder / "README.md").read_text()
    assert "the model's own probability" in plain
    assert "Released" not in plain and "whole genomes" not in plain
    config = json.loads((folder / "config.json").read_text())
    calibration = {"fitted_on": ["Vibrio_cholerae", "Old_one"], "stops_alone": ["Old_one"]}
    (folder / "config.json").write_text(json.dumps({**config, "calibration": calibration}))
    write_card(folder, 7, "2026-11-25", "| a | table |")
    text = (folder / "README.md").read_text()
    assert "Released on 2026-11-25." in text
    assert "## Accuracy on whole genomes\n\n| a | table |\n\n## Limits" in text
    assert "exactly right, fitted on Vibrio cholerae; elsewhere it may be off." in text
    assert "Which genes are written was learnt on Old one, too." in text


def test_figures_of_the_last_stage_are_not_passed_off_as_those_of_a_mean(folder: Path) -> None:
    made = json.loads((folder / "training.json").read_text())
    (folder / "training.json").write_text(json.dumps({**made, "averaged_with": ["cd34", "ef56"]}))
    write_card(folder, 7)
    text = (folder / "README.md").read_text()
    assert "The weights are the mean of those that it gave and of those with SHA-256 `cd34`, `ef56`." in text
    assert "Before the mean was taken. Windows of the validation corpus" in text
    assert not ModelCard.load(folder / "README.md").data.eval_results


def test_a_mean_that_a_stage_started_from_is_told_with_the_stage_before(folder: Path) -> None:
    made = json.loads((folder / "training.json").read_text())
    made["initial"]["averaged_with"] = ["cd34"]
    (folder / "training.json").write_text(json.dumps(made))
    write_card(folder, 7)
    text = (folder / "README.md").read_text()
    first, second = (line for line in text.splitlines() if "Up to 5,000 tokens" in line)
    assert first.endswith("The weights are the mean of those that it gave and of those with SHA-256 `cd34`.")
    assert "the mean" not in second and "Before the mean" not in text


def test_a_deepened_encoder_is_told_with_the_stage_before(folder: Path) -> None:
    made = json.loads((folder / "training.json").read_text())
    made["initial"]["grown_to_encoder_layers"] = 6
    (folder / "training.json").write_text(json.dumps(made))
    write_card(folder, 7)
    text = (folder / "README.md").read_text()
    first, second = (line for line in text.splitlines() if "Up to 5,000 tokens" in line)
    assert first.endswith("Then the encoder was deepened to 6 layers, the new ones adding nothing yet.")
    assert "deepened" not in second


def test_the_hub_reads_the_front_matter(folder: Path) -> None:
    write_card(folder, 7)
    data = ModelCard.load(folder / "README.md").data
    assert (data.license, data.library_name) == ("mit", "transformers")
    assert "gene-prediction" in data.tags
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.75)


def test_the_same_folder_gives_the_same_bytes_and_no_validation_is_said(folder: Path) -> None:
    write_card(folder, 7)
    first = (folder / "README.md").read_bytes()
    write_card(folder, 7)
    assert (folder / "README.md").read_bytes() == first
    (folder / "metrics.jsonl").write_text(json.dumps(TRAIN) + "\n")
    write_card(folder, 7)
    assert "None: no corpus was set aside for it." in (folder / "README.md").read_text()
    assert ModelCard.load(folder / "README.md").data.eval_results is None
