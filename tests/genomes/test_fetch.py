"""Fetching an assembly from a server that behaves like NCBI, and misbehaves like it."""

from __future__ import annotations

import hashlib
import io
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from genescribe.errors import InputError
from genescribe.genomes.fetch import fetch
from genescribe.genomes.ncbi import PAUSE, Datasets

ACCESSION = "GCF_000005845.2"
# Random-looking, so that its zip is long enough to be cut.
FASTA = b">NC_000913.3\n" + hashlib.shake_256(b"genome").hexdigest(20_000).encode() + b"\n"
GFF = b"##gff-version 3\nNC_000913.3\tRefSeq\tgene\t1\t90\t.\t+\t.\tID=gene-a\n"
FOLDER = f"ncbi_dataset/data/{ACCESSION}"


@pytest.fixture
def ncbi(ncbi: Any) -> Any:
    """A server that has one assembly."""
    ncbi.files[ACCESSION] = {f"{ACCESSION}_ASM584v2_genomic.fna": FASTA, "genomic.gff": GFF}
    return ncbi


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were waited for, without waiting."""
    return []


@pytest.fixture
def source(ncbi: Any, waits: list[float]) -> Datasets:
    return Datasets(ncbi.api, "secret", waits.append, attempts=4)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / ACCESSION


def assert_fetched(out: Path) -> None:
    assert (out / "genome.fna").read_bytes() == FASTA
    assert (out / "annotation.gff3").read_bytes() == GFF
    assert_nothing_else(out)


def assert_nothing_else(out: Path) -> None:
    """No half-written file lies about."""
    assert [path.name for path in out.parent.iterdir() if path != out] == []
    assert {path.name for path in out.glob("*")} <= {"genome.fna", "annotation.gff3", "SHA256SUMS"}


def zip_with(name: str, content: bytes = b"x", mode: int = 0o644) -> bytes:
    """A package with one more file, which md5sum.txt lists."""
    files = {f"{FOLDER}/a_genomic.fna": FASTA, f"{FOLDER}/genomic.gff": GFF}
    sums = "".join(
        f"{hashlib.md5(data).hexdigest()}  {key}\n" for key, data in {**files, name: content}.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key, data in files.items():
            archive.writestr(key, data)
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, content)
        archive.writestr("md5sum.txt", sums)
    return buffer.getvalue()


def test_files_come_under_our_names_with_their_digests(
    source: Datasets, ncbi: Any, out: Path, waits: list[float]
) -> None:
    digests = fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert digests == {
        "genome.fna": hashlib.sha256(FASTA).hexdigest(),
        "annotation.gff3": hashlib.sha256(GFF).hexdigest(),
    }
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    assert checked.stdout == "annotation.gff3: OK\ngenome.fna: OK\n"
    (report, _), (download, headers) = ncbi.requests
    assert report == f"/datasets/v2/genome/accession/{ACCESSION}/dataset_report"
    assert download == (
        f"/datasets/v2/genome/accession/{ACCESSION}/download"
        "?include_annotation_type=GENOME_FASTA&include_annotation_type=GENOME_GFF"
    )
    assert headers["api-key"] == "secret"
    assert waits == [PAUSE]


def test_truncated_zip_is_sent_for_again(source: Datasets, ncbi: Any, out: Path) -> None:
    whole = ncbi.package(ACCESSION)
    ncbi.script = [whole[: len(whole) // 2]]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert len(ncbi.downloads) == 2


@pytest.mark.parametrize("keep", [0, 1, 100, -1, -30])
def test_truncated_zip_every_time_is_given_up(keep: int, source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.script = [ncbi.package(ACCESSION)[:keep]] * 4
    with pytest.raises(InputError, match="gave up after 4 attempts: the zip archive is cut short or damaged"):
        fetch(ACCESSION, out, source)
    assert_nothing_else(out)
    assert not out.exists()


def test_damaged_byte_is_found_by_its_crc(source: Datasets, ncbi: Any, out: Path) -> None:
    damaged = bytearray(ncbi.package(ACCESSION))
    damaged[len(damaged) // 2] ^= 1
    ncbi.script = [bytes(damaged)]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert len(ncbi.downloads) == 2


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        (
            f"{'0' * 32}  {FOLDER}/a_genomic.fna\n",
            "a_genomic.fna has MD5 [0-9a-f]{32}, md5sum.txt says 0{32}",
        ),
        ("", "md5sum.txt does not list ncbi_dataset/data/GCF_000005845.2/a_genomic.fna"),
        (
            f"{hashlib.md5(FASTA).hexdigest()}  {FOLDER}/a_genomic.fna\n{'0' * 32}  {FOLDER}/genomic.gff\n",
            "genomic.gff stands in md5sum.txt but not in the package",
        ),
        (None, "the package has no md5sum.txt"),
    ],
)
def test_wrong_md5(sums: str | None, message: str, source: Datasets, ncbi: Any, out: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{FOLDER}/a_genomic.fna", FASTA)
        if sums is not None:
            archive.writestr("md5sum.txt", sums)
    ncbi.script = [buffer.getvalue()] * 4
    with pytest.raises(InputError, match=message):
        fetch(ACCESSION, out, source)
    assert len(ncbi.downloads) == 4
    assert not out.exists()
    assert_nothing_else(out)


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", 1.0)]
)
def test_too_many_requests_waits_as_long_as_asked(
    retry_after: str, seconds: float, source: Datasets, ncbi: Any, out: Path, waits: list[float]
) -> None:
    ncbi.script = [(429, {"Retry-After": retry_after})]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert waits == [PAUSE, seconds]


def test_a_server_that_asks_for_an_hour_is_left_alone(source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.script = [(429, {"Retry-After": "3600"})]
    with pytest.raises(InputError, match="asks to wait for 3600 s; try again later"):
        fetch(ACCESSION, out, source)
    assert len(ncbi.downloads) == 1


def test_unavailable_twice_then_good(
    source: Datasets, ncbi: Any, out: Path, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    ncbi.script = [(503, {}), (503, {})]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert waits == [PAUSE, 1.0, 2.0]
    assert "127.0.0.1 answers 503 Service Unavailable; once more in 1 s" in caplog.text


def test_connection_cut_half_way_is_resumed(source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.ranges, ncbi.script = True, [0.5, 0.75]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    size = len(ncbi.package(ACCESSION))
    ranges = [headers.get("range") for headers in ncbi.downloads]
    assert ranges == [None, f"bytes={size // 2}-", f"bytes={int(size * 0.75)}-"]


def test_connection_cut_half_way_begins_anew_where_the_server_has_no_ranges(
    source: Datasets, ncbi: Any, out: Path
) -> None:
    ncbi.script = [0.5]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert ["range" in headers for headers in ncbi.downloads] == [False, False]


def test_package_that_changed_since_the_cut_is_not_joined(source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.ranges = True
    other = zip_with(f"{FOLDER}/protein.faa")
    ncbi.script = [0.5, other]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert len(ncbi.downloads) == 2 and "range" in ncbi.downloads[1]


def test_range_that_the_server_refuses_begins_anew(source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.ranges, ncbi.script = True, [0.5, (416, {})]
    fetch(ACCESSION, out, source)
    assert_fetched(out)
    assert ["range" in headers for headers in ncbi.downloads] == [False, True, False]


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (zip_with("../evil.txt"), "refused: the archive has a file named '../evil.txt', outside of it"),
        (zip_with(f"{FOLDER}/../../../evil.txt"), "outside of it"),
        (zip_with("/tmp/evil.txt"), "outside of it"),
        (zip_with("..\\evil.txt"), "outside of it"),
        (zip_with(f"{FOLDER}/link", b"/etc/passwd", stat.S_IFLNK | 0o777), "link' is a symbolic link"),
    ],
)
def test_unsafe_archive_is_refused(
    package: bytes, message: str, source: Datasets, ncbi: Any, out: Path
) -> None:
    ncbi.script = [package]
    with pytest.raises(InputError, match=message):
        fetch(ACCESSION, out, source)
    assert len(ncbi.downloads) == 1
    assert not out.exists()
    assert_nothing_else(out)


def test_assembly_without_annotation(source: Datasets, ncbi: Any, out: Path) -> None:
    del ncbi.files[ACCESSION]["genomic.gff"]
    with pytest.raises(
        InputError, match=r"GCF_000005845.2 has no annotation at NCBI; set its split to annotate"
    ):
        fetch(ACCESSION, out, source)
    assert not out.exists()
    assert list(fetch(ACCESSION, out, source, annotation=False)) == ["genome.fna"]
    assert not (out / "annotation.gff3").exists()


def test_annotation_is_not_asked_for_where_it_is_not_wanted(source: Datasets, ncbi: Any, out: Path) -> None:
    fetch(ACCESSION, out, source, annotation=False)
    assert ncbi.requests[-1][0].endswith("/download?include_annotation_type=GENOME_FASTA")
    assert not (out / "annotation.gff3").exists()


def test_unknown_accession_is_not_downloaded(source: Datasets, ncbi: Any, out: Path) -> None:
    with pytest.raises(InputError, match=r"NCBI does not know the assembly GCF_000000000.1"):
        fetch("GCF_000000000.1", out, source)
    assert ncbi.downloads == []
    assert not out.exists()


@pytest.mark.parametrize(
    ("status", "message"), [(400, "does not know the assembly"), (403, "refuses .* 403 .*NCBI_API_KEY")]
)
def test_refusal_is_not_repeated(
    status: int, message: str, source: Datasets, ncbi: Any, out: Path, waits: list[float]
) -> None:
    ncbi.script = [(status, {})]
    with pytest.raises(InputError, match=message):
        fetch(ACCESSION, out, source)
    assert waits == [PAUSE]


def test_file_that_changed_upstream_is_an_error(source: Datasets, ncbi: Any, out: Path) -> None:
    record = out.parent.parent / "digests" / f"{ACCESSION}.sha256"
    fetch(ACCESSION, out, source, record=record)
    recorded = record.read_text()
    ncbi.files[ACCESSION]["genomic.gff"] = GFF + b"# annotated anew\n"
    # Snakemake removes the outputs of a job before it runs again; the record is none.
    for name in ("genome.fna", "annotation.gff3"):
        (out / name).unlink()
    with pytest.raises(InputError) as error:
        fetch(ACCESSION, out, source, record=record)
    assert str(error.value).startswith(
        f"{record}: annotation.gff3 of {ACCESSION} changed at its source: SHA-256 was "
    )
    assert list(out.iterdir()) == [] and record.read_text() == recorded
    record.unlink()
    fetch(ACCESSION, out, source, record=record)
    assert (out / "annotation.gff3").read_bytes().endswith(b"anew\n")
    assert record.read_text() != recorded


def test_what_is_there_is_kept_when_the_source_changed(source: Datasets, ncbi: Any, out: Path) -> None:
    fetch(ACCESSION, out, source)
    ncbi.files[ACCESSION]["genomic.gff"] = b"##gff-version 3\n"
    with pytest.raises(InputError, match="changed at its source"):
        fetch(ACCESSION, out, source)
    assert_fetched(out)


def test_record_grows_with_what_is_fetched(source: Datasets, out: Path) -> None:
    fetch(ACCESSION, out, source, annotation=False)
    fetch(ACCESSION, out, source)
    fetch(ACCESSION, out, source, annotation=False)
    assert [line.split()[-1] for line in (out / "SHA256SUMS").read_text().splitlines()] == [
        ACCESSION,
        "annotation.gff3",
        "genome.fna",
    ]


@pytest.mark.parametrize(
    ("accession", "message"),
    [
        ("GCF_000005845", "GCF_000005845 is no accession with its version, such as GCF_000005845.2"),
        ("../etc", "no accession"),
        ("NC_000913.3", "NC_000913.3 is a sequence; NCBI Datasets has assemblies"),
    ],
)
def test_wrong_accession_is_not_asked_for(
    accession: str, message: str, source: Datasets, ncbi: Any, out: Path
) -> None:
    with pytest.raises(InputError, match=message):
        fetch(accession, out, source)
    assert ncbi.requests == []


def test_two_sequences_are_not_guessed_between(source: Datasets, ncbi: Any, out: Path) -> None:
    ncbi.files[ACCESSION]["other_genomic.fna"] = FASTA
    # What else a package may hold of a genome is none.
    ncbi.files[ACCESSION]["cds_from_genomic.fna"] = ncbi.files[ACCESSION]["rna.fna"] = FASTA
    with pytest.raises(
        InputError, match=r"ASM584v2_genomic.fna and .*other_genomic.fna both look like genome"
    ):
        fetch(ACCESSION, out, source)
    del ncbi.files[ACCESSION]["other_genomic.fna"]
    fetch(ACCESSION, out, source)
    assert_fetched(out)


def test_server_that_is_not_there(ncbi: Any, out: Path, waits: list[float]) -> None:
    # Nothing listens on the discard port.
    source = Datasets("http://127.0.0.1:9/datasets/v2", sleep=waits.append, attempts=3)
    with pytest.raises(InputError, match=r"127.0.0.1:9/datasets/v2: gave up after 3 attempts: .*refused"):
        fetch(ACCESSION, out, source)
    assert waits == [1.0, 2.0]


def test_base_address_must_be_one() -> None:
    with pytest.raises(InputError, match=r"the base address 'api.ncbi.nlm.nih.gov' does not begin"):
        Datasets("api.ncbi.nlm.nih.gov")


def test_key_does_not_follow_a_redirect_to_another_host(source: Datasets, ncbi: Any, out: Path) -> None:
    elsewhere = ncbi.api.replace("127.0.0.1", "localhost")
    ncbi.script = [(302, {"Location": f"{elsewhere}/genome/accession/{ACCESSION}/download"})]
    with pytest.raises(InputError):  # the redirect asks for no file
        fetch(ACCESSION, out, source)
    first, second = ncbi.downloads
    assert first["api-key"] == "secret" and first["host"].startswith("127.0.0.1")
    assert "api-key" not in second and second["host"].startswith("localhost")


def test_command(ncbi: Any, out: Path) -> None:
    command = [sys.executable, "-m", "genescribe", "fetch", ACCESSION, "--out", str(out), "--api", ncbi.api]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{hashlib.sha256(FASTA).hexdigest()}  {out / 'genome.fna'}" in done.stdout
    assert_fetched(out)
    ncbi.files[ACCESSION]["genomic.gff"] = b"##gff-version 3\n"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"genescribe: {out / 'SHA256SUMS'}: annotation.gff3 of")
    assert "Traceback" not in done.stderr
