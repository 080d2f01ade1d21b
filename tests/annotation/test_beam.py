"""Beam search with the bundled weights on real sequence."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from genescribe.annotation.model_folder import bundled_model
from genescribe.annotation.predict import load_model
from genescribe.genomes.fasta import read_fasta
from genescribe.language.bases import Codes, to_codes
from genescribe.language.gene_model import GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.language.tables import build_tables
from genescribe.model.beam import search
from genescribe.model.generation import encode_windows, generate
from genescribe.model.grammar_mask import GrammarMask
from genescribe.model.modeling import GeneScribeModel
from genescribe.model.writing import MAX_GENES

Probabilities = Callable[[GeneScribeModel, Codes, list[GeneModel], GrammarConfig], tuple[list[float], float]]
GRAMMAR = GrammarConfig(genetic_code=11)
WINDOWS, FIRST = 6, 100_000


@pytest.fixture(scope="module")
def model() -> GeneScribeModel:
    """The bundled weights, made less sure of where to point: else greedy decoding is hard to beat."""
    torch.set_num_threads(1)
    model = load_model(bundled_model(), torch.device("cpu"))
    # All pointer logits shrink alike, with a gate or without.
    head = model.pointer_head
    scaled = [*head.query.parameters(), *(() if head.gate is None else head.gate.parameters())]
    with torch.no_grad():
        for parameter in scaled:
            parameter *= 0.45
    return model


@pytest.fixture(scope="module")
def windows(model: GeneScribeModel, ecoli: Path) -> Codes:
    bases = read_fasta(ecoli / "genome.fna")["NC_000913.2"].sequence
    length = model.config.window
    return to_codes(bases[FIRST : FIRST + WINDOWS * length]).reshape(WINDOWS, length)


def test_it_writes_what_is_at_least_as_probable_as_greedy(
    model: GeneScribeModel, windows: Codes, probabilities: Probabilities
) -> None:
    valid = [windows.shape[1]] * WINDOWS
    greedy = generate(model, windows, valid, GRAMMAR)
    wide = generate(model, windows, valid, GRAMMAR, beam=4)
    gains = []
    for codes, one, other in zip(windows, greedy, wide, strict=True):
        # The probabilities it gives are those of one forward pass, without cache or beam.
        genes, of_wide = probabilities(model, codes, other.genes, GRAMMAR)
        assert genes == pytest.approx(other.log_probabilities, abs=1e-3)
        gains.append(of_wide - probabilities(model, codes, one.genes, GRAMMAR)[1])
    assert min(gains) > -1e-3
    assert max(gains) > 0.1
    assert sum(len(window.genes) for window in wide) > 20


def test_a_beam_of_one_is_greedy(model: GeneScribeModel, windows: Codes) -> None:
    valid = [windows.shape[1]] * WINDOWS
    mask = GrammarMask([build_tables(row, GRAMMAR, valid=len(row)) for row in windows], GRAMMAR)
    with torch.inference_mode():
        found = search(model, encode_windows(model, windows, valid), mask, valid, 1, MAX_GENES, math.inf)
    written = generate(model, windows, valid, GRAMMAR)
    assert [window.genes for window in found] == [window.genes for window in written]


def test_windows_of_a_batch_are_searched_as_if_alone(model: GeneScribeModel, windows: Codes) -> None:
    run = partial(generate, model, grammar=GRAMMAR, beam=3)
    together = run(windows, [windows.shape[1]] * WINDOWS)
    for codes, window in zip(windows, together, strict=True):
        (alone,) = run(codes[None], [len(codes)])
        assert alone.genes == window.genes
        np.testing.assert_allclose(alone.log_probabilities, window.log_probabilities, atol=1e-4)


def test_a_window_that_holds_too_many_genes_is_truncated(model: GeneScribeModel, windows: Codes) -> None:
    (window,) = generate(model, windows[:1], [windows.shape[1]], GRAMMAR, max_genes=2, beam=2)
    assert window.truncated
    assert len(window.genes) == 2
