"""From an annotated genome to pieces of sequence with the genes that are taught and the bases that are
masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from genescribe.corpus.shard_format import Intervals, merge, runs
from genescribe.genomes.load import Genome
from genescribe.genomes.records import FLAG_PARTIAL, Annotation
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes, N, to_codes
from genescribe.language.check import check
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig

MIN_GAP = 50
"""N runs of this length or longer part a sequence, in training as in annotation."""
MIN_PIECE = 60
"""Shorter pieces hold no gene and are left out."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of sequence without long N runs, cut out by a region or by the sequence's own ends.

    On a circular sequence `end` may lie beyond the length: the stretch goes on over the origin.

    Attributes:
        seqid: the sequence.
        start, end: 0-based half-open.
        circular: whether it is a whole circle.
        ends_left, ends_right: whether known sequence ends there (and not only the region).
    """

    seqid: str
    start: int
    end: int
    circular: bool = False
    ends_left: bool = True
    ends_right: bool = True


@dataclass
class CutPiece:
    """A stretch with its bases, genes and masked intervals, in coordinates from its first base."""

    stretch: Stretch
    codes: Codes
    genes: list[GeneModel]
    masked: Intervals
    taught: Counter[str] = field(default_factory=Counter)
    masked_genes: Counter[str] = field(default_factory=Counter)


def find_gaps(codes: Codes, min_gap: int = MIN_GAP) -> Intervals:
    """N runs of at least `min_gap` bases, (gaps, 2)."""
    gaps = runs(codes == N)
    return gaps[gaps[:, 1] - gaps[:, 0] >= min_gap]


def stretches(seqid: str, codes: Codes, circular: bool, regions: Sequence[Region] | None) -> list[Stretch]:
    """Maximal stretches without long N runs, inside regions where these are given.

    A circular sequence without such runs is one circular stretch; with runs, the stretch over the origin is
    one.
    """
    length = len(codes)
    gaps = find_gaps(codes)
    whole = regions is None or any(
        region.seqid == seqid and region.start <= 0 and region.end >= length for region in regions
    )
    if circular and whole:
        if not len(gaps):
            return [Stretch(seqid, 0, length, circular=True)]
        starts, ends = gaps[:, 1].tolist(), [*gaps[1:, 0].tolist(), int(gaps[0, 0]) + length]
        turns = [length if start == length else 0 for start in starts]
        return [
            Stretch(seqid, start - turn, end - turn)
            for start, end, turn in zip(starts, ends, turns, strict=True)
            if start < end
        ]
    borders = [0, *gaps.reshape(-1).tolist(), length]
    wanted = [(0, length)] if regions is None else [(r.start, r.end) for r in regions if r.seqid == seqid]
    found = []
    for first, last in sorted(wanted):
        for start, end in zip(borders[::2], borders[1::2], strict=True):
            left, right = max(first, start), min(last, end)
            if left < right:
                found.append(
                    Stretch(
                        seqid,
                        left,
                        right,
                        ends_left=left == start and not (circular and start == 0),
                        ends_right=right == end and not (circular and end == length),
                    )
                )
    return found


@dataclass(frozen=True)
class _Label:
    """A gene to teach (with its model) or a span to mask (with the reason)."""

    start: int
    end: int
    model: GeneModel | None
    reason: str


def _labels(annotation: Annotation, seqid: str, codes: Codes, grammar: GrammarConfig) -> Iterator[_Label]:
    """The labels of one sequence; what the grammar does not accept is masked under the grammar's reason."""
    for gene in annotation.genes:
        if gene.seqid != seqid:
            continue
        model = gene.target.model
        if gene.kind == "pseudogene":
            yield _Label(model.start, model.end, None, "pseudogene")
            continue
        # Partial genes are judged by where their open ends lie, in `_place`.
        flags = sorted(gene.target.flags - {FLAG_PARTIAL})
        # A gene over the origin ends beyond the length.
        span = codes.take(range(model.start, model.end), mode="wrap")
        reason = flags[0] if flags else check(span, model.shifted(-model.start), grammar)
        yield _Label(model.start, model.end, None if reason else model, reason or "")
    for feature in annotation.left_out:
        if feature.seqid == seqid and feature.reason != "not_a_gene":
            yield _Label(feature.start, feature.end, None, feature.reason)


def cut_pieces(
    genome: Genome, seqid: str, grammar: GrammarConfig, regions: Sequence[Region] | None
) -> Iterator[CutPiece]:
    """The pieces of one sequence of a genome.

    Genes that cross a piece's border belong to neither side and are masked; so are partial genes whose open
    end is not a known end of the sequence.
    """
    codes = to_codes(genome.sequences[seqid])
    length = len(codes)
    circular = seqid in genome.circular
    labels = [] if genome.annotation is None else list(_labels(genome.annotation, seqid, codes, grammar))
    for stretch in stretches(seqid, codes, circular, regions):
        if stretch.end - stretch.start < MIN_PIECE:
            continue
        piece = CutPiece(stretch, codes.take(range(stretch.start, stretch.end), mode="wrap"), [], merge([]))
        masked: list[tuple[int, int]] = []
        for label in labels:
            turns = (-length, 0, length) if circular and not stretch.circular else (0,)
            for turn in turns:
                _place(label, turn, piece, masked)
        piece.genes.sort(key=lambda g: (g.start, g.end, g.strand, g.kind, g.segments))
        piece.masked = merge(masked)
        yield piece


def _place(label: _Label, turn: int, piece: CutPiece, masked: list[tuple[int, int]]) -> None:
    """Put one label into a piece: teach the gene or mask its bases."""
    stretch = piece.stretch
    size = stretch.end - stretch.start
    offset = turn - stretch.start
    start, end = label.start + offset, label.end + offset
    if end <= 0 or start >= size:
        return
    reason = label.reason
    if not stretch.circular and (start < 0 or end > size):
        reason = "crosses_border"
    elif label.model is not None and not reason:
        open_left, open_right = label.model.left is not End.CLOSED, label.model.right is not End.CLOSED
        at_left = start == 0 and stretch.ends_left and label.model.left is End.OPEN and not stretch.circular
        at_right = (
            end == size and stretch.ends_right and label.model.right is End.OPEN and not stretch.circular
        )
        if (open_left and not at_left) or (open_right and not at_right):
            reason = "partial_inside"
    if not reason:
        assert label.model is not None
        piece.genes.append(label.model.shifted(offset))
        piece.taught[label.model.kind] += 1
        return
    piece.masked_genes[reason] += 1
    if stretch.circular and end > size:
        masked.append((0, end - size))
    masked.append((max(start, 0), min(end, size)))
