"""Coding sequences and proteins of gene models, and their FASTA files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from Bio.Data import CodonTable
from Bio.Seq import Seq

from genescribe.genomes.fasta import write_fasta
from genescribe.genomes.records import Gene, OutputGene, Transcript, one_word
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel


def spliced(model: GeneModel, sequence: str) -> str:
    """Bases of the segments, joined, 5' to 3'. Segments may run over the end of a circular `sequence`."""
    length = len(sequence)
    bases = "".join(
        sequence[start:end] + sequence[max(0, start - length) : max(0, end - length)]
        for start, end in model.segments
    )
    return bases if model.strand == "+" else str(Seq(bases).reverse_complement())


def skipped_bases(model: GeneModel) -> int:
    """Bases of an unfinished codon at the 5' end: 0, 1 or 2; 0 if the 5' end is the gene's own."""
    if model.strand == "+":
        return -model.lead % 3
    return model.trail if model.right is not End.CLOSED else 0


def translate(model: GeneModel, sequence: str, genetic_code: int) -> str:
    """Protein of a coding model: M for any start codon, X for ambiguous codons, * for stop codons inside.

    A stop codon at the end is dropped. Of a partial gene, whole codons are translated.
    """
    bases = spliced(model, sequence)[skipped_bases(model) :]
    bases = bases[: len(bases) // 3 * 3]
    protein = str(Seq(bases).translate(table=genetic_code))
    five_prime = model.left if model.strand == "+" else model.right
    if five_prime is End.CLOSED and bases[:3] in _start_codons(genetic_code):
        protein = "M" + protein[1:]
    return protein.removesuffix("*")


@cache
def _start_codons(genetic_code: int) -> frozenset[str]:
    return frozenset(CodonTable.unambiguous_dna_by_id[genetic_code].start_codons)


def write_proteins(
    path: str | Path,
    records: Iterable[OutputGene | Gene],
    sequences: Mapping[str, str],
    genetic_code: int = 11,
    genetic_codes: Mapping[str, int] | None = None,
) -> None:
    """Write the protein of every coding transcript as FASTA.

    Args:
        path: the file.
        records: genes; RNA genes and pseudogenes are passed over.
        sequences: bases of each sequence.
        genetic_code: NCBI translation table.
        genetic_codes: tables of sequences that have another one.
    """
    codes = genetic_codes or {}
    write_fasta(
        path,
        (
            (header, translate(one.model, sequences[seqid], codes.get(seqid, genetic_code)))
            for seqid, one, header in _coding(records)
        ),
    )


def write_cds(path: str | Path, records: Iterable[OutputGene | Gene], sequences: Mapping[str, str]) -> None:
    """Write the coding sequence of every coding transcript as FASTA, stop codon included."""
    write_fasta(
        path, ((header, spliced(one.model, sequences[seqid])) for seqid, one, header in _coding(records))
    )


def _coding(records: Iterable[OutputGene | Gene]) -> Iterator[tuple[str, Transcript, str]]:
    for record in records:
        gene = record.gene() if isinstance(record, OutputGene) else record
        for one in gene.transcripts:
            if one.model.kind == PROTEIN_CODING:
                model = one.model
                place = f"{gene.seqid}:{model.start + 1}-{model.end}({model.strand})"
                yield gene.seqid, one, f"{one_word(one.id)} gene={one_word(gene.id)} {place}"
