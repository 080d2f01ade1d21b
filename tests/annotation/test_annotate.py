"""`genescribe annotate` as a user runs it, and other programs reading what it writes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from Bio import SeqIO
from Bio.Seq import Seq
from genescribe.genomes.fasta import read_fasta
from genescribe.language import vocabulary
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel

LENGTH = 24_000


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=300)


def genescribe(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "genescribe", *arguments, folder=folder)


@pytest.fixture(scope="module")
def folder(ecoli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a stretch of real sequence and what a model that has learnt nothing writes about it."""
    folder = tmp_path_factory.mktemp("annotate")
    sequence = read_fasta(ecoli / "genome.fna")["NC_000913.2"].sequence[:LENGTH]
    # Lower case and an N run, as in real drafts; the id has a bar and a dot.
    sequence = sequence[:9_000].lower() + "N" * 200 + sequence[9_200:]
    (folder / "genome.fna").write_text(f">gnl|lab.1 a draft\n{sequence}\n")
    torch.manual_seed(3)
    config = GeneScribeConfig(window=1536, width=32, heads=2, encoder_layers=1, decoder_layers=1, channels=16)
    model = GeneScribeModel(config)
    with torch.no_grad():
        # Not silence, and coding genes most of the time.
        model.token_head.bias[vocabulary.EOS] -= 20
        model.token_head.bias[vocabulary.KIND_TOKEN["protein_coding"]] += 3
    model.save_pretrained(folder / "model")
    result = genescribe(
        "annotate", "genome.fna", "--model", "model", "--out", "genes.gff3", "--proteins", "proteins.faa",
        "--cds", "cds.fna", "--gtf", "genes.gtf", "--bed", "genes.bed", "--tsv", "genes.tsv",
        "--summary", "summary.json", "--device", "cpu", folder=folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder


def coding_ids(folder: Path) -> list[str]:
    lines = (folder / "genes.gff3").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [row[8].split(";")[0].removeprefix("ID=") for row in rows if row[2] == "mRNA"]


def test_proteins_are_translations_without_stop_codons(folder: Path) -> None:
    proteins = {record.id: str(record.seq) for record in SeqIO.parse(folder / "proteins.faa", "fasta")}
    coding = {record.id: str(record.seq) for record in SeqIO.parse(folder / "cds.fna", "fasta")}
    ids = coding_ids(folder)
    assert len(ids) >= 10
    assert set(proteins) == set(coding) == set(ids)
    whole = 0
    for name, protein in proteins.items():
        assert "*" not in protein
        bases = Seq(coding[name])
        if len(bases) % 3 == 0 and bases[-3:] in ("TAA", "TAG", "TGA"):
            assert str(bases.translate(table=11))[1:] == protein[1:] + "*"
            whole += 1
    assert whole >= 5


@pytest.mark.skipif(shutil.which("gt") is None, reason="genometools is not installed")
def test_the_gff3_is_valid(folder: Path) -> None:
    result = run("gt", "gff3validator", "genes.gff3", folder=folder)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "input is valid GFF3", "")


@pytest.mark.skipif(shutil.which("gffread") is None, reason="gffread is not installed")
def test_gffread_reads_every_gene_without_a_warning(folder: Path) -> None:
    result = run("gffread", "-V", "-E", "-g", "genome.fna", "-y", "gffread.faa", "genes.gff3", folder=folder)
    assert result.returncode == 0
    for line in result.stderr.splitlines():
        assert line.startswith(("Command line", "gffread -V", "FASTA index", "   .. loaded")), line
    ours = {record.id: str(record.seq) for record in SeqIO.parse(folder / "proteins.faa", "fasta")}
    theirs = {record.id: str(record.seq) for record in SeqIO.parse(folder / "gffread.faa", "fasta")}
    assert theirs.keys() == ours.keys()
    for name, protein in ours.items():
        # gffread writes L or V at TTG and GTG.
        assert theirs[name].rstrip("*.")[1:] == protein[1:]


@pytest.mark.skipif(shutil.which("bedtools") is None, reason="bedtools is not installed")
def test_bedtools_reads_it_without_a_warning(folder: Path) -> None:
    result = run("bedtools", "getfasta", "-fi", "genome.fna", "-bed", "genes.gff3", "-s", folder=folder)
    warnings = [line for line in result.stderr.splitlines() if "index file" not in line]
    assert (result.returncode, warnings) == (0, [])
    assert result.stdout.count(">") > 20


def test_other_formats_hold_the_same_genes(folder: Path) -> None:
    rows = [line.split("\t") for line in (folder / "genes.gff3").read_text().splitlines() if line[0] != "#"]
    genes = [row for row in rows if row[2] in ("gene", "pseudogene")]
    table = pd.read_csv(folder / "genes.tsv", sep="\t")
    assert list(zip(table["start"], table["end"], table["strand"], strict=True)) == [
        (int(row[3]), int(row[4]), row[6]) for row in genes
    ]
    assert [f"{score:.3f}" for score in table["score"]] == [row[5] for row in genes]
    bed = [line.split("\t") for line in (folder / "genes.bed").read_text().splitlines()]
    assert sorted(row[3] for row in bed) == sorted(table["transcript"])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["genes"]["count"] == summary["scores"]["genes"] == len(genes)
    # Scores below the next band's border are drawn grey.
    grey = [row for row in genes if "color=#969696" in row[8]]
    assert len(grey) == summary["scores"]["from"]["0.0"] == sum(table["score"] < 0.5)


def test_scoring_an_annotation_against_itself_gives_full_marks(folder: Path) -> None:
    result = genescribe("score", "genes.gff3", "genes.gff3", "--json", folder=folder)
    assert result.returncode == 0, result.stderr
    metrics = {(m["metric"], m["class"]): m for m in json.loads(result.stdout)["metrics"]}
    assert metrics["exact", "all"]["f1"] == 1.0
    assert metrics["exact", "all"]["reference"] >= 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["genome.fna", "--model", "nowhere"], "nowhere: not a model folder"),
        (["genes.gff3", "--model", "model"], "genes.gff3"),
        (["genome.fna", "--model", "model", "--genetic-code", "27"], "27"),
        (["genome.fna", "--model", "model", "--circular", "chr9"], "chr9"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folder: Path, arguments: list[str], complaint: str) -> None:
    result = genescribe("annotate", *arguments, "--out", "other.gff3", "--device", "cpu", folder=folder)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("genescribe: ") and complaint in line
    assert not list(folder.glob("*other.gff3*"))


def test_every_command_has_help_with_an_example(tmp_path: Path) -> None:
    for command in ("annotate", "score", "normalize", "train"):
        result = genescribe(command, "--help", folder=tmp_path)
        assert result.returncode == 0
        assert "xample" in result.stdout, command
