"""Genes into a table, one row a transcript, for spreadsheets and pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from genescribe.files import atomic_path
from genescribe.genomes.proteins import spliced, translate
from genescribe.genomes.records import Gene, OutputGene, Transcript
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

COLUMNS = (
    *("gene", "transcript", "seqid", "start", "end", "strand", "kind", "score", "partial"),
    *("segments", "bases", "start_codon", "stop_codon", "amino_acids", "name", "product"),
)
_NAMES = ("gene", "Name", "locus_tag")


def write_gene_list(
    path: str | Path,
    records: Iterable[OutputGene | Gene],
    sequences: Mapping[str, str],
    genetic_codes: Mapping[str, int],
) -> None:
    """Write one row a transcript, parted by tabs, in the order given. Positions are 1-based and inclusive.

    Args:
        path: the file.
        records: genes.
        sequences: bases of each sequence.
        genetic_codes: NCBI translation table of each sequence.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as table:
        table.write("\t".join(COLUMNS) + "\n")
        for record in records:
            gene = record.gene() if isinstance(record, OutputGene) else record
            for one in gene.transcripts:
                cells = _cells(gene, one, sequences[gene.seqid], genetic_codes[gene.seqid])
                table.write("\t".join(" ".join(str(cell).split()) for cell in cells) + "\n")


def _cells(gene: Gene, one: Transcript, sequence: str, genetic_code: int) -> tuple[object, ...]:
    model = one.model
    start_codon, stop_codon = end_codons(model, sequence)
    return (
        gene.id,
        one.id,
        gene.seqid,
        model.start + 1,
        model.end,
        model.strand,
        gene.kind,
        "" if gene.score is None else f"{gene.score:.3f}",
        missing_end(model),
        ",".join(f"{start + 1}-{end}" for start, end in model.segments),
        model.length,
        start_codon,
        stop_codon,
        len(translate(model, sequence, genetic_code)) if model.kind == PROTEIN_CODING else "",
        next((gene.attributes[key] for key in _NAMES if key in gene.attributes), ""),
        one.attributes.get("product", gene.attributes.get("product", "")),
    )


def ends(model: GeneModel) -> tuple[End, End]:
    """How a model ends 5' and 3'."""
    return (model.left, model.right) if model.strand == "+" else (model.right, model.left)


def missing_end(model: GeneModel) -> str:
    """Which end lies beyond the sequence or in a gap: `no`, `start`, `stop` or `both`."""
    five_prime, three_prime = (end is not End.CLOSED for end in ends(model))
    return {(False, False): "no", (True, False): "start", (False, True): "stop", (True, True): "both"}[
        five_prime, three_prime
    ]


def end_codons(model: GeneModel, sequence: str) -> tuple[str, str]:
    """First and last codon of a coding model, each empty where that end is missing."""
    if model.kind != PROTEIN_CODING:
        return "", ""
    bases = spliced(model, sequence)
    five_prime, three_prime = ends(model)
    return (
        bases[:3] if five_prime is End.CLOSED else "",
        bases[-3:] if three_prime is End.CLOSED else "",
    )
