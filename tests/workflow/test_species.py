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
from genescribe.workflow.species import CODES, ORGANELLE_CODES, PROKARYOTES, Species, read_species

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
    "verified_starts",
    "genus",
    "chromosomes",
    "size_mb",
    "evidence",
)


@pytest.fixture
def schema(schemas: Path) -> Path:
    return schemas / "species.schema.yaml"


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A good line; its files are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("coli.fna", "coli.gff3", "verified.gff3"):
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
        "verified.gff3",
        "Escherichia",
        "1",
        "4.64",
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
            downloaded=False,
            domain="bacteria",
            genetic_code="11",
            split="train=whole",
            augustus_species="E_coli_K12",
            doubtful_starts=True,
            verified_starts="verified.gff3",
            genus="Escherichia",
            evidence="NCBI",
        )
    }


def test_doubtful_starts_reach_the_corpus(row: dict[str, str], schema: Path) -> None:
    other = {**row, "name": "sure", "accession": "", "doubtful_starts": ""}
    training = read_species(write(row, other), schema)
    plan = Plan({"training": {"pretrain": {}}}, {}, training)
    genomes = json.loads(plan.corpus_spec("pretrain", "train"))["genomes"]
    assert {genome["name"]: genome["doubtful_starts"] for genome in genomes} == {"coli": True, "sure": False}


def test_columns_that_are_not_needed_may_be_left_out(row: dict[str, str], schema: Path) -> None:
    kept = {column: row[column] for column in ("name", "fasta", "domain", "genetic_code")}
    species = read_species(write({**kept, "split": "annotate"}), schema)["coli"]
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
        (
            "genetic_code",
            "27",
            "column genetic_code: '27' is not a translation table, 1, 2, 3, 4, 5, 11 or 25",
        ),
        ("split", "training", "column split: 'training' is not train, val, test or annotate"),
        ("name", "E. coli", "column name: 'E. coli' is not a name of letters, digits"),
        (
            "accession",
            "GCF_000005845",
            "column accession: 'GCF_000005845' is not an assembly accession with its version",
        ),
        ("fasta", "", "column fasta: is empty; name the genome of the GFF3, or leave gff empty too"),
        ("genetic_code", "1", "column genetic_code: 1 does not fit domain bacteria, which has 11, 4 or 25"),
        (
            "genetic_code",
            "11;chr2=3",
            "column genetic_code: 3 does not fit a sequence of domain bacteria, which has 11, 4 or 25",
        ),
        ("genus", "E. coli", "column genus: 'E. coli' is not a genus, one word that begins with a capital"),
        ("chromosomes", "0", "column chromosomes: '0' is not a number of chromosomes or replicons"),
        ("size_mb", "4,6", "column size_mb: '4,6' is not a size in millions of bases, such as 4.64"),
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


@pytest.mark.parametrize("separator", ["  ", ",", ";"])
def test_tabs_part_the_columns(separator: str, row: dict[str, str], schema: Path) -> None:
    path = write(row)
    path.write_text(path.read_text().replace("\t", separator))
    with pytest.raises(InputError, match=r"species.tsv:1: the header is one word: tabs part the columns"):
        read_species(path, schema)


def test_a_table_as_spreadsheets_write_it(row: dict[str, str], schema: Path) -> None:
    path = write(row)
    text = path.read_text().replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert list(read_species(path, schema)) == ["coli"]
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(InputError, match=r"species.tsv: this is text in UTF-16; save it as UTF-8"):
        read_species(path, schema)


def test_missing_header(row: dict[str, str], schema: Path) -> None:
    path = write(row)
    path.write_text(path.read_text().partition("\n")[2])
    with pytest.raises(InputError, match=r"species.tsv:1: this is no header; it names columns: name, acc"):
        read_species(path, schema)


def test_unknown_column(row: dict[str, str], schema: Path) -> None:
    row["kingdom"] = "Monera"
    with pytest.raises(
        InputError, match=r"species.tsv:1: unknown column 'kingdom'; known are name, accession"
    ):
        read_species(write(row), schema)
    path = write(row)
    path.write_text(path.read_text().replace("kingdom", "Domains"))
    with pytest.raises(InputError, match=r"unknown column 'Domains'; did you mean domain\?"):
        read_species(path, schema)


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
    with pytest.raises(InputError, match=r"species.tsv:2: 13 columns where the header has 14; an empty"):
        read_species(path, schema)


def test_empty_and_missing_table(tmp_path: Path, schema: Path) -> None:
    empty = tmp_path / "empty.tsv"
    empty.write_text("\n")
    with pytest.raises(InputError, match="lists no species"):
        read_species(empty, schema)
    with pytest.raises(InputError, match="no such file"):
        read_species(tmp_path / "none.tsv", schema)


