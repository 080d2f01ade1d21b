"""The table of genomes for the full pre-training run, and the page about it."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import yaml

COLUMNS = [
    "name",
    "accession",
    "domain",
    "genus",
    "genetic_code",
    "chromosomes",
    "size_mb",
    "split",
    "augustus_species",
    "doubtful_starts",
    "evidence",
]
PROKARYOTES = {"bacteria", "archaea"}
EUKARYOTES = {"fungi", "plant", "animal", "protist"}
TEST_GENERA = {"Escherichia", "Bacillus", "Methanococcus", "Mycoplasmoides"}
ENTEROBACTERALES = """
Arsenophonus Atlantibacter Baumannia Blochmannia Brenneria Buchnera Budvicia Buttiauxella Cedecea Chania
Citrobacter Cosenzaea Cronobacter Dickeya Edwardsiella Enterobacter Erwinia Escherichia Ewingella
Franconibacter Gibbsiella Hafnia Hamiltonella Izhakiella Klebsiella Kluyvera Kosakonia Leclercia
Lelliottia Leminorella Lonsdalea Mangrovibacter Metakosakonia Moellerella Morganella Nissabacter
Obesumbacterium Pantoea Pectobacterium Phaseolibacter Photorhabdus Phytobacter Plesiomonas Pluralibacter
Pragia Proteus Providencia Pseudescherichia Rahnella Raoultella Regiella Rosenbergiella Rouxiella
Salmonella Samsonia Serratia Shigella Shimwellia Siccibacter Sodalis Superficieibacter Tatumella
Thorsellia Trabulsiella Wigglesworthia Xenorhabdus Yersinia Yokenella
"""
"""Genera of the order of Escherichia: a model that has seen them has all but seen the test genome."""


@pytest.fixture(scope="module")
def table(root: Path) -> pd.DataFrame:
    """All cells as text, empty cells as the empty text."""
    return pd.read_csv(root / "config" / "training_species.tsv", sep="\t", dtype=str, keep_default_na=False)


def test_has_the_columns_and_both_kinds_of_organisms(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert len(table) >= 20
    for split in ("train", "val", "test"):
        domains = set(table.loc[table.split == split, "domain"])
        assert domains & PROKARYOTES and domains & EUKARYOTES, split


def test_cells_are_what_the_schema_of_the_species_table_allows(table: pd.DataFrame, schemas: Path) -> None:
    schema = yaml.safe_load((schemas / "species.schema.yaml").read_text())
    rules = {name: rule for name, rule in schema["properties"].items() if name in COLUMNS}
    for row in table.to_dict("records"):
        for column, rule in rules.items():
            jsonschema.validate(row[column], rule)


def test_accessions_are_refseq_assemblies_with_a_version_and_stand_once(table: pd.DataFrame) -> None:
    assert table.accession.str.fullmatch(r"GCF_[0-9]{9}\.[0-9]+").all()
    assert table.accession.is_unique
    assert table["name"].is_unique


def test_every_accession_has_its_evidence(table: pd.DataFrame) -> None:
    # A repository and a file in it.
    named = table.evidence.str.match(r"github [\w.-]+/[\w.-]+: [\w./-]+\.\w+")
    assert named.all(), list(table.loc[~named, "name"])


def test_numbers_are_positive_or_left_empty(table: pd.DataFrame) -> None:
    assert table.chromosomes.str.fullmatch(r"([1-9][0-9]*)?").all()
    assert table.size_mb.str.fullmatch(r"([0-9]+(\.[0-9]+)?)?").all()
    sizes = pd.to_numeric(table.size_mb)
    prokaryotic = table.domain.isin(PROKARYOTES)
    assert sizes[prokaryotic].dropna().between(0.1, 16).all()
    assert sizes[~prokaryotic].dropna().between(2, 5000).all()


def test_codes_fit_the_domain(table: pd.DataFrame) -> None:
    for _, row in table.iterrows():
        nuclear = row.genetic_code.partition(";")[0]
        expected = "1" if row.domain in EUKARYOTES else "4" if row.genus.startswith("Mycoplasm") else "11"
        assert nuclear == expected, row["name"]


def test_a_genus_is_in_one_split(table: pd.DataFrame) -> None:
    assert set(table.split) == {"train", "val", "test"}
    assert (table.groupby("genus").split.nunique() == 1).all()
    # The genus is that of the name, so that a slip of the pen cannot hide a second split.
    assert (table["name"].str.partition("_")[0] == table.genus).all()


def test_test_genera_are_kept_apart(table: pd.DataFrame) -> None:
    assert set(table.loc[table.split == "test", "genus"]) >= TEST_GENERA
    seen = set(table.loc[table.split != "test", "genus"])
    assert not seen & (TEST_GENERA | set(ENTEROBACTERALES.split()))


def test_page_has_the_sums_of_the_table(table: pd.DataFrame, root: Path) -> None:
    page = (root / "docs" / "training_species.md").read_text()
    sums = table.assign(size_mb=pd.to_numeric(table.size_mb)).groupby(["split", "domain"]).size_mb
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1].rstrip() == sums.agg(genomes="size", sizes_known="count", mb="sum").round(1).to_string()
