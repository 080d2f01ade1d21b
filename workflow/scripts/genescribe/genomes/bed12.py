"""Genes into BED12, one row a transcript: https://samtools.github.io/hts-specs/BEDv1.pdf.

BED knows no circular sequences and no coordinates beyond a sequence's end: a transcript over the origin
becomes two rows, see `side_name`. Blocks may not overlap: segments that do (a gene read over a -1 frameshift)
are one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from genescribe.files import atomic_path
from genescribe.genomes.colours import colour
from genescribe.genomes.records import Gene, OutputGene, one_word, side_name
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel

_Blocks = list[tuple[int, int]]


def write_bed12(path: str | Path, records: Iterable[OutputGene | Gene], sequences: Mapping[str, int]) -> None:
    """Write transcripts as BED12, sorted by sequence (in the order of `sequences`) and position.

    Column 4 is the transcript's ID, column 5 the score times 1000 (0 where there is none), columns 7 and 8
    the coding part (all of it, or nothing), column 9 the colour of the score.

    Args:
        path: the file.
        records: genes with unique ids, in any order.
        sequences: length of each sequence.
    """
    order = {seqid: number for number, seqid in enumerate(sequences)}
    rows = []
    for record in records:
        gene = record.gene() if isinstance(record, OutputGene) else record
        for one in gene.transcripts:
            length = sequences[gene.seqid]
            for side, blocks in _sides(one.model, length):
                name = side_name(one.id, one.model, length, side)
                start, end = blocks[0][0], blocks[-1][1]
                rows.append(((order[gene.seqid], start, end, name), _row(gene, name, blocks)))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as bed:
        bed.writelines(row for _, row in sorted(rows))


def _sides(model: GeneModel, length: int) -> Iterator[tuple[int, _Blocks]]:
    """Blocks of a model before the origin of its sequence (1) and behind it (2), as far as there are any."""
    for side, first, last in ((1, 0, length), (2, length, 2 * length)):
        blocks: _Blocks = []
        for start, end in model.segments:
            start, end = max(start, first) - first, min(end, last) - first
            if start >= end:
                continue
            if blocks and start <= blocks[-1][1]:
                blocks[-1] = (blocks[-1][0], max(end, blocks[-1][1]))
            else:
                blocks.append((start, end))
        if blocks:
            yield side, blocks


def _row(gene: Gene, name: str, blocks: _Blocks) -> str:
    start, end = blocks[0][0], blocks[-1][1]
    score = 0 if gene.score is None else min(max(round(1000 * gene.score), 0), 1000)
    columns = (
        gene.seqid,
        start,
        end,
        one_word(name),
        score,
        gene.strand,
        start,
        end if gene.kind == PROTEIN_CODING else start,
        ",".join(map(str, colour(gene.score) or (0, 0, 0))),
        len(blocks),
        ",".join(str(last - first) for first, last in blocks),
        ",".join(str(first - start) for first, _ in blocks),
    )
    return "\t".join(map(str, columns)) + "\n"
