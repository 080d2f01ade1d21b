"""Building a corpus: determinism, digests and the errors of its specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from genescribe.corpus import shards
from genescribe.corpus.reader import Corpus
from genescribe.corpus.shards import CorpusSpec, GenomeSpec, read_spec, write_corpus
from genescribe.errors import InputError

Make = Callable[..., Any]


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def spec(plant: Make, write_genome: Make) -> CorpusSpec:
    one = write_genome("one", {"b": plant(1, 9000), "a": plant(2, 3000, genes=3)}, circular=["b"])
    two = write_genome("two", {"chr": plant(3, 12000, intron=60)}, genetic_code=1)
    return CorpusSpec(
        genomes=[
            GenomeSpec(name="two", folder=two, domain="eukaryote"),
            GenomeSpec(name="one", folder=one, domain="prokaryote", doubtful_starts=True),
        ]
    )


def test_same_inputs_give_the_same_bytes(spec: CorpusSpec, tmp_path: Path) -> None:
    write_corpus(spec, tmp_path / "first")
    turned = CorpusSpec(genomes=spec.genomes[::-1], grammar=spec.grammar)
    write_corpus(turned, tmp_path / "elsewhere" / "second")
    first = _contents(tmp_path / "first")
    assert first == _contents(tmp_path / "elsewhere" / "second")
    assert list(first) == ["manifest.json", "shard-00000.safetensors"]
    assert str(tmp_path) not in first["manifest.json"].decode()


def test_the_manifest_counts(spec: CorpusSpec, tmp_path: Path) -> None:
    manifest = write_corpus(spec, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == json.loads(json.dumps(manifest))
    one, two = manifest["genomes"]
    assert (one["name"], one["pieces"], one["bases"], one["genes"]) == (
        "one",
        2,
        12000,
        {"protein_coding": 13},
    )
    assert (two["name"], two["genes"], two["masked"]) == ("two", {"protein_coding": 10}, {})
    assert two["genetic_codes"] == [1]
    assert one["annotated_kinds"] == ["protein_coding"]
    entry = manifest["shards"][0]["pieces"][1]
    assert (entry["seqid"], entry["circular"], entry["introns"]) == ("b", True, False)
    assert entry["doubtful_starts"]


def test_pieces_are_shared_out_over_shards(
    spec: CorpusSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_corpus(spec, tmp_path / "whole")
    monkeypatch.setattr(shards, "SHARD_BASES", 5000)
    manifest = write_corpus(spec, tmp_path / "parts")
    assert [entry["bases"] for entry in manifest["shards"]] == [12000, 12000]
    assert len(whole["shards"]) == 1
    one, other = Corpus.open(tmp_path / "whole"), Corpus.open(tmp_path / "parts")
    for piece, again in zip(one.pieces, other.pieces, strict=True):
        assert piece.genes(0, len(piece)) == again.genes(0, len(piece))
        assert (piece.codes(0, len(piece)) == again.codes(0, len(piece))).all()


def test_a_damaged_shard_is_noticed(spec: CorpusSpec, tmp_path: Path) -> None:
    write_corpus(spec, tmp_path / "out")
    shard = tmp_path / "out" / "shard-00000.safetensors"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-00000.safetensors: the shard is damaged"):
        Corpus.open(tmp_path / "out")
    shard.unlink()
    with pytest.raises(InputError, match="the shard is missing"):
        Corpus.open(tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no manifest"),
        ("{", "not JSON"),
        ("[]", "not a corpus of format"),
        ('{"format": 0}', "build it again"),
    ],
)
def test_what_is_no_corpus_is_refused(content: str | None, complaint: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=complaint):
        Corpus.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "JSON"),
        ('{"genomes": []}', "genomes: "),
        ('{"genomes": [{"name": "a", "folder": "f"}]}', r"genomes\.0\.domain: "),
        ('{"genomes": [{"name": "a", "folder": "f", "domain": "virus"}]}', r"genomes\.0\.domain: "),
        ('{"genomes": [{"name": "a", "folder": "f", "domain": "eukaryote", "x": 1}]}', r"genomes\.0\.x: "),
    ],
)
def test_a_bad_specification_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(content)
    with pytest.raises(InputError, match=rf"spec\.json: .*{complaint}"):
        read_spec(path)
    with pytest.raises(InputError, match="no such file"):
        read_spec(tmp_path / "none.json")


def test_a_specification_is_read(spec: CorpusSpec, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    assert read_spec(tmp_path / "spec.json") == spec


@pytest.mark.parametrize("bed", ["chr\t0\t12001\n", "chrX\t0\t10\n"])
def test_a_region_outside_the_genome_is_refused(spec: CorpusSpec, tmp_path: Path, bed: str) -> None:
    (tmp_path / "bad.bed").write_text(bed)
    spec.genomes[0].regions = tmp_path / "bad.bed"
    with pytest.raises(InputError, match="not inside a sequence"):
        write_corpus(spec, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_empty_corpus_is_refused(spec: CorpusSpec, tmp_path: Path) -> None:
    (tmp_path / "empty.bed").write_text("")
    for genome in spec.genomes:
        genome.regions = tmp_path / "empty.bed"
    with pytest.raises(InputError, match="empty"):
        write_corpus(spec, tmp_path / "out")
    assert not (tmp_path / "out").exists()
