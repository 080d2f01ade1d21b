"""Real annotations through `genescribe convert`: every format holds all of them, and other programs agree.

Each genome goes into all formats at once. What gffread, bedtools, GenomeTools, Biopython and tabix read there
is compared with the genes as they were read, not with another of the files.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pysam
import pytest
from BCBio import GFF
from Bio import Align, SeqIO
from genescribe.cli import app
from genescribe.genomes.fasta import write_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.proteins import spliced
from genescribe.genomes.records import FLAG_FRAMESHIFT, Gene, Transcript
from genescribe.genomes.source import Source, read_source
from genescribe.genomes.survey import INDEX, is_clean
from typer.testing import CliRunner

BUNDLED = Path(__file__).resolve().parents[2] / "resources" / "genomes"
FILES = ("genes.gff3", "genes.gtf", "genes.bed", "genes.tsv", "proteins.faa", "cds.fna", "summary.json")
OPTIONS = ("--out", "--gtf", "--bed", "--tsv", "--proteins", "--cds", "--summary")
QUICK_BASES = 1_800_000
GFFREAD_SHORTEST = 11
"""Of GTF, gffread 0.12.7 leaves out transcripts of fewer bases, and says so."""
PROGRAMS = ("gt", "gffread", "bedtools")
needs_programs = pytest.mark.skipif(
    any(shutil.which(name) is None for name in PROGRAMS),
    reason=f"{', '.join(PROGRAMS)} are not all installed",
)


def genomes() -> list[object]:
    """Folder and genetic code of the bundled genomes and of those that GENESCRIBE_GENOMES names."""
    found: list[object] = [
        pytest.param(BUNDLED / "escherichia_coli_k12", "11", id="bundled-ecoli"),
        pytest.param(BUNDLED / "saccharomyces_cerevisiae_chr1_2", "1", id="bundled-yeast"),
    ]
    folder = os.environ.get("GENESCRIBE_GENOMES")
    if not folder:
        skip = pytest.mark.skip(reason="GENESCRIBE_GENOMES names no folder of genomes")
        return [*found, pytest.param(Path(), "", id="collection", marks=[pytest.mark.genomes, skip])]
    with (Path(folder) / INDEX).open() as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            marks = [pytest.mark.genomes]
            # The larger ones take minutes together.
            marks += [pytest.mark.slow] if int(row["bp"]) > QUICK_BASES else []
            found.append(
                pytest.param(Path(folder) / row["name"], row["genetic_code"], id=row["name"], marks=marks)
            )
    return found


@dataclass(frozen=True)
class Converted:
    """A genome, its genes as they were read, and the folder of what was written."""

    folder: Path
    source: Source
    transcripts: dict[str, tuple[Gene, Transcript]]

    def is_over_the_origin(self, name: str) -> bool:
        """Whether a transcript is two in GTF and BED12."""
        gene, one = self.transcripts[name]
        return one.model.start < self.source.lengths[gene.seqid] < one.model.end


def convert(gff3: Path, fasta: Path, code: str, *options: str) -> None:
    command = ["convert", str(gff3), str(fasta), "--genetic-code", code, *options]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def run(*command: str | Path) -> tuple[str, str]:
    """What a program prints and what it complains of; it must succeed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@needs_programs
@pytest.mark.parametrize(("place", "code"), genomes())
def test_every_format_holds_the_annotation(tmp_path: Path, place: Path, code: str) -> None:
    fasta, gff3 = place / "genome.fna.gz", place / "annotation.gff3.gz"
    source = read_source(fasta, gff3, code)
    genes = source.annotation.genes
    assert genes
    convert(gff3, fasta, code, *(word for pair in zip(OPTIONS, FILES, strict=True)
                                 for word in (pair[0], str(tmp_path / pair[1]))))  # fmt: skip
    write_fasta(tmp_path / "genome.fna", source.sequences.items())
    converted = Converted(
        tmp_path, source, {one.id: (gene, one) for gene in genes for one in gene.transcripts}
    )
    gff3_reads_back(converted, code)
    genometools_and_tabix_accept(converted)
    gffread_finds_the_segments(converted)
    bedtools_finds_the_sequences(converted)
    biopython_reads(converted)
    tables_count_right(converted)


