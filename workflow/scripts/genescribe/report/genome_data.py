"""The genome view's data: every gene of every track in the scored stretches, as compact JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from genescribe.genomes.composition import first_codon
from genescribe.genomes.records import Annotation, Gene, LeftOut
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.report.gene_tables import Status, Verdicts
from genescribe.report.scores import label

REFERENCE = "reference"
_NAMES = ("gene", "Name", "standard_name", "locus_tag")
_LEFT_OUT_TYPES = ("gene", "CDS", "mRNA", "transcript", "pseudogene", "pseudogenic_transcript")

Row = list[object]


@dataclass(frozen=True)
class Tracks:
    """What the genome view of one species shows.

    Attributes:
        regions: stretches to browse.
        sequences: bases of each sequence, upper case.
        reference: the reference annotation, if there is one.
        predictions: predictor -> annotation, in the order of the tracks.
        verdicts: (predictor, what it is compared with: `REFERENCE` or another predictor) -> verdicts; a
            predictor without any is shown, not judged.
        left_out: features that normalisation left out of the reference.
    """

    regions: Sequence[Region]
    sequences: Mapping[str, str]
    reference: Annotation | None
    predictions: Mapping[str, Annotation]
    verdicts: Mapping[tuple[str, str], Verdicts]
    left_out: Sequence[LeftOut]

    @property
    def names(self) -> list[str]:
        """Names of the tracks from top to bottom."""
        return [*([REFERENCE] if self.reference else []), *self.predictions]

    @property
    def compared(self) -> list[str]:
        """Predictors that are compared with anything, in the order of the tracks."""
        return [name for name in self.predictions if any(name in pair for pair in self.verdicts)]

    def verdict(self, track: str, gene: str, other: str) -> tuple[Status, str]:
        """Agreement of a gene of one track with another track, and the gene that it was matched with."""
        nothing = (Status.NOT_SCORED, "")
        if one := self.verdicts.get((track, other)):
            return one.predicted.get(gene, nothing)
        if one := self.verdicts.get((other, track)):
            return one.reference.get(gene, nothing)
        return nothing


@dataclass
class _Words:
    """Strings that rows refer to by number, in order of first use."""

    words: dict[str, int] = field(default_factory=dict)

    def number(self, word: str) -> int:
        """Number of a word; -1 for none."""
        return self.words.setdefault(word, len(self.words)) if word else -1


class _Builder:
    """Makes rows: region, start, end, strand (1 or -1), kind, statuses, score, name, segments (0 for a single
    one), partners, note, first codon. Statuses and partners have one entry for each track: the agreement with
    it, and the number of the row there that the gene was matched with (-1 for none).
    """

    def __init__(self, tracks: Tracks) -> None:
        self.tracks = tracks
        self.kinds = _Words()
        self.notes = _Words()
        self.items: dict[str, list[tuple[int, Gene | LeftOut]]] = {}
        if tracks.reference:
            items = [*self._placed(tracks.reference), *self._left_out(tracks.reference)]
            self.items[REFERENCE] = sorted(items, key=_place)
        for name, annotation in tracks.predictions.items():
            self.items[name] = sorted(self._placed(annotation), key=_place)
        self.numbers = {
            name: {item.id: number for number, (_, item) in enumerate(items) if isinstance(item, Gene)}
            for name, items in self.items.items()
        }

    def rows(self, track: str) -> list[Row]:
        """The genes of a track from left to right; in the reference also those that were left out of it."""
        rows = []
        for number, item in self.items[track]:
            if isinstance(item, LeftOut):
                rows.append(self._left_out_row(number, item))
            else:
                rows.append(self._gene_row(track, number, item))
        return rows

    def _placed(self, annotation: Annotation) -> list[tuple[int, Gene | LeftOut]]:
        """Genes that touch a region, with its number. A gene over two regions stands in the first."""
        placed: list[tuple[int, Gene | LeftOut]] = []
        for gene in annotation.genes:
            for number, region in enumerate(self.tracks.regions):
                if gene.seqid == region.seqid and gene.start < region.end and gene.end > region.start:
                    placed.append((number, gene))
                    break
        return placed

    def _left_out(self, reference: Annotation) -> list[tuple[int, Gene | LeftOut]]:
        """Left-out genes that touch a region and are not drawn in another form, as a pseudogene's span."""
        drawn = {(gene.seqid, gene.start, gene.end, gene.strand) for gene in reference.genes}
        found: list[tuple[int, Gene | LeftOut]] = []
        for row in self.tracks.left_out:
            place = (row.seqid, row.start, row.end, row.strand)
            if row.type not in _LEFT_OUT_TYPES or place in drawn:
                continue
            drawn.add(place)
            for number, region in enumerate(self.tracks.regions):
                if row.seqid == region.seqid and row.start < region.end and row.end > region.start:
                    found.append((number, row))
                    break
        return found

    def _gene_row(self, track: str, number: int, gene: Gene) -> Row:
        others = [self.tracks.verdict(track, gene.id, other) for other in self.tracks.names]
        statuses = [int(status) for status, _ in others]
        partners = [
            self.numbers[other].get(partner, -1)
            for other, (_, partner) in zip(self.tracks.names, others, strict=True)
        ]
        model = gene.target.model
        return [
            number,
            model.start,
            model.end,
            1 if gene.strand == "+" else -1,
            self.kinds.number(gene.kind),
            statuses,
            gene.score,
            _name(gene) if track == REFERENCE else gene.id,
            [list(segment) for segment in model.segments] if len(model.segments) > 1 else 0,
            partners,
            self.notes.number(self._note(track, gene, number)),
            first_codon(model, self.tracks.sequences[gene.seqid]) if gene.kind == PROTEIN_CODING else "",
        ]

    def _left_out_row(self, number: int, row: LeftOut) -> Row:
        statuses = [int(Status.NOT_SCORED) for _ in self.tracks.names]
        note = self.notes.number(f"left out: {row.reason.replace('_', ' ')}")
        strand = -1 if row.strand == "-" else 1
        kind = self.kinds.number("left out")
        partners = [-1 for _ in self.tracks.names]
        return [number, row.start, row.end, strand, kind, statuses, None, row.id, 0, partners, note, ""]

    def _note(self, track: str, gene: Gene, number: int) -> str:
        """Why a gene is not compared with the reference, or with any predictor; empty where it is."""
        others = [REFERENCE] if track != REFERENCE else list(self.tracks.predictions)
        judged = [
            other
            for other in others
            if (track, other) in self.tracks.verdicts or (other, track) in self.tracks.verdicts
        ]
        statuses = [self.tracks.verdict(track, gene.id, other)[0] for other in judged]
        if not statuses or any(status != Status.NOT_SCORED for status in statuses):
            return ""
        if track == REFERENCE:
            return self._unscored_note(gene, number)
        if gene.id in self.tracks.verdicts[track, REFERENCE].predicted:
            return "lies on a reference feature that was left out"
        return self._border_note(gene, number) or "this kind of gene is not scored"

    def _unscored_note(self, gene: Gene, number: int) -> str:
        """Why a reference gene is not compared."""
        if gene.kind == "pseudogene":
            return "a pseudogene, not scored"
        flags = sorted({flag for transcript in gene.transcripts for flag in transcript.flags})
        if flags:
            return f"no clean reference: {', '.join(flag.replace('_', ' ') for flag in flags)}"
        if gene.kind != PROTEIN_CODING:
            return "an RNA gene, not scored"
        return self._border_note(gene, number) or "not scored"

    def _border_note(self, gene: Gene, number: int) -> str:
        inside = self.tracks.regions[number].contains(gene.start, gene.end)
        return "" if inside else "crosses the border of the scored stretch"