@pytest.mark.parametrize(
    ("domain", "code", "message"),
    [
        ("bacteria", "4", None),
        ("bacteria", "25", None),
        ("bacteria", "3", "3 does not fit domain bacteria, which has 11, 4 or 25"),
        ("archaea", "4", "4 does not fit domain archaea, which has 11"),
        ("virus", "1", None),
        ("virus", "11", None),
        ("fungi", "1;mt=3", None),
        (
            "fungi",
            "4",
            "4 does not fit domain fungi, which has 1; an organelle has its own, as in 1;NC_001224",
        ),
        ("fungi", "11", "11 does not fit domain fungi, which has 1;"),
        ("fungi", "1;mt=2", "2 does not fit a sequence of domain fungi, which has 1, 3 or 4"),
        ("animal", "11", "11 does not fit domain animal, which has 1;"),
        ("animal", "1;mt=2", None),
        ("animal", "1;mt=5", None),
        ("animal", "1;mt=11", "11 does not fit a sequence of domain animal, which has 1, 2"),
        ("plant", "1;plastid=11", None),
        ("protist", "1;mt=4;apicoplast=11", None),
    ],
)
def test_code_must_fit_the_domain(
    domain: str, code: str, message: str | None, row: dict[str, str], schema: Path
) -> None:
    path = write({**row, "domain": domain, "genetic_code": code})
    if message is None:
        assert read_species(path, schema)["coli"].genetic_code == code
        return
    with pytest.raises(InputError) as error:
        read_species(path, schema)
    assert str(error.value).startswith(f"species.tsv:2: column genetic_code: {message}")


def test_every_domain_has_its_codes_and_they_are_known(schema: Path) -> None:
    assert list(CODES) == load_schema(schema)["properties"]["domain"]["enum"]
    assert {code for codes in (*CODES.values(), *ORGANELLE_CODES.values()) for code in codes} == set(
        SUPPORTED
    )
    assert set(ORGANELLE_CODES) == set(CODES) - set(PROKARYOTES)


def test_accession_alone_is_enough(row: dict[str, str], schema: Path) -> None:
    row |= {"fasta": "", "gff": ""}
    species = read_species(write(row), schema)["coli"]
    assert species.downloaded
    assert species.fasta == "results/downloads/GCF_000005845.2/genome.fna"
    assert species.gff == "results/downloads/GCF_000005845.2/annotation.gff3"
    row["split"] = "annotate"
    species = read_species(write(row), schema)["coli"]
    assert (species.downloaded, species.gff) == (True, None)


def test_neither_file_nor_accession(row: dict[str, str], schema: Path) -> None:
    row |= {"accession": "", "fasta": "", "gff": ""}
    with pytest.raises(
        InputError, match=r"species.tsv:2: column fasta: is empty; name a local file, or an acc"
    ):
        read_species(write(row), schema)


def test_a_genome_stands_in_the_table_once(row: dict[str, str], schema: Path) -> None:
    with pytest.raises(
        InputError, match=r"species.tsv:3: column accession: GCF_000005845.2 is also that of coli; one line"
    ):
        read_species(write(row, {**row, "name": "again"}), schema)


@pytest.mark.parametrize(
    ("split", "gff", "genus", "fits"),
    [
        ("test", "coli.gff3", "Escherichia", False),
        ("val", "coli.gff3", "Escherichia", False),
        ("train", "coli.gff3", "Escherichia", True),
        ("test", "coli.gff3", "Shigella", True),
        ("test", "coli.gff3", "", True),
        # Regions and genomes without a reference test nothing that a near copy would spoil unseen.
        ("train=a;test=b", "coli.gff3", "Escherichia", True),
        ("annotate", "", "Escherichia", True),
    ],
)
def test_a_genus_is_in_one_split(
    split: str, gff: str, genus: str, fits: bool, row: dict[str, str], schema: Path
) -> None:
    other = {**row, "name": "other", "accession": "", "split": split, "gff": gff, "genus": genus}
    path = write(row, other)
    if fits:
        assert list(read_species(path, schema)) == ["coli", "other"]
        return
    with pytest.raises(InputError) as error:
        read_species(path, schema)
    assert str(error.value).startswith(
        f"species.tsv:3: column genus: Escherichia is in {split} here and in train with coli; a genus"
    )


def test_downloads_are_one_an_accession_with_annotation_where_one_line_needs_it(
    row: dict[str, str], schema: Path
) -> None:
    bare = {**row, "fasta": "", "gff": ""}
    training = read_species(write(bare, {**bare, "name": "two", "accession": "GCF_000009045.1"}), schema)
    lines = [
        {**bare, "name": "mine", "split": "annotate"},
        {**bare, "name": "three", "accession": "GCA_000000003.1", "split": "annotate"},
        {**row, "name": "local", "accession": ""},
    ]
    plan = Plan({}, read_species(write(*lines), schema), training)
    assert plan.downloads == {"GCF_000005845.2": True, "GCF_000009045.1": True, "GCA_000000003.1": False}


def test_genetic_codes_are_those_of_the_language(schema: Path) -> None:
    pattern = re.compile(load_schema(schema)["properties"]["genetic_code"]["pattern"])
    assert [number for number in range(40) if pattern.search(str(number))] == list(SUPPORTED)


def test_a_sequence_may_have_a_code_of_its_own(row: dict[str, str], schema: Path) -> None:
    row["genetic_code"] = "1;NC_001224.1=3"
    row["domain"] = "fungi"
    species = read_species(write(row), schema)["coli"]
    assert species.genetic_code == "1;NC_001224.1=3"
    assert species.genetic_codes == {1, 3}
