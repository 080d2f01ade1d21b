"""The verdict on every single gene, as a table for the report and for a curious user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from genescribe.benchmark.intervals import shared_bases
from genescribe.benchmark.selection import ComparedGene, Selection, intervals
from genescribe.genomes.composition import first_codon, gc_content
from genescribe.language.gene_model import PROTEIN_CODING, GeneModel

GENE_COLUMNS = [
    "side", "id", "seqid", "start", "end", "strand", "kind", "length", "start_codon", "gc", "class",
    "partner", "score",
]  # fmt: skip
"""start and end are 1-based inclusive, as in GFF3; length (nt), start_codon and gc (0 to 1, of the coding
sequence) are those of the longest model. The latter two are empty for RNA genes and where no genome is given.
"""

EXACT, WRONG_START, WRONG_STRUCTURE = "exact", "wrong_start", "wrong_structure"
OVERLAP, MISSED, EXTRA, NEUTRAL = "overlap", "missed", "extra", "neutral"

Verdicts = dict[int, tuple[str, str]]
"""Index of a gene -> class, ID of the gene that it was matched with."""

Row = tuple[object, ...]


def gene_table(
    selection: Selection,
    by_stop: bool,
    rna_pairs: Mapping[int, int],
    sequences: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Every reference gene and every predicted gene with its class.

    Coding genes: `exact` (an isoform is the same), then `wrong_start` (prokaryotes: the stop codon is the
    same) or `wrong_structure` (eukaryotes: coding bases are shared), else `missed` in the reference and
    `extra` in the prediction. RNA genes: `exact`, `overlap`, `missed`, `extra`. Predictions that do not
    count: `neutral`.

    Args:
        selection: what is compared.
        by_stop: whether genes are matched by their stop codons (prokaryotes) or by shared bases (eukaryotes).
        rna_pairs: RNA genes found, index in the reference -> index in the prediction.
        sequences: upper-case bases of each sequence, for start codons and GC content.

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
    bases = sequences or {}
    rows = [
        *_rows("reference", one, reference, MISSED, bases),
        *_rows("predicted", two, predicted, EXTRA, bases),
        *_rows("predicted", selection.neutral, {}, NEUTRAL, bases),
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


def _rows(
    side: str, genes: Sequence[ComparedGene], verdicts: Verdicts, default: str, sequences: Mapping[str, str]
) -> list[Row]:
    rows: list[Row] = []
    for index, gene in enumerate(genes):
        model = gene.longest
        where = (gene.seqid, model.start + 1, model.end, model.strand)
        sequence = sequences.get(gene.seqid) if gene.kind == PROTEIN_CODING else None
        made_of = ("", None) if sequence is None else (first_codon(model, sequence), _gc(model, sequence))
        verdict = verdicts.get(index, (default, ""))
        rows.append((side, gene.id, *where, gene.kind, model.length, *made_of, *verdict, gene.score))
    return rows


def _gc(model: GeneModel, sequence: str) -> float | None:
    """GC content with four decimals, as it is written."""
    share = gc_content(model, sequence)
    return None if share is None else round(share, 4)