def _place(one: tuple[int, Gene | LeftOut]) -> tuple[int, int, int, str, str]:
    number, item = one
    return number, item.start, item.end, item.strand, item.id


def genome_json(tracks: Tracks) -> str:
    """The data of one genome view as JSON that may stand inside a script element."""
    builder = _Builder(tracks)
    shown = [{"id": name, "label": track_label(name), "genes": builder.rows(name)} for name in tracks.names]
    return script_json(
        {
            "regions": [{"seqid": r.seqid, "start": r.start, "end": r.end} for r in tracks.regions],
            "pairs": [list(pair) for pair in tracks.verdicts],
            "partly": partly(tracks.verdicts.values()).capitalize(),
            "kinds": list(builder.kinds.words),
            "notes": list(builder.notes.words),
            "tracks": shown,
        }
    )


def track_label(name: str) -> str:
    """What a reader knows a track by."""
    return "Reference" if name == REFERENCE else label(name)


def partly(verdicts: Iterable[Verdicts]) -> str:
    """What a gene that is found but not exactly right has: another start, or another structure."""
    return "other structure" if any(one.by_structure for one in verdicts) else "other start"


def script_json(data: object) -> str:
    """JSON without a character that could end a script element or open a comment in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _name(gene: Gene) -> str:
    """What a biologist calls a gene: its symbol, else its locus tag, else its ID."""
    sources = (gene.attributes, gene.target.attributes)
    return next((source[key] for key in _NAMES for source in sources if source.get(key)), gene.id)
