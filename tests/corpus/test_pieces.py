"""What is taught and what is masked, case by case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from genescribe.corpus.pieces import CutPiece, cut_pieces
from genescribe.corpus.stretches import Stretch, stretches
from genescribe.genomes.records import FLAG_EXCEPTION, FLAG_PARTIAL, Gene, LeftOut, Transcript
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, N, to_codes
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig

CODING = "ATG" + "GCA" * 30 + "TAA"
SIZE = len(CODING)


def _gene(model: GeneModel, *flags: str) -> Gene:
    transcript = Transcript("t", model, flags=frozenset(flags))
    return Gene("g", "s", model.strand, model.kind, (transcript,))


def _cut(
    letters: str,
    genes: Sequence[Gene] = (),
    left_out: Sequence[LeftOut] = (),
    regions: Sequence[Region] | None = None,
    circular: bool = False,
) -> list[CutPiece]:
    codes = to_codes(letters)
    return list(cut_pieces("s", codes, circular, genes, left_out, GrammarConfig(), regions))


def _model(start: int, end: int | None = None, **more: object) -> GeneModel:
    return GeneModel("protein_coding", "+", ((start, start + SIZE if end is None else end),), **more)  # type: ignore[arg-type]


def test_a_gene_inside_is_taught_in_the_coordinates_of_its_piece() -> None:
    (piece,) = _cut("C" * 50 + CODING + "C" * 50, [_gene(_model(50))], regions=[Region("s", 20, 50 + SIZE)])
    assert piece.stretch == Stretch("s", 20, 50 + SIZE, ends_left=False, ends_right=False)
    assert piece.genes == [_model(30)]
    assert piece.masked.tolist() == []
    assert piece.taught == {"protein_coding": 1}


def test_a_gene_over_a_regions_border_is_masked_on_both_sides() -> None:
    letters, genes = "C" * 60 + CODING + "C" * 140, [_gene(_model(60))]
    (left,) = _cut(letters, genes, regions=[Region("s", 0, 100)])
    (right,) = _cut(letters, genes, regions=[Region("s", 100, 200 + SIZE)])
    assert left.genes == right.genes == []
    assert left.masked.tolist() == [[60, 100]]
    assert right.masked.tolist() == [[0, 60 + SIZE - 100]]
    assert left.masked_genes == right.masked_genes == {"crosses_border": 1}


def test_a_gene_whose_intron_holds_the_border_is_masked_with_its_intron() -> None:
    gene = _gene(GeneModel("tRNA", "+", ((90, 120), (180, 220))))
    (left,) = _cut("C" * 400, [gene], regions=[Region("s", 0, 150)])
    (right,) = _cut("C" * 400, [gene], regions=[Region("s", 150, 400)])
    assert left.masked.tolist() == [[90, 150]]
    assert right.masked.tolist() == [[0, 70]]


@pytest.mark.parametrize(
    ("gene", "reason"),
    [
        (_gene(_model(50), FLAG_EXCEPTION), "exception"),
        (_gene(GeneModel("pseudogene", "-", ((50, 50 + SIZE),))), "pseudogene"),
        (_gene(GeneModel("protein_coding", "-", ((50, 50 + SIZE),))), "no_stop_codon"),
        (_gene(_model(50, left=End.OPEN), FLAG_PARTIAL), "partial_inside"),
        (_gene(_model(50, 47 + SIZE, right=End.OPEN), FLAG_PARTIAL), "partial_inside"),
    ],
)
def test_doubtful_genes_are_masked_under_their_reason(gene: Gene, reason: str) -> None:
    (piece,) = _cut("C" * 50 + CODING + "C" * 50, [gene])
    assert piece.genes == []
    assert piece.masked.tolist() == [[50, gene.end]]
    assert piece.masked_genes == {reason: 1}


def test_left_out_features_are_masked_unless_they_are_no_genes() -> None:
    left_out = [
        LeftOut("a", "s", 10, 40, "+", "CDS", "trans_splicing"),
        LeftOut("b", "s", 30, 60, "-", "mRNA", "no_exons"),
        LeftOut("c", "s", 5, 190, "+", "repeat_region", "not_a_gene"),
        LeftOut("d", "s", 80, 90, "+", "ncRNA", "noncoding_isoform"),
    ]
    (piece,) = _cut("C" * 200, left_out=left_out)
    assert piece.masked.tolist() == [[10, 60]]


def test_a_partial_gene_at_the_sequences_end_is_taught() -> None:
    left = _model(0, 61, left=End.OPEN, lead=2)
    right = _model(161, 161 + 70, right=End.OPEN)
    letters = "A" + CODING[-60:] + "C" * 100 + CODING[:70]
    (piece,) = _cut(letters, [_gene(left, FLAG_PARTIAL), _gene(right, FLAG_PARTIAL)])
    assert piece.genes == [left, right]
    assert piece.masked.tolist() == []


def test_a_partial_gene_at_a_regions_border_is_masked() -> None:
    gene = _gene(_model(100, 97 + SIZE, right=End.OPEN), FLAG_PARTIAL)
    (piece,) = _cut("C" * 100 + CODING + "C" * 90, [gene], regions=[Region("s", 0, 97 + SIZE)])
    assert piece.genes == []
    assert piece.masked_genes == {"partial_inside": 1}


def test_a_gene_over_the_origin_of_a_circle_is_taught_once() -> None:
    letters = CODING[40:] + "C" * 200 + CODING[:40]
    start = len(letters) - 40
    (piece,) = _cut(letters, [_gene(_model(start))], circular=True)
    assert piece.stretch.circular
    assert piece.genes == [_model(start)]
    assert piece.taught == {"protein_coding": 1}


def test_a_mask_over_the_origin_of_a_circle_is_cut_in_two() -> None:
    (piece,) = _cut(
        "C" * 200, left_out=[LeftOut("a", "s", 190, 215, "+", "CDS", "trans_splicing")], circular=True
    )
    assert piece.masked.tolist() == [[0, 15], [190, 200]]


def test_a_region_of_a_circle_is_linear_and_takes_genes_before_and_after_the_origin() -> None:
    letters = CODING[40:] + "C" * 200 + CODING[:40]
    start = len(letters) - 40
    (piece,) = _cut(letters, [_gene(_model(start))], regions=[Region("s", 0, 150)], circular=True)
    assert not piece.stretch.circular
    assert piece.genes == []
    assert piece.masked.tolist() == [[0, SIZE - 40]]


def _sequence(*parts: tuple[str, int]) -> Codes:
    return to_codes("".join(letter * count for letter, count in parts))


def test_long_n_runs_part_a_sequence_and_short_ones_do_not() -> None:
    codes = _sequence(("C", 70), ("N", 50), ("C", 70), ("N", 49), ("C", 70))
    assert stretches("s", codes, False, None) == [Stretch("s", 0, 70), Stretch("s", 120, len(codes))]


def test_a_circle_with_an_n_run_is_linear_over_the_origin() -> None:
    codes = _sequence(("C", 70), ("N", 60), ("C", 100))
    assert stretches("s", codes, True, None) == [Stretch("s", 130, 300)]
    two = _sequence(("N", 60), ("C", 100), ("N", 60))
    assert stretches("s", two, True, None) == [Stretch("s", 60, 160)]
    touching = _sequence(("C", 100), ("N", 60))
    assert stretches("s", touching, True, None) == [Stretch("s", 0, 100)]


def test_a_gene_beyond_an_n_run_of_a_circle_is_found_over_the_origin() -> None:
    letters = "C" * 20 + CODING + "C" * 20 + "N" * 60 + "C" * 100
    (piece,) = _cut(letters, [_gene(_model(20))], circular=True)
    assert piece.genes == [_model(120)]
    np.testing.assert_array_equal(piece.codes[120 : 120 + SIZE], to_codes(CODING))


def test_regions_cut_stretches_and_know_the_sequences_own_ends() -> None:
    codes = _sequence(("C", 70), ("N", 60), ("C", 100))
    regions = [Region("s", 100, 200), Region("other", 0, 9), Region("s", 0, 50)]
    assert stretches("s", codes, False, regions) == [
        Stretch("s", 0, 50, ends_right=False),
        Stretch("s", 130, 200, ends_right=False),
    ]


def test_regions_that_touch_or_overlap_are_one() -> None:
    codes = _sequence(("C", 300))
    regions = [Region("s", 100, 200), Region("s", 0, 100), Region("s", 150, 250)]
    assert stretches("s", codes, False, regions) == [Stretch("s", 0, 250, ends_right=False)]
    assert stretches("s", codes, True, [*regions, Region("s", 250, 300)]) == [
        Stretch("s", 0, 300, circular=True)
    ]


def test_short_pieces_and_sequences_of_n_alone_give_none() -> None:
    assert _cut("C" * 59) == []
    assert _cut("N" * 300) == []
    assert len(_cut("C" * 60)) == 1
    assert (_cut("C" * 30 + "N" * 30)[0].codes[30:] == N).all()


def test_genes_are_sorted() -> None:
    letters = CODING + "C" * 50 + CODING
    (piece,) = _cut(letters, [_gene(_model(SIZE + 50)), _gene(_model(0))])
    assert [gene.start for gene in piece.genes] == [0, SIZE + 50]
