"""What tests of annotation share: a predictor that makes no mistake, and checks of what is written."""

from __future__ import annotations

import shutil
import subprocess
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from genescribe.annotation.predictions import PredictedGene, WindowPrediction
from genescribe.annotation.stitch import StitchResult
from genescribe.annotation.target import Target
from genescribe.annotation.tiling import Window
from genescribe.annotation.write import write_outputs
from genescribe.corpus.stretches import find_gaps
from genescribe.genomes.formats import Outputs
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Gene
from genescribe.language import vocabulary
from genescribe.language.bases import Codes, to_codes
from genescribe.language.check import check
from genescribe.language.codec import clip, encode
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.model.decoder import last_pointed_position
from genescribe.model.generation import encode_windows
from genescribe.model.modeling import GeneScribeModel

Perfect = Callable[[Target, Mapping[str, Sequence[GeneModel]], Sequence[Window]], list[WindowPrediction]]
Written = Callable[[Target, StitchResult], list[Gene]]
Probabilities = Callable[[GeneScribeModel, Codes, list[GeneModel], GrammarConfig], tuple[list[float], float]]


@pytest.fixture(scope="session")
def perfect() -> Perfect:
    """Predict windows from the true genes of each sequence, models on the whole sequence."""
    return _predictions


def _predictions(
    target: Target, genes: Mapping[str, Sequence[GeneModel]], windows: Sequence[Window]
) -> list[WindowPrediction]:
    predictions = []
    codes = {seqid: to_codes(sequence) for seqid, sequence in target.sequences.items()}
    by_start = {seqid: sorted(models, key=lambda one: one.start) for seqid, models in genes.items()}
    longest = max((one.end - one.start for models in genes.values() for one in models), default=0)
    starts = {seqid: [one.start for one in models] for seqid, models in by_start.items()}
    for window in windows:
        length = len(codes[window.seqid])
        circle = length if window.seqid in target.circular else None
        near = []
        for turn in (0, -length, length) if circle else (0,):
            # Windows and genes may both lie beyond the origin.
            first = bisect_left(starts.get(window.seqid, []), window.start - longest + turn)
            last = bisect_left(starts.get(window.seqid, []), window.end + turn)
            near += by_start.get(window.seqid, [])[first:last]
        models, _ = clip(dict.fromkeys(near), window.start, window.length, circular_length=circle)
        grammar = GrammarConfig(genetic_code=target.genetic_codes[window.seqid])
        encoding = encode(window.codes(codes[window.seqid]), models, grammar)
        written = tuple(PredictedGene(model, -0.1) for model in encoding.accepted)
        predictions.append(WindowPrediction(window, written))
    return predictions


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write genes in all formats, check that they are valid and partial where they may be, and read them."""

    def _written(target: Target, result: StitchResult) -> list[Gene]:
        outputs = Outputs(
            *(tmp_path / f"genes.{suffix}" for suffix in ("gff3", "gtf", "bed", "tsv", "faa", "fna", "json"))
        )
        write_outputs(result, target, outputs)
        assert outputs.gff3 and outputs.proteins
        if shutil.which("gt"):
            done = subprocess.run(
                ["gt", "gff3validator", str(outputs.gff3)], capture_output=True, text=True, check=False
            )
            assert (done.stdout, done.stderr) == ("input is valid GFF3\n", "")
        lengths = {seqid: len(sequence) for seqid, sequence in target.sequences.items()}
        annotation = read_gff3(outputs.gff3, lengths)
        assert annotation.circular == target.circular
        assert annotation.left_out == []
        codes = {seqid: to_codes(sequence) for seqid, sequence in target.sequences.items()}
        borders = {seqid: set(_borders(codes[seqid], seqid in target.circular)) for seqid in target.sequences}
        for gene in annotation.genes:
            assert_possible(gene.target.model, codes[gene.seqid], target, gene.seqid, borders[gene.seqid])
        assert "*" not in "".join(
            line for line in outputs.proteins.read_text().splitlines() if not line.startswith(">")
        )
        return annotation.genes

    return _written


def _borders(codes: Codes, is_circle: bool) -> Iterator[int]:
    """Where sequence that is known begins or ends: the only places at which a gene may be partial."""
    if not is_circle:
        yield from (0, len(codes))
    yield from find_gaps(codes).reshape(-1).tolist()


def assert_possible(model: GeneModel, codes: Codes, target: Target, seqid: str, borders: set[int]) -> None:
    """The gene keeps the genetic code, and its open ends are borders of what is known."""
    length = len(codes)
    assert model.end <= length or seqid in target.circular
    assert 0 <= model.start < length and model.end - model.start <= length
    for end, place in ((model.left, model.start), (model.right, model.end)):
        if end is not End.CLOSED:
            assert {place, place % length} & borders, (seqid, model)
    assert all(before[1] < after[0] for before, after in pairwise(model.segments))
    span = codes.take(range(model.start, model.end), mode="wrap")
    grammar = GrammarConfig(genetic_code=target.genetic_codes[seqid], introns=True)
    assert check(span, model.shifted(-model.start), grammar, labels=False) is None, (seqid, model)


@pytest.fixture(scope="session")
def probabilities() -> Probabilities:
    """Log probability of each gene of a full window, and of all that is written, by one forward pass."""
    return _probabilities


def _probabilities(
    model: GeneScribeModel, codes: Codes, genes: list[GeneModel], grammar: GrammarConfig
) -> tuple[list[float], float]:
    encoding = encode(codes, genes, grammar, labels=False)
    assert not encoding.rejected
    tokens = torch.from_numpy(np.asarray(encoding.tokens))[None]
    positions = torch.from_numpy(np.asarray(encoding.positions))[None]
    with torch.inference_mode():
        encoded = encode_windows(model, codes[None], [len(codes)])
        logits, pointers = model.step(
            encoded, model.start(encoded), tokens, positions, last_pointed_position(positions)
        )
    values = logits[0, :-1].log_softmax(-1).gather(1, tokens[0, 1:, None])[:, 0]
    target = positions[0, 1:]
    pointed = pointers[0, :-1].log_softmax(-1).gather(1, target.clamp(min=0)[:, None])[:, 0]
    values += torch.where(target >= 0, pointed, 0.0)
    gene = (tokens[0, :-1] == vocabulary.END).cumsum(0)
    sums = torch.zeros(len(genes) + 1).index_add(0, gene, values)
    return sums[:-1].tolist(), float(values.sum())
