"""Stitched genes into files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from genescribe.annotation.stitch import StitchedGene, StitchResult
from genescribe.annotation.target import Target
from genescribe.files import atomic_path
from genescribe.genomes.formats import Outputs, write_formats
from genescribe.genomes.records import OutputGene


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


def write_outputs(result: StitchResult, target: Target, outputs: Outputs, counts: Path | None = None) -> None:
    """Write the files of a stitched genome.

    Args:
        result: genes and counts.
        target: the genome.
        outputs: where to write the genes.
        counts: JSON of the counts to write.
    """
    genes = name_genes(result.genes)
    write_formats(genes, target.sequences, target.circular, target.genetic_codes, outputs)
    if counts is not None:
        with atomic_path(counts) as temporary:
            temporary.write_text(json.dumps(result.counts, indent=1) + "\n")
