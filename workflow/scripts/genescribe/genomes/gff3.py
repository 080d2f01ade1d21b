"""GFF3 files into genes. Rows are checked one by one here; `gene_assembly` makes genes of them.

Specification: https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md, version 1.26.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from genescribe.errors import InputError
from genescribe.genomes.chains import Row
from genescribe.genomes.gene_assembly import assemble_genes, is_circular, is_landmark
from genescribe.genomes.lines import numbered_lines
from genescribe.genomes.records import Annotation

_COLUMNS = 9
_STRANDS = frozenset("+-.?")
_PHASES = {"0": 0, "1": 1, "2": 2, ".": None}


@dataclass(slots=True)
class _File:
    """What stands in a file: feature rows, and sequence lengths of its ##sequence-region lines."""

    rows: list[Row]
    regions: dict[str, int]


def read_gff3(
    path: str | Path,
    sequences: Mapping[str, int] | None = None,
    genetic_code: int = 11,
    aliases: Mapping[str, str] | None = None,
) -> Annotation:
    """Genes of a GFF3 file (plain, gzip or bgzip).

    Args:
        path: the file; everything from a ##FASTA line on is ignored.
        sequences: length of each sequence; every row must lie on one of them. Without it, lengths are taken
            from the file where it has them, and any sequence is allowed.
        genetic_code: the default code; only sequences whose CDS name another are listed in the result.
        aliases: other names of sequences, such as whole FASTA headers, to their ids.

    Raises:
        InputError: a row is no GFF3 row or does not fit the sequences, a Parent is missing, Parents go in a
            circle, two features have one ID, a CDS has two strands (unless trans-spliced).
    """
    content = _read_rows(path, aliases or {})
    annotation = Annotation(regions=dict(content.regions))
    for row in content.rows:
        if is_circular(row):
            annotation.circular.add(row.seqid)
        if is_landmark(row):
            annotation.regions.setdefault(row.seqid, row.end)
    if sequences is not None:
        annotation.regions.update((seqid, length) for seqid, length in sequences.items())
        _check_sequences(content.rows, sequences, path)
    _check_ends(content.rows, annotation, path)
    annotation.genetic_codes = _genetic_codes(content.rows, genetic_code, path)
    annotation.genes, annotation.left_out = assemble_genes(
        content.rows, annotation.regions, annotation.circular, path
    )
    return annotation


def _read_rows(path: str | Path, aliases: Mapping[str, str]) -> _File:
    rows: list[Row] = []
    regions: dict[str, int] = {}
    for number, line in numbered_lines(path):
        if number == 1 and line.startswith(">"):
            raise InputError("this looks like FASTA, not GFF3; give the annotation", path, number)
        if line.startswith("##FASTA") or line.startswith(">"):
            break
        if line.startswith("##sequence-region"):
            words = line.split()
            if len(words) >= 4 and words[-1].isdecimal():
                seqid = unquote(" ".join(words[1:-2]))
                regions[aliases.get(seqid, seqid)] = int(words[-1])
        elif line and not line.startswith("#") and not line.isspace():
            rows.append(_parse_row(line, aliases, path, number))
    return _File(rows, regions)


def _parse_row(line: str, aliases: Mapping[str, str], path: str | Path, number: int) -> Row:
    columns = line.split("\t")
    if len(columns) != _COLUMNS:
        message = f"a GFF3 row has 9 columns parted by tabs, this one {len(columns)}; mend or remove it"
        raise InputError(message, path, number)
    seqid, _, kind, first, last, score, strand, phase, attributes = columns
    if not (first.isdecimal() and last.isdecimal()) or int(first) < 1:
        message = f"start {first!r} and end {last!r} must be whole numbers from 1 on; mend or remove the row"
        raise InputError(message, path, number)
    start, end = int(first) - 1, int(last)
    if start >= end:
        message = f"start {first} lies beyond end {last}; swap them (the strand stands in column 7)"
        raise InputError(message, path, number)
    if strand not in _STRANDS:
        raise InputError(f"strand {strand!r} must be +, -, . or ?; mend or remove the row", path, number)
    if phase not in _PHASES:
        raise InputError(f"phase {phase!r} must be 0, 1, 2 or .; mend or remove the row", path, number)
    try:
        value = None if score == "." else float(score)
    except ValueError as error:
        raise InputError(f"score {score!r} must be a number or .; mend the row", path, number) from error
    if "%" in seqid:
        seqid = unquote(seqid)
    return Row(
        number,
        aliases.get(seqid, seqid),
        kind,
        start,
        end,
        value,
        strand,
        _PHASES[phase],
        _parse_attributes(attributes, path, number),
    )


def _parse_attributes(column: str, path: str | Path, number: int) -> dict[str, str]:
    """Attributes of column 9, decoded; a Parent list stays escaped until it is split at its commas."""
    attributes = {}
    for part in column.split(";"):
        key, equals, value = part.strip().partition("=")
        if equals:
            if "%" in part and key != "Parent":
                key, value = unquote(key), unquote(value)
            attributes[key] = value
    if not attributes and column.strip() not in ("", "."):
        hint = (
            "this looks like GTF; convert it with `gffread -E in.gtf -o out.gff3`"
            if '"' in column
            else "mend it"
        )
        raise InputError(f"column 9 has no key=value attributes: {hint}", path, number)
    return attributes


def _check_sequences(rows: Iterable[Row], sequences: Mapping[str, int], path: str | Path) -> None:
    for row in rows:
        if row.seqid not in sequences:
            known = ", ".join(list(sequences)[:3])
            message = (
                f"sequence {row.seqid!r} is not in the FASTA ({known} ...); use the same identifiers in both"
            )
            raise InputError(message, path, row.line)


def _check_ends(rows: Iterable[Row], annotation: Annotation, path: str | Path) -> None:
    for row in rows:
        length = annotation.regions.get(row.seqid)
        if length is None or row.end <= length:
            continue
        if row.seqid not in annotation.circular:
            message = (
                f"end {row.end} lies beyond the sequence's end {length}; take the FASTA that belongs to this "
                "GFF3, or mark a circular sequence by a region row with Is_circular=true"
            )
            raise InputError(message, path, row.line)
        if row.end - row.start > length or row.start >= length + min(length, row.end):
            message = (
                f"the feature goes more than once around the circular sequence of {length} bases; mend it"
            )
            raise InputError(message, path, row.line)


def _genetic_codes(rows: Iterable[Row], default: int, path: str | Path) -> dict[str, int]:
    """The code that most CDS rows of a sequence name, where it is not the default."""
    named: dict[str, Counter[int]] = {}
    for row in rows:
        if row.type == "CDS" and (table := row.attributes.get("transl_table")):
            if not table.isdecimal():
                raise InputError(f"transl_table {table!r} must be a number; mend the row", path, row.line)
            named.setdefault(row.seqid, Counter())[int(table)] += 1
    codes = {seqid: counts.most_common(1)[0][0] for seqid, counts in named.items()}
    return {seqid: code for seqid, code in codes.items() if code != default}
