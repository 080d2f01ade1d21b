"""The verdict on every single gene, as a table for the report and for a curious user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from genescribe.benchmark.intervals import shared_bases
from genescribe.benchmark.selection import ComparedGene, Selection, intervals
from genescribe.language.gene_model import PROTEIN_CODING

GENE_COLUMNS = [
    "side", "id", "seqid", "start", "end", "strand", "kind", "length", "class", "partner", "score",
]  # fmt: skip
"""start and end are 1-based inclusive, as in GFF3; length is that of the longest model, in nt."""

EXACT, WRONG_START, WRONG_STRUCTURE = "exact", "wrong_start", "wrong_structure"
OVERLAP, MISSED, EXTRA, NEUTRAL = "overlap", "missed", "extra", "neutral"

Verdicts = dict[int, tuple[str, str]]
"""Index of a gene -> class, ID of the gene that it was matched with."""

Row = tuple[object, ...]


def gene_table(selection: Selection, by_stop: bool, rna_pairs: Mapping[int, int]) -> pd.DataFrame:
    """Every reference gene and every predicted gene with its class.

    Coding genes: `exact` (an isoform is the same), then `wrong_start` (prokaryotes: the stop codon is the
    same) or `wrong_structure` (eukaryotes: coding bases are shared), else `missed` in the reference and
    `extra` in the prediction. RNA genes: `exact`, `overlap`, `missed`, `extra`. Predictions that do not
    count: `neutral`.

    Args:
        selection: what is compared.
        by_stop: whether genes are matched by their stop codons (prokaryotes) or by shared bases (eukaryotes).
        rna_pairs: RNA genes found, index in the reference -> index in the prediction.

    Returns:
        Columns `GENE_COLUMNS`, sorted by sequence, start, end, strand, side and ID.
    """
    one, two = selection.reference, selection.predicted
    reference: Verdicts = {}
    predicted: Verdicts = {}
    _match(selection, True, EXACT, reference, predicted)
    if by_stop:
        _match(selection, False, WRONG_START, reference, predicted)
    else:
        _match_overlaps(selection, reference, predicted)
    for first, second in rna_pairs.items():
        chains = [selection.chain(gene, gene.longest) for gene in (one[first], two[second])]
        same = chains[0] == chains[1]
        reference[first] = (EXACT if same else OVERLAP, two[second].id)
        predicted[second] = (EXACT if same else OVERLAP, one[first].id)
    rows = [
        *_rows("reference", one, reference, MISSED),
        *_rows("predicted", two, predicted, EXTRA),
        *_rows("predicted", selection.neutral, {}, NEUTRAL),
    ]
    frame = pd.DataFrame(rows, columns=GENE_COLUMNS)
    order = ["seqid", "start", "end", "strand", "side", "id"]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def _keys(selection: Selection, genes: Sequence[ComparedGene], exact: bool) -> list[tuple[str, int]]:
    """(identity, index) of each coding model that has one, in the order of the genes."""
    identity = selection.chain if exact else selection.stop
    return [
        (key, index)
        for index, gene in enumerate(genes)
        if gene.kind == PROTEIN_CODING
        for model in gene.models
        if (key := identity(gene, model)) is not None
    ]


def _match(selection: Selection, exact: bool, name: str, reference: Verdicts, predicted: Verdicts) -> None:
    """Pair genes that share a key and have no verdict yet, one to one."""
    one, two = selection.reference, selection.predicted
    waiting: dict[str, list[int]] = {}
    for key, index in _keys(selection, one, exact):
        waiting.setdefault(key, []).append(index)
    for key, index in _keys(selection, two, exact):
        for candidate in waiting.get(key, ()):
            if index not in predicted and candidate not in reference:
                reference[candidate] = (name, two[index].id)
                predicted[index] = (name, one[candidate].id)


def _match_overlaps(selection: Selection, reference: Verdicts, predicted: Verdicts) -> None:
    one, two = selection.reference, selection.predicted
    shared = shared_bases(intervals(one, selection.circular), intervals(two, selection.circular))
    for first, second, _ in sorted(shared, key=lambda pair: -pair.bases):
        if one[first].kind != PROTEIN_CODING or two[second].kind != PROTEIN_CODING:
            continue
        reference.setdefault(first, (WRONG_STRUCTURE, two[second].id))
        predicted.setdefault(second, (WRONG_STRUCTURE, one[first].id))


def _rows(side: str, genes: Sequence[ComparedGene], verdicts: Verdicts, default: str) -> list[Row]:
    rows: list[Row] = []
    for index, gene in enumerate(genes):
        model = gene.longest
        where = (gene.seqid, model.start + 1, model.end, model.strand)
        verdict = verdicts.get(index, (default, ""))
        rows.append((side, gene.id, *where, gene.kind, model.length, *verdict, gene.score))
    return rows
