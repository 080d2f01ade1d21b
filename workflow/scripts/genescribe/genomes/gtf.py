"""Genes into GTF 2.2: exon, CDS, start_codon and stop_codon rows; the stop codon is not part of the CDS.

Specification: https://mblab.wustl.edu/GTF22.html. GTF knows no circular sequences: a transcript over the
origin becomes two, see `side_name`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from genescribe.files import atomic_path
from genescribe.genomes.proteins import skipped_bases
from genescribe.genomes.records import Gene, OutputGene, side_name
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

_Feature = tuple[str, int, int, int]
"""Type, start and end on the sequence, and the frame."""
_Piece = tuple[int, int, int]
"""Start and end on the sequence, and the position of its first base (5') in the spliced transcript."""


def write_gtf(
    path: str | Path,
    records: Iterable[OutputGene | Gene],
    sequences: Mapping[str, int],
    source: str = "GeneScribe",
) -> None:
    """Write genes as GTF, sorted by sequence (in the order of `sequences`) and position of the transcript.

    Args:
        path: the file.
        records: genes with unique ids, in any order.
        sequences: length of each sequence.
        source: column 2.
    """
    order = {seqid: number for number, seqid in enumerate(sequences)}
    transcripts = []
    for record in records:
        gene = record.gene() if isinstance(record, OutputGene) else record
        for number, one in enumerate(gene.transcripts):
            for side, features in _sides(one.model, sequences[gene.seqid]):
                name = side_name(one.id, one.model, sequences[gene.seqid], side)
                start = min(start for _, start, _, _ in features)
                key = order[gene.seqid], gene.start if side == 1 else start, gene.end, gene.id, number
                transcripts.append((key, list(_rows(gene, name, features, source))))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as gtf:
        for _, rows in sorted(transcripts):
            gtf.writelines(rows)


def _rows(gene: Gene, name: str, features: Iterable[_Feature], source: str) -> Iterator[str]:
    attributes = " ".join(
        f'{key} "{value}";'
        for key, value in (
            ("gene_id", gene.id.replace('"', "'")),
            ("transcript_id", name.replace('"', "'")),
            ("gene_biotype", gene.kind),
        )
    )
    score = "." if gene.score is None else f"{gene.score:.3f}"
    for kind, start, end, frame in features:
        shown = "." if kind == "exon" else str(frame)
        columns = (gene.seqid, source, kind, start + 1, end, score, gene.strand, shown, attributes)
        yield "\t".join(map(str, columns)) + "\n"


def _sides(model: GeneModel, length: int) -> Iterator[tuple[int, list[_Feature]]]:
    """Rows of a transcript before the origin of its sequence (1) and behind it (2), where there are any."""
    sides: dict[int, list[_Feature]] = {1: [], 2: []}
    for kind, pieces in _features(model, length):
        for start, end, frame in sorted(pieces):
            # What lies behind the origin is left of all that lies before it.
            sides[1 if start >= model.start else 2].append((kind, start, end, frame))
    yield from ((side, rows) for side, rows in sides.items() if rows)


def _features(model: GeneModel, length: int) -> Iterator[tuple[str, list[_Piece]]]:
    """Rows of a transcript by type, each with the frame in the third place."""
    pieces = _pieces(model, length)
    yield "exon", pieces
    if model.kind != PROTEIN_CODING:
        return
    is_start_open, is_stop_open = model.left is not End.CLOSED, model.right is not End.CLOSED
    if model.strand == "-":
        is_start_open, is_stop_open = is_stop_open, is_start_open
    total, skip = model.length, skipped_bases(model)
    coding = _cut(pieces, model.strand, 0, total if is_stop_open else total - 3)
    yield "CDS", _with_frames(coding, skip)
    if not is_start_open:
        yield "start_codon", _with_frames(_cut(pieces, model.strand, 0, 3), 0)
    if not is_stop_open:
        stop = _cut(pieces, model.strand, total - 3, total)
        yield "stop_codon", _with_frames([(start, end, at - total + 3) for start, end, at in stop], 0)


def _pieces(model: GeneModel, length: int) -> list[_Piece]:
    """Segments 5' to 3' on a sequence of `length` bases, cut in two at the origin."""
    found, position = [], 0
    for start, end in model.segments if model.strand == "+" else reversed(model.segments):
        parts = [(start, min(end, length)), (max(start, length) - length, end - length)]
        for first, last in parts if model.strand == "+" else reversed(parts):
            if first < last:
                found.append((first, last, position))
                position += last - first
    return found


def _cut(pieces: Iterable[_Piece], strand: str, first: int, last: int) -> list[_Piece]:
    """What of the pieces lies between two positions of the transcript."""
    found = []
    for start, end, at in pieces:
        begin, stop = max(first, at) - at, min(last, at + end - start) - at
        if begin < stop:
            inside = (start + begin, start + stop) if strand == "+" else (end - stop, end - begin)
            found.append((*inside, at + begin))
    return found


def _with_frames(pieces: Iterable[_Piece], skip: int) -> list[_Piece]:
    """The same with the frame (bases to skip to the next codon) instead of the position."""
    return [(start, end, (skip - at) % 3) for start, end, at in pieces]
