"""The genome folder: what is in it, that it reads back, and that bad input leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.files import sha256
from genescribe.genomes import gffread
from genescribe.genomes.load import load_genome
from genescribe.genomes.normalize import describe, normalize_genome
from genescribe.genomes.records import Gene, Transcript
from genescribe.language.gene_model import End, GeneModel

Write = Callable[..., Path]
Gff = Callable[..., str]


CODING = "protein_coding"
PLUS = "ATGGCTGCTGCTGCTTAA"
SEQUENCE = "CC" + PLUS + "ccGTGATCTGAgg" + "N" * 7
ROWS = """
chr%201 region 1 40 + . ID=r;Is_circular=true
chr%201 gene 3 20 + . ID=gene-a;locus_tag=A;Dbxref=x
chr%201 CDS 3 20 + 0 ID=cds-a;Parent=gene-a;product=p
chr%201 gene 23 31 + . ID=gene-b
chr%201 CDS 23 31 + 0 ID=cds-b;Parent=gene-b;exception=RNA editing
chr%201 repeat_region 1 9 + . ID=rep
mt gene 1 12 + . ID=gene-m
mt CDS 1 12 + 0 ID=cds-m;Parent=gene-m;transl_table=4
"""
FASTA = f">chr 1\n{SEQUENCE}\n>mt\nATGTGAGCTTAA\n"
FILES = ["annotation.gff3", "flagged.tsv", "genome.fna", "left_out.tsv", "softmask.bed", "summary.json"]
needs_gffread = pytest.mark.skipif(shutil.which("gffread") is None, reason="gffread is not installed")


@pytest.fixture
def inputs(write: Write, gff: Gff) -> tuple[Path, Path]:
    return write(FASTA, "g.fna"), write(gff(ROWS), "g.gff3")


def test_folder(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out" / "g"
    summary = normalize_genome(*inputs, out, "tiny", "11", gffread=False)
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert (out / "genome.fna").read_text() == f">chr\n{SEQUENCE.upper()}\n>mt\nATGTGAGCTTAA\n"
    assert (out / "softmask.bed").read_text() == "chr\t20\t22\nchr\t31\t33\n"
    assert (out / "left_out.tsv").read_text() == (
        "id\tseqid\tstart\tend\tstrand\ttype\treason\nrep\tchr\t1\t9\t+\trepeat_region\tnot_a_gene\n"
    )
    assert (out / "flagged.tsv").read_text() == (
        "id\tgene\tseqid\tstart\tend\tstrand\tflags\nmrna-b\tgene-b\tchr\t23\t31\t+\texception\n"
    )
    assert json.loads((out / "summary.json").read_text()) == summary
    assert summary["sequences"] == [
        {"id": "chr", "length": 40, "circular": True, "genetic_code": 11},
        {"id": "mt", "length": 12, "circular": False, "genetic_code": 4},
    ]
    assert summary["genes_by_kind"] == {CODING: 3}
    assert summary["left_out_by_reason"] == {"not_a_gene": 1}
    assert summary["flagged_by_reason"] == {"exception": 1}
    assert summary["digests"]["inputs"] == {"fasta": sha256(inputs[0]), "gff3": sha256(inputs[1])}
    assert summary["digests"]["files"] == {name: sha256(out / name) for name in FILES[:-1]}
    assert "3 protein_coding" in " ".join(describe(summary))


def test_same_input_gives_same_bytes_and_other_files_stay(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for out in (first, second):
        normalize_genome(*inputs, out, "tiny", "11", gffread=False)
    (second / "regions").mkdir()
    normalize_genome(*inputs, second, "tiny", "11", gffread=False)
    assert (second / "regions").is_dir()
    assert [(first / name).read_bytes() for name in FILES] == [(second / name).read_bytes() for name in FILES]


def test_normalizing_what_is_normalized_changes_no_gene(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    normalize_genome(*inputs, first, "tiny", "11", gffread=False)
    normalize_genome(
        first / "genome.fna", first / "annotation.gff3", second, "tiny", "11;mt=4", gffread=False
    )
    for name in ("genome.fna", "annotation.gff3", "flagged.tsv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_load(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    normalize_genome(*inputs, tmp_path / "g", "tiny", "11", gffread=False)
    genome = load_genome(tmp_path / "g")
    assert genome.name == "tiny"
    assert genome.sequences == {"chr": SEQUENCE.upper(), "mt": "ATGTGAGCTTAA"}
    assert genome.circular == {"chr"}
    assert genome.genetic_codes == {"chr": 11, "mt": 4}
    assert genome.lengths == {"chr": 40, "mt": 12}
    assert [one.reason for one in genome.left_out] == ["not_a_gene"]
    assert [(one.start, one.end) for one in genome.left_out] == [(0, 9)]
    assert genome.annotation is not None
    assert genome.annotation.genetic_codes == {"mt": 4}
    a, b, m = genome.annotation.genes
    assert a == Gene(
        *("gene-a", "chr", "+", CODING),
        (Transcript("mrna-a", GeneModel(CODING, "+", ((2, 20),)), {"product": "p"}),),
        {"locus_tag": "A"},
    )
    assert (b.target.flags, m.target.flags) == ({"exception"}, frozenset())


def test_genome_without_annotation(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    normalize_genome(inputs[0], None, tmp_path / "g", "bare", "4", gffread=True)
    genome = load_genome(tmp_path / "g")
    assert genome.annotation is None
    assert genome.left_out == ()
    assert genome.genetic_codes == {"chr": 4, "mt": 4}
    assert sorted(path.name for path in (tmp_path / "g").iterdir()) == FILES


@pytest.mark.parametrize(
    ("fasta", "rows", "code", "message"),
    [
        pytest.param(FASTA, ROWS.replace("Parent=gene-a", "Parent=x"), "11", "g.gff3:4: Parent", id="GFF3"),
        pytest.param(">a\nMKV\n", ROWS, "11", "g.fna:", id="FASTA"),
        pytest.param(FASTA, ROWS, "31", "genetic code 31", id="ambiguous code"),
        pytest.param(FASTA, ROWS, "11;x=4", "there is no sequence 'x'", id="code of no sequence"),
        pytest.param(FASTA, "x gene 1 9 + . ID=g", "11", "'x' is not in the FASTA (chr, mt", id="names"),
    ],
)
def test_bad_input_leaves_nothing(
    write: Write, gff: Gff, tmp_path: Path, fasta: str, rows: str, code: str, message: str
) -> None:
    paths = write(fasta, "g.fna"), write(gff(rows), "g.gff3")
    with pytest.raises(InputError) as caught:
        normalize_genome(*paths, tmp_path / "out", "tiny", code, gffread=False)
    assert message in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.fna", "g.gff3"]


def test_missing_gffread_says_how_to_get_it(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"not on PATH: apt-get install gffread, or conda .* --no-gffread"):
        normalize_genome(*inputs, tmp_path / "out", "tiny", "11", gffread=True)
    assert not (tmp_path / "out").exists()


def test_load_refuses_what_is_no_genome_folder(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no genome folder"):
        load_genome(tmp_path)
    out = tmp_path / "g"
    normalize_genome(*inputs, out, "tiny", "11", gffread=False)
    (out / "genome.fna").write_text(">other\nACGT\n")
    with pytest.raises(InputError, match="do not fit"):
        load_genome(out)
    (out / "summary.json").write_text("{}")
    with pytest.raises(InputError, match="no summary"):
        load_genome(out)


@needs_gffread
def test_gffread_agrees_or_is_listed() -> None:
    """One transcript for each verdict that gffread can be brought to give, and one that it must not see."""
    codons = "ATG" + "GCT" * 20 + "TAA"
    broken = "ATG" + "TAA" + "GCT" * 20 + "TAA"
    gtg = "GTG" + "GCT" * 20 + "TAA"
    sequence = (codons + broken + gtg).ljust(250, "C")
    places = {"good": (0, 66), "stop inside": (66, 135), "GTG": (135, 201)}

    def gene(name: str, seqid: str, model: GeneModel, flags: frozenset[str] = frozenset()) -> Gene:
        return Gene(f"gene-{name}", seqid, "+", CODING, (Transcript(name, model, {}, flags),))

    genes = [
        gene(f"{name} {seqid}", seqid, GeneModel(CODING, "+", (place,)))
        for seqid in ("code1", "code11", "code4")
        for name, place in places.items()
    ]
    partial = GeneModel(CODING, "+", ((1, 60),), End.OPEN, End.OPEN, 1)
    genes += [
        gene("partial", "code1", partial, frozenset({"partial"})),
        gene("origin", "code11", GeneModel(CODING, "+", ((240, 300),))),
        gene("slip", "code11", GeneModel(CODING, "+", ((0, 30), (31, 66))), frozenset({"frameshift"})),
    ]
    codes = {"code1": 1, "code11": 11, "code4": 4}
    witness = gffread.confirm_proteins(genes, dict.fromkeys(codes, sequence), codes)
    # Under code 1 GTG is no start; under code 4 nothing is dropped, and all is compared in the standard code.
    assert witness.verdicts == {"identical": 7, "both_refuse": 3, "not_checked": 2}
    assert witness.disagreements == []


@needs_gffread
def test_gffread_contradicts_a_wrong_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = "ATG" + "GCT" * 20 + "TAA"
    gene = Gene("g", "c", "+", CODING, (Transcript("t", GeneModel(CODING, "+", ((0, 66),))),))
    monkeypatch.setattr(gffread, "translate", lambda *_: "M" + "V" * 20)
    assert gffread.confirm_proteins([gene], {"c": sequence}, {"c": 11}).disagreements == [("t", "different")]
    monkeypatch.setattr(gffread, "translate", lambda *_: "M*" + "V" * 19)
    assert gffread.confirm_proteins([gene], {"c": sequence}, {"c": 11}).disagreements == [
        ("t", "only_gffread_accepts")
    ]


@needs_gffread
@pytest.mark.parametrize(
    ("name", "code", "verdicts"),
    [
        ("escherichia_coli_k12", "11", {"identical": 4238, "both_refuse": 3, "not_checked": 1}),
        ("saccharomyces_cerevisiae_chr1_2", "1", {"identical": 578, "not_checked": 3}),
    ],
)
def test_gffread_confirms_the_bundled_genomes(
    bundled: Path, tmp_path: Path, name: str, code: str, verdicts: dict[str, int]
) -> None:
    files = bundled / name / "genome.fna.gz", bundled / name / "annotation.gff3.gz"
    summary = normalize_genome(*files, tmp_path / name, name, code, gffread=True)
    found = {key: value for key, value in summary["gffread"].items() if key in gffread.VERDICTS and value}
    assert found == verdicts


def test_gzip_input_gives_the_same_genes(inputs: tuple[Path, Path], write: Write, tmp_path: Path) -> None:
    packed = [write(gzip.compress(path.read_bytes()), path.name + ".gz") for path in inputs]
    normalize_genome(*inputs, tmp_path / "1", "g", "11", gffread=False)
    normalize_genome(packed[0], packed[1], tmp_path / "2", "g", "11", gffread=False)
    for name in FILES[:-1]:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_command_line_says_it_in_one_line_and_exits_with_2(write: Write, tmp_path: Path) -> None:
    fasta, out = write(">p\nMKVLL\n", "p.faa"), tmp_path / "out"
    command = [sys.executable, "-m", "genescribe", "normalize", str(fasta), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"{fasta}:2: 'L' is no nucleotide" in done.stderr
    assert not out.exists()
