"""BED12, literally."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from genescribe.genomes.bed12 import write_bed12
from genescribe.genomes.colours import BANDS, colour, hex_colour
from genescribe.genomes.records import Gene, OutputGene, Transcript
from genescribe.language.gene_model import End, GeneModel

CODING = "protein_coding"
LENGTHS = {"chr2": 1000, "ring": 300}


def rows(tmp_path: Path, genes: list[OutputGene | Gene]) -> list[str]:
    write_bed12(tmp_path / "genes.bed", genes, LENGTHS)
    return (tmp_path / "genes.bed").read_text().replace("\t", " ").splitlines()


def test_rows_literally(tmp_path: Path) -> None:
    isoforms = (
        Transcript("long one", GeneModel(CODING, "-", ((500, 560), (600, 690)))),
        Transcript("short", GeneModel(CODING, "-", ((600, 690),))),
    )
    genes: list[OutputGene | Gene] = [
        OutputGene("ring", "a", GeneModel("tRNA", "+", ((10, 80),)), 0.5004),
        Gene("g", "chr2", "-", CODING, isoforms),
        OutputGene("chr2", "b", GeneModel(CODING, "+", ((0, 61),), End.OPEN, lead=1), 0.98765),
    ]
    assert rows(tmp_path, genes) == [
        "chr2 0 61 b.t1 988 + 0 61 8,81,156 1 61 0",
        "chr2 500 690 long_one 0 - 500 690 0,0,0 2 60,90 0,100",
        "chr2 600 690 short 0 - 600 690 0,0,0 1 90 0",
        "ring 10 80 a.t1 500 + 10 10 107,174,214 1 70 0",
    ]


def test_a_gene_over_the_origin_is_two_rows(tmp_path: Path) -> None:
    genes: list[OutputGene | Gene] = [
        OutputGene("ring", "a", GeneModel(CODING, "+", ((240, 270), (290, 330))), 0.2),
        OutputGene("ring", "b", GeneModel(CODING, "-", ((250, 280), (305, 335)))),
        OutputGene("ring", "ends there", GeneModel(CODING, "-", ((210, 300),))),
    ]
    assert rows(tmp_path, genes) == [
        "ring 0 30 a.t1/2 200 + 0 30 150,150,150 1 30 0",
        "ring 5 35 b.t1/2 0 - 5 35 0,0,0 1 30 0",
        "ring 210 300 ends_there.t1 0 - 210 300 0,0,0 1 90 0",
        "ring 240 300 a.t1/1 200 + 240 300 150,150,150 2 30,10 0,50",
        "ring 250 280 b.t1/1 0 - 250 280 0,0,0 1 30 0",
    ]


def test_blocks_do_not_overlap_over_a_frameshift(tmp_path: Path) -> None:
    genes: list[OutputGene | Gene] = [OutputGene("chr2", "a", GeneModel(CODING, "+", ((0, 31), (30, 61))))]
    assert rows(tmp_path, genes) == ["chr2 0 61 a.t1 0 + 0 61 0,0,0 1 61 0"]


@pytest.mark.parametrize(
    ("score", "band"), [(1.0, 0), (0.9, 0), (0.8999, 1), (0.7, 1), (0.69, 2), (0.5, 2), (0.49, 3), (0.0, 3)]
)
def test_colours_by_score(score: float, band: int) -> None:
    assert colour(score) == BANDS[band][1]


@pytest.mark.parametrize("score", [None, -0.1, 1.1, 120.5, float("nan")])
def test_what_is_no_probability_has_no_colour(score: float | None) -> None:
    assert colour(score) is None
    assert hex_colour(score) is None


def test_colours_differ_in_lightness() -> None:
    """Luminance (ITU-R BT.709) rises from blue to blue by a tenth of the scale at least."""
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for _, (r, g, b) in BANDS]
    assert all(after - before > 25 for before, after in pairwise(light[:3]))
    assert hex_colour(0.95) == "#08519c"
