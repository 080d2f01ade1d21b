"""CDS rows and exon rows into gene models: ends, frame, and the origin of circular sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from genescribe.errors import InputError
from genescribe.genomes.records import (
    FLAG_EXCEPTION,
    FLAG_FRAMESHIFT,
    FLAG_LENGTH,
    FLAG_PARTIAL,
    FLAG_TRANSL_EXCEPT,
)
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

PSEUDOGENE = "pseudogene"

# Between two segments that are this close (or overlap) there is no intron: the reading frame slips.
_SHORTEST_GAP = 4
# A partial feature that ends this close to the end of its sequence is taken to run past it.
_EDGE = 2
# Prodigal writes partial=10 for a gene that runs past the left edge, 01 for the right one.
_PRODIGAL_PARTIAL = {"10": (True, False), "01": (False, True), "11": (True, True)}


@dataclass(slots=True, eq=False)
class Row:
    """One feature row, 0-based half-open. Attributes are decoded, but for Parent, which is a list."""

    line: int
    seqid: str
    type: str
    start: int
    end: int
    score: float | None
    strand: str
    phase: int | None
    attributes: dict[str, str]


class RefusedError(Exception):
    """A feature that gives no model; says the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chain lies.

    Attributes:
        span: the row above the chain, which tells how a chain over the origin is meant.
        length: of the sequence, if known.
        is_circular: whether features may run over the origin.
    """

    span: tuple[int, int]
    length: int | None
    is_circular: bool


def parents_of(row: Row) -> list[str]:
    """The IDs in a row's Parent attribute."""
    value = row.attributes.get("Parent", "")
    return [unquote(name) for name in value.split(",") if name]


def coding_model(rows: Sequence[Row], place: Place, path: str | Path) -> tuple[GeneModel, frozenset[str]]:
    """Model and flags of one CDS.

    Raises:
        RefusedError: trans-spliced, without a strand, or partial inside.
        InputError: rows on two strands.
    """
    merged = _merged_attributes(rows)
    strand = _strand(rows, merged, path)
    parts = _unwrap([(row.start, row.end, row.phase, row) for row in _distinct(rows)], place)
    segments = _join_touching([(start, end) for start, end, _, _ in parts])
    phase = parts[0 if strand == "+" else -1][2]
    left, right = _open_ends(parts, merged, place)
    if phase and not (left if strand == "+" else right):
        left, right = left or strand == "+", right or strand == "-"
    length = sum(end - start for start, end in segments)
    lead, fits = _lead(length, strand, left, right, phase)
    flags = {
        FLAG_PARTIAL: left or right,
        FLAG_EXCEPTION: "exception" in merged,
        FLAG_TRANSL_EXCEPT: "transl_except" in merged,
        FLAG_FRAMESHIFT: any(after[0] - before[1] < _SHORTEST_GAP for before, after in pairwise(segments)),
        FLAG_LENGTH: not fits,
    }
    model = GeneModel(PROTEIN_CODING, strand, segments, _end(left), _end(right), lead)
    return model, frozenset(flag for flag, holds in flags.items() if holds)


def exon_model(
    kind: str, own: Sequence[Row], exons: Sequence[Row], place: Place, path: str | Path
) -> tuple[GeneModel, frozenset[str]]:
    """Model and flags of an RNA or a pseudogene.

    Args:
        kind: kind of the model.
        own: the feature's own rows, which say whether it is partial.
        exons: its exon rows; without any, its own rows are the segments.
        place: where it lies.
        path: the file, for messages.

    Raises:
        RefusedError: without a strand, or partial inside.
        InputError: rows on two strands.
    """
    merged = _merged_attributes(own)
    strand = _strand([*own, *exons], merged, path)
    parts = _unwrap([(row.start, row.end, None, row) for row in _distinct(exons or own)], place)
    segments = [parts[0][:2]]
    for start, end, _, _ in parts[1:]:
        if start <= segments[-1][1]:
            segments[-1] = (segments[-1][0], max(end, segments[-1][1]))
        else:
            segments.append((start, end))
    whole = _unwrap([(row.start, row.end, None, row) for row in _distinct(own)], place)
    # A pseudogene is a stretch that lost its function; to ask which end is missing makes no sense.
    left, right = _open_ends(whole, merged, place) if kind != PSEUDOGENE else (False, False)
    flags = frozenset({FLAG_PARTIAL}) if left or right else frozenset[str]()
    return GeneModel(kind, strand, tuple(segments), _end(left), _end(right)), flags


