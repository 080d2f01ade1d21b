"""The verdict on every gene, as `genescribe score` tabulates it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from genescribe.errors import InputError
from genescribe.report.scores import LENGTH_CLASSES, Metric, length_class

_COLUMNS = ("side", "id", "kind", "length", "class", "partner")


class Status(IntEnum):
    """Agreement of one gene with the other side. The numbers are those that the page's script knows."""

    EXACT = 0
    PARTLY = 1
    EXTRA = 2
    MISSED = 3
    NOT_SCORED = 4


_STATUS = {
    "exact": Status.EXACT,
    "wrong_start": Status.PARTLY,
    "wrong_structure": Status.PARTLY,
    "overlap": Status.PARTLY,
    "extra": Status.EXTRA,
    "missed": Status.MISSED,
    "neutral": Status.NOT_SCORED,
}


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on one predictor. Genes that were not compared are absent.

    Attributes:
        predicted: gene ID -> (status, ID of the reference gene that it was matched with, or "").
        reference: gene ID -> status.
        by_structure: whether genes were matched by shared bases (eukaryotes), not by their stop codons.
    """

    predicted: dict[str, tuple[Status, str]]
    reference: dict[str, Status]
    by_structure: bool


def read_gene_table(path: Path) -> Verdicts:
    """Read one table.

    RNA genes of the reference count as missed only for a predictor that looks for them: one that wrote some.

    Raises:
        InputError: a column is missing, or a side or class is unknown.
    """
    rows = _rows(path)
    predicted: dict[str, tuple[Status, str]] = {}
    reference: dict[str, Status] = {}
    finds_rna = any(row["side"] == "predicted" and row["kind"] != "protein_coding" for row in rows)
    for number, row in enumerate(rows, start=2):
        status = _STATUS.get(row["class"])
        if status is None or row["side"] not in ("reference", "predicted"):
            message = f"unknown side or class ({row['side']}, {row['class']}); score again with this version"
            raise InputError(message, path, number)
        if row["side"] == "predicted":
            predicted[row["id"]] = (status, row["partner"] or "")
        elif row["kind"] == "protein_coding" or finds_rna:
            reference[row["id"]] = status
    return Verdicts(predicted, reference, any(row["class"] == "wrong_structure" for row in rows))


def length_metrics(path: Path, metric: str) -> list[Metric]:
    """Exactly right coding genes by length class; a match counts in the class of its reference gene.

    Raises:
        InputError: as `read_gene_table`.
    """
    rows = [row for row in _rows(path) if row["kind"] == "protein_coding" and row["class"] != "neutral"]
    reference = {row["id"]: length_class(int(row["length"])) for row in rows if row["side"] == "reference"}
    predicted = [row for row in rows if row["side"] == "predicted"]
    classes = [reference.get(row["partner"]) or length_class(int(row["length"])) for row in predicted]
    exact = [name for name, row in zip(classes, predicted, strict=True) if row["class"] == "exact"]
    in_reference = list(reference.values())
    return [
        Metric.counted(metric, name, in_reference.count(name), classes.count(name), exact.count(name))
        for name in LENGTH_CLASSES
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t")
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            message = f"has no column {missing[0]}; name a gene table that `genescribe score` wrote"
            raise InputError(message, path, 1)
        return list(reader)
