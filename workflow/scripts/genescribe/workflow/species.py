"""The species table: one line a genome, and what is to be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genescribe.errors import InputError
from genescribe.genomes.lines import numbered_lines
from genescribe.workflow.schema import first_mistake, load_schema, meant

PROKARYOTES = ("bacteria", "archaea", "virus")
"""Domains whose protein-coding genes are written without introns."""

SPLITS = ("train", "val", "test")
WHOLE = {"train": "train=whole", "val": "val=whole", "test": "test=whole", "annotate": "test=whole"}
"""Split words of the table and what they say in the notation of `genescribe split`."""

DOWNLOADS = "results/downloads"
"""Where a rule puts what is fetched by accession, a folder for each."""

CODES = {
    "bacteria": (11, 4, 25),
    "archaea": (11,),
    "virus": (1, 4, 11, 25),
    "fungi": (1,),
    "protist": (1,),
    "plant": (1,),
    "animal": (1,),
}
"""Genetic codes of the genomes of a domain, as far as they are supported; viruses have that of their host."""

ORGANELLE_CODES = {"fungi": (1, 3, 4), "protist": (1, 4, 11), "plant": (1, 4, 11), "animal": (1, 2, 4, 5)}
"""Genetic codes of single sequences where they may differ: mitochondria and plastids."""


@dataclass(frozen=True)
class Species:
    """One line of the table.

    Attributes:
        name: folder name of all that is made for it.
        fasta, gff: paths relative to the working directory; gff is None to annotate only. They are local
            files, or below `DOWNLOADS`.
        accession: RefSeq or GenBank assembly with version, where it has one.
        downloaded: whether its files are fetched by the accession.
        domain: bacteria, archaea, virus, fungi, protist, plant or animal.
        genetic_code: NCBI number, such as `11`; `1;NC_001224.1=3` gives one sequence its own.
        split: in the notation of `genescribe split`: `train=whole` or `train=ID:1-1000;test=ID:1001-2000`.
        augustus_species: AUGUSTUS's parameter set, or None where there is none to compare with.
        doubtful_starts: whether the annotation's start codons are to be trusted less.
        verified_starts: GFF3 of genes whose starts were found by experiment, or None.
        genus: by which training, validation and test are kept apart.
        evidence: where the accession was confirmed.
    """

    name: str
    fasta: str
    gff: str | None
    accession: str | None
    downloaded: bool
    domain: str
    genetic_code: str
    split: str
    augustus_species: str | None
    doubtful_starts: bool
    verified_starts: str | None
    genus: str | None
    evidence: str | None

    @property
    def kind(self) -> str:
        """`prokaryote` or `eukaryote`: whether protein-coding genes may have introns."""
        return "prokaryote" if self.domain in PROKARYOTES else "eukaryote"

    @property
    def genetic_codes(self) -> set[int]:
        """NCBI numbers of all codes that its sequences use."""
        return set(_codes(self.genetic_code))

    @property
    def whole_split(self) -> str | None:
        """`train`, `val` or `test` if all of it is there, annotated; None for regions or to annotate."""
        split, _, regions = self.split.partition("=")
        return split if regions == "whole" and self.gff else None

    def is_same_genome(self, other: Species) -> bool:
        """Whether both are read from the same file or have the same accession."""
        return self.fasta == other.fasta or (self.accession is not None and self.accession == other.accession)

    def has(self, split: str) -> bool:
        """Whether some of it is in `train`, `val` or `test`; a genome to annotate only is in `test`."""
        return any(part.partition("=")[0].strip() == split for part in self.split.split(";"))


def read_species(path: str | Path, schema: str | Path, key: str = "species") -> dict[str, Species]:
    """Read and check a species table, tab-separated with a header line; # begins a comment.

    Args:
        path: the table.
        schema: of one line.
        key: of the configuration, that names the table.

    Raises:
        InputError: one line that names the file, its line, the column and what is allowed.
    """
    if not Path(path).is_file():
        raise InputError(f"no such file; the key {key} of the configuration names the species table", path)
    rules = load_schema(schema)
    columns = list(rules["properties"])
    species: dict[str, Species] = {}
    header: list[str] = []
    for number, line in numbered_lines(path):
        # Spreadsheets begin a file with a byte order mark.
        cells = [cell.strip() for cell in line.removeprefix("\ufeff").split("\t")]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not header:
            header = _check_header(cells, columns, rules["required"], path, number)
            continue
        if len(cells) != len(header):
            raise InputError(
                f"{len(cells)} columns where the header has {len(header)}; an empty cell has its tab, too",
                path,
                number,
            )
        one = _read_row(dict(zip(header, cells, strict=True)), rules, path, number)
        if one.name in species:
            raise InputError(f"column name: {one.name} stands in the table twice", path, number)
        mistake = _doubled_accession(one, species.values()) or _torn_genus(one, species.values())
        if mistake:
            raise InputError(mistake, path, number)
        species[one.name] = one
    if not species:
        raise InputError(f"lists no species; the columns are {', '.join(columns)}", path)
    return species


def _check_header(
    cells: list[str], columns: list[str], required: list[str], path: str | Path, number: int
) -> list[str]:
    if len(cells) == 1:
        raise InputError("the header is one word: tabs part the columns, not blanks or commas", path, number)
    if not set(cells) & set(columns):
        raise InputError(f"this is no header; it names columns: {', '.join(columns)}", path, number)
    for cell in cells:
        if cell not in columns:
            hint = meant(cell, columns) or f"known are {', '.join(columns)}"
            raise InputError(f"unknown column {cell!r}; {hint}", path, number)
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
    mistake = _wrong_code(cells["genetic_code"], cells["domain"]) or _wrong_source(cells)
    if mistake is not None:
        raise InputError(f"column {mistake[0]}: {mistake[1]}", path, number)
    downloaded = not cells.get("fasta")
    folder = f"{DOWNLOADS}/{cells.get('accession')}"
    # Nothing says beforehand whether an assembly has an annotation; where it is used, it has to have one.
    fetched_gff = None if cells["split"] == "annotate" else f"{folder}/annotation.gff3"
    return Species(
        name=cells["name"],
        fasta=f"{folder}/genome.fna" if downloaded else cells["fasta"],
        gff=fetched_gff if downloaded else cells.get("gff") or None,
        accession=cells.get("accession") or None,
        downloaded=downloaded,
        domain=cells["domain"],
        genetic_code=cells["genetic_code"],
        split=WHOLE.get(cells["split"], cells["split"]),
        augustus_species=cells.get("augustus_species") or None,
        doubtful_starts=cells.get("doubtful_starts") == "yes",
        verified_starts=cells.get("verified_starts") or None,
        genus=cells.get("genus") or None,
        evidence=cells.get("evidence") or None,
    )


def _codes(text: str) -> list[int]:
    """Numbers of the genetic codes in `1;NC_001224.1=3`, that of the genome first."""
    return [int(part.rpartition("=")[2]) for part in text.split(";")]


def _wrong_code(text: str, domain: str) -> tuple[str, str] | None:
    """Column and mistake if a genetic code does not fit the domain."""
    genome, *others = _codes(text)
    allowed = CODES[domain]
    if genome not in allowed:
        organelle = "; an organelle has its own, as in 1;NC_001224.1=3" if domain in ORGANELLE_CODES else ""
        return "genetic_code", f"{genome} does not fit domain {domain}, which has {_or(allowed)}{organelle}"
    allowed = ORGANELLE_CODES.get(domain, allowed)
    for code in others:
        if code not in allowed:
            return (
                "genetic_code",
                f"{code} does not fit a sequence of domain {domain}, which has {_or(allowed)}",
            )
    return None


def _wrong_source(cells: dict[str, str]) -> tuple[str, str] | None:
    """Column and mistake if a line does not say where the genome and its annotation are."""
    for column in ("fasta", "gff", "verified_starts"):
        if cells.get(column) and not Path(cells[column]).is_file():
            return column, f"no such file: {cells[column]}; paths begin in the folder where snakemake runs"
    if cells.get("gff") and not cells.get("fasta"):
        return "fasta", "is empty; name the genome of the GFF3, or leave gff empty too to download both"
    if not cells.get("fasta") and not cells.get("accession"):
        return "fasta", "is empty; name a local file, or an accession to download"
    if cells.get("fasta") and not cells.get("gff") and cells["split"] != "annotate":
        return "gff", "is empty; without annotation the split is annotate"
    return None


def _doubled_accession(one: Species, others: Iterable[Species]) -> str | None:
    """What is wrong if a genome stands in the table under another name."""
    for other in others:
        if one.accession and one.accession == other.accession:
            return f"column accession: {one.accession} is also that of {other.name}; one line a genome"
    return None


def _torn_genus(one: Species, others: Iterable[Species]) -> str | None:
    """What is wrong if a genus is in two of train, val and test by whole genomes, which are near copies."""
    split = one.whole_split
    for other in others:
        if one.genus and one.genus == other.genus and split and other.whole_split not in (None, split):
            return (
                f"column genus: {one.genus} is in {split} here and in {other.whole_split} with {other.name}; "
                "a genus is in one of train, val and test"
            )
    return None


def _or(numbers: Iterable[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last
