"""What each program found: numbers of genes, how much of the sequence they cover, how they begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from genescribe.genomes.composition import first_codon
from genescribe.genomes.records import Annotation, Gene
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.report.genome_data import REFERENCE, Tracks, track_label
from genescribe.report.numbers import MISSING, count, percent
from genescribe.report.scores import order

START_CODONS = ("ATG", "GTG", "TTG")


@dataclass(frozen=True)
class Found:
    """One row: what an annotation holds in the shown stretches, as texts. `starts` follow `START_CODONS`."""

    name: str
    coding: str
    partial: str
    other: str
    covered: str
    median_length: str
    introns: str
    plus: str
    starts: list[str]


def found(tracks: Tracks) -> list[Found]:
    """A row for the reference and every predictor, ours first."""
    rows = [_row(name, tracks.predictions[name], tracks) for name in sorted(tracks.predictions, key=order)]
    return [_row(REFERENCE, tracks.reference, tracks), *rows] if tracks.reference else rows


def _row(name: str, annotation: Annotation, tracks: Tracks) -> Found:
    genes = [gene for gene in annotation.genes if _touches(gene, tracks.regions)]
    coding = [gene for gene in genes if gene.kind == PROTEIN_CODING]
    models = [gene.target.model for gene in coding]
    codons = Counter(first_codon(gene.target.model, tracks.sequences[gene.seqid]) for gene in coding)
    begun = len(coding) - codons[""]
    spliced = sum(len(model.segments) > 1 for model in models)
    return Found(
        name=track_label(name),
        coding=count(len(coding)),
        partial=count(sum(not model.is_complete for model in models)),
        other=count(len(genes) - len(coding)),
        covered=percent(_covered(coding, tracks.regions) / sum(len(region) for region in tracks.regions)),
        median_length=count(median(model.length for model in models)) if models else MISSING,
        introns=_share(spliced, len(models)),
        plus=_share(sum(gene.strand == "+" for gene in coding), len(models)),
        starts=[_share(codons[codon], begun) for codon in START_CODONS],
    )


def _touches(gene: Gene, regions: Sequence[Region]) -> bool:
    return any(gene.seqid == r.seqid and gene.start < r.end and gene.end > r.start for r in regions)


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def _covered(genes: Sequence[Gene], regions: Sequence[Region]) -> int:
    """Bases of the regions that lie in a coding segment of either strand; each base once."""
    covered = 0
    for region in regions:
        reached = region.start
        segments = sorted(
            segment for gene in genes if gene.seqid == region.seqid for segment in gene.target.model.segments
        )
        for start, end in segments:
            start, end = max(start, reached), min(end, region.end)
            covered += max(0, end - start)
            reached = max(reached, end)
    return covered
