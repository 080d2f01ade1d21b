"""Small genomes with planted genes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genescribe.corpus.reader import Corpus
from genescribe.corpus.shards import CorpusSpec, GenomeSpec, write_corpus
from genescribe.genomes.normalize import normalize_genome
from genescribe.language.bases import Codes, reverse_complement, to_letters
from genescribe.language.gene_model import GeneModel

STOPS = ((3, 0, 0), (3, 0, 2), (3, 2, 0))


def coding_bases(random: np.random.Generator, codons: int) -> Codes:
    """ATG, sense codons, TAA: `codons` in all."""
    bases = random.integers(0, 4, size=(codons, 3), dtype=np.uint8)
    for stop in STOPS:
        bases[(bases == stop).all(axis=1)] = 0
    bases[0], bases[-1] = (0, 3, 2), STOPS[0]
    return bases.reshape(-1)


@dataclass
class Planted:
    """A sequence with genes in it."""

    codes: Codes
    genes: list[GeneModel] = field(default_factory=list)

    @property
    def letters(self) -> str:
        return to_letters(self.codes)


@pytest.fixture(scope="session")
def plant() -> Callable[..., Planted]:
    """plant(seed, length, genes=..., intron=..., first=...): genes one after another on random strands."""

    def make(seed: int, length: int, genes: int = 10, intron: int = 0, first: int = 40) -> Planted:
        random = np.random.default_rng(seed)
        planted = Planted(random.integers(0, 4, size=length, dtype=np.uint8))
        room = (length - first) // max(genes, 1)
        for index in range(genes):
            bases = coding_bases(random, int(random.integers(30, (room - intron) // 3 - 5)))
            parts = [len(bases)]
            if intron:
                middle = random.integers(0, 4, size=intron, dtype=np.uint8)
                middle[:2], middle[-2:] = (2, 3), (0, 2)
                cut = int(random.integers(10, len(bases) - 10))
                bases = np.concatenate([bases[:cut], middle, bases[cut:]])
                parts = [cut, parts[0] - cut]
            start = first + index * room
            model = GeneModel(
                "protein_coding",
                "+",
                ((0, parts[0]),) if not intron else ((0, parts[0]), (parts[0] + intron, len(bases))),
            )
            if random.random() < 0.5:
                bases, model = reverse_complement(bases), model.reverse_complement(len(bases))
            planted.codes[start : start + len(bases)] = bases
            planted.genes.append(model.shifted(start))
        return planted

    return make


def gff_rows(seqid: str, genes: Sequence[GeneModel], prefix: str = "g") -> list[str]:
    """GFF3 rows of complete genes."""
    rows = []
    for index, gene in enumerate(genes):
        name = f"{prefix}{index}"
        span = f"{seqid}\ttest\t%s\t{gene.start + 1}\t{gene.end}\t.\t{gene.strand}\t.\tID=%s"
        rows.append(span % ("gene", name) + ";gene_biotype=" + gene.kind)
        if gene.kind != "protein_coding":
            rows.append(span % (gene.kind, f"rna-{name}") + f";Parent={name}")
            continue
        rows.append(span % ("mRNA", f"{name}.t1") + f";Parent={name}")
        for (start, end), phase in zip(gene.segments, gene.phases, strict=True):
            row = f"{seqid}\ttest\tCDS\t{start + 1}\t{end}\t.\t{gene.strand}\t{phase}\t"
            rows.append(row + f"ID=cds-{name};Parent={name}.t1")
    return rows


def normalized(folder: Path, fasta: str, rows: Sequence[str], genetic_code: int = 11) -> Path:
    """A genome folder made of FASTA text and GFF3 rows."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    sources = [folder.with_suffix(suffix) for suffix in (".fna", ".gff3")]
    sources[0].write_text(fasta)
    sources[1].write_text("\n".join(["##gff-version 3", *rows]) + "\n")
    normalize_genome(sources[0], sources[1], folder, folder.name, str(genetic_code), False)
    return folder


def circle_row(seqid: str, length: int) -> str:
    """The row that marks a circular sequence."""
    return f"{seqid}\ttest\tregion\t1\t{length}\t.\t+\t.\tID={seqid};Is_circular=true"


@pytest.fixture
def write_genome(tmp_path: Path) -> Callable[..., Path]:
    """write_genome(name, {seqid: Planted}, circular=..., rows=..., ...): a normalised genome folder."""

    def write(
        name: str,
        sequences: dict[str, Planted],
        circular: Sequence[str] = (),
        rows: Sequence[str] = (),
        genetic_code: int = 11,
    ) -> Path:
        fasta = "".join(f">{seqid}\n{planted.letters}\n" for seqid, planted in sequences.items())
        lines = [circle_row(seqid, len(sequences[seqid].codes)) for seqid in circular]
        for number, (seqid, planted) in enumerate(sequences.items()):
            lines += gff_rows(seqid, planted.genes, f"s{number}g")
        return normalized(tmp_path / "genomes" / name, fasta, [*lines, *rows], genetic_code)

    return write


@pytest.fixture
def build(write_genome: Callable[..., Path], tmp_path: Path) -> Callable[..., Corpus]:
    """build(name, sequences, domain=..., regions=..., ...): an opened corpus of one genome."""

    def make(
        name: str,
        sequences: dict[str, Any],
        domain: str = "prokaryote",
        regions: Path | None = None,
        **more: Any,
    ) -> Corpus:
        folder = tmp_path / "genomes" / name
        if not folder.exists():
            write_genome(name, sequences, **more)
        genome = GenomeSpec(name=name, folder=folder, domain=domain, regions=regions)
        out = tmp_path / "corpora" / f"{name}-{regions.stem if regions else 'whole'}"
        write_corpus(CorpusSpec(genomes=[genome]), out)
        return Corpus.open(out)

    return make


@pytest.fixture(scope="session")
def random_circle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A genome folder of one circular sequence `c` of 3000 random bases without genes."""
    letters = "".join(np.random.default_rng(4).choice(list("ACGT"), 3000))
    folder = tmp_path_factory.mktemp("circle") / "circle"
    return normalized(folder, f">c\n{letters}\n", [circle_row("c", 3000)])
