"""Properties of codec and grammar on random windows with overlapping, nested and cut genes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from Bio.Seq import Seq
from genescribe.language.automaton import Automaton, Phase
from genescribe.language.bases import N, reverse_complement, to_letters
from genescribe.language.check import check
from genescribe.language.codec import clip, decode, encode, model_tokens
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.language.vocabulary import BOS, EOS, NO_POSITION
from hypothesis import given, settings
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)
properties = settings(max_examples=80, deadline=None, derandomize=True)


@properties
@given(seeds)
def test_decoding_an_encoding_gives_the_clipped_genes(tools: Any, seed: int) -> None:
    draw = random.Random(seed)
    case = tools.case(seed)
    genes = tools.walk(case, seed)
    for _ in range(8):
        start = draw.randrange(len(case.codes))
        length = draw.randint(1, len(case.codes) - start)
        window = np.full(length + draw.choice((0, 0, 7)), N, dtype=np.uint8)
        window[:length] = case.codes[start : start + length]
        clipped, short = clip(genes, start, length, min_target=1)
        assert not short
        encoding = encode(window, clipped, case.config, valid=length)
        # A part of a good gene can only be wrong in that its outer codon is cut by the edge, or in that
        # two parts have become alike.
        assert {reason for _, reason in encoding.rejected} <= {"too_short", "same_extent"}
        for model, reason in encoding.rejected:
            codon_is_cut = model.length < 3 and not (model.left is model.right is End.OPEN)
            assert codon_is_cut if reason == "too_short" else len(clipped) > 1
        rejected = [model for model, _ in encoding.rejected]
        expected = list(clipped)
        for model in rejected:
            expected.remove(model)
        decoded = decode(encoding.tokens, encoding.positions, length)
        assert decoded == expected == encoding.accepted
        assert [model.phases for model in decoded] == [model.phases for model in expected]


@properties
@given(seeds)
def test_clipping_twice_is_clipping_once(tools: Any, seed: int) -> None:
    draw = random.Random(seed)
    case = tools.case(seed)
    genes = tools.walk(case, seed)
    start = draw.randrange(len(case.codes))
    length = draw.randint(1, len(case.codes) - start)
    inner = draw.randrange(length)
    inner_length = draw.randint(1, length - inner)
    once = clip(genes, start + inner, inner_length, min_target=1)
    twice = clip(clip(genes, start, length, min_target=1)[0], inner, inner_length, min_target=1)
    assert twice == once


@properties
@given(seeds)
def test_every_base_keeps_its_codon_position(tools: Any, seed: int) -> None:
    case = tools.case(seed)
    start, length = len(case.codes) // 4, max(1, len(case.codes) // 2)
    for gene in tools.walk(case, seed):
        if gene.kind != PROTEIN_CODING:
            continue
        of_gene = codon_positions(gene, 0)
        for part in clip([gene], start, length, min_target=1)[0]:
            of_part = codon_positions(part, start)
            assert of_part.items() <= of_gene.items()
            for (first, end), phase in zip(part.segments, part.phases, strict=True):
                if gene.strand == "+":
                    assert phase == -of_gene[first + start] % 3
                else:
                    # The rightmost base of a codon, at position 2 from the left, is the first that is read.
                    assert phase == (of_gene[end - 1 + start] + 1) % 3


def codon_positions(model: GeneModel, offset: int) -> dict[int, int]:
    """Position in its codon, from the left, of every base in a segment."""
    bases = [base + offset for a, b in model.segments for base in range(a, b)]
    return {base: (model.lead + index) % 3 for index, base in enumerate(bases)}


@properties
@given(seeds)
def test_every_prefix_of_an_encoding_is_legal(tools: Any, seed: int) -> None:
    case = tools.case(seed)
    encoding = encode(case.codes, tools.walk(case, seed), case.config, labels=case.labels)
    assert not encoding.rejected
    assert encoding.tokens[0] == BOS and encoding.tokens[-1] == EOS
    automaton = case.automaton
    for token, position in zip(encoding.tokens[1:].tolist(), encoding.positions[1:].tolist(), strict=True):
        assert token in automaton.tokens()
        assert position == NO_POSITION or position in automaton.positions(token)
        automaton.advance(token, position)
    assert automaton.phase is Phase.DONE


@properties
@given(seeds)
def test_the_reverse_complement_has_the_mirrored_genes(tools: Any, seed: int) -> None:
    case = tools.case(seed)
    length = len(case.codes)
    genes = tools.walk(case, seed)
    genes += [gene for model in genes[:3] for gene in tools.altered(model, length)]
    mirror = [gene.reverse_complement(length) for gene in genes]
    opposite = reverse_complement(case.codes)
    for gene, mirrored in zip(genes, mirror, strict=True):
        assert mirrored.reverse_complement(length) == gene
        forward = check(case.codes, gene, case.config, labels=case.labels)
        backward = check(opposite, mirrored, case.config, labels=case.labels)
        assert (forward is None) == (backward is None)
    written = encode(case.codes, genes, case.config, labels=case.labels)
    written_opposite = encode(opposite, mirror, case.config, labels=case.labels)
    assert set(decode(written_opposite.tokens, written_opposite.positions, length)) == {
        gene.reverse_complement(length) for gene in decode(written.tokens, written.positions, length)
    }


@properties
@given(seeds)
def test_a_gene_altered_by_one_base_is_rejected_or_valid(tools: Any, seed: int) -> None:
    case = tools.case(seed)
    for gene in tools.walk(case, seed):
        assert tools.is_valid(case, gene)
        for changed in tools.altered(gene, len(case.codes)):
            accepted = check(case.codes, changed, case.config, labels=case.labels) is None
            assert accepted == tools.is_valid(case, changed), changed


@properties
@given(seeds)
def test_check_and_automaton_agree(tools: Any, seed: int) -> None:
    case = tools.case(seed)
    for gene in tools.walk(case, seed, genes=2):
        for model in (gene, *tools.altered(gene, len(case.codes))):
            reason = check(case.codes, model, case.config, labels=case.labels)
            # Tokens say nothing of where an open end is, so the automaton cannot be asked about these.
            if reason in ("partial_inside", "out_of_window", "empty_segment"):
                continue
            assert accepts(case.automaton, model) == (reason is None), (model, reason)


def accepts(automaton: Automaton, model: GeneModel) -> bool:
    """Whether the automaton takes a model from STRAND to END."""
    try:
        for token, position in model_tokens(model):
            automaton.advance(token, position)
    except ValueError:
        return False
    return True


@properties
@given(seeds)
def test_genes_over_the_origin_of_a_circular_sequence(tools: Any, seed: int) -> None:
    draw = random.Random(seed)
    case = tools.case(seed)
    size = len(case.codes)
    turn = draw.randrange(size)
    circle = np.roll(case.codes, turn)
    linear = [gene for gene in tools.walk(case, seed) if gene.is_complete]
    genes = [gene.shifted(turn) for gene in linear]
    for gene in genes:
        assert check(circle, gene, case.config, labels=case.labels, circular=True) is None
    for _ in range(6):
        start, length = draw.randrange(size), draw.randint(1, size)
        window = np.take(circle, range(start, start + length), mode="wrap")
        clipped, _ = clip(genes, start, length, min_target=1, circular_length=size)
        encoding = encode(window, clipped, case.config)
        assert {reason for _, reason in encoding.rejected} <= {"too_short", "same_extent"}
        assert decode(encoding.tokens, encoding.positions, length) == encoding.accepted
        inside = sum(model.length for model in clipped)
        covered = {(start + offset) % size for offset in range(length)}
        assert inside == sum(
            (i % size) in covered for gene in genes for a, b in gene.segments for i in range(a, b)
        )
        if turn <= start and start + length <= turn + size:
            assert clipped == clip(linear, start - turn, length, min_target=1)[0]


WALKS = [pytest.param(1_000, id="thousand"), pytest.param(10_000, id="ten_thousand", marks=pytest.mark.slow)]


@pytest.mark.parametrize("walks", WALKS)
def test_completed_walks_are_valid_genes(
    tools: Any, wishes: list[Any], real_bases: Callable[[int, int], str], walks: int
) -> None:
    counts: Counter[tuple[str, bool, bool]] = Counter()
    for seed in range(walks):
        bases = real_bases(seed, 180) if seed % 2 else None
        case = tools.case(seed, introns=seed % 8 != 1, bases=bases)
        for gene in tools.walk(case, seed, wishes[seed % 8]):
            assert tools.is_valid(case, gene), (seed, gene)
            if gene.kind != PROTEIN_CODING:
                continue
            counts[gene.strand, len(gene.segments) > 1, gene.is_complete] += 1
            if gene.is_complete:
                cds = Seq("".join(to_letters(case.codes)[a:b] for a, b in gene.segments))
                cds = cds if gene.strand == "+" else cds.reverse_complement()
                protein = str(cds.translate(table=case.config.genetic_code))
                assert protein.endswith("*") and "*" not in protein[:-1]
    assert len(counts) == 8
    assert min(counts.values()) >= walks / 10, counts
