"""The verdict on every gene, as `genescribe score` tabulates it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from genescribe.errors import InputError
from genescribe.language.gene_model import PROTEIN_CODING

_COLUMNS = ("side", "id", "kind", "class", "partner")


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
        predicted: gene ID -> (status, ID of the gene that it was matched with on the other side, or "").
        reference: the same for the other side: the reference, or a program that it is compared with.
        by_structure: whether genes were matched by shared bases (eukaryotes), not by their stop codons.
    """

    predicted: dict[str, tuple[Status, str]]
    reference: dict[str, tuple[Status, str]]
    by_structure: bool


def read_gene_table(path: Path, is_pair: bool = False) -> Verdicts:
    """Read one table.

    RNA genes of the reference count as missed only for a predictor that looks for them: one that wrote some.

    Args:
        path: a table that `genescribe score --genes` wrote.
        is_pair: it compares two programs; then either may be one that does not look for RNA genes.

    Raises:
        InputError: a column is missing, or a side or class is unknown.
    """
    rows = _rows(path)
    found: dict[str, dict[str, tuple[Status, str]]] = {"predicted": {}, "reference": {}}
    finds_rna = {row["side"] for row in rows if row["kind"] != PROTEIN_CODING}
    if not is_pair:
        finds_rna.add("reference")
    for number, row in enumerate(rows, start=2):
        status, side = _STATUS.get(row["class"]), found.get(row["side"])
        if status is None or side is None:
            message = f"unknown side or class ({row['side']}, {row['class']}); score again with this version"
            raise InputError(message, path, number)
        if row["kind"] == PROTEIN_CODING or finds_rna >= set(found):
            side[row["id"]] = (status, row["partner"] or "")
    return Verdicts(**found, by_structure=any(row["class"] == "wrong_structure" for row in rows))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t")
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            message = f"has no column {missing[0]}; name a gene table that `genescribe score` wrote"
            raise InputError(message, path, 1)
        return list(reader)
