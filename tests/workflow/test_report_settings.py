"""Which versions the report names, and where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from genescribe.workflow import report_settings
from genescribe.workflow.report_settings import main, pins, versions

ENVIRONMENTS = sorted((Path(__file__).parents[2] / "envs").glob("*.yaml"))


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """Of a run with one species and two predictors, checked by gffread, compared by cuffcompare."""
    summary, compared, failed = (tmp_path / name for name in ("summary.json", "one.json", "two.json"))
    summary.write_text(json.dumps({"gffread": {"version": "0.12.7"}}))
    compared.write_text(json.dumps({"program": "cuffcompare", "version": "2.2.1"}))
    failed.write_text(json.dumps({"program": None, "version": None}))
    done = tmp_path / "done.tsv"
    done.write_text("s\n1\n")
    return {
        "species": [
            {
                "summary": str(summary),
                "predictions": {"genescribe": "a.gff3", "prodigal": "b.gff3"},
                "gffcompare": {"genescribe": str(compared), "prodigal": str(failed)},
            }
        ],
        "benchmarks": {"train": str(done), "predict": str(tmp_path / "absent.tsv")},
        "versions": {"snakemake": "9.0.0"},
    }


def test_only_what_was_used_is_named(settings: dict[str, Any]) -> None:
    found = versions(settings, {})
    assert {"genescribe", "python", "torch", "transformers", "pyrodigal"} <= set(found)
    assert (found["gffread"], found["cuffcompare"]) == ("0.12.7", "2.2.1")
    assert not {"augustus", "gffcompare"} & set(found)


def test_a_species_alone(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({"gffread": None}))
    del settings["species"][0]["gffcompare"]
    found = versions(settings, {})
    assert not {"gffread", "cuffcompare", "gffcompare"} & set(found)


def test_pins_stand_in_for_what_is_in_another_environment(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = pins(ENVIRONMENTS)
    assert {"torch", "transformers", "pyrodigal", "augustus"} <= set(pinned)
    monkeypatch.setattr(report_settings, "package_version", lambda _: None)
    monkeypatch.setattr(report_settings, "program_version", lambda _: None)
    found = versions(settings, pinned)
    assert found["torch"] == pinned["torch"]
    assert found["pyrodigal"] == pinned["pyrodigal"]
    assert "augustus" not in found, "it is pinned, but this run did not use it"
    assert versions(settings, {}).keys() == {"genescribe", "python", "gffread", "cuffcompare"}


def test_the_file_keeps_what_is_known_and_drops_jobs_that_did_not_run(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    words = ["--settings", json.dumps(settings), "--environments", *map(str, ENVIRONMENTS), "--out", str(out)]
    assert main(words) == 0
    written = json.loads(out.read_text())
    assert list(written["benchmarks"]) == ["train"]
    assert written["versions"]["snakemake"] == "9.0.0"
    assert written["species"] == settings["species"]
