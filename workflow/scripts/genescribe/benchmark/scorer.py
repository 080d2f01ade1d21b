"""Exact scores of predicted genes against a reference annotation.

Every metric is three counts - things in the reference, things predicted, things that are the same - and the
precision, recall and F1 that follow from them:

    exact                    prokaryotes: models with the same strand, start and stop (all segments)
    three_prime              prokaryotes: the same strand and stop codon; distinct stop codons on both sides
    exact_given_three_prime  prokaryotes: of the shared stop codons, those with the exact model
    verified_starts          of genes with an experimentally verified start: recall = exact / all, precision =
                             exact / those whose stop codon was found
    gene                     eukaryotes: genes of which any isoform is exact
    cds_exon                 eukaryotes: distinct coding exons with both ends the same
    spliced                  eukaryotes: genes that have a model with an intron, of which one is exact
    base                     eukaryotes: coding bases on the same strand
    tRNA, rRNA, tmRNA        spans that overlap by at least half of both, on the same strand, one to one

Prokaryotes also by length class (nt of CDS with the stop codon). A prediction that shares its stop codon with
a reference model is put into the class of that model, so that both sides are counted in one class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from genescribe.benchmark.gene_table import gene_table
from genescribe.benchmark.intervals import Interval, shared_bases, union
from genescribe.benchmark.selection import ComparedGene, Selection, intervals, pieces
from genescribe.language.gene_model import PROTEIN_CODING, RNA_KINDS, GeneModel

PROKARYOTE = "prokaryote"
EUKARYOTE = "eukaryote"
ALL = "all"
LENGTH_EDGES = (150, 300, 600, 1200, 3000)
LENGTH_CLASSES = ("<150", "150-299", "300-599", "600-1199", "1200-2999", ">=3000")
METRIC_COLUMNS = ["metric", "class", "reference", "predicted", "matched", "precision", "recall", "f1"]
MIN_INTRON = 20
"""Shorter gaps between CDS segments are taken for frameshifts, not introns."""


def guess_domain(selection: Selection) -> str:
    """Eukaryote if at least one in a hundred reference genes has an intron, else prokaryote."""
    coding = [gene for gene in selection.reference if gene.kind == PROTEIN_CODING]
    spliced = sum(_is_spliced(gene) for gene in coding)
    return EUKARYOTE if spliced and spliced * 100 >= len(coding) else PROKARYOTE


def score(
    selection: Selection,
    domain: str,
    verified: Selection | None = None,
    sequences: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score a prediction.

    Args:
        selection: what is compared (`genescribe.benchmark.selection.select`).
        domain: "prokaryote" or "eukaryote".
        verified: genes with verified starts, selected against the same prediction.
        sequences: upper-case bases of each sequence, for the table of genes.

    Returns:
        The metrics (columns `METRIC_COLUMNS`; a ratio whose denominator is zero is NaN) and the table of
        genes (`genescribe.benchmark.gene_table`).
    """
    reference, predicted = _models(selection, selection.reference), _models(selection, selection.predicted)
    if domain == EUKARYOTE:
        rows = _eukaryote(selection, reference, predicted)
    else:
        rows = _prokaryote(reference, predicted)
    if verified is not None:
        rows.append(_verified(_models(verified, verified.reference), _models(verified, verified.predicted)))
    pairs = _rna_pairs(selection)
    for kind in RNA_KINDS:
        rows.append(
            (
                kind,
                ALL,
                sum(gene.kind == kind for gene in selection.reference),
                sum(gene.kind == kind for gene in selection.predicted),
                sum(selection.reference[index].kind == kind for index in pairs),
            )
        )
    return ratios(rows), gene_table(selection, domain == PROKARYOTE, pairs, sequences)


Row = tuple[str, str, int, int, int]


def ratios(rows: Iterable[Row]) -> pd.DataFrame:
    """Counts with the precision, recall and F1 that follow from them; columns `METRIC_COLUMNS`."""
    frame = pd.DataFrame(list(rows), columns=METRIC_COLUMNS[:5])
    matched = frame["matched"]
    frame["precision"] = matched / frame["predicted"].replace(0, np.nan)
    frame["recall"] = matched / frame["reference"].replace(0, np.nan)
    frame["f1"] = 2 * matched / (frame["reference"] + frame["predicted"]).replace(0, np.nan)
    return frame


def _models(selection: Selection, genes: Sequence[ComparedGene]) -> pd.DataFrame:
    """One row per coding model: `gene` (index), `chain`, `stop` (keys or None), `length`, `spliced`."""
    rows = []
    for index, gene in enumerate(genes):
        for model in gene.models if gene.kind == PROTEIN_CODING else ():
            identity = selection.chain(gene, model), selection.stop(gene, model)
            rows.append((index, *identity, model.length, _has_intron(model)))
    frame = pd.DataFrame(rows, columns=["gene", "chain", "stop", "length", "spliced"])
    # An empty table has no types of its own.
    return frame.astype({"gene": int, "length": int, "spliced": bool})


def _has_intron(model: GeneModel) -> bool:
    return any(right[0] - left[1] >= MIN_INTRON for left, right in pairwise(model.segments))


def _is_spliced(gene: ComparedGene) -> bool:
    return any(_has_intron(model) for model in gene.models)


def length_class(length: int) -> str:
    """Name of the length class of a CDS of `length` nt."""
    return LENGTH_CLASSES[int(np.searchsorted(LENGTH_EDGES, length, side="right"))]


