"""A genome as a user has it: a FASTA file and a GFF3 file that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.fasta import SequenceRecord, header_aliases, read_fasta
from genescribe.genomes.genetic_codes import parse_genetic_code
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Annotation
from genescribe.language.genetic_code import genetic_code


@dataclass(frozen=True, slots=True)
class Source:
    """What two files hold.

    Attributes:
        records: sequences by id, in the order of the FASTA.
        annotation: empty where there is no GFF3.
        genetic_code: the default.
        genetic_codes: NCBI translation table of each sequence.
    """

    records: dict[str, SequenceRecord]
    annotation: Annotation
    genetic_code: int
    genetic_codes: dict[str, int]

    @property
    def sequences(self) -> dict[str, str]:
        """Bases of each sequence."""
        return {seqid: record.sequence for seqid, record in self.records.items()}

    @property
    def lengths(self) -> dict[str, int]:
        """Length of each sequence."""
        return {seqid: len(record.sequence) for seqid, record in self.records.items()}


def read_source(fasta: Path, gff3: Path | None, genetic_code_text: str) -> Source:
    """Read a genome and its annotation, and check that they fit.

    Args:
        fasta: nucleotide FASTA.
        gff3: its annotation, if it has one.
        genetic_code_text: such as "11" or "1;NC_001224.1=3"; sequences that are not named, and whose CDS
            name a code in the GFF3, have that one.

    Raises:
        InputError: bad input.
    """
    default, named = parse_genetic_code(genetic_code_text)
    records = read_fasta(fasta)
    for seqid in named:
        if seqid not in records:
            raise InputError(f"genetic code {genetic_code_text!r}: there is no sequence {seqid!r}", fasta)
    annotation = Annotation()
    if gff3 is not None:
        lengths = {seqid: len(record.sequence) for seqid, record in records.items()}
        annotation = read_gff3(gff3, lengths, default, header_aliases(records))
    codes = {seqid: named.get(seqid, annotation.genetic_codes.get(seqid, default)) for seqid in records}
    for code in {default, *codes.values()}:
        genetic_code(code)
    return Source(records, annotation, default, codes)
