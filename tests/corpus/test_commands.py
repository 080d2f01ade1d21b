"""The commands, and what the reader may import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genescribe.cli import app
from genescribe.corpus.reader import Corpus
from typer.testing import CliRunner


def test_from_a_genome_to_shards(
    plant: Callable[..., Any], write_genome: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_genome("small", {"a": plant(1, 6000), "b": plant(2, 3000, genes=3)})
    regions = tmp_path / "regions"
    declaration = "train=a:1-5000;test=b"
    done = CliRunner().invoke(
        app, ["split", "--genome", str(folder), "--split", declaration, "--out", str(regions)]
    )
    assert done.exit_code == 0, done.output
    assert (regions / "train.bed").read_text() == "a\t0\t5000\n"
    assert (regions / "val.bed").read_text() == ""
    assert (regions / "test.bed").read_text() == "b\t0\t3000\n"
    genome = {
        "name": "small",
        "folder": str(folder),
        "regions": str(regions / "train.bed"),
        "domain": "prokaryote",
    }
    (tmp_path / "spec.json").write_text(json.dumps({"genomes": [genome]}))
    done = CliRunner().invoke(app, ["shards", str(tmp_path / "spec.json"), "--out", str(tmp_path / "corpus")])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("small: 5000 bases, ")
    assert [len(piece) for piece in Corpus.open(tmp_path / "corpus").pieces] == [5000]


def test_the_reader_runs_on_a_bare_gpu_node() -> None:
    heavy = {"torch", "pandas", "Bio", "pydantic", "typer", "rich", "pybedtools"}
    check = f"import sys, genescribe.corpus.reader; sys.exit(sorted({heavy!r} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
