"""The page of accuracies: what it says of a small run, and the genes that it calls impossible."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.load import load_genome
from genescribe.genomes.records import OutputGene
from genescribe.language.gene_model import End, GeneModel
from genescribe.report.accuracy import impossible_genes, main

LENGTH = 30_000
COMMAND = "snakemake accuracy --cores 2"


@pytest.fixture
def settings(run: Path, config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """What the workflow would ask for after the small run."""
    (species,) = config["species"]
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    first = {"genomes": [{"name": "Vibrio_cholerae"}], "initial": None}
    (model / "training.json").write_text(
        json.dumps({"genomes": [{"name": "Listeria_innocua"}], "initial": first})
    )
    predictions = {**species["predictions"], **species["controls"]}
    jobs = {
        "genescribe": ["benchmark.tsv", "short.tsv"],
        "augustus": ["benchmark.tsv"],
        "random_weights": [],
    }
    rows = {
        name: {
            "scores": str(run / f"{name}.json"),
            "prediction": path,
            "benchmarks": [str(run / job) for job in jobs[name]],
        }
        for name, path in predictions.items()
    }
    shown = {
        "name": "Escherichia coli",
        "source": "the first 30 kb",
        "genome": species["genome"],
        "augustus_species": "E_coli_K12",
        "rows": rows,
    }
    return {"species": [shown], "model": str(model), "command": COMMAND}


def cells(text: str) -> Mapping[str, list[str]]:
    """Rows of the last table by their first cell."""
    table = text.rpartition("## ")[2]
    rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", table, re.M)
    )
    return {name: values for name, *values in rows}


def test_page_says_what_the_files_say(settings: dict[str, Any], run: Path, tmp_path: Path) -> None:
    out = tmp_path / "accuracy.md"
    assert main(["--settings", json.dumps(settings), "--out", str(out)]) == 0
    text = out.read_text()
    assert f"    {COMMAND}\n" in text
    assert "trained on: Listeria, Vibrio." in text
    assert "Genome and reference: the first 30 kb." in text
    found = cells(text)
    assert found[""] == ["GeneScribe", "AUGUSTUS (E_coli_K12)", "control: random weights"]
    metrics = {
        (one["metric"], one["class"]): one
        for one in json.loads((run / "genescribe.json").read_text())["metrics"]
    }
    exact = metrics["exact", "all"]
    assert found["exact F1"][0] == f"{100 * exact['f1']:.1f}" != found["exact F1"][1]
    assert found["exact recall"][0] == f"{100 * exact['recall']:.1f}"
    assert found["genes written"][0] == str(exact["predicted"])
    short = metrics["exact", "<150"]
    assert found[f"exact F1, <150 nt ({short['reference']} genes)"][0] == f"{100 * short['f1']:.1f}"
    # 125 s and 0.2 s; 2 GiB.
    assert found["seconds"] == ["125", "125", "–"]
    assert found["peak memory, MB"] == ["2,048", "2,048", "–"]
    # The moved start and the extra gene are no open reading frames; each lies where it lies.
    assert int(found["impossible genes"][0]) == 2
    assert found["impossible genes"][1] == "0"
    assert re.fullmatch(r"0\.\d{3}", found["calibration error"][0])
    assert found["calibration error"][1:] == ["–", "–"]


@pytest.mark.parametrize("gap", [0, 100])
def test_open_ends_are_possible_at_the_edge_of_known_sequence_alone(
    run: Path, tmp_path: Path, gap: int
) -> None:
    """At the edge of the sequence, or at that of a gap inside."""
    genome = load_genome(run / "genome")
    ((seqid, sequence),) = genome.sequences.items()
    edge = gap and 7_000 + gap
    first_stop = {
        phase: next(p for p in range(edge + phase, LENGTH, 3) if sequence[p : p + 3] in ("TAA", "TAG", "TGA"))
        for phase in range(3)
    }
    phase = max(first_stop, key=first_stop.__getitem__)
    end, lead = first_stop[phase] + 3, (3 - phase) % 3
    with_gap = sequence[: edge - gap] + "N" * gap + sequence[edge:]
    genome = replace(genome, sequences={seqid: with_gap})

    def is_impossible(start: int, end: int, lead: int) -> int:
        model = GeneModel("protein_coding", "+", ((start, end),), left=End.OPEN, lead=lead)
        write_gff3(tmp_path / "genes.gff3", [OutputGene(seqid, "one", model)], genome.lengths)
        return impossible_genes(genome, tmp_path / "genes.gff3")

    assert is_impossible(edge, end, lead) == 0
    assert is_impossible(edge, end + 3, lead) == 1, "a stop codon inside"
    assert is_impossible(edge + 3, end, lead) == 1, "open where more sequence is known"


@pytest.mark.parametrize("gap", [0, 100])
def test_a_gene_over_the_origin_is_possible_on_a_circle_with_or_without_a_gap(
    run: Path, tmp_path: Path, gap: int
) -> None:
    genome = load_genome(run / "genome")
    ((seqid, sequence),) = genome.sequences.items()
    assert genome.annotation is not None
    gene = next(one for one in genome.annotation.genes if one.transcripts[0].model.is_complete).transcripts[0]
    origin = gene.model.start + 30
    turned = sequence[origin:] + sequence[:origin]
    turned = turned[:15_000] + "N" * gap + turned[15_000 + gap :]
    circle = replace(genome, sequences={seqid: turned}, circular=frozenset({seqid}))
    for model, expected in (
        (gene.model.shifted(LENGTH - origin), 0),
        (gene.model.shifted(LENGTH - origin + 1), 1),
    ):
        path = tmp_path / "genes.gff3"
        write_gff3(path, [OutputGene(seqid, "one", model)], circle.lengths, circle.circular)
        assert impossible_genes(circle, path) == expected


def test_a_missing_file_is_one_line(
    settings: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings["species"][0]["rows"]["augustus"]["scores"] = str(tmp_path / "nothing.json")
    assert main(["--settings", json.dumps(settings), "--out", str(tmp_path / "page.md")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and "nothing.json" in complaint
    assert not (tmp_path / "page.md").exists()
