"""The species table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.language.genetic_code import SUPPORTED
from genescribe.workflow.plan import Plan
from genescribe.workflow.schema import load_schema
from genescribe.workflow.species import Species, read_species

COLUMNS = (
    "name",
    "accession",
    "fasta",
    "gff",
    "domain",
    "genetic_code",
    "split",
    "augustus_species",
    "doubtful_starts",
    "evidence",
)


@pytest.fixture
def schema(schemas: Path) -> Path:
    return schemas / "species.schema.yaml"


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A good line; its files are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("coli.fna", "coli.gff3"):
        (tmp_path / name).write_text("")
    values = (
        "coli",
        "GCF_000005845.2",
        "coli.fna",
        "coli.gff3",
        "bacteria",
        "11",
        "train",
        "E_coli_K12",
        "yes",
        "NCBI",
    )
    return dict(zip(COLUMNS, values, strict=True))


def write(*rows: dict[str, str]) -> Path:
    lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
    Path("species.tsv").write_text("".join(line + "\n" for line in lines))
    return Path("species.tsv")


def test_row_is_read(row: dict[str, str], schema: Path) -> None:
    assert read_species(write(row), schema) == {
        "coli": Species(
            name="coli",
            fasta="coli.fna",
            gff="coli.gff3",
            accession="GCF_000005845.2",
            domain="bacteria",
            genetic_code="11",
            split="train=whole",
            augustus_species="E_coli_K12",
            doubtful_starts=True,
            evidence="NCBI",
        )
    }


def test_doubtful_starts_reach_the_corpus(row: dict[str, str], schema: Path) -> None:
    species = read_species(write(row, {**row, "name": "sure", "doubtful_starts": ""}), schema)
    plan = Plan({"training": {"pretrain": {}}}, species)
    genomes = json.loads(plan.corpus_spec("pretrain", "train"))["genomes"]
    assert {genome["name"]: genome["doubtful_starts"] for genome in genomes} == {"coli": True, "sure": False}


def test_columns_that_are_not_needed_may_be_left_out(row: dict[str, str], schema: Path) -> None:
    for column in ("accession", "gff", "augustus_species", "doubtful_starts", "evidence"):
        del row[column]
    row["split"] = "annotate"
    species = read_species(write(row), schema)["coli"]
    assert (species.accession, species.gff, species.augustus_species) == (None, None, None)
    assert species.split == "test=whole" and not species.doubtful_starts


def test_comments_blank_lines_and_carriage_returns_are_no_matter(row: dict[str, str], schema: Path) -> None:
    path = write(row)
    header, line = path.read_text().splitlines()
    path.write_bytes(f"# our species\r\n{header}\r\n\r\n{line}\r\n".encode())
    assert list(read_species(path, schema)) == ["coli"]


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("train", {"train"}),
        ("annotate", {"test"}),
        ("train=c:1-400000;val=c:400001-500000;test=d", {"train", "val", "test"}),
        ("test=c", {"test"}),
    ],
)
def test_split(split: str, parts: set[str], row: dict[str, str], schema: Path) -> None:
    row["split"] = split
    species = read_species(write(row), schema)["coli"]
    assert {part for part in ("train", "val", "test") if species.has(part)} == parts


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("domain", "bacterium", "column domain: 'bacterium' is not one of bacteria, archaea"),
        ("genetic_code", "27", "column genetic_code: '27' is not a translation table, 1, 2, 3, 4, 11 or 25"),
        ("split", "training", "column split: 'training' is not train, val, test or annotate"),
        ("name", "E. coli", "column name: 'E. coli' is not a name of letters, digits"),
        (
            "accession",
            "GCF_000005845",
            "column accession: 'GCF_000005845' is not an assembly accession with its version",
        ),
        ("fasta", "", "column fasta: is empty; downloading is not built yet, so name a local file"),
        ("fasta", "no.fna", "column fasta: no such file: no.fna"),
        ("gff", "no.gff3", "column gff: no such file: no.gff3"),
        ("gff", "", "column gff: is empty; without annotation the split is annotate"),
    ],
)
def test_mistake_names_file_line_and_column(
    column: str, value: str, message: str, row: dict[str, str], schema: Path
) -> None:
    row[column] = value
    with pytest.raises(InputError) as error:
        read_species(write(row), schema)
    assert str(error.value).startswith(f"species.tsv:2: {message}")
    assert "\n" not in str(error.value)


def test_unknown_column(row: dict[str, str], schema: Path) -> None:
    row["kingdom"] = "Monera"
    with pytest.raises(
        InputError, match=r"species.tsv:1: unknown column 'kingdom'; known are name, accession"
    ):
        read_species(write(row), schema)


def test_missing_column(row: dict[str, str], schema: Path) -> None:
    del row["split"]
    with pytest.raises(InputError, match=r"species.tsv:1: column split is missing"):
        read_species(write(row), schema)


def test_doubled_name(row: dict[str, str], schema: Path) -> None:
    with pytest.raises(InputError, match=r"species.tsv:3: column name: coli stands in the table twice"):
        read_species(write(row, row), schema)


def test_wrong_number_of_cells(row: dict[str, str], schema: Path) -> None:
    path = write(row)
    path.write_text(path.read_text().replace("\tNCBI", ""))
    with pytest.raises(InputError, match=r"species.tsv:2: 9 columns where the header has 10"):
        read_species(path, schema)


def test_empty_and_missing_table(tmp_path: Path, schema: Path) -> None:
    empty = tmp_path / "empty.tsv"
    empty.write_text("\n")
    with pytest.raises(InputError, match="lists no species"):
        read_species(empty, schema)
    with pytest.raises(InputError, match="no such file"):
        read_species(tmp_path / "none.tsv", schema)


def test_genetic_codes_are_those_of_the_language(schema: Path) -> None:
    pattern = re.compile(load_schema(schema)["properties"]["genetic_code"]["pattern"])
    assert [number for number in range(40) if pattern.search(str(number))] == list(SUPPORTED)


def test_a_sequence_may_have_a_code_of_its_own(row: dict[str, str], schema: Path) -> None:
    row["genetic_code"] = "1;NC_001224.1=3"
    species = read_species(write(row), schema)["coli"]
    assert species.genetic_code == "1;NC_001224.1=3"
    assert species.genetic_codes == {1, 3}
