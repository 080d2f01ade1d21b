"""A small run of real data, with everything that a report shows, and a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genescribe.benchmark import scorer, tables
from genescribe.benchmark.selection import select
from genescribe.genomes.fasta import read_fasta, write_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.load import load_genome
from genescribe.genomes.normalize import normalize_genome
from genescribe.genomes.records import Gene, OutputGene
from genescribe.genomes.regions import Region, write_bed
from genescribe.language.gene_model import GeneModel
from safetensors.numpy import save_file

BUNDLED = Path(__file__).parents[2] / "resources/genomes/escherichia_coli_k12"
LENGTH = 30_000
SEQID = "NC_000913.2"
HOSTILE = '<script>alert("1")</script>&amp;'
LENGTHS = {SEQID: LENGTH}

CARD = """\
---
license: mit
---

# Small model

Reads `E. coli`. [Settings](training.json), [a page](https://example.org/), <b>raw</b>, ![x](https://example.org/x.png)

## Validation

| | |
| --- | --- |
| loss | 1.2500 |

| figure | value |
| --- | --- |
| exact F1 | 0.5 |
"""

METRICS: list[dict[str, object]] = [
    {
        **{"event": "train", "step": 1, "tokens": 512, "bases": 6_144, "new_field": "ignored"},
        **{"token_loss": 2.0, "pointer_loss": 7.0, "frame_loss": 1.5, "boundary_loss": 0.1},
        **{"pointer_accuracy": 0.0, "learning_rate": 1e-4},
    },
    {
        **{
            "event": "train",
            "step": 2,
            "tokens": 1_024,
            "bases": 12_288,
            "token_loss": 1.0,
            "pointer_loss": 4.0,
        },
        **{"learning_rate": 2e-4, "bases_per_second": 36_000.0, "seconds": 75.0},
    },
    {
        **{
            "event": "val",
            "step": 2,
            "tokens": 1_024,
            "bases": 12_288,
            "token_loss": 1.1,
            "pointer_loss": 4.2,
        },
        **{"pointer_accuracy": 0.25},
    },
]


def _moved_start(gene: Gene) -> GeneModel:
    """The gene's model with its start 30 nt further in."""
    model = gene.target.model
    (start, end), *_ = model.segments
    return replace(model, segments=((start + 30, end) if gene.strand == "+" else (start, end - 30),))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run on the first 30 kb of E. coli. Its configuration is report.json in it.

    GeneScribe's genes are the reference's, but the second one is missed, the third has another start, and one
    is extra. AUGUSTUS misses the third. A reference gene has a hostile name and a prediction a hostile ID.
    """
    folder = tmp_path_factory.mktemp("run")
    whole = read_fasta(BUNDLED / "genome.fna.gz")[SEQID].sequence
    write_fasta(folder / "in.fna", [(SEQID, whole[:LENGTH])])
    genes = [gene for gene in read_gff3(BUNDLED / "annotation.gff3.gz").genes if gene.end <= LENGTH]
    named = replace(genes[4], attributes={**genes[4].attributes, "gene": HOSTILE, "Name": HOSTILE})
    write_gff3(folder / "in.gff3", [*genes[:4], named, *genes[5:]], LENGTHS)
    genome = folder / "genome"
    normalize_genome(folder / "in.fna", folder / "in.gff3", genome, "E. coli", "11", False)
    (genome / "left_out.tsv").write_text(
        "id\tseqid\tstart\tend\tstrand\ttype\treason\n"
        f"cds-x\t{SEQID}\t29001\t29300\t-\tCDS\tpseudogene\n"
        f"cds-y\t{SEQID}\t29401\t29700\t+\tCDS\tpseudogene\n"
    )
    write_bed(folder / "test.bed", [Region(SEQID, 0, 28_000)])
    reference = read_gff3(genome / "annotation.gff3", LENGTHS)
    coding = [gene for gene in reference.genes if gene.kind == "protein_coding"]
    own = [
        OutputGene(SEQID, f"gs{n}", gene.target.model, 0.9)
        for n, gene in enumerate(coding)
        if n not in (1, 2)
    ]
    own.append(OutputGene(SEQID, HOSTILE, _moved_start(coding[2]), 0.61))
    own.append(OutputGene(SEQID, "extra", GeneModel("protein_coding", "-", ((20, 80),)), 0.31))
    other = [OutputGene(SEQID, f"aug{n}", gene.target.model) for n, gene in enumerate(coding) if n != 2]
    predictions = {"genescribe": own, "augustus": other, "random_weights": own[-1:]}
    _write_run(folder, genome, predictions)
    return folder


def _write_run(folder: Path, genome: Path, predictions: dict[str, list[OutputGene]]) -> None:
    reference = read_gff3(genome / "annotation.gff3", LENGTHS)
    sequences = load_genome(genome).sequences
    species: dict[str, Any] = {
        "name": "Escherichia coli",
        "genome": str(genome),
        "regions": str(folder / "test.bed"),
        "reference": str(genome / "annotation.gff3"),
        "predictions": {},
        "controls": {},
        "scores": [],
        "gene_tables": {},
        "pairs": [
            {"predictor": "genescribe", "base": "augustus", "genes": str(folder / "genescribe-augustus.tsv")}
        ],
        "gffcompare": {},
        "left_out": str(genome / "left_out.tsv"),
        "summary": str(genome / "summary.json"),
        "note": "Trained on the same genome.",
    }
    for name, genes in predictions.items():
        write_gff3(folder / f"{name}.gff3", genes, LENGTHS)
        regions = [Region(SEQID, 0, 28_000)]
        selection = select(reference, read_gff3(folder / f"{name}.gff3", LENGTHS), (), regions)
        metrics, verdicts = scorer.score(selection, "prokaryote", sequences=sequences)
        content = tables.document(
            metrics, verdicts, selection, "prokaryote", name, "annotation.gff3", f"{name}.gff3"
        )
        tables.write_text(folder / f"{name}.json", tables.to_json(content))
        tables.write_tsv(folder / f"{name}.tsv", verdicts)
        did_run = name != "random_weights"
        compared: dict[str, object] = {
            "program": "cuffcompare" if did_run else None,
            "version": "2.2.1" if did_run else None,
            "reason": None if did_run else "the prediction has no coding gene",
            "levels": {"base": {"sensitivity": 98.7, "precision": 99.9}} if did_run else {},
        }
        (folder / f"{name}.gffcompare.json").write_text(json.dumps(compared))
        species["controls" if name == "random_weights" else "predictions"][name] = str(
            folder / f"{name}.gff3"
        )
        species["scores"].append(str(folder / f"{name}.json"))
        species["gene_tables"][name] = str(folder / f"{name}.tsv")
        species["gffcompare"][name] = str(folder / f"{name}.gffcompare.json")
    augustus, genescribe = (
        read_gff3(folder / f"{name}.gff3", LENGTHS) for name in ("augustus", "genescribe")
    )
    _, verdicts = scorer.score(select(augustus, genescribe, (), [Region(SEQID, 0, 28_000)]), "prokaryote")
    tables.write_tsv(folder / "genescribe-augustus.tsv", verdicts)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in METRICS))
    (folder / "benchmark.tsv").write_text("s\th:m:s\tmax_rss\tcpu_time\n125.0\t0:02:05\t2048.0\t240.0\n")
    (folder / "short.tsv").write_text("s\th:m:s\tmax_rss\tcpu_time\n0.2\t0:00:00\t-\tNA\n")
    (folder / "model").mkdir()
    (folder / "model/config.json").write_text(
        json.dumps({"window": 6144, "encoder": {"layers": 4}, "introns": False})
    )
    (folder / "model/README.md").write_text(CARD)
    (folder / "model/calibration.json").write_text(json.dumps({"fitted_on": ["Vibrio_cholerae"]}))
    tensors = {"a": np.zeros((3, 5), dtype=np.float32), "b": np.zeros(7, dtype=np.float32)}
    save_file(tensors, folder / "model/model.safetensors", {"format": "pt"})
    config = {
        "title": "A small run",
        "run": "demo",
        "species": [species],
        "training": [{"stage": "pretrain", "metrics": str(folder / "metrics.jsonl")}],
        "benchmarks": {"train": str(folder / "benchmark.tsv"), "split": str(folder / "short.tsv")},
        "model": str(folder / "model"),
        "versions": {"genescribe": "0.1.0", "augustus": "3.5.0"},
    }
    (folder / "report.json").write_text(json.dumps(config))


@pytest.fixture
def config(run: Path) -> dict[str, Any]:
    """The content of report.json, to be changed by a test."""
    return json.loads((run / "report.json").read_text())


class Browser:
    """A headless Chromium, driven through the WebDriver protocol (W3C) by plain HTTP."""

    def __init__(self, profile: str) -> None:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._driver.stdout is not None
        found = (re.search(r"started successfully on port (\d+)", line) for line in self._driver.stdout)
        port = next(match[1] for match in found if match)
        self._base = f"http://127.0.0.1:{port}"
        switches = (
            *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"),
            *("disable-background-networking", "disable-component-update", "window-size=1200,900"),
            f"user-data-dir={profile}",
        )
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [f"--{switch}" for switch in switches]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._base += f"/session/{session['sessionId']}"

    def _call(self, method: str, path: str, data: object = None) -> Any:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            self._base + path, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path) -> None:
        """Open a page and wait until its script has run."""
        self._call("POST", "/url", {"url": page.as_uri()})
        self.wait("document.documentElement.dataset.ready")

    def run(self, script: str) -> Any:
        """Value of a script's `return`."""
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def wait(self, condition: str) -> None:
        """Wait until an expression is true; the script runs in the page and gives up after ten seconds."""
        script = """
            const [condition, done] = arguments, test = new Function(`return ${condition}`);
            let tries = 0;
            const look = () => test() ? done(true) : tries++ > 200 ? done(false) : setTimeout(look, 50);
            look();"""
        assert self._call("POST", "/execute/async", {"script": script, "args": [condition]}), condition

    def command(self, name: str, **parameters: object) -> Any:
        """A DevTools command."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def messages(self) -> list[str]:
        """Console messages since the last call."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def press(self, keys: str) -> None:
        """Press keys, one after another, in the element that has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def close(self) -> None:
        """End the session and the driver."""
        try:
            self._call("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; skips where Chromium or its driver is not installed."""
    if not shutil.which("chromedriver") or not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("chromium and chromedriver are not on PATH")
    with tempfile.TemporaryDirectory(prefix="genescribe-browser-", ignore_cleanup_errors=True) as profile:
        opened = Browser(profile)
        try:
            yield opened
        finally:
            opened.close()
