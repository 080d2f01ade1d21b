"""The genome that is annotated: a folder made by `genescribe normalize`, or a FASTA file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.load import load_genome


@dataclass(frozen=True, slots=True)
class Target:
    """What annotation needs of a genome.

    Attributes:
        sequences: bases of each sequence.
        circular: ids of those that are circles.
        genetic_codes: NCBI translation table of each.
    """

    sequences: dict[str, str]
    circular: frozenset[str]
    genetic_codes: dict[str, int]


def read_target(path: Path, genetic_code: int = 11, circular: frozenset[str] = frozenset()) -> Target:
    """Read the genome to annotate.

    Args:
        path: a folder made by `genescribe normalize`, which knows circles and codes itself, or a FASTA file.
        genetic_code: of a FASTA file.
        circular: ids of the circular sequences of a FASTA file.

    Raises:
        InputError: neither of the two, or an unknown circular sequence.
    """
    if path.is_dir():
        genome = load_genome(path)
        return Target(genome.sequences, genome.circular, genome.genetic_codes)
    sequences = {seqid: record.sequence for seqid, record in read_fasta(path).items()}
    unknown = sorted(circular - set(sequences))
    if unknown:
        raise InputError(f"there is no sequence {unknown[0]!r} to be circular; use an id of the FASTA", path)
    return Target(sequences, circular, dict.fromkeys(sequences, genetic_code))
