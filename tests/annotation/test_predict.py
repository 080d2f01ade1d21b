"""Decoding real sequence: what is written is valid and depends on nothing but sequence and weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from genescribe.annotation.controls import CONTROLS
from genescribe.annotation.predict import SHORTEST_PART, choose_device, control_decoder, load_model, predict
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.stitch import StitchResult, stitch
from genescribe.annotation.tiling import Window, chunk, tile
from genescribe.corpus.reader import WindowSampler
from genescribe.corpus.store import Corpus
from genescribe.errors import InputError
from genescribe.genomes.load import Genome, load_genome
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, reverse_complement, to_codes, to_letters
from genescribe.language.check import check
from genescribe.language.gene_model import GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.generation import generate
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.batches import denominators, model_inputs
from genescribe.training.config import TrainingConfig
from genescribe.training.optimizers import make_optimizers

Probabilities = Callable[[GeneScribeModel, Codes, list[GeneModel], GrammarConfig], tuple[list[float], float]]
WINDOW = 3072
REGION = [Region("NC_000913.2", 100_000, 122_000)]
GRAMMARS = {"NC_000913.2": GrammarConfig(genetic_code=11)}


@pytest.fixture(scope="module")
def model(ecoli_corpus: Path) -> GeneScribeModel:
    """A small model after sixty steps: no good, but its choices are no coin tosses either."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    config = GeneScribeConfig(
        window=WINDOW, width=48, heads=2, channels=32, encoder_layers=1, decoder_layers=1
    )
    model = GeneScribeModel(config).train()
    optimizers = make_optimizers(model, TrainingConfig(tokens=1, peak_learning_rate=4e-3))
    sampler = WindowSampler(Corpus.open(ecoli_corpus), WINDOW, 2, seed=1)
    for step in range(60):
        batch = model_inputs(sampler.batch(step))
        losses = model(**batch)
        sum(getattr(losses, name) / count for name, count in denominators(batch).items()).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    return model.eval()


@pytest.fixture(scope="module")
def genome(ecoli: Path) -> Genome:
    return load_genome(ecoli)


@pytest.fixture(scope="module")
def windows(genome: Genome) -> list[Window]:
    return tile(genome.sequences, genome.circular, WINDOW, None, REGION)


def decoded(
    model: GeneScribeModel, genome: Genome, windows: list[Window], batch: int, chunks: int
) -> list[WindowPrediction]:
    return [
        prediction
        for index in range(chunks)
        for prediction in predict(
            model, genome.sequences, genome.genetic_codes, chunk(windows, index, chunks), batch
        )
    ]


def stitched(genome: Genome, predictions: list[WindowPrediction]) -> StitchResult:
    return stitch(predictions, genome.sequences, genome.circular, GRAMMARS)


def test_genes_do_not_depend_on_batch_size_or_chunks(
    model: GeneScribeModel, genome: Genome, windows: list[Window]
) -> None:
    together = stitched(genome, decoded(model, genome, windows, batch=16, chunks=1))
    apart = stitched(genome, decoded(model, genome, windows, batch=1, chunks=8))
    assert [gene.model for gene in together.genes] == [gene.model for gene in apart.genes]
    np.testing.assert_allclose(
        [gene.score for gene in together.genes], [gene.score for gene in apart.genes], atol=1e-4
    )
    assert len(together.genes) >= 10


def test_every_gene_is_valid_on_the_whole_sequence(
    model: GeneScribeModel, genome: Genome, windows: list[Window]
) -> None:
    codes = to_codes(genome.sequences["NC_000913.2"])
    result = stitched(genome, decoded(model, genome, windows, batch=8, chunks=1))
    for gene in result.genes:
        around = codes[gene.model.start - 9 : gene.model.end + 9]
        if gene.model.is_complete:
            model_here = gene.model.shifted(9 - gene.model.start)
            assert check(around, model_here, GRAMMARS[gene.seqid], labels=False) is None


def test_without_the_cache_the_probabilities_are_the_same(
    model: GeneScribeModel, genome: Genome, windows: list[Window], probabilities: Probabilities
) -> None:
    """One forward pass over what was written gives each gene the probability it was written with."""
    grammar = GRAMMARS["NC_000913.2"]
    sequence = to_codes(genome.sequences["NC_000913.2"])
    for window in windows[:6]:
        codes = window.codes(sequence)
        if len(codes) < WINDOW:
            continue
        (written,) = generate(model, codes[None], [WINDOW], grammar)
        sums, _ = probabilities(model, codes, written.genes, grammar)
        assert sums == pytest.approx(written.log_probabilities, abs=1e-4)


def test_a_window_of_the_reverse_strand_is_one_of_the_mirrored_sequence(
    model: GeneScribeModel, genome: Genome
) -> None:
    bases = genome.sequences["NC_000913.2"][100_000:106_000]
    mirrored = to_letters(reverse_complement(to_codes(bases)))
    window = Window("s", (0, 6_000), 1_200, WINDOW)
    of_mirror = replace(window, start=6_000 - window.end)
    (read,) = predict(model, {"s": bases}, {"s": 11}, [replace(window, reverse=True)], 1)
    (expected,) = predict(model, {"s": mirrored}, {"s": 11}, [of_mirror], 1)
    assert read.genes
    assert [(gene.model.reverse_complement(WINDOW), gene.logprob) for gene in read.genes] == [
        (gene.model, gene.logprob) for gene in expected.genes
    ]


@pytest.mark.parametrize("control", CONTROLS)
def test_controls_write_valid_genes_of_their_own(
    model: GeneScribeModel, genome: Genome, windows: list[Window], control: str
) -> None:
    copy = GeneScribeModel(model.config)
    copy.load_state_dict(model.state_dict())
    controlled, decode = control_decoder(copy.eval(), control)
    few = windows[:4]
    product = decoded(model, genome, few, batch=4, chunks=1)
    rows = list(predict(controlled, genome.sequences, genome.genetic_codes, few, 4, decode))
    assert [row.window for row in rows] == few
    assert rows != product
    for gene in (gene for row in rows for gene in row.genes):
        assert gene.logprob <= 0


def test_a_window_with_too_many_genes_is_decoded_in_parts(
    model: GeneScribeModel, genome: Genome, windows: list[Window]
) -> None:
    decode = partial(generate, max_genes=1)
    predictions = list(predict(model, genome.sequences, genome.genetic_codes, windows[:3], 4, decode))
    assert any(prediction.window.length < WINDOW for prediction in predictions)
    for prediction in predictions:
        assert len(prediction.genes) <= 1
        # What is still too full has become too short to be parted again.
        assert not prediction.truncated or prediction.window.length < 2 * SHORTEST_PART


def test_a_folder_without_a_model_and_a_missing_device_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        load_model(tmp_path, torch.device("cpu"))
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="device cuda is not available"):
            choose_device("cuda")
