"""Reading back a genome folder that `genescribe normalize` made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.lines import numbered_lines
from genescribe.genomes.records import Annotation, LeftOut

GENOME = "genome.fna"
SOFTMASK = "softmask.bed"
ANNOTATION = "annotation.gff3"
LEFT_OUT = "left_out.tsv"
SUMMARY = "summary.json"
FLAGGED = "flagged.tsv"
FLAGGED_COLUMNS = ("id", "gene", "seqid", "start", "end", "strand", "flags")
LEFT_OUT_COLUMNS = ("id", "seqid", "start", "end", "strand", "type", "reason")


@dataclass(frozen=True, slots=True)
class Genome:
    """A normalised genome.

    Attributes:
        name: its name.
        sequences: upper-case bases of each sequence, in the order of the FASTA.
        circular: sequences that are circles.
        genetic_code: NCBI translation table of sequences that have no entry in `genetic_codes`.
        genetic_codes: NCBI translation table of every sequence.
        annotation: its genes; None for a genome without annotation.
        left_out: features of the original annotation that were left out.
    """

    name: str
    sequences: dict[str, str]
    circular: frozenset[str]
    genetic_code: int
    genetic_codes: dict[str, int]
    annotation: Annotation | None
    left_out: tuple[LeftOut, ...]

    @property
    def lengths(self) -> dict[str, int]:
        """Length of each sequence."""
        return {seqid: len(sequence) for seqid, sequence in self.sequences.items()}


def load_genome(folder: str | Path) -> Genome:
    """Read a folder made by `genescribe normalize`.

    Raises:
        InputError: the folder is no such folder, or a file in it is damaged.
    """
    folder = Path(folder)
    summary = _read_summary(folder / SUMMARY)
    sequences = {seqid: record.sequence for seqid, record in read_fasta(folder / GENOME).items()}
    entries = {entry["id"]: entry for entry in summary["sequences"]}
    if list(entries) != list(sequences):
        raise InputError(f"{SUMMARY} and {GENOME} do not fit; run `genescribe normalize` again", folder)
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    is_annotated = summary["annotated"]
    return Genome(
        name=summary["name"],
        sequences=sequences,
        circular=frozenset(seqid for seqid, entry in entries.items() if entry["circular"]),
        genetic_code=summary["genetic_code"],
        genetic_codes={seqid: entry["genetic_code"] for seqid, entry in entries.items()},
        annotation=read_gff3(folder / ANNOTATION, lengths, summary["genetic_code"]) if is_annotated else None,
        left_out=tuple(read_left_out(folder / LEFT_OUT)) if is_annotated else (),
    )


def _read_summary(path: Path) -> Mapping:
    if not path.is_file():
        raise InputError("this is no genome folder; make one with `genescribe normalize`", path.parent)
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        if {"name", "genetic_code", "annotated", "sequences"} <= set(summary):
            return summary
    except (ValueError, TypeError):
        pass
    raise InputError("this is no summary of a genome; run `genescribe normalize` again", path)


def read_left_out(path: str | Path) -> list[LeftOut]:
    """Features of a left_out.tsv, whose positions are 1-based and inclusive, as in GFF3."""
    found = []
    for number, line in numbered_lines(path):
        columns = line.split("\t")
        if number == 1:
            continue
        if len(columns) != len(LEFT_OUT_COLUMNS) or not (columns[2].isdecimal() and columns[3].isdecimal()):
            raise InputError("this is no row of left_out.tsv; run `genescribe normalize` again", path, number)
        name, seqid, first, last, strand, kind, reason = columns
        found.append(LeftOut(name, seqid, int(first) - 1, int(last), strand, kind, reason))
    return found
