"""The species table: one line a genome, and what is to be done with it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genescribe.errors import InputError
from genescribe.files import open_text
from genescribe.workflow.schema import first_mistake, load_schema

PROKARYOTES = ("bacteria", "archaea", "virus")
"""Domains whose protein-coding genes are written without introns."""

SPLITS = ("train", "val", "test")
WHOLE = {"train": "train=whole", "val": "val=whole", "test": "test=whole", "annotate": "test=whole"}
"""Split words of the table and what they say in the notation of `genescribe split`."""


@dataclass(frozen=True)
class Species:
    """One line of the table.

    Attributes:
        name: folder name of all that is made for it.
        fasta, gff: local files, as paths relative to the working directory; gff is None to annotate only.
        accession: RefSeq or GenBank assembly with version, where it has one.
        domain: bacteria, archaea, virus, fungi, protist, plant or animal.
        genetic_code: NCBI number, such as `11`; `1;NC_001224.1=3` gives one sequence its own.
        split: in the notation of `genescribe split`: `train=whole` or `train=ID:1-1000;test=ID:1001-2000`.
        augustus_species: AUGUSTUS's parameter set, or None where there is none to compare with.
        doubtful_starts: whether the annotation's start codons are to be trusted less.
        evidence: where the accession was confirmed.
    """

    name: str
    fasta: str
    gff: str | None
    accession: str | None
    domain: str
    genetic_code: str
    split: str
    augustus_species: str | None
    doubtful_starts: bool
    evidence: str | None

    @property
    def kind(self) -> str:
        """`prokaryote` or `eukaryote`: whether protein-coding genes may have introns."""
        return "prokaryote" if self.domain in PROKARYOTES else "eukaryote"

    @property
    def genetic_codes(self) -> set[int]:
        """NCBI numbers of all codes that its sequences use."""
        return {int(part.rpartition("=")[2]) for part in self.genetic_code.split(";")}

    def has(self, split: str) -> bool:
        """Whether some of it is in `train`, `val` or `test`; a genome to annotate only is in `test`."""
        return any(part.partition("=")[0].strip() == split for part in self.split.split(";"))


def read_species(path: str | Path, schema: str | Path) -> dict[str, Species]:
    """Read and check the species table, tab-separated with a header line; # begins a comment.

    Raises:
        InputError: one line that names the file, its line, the column and what is allowed.
    """
    if not Path(path).is_file():
        raise InputError("no such file; the key species of the configuration names the species table", path)
    rules = load_schema(schema)
    columns = list(rules["properties"])
    species: dict[str, Species] = {}
    header: list[str] = []
    with open_text(path) as table:
        for number, row in enumerate(csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not header:
                header = _check_header(cells, columns, rules["required"], path, number)
                continue
            if len(cells) != len(header):
                raise InputError(f"{len(cells)} columns where the header has {len(header)}", path, number)
            one = _read_row(dict(zip(header, cells, strict=True)), rules, path, number)
            if one.name in species:
                raise InputError(f"column name: {one.name} stands in the table twice", path, number)
            species[one.name] = one
    if not species:
        raise InputError(f"lists no species; the columns are {', '.join(columns)}", path)
    return species


def _check_header(
    cells: list[str], columns: list[str], required: list[str], path: str | Path, number: int
) -> list[str]:
    for cell in cells:
        if cell not in columns:
            raise InputError(f"unknown column {cell!r}; known are {', '.join(columns)}", path, number)
    for column in required:
        if column not in cells:
            raise InputError(f"column {column} is missing; tabs part the columns", path, number)
    if len(set(cells)) < len(cells):
        raise InputError("a column stands in the header twice", path, number)
    return cells


def _read_row(cells: dict[str, str], rules: dict[str, Any], path: str | Path, number: int) -> Species:
    mistake = first_mistake(cells, rules)
    if mistake is not None:
        raise InputError(f"column {mistake[0]}: {mistake[1]}", path, number)
    if not cells.get("fasta"):
        raise InputError(
            "column fasta: is empty; downloading is not built yet, so name a local file", path, number
        )
    for column in ("fasta", "gff"):
        if cells.get(column) and not Path(cells[column]).is_file():
            raise InputError(f"column {column}: no such file: {cells[column]}", path, number)
    if not cells.get("gff") and cells["split"] != "annotate":
        raise InputError("column gff: is empty; without annotation the split is annotate", path, number)
    return Species(
        name=cells["name"],
        fasta=cells["fasta"],
        gff=cells.get("gff") or None,
        accession=cells.get("accession") or None,
        domain=cells["domain"],
        genetic_code=cells["genetic_code"],
        split=WHOLE.get(cells["split"], cells["split"]),
        augustus_species=cells.get("augustus_species") or None,
        doubtful_starts=cells.get("doubtful_starts") == "yes",
        evidence=cells.get("evidence") or None,
    )