def _prokaryote(reference: pd.DataFrame, predicted: pd.DataFrame) -> list[Row]:
    chains = reference.drop_duplicates("chain").set_index("chain")
    # Of models with one stop codon the longest stands for it.
    longest_first = reference.sort_values("length", ascending=False, kind="stable")
    stops = longest_first.drop_duplicates("stop").set_index("stop")
    # A second prediction of the same thing is one too many.
    exact = predicted["chain"].isin(chains.index) & ~predicted["chain"].duplicated()
    found = predicted["stop"].isin(stops.index)
    # Of several models with one stop codon, one is counted; open ends have none and count each.
    first = ~predicted["stop"].duplicated() | predicted["stop"].isna()
    exact_stops = set(predicted.loc[exact, "stop"])
    of_exact = predicted["length"].map(length_class)
    of_found = predicted["stop"].map(stops["length"]).fillna(predicted["length"]).map(length_class)
    of_chains, of_stops = chains["length"].map(length_class), stops["length"].map(length_class)
    stop_found, stop_exact = stops.index.isin(predicted["stop"]), stops.index.isin(exact_stops)
    rows: list[Row] = []
    for name in (ALL, *LENGTH_CLASSES):
        chosen = [
            np.full(len(labels), True) if name == ALL else (labels == name).to_numpy()
            for labels in (of_chains, of_stops, of_exact, of_found)
        ]
        in_chains, in_stops, in_exact, in_found = chosen
        in_found = in_found & first
        shared = int((stop_found & in_stops).sum())
        rows += [
            ("exact", name, int(in_chains.sum()), int(in_exact.sum()), int((exact & in_exact).sum())),
            ("three_prime", name, int(in_stops.sum()), int(in_found.sum()), int((found & in_found).sum())),
            ("exact_given_three_prime", name, shared, shared, int((stop_exact & in_stops).sum())),
        ]
    order = ["exact", "three_prime", "exact_given_three_prime"]
    return sorted(rows, key=lambda row: order.index(row[0]))


def _verified(reference: pd.DataFrame, predicted: pd.DataFrame) -> Row:
    chains, stops = set(reference["chain"]), set(reference["stop"])
    return (
        "verified_starts",
        ALL,
        len(chains),
        len(stops & set(predicted["stop"])),
        len(chains & set(predicted["chain"])),
    )


def _eukaryote(selection: Selection, reference: pd.DataFrame, predicted: pd.DataFrame) -> list[Row]:
    rows: list[Row] = [
        ("gene", ALL, *_gene_counts(reference, predicted)),
        ("cds_exon", ALL, *_exon_counts(selection)),
        ("spliced", ALL, *_gene_counts(reference[reference["spliced"]], predicted[predicted["spliced"]])),
        ("base", ALL, *_base_counts(selection)),
    ]
    return rows


def _gene_counts(reference: pd.DataFrame, predicted: pd.DataFrame) -> tuple[int, int, int]:
    """Genes in the reference, genes predicted, and pairs of them, one to one, that share an exact isoform."""
    pairs = reference.dropna(subset="chain").merge(predicted.dropna(subset="chain"), on="chain")
    taken_reference: set[int] = set()
    taken_predicted: set[int] = set()
    for one, two in sorted(zip(pairs["gene_x"], pairs["gene_y"], strict=True)):
        if one not in taken_reference and two not in taken_predicted:
            taken_reference.add(one)
            taken_predicted.add(two)
    return reference["gene"].nunique(), predicted["gene"].nunique(), len(taken_reference)


def _coding(genes: Iterable[ComparedGene]) -> list[ComparedGene]:
    return [gene for gene in genes if gene.kind == PROTEIN_CODING]


def _exon_counts(selection: Selection) -> tuple[int, int, int]:
    one, two = (
        set(_exons(genes, selection.circular)) for genes in (selection.reference, selection.predicted)
    )
    return len(one), len(two), len(one & two)


def _exons(genes: Iterable[ComparedGene], circular: Mapping[str, int]) -> Iterator[tuple[str, str, int, int]]:
    """Sequence, strand, first base and length of each coding exon."""
    for gene in _coding(genes):
        length = circular.get(gene.seqid)
        for model in gene.models:
            for start, end in model.segments:
                yield gene.seqid, model.strand, start if length is None else start % length, end - start


def _base_counts(selection: Selection) -> tuple[int, int, int]:
    one, two = (
        union(intervals(_coding(genes), selection.circular, all_models=True))
        for genes in (selection.reference, selection.predicted)
    )
    shared = sum(pair.bases for pair in shared_bases(one, two))
    return sum(row.end - row.start for row in one), sum(row.end - row.start for row in two), shared


def _span_intervals(genes: Sequence[ComparedGene], circular: Mapping[str, int]) -> Iterator[Interval]:
    for index, gene in enumerate(genes):
        if gene.kind in RNA_KINDS:
            for start, end in pieces(gene.longest, circular.get(gene.seqid)):
                yield Interval(gene.seqid, start, end, index, gene.strand)


def _rna_pairs(selection: Selection) -> dict[int, int]:
    """RNA genes found: index in the reference -> index in the prediction. The largest overlaps go first."""
    one, two = selection.reference, selection.predicted
    shared = shared_bases(_span_intervals(one, selection.circular), _span_intervals(two, selection.circular))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for first, second, bases in sorted(shared, key=lambda pair: -pair.bases):
        half = max(one[first].longest.length, two[second].longest.length) / 2
        free = first not in pairs and second not in taken
        if one[first].kind == two[second].kind and bases >= half and free:
            pairs[first] = second
            taken.add(second)
    return pairs
