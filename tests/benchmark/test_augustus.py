"""AUGUSTUS: reading what it writes, and the real program on real sequence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from genescribe.benchmark.augustus import OPTIONS, parse, predict
from genescribe.errors import InputError
from genescribe.genomes.load import load_genome
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

SEQID = "NC_000913.2"
SPECIES = "E_coli_K12"

needs_augustus = pytest.mark.skipif(shutil.which("augustus") is None, reason="augustus is not installed")


def rows(*columns: tuple[str, int, int, str, str, str, str]) -> list[str]:
    return [
        "\t".join(("piece", "AUGUSTUS", kind, str(first), str(last), score, strand, phase, attributes))
        for kind, first, last, score, strand, phase, attributes in columns
    ]


def test_a_complete_gene() -> None:
    lines = [
        "# start gene g1",
        *rows(
            ("gene", 11, 160, "0.9", "-", ".", "ID=g1"),
            ("transcript", 11, 160, "0.81", "-", ".", "ID=g1.t1;Parent=g1"),
            ("stop_codon", 11, 13, ".", "-", "0", "Parent=g1.t1"),
            ("CDS", 11, 40, "0.9", "-", "0", "ID=g1.t1.cds;Parent=g1.t1"),
            ("intron", 41, 100, "0.9", "-", ".", "Parent=g1.t1"),
            ("CDS", 101, 160, "0.9", "-", "0", "ID=g1.t1.cds;Parent=g1.t1"),
            ("start_codon", 158, 160, ".", "-", "0", "Parent=g1.t1"),
        ),
        "# protein sequence = [MA]",
    ]
    assert parse(lines, 1000) == [(GeneModel(PROTEIN_CODING, "-", ((10, 40), (100, 160))), 0.81)]


def test_a_gene_whose_start_lies_before_the_piece() -> None:
    lines = rows(
        ("transcript", 1, 50, "0.5", "+", ".", "ID=g1.t1;Parent=g1"),
        ("CDS", 1, 50, "0.5", "+", "2", "ID=g1.t1.cds;Parent=g1.t1"),
        ("stop_codon", 48, 50, ".", "+", "0", "Parent=g1.t1"),
    )
    [(model, _)] = parse(lines, 1000)
    assert model == GeneModel(PROTEIN_CODING, "+", ((0, 50),), left=End.OPEN, lead=1)
    assert model.phases == (2,)


def test_a_gene_that_ends_in_an_intron_at_the_edge() -> None:
    lines = rows(
        ("transcript", 900, 1000, "0.5", "-", ".", "ID=g1.t1;Parent=g1"),
        ("stop_codon", 900, 902, ".", "-", "0", "Parent=g1.t1"),
        ("CDS", 900, 940, "0.5", "-", "2", "ID=g1.t1.cds;Parent=g1.t1"),
        ("intron", 941, 1000, "0.5", "-", ".", "Parent=g1.t1"),
    )
    [(model, _)] = parse(lines, 1000)
    assert model == GeneModel(PROTEIN_CODING, "-", ((899, 940),), right=End.OPEN_INTRON)
    assert model.phases == (2,)


def test_a_minus_gene_open_on_both_sides() -> None:
    lines = rows(
        ("transcript", 1, 100, "0.5", "-", ".", "ID=g1.t1;Parent=g1"),
        ("CDS", 1, 100, "0.5", "-", "1", "ID=g1.t1.cds;Parent=g1.t1"),
    )
    [(model, _)] = parse(lines, 100)
    assert (model.left, model.right) == (End.OPEN, End.OPEN)
    assert model.phases == (1,)


def test_an_unsupported_genetic_code_is_refused() -> None:
    with pytest.raises(InputError, match="genetic code 25"):
        predict({"s": "ACGT"}, {"s": 25}, SPECIES)


def test_without_the_program_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="augustus is not on PATH"):
        predict({"s": "ACGT"}, {"s": 11}, SPECIES)


@needs_augustus
def test_an_unknown_species_is_one_clear_line() -> None:
    with pytest.raises(InputError, match=r"species=help` lists the species") as caught:
        predict({"s": "ACGT" * 500}, {"s": 11}, "unicorn")
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def stretch(ecoli: Path) -> str:
    """40 kb of the bundled *E. coli*."""
    return load_genome(ecoli).sequences[SEQID][500_000:540_000]


@pytest.fixture(scope="module")
def uncut(stretch: str, tmp_path_factory: pytest.TempPathFactory) -> list[GeneModel]:
    """What AUGUSTUS itself says of the stretch, from left to right."""
    fasta = tmp_path_factory.mktemp("uncut") / "s.fna"
    fasta.write_text(f">s\n{stretch}\n")
    command = ["augustus", f"--species={SPECIES}", "--translation_table=11", *OPTIONS, str(fasta)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted(
        (model for model, _ in parse(text.splitlines(), len(stretch))), key=lambda one: one.segments
    )


@needs_augustus
def test_pieces_give_the_genes_of_an_uncut_run(stretch: str, uncut: list[GeneModel]) -> None:
    genes = predict({"s": stretch}, {"s": 11}, SPECIES, threads=2, core=15_000, margin=8_000)
    assert [one.model for one in genes] == uncut
    assert len(genes) > 30
    assert all(one.score is not None and 0 < one.score <= 1 for one in genes)


@needs_augustus
def test_a_region_gets_the_genes_whose_midpoint_it_holds(stretch: str, uncut: list[GeneModel]) -> None:
    """The region's border cuts a gene in half, once before and once behind its midpoint."""
    cut = uncut[12]
    for border in (cut.start + cut.length // 3, cut.start + 2 * cut.length // 3):
        region = Region("s", border, border + 6_000)
        genes = predict({"s": stretch}, {"s": 11}, SPECIES, [region], margin=8_000)
        expected = [one for one in uncut if region.start <= (one.start + one.end) // 2 < region.end]
        assert [one.model for one in genes] == expected
        assert (cut in expected) == (border < (cut.start + cut.end) // 2)


@needs_augustus
def test_genetic_code_4_reads_tga_as_tryptophan(ecoli: Path) -> None:
    """A gene with TGG turned into TGA is cut under code 11 and whole under code 4."""
    genome = load_genome(ecoli)
    plus = next(
        one.target.model
        for one in (genome.annotation.genes if genome.annotation else [])
        if one.kind == PROTEIN_CODING
        and one.strand == "+"
        and one.start > 10_000
        and 1500 < one.target.model.length < 2500
    )
    sequence = genome.sequences[SEQID]
    cds = sequence[plus.start : plus.end]
    codons = [cds[i : i + 3] for i in range(0, len(cds), 3)]
    assert "TGG" in codons
    altered = "".join("TGA" if codon == "TGG" else codon for codon in codons[:-1]) + "TAA"
    text = sequence[plus.start - 3000 : plus.start] + altered + sequence[plus.end : plus.end + 3000]
    found = {code: {one.model for one in predict({"s": text}, {"s": code}, SPECIES)} for code in (4, 11)}
    gene = GeneModel(PROTEIN_CODING, "+", ((3000, 3000 + len(altered)),))
    stops = {code: {model.end for model in models} for code, models in found.items()}
    assert gene.end in stops[4]
    assert not any(model.end == gene.end and model.length > 0.9 * gene.length for model in found[11])
