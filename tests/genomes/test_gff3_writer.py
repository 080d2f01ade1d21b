"""Writing GFF3: what is written reads back as it was, and other programs accept it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from genescribe.genomes.fasta import write_fasta
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.gff3_writer import phases, write_gff3
from genescribe.genomes.gtf import write_gtf
from genescribe.genomes.records import Gene, OutputGene, Transcript
from genescribe.language.gene_model import End, GeneModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CODING = "protein_coding"
LENGTHS = {"chr 1|a.b": 3000, "circle": 600}
TEXT = st.text(st.sampled_from("abAB019 ;=,&%\t|é'\"\n.-_"), min_size=1, max_size=8)
KINDS = (CODING, "tRNA", "rRNA", "ncRNA", "tmRNA")


@st.composite
def models(draw: st.DrawFn, kind: str, strand: str, offset: int, length: int) -> GeneModel:
    """A model of up to four segments that do not touch, open or closed, at most 290 bases from `offset`."""
    count = draw(st.integers(1, 4))
    cuts = sorted(draw(st.sets(st.integers(0, 290), min_size=2 * count, max_size=2 * count)))
    turn = length if cuts[0] + offset >= length else 0
    segments = tuple((cuts[i] + offset - turn, cuts[i + 1] + offset - turn) for i in range(0, 2 * count, 2))
    left, right = (draw(st.sampled_from([End.CLOSED, End.CLOSED, End.OPEN])) for _ in "lr")
    total = sum(end - start for start, end in segments)
    lead = 0
    if kind == CODING and left is End.OPEN:
        # On minus with the start codon in place, the frame is counted from there.
        lead = -total % 3 if strand == "-" and right is End.CLOSED else draw(st.integers(0, 2))
    return GeneModel(kind, strand, segments, left, right, lead)


def expected_flags(model: GeneModel) -> frozenset[str]:
    flags = set() if model.is_complete else {"partial"}
    if model.kind == CODING:
        if any(after[0] - before[1] < 4 for before, after in pairwise(model.segments)):
            flags.add("frameshift")
        three_prime = model.right if model.strand == "+" else model.left
        if three_prime is End.CLOSED and not (model.strand == "-" and model.left is End.OPEN):
            five_prime_open = (model.left if model.strand == "+" else model.right) is End.OPEN
            broken = (model.lead + model.length) % 3 if model.strand == "+" or not five_prime_open else 0
            if broken:
                flags.add("length_not_multiple_of_3")
    return frozenset(flags)


@st.composite
def gene_lists(draw: st.DrawFn) -> list[Gene]:
    names = iter(draw(st.lists(TEXT.filter(str.strip), min_size=18, max_size=18, unique_by=str.strip)))
    genes = []
    for _ in range(draw(st.integers(0, 5))):
        seqid, kind = draw(st.sampled_from(list(LENGTHS))), draw(st.sampled_from(KINDS))
        strand, length = draw(st.sampled_from("+-")), LENGTHS[seqid]
        offset = draw(st.integers(0, length - (1 if seqid == "circle" else 300)))
        transcripts = []
        for _ in range(draw(st.integers(1, 2))):
            model = draw(models(kind, strand, offset, length))
            attributes = draw(st.dictionaries(st.sampled_from(["product", "Note"]), TEXT))
            transcripts.append(Transcript(next(names), model, attributes, expected_flags(model)))
        score = draw(st.none() | st.integers(0, 1000).map(lambda number: number / 1000))
        attributes = draw(st.dictionaries(st.sampled_from(["Name", "locus_tag"]), TEXT))
        genes.append(Gene(next(names), seqid, strand, kind, tuple(transcripts), attributes, score))
    return genes


def canonical(genes: Iterable[Gene]) -> dict[str, Gene]:
    return {
        gene.id: replace(gene, transcripts=tuple(sorted(gene.transcripts, key=lambda one: one.id)))
        for gene in genes
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gene_lists())
def test_what_is_written_reads_back(tmp_path: Path, genes: list[Gene]) -> None:
    path = tmp_path / "genes.gff3"
    write_gff3(path, genes, LENGTHS, circular={"circle"}, genetic_code=4, genetic_codes={"circle": 1})
    annotation = read_gff3(path, LENGTHS, genetic_code=4)
    assert canonical(annotation.genes) == canonical(genes)
    assert annotation.left_out == []
    assert annotation.circular == {"circle"}
    assert annotation.regions == LENGTHS


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gene_lists())
def test_order_of_genes_does_not_matter(tmp_path: Path, genes: list[Gene]) -> None:
    first, second = tmp_path / "1.gff3", tmp_path / "2.gff3"
    write_gff3(first, genes, LENGTHS)
    write_gff3(second, reversed(genes), LENGTHS)
    assert first.read_bytes() == second.read_bytes()


ZOO = [
    OutputGene("chr1", "gs1", GeneModel(CODING, "+", ((0, 60),), End.OPEN, lead=0), 0.5),
    OutputGene("chr1", "gs2", GeneModel(CODING, "-", ((30, 100), (200, 251))), 0.98765, {"note": "a;b"}),
    OutputGene("chr1", "gs3", GeneModel("tRNA", "-", ((300, 336), (350, 386))), 1.0),
    OutputGene("chr1", "gs4", GeneModel("rRNA", "+", ((320, 900),), right=End.OPEN)),
    OutputGene("chr1", "gs5", GeneModel("pseudogene", "+", ((400, 500),))),
    OutputGene("chr1", "gs6", GeneModel("pseudogene", "+", ((400, 500), (600, 700)))),
    OutputGene("chr1", "gs7", GeneModel(CODING, "-", ((930, 1000),), right=End.OPEN, lead=0), 0.1),
    OutputGene("chr1", "gs8", GeneModel("tmRNA", "+", ((910, 950),))),
]
CIRCLE = [
    OutputGene("ring", "gs9", GeneModel(CODING, "+", ((270, 360),)), 0.7),
    OutputGene("ring", "gs10", GeneModel(CODING, "-", ((240, 280), (310, 330))), 0.7),
    OutputGene("ring", "gs11", GeneModel("ncRNA", "-", ((290, 310),)), 0.7),
]


def test_rows_literally(tmp_path: Path) -> None:
    path = tmp_path / "zoo.gff3"
    write_gff3(path, [*CIRCLE[:1], *ZOO[:2], ZOO[2]], {"chr1": 1000, "ring": 300}, {"ring"})
    assert path.read_text().splitlines() == [
        "##gff-version 3",
        "##sequence-region chr1 1 1000",
        "##sequence-region ring 1 300",
        *(
            "\t".join(row.split(" ", 8))
            for row in (
                "chr1 GeneScribe gene 1 60 0.500 + . ID=gs1;gene_biotype=protein_coding;"
                "partial=true;start_range=.,1;color=#6baed6",
                "chr1 GeneScribe mRNA 1 60 0.500 + . ID=gs1.t1;Parent=gs1;partial=true;start_range=.,1;"
                "color=#6baed6",
                "chr1 GeneScribe CDS 1 60 . + 0 ID=cds-gs1.t1;Parent=gs1.t1;transl_table=11;"
                "partial=true;start_range=.,1",
                "chr1 GeneScribe gene 31 251 0.988 - . ID=gs2;note=a%3Bb;gene_biotype=protein_coding;"
                "color=#08519c",
                "chr1 GeneScribe mRNA 31 251 0.988 - . ID=gs2.t1;Parent=gs2;color=#08519c",
                "chr1 GeneScribe CDS 31 100 . - 0 ID=cds-gs2.t1;Parent=gs2.t1;transl_table=11",
                "chr1 GeneScribe CDS 201 251 . - 0 ID=cds-gs2.t1;Parent=gs2.t1;transl_table=11",
                "chr1 GeneScribe gene 301 386 1.000 - . ID=gs3;gene_biotype=tRNA;color=#08519c",
                "chr1 GeneScribe tRNA 301 386 1.000 - . ID=gs3.t1;Parent=gs3;color=#08519c",
                "chr1 GeneScribe exon 301 336 . - . ID=exon-gs3.t1-2;Parent=gs3.t1",
                "chr1 GeneScribe exon 351 386 . - . ID=exon-gs3.t1-1;Parent=gs3.t1",
                "ring GeneScribe region 1 300 . + . ID=region-ring;Is_circular=true",
                "ring GeneScribe gene 271 360 0.700 + . ID=gs9;gene_biotype=protein_coding;color=#3182bd",
                "ring GeneScribe mRNA 271 360 0.700 + . ID=gs9.t1;Parent=gs9;color=#3182bd",
                "ring GeneScribe CDS 271 360 . + 0 ID=cds-gs9.t1;Parent=gs9.t1;transl_table=11",
            )
        ),
    ]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (GeneModel(CODING, "+", ((0, 10), (20, 25), (30, 36))), (0, 2, 0)),
        (GeneModel(CODING, "-", ((0, 10), (20, 25), (30, 36))), (1, 0, 0)),
        (GeneModel(CODING, "-", ((0, 10), (20, 25), (30, 37))), (0, 2, 0)),
        (GeneModel(CODING, "+", ((0, 10),), End.OPEN, lead=2), (1,)),
    ],
)
def test_phases_begin_at_the_start_codon(model: GeneModel, expected: tuple[int, ...]) -> None:
    assert phases(model) == expected


def test_ids_stay_unique_whatever_they_are(tmp_path: Path) -> None:
    model = GeneModel(CODING, "+", ((0, 60),))
    genes = [
        Gene(
            "cds-a",
            "chr1",
            "+",
            CODING,
            (Transcript("rna-a", model), Transcript("mrna-a", model.shifted(90))),
        ),
        Gene("region-chr1", "chr1", "+", CODING, (Transcript("t", model),)),
    ]
    path = tmp_path / "a.gff3"
    write_gff3(path, genes, {"chr1": 500}, {"chr1"})
    assert canonical(read_gff3(path).genes) == canonical(genes)
    with pytest.raises(ValueError, match="two genes or transcripts are called 't'"):
        write_gff3(path, [genes[1], replace(genes[1], id="x")], {"chr1": 500})


def run(*command: str | Path) -> str:
    """Output and warnings of a program that must succeed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")
    for name in ("gt", "gffread", "bedtools")
}


