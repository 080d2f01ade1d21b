"""Coding sequences and proteins."""

from __future__ import annotations

from pathlib import Path

import pytest
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.proteins import spliced, translate, write_cds, write_proteins
from genescribe.genomes.records import OutputGene
from genescribe.language.gene_model import End, GeneModel

CODING = "protein_coding"


def mirrored(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


@pytest.mark.parametrize(
    ("bases", "code", "protein"),
    [
        pytest.param("ATGGCTTAA", 11, "MA", id="plain"),
        pytest.param("GTGGTGTAG", 11, "MV", id="a start codon is M only at the start"),
        pytest.param("TTGGCTTGA", 11, "MA", id="TTG"),
        pytest.param("ATGTGAGCTTAA", 4, "MWA", id="code 4 reads UGA"),
        pytest.param("ATGTGAGCTTAA", 11, "M*A", id="stop codon inside"),
        pytest.param("ATGGCNNCTNNNTAA", 1, "MAXX", id="ambiguous codons"),
        pytest.param("GCTGCTTAA", 1, "AA", id="no start codon"),
    ],
)
def test_translation_on_both_strands(bases: str, code: int, protein: str) -> None:
    model = GeneModel(CODING, "+", ((2, 2 + len(bases)),))
    assert translate(model, "CC" + bases + "C", code) == protein
    if "N" not in bases:
        length = len(bases) + 3
        assert translate(model.reverse_complement(length), mirrored("CC" + bases + "C"), code) == protein


def test_splicing_and_the_origin() -> None:
    sequence = "AAATGGTAAGCCTTTTATG"
    assert spliced(GeneModel(CODING, "+", ((2, 5), (10, 16))), sequence) == "ATGCCTTTT"
    over = GeneModel(CODING, "+", ((16, 22),))
    assert spliced(over, sequence) == "ATGAAA"
    assert spliced(over.reverse_complement(19).shifted(19), mirrored(sequence)) == "ATGAAA"


@pytest.mark.parametrize(
    ("model", "protein"),
    [
        (GeneModel(CODING, "+", ((1, 9),), End.OPEN, End.CLOSED, 1), "A"),
        (GeneModel(CODING, "+", ((0, 8),), End.CLOSED, End.OPEN), "SA"),
    ],
)
def test_partial_genes_give_their_whole_codons(model: GeneModel, protein: str) -> None:
    sequence = "AGTGCTTAA"
    assert translate(model, sequence, 11) == protein
    assert translate(model.reverse_complement(9), mirrored(sequence), 11) == protein


def test_fasta_files(tmp_path: Path) -> None:
    sequences = {"c": "CCATGGCTTAACC", "m": "ATGTGATAA"}
    genes = [
        OutputGene("c", "g1", GeneModel(CODING, "+", ((2, 11),))),
        OutputGene("c", "g2", GeneModel("tRNA", "+", ((2, 11),))),
        OutputGene("m", "g3", GeneModel(CODING, "+", ((0, 9),))),
    ]
    write_proteins(tmp_path / "p.faa", genes, sequences, 11, {"m": 4})
    assert (tmp_path / "p.faa").read_text() == ">g1.t1 gene=g1 c:3-11(+)\nMA\n>g3.t1 gene=g3 m:1-9(+)\nMW\n"
    write_cds(tmp_path / "c.fna", genes, sequences)
    records = read_fasta(tmp_path / "c.fna")
    assert {name: one.sequence for name, one in records.items()} == {
        "g1.t1": "ATGGCTTAA",
        "g3.t1": "ATGTGATAA",
    }
