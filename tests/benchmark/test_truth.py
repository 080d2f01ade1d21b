"""What a calibration learns from predicted genes of known truth."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from genescribe.annotation.calibration import Curve, Evidence, best_threshold
from genescribe.annotation.predictions import PredictedGene, WindowPrediction
from genescribe.annotation.tiling import Window
from genescribe.benchmark.truth import MANY_GENES, Decoded, Judged, learn
from genescribe.genomes.load import Genome, load_genome
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel

SEQID, WINDOW = "NC_000913.2", (100_000, 200_000)
SURE, UNSURE = -0.01, -3.0
STARTS = {"+": ("ATG", "GTG", "TTG"), "-": ("CAT", "CAC", "CAA")}


def _shortened(model: GeneModel, sequence: str) -> GeneModel | None:
    """The gene from its next start codon on, if there is one in its first half."""
    step = 3 if model.strand == "+" else -3
    place = model.start if model.strand == "+" else model.end - 3
    for _ in range(model.length // 6):
        place += step
        if sequence[place : place + 3] in STARTS[model.strand]:
            segment = (place, model.end) if model.strand == "+" else (model.start, place + 3)
            return replace(model, segments=(segment,))
    return None


@pytest.fixture(scope="module")
def decoded(ecoli: Path) -> Decoded:
    """100 kb of *E. coli*, seen in one window: each second gene is sure and right, the others have a wrong
    start."""
    genome: Genome = load_genome(ecoli)
    assert genome.annotation is not None
    genes = []
    begin, end = WINDOW
    for gene, logprob in zip(genome.annotation.genes, cycle((SURE, UNSURE)), strict=False):
        model = gene.target.model
        if gene.kind != PROTEIN_CODING or not begin <= model.start < model.end <= end:
            continue
        written = model if logprob == SURE else _shortened(model, genome.sequences[SEQID])
        if written is not None:
            genes.append(PredictedGene(written.shifted(-begin), logprob))
    window = Window(SEQID, WINDOW, begin, end - begin)
    return Decoded(genome, [WindowPrediction(window, tuple(genes))], [Region(SEQID, begin, end)])


def test_genes_are_kept_for_their_stops_and_scored_for_their_starts(decoded: Decoded) -> None:
    calibration = learn([decoded], introns=False)
    assert calibration.coding.genes == calibration.stop.genes > 60
    sure, unsure = (Evidence(PROTEIN_CODING, logprob, 1.0, 900) for logprob in (SURE, UNSURE))
    assert calibration.score(sure) > 0.9 and calibration.score(unsure) < 0.1
    assert calibration.is_kept(sure) and calibration.is_kept(unsure)


def test_of_doubtful_starts_only_stops_are_learnt(decoded: Decoded) -> None:
    doubtful = replace(decoded, doubtful_starts=True)
    trusted, both, alone = (
        learn(ones, introns=False) for ones in ([decoded], [decoded, doubtful], [doubtful])
    )
    assert both.coding == trusted.coding and both.stop.genes == 2 * trusted.stop.genes
    assert alone.coding.genes == 0 and alone.stop == trusted.stop
    name = decoded.genome.name
    assert (both.fitted_on, both.stops_alone) == ((name, name), (name,))
    assert trusted.stops_alone == ()


def test_of_a_genome_that_was_learnt_only_stops_are_learnt(decoded: Decoded) -> None:
    (prediction,) = decoded.predictions
    false = PredictedGene(GeneModel("tRNA", "+", ((200, 276),)), SURE)
    unknown = replace(decoded, predictions=[replace(prediction, genes=(*prediction.genes, false))])
    known = replace(unknown, trained_on=True)
    alone, both = (learn(ones, introns=False) for ones in ([unknown], [unknown, known]))
    assert alone.rna.genes == both.rna.genes == 1
    assert both.coding == alone.coding
    assert both.stop.genes == 2 * alone.stop.genes
    assert both.stops_alone == (decoded.genome.name,)


def test_a_few_unlucky_genes_do_not_decide_which_are_kept() -> None:
    """The 40 least probable of 100 genes happen to be wrong; their curve expects most of them to be right."""
    curve = Curve(constant=0.5, genes=100)
    logprobs = np.log(np.linspace(0.3, 0.95, 100))
    genes = [Evidence(PROTEIN_CODING, float(logprob), 1.0, 900) for logprob in logprobs]
    judged = Judged(genes, [0.0] * 40 + [1.0] * 60, reference=70)
    by_verdicts = best_threshold([curve.probability(one) for one in genes], judged.credit, 70)
    assert by_verdicts > 0.6
    assert judged.threshold(curve) < 0.5
    assert judged.threshold(replace(curve, genes=MANY_GENES)) == by_verdicts
    assert judged.threshold(Curve(genes=20)) > 0.5, "without a curve verdicts decide"
