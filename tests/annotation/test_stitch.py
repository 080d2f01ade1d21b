"""Stitching: a perfect predictor gives back the true genes, and conflicts are settled by the rules."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from genescribe.annotation.calibration import Calibration, Curve
from genescribe.annotation.observations import is_exclusive, is_version
from genescribe.annotation.predictions import (
    PredictedGene,
    WindowPrediction,
    from_json,
    read_predictions,
    to_json,
    write_predictions,
)
from genescribe.annotation.stitch import StitchResult, StitchSettings, stitch
from genescribe.annotation.tiling import Window, chunk, tile
from genescribe.errors import InputError
from genescribe.language.bases import Codes, N, reverse_complement, to_letters
from genescribe.language.check import check
from genescribe.language.codec import clip, encode
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig
from hypothesis import given, settings
from hypothesis import strategies as st

MIN_TARGET = 6
GRAMMAR = GrammarConfig(genetic_code=11, introns=True, min_target=MIN_TARGET)
BOTH = StitchSettings(max_overlap=1.0)


def perfect(
    windows: Sequence[Window], sequence: Codes, genes: Sequence[GeneModel], is_circle: bool = False
) -> list[WindowPrediction]:
    """What a predictor that makes no mistake writes for windows of one sequence."""
    predictions = []
    for window in windows:
        turn = len(sequence) if is_circle else None
        models, _ = clip(genes, window.start, window.length, GRAMMAR.min_target, turn)
        encoding = encode(window.codes(sequence), models, GRAMMAR)
        assert not encoding.rejected
        written = tuple(PredictedGene(model, -0.1) for model in encoding.accepted)
        predictions.append(WindowPrediction(window, written))
    return predictions


def stitched(
    predictions: Sequence[WindowPrediction],
    sequences: dict[str, str],
    circular: Sequence[str] = (),
    settings: StitchSettings = BOTH,
) -> StitchResult:
    return stitch(predictions, sequences, circular, dict.fromkeys(sequences, GRAMMAR), settings)


def models(result: StitchResult) -> list[GeneModel]:
    return [gene.model for gene in result.genes]


def planted(seed: int, genes: int, longest: int) -> tuple[Codes, list[GeneModel]]:
    """A sequence with coding genes, some spliced, and tRNAs, on both strands, some close together."""
    draw = np.random.default_rng(seed)
    parts, found, at = [], [], 0
    for _ in range(genes):
        space = draw.integers(0, 4, size=int(draw.integers(1, 120)), dtype=np.uint8)
        codons = draw.integers(0, 4, size=(int(draw.integers(22, longest // 3)), 3), dtype=np.uint8)
        for stop in ((3, 0, 0), (3, 0, 2), (3, 2, 0)):
            codons[(codons == stop).all(axis=1)] = 0
        codons[0], codons[-1] = (0, 3, 2), (3, 0, 2)
        bases = codons.reshape(-1)
        segments = [(0, len(bases))]
        if draw.random() < 0.4:
            intron = draw.integers(0, 4, size=int(draw.integers(20, 60)), dtype=np.uint8)
            intron[:2], intron[-2:] = (2, 3), (0, 2)
            cut = int(draw.integers(1, len(bases) - 1))
            bases = np.concatenate([bases[:cut], intron, bases[cut:]])
            segments = [(0, cut), (cut + len(intron), len(bases))]
        kind = "protein_coding" if draw.random() < 0.8 else "tRNA"
        model = GeneModel(kind, "+", tuple(segments))
        if draw.random() < 0.5:
            bases, model = reverse_complement(bases), model.reverse_complement(len(bases))
        found.append(model.shifted(at + len(space)))
        parts += [space, bases]
        at += len(space) + len(bases)
    return np.concatenate([*parts, draw.integers(0, 4, size=40, dtype=np.uint8)]), found


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    window=st.integers(20, 60),
    overlap=st.integers(6, 19),
    chunks=st.integers(1, 5),
    trim=st.tuples(st.integers(0, 150), st.integers(0, 150)),
    longest=st.sampled_from([150, 900, 2500]),
)
def test_a_perfect_predictor_on_a_linear_sequence(
    seed: int, window: int, overlap: int, chunks: int, trim: tuple[int, int], longest: int
) -> None:
    codes, genes = planted(seed, 6, longest)
    begin, length = trim[0], len(codes) - sum(trim)
    sequence = np.ascontiguousarray(codes[begin : begin + length])
    genes, _ = clip(genes, begin, length, min_target=MIN_TARGET)
    sequences = {"s": to_letters(sequence)}
    windows = tile(sequences, [], window * 12, (window - overlap) * 12)
    parts = [perfect(chunk(windows, index, chunks), sequence, genes) for index in range(chunks)]
    predictions = [from_json(to_json(one)) for part in parts for one in part]
    random.Random(seed).shuffle(predictions)
    result = stitched(predictions, sequences)
    assert models(result) == sorted(genes, key=lambda gene: (gene.start, gene.end, gene.strand))
    assert result.counts["genes"] == len(genes)
    assert not any(name.startswith(("rejected", "open", "other")) for name in result.counts)
    for gene in genes:
        if gene.is_complete:
            assert check(sequence, gene, GRAMMAR, labels=False) is None


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    window=st.integers(20, 80),
    overlap=st.integers(7, 19),
    turn=st.integers(0, 3000),
)
def test_a_perfect_predictor_on_a_circle(seed: int, window: int, overlap: int, turn: int) -> None:
    codes, genes = planted(seed, 4, 500)
    length = len(codes)
    codes = np.roll(codes, turn)
    moved = [gene.shifted(turn) for gene in genes]
    genes = [gene.shifted(-(gene.start // length) * length) for gene in moved]
    sequences = {"c": to_letters(codes)}
    windows = tile(sequences, ["c"], window * 12, (window - overlap) * 12)
    predictions = perfect(windows, codes, genes, is_circle=True)
    random.Random(seed).shuffle(predictions)
    result = stitched(predictions, sequences, ["c"])
    assert models(result) == sorted(genes, key=lambda gene: (gene.start, gene.end, gene.strand))


def test_gaps_cut_genes_to_partial_ones() -> None:
    codes, genes = planted(3, 3, 900)
    gene = next(gene for gene in genes if gene.length > 500 and len(gene.segments) == 1)
    middle = (gene.start + gene.end) // 2
    codes[middle - 30 : middle + 30] = N
    sequences = {"s": to_letters(codes)}
    windows = tile(sequences, [], 240, 120)
    pieces = sorted({window.piece for window in windows})
    assert pieces == [(0, middle - 30), (middle + 30, len(codes))]
    expected = []
    predictions = []
    for start, end in pieces:
        inside, _ = clip(genes, start, end - start, min_target=MIN_TARGET)
        inside = [one.shifted(start) for one in inside]
        expected += inside
        predictions += perfect([one for one in windows if one.piece == (start, end)], codes, inside)
    assert models(stitched(predictions, sequences)) == sorted(expected, key=lambda one: one.start)
    halves = [one for one in expected if not one.is_complete]
    assert [(one.left, one.right) for one in halves] == [(End.CLOSED, End.OPEN), (End.OPEN, End.CLOSED)]


def test_many_short_contigs() -> None:
    sequences, predictions, expected = {}, [], []
    for seed in range(20):
        codes, genes = planted(seed, 1, 150)
        cut = len(codes) - 60 - seed * 3
        sequence = np.ascontiguousarray(codes[:cut])
        genes, _ = clip(genes, 0, cut, min_target=MIN_TARGET)
        seqid = f"contig{seed}"
        sequences[seqid] = to_letters(sequence)
        windows = tile({seqid: sequences[seqid]}, [], 6144)
        assert [window.reverse for window in windows] == [False, True]
        predictions += perfect(windows, sequence, genes)
        expected += [(seqid, gene) for gene in genes]
    result = stitched(predictions[::-1], sequences)
    assert [(gene.seqid, gene.model) for gene in result.genes] == expected
    assert any(not gene.is_complete for _, gene in expected)


# Literal cases: two windows of 600 bases that overlap by a half.

LONG = "ATG" + "GCA" * 20 + "ATG" + "GCA" * 30 + "TAA"
SHORT_BEGINS = LONG.index("ATG", 3)
FIRST, SECOND = Window("s", (0, 900), 0, 600), Window("s", (0, 900), 300, 600)


def _sequence(gene: str, start: int, length: int = 900) -> dict[str, str]:
    return {"s": "C" * start + gene + "C" * (length - start - len(gene))}


def _seen(*genes: tuple[Window, GeneModel, float]) -> list[WindowPrediction]:
    """Predictions of both windows; genes are given on the sequence."""
    return [
        WindowPrediction(
            window,
            tuple(PredictedGene(model.shifted(-window.start), p) for one, model, p in genes if one is window),
        )
        for window in (FIRST, SECOND)
    ]


def _coding(start: int, end: int, strand: str = "+") -> GeneModel:
    return GeneModel("protein_coding", strand, ((start, end),))


def _versions(start: int) -> tuple[GeneModel, GeneModel]:
    end = start + len(LONG)
    return _coding(start, end), _coding(start + SHORT_BEGINS, end)


def test_of_two_equally_probable_versions_the_one_farther_from_an_edge_stays() -> None:
    for start, expected in ((310, 0), (440, 1)):
        long, short = _versions(start)
        predictions = _seen((FIRST, long, -0.5), (SECOND, short, -0.5))
        result = stitched(predictions, _sequence(LONG, start))
        assert models(result) == [(long, short)[expected]]
        assert result.counts["other_version"] == 1


@pytest.mark.parametrize("start", [310, 440])
def test_the_more_probable_version_stays_near_an_edge_too(start: int) -> None:
    long, short = _versions(start)
    for p_long, p_short, expected in ((-2.0, -0.1, short), (-0.1, -2.0, long)):
        predictions = _seen((FIRST, long, p_long), (SECOND, short, p_short))
        assert models(stitched(predictions, _sequence(LONG, start))) == [expected]


def test_at_equal_distance_the_more_probable_version_stays() -> None:
    long, short = _versions(339)
    assert FIRST.end - long.end == short.start - SECOND.start == 102
    for p_long, p_short, expected in ((-0.5, -0.1, short), (-0.1, -0.5, long), (-0.1, -0.1, long)):
        predictions = _seen((FIRST, long, p_long), (SECOND, short, p_short))
        assert models(stitched(predictions, _sequence(LONG, 339))) == [expected]


def test_versions_written_in_one_window_are_two_genes() -> None:
    long, short = _versions(100)
    predictions = _seen((FIRST, long, -0.5), (FIRST, short, -0.1))
    sequences = _sequence(LONG, 100)
    assert models(stitched(predictions, sequences)) == [long, short]
    result = stitched(predictions, sequences, settings=StitchSettings(max_overlap=0.5))
    assert models(result) == [short]
    assert result.counts["on_a_more_probable_gene"] == 1


DISPUTED = Calibration(coding=Curve(disagreement=-4.0))


def test_a_gene_that_one_of_two_windows_saw_scores_lower() -> None:
    long, short = _versions(350)
    sequences = _sequence(LONG, 350)
    by_agreement = StitchSettings(DISPUTED)

    def scores(*genes: tuple[Window, GeneModel, float]) -> list[float]:
        return [gene.score for gene in stitched(_seen(*genes), sequences, settings=by_agreement).genes]

    (twice,) = scores((FIRST, long, -0.5), (SECOND, long, -0.5))
    (once,) = scores((FIRST, long, -0.5))
    (other_start,) = scores((FIRST, short, -0.5), (SECOND, long, -0.5))
    assert twice == pytest.approx(math.exp(-0.5))
    odds = twice / (1 - twice) * math.exp(-2)
    assert once == other_start == pytest.approx(odds / (1 + odds))


def test_a_gene_that_only_one_window_holds_is_not_disputed() -> None:
    long, _ = _versions(50)
    result = stitched(_seen((FIRST, long, -0.5)), _sequence(LONG, 50), settings=StitchSettings(DISPUTED))
    assert [gene.score for gene in result.genes] == [pytest.approx(math.exp(-0.5))]


def test_genes_with_a_low_score_are_dropped_and_counted() -> None:
    long, _ = _versions(350)
    predictions = _seen((FIRST, long, -1.0))
    for least, kept in ((0.36, 1), (0.37, 0)):
        result = stitched(predictions, _sequence(LONG, 350), settings=StitchSettings(min_score=least))
        assert (len(result.genes), result.counts["improbable"]) == (kept, 1 - kept)
        by_stop = StitchSettings(Calibration(coding=Curve(constant=-9.0), min_stop=least))
        assert len(stitched(predictions, _sequence(LONG, 350), settings=by_stop).genes) == kept


TWO_STRANDS = "ATG" + "GCA" * 5 + "TTA" + "GCA" * 20 + "CAT" + "GCA" * 5 + "TAA"


def test_of_two_genes_on_each_other_the_more_probable_stays() -> None:
    plus, minus = _coding(50, 50 + len(TWO_STRANDS)), _coding(68, 134, "-")
    sequences = _sequence(TWO_STRANDS, 50)
    for p_plus, p_minus, expected in ((-0.1, -0.2, plus), (-0.2, -0.1, minus)):
        predictions = _seen((FIRST, plus, p_plus), (FIRST, minus, p_minus))
        assert models(stitched(predictions, sequences, settings=StitchSettings())) == [expected]
        assert models(stitched(predictions, sequences)) == [plus, minus]


def test_a_half_without_partner_is_counted() -> None:
    gene = "ATG" + "GCA" * 149 + "TAA"
    sequences = _sequence(gene, 200)
    half = GeneModel("protein_coding", "+", ((200, 600),), right=End.OPEN)
    result = stitched(_seen((FIRST, half, -0.1)), sequences)
    assert models(result) == []
    assert result.counts["open_without_partner"] == 1
    other = GeneModel("protein_coding", "+", ((300, 653),), left=End.OPEN, lead=1)
    joined = stitched(_seen((FIRST, half, -0.1), (SECOND, other, -0.3)), sequences)
    assert models(joined) == [_coding(200, 653)]
    assert joined.genes[0].evidence.logprob == -0.3
    assert joined.counts["part_of_a_joined_gene"] == 2


def test_halves_in_different_frames_are_not_joined() -> None:
    sequences = _sequence("ATG" + "GCA" * 149 + "TAA", 200)
    half = GeneModel("protein_coding", "+", ((200, 600),), right=End.OPEN)
    other = GeneModel("protein_coding", "+", ((300, 653),), left=End.OPEN, lead=2)
    result = stitched(_seen((FIRST, half, -0.1), (SECOND, other, -0.3)), sequences)
    assert models(result) == []
    assert result.counts["open_without_partner"] == result.counts["seen"] == 2


def test_a_complete_gene_goes_before_a_joined_one() -> None:
    long, short = _versions(310)
    half = GeneModel("protein_coding", "+", ((310, 400),), right=End.OPEN)
    third = Window("s", (0, 900), 240, 160)
    predictions = [
        *_seen((SECOND, short, -2.0)),
        WindowPrediction(third, (PredictedGene(half.shifted(-240), -0.1),)),
    ]
    result = stitched(predictions, _sequence(LONG, 310))
    assert models(result) == [short]
    assert result.counts["part_of_a_gene"] == 1
    assert long.start == half.start


def test_what_the_grammar_rejects_is_counted_by_reason() -> None:
    long, _ = _versions(100)
    predictions = _seen((FIRST, _coding(long.start, long.end - 3), -0.1), (FIRST, _coding(101, 161), -0.1))
    result = stitched(predictions, _sequence(LONG, 100))
    assert models(result) == []
    assert result.counts["rejected_no_stop_codon"] == 1
    assert result.counts["rejected_no_start_codon"] == 1


def test_a_gene_that_is_open_at_a_regions_border_is_dropped_and_at_the_contigs_end_it_is_kept() -> None:
    sequences = {"s": "GCA" * 100 + "TAA" + "C" * 300}
    gene = GeneModel("protein_coding", "+", ((0, 303),), left=End.OPEN)
    window, _ = tile(sequences, [], 1200)
    prediction = WindowPrediction(window, (PredictedGene(gene, -0.1),))
    assert models(stitched([prediction], sequences)) == [gene]
    (border,) = [Window("s", (30, 603), 30, 573)]
    cut = PredictedGene(GeneModel("protein_coding", "+", ((0, 273),), left=End.OPEN), -0.1)
    result = stitched([WindowPrediction(border, (cut,))], sequences)
    assert models(result) == []
    assert result.counts["open_at_region_border"] == 1
    on_circle = stitched(
        [WindowPrediction(Window("s", (0, 500), 0, 500), (PredictedGene(gene, -0.1),))], sequences, ["s"]
    )
    assert on_circle.counts["open_at_region_border"] == 1


def test_truncated_windows_are_counted() -> None:
    window, _ = tile({"s": "C" * 100}, [], 1200)
    assert stitched([WindowPrediction(window, (), True)], {"s": "C" * 100}).counts["windows_truncated"] == 1


def test_scores_are_probabilities() -> None:
    long, _ = _versions(100)
    result = stitched(_seen((FIRST, long, 0.5)), _sequence(LONG, 100))
    assert 0.999 < result.genes[0].score < 1
    result = stitched(_seen((FIRST, long, -1.0)), _sequence(LONG, 100))
    assert result.genes[0].score == pytest.approx(np.exp(-1.0))


def test_wrong_predictions_are_refused() -> None:
    sequences = _sequence(LONG, 100)
    long, short = _versions(100)
    first, second = _seen((FIRST, long, -0.1))
    with pytest.raises(InputError, match="windows of s are missing"):
        stitched([first], sequences)
    with pytest.raises(InputError, match=r"window s:1-600 was predicted twice"):
        stitched([first, second, _seen((FIRST, short, -0.1))[0]], sequences)
    with pytest.raises(InputError, match="'s' of a prediction is not in the genome"):
        stitched([first, second], {"other": "C" * 900})
    with pytest.raises(InputError, match="past the end of the sequence; use"):
        stitched([first, second], {"s": "C" * 800})
    again = _seen((FIRST, long, -0.100001))[0]
    assert stitched([first, second, again], sequences) == stitched([again, first, second], sequences)


def test_is_version() -> None:
    gene = _coding(0, 90)
    assert is_version(gene, _coding(30, 90))
    assert is_version(gene, _coding(0, 93))
    assert not is_version(gene, _coding(1, 91))
    assert not is_version(gene, _coding(30, 90, "-"))
    assert is_version(_coding(0, 90, "-"), _coding(0, 900, "-"))
    assert not is_version(gene, _coding(60, 150))
    assert is_version(GeneModel("tRNA", "+", ((0, 70),)), GeneModel("tRNA", "+", ((1, 72),)))
    assert not is_version(GeneModel("tRNA", "+", ((0, 70),)), GeneModel("rRNA", "+", ((0, 70),)))


def test_is_exclusive() -> None:
    gene = _coding(0, 90)
    assert is_exclusive(gene, _coding(10, 70, "-"), 0.5)
    assert not is_exclusive(gene, _coding(60, 120), 0.5)
    assert not is_exclusive(gene, _coding(86, 176), 0.0 + 0.1)
    assert not is_exclusive(gene, GeneModel("tRNA", "-", ((10, 80),)), 0.5)
    spliced = GeneModel("protein_coding", "+", ((0, 30), (200, 260)))
    assert not is_exclusive(spliced, _coding(40, 190), 0.0)


def test_predictions_go_through_a_file(tmp_path: Path) -> None:
    partial = GeneModel("protein_coding", "-", ((0, 5), (30, 600)), left=End.OPEN, right=End.OPEN, lead=2)
    predictions = _seen((FIRST, partial, -0.1234564), (FIRST, GeneModel("tRNA", "+", ((3, 70),)), -1.0))
    path = tmp_path / "chunk.jsonl"
    write_predictions(path, predictions)
    read = list(read_predictions(path))
    assert [one.window for one in read] == [FIRST, SECOND]
    assert read[0].genes[0] == PredictedGene(partial, -0.123456)
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"start":0', '"start":500'),
        ('"start":0', '"begin":0'),
        ('"kind":"tRNA"', '"kind":"gene"'),
        ('"left":"closed"', '"left":"shut"'),
        ('"lead":0', '"lead":3'),
        ("[[3,70]]", "[[70,3]]"),
        ("[[3,70]]", "[[3,601]]"),
        ("[[3,70]]", "[]"),
        ("{", "["),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "chunk.jsonl"
    line = to_json(_seen((FIRST, GeneModel("tRNA", "+", ((3, 70),)), -1.0))[0])
    assert old in line
    path.write_text(line + "\n" + line.replace(old, new, 1) + "\n")
    with pytest.raises(InputError, match=r"chunk\.jsonl:2: not a window's prediction"):
        list(read_predictions(path))
    with pytest.raises(InputError, match="no such file"):
        list(read_predictions(tmp_path / "none.jsonl"))
