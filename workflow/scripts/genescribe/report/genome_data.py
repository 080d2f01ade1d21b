"""The genome view's data: every gene of every track in the scored stretches, as compact JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genescribe.genomes.records import Annotation, Gene, LeftOut
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End
from genescribe.report.gene_tables import Status, Verdicts
from genescribe.report.scores import label

REFERENCE = "reference"
_NAMES = ("gene", "Name", "standard_name", "locus_tag")
_LEFT_OUT_TYPES = ("gene", "CDS", "mRNA", "transcript", "pseudogene", "pseudogenic_transcript")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")

Row = list[object]


@dataclass(frozen=True)
class Tracks:
    """What the genome view of one species shows.

    Attributes:
        regions: stretches to browse.
        sequences: bases of each sequence, upper case.
        reference: the reference annotation, if there is one.
        predictions: predictor -> annotation, in the order of the tracks.
        verdicts: predictor -> verdicts; a predictor without any is shown, not judged.
        left_out: features that normalisation left out of the reference.
    """

    regions: Sequence[Region]
    sequences: Mapping[str, str]
    reference: Annotation | None
    predictions: Mapping[str, Annotation]
    verdicts: Mapping[str, Verdicts]
    left_out: Sequence[LeftOut]

    @property
    def compared(self) -> list[str]:
        """Predictors that are compared with the reference, in the order of the tracks."""
        return [name for name in self.predictions if self.reference and name in self.verdicts]


@dataclass
class _Words:
    """Strings that rows refer to by number, in order of first use."""

    words: dict[str, int] = field(default_factory=dict)

    def number(self, word: str) -> int:
        """Number of a word; -1 for none."""
        return self.words.setdefault(word, len(self.words)) if word else -1


class _Builder:
    """Makes rows: region, start, end, strand (1 or -1), kind, status, score, name, segments (0 for a single
    one), row of the matched reference gene (-1 for none), note, first codon. The status of a reference gene
    is a list, one per compared predictor.
    """

    def __init__(self, tracks: Tracks) -> None:
        self.tracks = tracks
        self.kinds = _Words()
        self.notes = _Words()
        self.reference_row: dict[str, int] = {}

    def reference_rows(self, reference: Annotation) -> list[Row]:
        """The reference's genes and the genes that were left out of it, from left to right."""
        items: list[tuple[int, Gene | LeftOut]] = [*self._placed(reference), *self._left_out(reference)]
        rows: list[Row] = []
        for number, item in sorted(items, key=lambda one: (one[0], one[1].start, one[1].end, one[1].id)):
            if isinstance(item, Gene):
                self.reference_row[item.id] = len(rows)
                rows.append(self._reference_row(number, item))
            else:
                rows.append(self._left_out_row(number, item))
        return rows

    def prediction_rows(self, annotation: Annotation, verdicts: Verdicts | None) -> list[Row]:
        """A predictor's genes, from left to right. Comes after `reference_rows`."""
        rows = []
        for number, gene in self._placed(annotation):
            status, partner = Status.NOT_SCORED, ""
            if verdicts:
                status, partner = verdicts.predicted.get(gene.id, (status, partner))
            note = ""
            if verdicts and status is Status.NOT_SCORED:
                if gene.id in verdicts.predicted:
                    note = "lies on a reference feature that was left out"
                else:
                    note = self._border_note(gene, number) or "this kind of gene is not scored"
            row = self.reference_row.get(partner, -1)
            rows.append(self._row(number, gene, int(status), gene.id, row, note))
        return rows

    def _placed(self, annotation: Annotation) -> list[tuple[int, Gene]]:
        """Genes that touch a region, with its number. A gene over two regions stands in the first."""
        placed = []
        for gene in annotation.genes:
            for number, region in enumerate(self.tracks.regions):
                if gene.seqid == region.seqid and gene.start < region.end and gene.end > region.start:
                    placed.append((number, gene))
                    break
        return sorted(placed, key=lambda one: (one[0], one[1].start, one[1].end, one[1].strand, one[1].id))

    def _left_out(self, reference: Annotation) -> list[tuple[int, LeftOut]]:
        """Left-out genes that touch a region and are not drawn in another form, as a pseudogene's span."""
        drawn = {(gene.seqid, gene.start, gene.end, gene.strand) for gene in reference.genes}
        found = []
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

    def _reference_row(self, number: int, gene: Gene) -> Row:
        verdicts = [self.tracks.verdicts[name] for name in self.tracks.compared]
        statuses = [int(one.reference.get(gene.id, Status.NOT_SCORED)) for one in verdicts]
        note = ""
        if statuses and all(status == Status.NOT_SCORED for status in statuses):
            note = self._unscored_note(gene, number)
        return self._row(number, gene, statuses, _name(gene), -1, note)

    def _left_out_row(self, number: int, row: LeftOut) -> Row:
        statuses = [int(Status.NOT_SCORED) for _ in self.tracks.compared]
        note = self.notes.number(f"left out: {row.reason.replace('_', ' ')}")
        strand = -1 if row.strand == "-" else 1
        kind = self.kinds.number("left out")
        return [number, row.start, row.end, strand, kind, statuses, None, row.id, 0, -1, note, ""]

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

    def _row(self, number: int, gene: Gene, status: object, name: str, partner: int, note: str) -> Row:
        model = gene.target.model
        return [
            number,
            model.start,
            model.end,
            1 if gene.strand == "+" else -1,
            self.kinds.number(gene.kind),
            status,
            gene.score,
            name,
            [list(segment) for segment in model.segments] if len(model.segments) > 1 else 0,
            partner,
            self.notes.number(note),
            self._first_codon(gene),
        ]

    def _first_codon(self, gene: Gene) -> str:
        """The first three coding bases on the gene's strand; empty where its start is not there."""
        model = gene.target.model
        is_plus = gene.strand == "+"
        if gene.kind != PROTEIN_CODING or (model.left if is_plus else model.right) is not End.CLOSED:
            return ""
        sequence = self.tracks.sequences[gene.seqid]
        bases = "".join(
            sequence[place % len(sequence)]
            for start, end in (model.segments[:3] if is_plus else model.segments[-3:])
            for place in _ends(start, end)
        )
        codon = bases[:3] if is_plus else bases[-3:]
        return codon if is_plus else codon.translate(_COMPLEMENT)[::-1]