def gff3_reads_back(converted: Converted, code: str) -> None:
    """The same genes, and the same bytes from a second conversion."""
    first, second = converted.folder / "genes.gff3", converted.folder / "again.gff3"
    source = converted.source
    read = read_gff3(first, source.lengths, source.genetic_code)
    assert by_id(read.genes) == by_id(source.annotation.genes)
    assert read.left_out == []
    assert read.circular == source.annotation.circular
    convert(first, converted.folder / "genome.fna", code, "--out", str(second))
    assert first.read_bytes() == second.read_bytes()


def by_id(genes: list[Gene]) -> dict[str, Gene]:
    """Genes without the names of transcripts that have no row of their own: those of pseudogenes."""

    def transcripts(gene: Gene) -> tuple[Transcript, ...]:
        found = sorted(gene.transcripts, key=lambda one: one.id)
        return tuple(replace(one, id="") if gene.kind == "pseudogene" else one for one in found)

    return {gene.id: replace(gene, transcripts=transcripts(gene)) for gene in genes}


def genometools_and_tabix_accept(converted: Converted) -> None:
    folder = converted.folder
    assert run("gt", "gff3validator", folder / "genes.gff3") == ("input is valid GFF3\n", "")
    # IGV and JBrowse read large files through a tabix index.
    pysam.tabix_compress(str(folder / "genes.gff3"), str(folder / "genes.gff3.gz"))
    pysam.tabix_index(str(folder / "genes.gff3.gz"), preset="gff")
    pysam.tabix_compress(str(folder / "genes.bed"), str(folder / "genes.bed.gz"))
    pysam.tabix_index(str(folder / "genes.bed.gz"), preset="bed")
    for name in ("genes.gff3", "genes.bed"):
        rows = [line for line in (folder / name).read_text().splitlines() if not line.startswith("#")]
        with pysam.TabixFile(str(folder / f"{name}.gz")) as index:
            assert sorted(row for seqid in index.contigs for row in index.fetch(seqid)) == sorted(rows)


def gffread_finds_the_segments(converted: Converted) -> None:
    """gffread's exons of every transcript, from three formats."""
    expected = {
        name: (gene.seqid, one.model.strand, one.model.segments)
        for name, (gene, one) in converted.transcripts.items()
        if FLAG_FRAMESHIFT not in one.flags and not converted.is_over_the_origin(name)
    }
    for name in ("genes.gff3", "genes.gtf", "genes.bed"):
        options = ["--in-bed"] if name.endswith("bed") else []
        output, stderr = run(
            "gffread", "-E", *options, "--table", "@id,@chr,@strand,@exons", converted.folder / name
        )
        usual = ("Command line was", "gffread -E", "   .. loaded")
        complaints = [line for line in stderr.splitlines() if line and not line.startswith(usual)]
        scraps = scraps_at_the_origin(converted) if name == "genes.gtf" else []
        assert complaints == [
            f"Warning: discarding suspicious 'transcript' record (ID={scrap})" for scrap in scraps
        ]
        found = {}
        for line in output.splitlines():
            transcript, seqid, strand, exons = line.split("\t")
            pairs = [exon.split("-") for exon in exons.split(",")]
            found[transcript] = seqid, strand, tuple((int(first) - 1, int(last)) for first, last in pairs)
        wanted = dict(expected)
        if name == "genes.gff3":
            # A pseudogene of one stretch is one row, and for gffread no transcript.
            wanted = {
                key: value
                for key, value in expected.items()
                if converted.transcripts[key][0].kind != "pseudogene" or len(value[2]) > 1
            }
        assert {key: value for key, value in found.items() if key in wanted} == wanted, name


def scraps_at_the_origin(converted: Converted) -> list[str]:
    """Sides of transcripts over the origin that are too short for gffread's reader of GTF."""
    sides: dict[str, int] = {}
    for name in filter(converted.is_over_the_origin, converted.transcripts):
        gene, one = converted.transcripts[name]
        length = converted.source.lengths[gene.seqid]
        sides |= {f"{name}/1": length - one.model.start, f"{name}/2": one.model.end - length}
    return [side for side, bases in sides.items() if bases < GFFREAD_SHORTEST]