_Part = tuple[int, int, int | None, Row]


def _end(is_open: bool) -> End:
    return End.OPEN if is_open else End.CLOSED


def _merged_attributes(rows: Sequence[Row]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for row in rows:
        merged.update(row.attributes)
    return merged


def _strand(rows: Sequence[Row], merged: Mapping[str, str], path: str | Path) -> str:
    if merged.get("exception", "").replace("_", "-") == "trans-splicing":
        raise RefusedError("trans_splicing")
    strand = rows[0].strand
    for row in rows:
        if row.strand != strand:
            name = merged.get("ID") or merged.get("Parent", "")
            message = (
                f"{row.type} {name!r} lies on two strands; mend it, or mark it with exception=trans-splicing"
            )
            raise InputError(message, path, row.line)
    if strand not in "+-":
        raise RefusedError("no_strand")
    return strand


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Rows by position, each position once."""
    return list(
        {(row.start, row.end): row for row in sorted(rows, key=lambda row: (row.start, row.end))}.values()
    )


def _unwrap(parts: list[_Part], place: Place) -> list[_Part]:
    """Parts ascending, with those behind the origin of a circular sequence moved beyond its end.

    A part behind the origin is written either with coordinates beyond the sequence's length, or with its own,
    small ones. Then the row above reaches beyond the length, or the parts touch both ends of the sequence.
    """
    length = place.length
    if not place.is_circular or length is None:
        return parts
    first, last = place.span
    if last > length:
        parts = [part if part[0] >= first else _moved(part, length) for part in parts]
    elif len(parts) > 1 and parts[0][0] == 0 and parts[-1][1] == length:
        gaps = [after[0] - before[1] for before, after in pairwise(parts)]
        cut = gaps.index(max(gaps)) + 1
        parts = parts[cut:] + [_moved(part, length) for part in parts[:cut]]
    parts = sorted(parts, key=lambda part: part[:2])
    if parts[0][0] >= length:
        parts = [_moved(part, -length) for part in parts]
    return parts


def _moved(part: _Part, by: int) -> _Part:
    start, end, phase, row = part
    return start + by, end + by, phase, row


def _join_touching(segments: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined = [segments[0]]
    for start, end in segments[1:]:
        if start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _open_ends(parts: Sequence[_Part], merged: Mapping[str, str], place: Place) -> tuple[bool, bool]:
    """Whether the model runs on to the left and to the right of what is annotated."""
    partial = merged.get("partial", "")
    if partial in _PRODIGAL_PARTIAL:
        return _PRODIGAL_PARTIAL[partial]
    start, end = parts[0][0], max(part[1] for part in parts)
    left = any("start_range" in row.attributes for first, _, _, row in parts if first == start)
    right = any("end_range" in row.attributes for _, last, _, row in parts if last == end)
    if left or right:
        return left, right
    if partial != "true":
        return False, False
    if "start_range" in merged or "end_range" in merged:
        raise RefusedError("partial_inside")
    left = start <= _EDGE
    right = place.length is not None and end >= place.length - _EDGE
    return (left, right) if left or right else (True, True)


def _lead(length: int, strand: str, left: bool, right: bool, phase: int | None) -> tuple[int, bool]:
    """`GeneModel.lead`, and whether length, ends and phase fit each other."""
    if strand == "+":
        if not left:
            return 0, right or length % 3 == 0
        lead = -phase % 3 if phase is not None else 0 if right else -length % 3
        return lead, right or (lead + length) % 3 == 0
    if not right:
        return (-length % 3, True) if left else (0, length % 3 == 0)
    if not left:
        return 0, phase is None or length % 3 == phase
    return ((phase or 0) - length) % 3, True
