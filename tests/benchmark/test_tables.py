"""Score files and the printed table."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from genescribe.benchmark import tables
from genescribe.benchmark.gffcompare import Comparison
from genescribe.benchmark.scorer import PROKARYOTE, score
from genescribe.errors import InputError
from rich.console import Console


@pytest.fixture
def document(build: Any) -> Any:
    """A function that makes a score document of a predictor."""
    reference = build.annotation(
        build.gene("a", build.model("+", (0, 300))),
        build.gene("b", build.model("+", (1000, 1600))),
        build.gene("t", build.model("+", (3000, 3080), kind="tRNA")),
    )
    prediction = build.annotation(
        build.gene("p", build.model("+", (0, 300))), build.gene("q", build.model("+", (1030, 1600)))
    )

    def make(predictor: str) -> tables.Document:
        selection = build.select(reference, prediction)
        metrics, genes = score(selection, PROKARYOTE)
        return tables.document(metrics, genes, selection, PROKARYOTE, predictor, "ref.gff3", "pred.gff3")

    return make


def comparison(predictor: str, program: str | None = "gffcompare") -> Comparison:
    return {
        "predictor": predictor,
        "program": program,
        "version": "0.12.10",
        "options": [],
        "reason": None if program else "not installed",
        "levels": {"transcript": {"sensitivity": 50.0, "precision": 25.0}} if program else {},
        "counts": {},
        "class_codes": {},
    }


def printed(*arguments: Any) -> str:
    text = io.StringIO()
    Console(file=text, width=tables.WIDTH_OF_FILES).print(tables.table(*arguments))
    return text.getvalue()


def test_a_document_is_plain_json(document: Any) -> None:
    content = document("augustus")
    assert json.loads(tables.to_json(content)) == content
    assert content["counts"] == {"reference": 2, "predicted": 2, "neutral": 0, "left_out": 0}
    exact = next(row for row in content["metrics"] if row["metric"] == "exact" and row["class"] == "all")
    assert (exact["reference"], exact["predicted"], exact["matched"], exact["f1"]) == (2, 2, 1, 0.5)
    tmrna = next(row for row in content["metrics"] if row["metric"] == "tmRNA")
    assert tmrna["recall"] is None
    strands = [row for row in content["strata"] if row["property"] == "strand"]
    assert [(row["metric"], row["class"], row["f1"]) for row in strands] == [
        ("exact", "+", 0.5),
        ("three_prime", "+", 1.0),
    ]
    assert content["calibration"] is None, "these genes have no scores"


def test_predictors_stand_in_the_agreed_order(document: Any) -> None:
    names = ["zcurve", "dense_orf", "prodigal", "random_weights", "augustus", "genescribe", "glimmer"]
    ordered = [one["predictor"] for one in tables.in_order([document(name) for name in names])]
    assert ordered == [
        "genescribe",
        "augustus",
        "prodigal",
        "random_weights",
        "dense_orf",
        "glimmer",
        "zcurve",
    ]
    with pytest.raises(InputError, match="two score files of predictor glimmer"):
        tables.in_order([document("glimmer"), document("glimmer")])


def test_the_table_is_printed_whole(document: Any) -> None:
    text = printed([document("prodigal"), document("genescribe"), document("no_cross_attention")])
    rows = [line.split() for line in text.splitlines() if line.strip()]
    assert ["GeneScribe", "2", "50.0", "50.0", "50.0", "100.0", "50.0", "–"] in rows
    assert text.index("GeneScribe") < text.index("Prodigal") < text.index("control: no cross-attention")
    assert "2 reference genes." in text
    # No predictor was given verified starts or wrote a tRNA: one has no column, the other no figure.
    assert "Verified" not in text
    assert "tRNA" in text
    assert "…" not in text


def test_gffcompare_has_a_column_that_names_the_program(document: Any) -> None:
    documents = [document("prodigal"), document("augustus")]
    text = printed(documents, [comparison("prodigal", "cuffcompare"), comparison("augustus", None)])
    assert "cuffcompare" in text
    assert "50.0 / 25.0" in text
    assert "No gffcompare for AUGUSTUS: not installed." in " ".join(text.split())


def test_the_merged_table_is_long(document: Any) -> None:
    frame = tables.merge([document("augustus"), document("genescribe")], [comparison("augustus")])
    assert list(dict.fromkeys(frame["predictor"])) == ["genescribe", "augustus"]
    level = frame[frame["metric"] == "gffcompare_transcript"].iloc[0]
    assert (level["recall"], level["precision"], level["f1"]) == (0.5, 0.25, pytest.approx(1 / 3))
    exact = frame[(frame["metric"] == "exact") & (frame["class"] == "all")]
    assert exact["matched"].tolist() == [1, 1]


def test_files_that_are_no_scores_are_named(tmp_path: Path) -> None:
    broken, other = tmp_path / "broken.json", tmp_path / "other.json"
    broken.write_text("{")
    other.write_text('{"predictor": "x"}')
    with pytest.raises(InputError, match=r"broken.json: this is no JSON file"):
        tables.read_document(broken, ["predictor"])
    with pytest.raises(InputError, match=r"other.json: key metrics is missing"):
        tables.read_document(other, ["predictor", "metrics"])
    with pytest.raises(InputError, match=r"none.json: no such file"):
        tables.read_document(tmp_path / "none.json", [])
