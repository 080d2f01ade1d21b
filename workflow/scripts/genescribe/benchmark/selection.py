"""Which genes are compared: the reference models, the predictions that count, and those that are neutral.

The scorer and the gffcompare rule both begin here, so that all programs judge the same models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from genescribe.benchmark.intervals import Interval, shared_bases
from genescribe.errors import InputError
from genescribe.genomes.records import (
    FLAG_EXCEPTION,
    FLAG_LENGTH,
    FLAG_PARTIAL,
    FLAG_TRANSL_EXCEPT,
    Annotation,
    LeftOut,
    Transcript,
)
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, RNA_KINDS, End, GeneModel

SCORED_KINDS = (PROTEIN_CODING, *RNA_KINDS)

NOT_COMPARED = {FLAG_PARTIAL, FLAG_EXCEPTION, FLAG_TRANSL_EXCEPT, FLAG_LENGTH}
"""Flags of reference transcripts that are no models for comparison."""

BORDER = 3
"""A gene with an open end this near (nt) to a region's border runs past it (partial genes begin in frame)."""


@dataclass(frozen=True, slots=True)
class ComparedGene:
    """One gene with the models (isoforms) by which it is compared.

    Attributes:
        id: as in the file it comes from.
        seqid: sequence that it lies on.
        kind: see `genescribe.language.gene_model.KINDS`.
        models: at least one; all on one strand.
        score: the predictor's own score, if it gave one.
    """

    id: str
    seqid: str
    kind: str
    models: tuple[GeneModel, ...]
    score: float | None = None

    @property
    def strand(self) -> str:
        """Strand of its models."""
        return self.models[0].strand

    @property
    def longest(self) -> GeneModel:
        """The model with the most bases; the first one of several."""
        return max(self.models, key=lambda model: model.length)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is compared.

    Attributes:
        reference: genes with the models that count.
        predicted: predicted genes that count.
        neutral: predicted genes that count neither for nor against the predictor.
        left_out: features of the reference that are no models; predictions upon them may be neutral.
        circular: length of each circular sequence.
    """

    reference: list[ComparedGene]
    predicted: list[ComparedGene]
    neutral: list[ComparedGene]
    left_out: list[ComparedGene]
    circular: dict[str, int]

    def chain(self, gene: ComparedGene, model: GeneModel) -> str | None:
        """Identity of a complete model: sequence, strand, all segments. None for a partial one."""
        if not model.is_complete:
            return None
        parts = ",".join(f"{start}-{end}" for start, end in pieces(model, self.circular.get(gene.seqid)))
        return f"{gene.seqid} {model.strand} {parts}"

    def stop(self, gene: ComparedGene, model: GeneModel) -> str | None:
        """Identity of a model's 3' end: sequence, strand, last base. None if that end is open."""
        return stop_key(gene.seqid, model, self.circular.get(gene.seqid))


def pieces(model: GeneModel, length: int | None) -> tuple[tuple[int, int], ...]:
    """Segments of a model, ascending; on a circular sequence of `length` cut at the origin and put inside it.

    A gene over the origin is thus the same whether its file writes one row past the end or two rows.
    """
    if length is None:
        return model.segments
    parts = []
    for start, end in model.segments:
        turn = start // length * length
        start, end = start - turn, end - turn
        parts += [(start, end)] if end <= length else [(start, length), (0, end - length)]
    return tuple(sorted(parts))


def stop_key(seqid: str, model: GeneModel, length: int | None) -> str | None:
    """Sequence, strand and last base of a model's stop codon; None if that end is open."""
    if (model.right if model.strand == "+" else model.left) is not End.CLOSED:
        return None
    position = model.end - 1 if model.strand == "+" else model.start
    return f"{seqid} {model.strand} {position if length is None else position % length}"


def is_reference(transcript: Transcript) -> bool:
    """Whether a reference transcript can be compared exactly: complete, whole codons, no other flag."""
    model = transcript.model
    whole = model.kind != PROTEIN_CODING or model.length % 3 == 0
    return model.is_complete and whole and not transcript.flags & NOT_COMPARED


def intervals(
    genes: Sequence[ComparedGene], circular: Mapping[str, int], all_models: bool = False
) -> Iterator[Interval]:
    """Segments of each gene's longest model (or of all its models), named by the gene's index."""
    for index, gene in enumerate(genes):
        for model in gene.models if all_models else (gene.longest,):
            for start, end in pieces(model, circular.get(gene.seqid)):
                yield Interval(gene.seqid, start, end, index, model.strand)


