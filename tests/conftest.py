"""Real sequence for all tests, the bundled genomes, normalised once a session; and a stand-in for NCBI."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import threading
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from genescribe.corpus.shards import read_spec, write_corpus
from genescribe.corpus.store import Corpus
from genescribe.genomes.normalize import normalize_genome

RESOURCES = Path(__file__).resolve().parent.parent / "resources" / "genomes"


@pytest.fixture(scope="session")
def ecoli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the bundled *E. coli* K-12, normalised."""
    source = RESOURCES / "escherichia_coli_k12"
    out = tmp_path_factory.mktemp("genomes") / "ecoli"
    normalize_genome(source / "genome.fna.gz", source / "annotation.gff3.gz", out, "ecoli", "11", False)
    return out


@pytest.fixture(scope="session")
def ecoli_corpus(ecoli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpus of 60 kb of the bundled *E. coli*, bases 100,001 to 160,000."""
    folder = tmp_path_factory.mktemp("corpus")
    regions, spec = folder / "regions.bed", folder / "spec.json"
    regions.write_text("NC_000913.2\t100000\t160000\n")
    genome = {"name": "ecoli", "folder": str(ecoli), "regions": str(regions), "domain": "prokaryote"}
    spec.write_text(json.dumps({"genomes": [genome]}))
    write_corpus(read_spec(spec), folder / "train")
    assert Corpus.open(folder / "train").bases == 60_000
    return folder / "train"


@pytest.fixture(scope="session")
def dnabert2_reference() -> Path:
    """Folder of reference data for DNABERT-2: what the original code gives for a small model."""
    folder = os.environ.get("GENESCRIBE_REFERENCE")
    if not folder:
        pytest.skip("GENESCRIBE_REFERENCE names no folder with reference data")
    return Path(folder) / "dnabert2"


@dataclass
class Ncbi:
    """A server on the loopback interface that behaves like NCBI Datasets v2.

    Attributes:
        files: of each assembly the files of its folder, by name.
        script: what the next downloads get instead of a package, one after another: a status with headers,
            the share of the package after which the connection is cut, or other bytes.
        ranges: whether it sends lengths and ETags and understands Range; NCBI streams packages without.
        requests: path and headers of what was asked for.
        api: the base address.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    script: list[tuple[int, dict[str, str]] | float | bytes] = field(default_factory=list)
    ranges: bool = False
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    api: str = ""

    @property
    def downloads(self) -> list[dict[str, str]]:
        """Headers of the requests for packages."""
        return [headers for path, headers in self.requests if "/download" in path]

    def package(self, accession: str, kinds: Collection[str] = ("GENOME_FASTA", "GENOME_GFF")) -> bytes:
        """The zip of an assembly; of one that is not known a broken one, as NCBI sends it."""
        if accession not in self.files:
            return b"PK\x03\x04" + bytes(800)
        endings = {"GENOME_FASTA": ".fna", "GENOME_GFF": ".gff"}
        folder = f"ncbi_dataset/data/{accession}"
        files = {
            "ncbi_dataset/data/assembly_data_report.jsonl": b"{}\n",
            **{
                f"{folder}/{name}": content
                for name, content in self.files[accession].items()
                if any(name.endswith(endings[kind]) for kind in kinds)
            },
        }
        sums = "".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content in files.items())
        return make_zip({"README.md": b"NCBI Datasets\n", **files, "md5sum.txt": sums.encode()})


def make_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, the same every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ncbi: Ncbi

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.ncbi.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        *_, accession, verb = url.path.split("/")
        if verb == "dataset_report":
            known = accession in self.ncbi.files
            report = (
                {"reports": [{"accession": accession}], "total_count": 1} if known else {"total_count": 0}
            )
            self._send(json.dumps(report).encode(), "application/json")
            return
        step = self.ncbi.script.pop(0) if self.ncbi.script else None
        if isinstance(step, tuple):
            status, headers = step
            self.send_response(status)
            for key, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(key, value)
            self.end_headers()
            return
        kinds = parse_qs(url.query).get("include_annotation_type", [])
        body = step if isinstance(step, bytes) else self.ncbi.package(accession, kinds)
        self._send(body, "application/zip", step if isinstance(step, float) else 1.0)

    def _send(self, body: bytes, kind: str, share: float = 1.0) -> None:
        """Send a body, or a share of it and then nothing more."""
        tag, begin = f'"{hashlib.sha256(body).hexdigest()}"', 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if self.ncbi.ranges and wanted and self.headers.get("If-Range") == tag:
            begin = int(wanted[1])
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", kind)
        sent = body[begin : int(len(body) * share)]
        if self.ncbi.ranges:
            self.send_header("ETag", tag)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(body) - begin))
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            self.wfile.write(sent)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if sent:
                self.wfile.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
            if share == 1.0:
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = share < 1.0

    def log_message(self, format: str, *arguments: object) -> None:
        """Tests need no log."""


@pytest.fixture
def ncbi() -> Iterator[Ncbi]:
    """NCBI Datasets on the loopback interface."""
    state = Ncbi()
    handler = type("Handler", (_Handler,), {"ncbi": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.api = f"http://127.0.0.1:{server.server_address[1]}/datasets/v2"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
