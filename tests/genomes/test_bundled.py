"""The bundled genomes: unchanged, small, and as PROVENANCE.md describes them."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.proteins import translate
from genescribe.genomes.records import Annotation

NAMES = ("escherichia_coli_k12", "saccharomyces_cerevisiae_chr1_2")


def test_digests_and_size(bundled: Path) -> None:
    sums = dict(line.split()[::-1] for line in (bundled / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(bundled).as_posix(): path for path in bundled.glob("*/*.gz")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums
    assert sum(path.stat().st_size for path in bundled.rglob("*") if path.is_file()) <= 3 * 2**20


def genome(bundled: Path, name: str, code: int) -> tuple[dict[str, str], Annotation]:
    sequences = {
        seqid: record.sequence for seqid, record in read_fasta(bundled / name / "genome.fna.gz").items()
    }
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    return sequences, read_gff3(bundled / name / "annotation.gff3.gz", lengths, code)


@pytest.mark.parametrize(
    ("name", "code", "kinds", "flags"),
    [
        (
            NAMES[0],
            11,
            {"protein_coding": 4242, "pseudogene": 12, "tRNA": 86, "rRNA": 22, "ncRNA": 48},
            {"transl_except": 3, "frameshift": 1, "exception": 1},
        ),
        (
            NAMES[1],
            1,
            {"protein_coding": 581, "pseudogene": 2, "tRNA": 17, "ncRNA": 6},
            {"frameshift": 3},
        ),
    ],
)
def test_sequence_and_annotation_fit(
    bundled: Path, name: str, code: int, kinds: dict[str, int], flags: dict[str, int]
) -> None:
    sequences, annotation = genome(bundled, name, code)
    assert Counter(gene.kind for gene in annotation.genes) == kinds
    transcripts = [one for gene in annotation.genes for one in gene.transcripts]
    assert Counter(flag for one in transcripts for flag in one.flags) == flags
    for gene in annotation.genes:
        if gene.kind == "protein_coding" and "transl_except" not in gene.target.flags:
            protein = translate(gene.target.model, sequences[gene.seqid], code)
            assert protein.startswith("M") and "*" not in protein, gene.id


def test_introns_and_origin(bundled: Path) -> None:
    _, yeast = genome(bundled, NAMES[1], 1)
    spliced = [
        gene for gene in yeast.genes if gene.kind == "protein_coding" and len(gene.target.model.segments) > 1
    ]
    assert len([gene for gene in spliced if not gene.target.flags]) == 29
    sequences, ecoli = genome(bundled, NAMES[0], 11)
    assert ecoli.circular == set(sequences) == {"NC_000913.2"}