def select(
    reference: Annotation,
    prediction: Annotation,
    left_out: Iterable[LeftOut] = (),
    regions: Sequence[Region] | None = None,
) -> Selection:
    """Choose what is compared.

    A reference model counts if it is complete, a whole number of codons, and neither pseudo nor marked by
    `exception` or `transl_except`. All other CDS chains of the reference are its left-out features; a
    pseudogene without a CDS is none. A predicted coding gene is neutral if more than half of its coding
    bases lie on one left-out feature of its strand, unless it shares a stop codon with a model that counts.
    RNA genes that lie so on a partial RNA gene are neutral, too. All other predictions count, partial ones
    too.

    Args:
        reference: the truth.
        prediction: what a predictor wrote.
        left_out: features left out before `reference` was written, beside those that it names itself.
        regions: if given, only genes wholly inside one region count, on both sides.

    Raises:
        InputError: no sequence is in both files, or a region lies on an unknown sequence.
    """
    lengths = {**prediction.regions, **reference.regions}
    circular = {
        seqid: lengths[seqid] for seqid in reference.circular | prediction.circular if seqid in lengths
    }
    _check_sequences(reference, prediction, regions)
    kept, flagged = _reference_genes(reference)
    flagged += [_span(item) for item in [*reference.left_out, *left_out] if item.type == "CDS"]
    predicted = _predicted_genes(prediction)
    if regions is not None:
        kept = [gene for gene in kept if _inside(gene, regions, circular, lengths)]
        predicted = [gene for gene in predicted if _inside(gene, regions, circular, lengths)]
    neutral = _neutral(predicted, kept, flagged, circular)
    return Selection(
        reference=kept,
        predicted=[gene for index, gene in enumerate(predicted) if index not in neutral],
        neutral=[gene for index, gene in enumerate(predicted) if index in neutral],
        left_out=flagged,
        circular=circular,
    )


def _check_sequences(reference: Annotation, prediction: Annotation, regions: Sequence[Region] | None) -> None:
    known = set(reference.regions) | {gene.seqid for gene in reference.genes}
    found = {gene.seqid for gene in prediction.genes}
    if known and found and not known & found:
        raise InputError(
            f"reference and prediction have no sequence in common ({sorted(known)[0]}, {sorted(found)[0]}); "
            "give both the same sequence identifiers"
        )
    for region in regions or ():
        if region.seqid not in known | found | set(prediction.regions):
            raise InputError(f"region on {region.seqid}, which neither file names; check the BED file")


def _reference_genes(annotation: Annotation) -> tuple[list[ComparedGene], list[ComparedGene]]:
    """Genes whose models count, and models that do not."""
    kept, flagged = [], []
    for gene in annotation.genes:
        if gene.kind in SCORED_KINDS:
            good = tuple(one.model for one in gene.transcripts if is_reference(one))
            rest = tuple(one.model for one in gene.transcripts if not is_reference(one))
            if good:
                kept.append(ComparedGene(gene.id, gene.seqid, gene.kind, good))
            flagged += [ComparedGene(gene.id, gene.seqid, gene.kind, (model,)) for model in rest]
    return kept, flagged


def _span(item: LeftOut) -> ComparedGene:
    """A left-out CDS as one interval."""
    model = GeneModel(PROTEIN_CODING, item.strand, ((item.start, item.end),))
    return ComparedGene(item.id, item.seqid, PROTEIN_CODING, (model,))


def _predicted_genes(annotation: Annotation) -> list[ComparedGene]:
    genes = []
    for gene in annotation.genes:
        if gene.kind in SCORED_KINDS:
            models = tuple(transcript.model for transcript in gene.transcripts)
            genes.append(ComparedGene(gene.id, gene.seqid, gene.kind, models, gene.score))
    return genes


def _inside(
    gene: ComparedGene, regions: Sequence[Region], circular: Mapping[str, int], lengths: Mapping[str, int]
) -> bool:
    """Whether a gene lies wholly inside one region, and no open end says that it runs on past the border."""
    model = replace(
        gene.longest,
        segments=((min(model.start for model in gene.models), max(model.end for model in gene.models)),),
    )
    parts = pieces(model, circular.get(gene.seqid))
    for region in regions:
        if region.seqid != gene.seqid or not all(region.start <= a and b <= region.end for a, b in parts):
            continue
        cut_left = model.left is not End.CLOSED and 0 < region.start >= model.start - BORDER
        cut_right = (
            model.right is not End.CLOSED
            and region.end <= model.end + BORDER
            and region.end != lengths.get(gene.seqid)
        )
        return not (cut_left or cut_right)
    return False


def _neutral(
    predicted: Sequence[ComparedGene],
    kept: Sequence[ComparedGene],
    flagged: Sequence[ComparedGene],
    circular: Mapping[str, int],
) -> set[int]:
    """Indices of the predicted genes that are neutral."""
    stops = {stop_key(gene.seqid, model, circular.get(gene.seqid)) for gene in kept for model in gene.models}
    neutral = set()
    for index, below, bases in shared_bases(intervals(predicted, circular), intervals(flagged, circular)):
        gene = predicted[index]
        if gene.kind != flagged[below].kind:
            continue
        own = {stop_key(gene.seqid, model, circular.get(gene.seqid)) for model in gene.models} - {None}
        if 2 * bases > gene.longest.length and not own & stops:
            neutral.add(index)
    return neutral
