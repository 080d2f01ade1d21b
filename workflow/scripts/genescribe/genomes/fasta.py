"""FASTA of nucleotides: reading with validation, soft mask kept aside, and writing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.genomes.lines import numbered_lines

LINE_WIDTH = 80
_NUCLEOTIDES = frozenset("ACGTURYSWKMBDHVN")
_PLAIN = "ACGTUN"
# Letters that occur in proteins and in no nucleotide sequence.
_ONLY_PROTEIN = frozenset("EFILPQJOZX*")
_SMALL = re.compile("[a-z]+")


@dataclass(frozen=True, slots=True)
class SequenceRecord:
    """One sequence.

    Attributes:
        id: the header's first word.
        sequence: upper case, IUPAC codes kept, U written as T.
        softmask: (start, end) of what was in lower case, 0-based half-open, ascending.
        header: the whole header line without ">".
    """

    id: str
    sequence: str
    softmask: tuple[tuple[int, int], ...] = ()
    header: str = ""


def read_fasta(path: str | Path) -> dict[str, SequenceRecord]:
    """Sequences of a nucleotide FASTA file (plain, gzip or bgzip) by id, in its order.

    Lower case is soft masking, unless the whole file is in lower case: that is only a habit of writing.

    Raises:
        InputError: no FASTA, protein, duplicate ids, a sequence without bases, or a damaged file.
    """
    raw: dict[str, tuple[str, str]] = {}
    for number, header, sequence in _records(path):
        seqid = header.split(maxsplit=1)[0]
        if seqid in raw:
            message = f"sequence {seqid!r} occurs twice; give each sequence a first word of its own"
            raise InputError(message, path, number)
        raw[seqid] = (header, sequence)
    is_lower_throughout = all(sequence.islower() for _, sequence in raw.values())
    return {
        seqid: SequenceRecord(
            seqid,
            sequence.upper().replace("U", "T"),
            () if is_lower_throughout else tuple(match.span() for match in _SMALL.finditer(sequence)),
            header,
        )
        for seqid, (header, sequence) in raw.items()
    }


def _records(path: str | Path) -> Iterator[tuple[int, str, str]]:
    """Line number of the header, header, and sequence in its own case, of each record."""
    header, header_line = "", 0
    parts: list[str] = []
    for number, line in numbered_lines(path):
        if line.startswith(">"):
            if header_line:
                yield header_line, header, _joined(header, parts, path, header_line, is_last=False)
            header, header_line, parts = line[1:].strip(), number, []
            if not header:
                raise InputError("this header has no identifier; write one after '>'", path, number)
        elif stripped := "".join(line.split()):
            if not header_line:
                raise InputError(_headless(line), path, number)
            _check_letters(stripped, path, number)
            parts.append(stripped)
    if not header_line:
        raise InputError("there is no sequence in this file; copy or download it again", path)
    yield header_line, header, _joined(header, parts, path, header_line, is_last=True)


def _headless(line: str) -> str:
    for start, name in (("##gff", "GFF3"), ("LOCUS ", "GenBank"), ("ID  ", "EMBL"), ("@", "FASTQ or SAM")):
        if line.startswith(start):
            return f"this looks like {name}, not FASTA; give the genome's sequence as FASTA"
    return "a FASTA file begins with a header, '>' and an identifier; add one before the sequence"


def _check_letters(stripped: str, path: str | Path, number: int) -> None:
    strange = set(stripped.upper()) - _NUCLEOTIDES
    if strange & _ONLY_PROTEIN:
        letter = min(strange & _ONLY_PROTEIN)
        raise InputError(f"{letter!r} is no nucleotide: this is protein; give the genome's DNA", path, number)
    if strange:
        message = f"{min(strange)!r} is no nucleotide; only ACGTU and the IUPAC codes RYSWKMBDHVN are"
        raise InputError(message, path, number)


def _joined(header: str, parts: list[str], path: str | Path, line: int, *, is_last: bool) -> str:
    seqid = header.split(maxsplit=1)[0]
    if not parts:
        cause = (
            "the file seems to be cut short; copy or download it again" if is_last else "remove its header"
        )
        raise InputError(f"sequence {seqid!r} has no bases: {cause}", path, line)
    sequence = "".join(parts)
    upper = sequence.upper()
    # Peptides may happen to consist of letters that are also IUPAC codes, but never mostly of ACGTN.
    if 2 * sum(upper.count(base) for base in _PLAIN) < len(upper):
        message = f"sequence {seqid!r} is mostly not ACGT: this is protein; give the genome's DNA"
        raise InputError(message, path, line)
    return sequence


def header_aliases(records: Mapping[str, SequenceRecord]) -> dict[str, str]:
    """Whole headers to ids, for GFF3 files that name sequences with blanks."""
    return {record.header: seqid for seqid, record in records.items() if record.header != seqid}


def write_fasta(path: str | Path, sequences: Iterable[tuple[str, str]]) -> None:
    """Write (header, sequence) pairs, 80 columns."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as fasta:
        for header, sequence in sequences:
            fasta.write(f">{header}\n")
            for start in range(0, len(sequence), LINE_WIDTH):
                fasta.write(sequence[start : start + LINE_WIDTH] + "\n")
