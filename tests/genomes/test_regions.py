"""Regions and genetic codes as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.genomes.genetic_codes import parse_genetic_code
from genescribe.genomes.regions import Region, parse, read_bed, write_bed

Write = Callable[..., Path]


LENGTHS = {"chr1": 1000, "a:1-9": 20}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("chr1:1-1000", Region("chr1", 0, 1000)),
        ("chr1:11-20", Region("chr1", 10, 20)),
        ("chr1:1,0-20", Region("chr1", 9, 20)),
        ("chr1", Region("chr1", 0, 1000)),
        ("a:1-9", Region("a:1-9", 0, 20)),
        ("a:1-9:2-3", Region("a:1-9", 1, 3)),
    ],
)
def test_parse(text: str, region: Region) -> None:
    assert parse(text, LENGTHS) == region


@pytest.mark.parametrize("text", ["chr1:0-5", "chr1:9-5", "chr1:1-1001", "chr2", "chr2:1-5"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InputError, match="region"):
        parse(text, LENGTHS)


def test_whole_sequences_need_lengths() -> None:
    assert parse("x:3-4") == Region("x", 2, 4)
    with pytest.raises(InputError, match="write it as id:first-last"):
        parse("x")


def test_region_text_and_containment() -> None:
    region = Region("x", 2, 4)
    assert parse(str(region)) == region
    assert len(region) == 2
    assert region.contains(2, 4)
    assert not region.contains(1, 4)
    assert not region.contains(3, 5)


def test_bed_round_trip(tmp_path: Path, write: Write) -> None:
    regions = [Region("b", 0, 5), Region("a", 7, 9)]
    write_bed(tmp_path / "x.bed", regions)
    assert read_bed(tmp_path / "x.bed") == regions
    write_bed(tmp_path / "none.bed", [])
    assert read_bed(tmp_path / "none.bed") == []
    assert read_bed(write("# x\ntrack name=x\na\t7\t9\tname\n\n", "y.bed")) == [Region("a", 7, 9)]


@pytest.mark.parametrize("line", ["a 1 2", "a\t1", "a\tx\t2", "a\t3\t2"])
def test_bad_bed(write: Write, line: str) -> None:
    with pytest.raises(InputError, match=r"x\.bed:2: "):
        read_bed(write("b\t1\t2\n" + line + "\n", "x.bed"))


def test_genetic_codes() -> None:
    assert parse_genetic_code("11") == (11, {})
    assert parse_genetic_code("1;NC_1=3; m=2") == (1, {"NC_1": 3, "m": 2})
    assert parse_genetic_code("1;a=2;b=c=3") == (1, {"a": 2, "b=c": 3})


@pytest.mark.parametrize("text", ["", "x", "1;3", "1;a=b", "a=3"])
def test_bad_genetic_codes(text: str) -> None:
    with pytest.raises(InputError, match="genetic code"):
        parse_genetic_code(text)
