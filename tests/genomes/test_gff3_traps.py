"""GFF3 as it is met: every trap by hand, with the model that must come of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.records import Annotation
from genescribe.language.gene_model import End, GeneModel

Write = Callable[..., Path]
Read = Callable[..., Annotation]
Gff = Callable[..., str]


CODING = "protein_coding"
GENE = "c gene 1 900 + . ID=gene-g;gene_biotype=protein_coding;locus_tag=L1\n"


def reasons(read: Read, rows: str, lengths: dict[str, int] | None = None) -> list[tuple[str, str]]:
    return [(one.id, one.reason) for one in read(rows, lengths).left_out]


def test_rows_of_one_id_are_one_cds(read: Read) -> None:
    rows = GENE + (
        "c mRNA 1 900 + . ID=m;Parent=gene-g\n"
        "c CDS 700 720 + 0 ID=x;Parent=m;protein_id=P\n"
        "c CDS 1 60 + 0 ID=x;Parent=m;protein_id=P\n"
        "c exon 1 60 + . Parent=m\n"
    )
    (gene,) = read(rows).genes
    (one,) = gene.transcripts
    assert (gene.id, gene.kind, gene.strand) == ("gene-g", CODING, "+")
    assert gene.attributes == {"locus_tag": "L1"}
    assert one.id == "m"
    assert one.model == GeneModel(CODING, "+", ((0, 60), (699, 720)))
    assert one.attributes == {"protein_id": "P"}
    assert one.flags == frozenset()
    assert read(rows).left_out == []


def test_several_parents(read: Read) -> None:
    rows = GENE + (
        "c mRNA 1 90 + . ID=m1;Parent=gene-g\nc mRNA 1 300 + . ID=m2;Parent=gene-g\n"
        "c CDS 1 60 + 0 Parent=m1,m2\nc CDS 200 230 + 0 Parent=m2\n"
    )
    (gene,) = read(rows).genes
    models = {one.id: one.model.segments for one in gene.transcripts}
    assert models == {"m1": ((0, 60),), "m2": ((0, 60), (199, 230))}


def test_gene_with_cds_right_below(read: Read) -> None:
    gene, other = read(
        GENE
        + "c CDS 1 60 + 0 ID=cds-P1;Parent=gene-g\nc CDS 1 90 + 0 ID=cds-P2;Parent=gene-g\n"
        + "c gene 101 190 - . ID=h\nc CDS 101 130 - 0 Parent=h\nc CDS 161 190 - 0 Parent=h"
    ).genes
    assert {one.id: one.model.segments for one in gene.transcripts} == {
        "mrna-P1": ((0, 60),),
        "mrna-P2": ((0, 90),),
    }
    assert [one.id for one in other.transcripts] == ["mrna-h"]
    assert other.target.model == GeneModel(CODING, "-", ((100, 130), (160, 190)))


def test_features_without_a_gene(read: Read) -> None:
    cds, rna, orphan = read(
        "c CDS 1 90 + 0 ID=verified-b1;gene=x\nc tRNA 201 270 - . ID=t1\n"
        "c noncoding_exon 201 230 - . Parent=t1\nc noncoding_exon 241 270 - . Parent=t1\n"
        "c operon 301 500 + . ID=o\nc mRNA 301 390 + . ID=m;Parent=o\nc CDS 301 390 + 0 Parent=m"
    ).genes
    assert (cds.id, cds.target.id, cds.kind) == ("gene-verified-b1", "mrna-verified-b1", CODING)
    assert cds.attributes == {"gene": "x"}
    assert rna.target.model == GeneModel("tRNA", "-", ((200, 230), (240, 270)))
    assert (orphan.id, orphan.target.id) == ("gene-m", "m")


def test_unsorted_rows_read_the_same(read: Read) -> None:
    rows = (
        GENE
        + "c mRNA 1 900 + . ID=m;Parent=gene-g\nc CDS 1 60 + 0 ID=x;Parent=m\nc CDS 700 720 + 0 ID=x;Parent=m"
    )
    reverse = "\n".join(reversed(rows.splitlines()))
    assert read(reverse).genes == read(rows).genes


@pytest.mark.parametrize(
    ("biotype", "kind"),
    [
        *(
            ("tRNA", "tRNA"),
            ("rRNA", "rRNA"),
            ("tmRNA", "tmRNA"),
            ("SRP_RNA", "ncRNA"),
            ("RNase_P_RNA", "ncRNA"),
        ),
        *(("antisense_RNA", "ncRNA"), ("snRNA", "ncRNA"), ("snoRNA", "ncRNA"), ("ncRNA", "ncRNA")),
        *(("lnc_RNA", "ncRNA"), ("transcript", "ncRNA"), ("miRNA", "ncRNA")),
    ],
)
def test_kinds_of_rna(read: Read, biotype: str, kind: str) -> None:
    (gene,) = read(
        f"c gene 1 90 - . ID=g\nc {biotype} 1 90 - . ID=r;Parent=g\nc exon 1 90 - . Parent=r"
    ).genes
    assert (gene.kind, gene.target.id) == (kind, "r")
    assert gene.target.model == GeneModel(kind, "-", ((0, 90),))


def test_rna_gene_that_is_only_a_gene_row(read: Read) -> None:
    (gene,) = read("c gene 1 90 - . ID=gene-t;gene_biotype=tRNA").genes
    assert (gene.kind, gene.target.id) == ("tRNA", "rna-t")


def test_pseudogenes_keep_their_span_and_leave_out_their_cds(read: Read) -> None:
    annotation = read(
        "c pseudogene 1 900 - . ID=p;partial=true;start_range=.,1;pseudo=true\n"
        "c CDS 1 30 - 0 ID=x;Parent=p;pseudo=true\nc CDS 90 190 - 0 ID=x;Parent=p;pseudo=true\n"
        "c gene 1001 1090 + . ID=q\nc CDS 1001 1090 + 0 ID=y;Parent=q;pseudo=true\n"
        "c gene 2001 2090 + . ID=r;gene_biotype=tRNA_pseudogene\nc pseudogenic_tRNA 2001 2090 + . Parent=r"
    )
    assert [(gene.id, gene.target.model) for gene in annotation.genes] == [
        ("p", GeneModel("pseudogene", "-", ((0, 900),))),
        ("q", GeneModel("pseudogene", "+", ((1000, 1090),))),
        ("r", GeneModel("pseudogene", "+", ((2000, 2090),))),
    ]
    assert [(one.id, one.reason, one.start, one.end) for one in annotation.left_out] == [
        ("x", "pseudogene", 0, 190),
        ("y", "pseudogene", 1000, 1090),
    ]


def test_what_gives_no_gene_is_listed_with_its_reason(read: Read) -> None:
    rows = (
        "c region 1 9000 + . ID=c;Is_circular=true\n"
        "c mobile_genetic_element 1 90 + . ID=is1\n"
        "c gene 101 190 + . ID=nothing\n"
        "c gene 201 290 + . ID=g;gene_biotype=protein_coding\nc mRNA 201 290 + . ID=m;Parent=g\n"
        "c gene 301 390 + . ID=h\nc mRNA 301 390 + . ID=k;Parent=h\nc CDS 301 390 + 0 ID=x;Parent=k\n"
        "c lnc_RNA 301 380 + . ID=l;Parent=h\n"
        "c gene 401 490 . . ID=i\nc CDS 401 490 . 0 ID=y;Parent=i\n"
        "c repeat_region 501 590 + . ID=rep\nc binding_site 511 519 + . Parent=rep\n"
        "c pseudogene 601 690 ? . ID=odd\n"
    )
    assert reasons(read, rows) == [
        ("is1", "not_a_gene"),
        ("nothing", "no_cds_or_rna"),
        ("m", "no_cds"),
        ("l", "noncoding_isoform"),
        ("y", "no_strand"),
        ("rep", "not_a_gene"),
        ("odd", "no_strand"),
    ]
    assert [gene.id for gene in read(rows).genes] == ["h"]


def test_only_rows_that_mean_the_whole_sequence_give_its_length(read: Read) -> None:
    rows = "c region 1 62 + . ID=telomere\nd region 1 900 + . ID=d:1..900\ne chromosome 1 800 . . ID=chrE\n"
    annotation = read(rows + "c CDS 101 190 + 0 ID=x")
    assert annotation.regions == {"d": 900, "e": 800}
    assert [(one.id, one.reason) for one in annotation.left_out] == [("telomere", "not_a_gene")]


def test_trans_splicing_on_two_strands_is_left_out(read: Read) -> None:
    rows = (
        "c gene 1 30 + . ID=g;exception=trans-splicing;part=1\n"
        "c gene 500 590 - . ID=g;exception=trans-splicing;part=2\n"
        "c CDS 1 30 + 0 ID=x;Parent=g;exception=trans-splicing\n"
        "c CDS 500 590 - 0 ID=x;Parent=g;exception=trans-splicing\n"
    )
    assert read(rows).genes == []
    assert reasons(read, rows) == [("x", "trans_splicing")]


@pytest.mark.parametrize(
    ("cds", "flags"),
    [
        (
            "c CDS 1 30 + 0 {};exception=ribosomal slippage\nc CDS 30 89 + 0 {};exception=ribosomal slippage",
            "ef",
        ),
        ("c CDS 1 30 + 0 {}\nc CDS 32 91 + 0 {}", "f"),
        ("c CDS 1 30 + 0 {}\nc CDS 50 109 + 0 {}", ""),
        ("c CDS 1 90 + 0 {};transl_except=(pos:4..6%2Caa:Sec)", "t"),
        ("c CDS 1 89 + 0 {}", "l"),
        ("c CDS 1 89 + 0 {};partial=true;end_range=89,.", "p"),
    ],
)
def test_flags(read: Read, cds: str, flags: str) -> None:
    names = {
        **{"e": "exception", "f": "frameshift", "t": "transl_except"},
        **{"l": "length_not_multiple_of_3", "p": "partial"},
    }
    (gene,) = read(GENE + cds.replace("{}", "ID=x;Parent=gene-g")).genes
    assert gene.target.flags == {names[letter] for letter in flags}


def test_adjacent_rows_are_one_segment_and_repeated_rows_one(read: Read) -> None:
    row = "c CDS 1 30 + 0 ID=x;Parent=gene-g\n"
    (gene,) = read(GENE + row + row + "c CDS 31 90 + 0 ID=x;Parent=gene-g").genes
    assert gene.target.model == GeneModel(CODING, "+", ((0, 90),))


@pytest.mark.parametrize(
    ("cds", "model"),
    [
        pytest.param(
            "1 62 + 2 {};partial=true;start_range=.,1",
            GeneModel(CODING, "+", ((0, 62),), End.OPEN, End.CLOSED, 1),
            id="plus, start missing",
        ),
        pytest.param(
            "1 61 + 0 {};partial=true;end_range=61,.",
            GeneModel(CODING, "+", ((0, 61),), End.CLOSED, End.OPEN),
            id="plus, stop missing",
        ),
        pytest.param(
            "1 61 - 0 {};partial=true;start_range=.,1",
            GeneModel(CODING, "-", ((0, 61),), End.OPEN, End.CLOSED, 2),
            id="minus, stop missing",
        ),
        pytest.param(
            "1 61 - 1 {};partial=true;end_range=61,.",
            GeneModel(CODING, "-", ((0, 61),), End.CLOSED, End.OPEN),
            id="minus, start missing",
        ),
        pytest.param(
            "1 61 - 2 {};partial=true;start_range=.,1;end_range=61,.",
            GeneModel(CODING, "-", ((0, 61),), End.OPEN, End.OPEN, 1),
            id="minus, both missing",
        ),
        pytest.param(
            "1 62 + 2 {};partial=true",
            GeneModel(CODING, "+", ((0, 62),), End.OPEN, End.CLOSED, 1),
            id="no range, at the sequence's start",
        ),
        pytest.param(
            "301 361 + 1 {};partial=true",
            GeneModel(CODING, "+", ((300, 361),), End.OPEN, End.OPEN, 2),
            id="no range, inside",
        ),
        pytest.param(
            "301 361 + 1 {}",
            GeneModel(CODING, "+", ((300, 361),), End.OPEN, End.CLOSED, 2),
            id="no mark but the phase",
        ),
        pytest.param(
            "301 360 - 0 {};partial=01",
            GeneModel(CODING, "-", ((300, 360),), End.CLOSED, End.OPEN),
            id="Prodigal",
        ),
        pytest.param(
            "301 360 - 0 {};partial=00", GeneModel(CODING, "-", ((300, 360),)), id="Prodigal, complete"
        ),
    ],
)
def test_partial_ends_and_frame(read: Read, cds: str, model: GeneModel) -> None:
    (gene,) = read(GENE + "c CDS " + cds.replace("{}", "ID=x;Parent=gene-g"), {"c": 1000}).genes
    assert gene.target.model == model
    assert gene.target.flags == ({"partial"} if not model.is_complete else set())


def test_partial_gene_rows_alone_say_nothing_about_the_cds(read: Read) -> None:
    rows = (
        "c gene 1 90 + . ID=g;partial=true;start_range=.,1;end_range=90,.\n"
        "c mRNA 1 90 + . ID=m;Parent=g;partial=true;start_range=.,1\nc CDS 1 90 + 0 ID=x;Parent=m"
    )
    (gene,) = read(rows).genes
    assert gene.target.model.is_complete


def test_partial_between_segments_is_left_out(read: Read) -> None:
    rows = (
        GENE
        + "c CDS 1 30 + 0 ID=x;Parent=gene-g;partial=true;end_range=30,.\nc CDS 61 90 + 0 ID=x;Parent=gene-g"
    )
    assert reasons(read, rows) == [("x", "partial_inside")]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            "c gene 971 1060 {} . ID=g\nc CDS 971 1060 {} 0 ID=x;Parent=g", id="end beyond the length"
        ),
        pytest.param(
            "c gene 971 1060 {} . ID=g\nc CDS 971 1000 {} 0 ID=x;Parent=g\nc CDS 1 60 {} 0 ID=x;Parent=g",
            id="two rows below a gene beyond the length",
        ),
        pytest.param(
            "c gene 1 1000 {} . ID=g\nc CDS 971 1000 {} 0 ID=x;Parent=g\nc CDS 1 60 {} 0 ID=x;Parent=g",
            id="two rows that touch both ends",
        ),
    ],
)
@pytest.mark.parametrize("strand", ["+", "-"])
def test_gene_over_the_origin(read: Read, rows: str, strand: str) -> None:
    head = "c region 1 1000 + . ID=r;Is_circular=true\n"
    annotation = read(head + rows.format(*strand * 3), {"c": 1000})
    assert annotation.circular == {"c"}
    (gene,) = annotation.genes
    assert gene.target.model == GeneModel(CODING, strand, ((970, 1060),))


def test_intron_over_the_origin(read: Read) -> None:
    rows = (
        "c region 1 1000 + . ID=r;Is_circular=true\n"
        "c gene 901 1190 + . ID=g\nc mRNA 901 1190 + . ID=m;Parent=g\n"
        "c CDS 901 960 + 0 ID=x;Parent=m\nc CDS 101 190 + 0 ID=x;Parent=m"
    )
    (gene,) = read(rows, {"c": 1000}).genes
    assert gene.target.model.segments == ((900, 960), (1100, 1190))


def test_escapes_directives_crlf_and_embedded_fasta(write: Write, gff: Gff) -> None:
    text = gff(
        "chr%201 gene 1 90 + . ID=g%3B1;Note=a%2Cb%20%25\n"
        "chr%201 mRNA 1 90 + . ID=m%2C1;Parent=g%3B1\n"
        "chr%201 CDS 1 90 + 0 ID=x;Parent=m%2C1;product=50%25%3D half;",
        head="##gff-version 3\r\n##sequence-region chr%201 1 500\n#!processor x\n\n",
    )
    text = text.replace("\n", "\r\n") + "###\r\n# end\r\n##FASTA\r\n>chr 1\r\nACGT\r\n"
    annotation = read_gff3(write(text), {"chr 1": 500})
    (gene,) = annotation.genes
    assert (gene.id, gene.seqid, gene.attributes) == ("g;1", "chr 1", {"Note": "a,b %"})
    assert gene.target.id == "m,1"
    assert gene.target.attributes == {"product": "50%= half"}
    assert annotation.regions == {"chr 1": 500}


def test_gzip_reads_the_same(write: Write, gff: Gff) -> None:
    text = gff(GENE + "c CDS 1 90 + 0 ID=x;Parent=gene-g")
    packed = read_gff3(write(gzip.compress(text.encode()), "a.gff3"))
    assert packed == read_gff3(write(text, "b.gff3"))
    assert len(packed.genes) == 1


def test_names_of_sequences_with_blanks(write: Write, gff: Gff) -> None:
    text = gff("chr%201 CDS 1 90 + 0 ID=x")
    (gene,) = read_gff3(write(text), {"chr": 500}, aliases={"chr 1": "chr"}).genes
    assert gene.seqid == "chr"


def test_genetic_codes_of_sequences(read: Read) -> None:
    rows = "a CDS 1 90 + 0 ID=x\nb CDS 1 90 + 0 ID=y;transl_table=3\nc CDS 1 90 + 0 ID=z;transl_table=1"
    assert read(rows, genetic_code=1).genetic_codes == {"b": 3}
    assert read(rows, genetic_code=11).genetic_codes == {"b": 3, "c": 1}


def test_scores_and_ranking(write: Write, gff: Gff) -> None:
    text = gff(
        GENE
        + "c mRNA 1 900 + . ID=b;Parent=gene-g\nc CDS 1 60 + 0 ID=x;Parent=b\n"
        + "c mRNA 1 900 + . ID=a;Parent=gene-g\nc CDS 1 60 + 0 ID=y;Parent=a\n"
        + "c mRNA 1 900 + . ID=flagged;Parent=gene-g\n"
        + "c CDS 1 600 + 0 ID=z;Parent=flagged;exception=RNA editing\n"
        + "c mRNA 1 900 + . ID=short;Parent=gene-g\nc CDS 1 30 + 0 ID=w;Parent=short\n"
    ).replace("900\t.", "900\t0.25", 1)
    (gene,) = read_gff3(write(text)).genes
    assert gene.score == 0.25
    assert [one.id for one in gene.ranked] == ["a", "b", "short", "flagged"]
    assert gene.target.id == "a"
