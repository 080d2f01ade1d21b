"""Masks and automaton are equal at every step."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from genescribe.language.automaton import Automaton, Phase
from genescribe.language.bases import Codes, to_codes
from genescribe.language.gene_model import KINDS, PROTEIN_CODING
from genescribe.language.grammar import GrammarConfig
from genescribe.language.tables import build_tables
from genescribe.language.vocabulary import (
    END,
    EOS,
    KIND_TOKEN,
    LEFT,
    MINUS,
    NO_POSITION,
    OPEN,
    OPEN_INTRON,
    PAD,
    PLUS,
    RIGHT,
)
from genescribe.model.grammar_mask import GrammarMask

ROWS = 6


@dataclass
class Batch:
    """Windows with one automaton each, and the masks of all."""

    automata: list[Automaton]
    mask: GrammarMask


def batch(draw: random.Random, size: int, introns: bool, genetic_code: int, rows: int = ROWS) -> Batch:
    splice_sites = (("GT", "AG"), ("GC", "AG"), ("AT", "AC"))[: draw.randint(1, 3)]
    config = GrammarConfig(
        genetic_code=genetic_code,
        introns=introns,
        splice_sites=splice_sites,
        min_intron=draw.randint(4, 12),
        min_target=draw.choice((1, 1, 15)),
        kinds=draw.choice((KINDS, (PROTEIN_CODING,), (PROTEIN_CODING, "rRNA"), ("tRNA", "pseudogene"))),
    )
    labels = draw.random() < 0.5
    windows: list[Codes] = []
    for _ in range(rows):
        weights = [*(1 + 1.5 * draw.random() for _ in range(4)), 0.04]
        windows.append(to_codes("".join(draw.choices("ACGTN", weights, k=size))))
    valid = [size if draw.random() < 0.6 else draw.randint(max(1, size // 2), size) for _ in windows]
    pairs = list(zip(windows, valid, strict=True))
    return Batch(
        [Automaton(codes, config, labels, length) for codes, length in pairs],
        GrammarMask(
            [build_tables(codes, config, labels, length) for codes, length in pairs], config, labels=labels
        ),
    )


def step(state: Batch, draw: random.Random, seen: Counter[str]) -> None:
    """Compare all rows, then take one random step in each."""
    legal = state.mask.tokens()
    tokens, positions = [], []
    for row, automaton in enumerate(state.automata):
        expected = sorted(automaton.tokens())
        assert legal[row].nonzero().flatten().tolist() == expected, (row, automaton.phase)
        weights = [0.15 if token == EOS else 1 for token in expected]
        tokens.append(draw.choices(expected, weights)[0])
    places = state.mask.positions(torch.tensor(tokens))
    for row, (automaton, token) in enumerate(zip(state.automata, tokens, strict=True)):
        expected = automaton.positions(token)
        assert places[row].nonzero().flatten().tolist() == expected, (row, automaton.phase, token)
        seen[automaton.phase.name] += 1
        position = NO_POSITION
        if token in (LEFT, RIGHT):
            assert expected
            # Often the first place: then genes begin alike and their order is put to the test.
            position = expected[0] if draw.random() < 0.3 else draw.choice(expected)
        positions.append(position)
        automaton.advance(token, position)
    state.mask.advance(torch.tensor(tokens), torch.tensor(positions))


@pytest.mark.parametrize("introns", [False, True])
@pytest.mark.parametrize("genetic_code", [1, 4, 11])
def test_masks_are_those_of_the_automaton(introns: bool, genetic_code: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(16):
        draw = random.Random(1000 * genetic_code + 2 * seed + introns)
        size = (1, 2, 3, 7, 40, 90, 150, 120)[seed % 8]
        state = batch(draw, size, introns, genetic_code)
        for _ in range(45):
            step(state, draw, seen)
    assert set(seen) == {phase.name for phase in Phase}
    assert min(seen.values()) > 10


@pytest.mark.slow
@pytest.mark.parametrize("introns", [False, True])
@pytest.mark.parametrize("genetic_code", [1, 2, 3, 4, 11, 25])
def test_masks_are_those_of_the_automaton_at_length(introns: bool, genetic_code: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(60):
        draw = random.Random(1000 * genetic_code + 2 * seed + introns)
        state = batch(draw, draw.randint(1, 300), introns, genetic_code)
        for _ in range(80):
            step(state, draw, seen)


@pytest.mark.parametrize("introns", [False, True])
def test_rows_are_kept_reordered_and_copied(introns: bool) -> None:
    draw = random.Random(5 + introns)
    state = batch(draw, 120, introns, 11)
    seen: Counter[str] = Counter()
    for _ in range(9):
        step(state, draw, seen)
    rows = [4, 1, 5]
    state.mask.select(torch.tensor(rows))
    state.automata = [state.automata[row] for row in rows]
    for _ in range(20):
        step(state, draw, seen)

    before = state.mask.tokens()
    state.mask.select(torch.tensor([2, 2, 0]))
    assert torch.equal(state.mask.tokens(), before[[2, 2, 0]])


def test_genes_that_begin_alike_come_in_order() -> None:
    """Open genes over the whole window: all ties, on the left and on the right."""
    config = GrammarConfig(kinds=(PROTEIN_CODING, "tRNA"), min_target=1)
    mask = GrammarMask([build_tables(to_codes("CCCCCCCC"), config)], config)
    trna, coding = KIND_TOKEN["tRNA"], KIND_TOKEN[PROTEIN_CODING]

    def legal() -> set[int]:
        return set(mask.tokens()[0].nonzero().flatten().tolist())

    def read(*tokens: int) -> None:
        for token in tokens:
            assert token in legal()
            mask.advance(torch.tensor([token]), torch.tensor([NO_POSITION]))

    read(PLUS, trna, OPEN[0], OPEN[0], END)
    read(PLUS)
    assert legal() == {trna}
    read(trna)
    assert legal() == {LEFT}
    mask = GrammarMask([build_tables(to_codes("CCCCCCCC"), config)], config)
    read(PLUS, coding, OPEN[2], OPEN[1], END, PLUS, trna, OPEN[0], OPEN[0], END, MINUS, coding, OPEN[0])
    assert legal() == {OPEN[2]}
    read(OPEN[2], END, MINUS)
    assert legal() == {trna}
    read(trna)
    assert legal() == {LEFT, OPEN[0], OPEN_INTRON[0]}


def test_finished_rows_take_padding() -> None:
    config = GrammarConfig(min_target=1)
    mask = GrammarMask([build_tables(to_codes("CCCC"), config)] * 2, config)
    mask.advance(torch.tensor([EOS, PLUS]), torch.tensor([-1, -1]))
    for _ in range(3):
        assert mask.tokens()[0].nonzero().flatten().tolist() == [PAD]
        assert not mask.positions(torch.tensor([PAD, KIND_TOKEN["tRNA"]])).any()
        mask.select(torch.tensor([0, 1]))
    mask.advance(torch.tensor([PAD, KIND_TOKEN["tRNA"]]), torch.tensor([-1, -1]))
    assert mask.tokens()[0].nonzero().flatten().tolist() == [PAD]
    assert mask.positions(torch.tensor([PAD, LEFT])).sum(1).tolist() == [0, 4]


def test_tables_of_a_window_do_not_depend_on_its_padding() -> None:
    config = GrammarConfig(genetic_code=1, introns=True, min_intron=6, min_target=1)
    codes = to_codes("ATGAGTCCCCAGCCTAACCGTCATAGCTTACCC")
    padded = np.concatenate([codes, to_codes("ATGACGTAAG")])
    plain, other = build_tables(codes, config), build_tables(padded, config, valid=len(codes))
    size = len(codes)
    for name in (
        "next_stop",
        "last_end",
        "ends",
        "donors",
        "acceptors",
        "next_donor",
        "first_reach",
        "codes",
    ):
        assert np.array_equal(getattr(plain, name)[..., :size], getattr(other, name)[..., :size]), name
    assert np.array_equal(plain.open_reach, other.open_reach)
    assert np.array_equal(plain.open_intron_reach, other.open_intron_reach)
    assert other.length == size
