"""Small annotations written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from genescribe.benchmark.selection import Selection, select
from genescribe.genomes.records import Annotation, Gene, LeftOut, Transcript
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel


class Builder:
    """Makes genes, annotations and selections; coordinates are 0-based half-open."""

    def model(
        self,
        strand: str,
        *segments: tuple[int, int],
        kind: str = PROTEIN_CODING,
        left: End = End.CLOSED,
        right: End = End.CLOSED,
    ) -> GeneModel:
        return GeneModel(kind, strand, segments, left, right)

    def gene(
        self,
        name: str,
        *models: GeneModel,
        seqid: str = "chr",
        flags: frozenset[str] = frozenset(),
        score: float | None = None,
    ) -> Gene:
        transcripts = tuple(
            Transcript(f"{name}.t{number}", model, {}, flags) for number, model in enumerate(models, start=1)
        )
        return Gene(name, seqid, models[0].strand, models[0].kind, transcripts, {}, score)

    def annotation(
        self,
        *genes: Gene,
        length: int = 100_000,
        circular: bool = False,
        left_out: Sequence[LeftOut] = (),
    ) -> Annotation:
        return Annotation(list(genes), list(left_out), {"chr"} if circular else set(), {"chr": length}, {})

    def select(
        self, reference: Annotation, prediction: Annotation, regions: Sequence[Region] | None = None
    ) -> Selection:
        return select(reference, prediction, regions=regions)


@pytest.fixture
def build() -> Builder:
    return Builder()
