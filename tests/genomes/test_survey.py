"""The survey: on a tiny collection of its own, and the bars on the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.genomes.commands import survey
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Transcript
from genescribe.genomes.survey import (
    BEGIN,
    END,
    WITHOUT_INTRONS,
    is_clean,
    read_index,
    survey_genome,
    table,
    write_survey,
)
from genescribe.language.gene_model import End, GeneModel

Gff = Callable[..., str]


CODING = "protein_coding"
EUKARYOTE_BARS = {"Ustilago": 0.98}
# 60 bases each: the grammar takes no shorter gene for a target.
GOOD = "ATG" + "GCT" * 20 + "TAA"
ODD_INTRON = "ATG" + "GCT" * 20 + "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCC" + "GCT" * 20 + "TAA"


@pytest.fixture
def tiny(tmp_path: Path, gff: Gff) -> Path:
    """One genome with a good gene, one with an odd intron, one over a frameshift, and a broken one."""
    sequence = GOOD + ODD_INTRON + GOOD[:30] + "A" + GOOD[30:] + GOOD[:-3] + "CCC"
    rows = """
c CDS 1 66 + 0 ID=good
c CDS 67 129 + 0 ID=odd
c CDS 160 222 + 0 ID=odd
c CDS 223 252 + 0 ID=slip;exception=ribosomal slippage
c CDS 254 289 + 0 ID=slip;exception=ribosomal slippage
c CDS 290 355 + 0 ID=broken
c repeat_region 1 9 + . ID=rep
"""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "genome.fna.gz").write_text(f">c\n{sequence}\n")
    (folder / "annotation.gff3.gz").write_text(gff(rows))
    header = "name\torganism\tdomain\tgenetic_code\tbp\tcds"
    (tmp_path / "index.tsv").write_text(f'{header}\none\tOne "x"\tfungi\t1\t{len(sequence)}\t3\n')
    return tmp_path


def test_counts(tiny: Path) -> None:
    (row,) = read_index(tiny)
    result = survey_genome(tiny, row)
    assert result.genes == {CODING: 4}
    assert (result.expressible, result.clean, result.over_frameshift, result.accepted) == (1, 3, 1, 1)
    assert result.share == 0.5
    assert result.rejected_clean == [("splice_site", "gene-odd")]
    assert result.rejected == {"splice_site": 1, "frameshift": 1, "no_stop_codon": 1}
    assert result.left_out == {"not_a_gene": 1}
    assert table([result])[2] == (
        '| One "x" | fungi | 0.00 | 4 | 1 | 4 | 3 | 3 | 1 | 1 | 50.00 | 1 not_a_gene '
        "| 1 frameshift, 1 no_stop_codon, 1 splice_site |"
    )


def test_page_keeps_what_stands_around_the_table(tiny: Path) -> None:
    page = tiny / "page.md"
    page.write_text(f"# Genomes\n\n{BEGIN}\nold\n{END}\n\nMore.\n")
    survey(tiny, page)
    text = page.read_text()
    assert text.startswith(f"# Genomes\n\n{BEGIN}\n| genome |") and text.endswith(f"|\n{END}\n\nMore.\n")
    assert "old" not in text
    write_survey(tiny / "new.md", [])
    assert (tiny / "new.md").read_text().splitlines()[0] == BEGIN


def test_index_must_have_its_columns(tmp_path: Path) -> None:
    (tmp_path / "index.tsv").write_text("name\torganism\na\tb\n")
    with pytest.raises(InputError, match="column 'bp' is missing"):
        read_index(tmp_path)


@pytest.mark.parametrize(
    ("bases", "code", "clean"),
    [
        ("ATGGCTTAA", 1, True),
        ("GTGGCTTAA", 11, True),
        ("GTGGCTTAA", 1, False),
        ("TTAGCTTAA", 4, True),
        ("ATGTGATAA", 4, True),
        ("ATGTGATAA", 11, False),
        ("ATGGCTGCT", 11, False),
        ("ATGGCTTA", 11, False),
    ],
)
def test_clean(bases: str, code: int, clean: bool) -> None:
    one = Transcript("t", GeneModel(CODING, "+", ((0, len(bases)),)))
    assert is_clean(one, bases, code) is clean


def test_partial_is_never_clean() -> None:
    model = GeneModel(CODING, "+", ((0, 9),), End.OPEN)
    assert not is_clean(Transcript("t", model, flags=frozenset({"partial"})), "ATGGCTTAA", 11)


@pytest.mark.genomes
def test_bars_on_every_genome_of_the_collection(collection: Path) -> None:
    rows = read_index(collection)
    assert len(rows) >= 36
    for row in rows:
        result = survey_genome(collection, row)
        genus = row["organism"].split()[0]
        bar = 0.999 if row["domain"] in WITHOUT_INTRONS else EUKARYOTE_BARS.get(genus, 0.99)
        assert result.clean == result.listed, row["name"]
        assert result.share >= bar, (row["name"], result.rejected_clean)


@pytest.mark.genomes
def test_ecoli_keeps_its_genes_and_verified_starts_are_among_them(collection: Path) -> None:
    folder = next(collection.glob("Escherichia_coli*"))
    annotation = read_gff3(folder / "annotation.gff3.gz")
    coding = [gene for gene in annotation.genes if gene.kind == CODING]
    assert len(coding) >= 4280
    verified = read_gff3(folder / "verified_starts.gff3.gz")
    assert len(verified.genes) == 769
    models = {one.model for gene in coding for one in gene.transcripts}
    assert all(gene.target.model in models for gene in verified.genes)
