"""Stitched genes into files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genescribe.annotation.stitch import StitchedGene, StitchResult
from genescribe.files import atomic_path
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.gtf import write_gtf
from genescribe.genomes.proteins import write_cds, write_proteins
from genescribe.genomes.records import OutputGene


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write; None for those that are not wanted."""

    gff3: Path
    gtf: Path | None = None
    proteins: Path | None = None
    cds: Path | None = None
    counts: Path | None = None


def name_genes(genes: Iterable[StitchedGene]) -> list[OutputGene]:
    """Genes with IDs: the sequence and the number of the gene along it, counted from 1."""
    numbers: Counter[str] = Counter()
    named = []
    for gene in genes:
        numbers[gene.seqid] += 1
        named.append(
            OutputGene(gene.seqid, f"{gene.seqid}_g{numbers[gene.seqid]}", gene.model, score=gene.score)
        )
    return named


def write_outputs(
    result: StitchResult,
    sequences: Mapping[str, str],
    circular: Collection[str],
    genetic_codes: Mapping[str, int],
    outputs: Outputs,
) -> None:
    """Write the files of a stitched genome.

    Args:
        result: genes and counts.
        sequences: bases of each sequence.
        circular: ids of circular sequences.
        genetic_codes: NCBI translation table of each sequence.
        outputs: where to.
    """
    genes = name_genes(result.genes)
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    write_gff3(outputs.gff3, genes, lengths, circular, genetic_codes=genetic_codes)
    if outputs.gtf is not None:
        write_gtf(outputs.gtf, genes, lengths)
    if outputs.proteins is not None:
        write_proteins(outputs.proteins, genes, sequences, genetic_codes=genetic_codes)
    if outputs.cds is not None:
        write_cds(outputs.cds, genes, sequences)
    if outputs.counts is not None:
        with atomic_path(outputs.counts) as temporary:
            temporary.write_text(json.dumps(result.counts, indent=1) + "\n")
