"""The table of genes and the summary, on genes that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from genescribe.genomes.annotation_summary import summarize
from genescribe.genomes.gene_list import COLUMNS, write_gene_list
from genescribe.genomes.records import Gene, OutputGene, Transcript
from genescribe.language.gene_model import End, GeneModel

CODING = "protein_coding"
PLUS = "GTGGCTGCTTGA"
MINUS = "TTATGAGCCAT"  # ATG GCT CA-T AA on the other strand, over a gap of one base
SEQUENCES = {"c": "CC" + PLUS + "CC" + MINUS + "CCC", "ring": "CTTAACCCCCATGG", "bare": "NNNNACGT"}
CODES = {"c": 11, "ring": 4, "bare": 11}
GENES: list[OutputGene | Gene] = [
    OutputGene("c", "one", GeneModel(CODING, "+", ((2, 14),)), 0.91),
    Gene(
        "two",
        "c",
        "-",
        CODING,
        (Transcript("t 2", GeneModel(CODING, "-", ((16, 20), (19, 27))), {"product": "a\tprotein"}),),
        {"locus_tag": "L2", "Name": "abc"},
    ),
    OutputGene("c", "three", GeneModel("tRNA", "+", ((20, 25),), right=End.OPEN), 0.4),
    OutputGene("ring", "four", GeneModel(CODING, "+", ((10, 19),)), 0.7),
    OutputGene("ring", "five", GeneModel(CODING, "-", ((0, 5),), End.OPEN, End.OPEN, 1), 0.2),
]


def test_table(tmp_path: Path) -> None:
    path = tmp_path / "genes.tsv"
    write_gene_list(path, GENES, SEQUENCES, CODES)
    lines = path.read_text().splitlines()
    assert lines[0].split("\t") == list(COLUMNS)
    assert lines[1:] == [
        row.replace("|", "\t")
        for row in (
            "one|one.t1|c|3|14|+|protein_coding|0.910|no|3-14|12|GTG|TGA|3||",
            "two|t 2|c|17|27|-|protein_coding||no|17-20,20-27|12|ATG|TAA|3|abc|a protein",
            "three|three.t1|c|21|25|+|tRNA|0.400|stop|21-25|5|||||",
            "four|four.t1|ring|11|19|+|protein_coding|0.700|no|11-19|9|ATG|TAA|2||",
            "five|five.t1|ring|1|5|-|protein_coding|0.200|both|1-5|5|||1||",
        )
    ]
    assert len(pd.read_csv(path, sep="\t")) == len(GENES)


def test_summary() -> None:
    genes = [one.gene() if isinstance(one, OutputGene) else one for one in GENES]
    assert summarize(genes, SEQUENCES, {"ring"}, CODES) == {
        "sequences": {
            "count": 3,
            "circular": 1,
            "without_genes": 1,
            "bases": 52,
            "gc": 0.5833,
            "genetic_codes": {"11": 2, "4": 1},
        },
        "genes": {
            "count": 5,
            "by_kind": {CODING: 4, "tRNA": 1},
            "by_strand": {"+": 3, "-": 2},
            "partial": {"both": 1, "stop": 1},
            "over_the_origin": 1,
        },
        "coding": {
            # 12 and 11 on c; 4 + 5 of `four`, and `five` lies on the same five.
            "bases": 32,
            "share_of_bases": 0.6154,
            "gc": 0.3947,
            "several_segments": 1,
            "median_length": 10.5,
            "longest": 12,
            "start_codons": {"ATG": 2, "GTG": 1},
            "stop_codons": {"TAA": 2, "TGA": 1},
        },
        "scores": {"genes": 4, "mean": 0.5525, "from": {"0.9": 1, "0.7": 1, "0.5": 0, "0.0": 2}},
    }


def test_summary_of_nothing() -> None:
    found = summarize([], {"n": "NNNN"}, (), {"n": 11})
    assert found["sequences"]["gc"] is None
    assert found["genes"]["count"] == found["coding"]["bases"] == 0
    assert found["coding"]["median_length"] is found["scores"]["mean"] is None
