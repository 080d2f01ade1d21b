"""A perfect predictor on real genes: they come out as they went in, through the command line too."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from genescribe.annotation.predictions import PredictedGene, WindowPrediction, write_predictions
from genescribe.annotation.stitch import StitchSettings, stitch
from genescribe.annotation.tiling import Window, chunk, tile
from genescribe.cli import app
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.load import Genome, load_genome
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, to_codes
from genescribe.language.check import check
from genescribe.language.codec import clip, encode
from genescribe.language.gene_model import GeneModel
from genescribe.language.grammar import GrammarConfig
from typer.testing import CliRunner

SEQID = "NC_000913.2"
GRAMMAR = GrammarConfig(genetic_code=11)


@dataclass(frozen=True)
class Real:
    """A genome and those of its genes that the grammar writes."""

    folder: Path
    genome: Genome
    codes: Codes
    genes: list[GeneModel]


@pytest.fixture(scope="module")
def real(ecoli: Path) -> Real:
    genome = load_genome(ecoli)
    codes = to_codes(genome.sequences[SEQID])
    assert genome.annotation is not None
    models = [gene.target.model for gene in genome.annotation.genes if not gene.target.flags]
    genes = [
        model
        for model in models
        if model.kind != "pseudogene"
        and model.length >= GRAMMAR.min_target
        and check(codes, model, GRAMMAR, labels=False, circular=True) is None
    ]
    assert len(genes) > 4000
    return Real(ecoli, genome, codes, genes)


def _predict(real: Real, windows: list[Window]) -> list[WindowPrediction]:
    predictions = []
    for window in windows:
        near = [gene for gene in real.genes if gene.start < window.end and gene.end > window.start]
        models, _ = clip(near, window.start, window.length)
        encoding = encode(window.codes(real.codes), models, GRAMMAR)
        written = tuple(PredictedGene(model, -0.1) for model in encoding.accepted)
        predictions.append(WindowPrediction(window, written))
    return predictions


@pytest.mark.parametrize(("window", "stride"), [(6144, 3072), (6144, 4608), (1200, 600), (3072, 768)])
def test_real_genes_come_out_as_they_went_in(real: Real, window: int, stride: int) -> None:
    region = Region(SEQID, 1_000_000, 1_200_000)
    windows = tile(real.genome.sequences, real.genome.circular, window, stride, [region])
    predictions = _predict(real, windows)
    random.Random(window).shuffle(predictions)
    result = stitch(
        predictions,
        real.genome.sequences,
        real.genome.circular,
        {SEQID: GRAMMAR},
        StitchSettings(max_overlap=1.0),
    )
    expected = {gene for gene in real.genes if region.contains(gene.start, gene.end)}
    assert len(expected) > 150
    assert {gene.model for gene in result.genes} == expected
    assert len(result.genes) == len(expected)
    allowed = {"genes", "seen", "windows", "part_of_a_joined_gene", "part_of_a_gene"}
    dropped = {name for name, count in result.counts.items() if count} - allowed
    # Genes over the region's border are dropped, and counted.
    assert dropped <= {"open_at_region_border", "open_without_partner"}


def test_the_command_writes_the_genes_of_all_chunks(real: Real, tmp_path: Path) -> None:
    region = Region(SEQID, 2_000_000, 2_060_000)
    windows = tile(real.genome.sequences, real.genome.circular, 6144, regions=[region])
    files = [str(tmp_path / f"{index}.jsonl") for index in range(3)]
    for index, file in enumerate(files):
        write_predictions(file, _predict(real, list(chunk(windows, index, 3))))
    gff3, gtf, proteins, cds, counts = (
        tmp_path / f"genes.{suffix}" for suffix in ("gff3", "gtf", "faa", "fna", "json")
    )

    def run(*arguments: str) -> None:
        options = ["--genome", str(real.folder), "--max-overlap", "1", *arguments]
        done = CliRunner().invoke(app, ["stitch", *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    more = ["--gtf", str(gtf), "--proteins", str(proteins), "--cds", str(cds), "--counts", str(counts)]
    run(*files[::-1], "--out", str(gff3), *more)
    annotation = read_gff3(gff3, {SEQID: len(real.codes)})
    expected = {gene for gene in real.genes if region.contains(gene.start, gene.end)}
    assert {gene.target.model for gene in annotation.genes} == expected
    assert annotation.circular == {SEQID}
    assert annotation.left_out == []
    assert [gene.id for gene in annotation.genes][:2] == [f"{SEQID}_g1", f"{SEQID}_g2"]
    coding = sum(gene.kind == "protein_coding" for gene in expected)
    assert proteins.read_text().count(">") == cds.read_text().count(">") == coding
    assert gtf.read_text().count("\tCDS\t") == coding
    assert json.loads(counts.read_text())["genes"] == len(expected)
    run(*files, "--out", str(tmp_path / "again.gff3"))
    assert (tmp_path / "again.gff3").read_bytes() == gff3.read_bytes()
