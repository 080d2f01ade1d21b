"""Score files and the table of all predictors: JSON and TSV for programs, a printed table for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from genescribe.benchmark.calibration import of_gene_table
from genescribe.benchmark.gffcompare import Comparison
from genescribe.benchmark.scorer import ALL, EUKARYOTE, METRIC_COLUMNS
from genescribe.benchmark.selection import Selection
from genescribe.benchmark.strata import strata
from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.language.gene_model import PROTEIN_CODING, RNA_KINDS

LABELS = {
    "genescribe": "GeneScribe",
    "augustus": "AUGUSTUS",
    "prodigal": "Prodigal",
    "random_weights": "control: random weights",
    "no_cross_attention": "control: no cross-attention",
    "dense_orf": "control: dense heads + ORF rule",
}
"""Predictors in the order of the table. Others follow by name."""

Document = dict[str, Any]
"""A score file: predictor, reference, prediction, domain, counts, metrics, strata, calibration."""

PROKARYOTE_COLUMNS: Sequence[tuple[str, str, str]] = (
    ("Exact\nP", "exact", "precision"),
    ("Exact\nR", "exact", "recall"),
    ("Exact\nF1", "exact", "f1"),
    ("Stop\nF1", "three_prime", "f1"),
    ("Start\nright", "exact_given_three_prime", "recall"),
    ("Verified\nstarts", "verified_starts", "recall"),
)
EUKARYOTE_COLUMNS: Sequence[tuple[str, str, str]] = (
    ("Gene\nP", "gene", "precision"),
    ("Gene\nR", "gene", "recall"),
    ("Gene\nF1", "gene", "f1"),
    ("Exon\nF1", "cds_exon", "f1"),
    ("Spliced\nF1", "spliced", "f1"),
    ("Base\nF1", "base", "f1"),
    ("Verified\nstarts", "verified_starts", "recall"),
)
PROKARYOTE_LEGEND = (
    "Exact: strand, start and stop codon right. Stop: strand and stop codon right. Start right: share of the "
    "genes found by their stop codon whose start is right, too."
)
EUKARYOTE_LEGEND = "Gene: all coding exons of one isoform right. Spliced: the same for genes with introns."
COMMON_LEGEND = "P precision, R recall, F1 their harmonic mean, in %."
WIDTH_OF_FILES = 120
"""Columns of a table that does not go to a terminal."""


def document(
    metrics: pd.DataFrame,
    genes: pd.DataFrame,
    selection: Selection,
    domain: str,
    predictor: str,
    reference: str,
    prediction: str,
) -> Document:
    """The content of a score file.

    Args:
        metrics: of `genescribe.benchmark.scorer.score`.
        genes: the table of genes, from the same.
        selection: what was compared.
        domain: "prokaryote" or "eukaryote".
        predictor: its name.
        reference: where the reference came from.
        prediction: where the prediction came from.
    """
    sides = {
        "reference": selection.reference,
        "predicted": selection.predicted,
        "neutral": selection.neutral,
        "left_out": selection.left_out,
    }
    counts = {side: sum(gene.kind == PROTEIN_CODING for gene in genes) for side, genes in sides.items()}
    return {
        "predictor": predictor,
        "reference": reference,
        "prediction": prediction,
        "domain": domain,
        "counts": counts,
        "metrics": _records(metrics),
        "strata": _records(strata(genes, domain)),
        "calibration": of_gene_table(genes),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of a table, with None for what is not a number and ratios of six decimals."""
    rows = []
    for row in frame.to_dict(orient="records"):
        rows.append({str(key): _plain(value) for key, value in row.items()})
    return rows


def _plain(value: object) -> object:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def to_json(content: object) -> str:
    """JSON text with a final line end."""
    return json.dumps(content, indent=2) + "\n"


