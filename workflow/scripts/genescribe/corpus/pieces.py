"""From an annotated genome to pieces of sequence with the genes that are taught and the bases masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from genescribe.corpus.shard_format import Intervals, merge
from genescribe.corpus.stretches import MIN_PIECE, Stretch, stretches
from genescribe.genomes.records import FLAG_PARTIAL, Gene, LeftOut
from genescribe.genomes.regions import Region
from genescribe.language.bases import Codes
from genescribe.language.check import check
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig

NOT_MASKED = ("not_a_gene", "noncoding_isoform")
"""Reasons to leave a feature out that say nothing against the bases under it."""


@dataclass
class CutPiece:
    """A stretch with its bases, genes and masked intervals, in coordinates from its first base."""

    stretch: Stretch
    codes: Codes
    genes: list[GeneModel]
    masked: Intervals
    taught: Counter[str] = field(default_factory=Counter)
    masked_genes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Label:
    """A gene to teach (with its model) or a span to mask (with the reason)."""

    start: int
    end: int
    model: GeneModel | None
    reason: str


def _labels(
    genes: Iterable[Gene], left_out: Iterable[LeftOut], codes: Codes, grammar: GrammarConfig
) -> Iterator[_Label]:
    """The labels of one sequence; what the grammar does not accept is masked under the grammar's reason."""
    for gene in genes:
        model = gene.target.model
        if gene.kind == "pseudogene":
            yield _Label(gene.start, gene.end, None, "pseudogene")
            continue
        # Partial genes are judged by where their open ends lie, in `_place`.
        flags = sorted(gene.target.flags - {FLAG_PARTIAL})
        # A gene over the origin ends beyond the length.
        span = codes.take(range(model.start, model.end), mode="wrap")
        reason = flags[0] if flags else check(span, model.shifted(-model.start), grammar)
        if reason:
            yield _Label(gene.start, gene.end, None, reason)
        else:
            yield _Label(model.start, model.end, model, "")
    for feature in left_out:
        if feature.reason not in NOT_MASKED:
            yield _Label(feature.start, feature.end, None, feature.reason)


def cut_pieces(
    seqid: str,
    codes: Codes,
    circular: bool,
    genes: Iterable[Gene],
    left_out: Iterable[LeftOut],
    grammar: GrammarConfig,
    regions: Sequence[Region] | None,
) -> Iterator[CutPiece]:
    """The pieces of one sequence.

    Genes that cross a piece's border belong to neither side and are masked; so are partial genes whose open
    end is not a known end of the sequence.

    Args:
        seqid: the sequence.
        codes: its base codes (L,).
        circular: whether it is circular.
        genes: its genes.
        left_out: its features of which the reader made no gene.
        grammar: what can be taught.
        regions: where pieces may lie; None for everywhere.
    """
    labels = list(_labels(genes, left_out, codes, grammar))
    for stretch in stretches(seqid, codes, circular, regions):
        if stretch.end - stretch.start < MIN_PIECE:
            continue
        piece = CutPiece(stretch, codes.take(range(stretch.start, stretch.end), mode="wrap"), [], merge([]))
        masked: list[tuple[int, int]] = []
        turns = (-len(codes), 0, len(codes)) if circular and not stretch.circular else (0,)
        for label in labels:
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
