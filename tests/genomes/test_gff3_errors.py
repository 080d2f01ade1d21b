"""Bad GFF3: one line that names the file, the line and what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Annotation

Write = Callable[..., Path]
Read = Callable[..., Annotation]


LENGTHS = {"chr1": 1000, "chr2": 500}
GENE = "chr1 gene 1 90 + . ID=g\n"


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        pytest.param(
            "chr1 gene 90 1 + . ID=g", 2, "start 90 lies beyond end 1; swap them", id="start beyond end"
        ),
        pytest.param("chr1 gene 0 9 + . ID=g", 2, "must be whole numbers from 1 on", id="start below 1"),
        pytest.param("chr1 gene 1.5 9 + . ID=g", 2, "must be whole numbers", id="no number"),
        pytest.param("chr1 gene 1 90 x . ID=g", 2, "strand 'x' must be", id="strand"),
        pytest.param(GENE + "chr1 CDS 1 90 + 3 Parent=g", 3, "phase '3' must be", id="phase"),
        pytest.param(
            "chrX gene 1 90 + . ID=g", 2, "sequence 'chrX' is not in the FASTA (chr1, chr2", id="unknown"
        ),
        pytest.param(
            "chr2 gene 400 501 + . ID=g", 2, "end 501 lies beyond the sequence's end 500", id="past end"
        ),
        pytest.param(
            GENE + "chr1 CDS 1 90 + 0 Parent=h", 3, "Parent 'h' is no feature's ID", id="missing Parent"
        ),
        pytest.param(
            "chr1 gene 1 90 + . ID=a;Parent=b\nchr1 mRNA 1 90 + . ID=b;Parent=a", 2, "circle", id="cycle"
        ),
        pytest.param("chr1 gene 1 90 + . ID=a;Parent=a", 2, "lead round in a circle", id="own parent"),
        pytest.param(
            GENE + "chr1 CDS 1 30 + 0 ID=c;Parent=g\nchr1 CDS 40 90 - 0 ID=c;Parent=g",
            4,
            "CDS 'c' lies on two strands",
            id="two strands",
        ),
        pytest.param(GENE + "chr1 CDS 1 90 + 0 ID=g", 3, "ID 'g' is a gene on chr1 in line 2", id="ID twice"),
        pytest.param(GENE + "chr2 CDS 1 90 + 0 Parent=g", 3, "lies on another sequence", id="other sequence"),
        pytest.param('chr1 CDS 1 90 + 0 gene_id "a"; transcript_id "b";', 2, "this looks like GTF", id="GTF"),
        pytest.param(GENE + "chr1 CDS 1 90 + 0 Parent=g;transl_table=x", 3, "transl_table 'x'", id="table"),
        pytest.param(
            "chr2 region 1 500 + . ID=r;Is_circular=true\nchr2 gene 400 1401 + . ID=g",
            3,
            "goes more than once around",
            id="twice around",
        ),
    ],
)
def test_bad_row(read: Read, rows: str, line: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(rows, LENGTHS)
    assert str(caught.value).startswith(str(caught.value.path) + f":{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param(b"\x89PNG\x00\x00", "this is not text", id="binary"),
        pytest.param(gzip.compress(b"##gff-version 3\n" * 999)[:-9], "cut short", id="cut gzip"),
        pytest.param(
            "##gff-version 3\nchr1\ttest\tgene\t1\t90\n", ":2: a GFF3 row has 9 columns", id="columns"
        ),
        pytest.param("chr1 test gene 1 90 . + . ID=g\n", ":1: a GFF3 row has 9 columns", id="blanks"),
        pytest.param("chr1\t.\tgene\t1\t9\tx\t+\t.\tID=g\n", ":1: score 'x' must be a number", id="score"),
    ],
)
def test_bad_file(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_gff3(write(content), LENGTHS)
    assert message in str(caught.value)


def test_coordinates_past_the_end_of_a_circle_are_fine(read: Read) -> None:
    rows = "chr2 region 1 500 + . ID=r;Is_circular=true\nchr2 CDS 451 540 + 0 ID=c"
    (gene,) = read(rows, LENGTHS).genes
    assert gene.target.model.segments == ((450, 540),)