@needs["gt"]
def test_genometools_accepts_it(tmp_path: Path) -> None:
    path = tmp_path / "zoo.gff3"
    write_gff3(path, ZOO + CIRCLE, {"chr1": 1000, "ring": 300}, {"ring"})
    assert run("gt", "gff3validator", path) == "input is valid GFF3\n"


@needs["gffread"]
def test_gffread_reads_it_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "zoo.gff3"
    write_gff3(path, ZOO, {"chr1": 1000})
    listed = run("gffread", "-E", "--bed", path).splitlines()
    assert [line for line in listed if "arning" in line or "rror" in line] == []
    names = {line.split("\t")[3] for line in listed if line.startswith("chr1")}
    assert {"gs1.t1", "gs2.t1", "gs3.t1", "gs4.t1", "gs7.t1", "gs8.t1"} <= names


@needs["bedtools"]
def test_bedtools_reads_it_without_a_warning(tmp_path: Path) -> None:
    path, genome = tmp_path / "zoo.gff3", tmp_path / "genome.fna"
    write_gff3(path, ZOO, {"chr1": 1000})
    write_fasta(genome, [("chr1", "ACGTTGCA" * 125)])
    rows = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    # bedtools stops at rows that are not sorted when it is told that they are.
    assert run("bedtools", "intersect", "-sorted", "-a", path, "-b", path, "-u").splitlines() == rows
    fasta = run("bedtools", "getfasta", "-s", "-fi", genome, "-bed", path)
    assert "WARNING" not in fasta and fasta.count(">") == len(rows)


