"""The report's first words: what was annotated and how good it is, in plain sentences with their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from genescribe.genomes.records import Annotation
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.report.numbers import bases, count, listing, percent
from genescribe.report.scores import CONTROLS, PREDICTORS, Metric, Score, label, main_metric, order

OWN = "genescribe"


@dataclass(frozen=True)
class Tile:
    """One large figure with what it is and what stands beside it."""

    name: str
    figure: str
    beside: str


@dataclass(frozen=True)
class Headline:
    """Tiles and sentences of one species, and for the table over all species its length and coding genes."""

    tiles: list[Tile]
    sentences: list[str]
    length: str
    coding: int | None


def headline(
    name: str,
    annotation: Annotation | None,
    regions: Sequence[Region],
    is_whole: bool,
    scores: Sequence[Score],
) -> Headline:
    """Sum up one species.

    Args:
        name: the species.
        annotation: GeneScribe's genes; None if the report is of other predictors alone.
        regions: the stretches that were annotated and scored.
        is_whole: whether those are the whole genome.
        scores: score files of all predictors.
    """
    length = bases(sum(len(region) for region in regions))
    stretch = f"the {length} of {name}" if is_whole else f"a stretch of {length} of {name}"
    coding: int | None = None
    tiles: list[Tile] = []
    sentences: list[str] = []
    if annotation is not None:
        kinds = _kinds(annotation, regions)
        coding = kinds[PROTEIN_CODING]
        written = [f"{count(coding)} protein-coding genes"]
        if rna := sum(number for kind, number in kinds.items() if kind not in (PROTEIN_CODING, "pseudogene")):
            written.append(f"{count(rna)} RNA genes")
        if kinds["pseudogene"]:
            written.append(f"{count(kinds['pseudogene'])} pseudogenes")
        sentences.append(f"GeneScribe wrote {listing(written)} in {stretch}.")
        tiles.append(Tile("Protein-coding genes", count(coding), f"in {length}"))
    by_name = {score.predictor: score for score in scores}
    own = by_name.get(OWN)
    main = main_metric(own) if own else None
    if own and main:
        sentences += _accuracy(own, main)
        tiles += _tiles(own, main, scores)
    sentences += _baselines(scores)
    return Headline(tiles, sentences, length, coding)


def _kinds(annotation: Annotation, regions: Sequence[Region]) -> Counter[str]:
    """How many genes of each kind touch a region."""
    return Counter(
        gene.kind
        for gene in annotation.genes
        if any(gene.seqid == r.seqid and gene.start < r.end and gene.end > r.start for r in regions)
    )


def _accuracy(own: Score, main: Metric) -> list[str]:
    right = "start and stop exactly right" if main.metric == "exact" else "every coding segment exactly right"
    share = f"{count(main.matched)} ({percent(main.recall)})"
    parts = [
        f"Of the {count(main.reference)} reference genes that can be compared, it has {share} with {right}"
    ]
    if stops := own.find("three_prime"):
        parts.append(
            f"and {count(stops.matched)} ({percent(stops.recall)}) with the right strand and stop codon"
        )
    sentence = f"{', '.join(parts)}."
    return [sentence, f"Of the genes that it wrote, {percent(main.precision)} are exactly right."]


def _tiles(own: Score, main: Metric, scores: Sequence[Score]) -> list[Tile]:
    chosen = [("Exactly right genes, F1", main.metric)]
    if own.find("three_prime"):
        chosen.append(("Right stop codon, F1", "three_prime"))
    elif own.find("cds_exon"):
        chosen.append(("Right coding exons, F1", "cds_exon"))
    tiles = []
    for name, metric in chosen:
        found = own.find(metric)
        others = [
            f"{label(score.predictor)} {percent(other.f1)}"
            for score in sorted(scores, key=lambda s: order(s.predictor))
            if score.predictor in PREDICTORS and score.predictor != OWN and (other := score.find(metric))
        ]
        tiles.append(Tile(name, percent(found.f1 if found else None), ", ".join(others)))
    return tiles


def _baselines(scores: Sequence[Score]) -> list[str]:
    """A sentence on the other predictors, and one on the best control row."""
    ordered = sorted(scores, key=lambda s: order(s.predictor))
    told = [
        f"{label(score.predictor)} {percent(main.f1)}"
        for score in ordered
        if score.predictor not in CONTROLS and (main := main_metric(score))
    ]
    sentences = []
    if len(told) > 1:
        sentences.append(f"F1 of exactly right genes on the same sequence: {listing(told)}.")
    controls = [
        (main.f1 or 0.0, label(score.predictor))
        for score in ordered
        if score.predictor in CONTROLS and (main := main_metric(score))
    ]
    if controls:
        value, name = max(controls, key=lambda one: one[0])
        sentences.append(f"The best control row ({name.lower()}) reaches {percent(value)}.")
    return sentences
