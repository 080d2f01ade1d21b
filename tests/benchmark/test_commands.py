"""The commands from file to file, and figures known from elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
import typer
from genescribe.benchmark import commands
from genescribe.errors import InputError
from genescribe.genomes.normalize import normalize_genome
from typer.testing import CliRunner

RUNNER = CliRunner()
REGION = "NC_000913.2\t100000\t160000\n"


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    for command in (commands.prodigal, commands.score, commands.gffcompare, commands.scoretable):
        app.command()(command)
    return app


def run(app: typer.Typer, *words: str | Path) -> str:
    result = RUNNER.invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_genome_to_table(app: typer.Typer, ecoli: Path, tmp_path: Path) -> None:
    bed, gff = tmp_path / "test.bed", tmp_path / "prodigal.gff3"
    bed.write_text(REGION)
    run(app, "prodigal", "--genome", ecoli, "--regions", bed, "--out", gff)
    where: list[str | Path] = ["--regions", bed, "--left-out", ecoli / "left_out.tsv"]
    fasta = ecoli / "genome.fna"
    files = [tmp_path / name for name in ("score.json", "score.tsv", "genes.tsv", "compared.json")]
    score, metrics, genes, compared = files
    reference = ecoli / "annotation.gff3"
    writes: list[str | Path] = ["--out", score, "--tsv", metrics, "--genes", genes, "--json"]
    text = run(app, "score", reference, gff, *where, "--fasta", fasta, *writes)
    assert json.loads(text) == json.loads(score.read_text())
    content = json.loads(text)
    assert (content["predictor"], content["domain"]) == ("prodigal", "prokaryote")
    exact = next(row for row in content["metrics"] if row["metric"] == "exact" and row["class"] == "all")
    assert 50 <= exact["reference"] <= 60
    assert exact["f1"] > 0.8
    assert {row["property"] for row in content["strata"]} == {"length", "start_codon", "gc", "strand"}
    assert content["calibration"] is None, "Prodigal's scores are no probabilities"
    verdicts = pd.read_csv(genes, sep="\t")
    predicted = verdicts[verdicts["side"] == "predicted"]
    assert (predicted["class"] == "exact").sum() == exact["matched"]
    assert verdicts["start"].min() > 100_000
    assert verdicts["end"].max() <= 160_000
    assert pd.read_csv(metrics, sep="\t")["predictor"].unique().tolist() == ["prodigal"]
    run(app, "gffcompare", "--reference", reference, "--prediction", gff, *where, "--out", compared)
    table, merged = tmp_path / "all.tsv", tmp_path / "all.json"
    printed = run(app, "scoretable", score, "--gffcompare", compared, "--tsv", table, "--json-out", merged)
    assert "Prodigal" in printed
    assert f"{100 * exact['f1']:.1f}" in printed
    assert list(json.loads(merged.read_text())) == ["scores", "gffcompare"]
    assert set(pd.read_csv(table, sep="\t")["metric"]) >= {"exact", "three_prime", "tRNA"}


def test_the_reference_agrees_with_itself(app: typer.Typer, ecoli: Path) -> None:
    reference = ecoli / "annotation.gff3"
    content = json.loads(run(app, "score", reference, reference, "--json"))
    for row in content["metrics"]:
        assert row["f1"] in (1.0, None)
    assert content["counts"]["reference"] == content["counts"]["predicted"] > 4000


def test_another_genome_is_refused(app: typer.Typer, ecoli: Path, tmp_path: Path) -> None:
    reference, fasta = ecoli / "annotation.gff3", tmp_path / "short.fna"
    fasta.write_text(">NC_000913.2\nACGT\n")
    with pytest.raises(InputError, match=r"short\.fna: gene .* lies outside its sequence NC_000913\.2"):
        run(app, "score", reference, reference, "--fasta", fasta)


def test_scores_of_two_domains_are_not_mixed(app: typer.Typer, tmp_path: Path) -> None:
    paths = []
    for domain in ("prokaryote", "eukaryote"):
        path = tmp_path / f"{domain}.json"
        path.write_text(json.dumps({"predictor": domain, "domain": domain, "counts": {}, "metrics": []}))
        paths.append(path)
    with pytest.raises(InputError, match="make a table of each"):
        run(app, "scoretable", *paths)


@pytest.fixture(scope="module")
def reference_ecoli(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Normalised *E. coli* GCF_000005845.2, and its verified starts."""
    folder = os.environ.get("GENESCRIBE_GENOMES")
    if not folder:
        pytest.skip("GENESCRIBE_GENOMES is not set")
    source = Path(folder) / "Escherichia_coli_K12_MG1655_GCF_000005845.2"
    out = tmp_path_factory.mktemp("reference") / "ecoli"
    normalize_genome(source / "genome.fna.gz", source / "annotation.gff3.gz", out, "ecoli", "11", False)
    return out, source / "verified_starts.gff3.gz"


@pytest.mark.genomes
def test_prodigal_has_the_figures_of_an_independent_scorer(
    app: typer.Typer, reference_ecoli: tuple[Path, Path], tmp_path: Path
) -> None:
    """Measured elsewhere with the same definitions: exact 0.907, 3' 0.960, verified starts 0.977."""
    genome, verified = reference_ecoli
    gff = tmp_path / "prodigal.gff3"
    run(app, "prodigal", "--genome", genome, "--out", gff)
    text = run(
        app,
        *("score", genome / "annotation.gff3", gff, "--left-out", genome / "left_out.tsv"),
        *("--verified", verified, "--json"),
    )
    metrics = {row["metric"]: row for row in json.loads(text)["metrics"] if row["class"] == "all"}
    assert metrics["exact"]["f1"] == pytest.approx(0.907, abs=0.0006)
    assert metrics["three_prime"]["f1"] == pytest.approx(0.960, abs=0.0006)
    assert metrics["verified_starts"]["recall"] == pytest.approx(0.977, abs=0.0006)
    assert metrics["verified_starts"]["reference"] == 769