def write_text(path: str | Path, text: str) -> None:
    """Write a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_tsv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table with tabs between columns; ratios with six decimals, nothing for what is not a number."""
    write_text(path, frame.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n"))


def read_document(path: str | Path, keys: Sequence[str]) -> Document:
    """Read a JSON object that must have `keys`.

    Raises:
        InputError: the file is missing, no JSON, or lacks a key.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("no such file; `genescribe score --out` writes one", path) from error
    except ValueError as error:
        message = "this is no JSON file of `genescribe score` or `genescribe gffcompare`"
        raise InputError(message, path) from error
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise InputError(f"key {missing[0]} is missing; write the file again", path)
    return content


def read_comparison(path: str | Path) -> Comparison:
    """Read a file of `genescribe gffcompare`.

    Raises:
        InputError: it is no such file.
    """
    return cast(Comparison, read_document(path, list(Comparison.__annotations__)))


def label(predictor: str) -> str:
    """A predictor's name as people read it."""
    return LABELS.get(predictor, predictor)


def in_order(documents: Sequence[Document]) -> list[Document]:
    """Score documents in the order of the table.

    Raises:
        InputError: two of one predictor.
    """
    known = list(LABELS)
    names = [one["predictor"] for one in documents]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two score files of predictor {name}; give each its own --name")
    return sorted(
        documents,
        key=lambda one: (
            (known.index(one["predictor"]), "")
            if one["predictor"] in known
            else (len(known), one["predictor"])
        ),
    )


def merge(documents: Sequence[Document], comparisons: Sequence[Comparison] = ()) -> pd.DataFrame:
    """All metrics of all predictors in one long table: predictor, then `METRIC_COLUMNS`.

    The levels of gffcompare follow as metrics named after program and level, with `recall` for its
    sensitivity.
    """
    rows: list[dict[str, object]] = []
    by_name = {one["predictor"]: one for one in comparisons}
    for one in in_order(documents):
        rows += [{"predictor": one["predictor"], **metric} for metric in one["metrics"]]
        rows += _levels(by_name.get(one["predictor"]))
    frame = pd.DataFrame(rows, columns=["predictor", *METRIC_COLUMNS])
    whole = ["reference", "predicted", "matched"]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def _levels(comparison: Comparison | None) -> list[dict[str, object]]:
    if comparison is None or comparison["program"] is None:
        return []
    rows: list[dict[str, object]] = []
    for level, values in comparison["levels"].items():
        shares = values["sensitivity"], values["precision"]
        recall, precision = (math.nan if share is None else share / 100 for share in shares)
        rows.append(
            {
                "predictor": comparison["predictor"],
                "metric": f"{comparison['program']}_{level}",
                "class": ALL,
                "precision": precision,
                "recall": recall,
                "f1": 2 * recall * precision / (recall + precision) if recall + precision else 0.0,
            }
        )
    return rows


def table(documents: Sequence[Document], comparisons: Sequence[Comparison] = ()) -> Table:
    """The table that is printed: a row per predictor, shares in percent. All must be of one domain."""
    ordered = in_order(documents)
    cells = {one["predictor"]: _cells(one["metrics"]) for one in ordered}
    every = list(cells.values())
    columns = EUKARYOTE_COLUMNS if ordered[0]["domain"] == EUKARYOTE else PROKARYOTE_COLUMNS
    # A column without any figure says nothing.
    columns = [one for one in columns if any(values.get(one[1:]) is not None for values in every)]
    kinds = [kind for kind in RNA_KINDS if any(values.get((kind, "reference")) for values in every)]
    runs = {one["predictor"]: one for one in comparisons if one["program"] is not None}
    program = next((str(one["program"]) for one in runs.values()), None)
    result = Table(caption=_caption(ordered, comparisons), box=SIMPLE_HEAD, caption_justify="left")
    result.add_column("Predictor", no_wrap=True)
    titles = ["Genes", *(one[0] for one in columns), *(f"{kind}\nF1" for kind in kinds)]
    for title in titles:
        result.add_column(title, justify="right", no_wrap=True)
    if program:
        result.add_column(f"{program}\nSn / Pr", justify="right", no_wrap=True)
    for one in ordered:
        values = cells[one["predictor"]]
        row = [label(one["predictor"]), f"{one['counts']['predicted']:,}"]
        row += [_percent(values.get((metric, column))) for _, metric, column in columns]
        for kind in kinds:
            row.append(_percent(values.get((kind, "f1")) if values.get((kind, "predicted")) else None))
        if program:
            row.append(_transcripts(runs.get(one["predictor"])))
        result.add_row(*row, style="dim" if row[0].startswith("control") else "")
    return result


def print_table(documents: Sequence[Document], comparisons: Sequence[Comparison] = ()) -> None:
    """Print `table` on standard output."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
    console.print(table(documents, comparisons))


def _cells(metrics: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    """(metric, column) -> value, of all length classes together."""
    return {
        (row["metric"], column): row[column]
        for row in metrics
        if row["class"] == ALL
        for column in METRIC_COLUMNS[2:]
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _transcripts(comparison: Comparison | None) -> str:
    level = comparison["levels"].get("transcript") if comparison else None
    if level is None:
        return "–"
    parts = ("–" if share is None else f"{share:.1f}" for share in (level["sensitivity"], level["precision"]))
    return " / ".join(parts)


def _caption(documents: Sequence[Document], comparisons: Sequence[Comparison]) -> str:
    legend = EUKARYOTE_LEGEND if documents[0]["domain"] == EUKARYOTE else PROKARYOTE_LEGEND
    text = f"{documents[0]['counts']['reference']:,} reference genes. {legend} {COMMON_LEGEND}"
    if any(one["program"] for one in comparisons):
        text += " Sn / Pr: sensitivity and precision of transcripts."
    neutral = [
        f"{label(one['predictor'])} {one['counts']['neutral']}"
        for one in documents
        if one["counts"]["neutral"]
    ]
    if neutral:
        text += f" Predictions upon left-out CDS do not count: {', '.join(neutral)}."
    for one in comparisons:
        if one["program"] is None:
            text += f" No gffcompare for {label(one['predictor'])}: {one['reason']}."
    return text