def test_gtf_keeps_the_stop_codon_apart(tmp_path: Path) -> None:
    path = tmp_path / "zoo.gtf"
    genes = [
        OutputGene("chr1", "a", GeneModel(CODING, "+", ((10, 20), (30, 49), (60, 61))), 0.25),
        OutputGene("chr1", "b", GeneModel(CODING, "-", ((100, 101), (110, 122), (130, 132)))),
        OutputGene("chr1", "c", GeneModel(CODING, "+", ((180, 203),), End.OPEN, End.OPEN, 1)),
        ZOO[2],
        OutputGene("ring", "d", GeneModel(CODING, "-", ((270, 330),))),
    ]
    write_gtf(path, genes, {"chr1": 1000, "ring": 300})
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert [(row[8].split('"')[1], row[2], int(row[3]), int(row[4]), row[7]) for row in rows] == [
        ("a", "exon", 11, 20, "."),
        ("a", "exon", 31, 49, "."),
        ("a", "exon", 61, 61, "."),
        ("a", "CDS", 11, 20, "0"),
        ("a", "CDS", 31, 47, "2"),
        ("a", "start_codon", 11, 13, "0"),
        ("a", "stop_codon", 48, 49, "0"),
        ("a", "stop_codon", 61, 61, "1"),
        ("b", "exon", 101, 101, "."),
        ("b", "exon", 111, 122, "."),
        ("b", "exon", 131, 132, "."),
        ("b", "CDS", 113, 122, "1"),
        ("b", "CDS", 131, 132, "0"),
        ("b", "start_codon", 122, 122, "1"),
        ("b", "start_codon", 131, 132, "0"),
        ("b", "stop_codon", 101, 101, "1"),
        ("b", "stop_codon", 111, 112, "0"),
        ("c", "exon", 181, 203, "."),
        ("c", "CDS", 181, 203, "2"),
        ("gs3", "exon", 301, 336, "."),
        ("gs3", "exon", 351, 386, "."),
        ("d", "exon", 1, 30, "."),
        ("d", "CDS", 1, 30, "0"),
        ("d", "start_codon", 28, 30, "0"),
        ("d", "exon", 271, 300, "."),
        ("d", "CDS", 274, 300, "0"),
        ("d", "stop_codon", 271, 273, "0"),
    ]
    assert [row[8].split('"')[3] for row in rows[-6:]] == ["d.t1/2"] * 3 + ["d.t1/1"] * 3
    assert rows[0][5:] == [
        "0.250",
        "+",
        ".",
        'gene_id "a"; transcript_id "a.t1"; gene_biotype "protein_coding";',
    ]


@needs["gffread"]
def test_gffread_finds_the_same_cds_in_gtf_and_gff3(tmp_path: Path) -> None:
    gtf, gff3 = tmp_path / "zoo.gtf", tmp_path / "zoo.gff3"
    genes = [OutputGene("chr1", "a", GeneModel(CODING, "-", ((10, 20), (30, 50))))]
    write_gtf(gtf, genes, {"chr1": 100})
    write_gff3(gff3, genes, {"chr1": 100})
    tables = [run("gffread", "--table", "@id,@chr,@strand,@exons", path) for path in (gtf, gff3)]
    assert tables[0] == tables[1] == "a.t1\tchr1\t-\t11-20,31-50\n"
