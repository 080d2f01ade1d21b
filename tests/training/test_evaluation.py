"""Exact F1 of decoded genes, window by window."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from genescribe.corpus.reader import ValidationWindows
from genescribe.corpus.store import Corpus
from genescribe.language.gene_model import End, GeneModel
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.generation import generate
from genescribe.model.modeling import GeneScribeModel
from genescribe.model.writing import WindowGenes
from genescribe.training import evaluation
from genescribe.training.evaluation import GeneCounts, decoded_genes

WINDOW = 3072
NOTHING = torch.zeros(1000, dtype=torch.bool)


def gene(start: int, end: int, strand: str = "+", kind: str = "protein_coding") -> GeneModel:
    return GeneModel(kind, strand, ((start, end),))


def counted(
    reference: list[GeneModel], predicted: list[GeneModel], masked: torch.Tensor = NOTHING
) -> tuple[float, float, float]:
    counts = GeneCounts()
    counts.add(reference, predicted, masked)
    return counts.reference, counts.predicted, counts.matched


def test_only_the_very_same_gene_matches() -> None:
    reference = [gene(10, 100), gene(200, 290, "-")]
    assert counted(reference, reference) == (2, 2, 2)
    assert counted(reference, [gene(10, 103), gene(200, 290, "+")]) == (2, 2, 0)
    assert counted(reference, [gene(10, 100), gene(10, 100)]) == (2, 1, 1)


def test_rna_genes_and_genes_that_run_past_the_edge_do_not_count() -> None:
    partial = GeneModel("protein_coding", "+", ((0, 90),), left=End.OPEN, lead=1)
    assert counted([partial, gene(100, 176, kind="tRNA")], [partial]) == (0, 0, 0)


def test_a_gene_predicted_on_masked_bases_does_not_count_unless_it_is_in_the_reference() -> None:
    masked = NOTHING.clone()
    masked[100:200] = True
    assert counted([], [gene(130, 220)], masked) == (0, 0, 0)
    assert counted([], [gene(160, 250)], masked) == (0, 1, 0)  # less than half of it
    assert counted([gene(130, 220)], [gene(130, 220)], masked) == (1, 1, 1)


def test_f1() -> None:
    assert GeneCounts(reference=6, predicted=4, matched=3).f1 == 0.6
    assert GeneCounts().f1 == 0


def test_decoding_the_annotation_itself_gives_f1_1_and_losing_genes_lowers_it(
    ecoli_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`generate` is replaced by the annotation, read off another way: from the genes, not from the tokens."""
    windows = ValidationWindows(Corpus.open(ecoli_corpus), WINDOW)
    (piece,) = windows.corpus.pieces
    indices = [0, 3, 7, 12, len(windows) - 1]
    genes = {
        index: [
            gene for gene in piece.genes(index * WINDOW, WINDOW) if gene.start >= 0 and gene.end <= WINDOW
        ]
        for index in indices
    }
    by_codes = {windows.rows([index])["codes"][0].tobytes(): genes[index] for index in indices}

    def perfect(model: object, codes: object, valid: list[int], *rest: object) -> list[WindowGenes]:
        return [WindowGenes(by_codes[row.tobytes()], [], False) for row in codes]  # type: ignore[attr-defined]

    def first_only(model: object, codes: object, valid: list[int], *rest: object) -> list[WindowGenes]:
        return [WindowGenes(window.genes[:-1], [], False) for window in perfect(model, codes, valid)]

    model = GeneScribeModel(GeneScribeConfig(window=WINDOW, width=32, heads=2, channels=16)).eval()
    inside = sum(one.kind == "protein_coding" for some in genes.values() for one in some)
    assert inside >= 5
    monkeypatch.setattr(evaluation, "generate", perfect)
    counts = decoded_genes(model, windows, indices, size=2)
    assert (counts.reference, counts.predicted, counts.f1) == (inside, inside, 1.0)
    monkeypatch.setattr(evaluation, "generate", first_only)
    assert 0 < decoded_genes(model, windows, indices, size=2).f1 < 1


def test_untrained_weights_stop_at_the_most_tokens_and_keep_the_genes_finished_by_then(
    ecoli_corpus: Path,
) -> None:
    windows = ValidationWindows(Corpus.open(ecoli_corpus), WINDOW)
    torch.manual_seed(0)
    model = GeneScribeModel(GeneScribeConfig(window=WINDOW, width=32, heads=2, channels=16)).eval()
    codes, grammar = windows.rows([0, 1])["codes"], windows.grammar(0)
    few, more = (generate(model, codes, [WINDOW] * 2, grammar, max_tokens=most) for most in (12, 60))
    assert all(window.truncated for window in few)
    for short, long in zip(few, more, strict=True):
        assert len(short.genes) == len(short.log_probabilities) <= 12 / 4
        assert short.genes == long.genes[: len(short.genes)]
    assert sum(len(window.genes) for window in more) > sum(len(window.genes) for window in few)
