"""Accuracy by what a gene is like: its length, start codon, GC content and strand.

A pair that a metric counts as matched stands in the class of its reference gene, so that both sides are
counted in one class. All other genes stand in their own: a gene with a wrong start counts against the start
codon that was written and against the one that was missed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from genescribe.benchmark.gene_table import EXACT, NEUTRAL, WRONG_START
from genescribe.benchmark.scorer import LENGTH_CLASSES, METRIC_COLUMNS, PROKARYOTE, length_class, ratios
from genescribe.language.gene_model import PROTEIN_CODING

START_CODONS = ("ATG", "GTG", "TTG", "CTG")
OTHER_START = "other"
"""Any other start codon, and genes whose start is missing."""
GC_EDGES = (30, 35, 40, 45, 50, 55, 60, 65, 70)
GC_CLASSES = ("<30", "30-35", "35-40", "40-45", "45-50", "50-55", "55-60", "60-65", "65-70", ">=70")
"""In percent; a class holds its lower edge and not its upper one."""
STRATUM_COLUMNS = ["property", *METRIC_COLUMNS]


def strata(genes: pd.DataFrame, domain: str) -> pd.DataFrame:
    """Counts and ratios of coding genes by property and class, as far as the table knows the property.

    Args:
        genes: table of genes (`genescribe.benchmark.gene_table`).
        domain: "prokaryote" (metrics exact and three_prime) or "eukaryote" (metric gene).

    Returns:
        Columns `STRATUM_COLUMNS`: a row for each metric, property (length, start_codon, gc, strand) and class
        in which there is a gene.
    """
    coding = genes[(genes["kind"] == PROTEIN_CODING) & (genes["class"] != NEUTRAL)]
    matched = {"exact": {EXACT}, "three_prime": {EXACT, WRONG_START}}
    if domain != PROKARYOTE:
        matched = {"gene": {EXACT}}
    parts = [
        ratios(_rows(coding, metric, classes, right)).assign(property=name)
        for name, classes in _classes(coding).items()
        for metric, right in matched.items()
    ]
    if not parts:
        return pd.DataFrame(columns=STRATUM_COLUMNS)
    return pd.concat(parts, ignore_index=True)[STRATUM_COLUMNS]


def _classes(coding: pd.DataFrame) -> dict[str, pd.Series]:
    """Property -> class of each gene, as an ordered category; properties that no gene has are left out."""
    found: dict[str, pd.Series] = {}
    if coding.empty:
        return found
    found["length"] = _ordered(coding["length"].map(length_class), LENGTH_CLASSES)
    codons = coding["start_codon"].fillna("")
    if codons.any():
        named = codons.where(codons.isin(START_CODONS), OTHER_START)
        found["start_codon"] = _ordered(named, (*START_CODONS, OTHER_START))
    gc = coding["gc"].astype(float)
    if gc.notna().any():
        # A gene of unknown bases has no GC content and stands in no class.
        numbers = np.searchsorted(GC_EDGES, 100 * gc.to_numpy(), side="right")
        names = pd.Series(np.take(GC_CLASSES, np.minimum(numbers, len(GC_EDGES))), coding.index)
        found["gc"] = _ordered(names.where(gc.notna()), GC_CLASSES)
    found["strand"] = _ordered(coding["strand"], ("+", "-"))
    return found


def _ordered(names: pd.Series, classes: tuple[str, ...]) -> pd.Series:
    return names.astype(pd.CategoricalDtype(list(classes), ordered=True))


def _rows(
    coding: pd.DataFrame, metric: str, classes: pd.Series, right: set[str]
) -> Iterator[tuple[str, str, int, int, int]]:
    is_reference = coding["side"] == "reference"
    of_reference = pd.Series(classes[is_reference].to_numpy(), coding.loc[is_reference, "id"].to_numpy())
    predicted = coding[~is_reference]
    is_right = predicted["class"].isin(right)
    partners = predicted["partner"].map(of_reference[~of_reference.index.duplicated()])
    of_predicted = classes[~is_reference].astype(object).where(~is_right, partners.astype(object))
    for name in classes.cat.categories:
        in_class = of_predicted == name
        counts = int((of_reference == name).sum()), int(in_class.sum()), int((in_class & is_right).sum())
        if counts[0] or counts[1]:
            yield metric, name, *counts
