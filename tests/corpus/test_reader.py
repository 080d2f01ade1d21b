"""Windows: what they hold, how they are drawn, and that splits stay apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from genescribe.corpus.reader import (
    Corpus,
    Piece,
    ValidationWindows,
    WindowSampler,
    cut,
    piece_shares,
)
from genescribe.corpus.shards import CorpusSpec, GenomeSpec, write_corpus
from genescribe.corpus.splits import parse_split, write_splits
from genescribe.errors import InputError
from genescribe.language.bases import N, reverse_complement
from genescribe.language.codec import clip, decode
from genescribe.language.gene_model import KINDS, GeneModel
from genescribe.language.vocabulary import BOS, EOS, PAD
from hypothesis import given, settings
from hypothesis import strategies as st

Make = Callable[..., Any]
WINDOW = 1200


@pytest.fixture
def corpus(build: Make, plant: Make) -> Corpus:
    linear, circle, short = plant(1, 9000, genes=12), plant(2, 4000, genes=5), plant(3, 500, genes=1)
    linear.codes[4000:4003] = N
    corpus: Corpus = build("mixed", {"line": linear, "circle": circle, "short": short}, circular=["circle"])
    return corpus


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_a_batch_is_a_pure_function_of_seed_and_step(corpus: Corpus) -> None:
    sampler = WindowSampler(corpus, WINDOW, 4, seed=7)
    batches = [sampler.batch(step) for step in range(3)]
    again = WindowSampler(Corpus.open(corpus.folder), WINDOW, 4, seed=7)
    for step in (2, 0, 1):
        assert _equal(again.batch(step), batches[step])
    assert not _equal(batches[0], batches[1])
    assert not _equal(WindowSampler(corpus, WINDOW, 4, seed=8).batch(0), batches[0])


def test_samples_do_not_depend_on_how_they_are_batched(corpus: Corpus) -> None:
    sampler = WindowSampler(corpus, WINDOW, 4, seed=7)
    batch, single = sampler.batch(2), sampler.rows([10])
    for key in batch:
        row, alone = batch[key][2], single[key][0]
        assert np.array_equal(row[: alone.size] if alone.shape else row, alone)


def test_shapes_and_types(corpus: Corpus) -> None:
    batch = WindowSampler(corpus, WINDOW, 3, seed=0).batch(0)
    width = batch["tokens"].shape[1]
    expected = {
        "codes": ((3, WINDOW), np.uint8),
        "valid": ((3,), np.int64),
        "tokens": ((3, width), np.int64),
        "positions": ((3, width), np.int64),
        "frame_class": ((3, WINDOW), np.int8),
        "boundary": ((3, WINDOW), np.uint8),
        "loss_mask": ((3, WINDOW), np.bool_),
        "weight": ((3,), np.float32),
        "genetic_code": ((3,), np.int64),
        "introns": ((3,), np.bool_),
        "doubtful_starts": ((3,), np.bool_),
        "annotated_kinds": ((3, len(KINDS)), np.bool_),
    }
    assert {key: (value.shape, value.dtype.type) for key, value in batch.items()} == expected
    assert (batch["tokens"][:, 0] == BOS).all()
    assert ((batch["tokens"] == EOS).sum(axis=1) == 1).all()
    assert (batch["positions"][batch["tokens"] == PAD] == -1).all()


def _unrolled(piece: Piece) -> tuple[np.ndarray, list[GeneModel]]:
    """Bases and genes of a piece laid out three times in a row if it is circular, else once."""
    codes, genes = piece.codes(0, len(piece)), piece.genes(0, len(piece))
    if not piece.entry.circular:
        return codes, genes
    whole = [gene for gene in genes if gene.start >= 0]
    return np.tile(codes, 3), [gene.shifted(turn * len(piece)) for turn in (-1, 0, 1, 2) for gene in whole]


def test_every_row_is_its_window_and_decodes_to_its_genes(corpus: Corpus) -> None:
    sampler = WindowSampler(corpus, WINDOW, 1, seed=3)
    seen = set()
    for index in range(120):
        number, start, reverse, weight = sampler.draw(index)
        piece, row = corpus.pieces[number], sampler.rows([index])
        length = int(row["valid"][0])
        codes, genes = _unrolled(piece)
        models, no_targets = clip(genes, start, length)
        expected = codes[start : start + length]
        if reverse:
            expected = reverse_complement(expected)
            models = [model.reverse_complement(length) for model in models]
        np.testing.assert_array_equal(row["codes"][0, :length], expected)
        assert (row["codes"][0, length:] == N).all()
        assert not row["loss_mask"][0, length:].any()
        decoded = decode(row["tokens"][0], row["positions"][0], length)
        assert set(decoded) == set(models)
        assert len(decoded) == len(models)
        assert {reason for _, reason in no_targets} <= {"short_in_window"}
        assert weight == 1.0
        seen.add(
            (
                piece.entry.seqid,
                reverse,
                length < WINDOW,
                piece.entry.circular and start + length > len(piece),
            )
        )
    assert {(seqid, reverse) for seqid, reverse, _, _ in seen} >= {
        ("line", True), ("line", False), ("circle", True), ("circle", False),
    }  # fmt: skip
    assert any(padded for _, _, padded, _ in seen)
    assert any(wraps for *_, wraps in seen)


def test_the_reverse_row_is_the_row_of_the_reverse_sequence(corpus: Corpus) -> None:
    piece = corpus.pieces[-1]
    forward, backward = cut(piece, 30, WINDOW), cut(piece, 30, WINDOW, reverse=True)
    length = len(forward.codes)
    np.testing.assert_array_equal(backward.codes, reverse_complement(forward.codes))
    models = decode(forward.tokens, forward.positions, length)
    mirrored = [model.reverse_complement(length) for model in models]
    assert set(decode(backward.tokens, backward.positions, length)) == set(mirrored)
    np.testing.assert_array_equal(backward.loss_mask, forward.loss_mask[::-1])
    swap = np.array([0, 6, 5, 4, 3, 2, 1, 7, 8, -1], dtype=np.int8)
    np.testing.assert_array_equal(backward.frame_class, swap[forward.frame_class[::-1]])


def test_masked_bases_teach_nothing(build: Make, plant: Make) -> None:
    rows = [
        "s\ttest\tCDS\t301\t420\t.\t+\t0\tID=x;exception=trans-splicing",
        "s\ttest\trepeat_region\t1\t2000\t.\t+\t.\tID=y",
    ]
    corpus: Corpus = build("masked", {"s": plant(5, 2000, genes=0)}, rows=rows)
    row = cut(corpus.pieces[0], 200, WINDOW)
    assert np.flatnonzero(~row.loss_mask).tolist() == list(range(100, 220))
    assert (row.frame_class[100:220] == -1).all()
    assert (np.delete(row.frame_class, np.s_[100:220]) == 0).all()
    mirrored = cut(corpus.pieces[0], 200, WINDOW, reverse=True)
    np.testing.assert_array_equal(mirrored.loss_mask, row.loss_mask[::-1])


def test_genes_too_short_in_the_window_keep_their_labels_and_are_no_targets(build: Make, plant: Make) -> None:
    planted = plant(6, 3000, genes=1, first=1500)
    gene = planted.genes[0]
    corpus: Corpus = build("edge", {"s": planted})
    row = cut(corpus.pieces[0], gene.start - WINDOW + 30, WINDOW)
    assert row.tokens.tolist() == [BOS, EOS]
    assert row.loss_mask.all()
    assert (row.frame_class[-30:] > 0).all()


def test_short_n_runs_stay_inside_windows(corpus: Corpus) -> None:
    line = next(piece for piece in corpus.pieces if piece.entry.seqid == "line")
    assert np.flatnonzero(line.codes(3990, 30) == N).tolist() == [10, 11, 12]
    assert np.flatnonzero(line.codes(4001, 30) == N).tolist() == [0, 1]


def test_windows_with_genes_are_drawn_more_often_in_eukaryotes_and_weigh_less(
    build: Make, plant: Make
) -> None:
    planted = plant(8, 20000, genes=2, first=15000, intron=100)
    corpus: Corpus = build("sparse", {"s": planted}, domain="eukaryote", genetic_code=1)
    plain = WindowSampler(corpus, WINDOW, 1, seed=0, gene_fraction=0.0)
    often = WindowSampler(corpus, WINDOW, 1, seed=0, gene_fraction=0.5)

    def has_gene(sampler: WindowSampler, index: int) -> bool:
        number, start, _, _ = sampler.draw(index)
        return bool(corpus.pieces[number].genes(start, WINDOW))

    natural = np.mean([has_gene(plain, index) for index in range(600)])
    flags = np.array([has_gene(often, index) for index in range(600)])
    weights = np.array([often.draw(index)[3] for index in range(600)])
    assert flags.mean() > natural + 0.2
    assert abs((weights * flags).mean() - natural) < 0.1
    assert abs(weights.mean() - 1) < 0.1
    assert set(weights[~flags]) == {2.0}
    assert {plain.draw(index)[3] for index in range(10)} == {1.0}


def test_prokaryotes_are_drawn_evenly(build: Make, plant: Make) -> None:
    corpus: Corpus = build("even", {"s": plant(9, 9000), "t": plant(10, 3000, genes=3)})
    sampler = WindowSampler(corpus, WINDOW, 1, seed=0)
    draws = [sampler.draw(index) for index in range(2000)]
    share = np.mean([corpus.pieces[number].entry.seqid == "s" for number, *_ in draws])
    assert abs(share - 0.75) < 0.05
    starts = np.array([start for number, start, *_ in draws if corpus.pieces[number].entry.seqid == "s"])
    counts, _ = np.histogram(starts, bins=8, range=(0, 9000 - WINDOW // 2))
    assert counts.min() > 0.7 * counts.mean()
    assert starts.max() < 9000 - WINDOW // 2
    assert len(set(starts % 12)) == 12
    assert abs(np.mean([reverse for _, _, reverse, _ in draws]) - 0.5) < 0.05


def _pieces(*lengths_and_codes: tuple[int, int]) -> list[Any]:
    """Pieces of which only length and genetic code are asked."""

    class Bare(SimpleNamespace):
        def __len__(self) -> int:
            return int(self.length)

    return [
        Bare(length=length, entry=SimpleNamespace(genetic_code=code)) for length, code in lengths_and_codes
    ]


def test_a_rare_genetic_code_gets_its_least_share() -> None:
    pieces = _pieces((600, 11), (300, 11), (60, 4), (40, 4))
    assert piece_shares(pieces) == [600, 300, 60, 40]
    assert piece_shares(pieces, 0.05) == [600, 300, 60, 40]
    assert piece_shares(pieces, 0.4) == pytest.approx([400, 200, 240, 160])


def test_raising_one_genetic_code_may_raise_another() -> None:
    shares = piece_shares(_pieces((700, 11), (210, 4), (90, 25)), 0.2)
    assert shares == pytest.approx([600, 200, 200])
    with pytest.raises(InputError, match=r"3 genetic codes: take 0\.33 or less"):
        piece_shares(_pieces((700, 11), (210, 4), (90, 25)), 0.34)


def test_windows_with_rna_genes_are_drawn_more_often(build: Make, plant: Make) -> None:
    planted = plant(12, 30000, genes=6)
    start = planted.genes[0].start
    planted.genes[0] = GeneModel("tRNA", "+", ((start, start + 76),))
    corpus: Corpus = build("rna", {"s": planted})
    assert [piece.rna_genes.tolist() for piece in corpus.pieces] == [[0]]

    def share(fraction: float) -> float:
        sampler = WindowSampler(corpus, WINDOW, 1, seed=0, rna_fraction=fraction)
        draws = [sampler.draw(index) for index in range(400)]
        assert {weight for *_, weight in draws} == {1.0}
        kinds = [{gene.kind for gene in corpus.pieces[n].genes(at, WINDOW)} for n, at, *_ in draws]
        return float(np.mean(["tRNA" in one for one in kinds]))

    natural = share(0.0)
    assert natural < 0.1
    assert abs(share(0.5) - (0.5 + 0.5 * natural)) < 0.08
    assert share(1.0) == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(100, 2900), st.integers(100, 2900), st.integers(0, 2**31))
def test_no_window_of_one_split_overlaps_another(
    split_corpora: Callable[[int, int], dict[str, Corpus]], first: int, second: int, seed: int
) -> None:
    borders = sorted((first, second + 100))
    for name, corpus in split_corpora(*borders).items():
        allowed = {"train": (0, borders[0]), "val": (borders[0], borders[1]), "test": (borders[1], 3000)}[
            name
        ]
        sampler = WindowSampler(corpus, 300, 1, seed=seed)
        for index in range(5):
            number, start, _, _ = sampler.draw(index)
            piece = corpus.pieces[number]
            first_base = piece.entry.start + start
            last_base = first_base + piece.window_length(start, 300)
            assert allowed[0] <= first_base < last_base <= allowed[1]
            assert not piece.entry.circular
        for batch in ValidationWindows(corpus, 300).batches(4):
            assert (batch["valid"] <= allowed[1] - allowed[0]).all()


@pytest.fixture(scope="session")
def split_corpora(
    random_circle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int, int], dict[str, Corpus]]:
    """Corpora of the three splits of a circular genome of 3000 bases, for two borders."""
    folder = tmp_path_factory.mktemp("splits")

    def make(first: int, second: int) -> dict[str, Corpus]:
        declaration = f"train=c:1-{first};val=c:{first + 1}-{second};test=c:{second + 1}-3000"
        if second >= 3000 - 60 or second - first < 60:
            declaration = f"train=c:1-{first}"
        write_splits(parse_split(declaration, {"c": 3000}), folder)
        corpora = {}
        for name in ("train", "val", "test") if ";" in declaration else ("train",):
            spec = GenomeSpec(
                name="g", folder=random_circle, domain="prokaryote", regions=folder / f"{name}.bed"
            )
            write_corpus(CorpusSpec(genomes=[spec]), folder / "corpora" / name)
            corpora[name] = Corpus.open(folder / "corpora" / name)
        return corpora

    return make


def test_validation_windows_side_by_side_hold_every_base_once(corpus: Corpus) -> None:
    windows = ValidationWindows(corpus, WINDOW)
    batches = list(windows.batches(3))
    assert sum(len(batch["codes"]) for batch in batches) == len(windows) == 8 + 4 + 1
    circle = -(-4000 // WINDOW) * WINDOW - 4000
    assert sum(int(batch["valid"].sum()) for batch in batches) == corpus.bases + circle
    assert _equal(windows.rows(range(2, 5)), ValidationWindows(corpus, WINDOW).rows([2, 3, 4]))
    assert len(ValidationWindows(corpus, WINDOW, WINDOW // 2)) == 15 + 7 + 1


def test_kinds_that_a_genome_lacks_are_told(build: Make, plant: Make) -> None:
    rows = ["s\ttest\ttRNA\t1\t75\t.\t+\t.\tID=trna"]
    corpus: Corpus = build("kinds", {"s": plant(11, 2000, genes=1, first=800)}, rows=rows)
    kinds = WindowSampler(corpus, WINDOW, 2, seed=0).batch(0)["annotated_kinds"]
    assert kinds.tolist() == [[kind in ("protein_coding", "tRNA") for kind in KINDS]] * 2
