"""Prodigal (Hyatt et al. 2010, doi:10.1186/1471-2105-11-119) through pyrodigal, the baseline for prokaryotes.

As a user would run it: single mode, trained on the whole genome, ends open. That holds too where only regions
are asked for: training sees all sequences, and a region is searched with a margin on either side. Genomes too
short to train on are searched in meta mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyrodigal

from genescribe.benchmark.pieces import Piece, cut
from genescribe.errors import InputError
from genescribe.genomes.records import OutputGene
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

SHORTEST_TO_TRAIN = 20_000
"""Bases in all below which Prodigal cannot train (its own limit)."""
MARGIN = 20_000
"""Bases on either side of a region that are searched with it, so that no gene is cut at its border."""


def predict(
    sequences: Mapping[str, str],
    genetic_codes: Mapping[str, int],
    regions: Sequence[Region] | None = None,
) -> list[OutputGene]:
    """Predict genes.

    Args:
        sequences: the whole genome, upper case.
        genetic_codes: NCBI translation table of each sequence; those of one table are trained on together.
        regions: where genes are wanted; everywhere if None. A gene belongs to the region with its midpoint.

    Returns:
        Genes in the order of sequences, regions and positions; `score` is Prodigal's own, no probability.

    Raises:
        InputError: Prodigal does not know a genetic code.
    """
    finders = {
        table: _finder([text for seqid, text in sequences.items() if genetic_codes[seqid] == table], table)
        for table in sorted(set(genetic_codes.values()))
    }
    lengths = {seqid: len(text) for seqid, text in sequences.items()}
    genes: list[OutputGene] = []
    for piece in cut(lengths, core=max([1, *lengths.values()]), margin=MARGIN, regions=regions):
        finder = finders[genetic_codes[piece.seqid]]
        for found in finder.find_genes(sequences[piece.seqid][piece.start : piece.end].encode("ascii")):
            model = gene_model(found, piece)
            if piece.owns(model):
                genes.append(OutputGene(piece.seqid, f"prodigal-{len(genes) + 1:05d}", model, found.score))
    return genes


def _finder(texts: Sequence[str], table: int) -> pyrodigal.GeneFinder:
    if sum(map(len, texts)) < SHORTEST_TO_TRAIN:
        return pyrodigal.GeneFinder(meta=True)
    if table not in pyrodigal.TRANSLATION_TABLES:
        raise InputError(f"Prodigal does not know genetic code {table}; leave it out for this genome")
    finder = pyrodigal.GeneFinder()
    first, *rest = (text.encode("ascii") for text in texts)
    finder.train(first, *rest, translation_table=cast(Any, table))
    return finder


def gene_model(found: pyrodigal.Gene, piece: Piece) -> GeneModel:
    """A gene found in a piece as a model on the whole sequence.

    Prodigal begins a partial gene with its first whole codon; here it reaches to the edge, as open ends do.
    """
    length = piece.end - piece.start
    start = 0 if found.partial_begin else found.begin - 1
    end = length if found.partial_end else found.end
    return GeneModel(
        kind=PROTEIN_CODING,
        strand="+" if found.strand > 0 else "-",
        segments=((start, end),),
        left=End.OPEN if found.partial_begin else End.CLOSED,
        right=End.OPEN if found.partial_end else End.CLOSED,
        lead=-(found.begin - 1) % 3 if found.partial_begin else 0,
    ).shifted(piece.start)