def _ends(start: int, end: int) -> list[int]:
    """The first three and the last three places of a segment, each once."""
    return sorted({*range(start, min(start + 3, end)), *range(max(start, end - 3), end)})


def genome_json(tracks: Tracks) -> str:
    """The data of one genome view as JSON that may stand inside a script element."""
    builder = _Builder(tracks)
    shown: list[dict[str, object]] = []
    if tracks.reference:
        genes = builder.reference_rows(tracks.reference)
        shown.append({"id": REFERENCE, "label": "Reference", "genes": genes})
    for name, annotation in tracks.predictions.items():
        genes = builder.prediction_rows(annotation, tracks.verdicts.get(name))
        shown.append({"id": name, "label": label(name), "genes": genes})
    by_structure = any(verdicts.by_structure for verdicts in tracks.verdicts.values())
    return script_json(
        {
            "regions": [{"seqid": r.seqid, "start": r.start, "end": r.end} for r in tracks.regions],
            "predictors": tracks.compared,
            "partly": "Other structure" if by_structure else "Other start",
            "kinds": list(builder.kinds.words),
            "notes": list(builder.notes.words),
            "tracks": shown,
        }
    )


def script_json(data: object) -> str:
    """JSON without a character that could end a script element or open a comment in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _name(gene: Gene) -> str:
    """What a biologist calls a gene: its symbol, else its locus tag, else its ID."""
    sources = (gene.attributes, gene.target.attributes)
    return next((source[key] for key in _NAMES for source in sources if source.get(key)), gene.id)
