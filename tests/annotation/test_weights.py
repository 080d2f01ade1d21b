"""Whatever the weights, an annotation is valid and does not depend on how the work is parted.

The bundled weights are held to more: where the surroundings of a gene are the same, it is found as in the
whole sequence, though the windows lie elsewhere.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from genescribe.annotation.calibration import UNCALIBRATED, folder_calibration
from genescribe.annotation.predict import predict
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.stitch import StitchResult, StitchSettings, stitch
from genescribe.annotation.target import Target
from genescribe.annotation.tiling import chunk, tile
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.records import Gene
from genescribe.language import vocabulary
from genescribe.language.grammar import GrammarConfig
from genescribe.model.configuration import GeneScribeConfig
from genescribe.model.modeling import GeneScribeModel, read_model

Written = Callable[[Target, StitchResult], list[Gene]]
Span = tuple[str, int, int, str, str]
"""Sequence, start, end, strand and kind of a gene."""
ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "resources" / "models" / "prokaryotes"
GENOME = ROOT / "resources" / "genomes" / "escherichia_coli_k12" / "genome.fna.gz"
MARGIN = 1000
"""Bases on either side of a gene that must be the same in both sequences."""
SAME_GENES = 0.97
"""Share of such genes found exactly alike. Windows lie elsewhere, so that a gene may be in another half
of one, or in another pair of them; on the border between two start codons that tips the scale."""
SAME_STOPS = 0.985
"""The same, by stop codon alone."""
LEAST = 0.8
"""Below this share something is wrong; between it and the two above, the weights are too young."""


@dataclass(frozen=True)
class Weights:
    """A model, and whether it has learnt anything."""

    model: GeneScribeModel
    is_trained: bool


@pytest.fixture(scope="module", params=["random", "bundled"])
def weights(request: pytest.FixtureRequest) -> Weights:
    torch.set_num_threads(1)
    if request.param == "bundled":
        if not (BUNDLED / "config.json").is_file():
            pytest.skip(f"there are no weights in {BUNDLED.relative_to(ROOT)}")
        return Weights(read_model(BUNDLED).eval(), True)
    torch.manual_seed(3)
    config = GeneScribeConfig(window=1536, width=32, heads=2, encoder_layers=1, decoder_layers=1, channels=16)
    model = GeneScribeModel(config).eval()
    with torch.no_grad():
        # Not silence, and coding genes most of the time.
        model.token_head.bias[vocabulary.EOS] -= 20
        model.token_head.bias[vocabulary.KIND_TOKEN["protein_coding"]] += 3
    return Weights(model, False)


@pytest.fixture(scope="module")
def stretch(weights: Weights) -> str:
    """Real sequence; less of it for a model that has learnt nothing."""
    (record,) = read_fasta(GENOME).values()
    return record.sequence[3_000_000 : 3_000_000 + (120_000 if weights.is_trained else 15_000)]


def linear(sequences: dict[str, str], circular: Iterable[str] = ()) -> Target:
    return Target(sequences, frozenset(circular), dict.fromkeys(sequences, 11))


def annotated(
    weights: Weights, target: Target, batch: int = 8, chunks: int = 1, seed: int = 0
) -> StitchResult:
    """As `genescribe annotate` does it; with several chunks as the workflow does."""
    windows = tile(target.sequences, target.circular, weights.model.config.window)
    predictions: list[WindowPrediction] = []
    with torch.inference_mode():
        for index in range(chunks):
            part = chunk(windows, index, chunks)
            predictions += predict(weights.model, target.sequences, target.genetic_codes, part, batch)
    if seed:
        random.Random(seed).shuffle(predictions)
    grammars = {
        seqid: GrammarConfig(genetic_code=code, introns=True) for seqid, code in target.genetic_codes.items()
    }
    calibration = folder_calibration(BUNDLED) if weights.is_trained else UNCALIBRATED
    settings = StitchSettings(calibration)
    return stitch(predictions, target.sequences, target.circular, grammars, settings)


def spans(result: StitchResult) -> set[Span]:
    return {
        (gene.seqid, gene.model.start, gene.model.end, gene.model.strand, gene.model.kind)
        for gene in result.genes
        if gene.model.is_complete
    }


@pytest.fixture(scope="module")
def whole(weights: Weights, stretch: str) -> set[Span]:
    """Genes of the stretch in one piece."""
    found = spans(annotated(weights, linear({"s": stretch})))
    assert len(found) > (80 if weights.is_trained else 5)
    return found


def assert_alike(weights: Weights, expected: set[Span], found: set[Span]) -> None:
    """Nearly all genes, and those of the other side nearly all among them."""
    if not weights.is_trained:
        return
    assert len(expected) > 40
    shares = []
    for one, other in ((expected, found), (found, expected)):
        stops = set(map(_stop, other))
        shares += [
            (len(one & other) / len(one), SAME_GENES),
            (sum(_stop(gene) in stops for gene in one) / len(one), SAME_STOPS),
        ]
    assert min(share for share, _ in shares) >= LEAST, sorted(expected ^ found)
    if any(share < aim for share, aim in shares):
        text = ", ".join(f"{share:.3f} of {aim}" for share, aim in shares)
        pytest.xfail(f"the bundled weights are too young to find the same genes everywhere: {text}")


def _stop(gene: Span) -> tuple[str, int, str, str]:
    seqid, start, end, strand, kind = gene
    return seqid, end if strand == "+" else start, strand, kind


def far_from(borders: Sequence[int], genes: Iterable[Span]) -> set[Span]:
    """Genes with no border inside, nor within MARGIN of an end. Borders are sorted."""
    return {
        gene
        for gene in genes
        if bisect_right(borders, gene[1] - MARGIN) == bisect_right(borders, gene[2] + MARGIN)
    }


def test_a_draft(weights: Weights, stretch: str, whole: set[Span], written: Written) -> None:
    draw = random.Random(5)
    cuts = {0, len(stretch), *draw.sample(range(1, len(stretch)), len(stretch) // 8_000)}
    # Scraps, of which some hold no gene and some are a part of one.
    cuts |= {
        min(cut + size, len(stretch)) for cut, size in zip(sorted(cuts), (1, 50, 60, 300, 900), strict=False)
    }
    borders = sorted(cuts)
    contigs = {f"c{start}": stretch[start:end] for start, end in pairwise(borders)}
    result = annotated(weights, linear(contigs))
    genes = written(linear(contigs), result)
    assert any(not gene.target.model.is_complete for gene in genes)
    found = {
        ("s", start + int(seqid[1:]), end + int(seqid[1:]), strand, kind)
        for seqid, start, end, strand, kind in spans(result)
    }
    assert_alike(weights, far_from(borders, whole), far_from(borders, found))


def test_n_runs(weights: Weights, stretch: str, whole: set[Span], written: Written) -> None:
    draw = random.Random(6)
    borders, masked = [], stretch
    places = sorted(draw.sample(range(2_000, len(stretch) - 4_000, 4_500), len(stretch) // 12_000))
    for place, run in zip(places, [1, 10, 49, 50, 400, 2000] * len(places), strict=False):
        masked = masked[:place] + "N" * run + masked[place + run :]
        borders += [place, place + run]
    result = annotated(weights, linear({"s": masked}))
    genes = written(linear({"s": masked}), result)
    for gene in genes:
        assert "N" * 50 not in masked[gene.start : gene.end]
    assert_alike(weights, far_from(borders, whole), far_from(borders, spans(result)))


def test_a_circle_from_any_base(weights: Weights, stretch: str, written: Written) -> None:
    """A stretch that was closed to a circle, and the same circle from a base inside a gene on."""
    size = len(stretch)
    circle = linear({"s": stretch}, ["s"])
    first = spans(annotated(weights, circle))
    gene = max(first, key=lambda one: (one[2] - one[1], one))
    origin = (gene[1] + gene[2]) // 2 % size
    other = linear({"s": stretch[origin:] + stretch[:origin]}, ["s"])
    result = annotated(weights, other)
    written(other, result)
    again = {
        (seqid, (start + origin) % size, (start + origin) % size + end - start, strand, kind)
        for seqid, start, end, strand, kind in spans(result)
    }
    assert_alike(weights, first, again)
    if weights.is_trained:
        assert gene in again, "the gene over the origin"


def test_the_genes_do_not_depend_on_how_the_work_is_parted(weights: Weights, stretch: str) -> None:
    """Batches, chunks and their order; sequences of all sizes, one a circle shorter than a window."""
    window = weights.model.config.window
    sizes = [30, 59, 60, 75, 400, window - 1, window, window + 13]
    starts = [sum(sizes[:index]) % (len(stretch) // 2) for index in range(len(sizes))]
    sequences = {f"c{size}": stretch[start : start + size] for start, size in zip(starts, sizes, strict=True)}
    sequences["ring"] = stretch[500 : 500 + window * 2 // 3]
    target = linear(sequences, ["ring"])
    expected = annotated(weights, target, batch=1)
    assert {"c30", "c59"}.isdisjoint(gene.seqid for gene in expected.genes)
    assert len(expected.genes) >= 5
    for batch, chunks, seed in ((5, 1, 1), (3, 7, 2)):
        result = annotated(weights, target, batch, chunks, seed)
        assert [(gene.seqid, gene.model) for gene in result.genes] == [
            (gene.seqid, gene.model) for gene in expected.genes
        ]
        assert [gene.score for gene in result.genes] == pytest.approx(
            [gene.score for gene in expected.genes], abs=1e-4
        )


@pytest.mark.genomes
@pytest.mark.slow
def test_a_bin_of_500_contigs(weights: Weights, written: Written) -> None:
    """Contigs of 300 bases to 12 kb from an archaeon and two bacteria; fewer for random weights."""
    folder = os.environ.get("GENESCRIBE_GENOMES")
    if not folder:
        pytest.skip("GENESCRIBE_GENOMES names no folder of genomes")
    draw = random.Random(500)
    pool = [
        record.sequence
        for name in ("Methanococcus_maripaludis", "Chlamydia*", "Bacillus_subtilis*")
        for place in sorted(Path(folder).glob(name))
        for record in read_fasta(place / "genome.fna.gz").values()
    ]
    assert len(pool) == 3
    contigs = {}
    for number in range(500 if weights.is_trained else 20):
        sequence, length = pool[number % 3], int(300 * 40 ** draw.random())
        start = draw.randrange(len(sequence) - length)
        contigs[f"k{number}"] = sequence[start : start + length]
    target = linear(contigs)
    result = annotated(weights, target)
    assert written(target, result)
    if weights.is_trained:
        # These genomes are nine tenths coding; a contig's ends cost parts of fewer than 60 bases.
        coding = sum(gene.model.length for gene in result.genes if gene.model.kind == "protein_coding")
        assert 0.8 < coding / sum(map(len, contigs.values())) < 0.95