def bedtools_finds_the_sequences(converted: Converted) -> None:
    """bedtools cuts the same bases from BED12 as we do, and takes the rows for sorted.

    -nonamecheck: it complains of genomes that have chr01 and chr10.
    """
    folder, sequences = converted.folder, converted.source.sequences
    output, complaints = run(
        "bedtools", "getfasta", "-split", "-s", "-nameOnly", "-fi", folder / "genome.fna", "-bed",
        folder / "genes.bed",
    )  # fmt: skip
    assert [line for line in complaints.splitlines() if not line.startswith("index file")] == []
    lines = output.splitlines()
    found = {
        header[1:].rsplit("(", 1)[0]: bases for header, bases in zip(lines[::2], lines[1::2], strict=True)
    }
    for name, (gene, one) in converted.transcripts.items():
        sides = [f"{name}/1", f"{name}/2"][:: 1 if gene.strand == "+" else -1]
        if not converted.is_over_the_origin(name):
            sides = [name]
        if FLAG_FRAMESHIFT not in one.flags:
            cut = "".join(found[side] for side in sides)
            assert cut == spliced(one.model, sequences[gene.seqid]), name
    for name in ("genes.gff3", "genes.bed"):
        path = folder / name
        rows = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        output, complaints = run(
            "bedtools", "intersect", "-sorted", "-nonamecheck", "-u", "-a", path, "-b", path
        )
        assert (output.splitlines(), complaints) == (rows, "")


def biopython_reads(converted: Converted) -> None:
    folder, source = converted.folder, converted.source
    coding = {name for name, (gene, _) in converted.transcripts.items() if gene.kind == "protein_coding"}
    with (
        warnings.catch_warnings(),
        (folder / "cds.fna").open() as cds_file,
        (folder / "proteins.faa").open() as protein_file,
        (folder / "genes.gff3").open() as gff_file,
        (folder / "genes.bed").open() as bed_file,
    ):
        warnings.simplefilter("error")
        bases = {record.id: record.seq for record in SeqIO.parse(cds_file, "fasta")}
        proteins = {record.id: str(record.seq) for record in SeqIO.parse(protein_file, "fasta")}
        features = [feature for record in GFF.parse(gff_file) for feature in record.features]
        alignments = list(Align.parse(bed_file, "bed"))
    assert bases.keys() == proteins.keys() == coding
    for name in coding:
        gene, one = converted.transcripts[name]
        code = source.genetic_codes[gene.seqid]
        if is_clean(one, source.sequences[gene.seqid], code):
            # With cds=True Biopython refuses what is no whole coding sequence.
            assert str(bases[name].translate(table=code, cds=True)) == proteins[name]
    spans = {feature.id: (feature.location.start, feature.location.end) for feature in features}
    for gene in source.annotation.genes:
        assert spans[gene.id] == (gene.start, gene.end)
    rows = Counter(alignment.query.id for alignment in alignments)
    assert rows == Counter(
        side
        for name in converted.transcripts
        for side in ([f"{name}/1", f"{name}/2"] if converted.is_over_the_origin(name) else [name])
    )


def tables_count_right(converted: Converted) -> None:
    table = pd.read_csv(converted.folder / "genes.tsv", sep="\t", dtype=str, quoting=csv.QUOTE_NONE)
    segments = {
        name: tuple(tuple(map(int, part.split("-"))) for part in text.split(","))
        for name, text in zip(table["transcript"], table["segments"], strict=True)
    }
    assert segments == {
        name: tuple((start + 1, end) for start, end in one.model.segments)
        for name, (_, one) in converted.transcripts.items()
    }
    summary = json.loads((converted.folder / "summary.json").read_text())
    assert summary["genes"]["by_kind"] == Counter(gene.kind for gene in converted.source.annotation.genes)
    assert 0 < summary["coding"]["bases"] <= summary["sequences"]["bases"]
