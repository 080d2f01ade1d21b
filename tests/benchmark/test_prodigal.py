"""Prodigal on real sequence."""

from __future__ import annotations

from pathlib import Path

import pyrodigal
import pytest
from genescribe.benchmark.pieces import Piece
from genescribe.benchmark.prodigal import gene_model, predict
from genescribe.errors import InputError
from genescribe.genomes.load import load_genome
from genescribe.genomes.regions import Region
from genescribe.language.bases import reverse_complement, to_codes, to_letters
from genescribe.language.gene_model import End, GeneModel
from hypothesis import given, settings
from hypothesis import strategies as st

SEQID = "NC_000913.2"


@pytest.fixture(scope="module")
def stretch(ecoli: Path) -> str:
    """200 kb of the bundled *E. coli*."""
    return load_genome(ecoli).sequences[SEQID][100_000:300_000]


@pytest.fixture(scope="module")
def finder(stretch: str) -> pyrodigal.GeneFinder:
    finder = pyrodigal.GeneFinder()
    finder.train(stretch)
    return finder


def test_genes_are_prodigals_own(stretch: str, finder: pyrodigal.GeneFinder) -> None:
    genes = predict({"s": stretch}, {"s": 11})
    expected = finder.find_genes(stretch)
    assert len(genes) == len(expected) > 150
    for one, other in zip(genes, expected, strict=True):
        if not (other.partial_begin or other.partial_end):
            assert one.model == GeneModel(
                "protein_coding", "+" if other.strand > 0 else "-", ((other.begin - 1, other.end),)
            )
            assert one.score == other.score


def test_a_region_is_searched_with_the_model_of_the_whole_and_its_surroundings(stretch: str) -> None:
    whole = predict({"s": stretch}, {"s": 11})
    cut = whole[60].model
    region = Region("s", cut.start + cut.length // 3, 120_000)
    part = predict({"s": stretch}, {"s": 11}, [region])
    inside = [
        one.model for one in whole if region.start <= (one.model.start + one.model.end) // 2 < region.end
    ]
    assert [one.model for one in part] == inside
    assert inside[0] == cut


def test_short_genomes_are_searched_in_meta_mode(stretch: str) -> None:
    genes = predict({"s": stretch[:15_000]}, {"s": 11})
    assert len(genes) > 5


def test_an_unknown_genetic_code_is_refused(stretch: str) -> None:
    with pytest.raises(InputError, match="genetic code 7"):
        predict({"s": stretch}, {"s": 7})


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 150_000), length=st.integers(900, 4000))
def test_partial_genes_reach_the_edge_in_frame(
    stretch: str, finder: pyrodigal.GeneFinder, start: int, length: int
) -> None:
    """The frame of the open model, with the bases that Prodigal leaves out at the edge, is Prodigal's."""
    window = stretch[start : start + length]
    piece = Piece("s", 0, length, 0, length)
    for found in finder.find_genes(window):
        model = gene_model(found, piece)
        assert (model.left is End.OPEN, model.right is End.OPEN) == (found.partial_begin, found.partial_end)
        assert (model.start == 0) >= found.partial_begin
        assert (model.end == length) >= found.partial_end
        if found.strand < 0:
            model = model.reverse_complement(length)
            window_read = to_letters(reverse_complement(to_codes(window)))
        else:
            window_read = window
        first_codon = model.start + model.phases[0]
        whole = (model.end - first_codon) // 3 * 3
        protein = [window_read[first_codon + i : first_codon + i + 3] for i in range(0, whole, 3)]
        assert not {"TAA", "TAG", "TGA"} & set(protein[:-1])
        if model.right is End.CLOSED:
            assert protein[-1] in {"TAA", "TAG", "TGA"}
