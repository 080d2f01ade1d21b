"""Real sequence for all tests: the bundled genomes, normalised once a session."""

from __future__ import annotations

import json
from pathlib import Path

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
