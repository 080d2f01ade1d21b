"""Genes into all formats that are written, and the options of the commands that write them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.genomes.annotation_summary import write_summary
from genescribe.genomes.bed12 import write_bed12
from genescribe.genomes.gene_list import write_gene_list
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.gtf import write_gtf
from genescribe.genomes.proteins import write_cds, write_proteins
from genescribe.genomes.records import Gene, OutputGene


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write; None for those that are not wanted."""

    gff3: Path | None = None
    gtf: Path | None = None
    bed: Path | None = None
    tsv: Path | None = None
    proteins: Path | None = None
    cds: Path | None = None
    summary: Path | None = None

    @property
    def paths(self) -> tuple[Path | None, ...]:
        """All of them."""
        return (self.gff3, self.gtf, self.bed, self.tsv, self.proteins, self.cds, self.summary)


def write_formats(
    records: Iterable[OutputGene | Gene],
    sequences: Mapping[str, str],
    circular: Collection[str],
    genetic_codes: Mapping[str, int],
    outputs: Outputs,
) -> None:
    """Write the files that are wanted.

    Args:
        records: genes with unique ids, in any order but for TSV and FASTA, which keep it.
        sequences: bases of each sequence.
        circular: ids of circular sequences.
        genetic_codes: NCBI translation table of each sequence.
        outputs: where to.
    """
    genes = [record.gene() if isinstance(record, OutputGene) else record for record in records]
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    if outputs.gff3 is not None:
        write_gff3(outputs.gff3, genes, lengths, circular, genetic_codes=genetic_codes)
    if outputs.gtf is not None:
        write_gtf(outputs.gtf, genes, lengths)
    if outputs.bed is not None:
        write_bed12(outputs.bed, genes, lengths)
    if outputs.tsv is not None:
        write_gene_list(outputs.tsv, genes, sequences, genetic_codes)
    if outputs.proteins is not None:
        write_proteins(outputs.proteins, genes, sequences, genetic_codes=genetic_codes)
    if outputs.cds is not None:
        write_cds(outputs.cds, genes, sequences)
    if outputs.summary is not None:
        write_summary(outputs.summary, genes, sequences, circular, genetic_codes)
