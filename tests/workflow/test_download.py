"""Genomes by accession: what the workflow downloads, when, and what it does when the source changed."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
ACCESSION = "GCF_000000001.1"
TABLE = f"""\
name\taccession\tdomain\tgenetic_code\tsplit
coli\t{ACCESSION}\tbacteria\t11;NC_000913.2=11\t{{split}}
"""
CONFIG = """\
species: species.tsv
training: {{species_table: training.tsv}}
download: {{api: {api!r}, mirror: {mirror!r}}}
annotation: {{model: finetune}}
"""
LENGTH = 20_000
RUN = ("--configfile", "run.yaml", "--cores", "1")
ANNOTATION = f"results/downloads/{ACCESSION}/annotation.gff3"
RECORD = f"config/digests/{ACCESSION}.sha256"


@pytest.fixture(scope="module")
def genome(bundled_stretch: Callable[[int], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """FASTA and GFF3 of a piece of the bundled *E. coli*."""
    return bundled_stretch(LENGTH)


@pytest.fixture
def prepare(checkout: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the workflow with one genome, known by its accession."""

    def make(api: str = "http://127.0.0.1:9", mirror: str = "", split: str = "test") -> Path:
        folder = tmp_path / "genescribe"
        shutil.copytree(
            checkout, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake", "weights", "results")
        )
        (folder / "species.tsv").write_text(TABLE.format(split=split))
        training = TABLE.format(split="train").replace(ACCESSION, "GCF_000000002.1").replace("coli", "other")
        (folder / "training.tsv").write_text(training)
        (folder / "run.yaml").write_text(CONFIG.format(api=api, mirror=mirror))
        return folder

    return make


def test_record_outlives_the_files_and_a_changed_source_is_an_error(
    ncbi: Any,
    genome: tuple[bytes, bytes],
    prepare: Callable[..., Path],
    snakemake: Snakemake,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "secret-key")
    fasta, gff = genome
    ncbi.files[ACCESSION] = {"a_genomic.fna": fasta, "genomic.gff": gff}
    folder = prepare(ncbi.api)
    result = snakemake(*RUN, ANNOTATION, folder=folder)
    assert result.returncode == 0, result.stdout
    assert (folder / ANNOTATION).read_bytes() == gff
    assert hashlib.sha256(fasta).hexdigest() in (folder / RECORD).read_text()
    assert ncbi.downloads[0]["api-key"] == "secret-key"
    assert not [path for path in folder.rglob("*") if path.is_file() and b"secret-key" in path.read_bytes()]

    # Fetching is not repeated, neither for newer code nor because the source has something new.
    (folder / "workflow/scripts/genescribe/genomes/fetch.py").open("a").write("\n# newer\n")
    ncbi.files[ACCESSION]["genomic.gff"] = gff + b"# annotated anew\n"
    result = snakemake(*RUN, ANNOTATION, folder=folder)
    assert "Nothing to be done" in result.stdout, result.stdout
    assert len(ncbi.downloads) == 1

    recorded = (folder / RECORD).read_text()
    (folder / ANNOTATION).unlink()
    result = snakemake(*RUN, ANNOTATION, folder=folder)
    assert result.returncode == 1
    assert f"{RECORD}: annotation.gff3 of {ACCESSION} changed at its source: SHA-256 was" in result.stdout
    assert not (folder / ANNOTATION).exists()
    assert (folder / RECORD).read_text() == recorded
    assert len(ncbi.downloads) == 4, "the rule tries three times"


def test_from_an_accession_in_a_mirror_to_a_normalised_genome(
    genome: tuple[bytes, bytes], prepare: Callable[..., Path], snakemake: Snakemake
) -> None:
    folder = prepare(mirror="mirror")
    source = folder / "mirror" / f"Escherichia_{ACCESSION}"
    source.mkdir(parents=True)
    for name, content in zip(("genome.fna.gz", "annotation.gff3.gz"), genome, strict=True):
        (source / name).write_bytes(gzip.compress(content))
    result = snakemake(*RUN, "results/genomes/coli/summary.json", folder=folder)
    assert result.returncode == 0, result.stdout
    genes = (folder / "results/genomes/coli/annotation.gff3").read_text()
    assert genes.count("\tgene\t") >= 15


def test_what_is_annotated_only_is_downloaded_without_annotation(
    ncbi: Any, genome: tuple[bytes, bytes], prepare: Callable[..., Path], snakemake: Snakemake
) -> None:
    ncbi.files[ACCESSION] = {"a_genomic.fna": genome[0]}
    folder = prepare(ncbi.api, split="annotate")
    result = snakemake(*RUN, "results/genomes/coli/summary.json", folder=folder)
    assert result.returncode == 0, result.stdout
    fetched = folder / "results/downloads" / ACCESSION
    assert [path.name for path in fetched.iterdir()] == ["genome.fna"]
    assert "GENOME_GFF" not in ncbi.requests[-1][0]


def test_planning_asks_no_server(ncbi: Any, prepare: Callable[..., Path], snakemake: Snakemake) -> None:
    result = snakemake("-n", *RUN, "everything", "pretrain_all", folder=prepare(ncbi.api))
    assert result.returncode == 0, result.stdout
    assert f"Download {ACCESSION}" in result.stdout and "Train: pretrain" in result.stdout
    assert ncbi.requests == []
