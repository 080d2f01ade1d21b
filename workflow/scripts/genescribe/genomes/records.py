"""What a genome and its annotation are made of. Nothing here needs more than the standard library.

Two notions are kept apart. `Annotation.left_out` lists features that give no gene or no transcript, each with
a reason. `Transcript.flags` marks transcripts that are kept, so that their bases are known to be annotated,
but that are no clean reference: scorers and trainers leave them out by the flag's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genescribe.language.gene_model import GeneModel

FLAG_PARTIAL = "partial"
"""An end is missing: partial=true on the CDS or RNA row, or a first CDS row whose phase is not 0."""
FLAG_EXCEPTION = "exception"
"""The CDS carries `exception=`: its protein is not the plain translation (slippage, RNA editing ...)."""
FLAG_TRANSL_EXCEPT = "transl_except"
"""A codon is read otherwise: selenocysteine, pyrrolysine, a stop codon completed by polyadenylation."""
FLAG_FRAMESHIFT = "frameshift"
"""Two segments overlap or lie too close for an intron: they are joined over a frameshift."""
FLAG_LENGTH = "length_not_multiple_of_3"
"""The bases do not make whole codons, though both ends (or the end and the phase) are given."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One transcript: the CDS chain of a protein-coding gene, or the exons of an RNA gene.

    Attributes:
        id: unique in the annotation.
        model: segments, strand and ends on the whole sequence.
        attributes: of the transcript and CDS rows, decoded, without those that the model already says.
        flags: why it is no clean reference; empty for most.
    """

    id: str
    model: GeneModel
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene and its transcripts, all of one kind and strand. A pseudogene has one transcript: its span."""

    id: str
    seqid: str
    strand: str
    kind: str
    transcripts: tuple[Transcript, ...]
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    score: float | None = None

    @property
    def ranked(self) -> list[Transcript]:
        """Transcripts without flags first; then the longest; then the first ID."""
        return sorted(self.transcripts, key=lambda one: (bool(one.flags), -one.model.length, one.id))

    @property
    def target(self) -> Transcript:
        """The one transcript that stands for the gene: the first of `ranked`."""
        return self.ranked[0]

    @property
    def start(self) -> int:
        """Leftmost base of any transcript."""
        return min(one.model.start for one in self.transcripts)

    @property
    def end(self) -> int:
        """One past the rightmost base of any transcript; over the origin, beyond the sequence's length."""
        return max(one.model.end for one in self.transcripts)


@dataclass(frozen=True, slots=True)
class OutputGene:
    """A predicted gene with one transcript, as writers take it; `score` is a probability."""

    seqid: str
    id: str
    model: GeneModel
    score: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    def gene(self) -> Gene:
        """The same as a gene whose only transcript is `<id>.t1`."""
        transcript = Transcript(f"{self.id}.t1", self.model)
        return Gene(
            self.id,
            self.seqid,
            self.model.strand,
            self.model.kind,
            (transcript,),
            self.attributes,
            self.score,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A feature that gives no gene or transcript, and why. Coordinates are 0-based half-open."""

    id: str
    seqid: str
    start: int
    end: int
    strand: str
    type: str
    reason: str


@dataclass(slots=True)
class Annotation:
    """An annotation file, read.

    Attributes:
        genes: in the order of the file.
        left_out: every feature that gives no gene or transcript; parts of kept genes (exons) are not listed.
        circular: sequences marked Is_circular=true.
        regions: length of each sequence, as far as the file says it.
        genetic_codes: NCBI translation table of each sequence whose CDS name one that is not the default.
    """

    genes: list[Gene] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    circular: set[str] = field(default_factory=set)
    regions: dict[str, int] = field(default_factory=dict)
    genetic_codes: dict[str, int] = field(default_factory=dict)


def one_word(name: str) -> str:
    """An ID for formats in which a blank ends it."""
    return "_".join(name.split())


def side_name(name: str, model: GeneModel, length: int, side: int) -> str:
    """ID of a transcript on one side of the origin, for formats without circles (GTF, BED).

    A transcript over the origin of a sequence of `length` bases is two there: `<name>/1` lies before the
    origin, `<name>/2` behind it. One transcript with parts at both ends of the sequence would be read as one
    with an intron of nearly the whole genome.
    """
    return f"{name}/{side}" if model.start < length < model.end else name
