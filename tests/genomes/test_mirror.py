"""Fetching an assembly from a local folder of genomes, in the layouts that such folders have."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.genomes.fetch import fetch
from genescribe.genomes.mirror import find_assembly

ACCESSION = "GCF_000196035.1"
FASTA, GFF = b">a\nACGT\n", b"##gff-version 3\n"


def add(folder: Path, **files: bytes) -> Path:
    """Make a folder with files; two underscores stand for a dot, and what ends in gz is compressed."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        name = name.replace("__", ".")
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def assert_fetched(mirror: Path, accession: str = ACCESSION) -> None:
    out = mirror.parent / "out"
    fetch(accession, out, mirror)
    assert (out / "genome.fna").read_bytes() == FASTA
    assert (out / "annotation.gff3").read_bytes() == GFF
    assert (out / "SHA256SUMS").is_file()


@pytest.mark.parametrize("accession", [ACCESSION, "NC_003210.1"])
def test_folder_that_the_index_names(accession: str, mirror: Path) -> None:
    add(
        mirror / "Listeria",
        genome__fna__gz=FASTA,
        annotation__gff3__gz=GFF,
        verified_starts__gff3__gz=b"##gff-version 3\n# other\n",
    )
    (mirror / "index.tsv").write_text(
        "name\torganism\taccession\nBacillus\tBacillus\tGCF_000196035.10\n"
        "Listeria\tListeria\tGCF_000196035.1 (NC_003210.1)\n"
    )
    assert_fetched(mirror, accession)


def test_folder_whose_name_holds_the_accession(mirror: Path) -> None:
    add(mirror / f"Listeria_EGDe_{ACCESSION}_chr", genome__fna__gz=FASTA, annotation__gff3__gz=GFF)
    add(mirror / f"Other_{ACCESSION}0", genome__fna__gz=b"", annotation__gff3__gz=b"")
    assert_fetched(mirror)


@pytest.mark.parametrize("below", [".", "ncbi_dataset/data"])
def test_unpacked_package(below: str, mirror: Path) -> None:
    folder = add(mirror / below / ACCESSION, genomic__gff=GFF, cds_from_genomic__fna=b"", protein__faa=b"")
    (folder / f"{ACCESSION}_ASM19603v1_genomic.fna").write_bytes(FASTA)
    assert_fetched(mirror)


def test_folder_of_the_ftp_server(mirror: Path) -> None:
    name = f"{ACCESSION}_ASM19603v1"
    folder = add(mirror / name)
    (folder / f"{name}_genomic.fna.gz").write_bytes(gzip.compress(FASTA))
    (folder / f"{name}_cds_from_genomic.fna.gz").write_bytes(gzip.compress(b""))
    (folder / f"{name}_genomic.gff.gz").write_bytes(gzip.compress(GFF))
    assert_fetched(mirror)


def test_md5sum_of_an_unpacked_package_is_verified(mirror: Path) -> None:
    folder = add(mirror / "ncbi_dataset" / "data" / ACCESSION, a_genomic__fna=FASTA, genomic__gff=GFF)
    sums = "".join(
        f"{hashlib.md5(content).hexdigest()}  ncbi_dataset/data/{ACCESSION}/{name}\n"
        for name, content in (("a_genomic.fna", FASTA), ("genomic.gff", GFF))
    )
    (mirror / "md5sum.txt").write_text(sums)
    assert_fetched(mirror)
    (folder / "genomic.gff").write_bytes(b"##gff-version 3\n# changed\n")
    with pytest.raises(InputError, match=r"genomic.gff: differs from what .*md5sum.txt says"):
        fetch(ACCESSION, mirror.parent / "out", mirror)


def test_changed_file_is_an_error(mirror: Path) -> None:
    folder = add(mirror / ACCESSION, genome__fna=FASTA, annotation__gff3=GFF)
    assert_fetched(mirror)
    (folder / "genome.fna").write_bytes(b">a\nACGA\n")
    with pytest.raises(InputError, match=r"genome.fna of GCF_000196035.1 changed at its source"):
        fetch(ACCESSION, mirror.parent / "out", mirror)


def test_compression_is_not_what_is_recorded(mirror: Path) -> None:
    folder = add(mirror / ACCESSION, genome__fna=FASTA, annotation__gff3=GFF)
    assert_fetched(mirror)
    (folder / "genome.fna").rename(folder / "genome.fna.gz")
    (folder / "genome.fna.gz").write_bytes(gzip.compress(FASTA))
    assert_fetched(mirror)


def test_without_annotation(mirror: Path) -> None:
    add(mirror / ACCESSION, genome__fna=FASTA)
    with pytest.raises(InputError, match=f"{ACCESSION} has no annotation at .*mirror/{ACCESSION}"):
        fetch(ACCESSION, mirror.parent / "out", mirror)
    assert list(fetch(ACCESSION, mirror.parent / "out", mirror, annotation=False)) == ["genome.fna"]


def test_truncated_file(mirror: Path) -> None:
    folder = add(mirror / ACCESSION, annotation__gff3=GFF)
    (folder / "genome.fna.gz").write_bytes(gzip.compress(FASTA)[:-9])
    with pytest.raises(InputError, match=r"genome.fna.gz: the compressed file is cut short or damaged"):
        fetch(ACCESSION, mirror.parent / "out", mirror)
    assert not (mirror.parent / "out").exists()


def test_missing_and_doubled(mirror: Path) -> None:
    with pytest.raises(InputError, match=f"has no assembly {ACCESSION}: neither in index.tsv"):
        find_assembly(mirror, ACCESSION)
    add(mirror / f"one_{ACCESSION}")
    add(mirror / f"two_{ACCESSION}")
    with pytest.raises(InputError, match=f"more than once: one_{ACCESSION}, two_{ACCESSION}"):
        find_assembly(mirror, ACCESSION)
    (mirror / "index.tsv").write_text(f"name\taccession\nthree\t{ACCESSION}\n")
    with pytest.raises(InputError, match=r"index.tsv names the folder three, which is not there"):
        find_assembly(mirror, ACCESSION)
    with pytest.raises(InputError, match="there is no such folder"):
        find_assembly(mirror / "nowhere", ACCESSION)


@pytest.mark.genomes
@pytest.mark.parametrize(
    ("accession", "name"),
    [
        ("GCF_000023685.1", "Mycoplasma_mycoides_GCF_000023685.1"),
        ("GCF_000196035.1", "Listeria_monocytogenes_EGDe_GCF_000196035.1"),
        ("NC_000916.1", "Methanothermobacter_thermautotrophicus"),
    ],
)
def test_collection_is_a_mirror(accession: str, name: str, collection: Path, tmp_path: Path) -> None:
    fetch(accession, tmp_path / "out", collection)
    for ours, theirs in (("genome.fna", "genome.fna.gz"), ("annotation.gff3", "annotation.gff3.gz")):
        with gzip.open(collection / name / theirs) as expected:
            assert (tmp_path / "out" / ours).read_bytes() == expected.read()
