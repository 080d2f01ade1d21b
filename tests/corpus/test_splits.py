"""Split declarations."""

from __future__ import annotations

from pathlib import Path

import pytest
from genescribe.corpus.splits import parse_split, write_splits
from genescribe.errors import InputError
from genescribe.genomes.regions import Region, read_bed

LENGTHS = {"chrB": 100, "chrA": 50, "plasmid|1.2": 10}


def test_ranges_and_whole_sequences_in_the_order_of_the_genome() -> None:
    splits = parse_split("train=plasmid|1.2,chrB:1-60 ; val=chrB:61-80;test=chrB:81-100,chrA", LENGTHS)
    assert splits == {
        "train": [Region("chrB", 0, 60), Region("plasmid|1.2", 0, 10)],
        "val": [Region("chrB", 60, 80)],
        "test": [Region("chrB", 80, 100), Region("chrA", 0, 50)],
    }


def test_whole() -> None:
    splits = parse_split("test=whole", LENGTHS)
    assert splits["test"] == [Region(seqid, 0, length) for seqid, length in LENGTHS.items()]
    assert splits["train"] == splits["val"] == []


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ("", "empty"),
        ("whole", "write train="),
        ("training=chrA", "write train="),
        ("train=", "names no region"),
        ("train=chrA,", "names no region"),
        ("train=chrA;train=chrB", "declares train twice"),
        ("train=chrC", "no sequence 'chrC'"),
        ("train=chrB:1-101", "up to 100"),
        ("train=chrB:0-10", "run from 1"),
        ("train=chrB:20-10", "first before last"),
        ("train=chrB:1-60;test=chrB:60-100", "train=chrB:1-60 and test=chrB:60-100 overlap"),
        ("train=chrB;val=chrB:3-4;test=chrA", "overlap"),
        ("train=chrA,chrA", "overlap"),
    ],
)
def test_what_cannot_be_is_refused(declaration: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_split(declaration, LENGTHS)


def test_a_long_region_overlaps_one_that_is_not_its_neighbour() -> None:
    with pytest.raises(InputError, match="overlap"):
        parse_split("train=chrB:1-90;val=chrB:1-2;test=chrB:50-60", LENGTHS)


def test_a_file_for_every_split(tmp_path: Path) -> None:
    splits = parse_split("train=chrA:1-10;test=chrA:11-50", LENGTHS)
    write_splits(splits, tmp_path / "regions")
    assert {name: read_bed(tmp_path / "regions" / f"{name}.bed") for name in splits} == splits
