"""From the genes of overlapping windows to the genes of whole sequences.

Pure, and independent of the order in which windows come. For each piece of sequence:

1. Parts cut by windows' edges are joined (`joins`). What is open at an end of the sequence or at a gap is
partial in
   truth and stays so; what is open at a border that a region cut into the sequence is dropped.
2. Every gene passes the grammar again, on the sequence.
3. A gene's score is the probability that it is right: calibrated, from the decoder's probability and from
   the share of the windows which hold it that saw it just so.
4. Of several versions of one gene from different windows (`is_version`) the one with the highest score stays,
   else that farthest from a window's edge, else the first by (left, right, strand).
5. Genes that lie on each other (`is_exclusive`): the one with the lower score goes.
6. Genes whose stop codons are improbable are dropped, or those with a low score (`min_score`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from genescribe.annotation.calibration import UNCALIBRATED, Calibration, Evidence
from genescribe.annotation.joins import join_all
from genescribe.annotation.observations import (
    Observation,
    Piece,
    SpanIndex,
    common_stretches,
    is_exclusive,
    is_version,
    model_key,
    observe,
    were_written_together,
)
from genescribe.annotation.predictions import WindowPrediction
from genescribe.annotation.tiling import Window, is_covering
from genescribe.errors import InputError
from genescribe.language.bases import Codes, to_codes
from genescribe.language.check import check
from genescribe.language.gene_model import End, GeneModel
from genescribe.language.grammar import GrammarConfig


@dataclass(frozen=True, slots=True)
class StitchSettings:
    """How genes are judged.

    Attributes:
        calibration: what scores them.
        min_score: least score of a gene; None to keep genes as the calibration found best.
        max_overlap: share of the shorter of two genes that the other may cover; see `is_exclusive`.
    """

    calibration: Calibration = UNCALIBRATED
    min_score: float | None = None
    max_overlap: float = 0.5


@dataclass(frozen=True, slots=True)
class StitchedGene:
    """A gene of a whole sequence, the probability that it is right, and what that was told from."""

    seqid: str
    model: GeneModel
    score: float
    evidence: Evidence


@dataclass(slots=True)
class StitchResult:
    """Genes in the order of sequences and coordinates, and how many of what was joined and dropped."""

    genes: list[StitchedGene] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def stitch(
    predictions: Iterable[WindowPrediction],
    sequences: Mapping[str, str],
    circular: Collection[str],
    grammars: Mapping[str, GrammarConfig],
    settings: StitchSettings = StitchSettings(),
) -> StitchResult:
    """Stitch the predictions of windows, given in any order.

    Args:
        predictions: of all windows of the pieces that were annotated.
        sequences: bases of each sequence; their order is that of the result.
        circular: ids of sequences that are circles.
        grammars: grammar of each sequence.
        settings: thresholds.

    Raises:
        InputError: windows of an unknown sequence or past its end, two different predictions for one
            window, or windows missing in a piece.
    """
    pieces: defaultdict[tuple[str, tuple[int, int], bool], dict[Window, WindowPrediction]] = defaultdict(dict)
    for prediction in predictions:
        window = prediction.window
        of_piece = pieces[window.seqid, window.piece, window.circular]
        of_piece[window] = _same(of_piece.get(window, prediction), prediction)
    unknown = sorted({seqid for seqid, _, _ in pieces} - set(sequences))
    if unknown:
        raise InputError(f"sequence {unknown[0]!r} of a prediction is not in the genome; use the same genome")
    order = {seqid: number for number, seqid in enumerate(sequences)}
    counts: Counter[str] = Counter()
    genes: list[StitchedGene] = []
    codes: dict[str, Codes] = {}
    for seqid, _, _ in sorted(pieces, key=lambda key: (order[key[0]], key)):
        codes.setdefault(seqid, to_codes(sequences[seqid]))
    for key in sorted(pieces, key=lambda key: (order[key[0]], key)):
        seqid = key[0]
        sequence = codes[seqid]
        windows = sorted(pieces[key])
        if key[1][1] > len(sequence) * (2 if seqid in circular else 1):
            raise InputError(f"{_name(windows[0])} is past the end of the sequence; use the same genome")
        if not is_covering(windows):
            raise InputError(
                f"windows of {seqid} are missing in the predictions; give the files of all chunks"
            )
        piece = Piece.of(windows[0], sequence, seqid in circular)
        stitcher = _PieceStitcher(piece, windows, sequence, grammars[seqid], settings, counts)
        for one in stitcher.run([pieces[key][window] for window in windows]):
            # A piece may go on over the origin of its circle.
            turn = -(one.model.start // len(sequence)) * len(sequence)
            score = settings.calibration.score(one.evidence)
            genes.append(StitchedGene(seqid, one.model.shifted(turn), score, one.evidence))
    genes.sort(key=lambda gene: (order[gene.seqid], model_key(gene.model)))
    counts["genes"] = len(genes)
    return StitchResult(genes, dict(sorted(counts.items())))


def _same(one: WindowPrediction, other: WindowPrediction) -> WindowPrediction:
    """One of two predictions for a window, which may differ in the last digits of probabilities only."""
    if [gene.model for gene in one.genes] != [gene.model for gene in other.genes]:
        raise InputError(f"{_name(one.window)} was predicted twice, differently; predict all chunks again")
    return min(one, other, key=lambda prediction: [gene.logprob for gene in prediction.genes])


def _name(window: Window) -> str:
    return f"window {window.seqid}:{window.start + 1}-{window.end}"


class _PieceStitcher:
    """Stitches one piece."""

    def __init__(
        self,
        piece: Piece,
        windows: Sequence[Window],
        sequence: Codes,
        grammar: GrammarConfig,
        settings: StitchSettings,
        counts: Counter[str],
    ) -> None:
        self.piece, self.windows, self.sequence = piece, windows, sequence
        self.grammar, self.settings, self.counts = grammar, settings, counts
        self._window_index = SpanIndex([(window.start, window.end) for window in windows], piece.turns)

    def run(self, predictions: Sequence[WindowPrediction]) -> list[Observation]:
        """The genes of predictions that are sorted like the windows."""
        self.counts["windows"] += len(predictions)
        self.counts["windows_truncated"] += sum(prediction.truncated for prediction in predictions)
        seen = [
            observe(self.piece, number, self.windows[number], index, gene)
            for number, prediction in enumerate(predictions)
            for index, gene in enumerate(prediction.genes)
        ]
        self.counts["seen"] += len(seen)
        cut = [one for one in seen if one.cut_left or one.cut_right]
        joined = join_all(self.piece, cut)
        whole = [one for one in seen if not (one.cut_left or one.cut_right)]
        genes = self._valid(self._same_merged([*whole, *joined]))
        genes = self._one_version_each([self._with_agreement(one) for one in genes])
        genes = self._not_on_each_other(genes)
        self._count_lost_parts(cut, genes)
        return self._probable(genes)

    def _same_merged(self, genes: Iterable[Observation]) -> list[Observation]:
        """Equal models become one, which was seen as all parts of them."""
        merged: dict[GeneModel, Observation] = {}
        for one in sorted(genes, key=self._best_first):
            first = merged.setdefault(one.model, one)
            if first is not one:
                merged[one.model] = replace(first, parts=first.parts | one.parts)
        return list(merged.values())

    def _valid(self, genes: Iterable[Observation]) -> list[Observation]:
        """Genes that the grammar accepts on the sequence, and whose open ends are ends of the sequence."""
        kept = []
        for one in genes:
            model, piece = one.model, self.piece
            open_at_border = (model.left is not End.CLOSED and not piece.known_left) or (
                model.right is not End.CLOSED and not piece.known_right
            )
            if open_at_border:
                self.counts["open_at_region_border"] += 1
                continue
            # Open ends must reach the edges of what the grammar sees.
            start = piece.start if model.left is End.OPEN_INTRON else model.start
            end = piece.end if model.right is End.OPEN_INTRON else model.end
            span = self.sequence.take(range(start, end), mode="wrap")
            reason = check(span, model.shifted(-start), self.grammar, labels=False)
            if reason is None:
                kept.append(one)
            else:
                self.counts[f"rejected_{reason}"] += 1
        return kept

    def _one_version_each(self, genes: Sequence[Observation]) -> list[Observation]:
        """Of the versions of a gene the best one, which was seen as all parts of them."""
        ordered = sorted(genes, key=self._best_first)
        index = self._index(ordered)
        kept: dict[int, Observation] = {}
        for number, one in enumerate(ordered):
            better = [
                other
                for other, turn in index.overlapping(one.model.start, one.model.end)
                if other in kept
                and is_version(one.model, ordered[other].model.shifted(turn))
                and not were_written_together(one.parts, ordered[other].parts)
            ]
            if better:
                first = min(better)
                kept[first] = replace(kept[first], parts=kept[first].parts | one.parts)
                self.counts["other_version"] += 1
            else:
                kept[number] = one
        return list(kept.values())

    def _with_agreement(self, one: Observation) -> Observation:
        """The gene with the share of the windows holding it whole that saw it just so."""
        holding = {
            number
            for number, turn in self._window_index.overlapping(one.model.start, one.model.end)
            if self.windows[number].start + turn <= one.model.start
            and one.model.end <= self.windows[number].end + turn
        }
        return replace(one, agreement=len(holding & one.windows) / len(holding)) if holding else one

    def _best_first(self, one: Observation) -> tuple[object, ...]:
        score = self.settings.calibration.score(one.evidence)
        return -score, -one.margin, -one.logprob, model_key(one.model), sorted(one.parts)

    def _probable(self, genes: Sequence[Observation]) -> list[Observation]:
        """Genes whose score is high enough."""
        settings = self.settings
        kept = [one for one in genes if settings.calibration.is_kept(one.evidence, settings.min_score)]
        self.counts["improbable"] += len(genes) - len(kept)
        return kept

    def _not_on_each_other(self, genes: Iterable[Observation]) -> list[Observation]:
        """Genes without those that lie on a more probable one."""
        ordered = sorted(genes, key=self._best_first)
        index = self._index(ordered)
        kept: set[int] = set()
        for number, one in enumerate(ordered):
            covered = any(
                other in kept
                and is_exclusive(one.model, ordered[other].model.shifted(turn), self.settings.max_overlap)
                for other, turn in index.overlapping(one.model.start, one.model.end)
            )
            if covered:
                self.counts["on_a_more_probable_gene"] += 1
            else:
                kept.add(number)
        return [ordered[number] for number in sorted(kept)]

    def _count_lost_parts(self, cut: Sequence[Observation], genes: Sequence[Observation]) -> None:
        """Count cut parts by what became of them: part of a gene, or left without the rest of theirs."""
        index = self._index(genes)
        used = frozenset(part for gene in genes for part in gene.parts)
        for one in cut:
            if one.parts <= used:
                self.counts["part_of_a_joined_gene"] += 1
            elif any(
                genes[number].model.strand == one.model.strand
                and genes[number].model.kind == one.model.kind
                and common_stretches(one.model, genes[number].model.shifted(turn))
                for number, turn in index.overlapping(one.model.start, one.model.end)
            ):
                self.counts["part_of_a_gene"] += 1
            else:
                self.counts["open_without_partner"] += 1

    def _index(self, genes: Sequence[Observation]) -> SpanIndex:
        return SpanIndex([(one.model.start, one.model.end) for one in genes], self.piece.turns)
