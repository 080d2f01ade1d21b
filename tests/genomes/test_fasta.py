"""FASTA: what is accepted, and one clear line for what is not."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from Bio.bgzf import BgzfWriter
from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta, write_fasta

Write = Callable[..., Path]


FASTA = b">chr1 first\nACGT\nNNryACG\n>gi|2|x.1\nacgtACGTu\n"


def test_reads_records_in_order_with_soft_mask_apart(write: Write) -> None:
    records = read_fasta(write(FASTA))
    assert list(records) == ["chr1", "gi|2|x.1"]
    assert records["chr1"].sequence == "ACGTNNRYACG"
    assert records["chr1"].header == "chr1 first"
    assert records["chr1"].softmask == ((6, 8),)
    assert records["gi|2|x.1"].sequence == "ACGTACGTT"
    assert records["gi|2|x.1"].softmask == ((0, 4), (8, 9))


def test_lower_case_throughout_is_no_mask(write: Write) -> None:
    records = read_fasta(write(">a\nacgt\n>b\nnnac\n"))
    assert [one.softmask for one in records.values()] == [(), ()]
    assert records["a"].sequence == "ACGT"


def test_crlf_blank_lines_and_blanks_inside_lines(write: Write) -> None:
    records = read_fasta(write(b">a one\r\nACGT ACGT\r\n\r\nAC\r\n>b\r\nGG\r\n"))
    assert {seqid: one.sequence for seqid, one in records.items()} == {"a": "ACGTACGTAC", "b": "GG"}


def test_gzip_is_told_by_content(write: Write) -> None:
    assert read_fasta(write(gzip.compress(FASTA), "plain.fna")) == read_fasta(write(FASTA))


def test_bgzip(write: Write, tmp_path: Path) -> None:
    with BgzfWriter(str(tmp_path / "b.gz")) as writer:
        writer.write(FASTA)
    packed = (tmp_path / "b.gz").read_bytes()
    assert read_fasta(tmp_path / "b.gz") == read_fasta(write(FASTA))
    with pytest.raises(InputError, match=r"a\.gz: the compressed file is cut short"):
        read_fasta(write(packed[:-28], "a.gz"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "input.txt: the file is empty", id="empty"),
        pytest.param(b"\n\n", "input.txt: there is no sequence", id="blank"),
        pytest.param(b"\x00\x01\x02\xff>a\n", "input.txt:1: this is not text", id="binary"),
        pytest.param(b">a\nACGT\nAC\x00GT\n", "input.txt:3: this is not text", id="binary inside"),
        pytest.param(
            b">p\nMKVLAAGIVGL\n", "input.txt:2: 'I' is no nucleotide: this is protein", id="protein"
        ),
        pytest.param(b">p\nMKVDRHSKWYMKVD\n", "input.txt:1: sequence 'p' is mostly not ACGT", id="peptide"),
        pytest.param(b">a\nAC-GT\n", "input.txt:2: '-' is no nucleotide", id="gap"),
        pytest.param(b"ACGT\n>a\nACGT\n", "input.txt:1: a FASTA file begins with a header", id="headless"),
        pytest.param(b"##gff-version 3\n", "input.txt:1: this looks like GFF3", id="GFF3"),
        pytest.param(b"LOCUS  X\n", "input.txt:1: this looks like GenBank", id="GenBank"),
        pytest.param(b">\nACGT\n", "input.txt:1: this header has no identifier", id="no identifier"),
        pytest.param(b">a\nAC\n>b\nGT\n>a z\nTT\n", "input.txt:5: sequence 'a' occurs twice", id="duplicate"),
        pytest.param(
            b">a\nAC\n>b\n", "input.txt:3: sequence 'b' has no bases: the file seems", id="truncated"
        ),
        pytest.param(b">a\n>b\nAC\n", "input.txt:1: sequence 'a' has no bases: remove", id="empty record"),
        pytest.param(
            gzip.compress(b">a\n" + b"ACGT" * 99)[:-20], "the compressed file is cut short", id="cut gzip"
        ),
    ],
)
def test_bad_fasta_gives_one_line(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_fasta(write(content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_fasta(tmp_path / "none.fna")
    with pytest.raises(InputError, match="this is a folder"):
        read_fasta(tmp_path)


def test_written_fasta_has_80_columns_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "out.fna"
    write_fasta(path, [("a", "ACGT" * 41), ("b", "N" * 80)])
    assert [len(line) for line in path.read_text().splitlines()] == [2, 80, 80, 4, 2, 80]
    assert {one.id: one.sequence for one in read_fasta(path).values()} == {"a": "ACGT" * 41, "b": "N" * 80}
