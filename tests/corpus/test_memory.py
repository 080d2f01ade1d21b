"""The memory of a reading process does not grow with the corpus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from genescribe.corpus.shards import read_spec, write_corpus
from genescribe.corpus.store import Corpus

READ = """
import resource, sys
from genescribe.corpus.reader import Corpus, WindowSampler
sampler = WindowSampler(Corpus.open(sys.argv[1]), 6144, 4, seed=1)
for step in range(100):
    sampler.batch(step)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""
MIB = 2**20


@pytest.fixture(scope="module")
def genome(ecoli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory")
    genomes = [{"name": "ecoli", "folder": str(ecoli), "regions": None, "domain": "prokaryote"}]
    (folder / "spec.json").write_text(json.dumps({"genomes": genomes}))
    write_corpus(read_spec(folder / "spec.json"), folder / "corpus")
    return folder / "corpus"


def repeated(corpus: Path, times: int, folder: Path) -> Path:
    """The shards of a corpus again and again, each under a name of its own."""
    folder.mkdir()
    manifest = json.loads((corpus / "manifest.json").read_text())
    shards = []
    for number in range(times):
        for shard in manifest["shards"]:
            name = f"{number}-{shard['file']}"
            os.link(corpus / shard["file"], folder / name)
            shards.append({**shard, "file": name})
    (folder / "manifest.json").write_text(json.dumps({**manifest, "shards": shards}))
    return folder


def peak_memory(corpus: Path) -> int:
    """Bytes."""
    done = subprocess.run([sys.executable, "-c", READ, corpus], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


def test_peak_memory_is_that_of_a_corpus_a_hundred_times_smaller(genome: Path, tmp_path: Path) -> None:
    once = peak_memory(genome)
    ten, hundred = (repeated(genome, times, tmp_path / str(times)) for times in (10, 100))
    assert Corpus.open(hundred).bases == 100 * Corpus.open(genome).bases > 450_000_000
    bytes_on_disk = sum(file.stat().st_size for file in hundred.iterdir())
    assert bytes_on_disk > 120 * MIB
    # What is kept is a few kilobytes a sequence. A hundredth of the data would be noticed.
    assert peak_memory(ten) - once < 1.2 * MIB
    assert peak_memory(hundred) - once < 4 * MIB
