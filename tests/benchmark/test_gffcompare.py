"""gffcompare and cuffcompare: their output, their input, and the real program where there is one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from genescribe.benchmark.gffcompare import class_codes, compare, find_program, parse_stats, prepared
from genescribe.benchmark.scorer import EUKARYOTE, score
from genescribe.benchmark.selection import select
from genescribe.errors import InputError
from genescribe.genomes.gff3 import read_gff3
from genescribe.language.gene_model import End

GFFCOMPARE_STATS = """\
# gffcompare v0.12.10 | Command line was:
#gffcompare --strict-match -e 0 -r ref.gff3 -o strict augustus.gff3
#

#= Summary for dataset: augustus.gff3
#     Query mRNAs :     496 in     496 loci  (27 multi-exon transcripts)
#            (0 multi-transcript loci, ~1.0 transcripts per locus)
# Reference mRNAs :     540 in     535 loci  (19 multi-exon)
# Super-loci w/ reference transcripts:      493
#-----------------| Sensitivity | Precision  |
        Base level:    98.0     |    99.2    |
        Exon level:    83.5     |    88.8    |
      Intron level:    68.2     |    46.9    |
Intron chain level:    63.2     |    44.4    |
  Transcript level:    83.5     |    90.9    |
       Locus level:    84.3     |    90.9    |

     Matching intron chains:      12
       Matching transcripts:     451
              Matching loci:     451

          Missed exons:      43/562\t(  7.7%)
           Novel exons:       8/528\t(  1.5%)
        Missed introns:       4/22\t( 18.2%)
"""

CUFFCOMPARE_STATS = """\
# Cuffcompare v2.2.1 | Command line was:
#cuffcompare -r ref.gff3 -o cuff augustus.gff3
#     Query mRNAs :     496 in     496 loci  (27 multi-exon transcripts)
# Reference mRNAs :     582 in     581 loci  (19 multi-exon)
#--------------------|   Sn   |  Sp   |  fSn |  fSp
        Base level: \t 97.0\t 99.2\t  - \t  -
        Exon level: \t 80.3\t 91.9\t 80.8\t 92.4
Intron chain level: \t  -\t 44.4\t 68.4\t 48.1
  Transcript level: \t 77.3\t 90.7\t 77.5\t 90.9
              Matching loci:     451
            Novel loci:       2/496\t(  0.4%)
"""


def test_gffcompare_stats() -> None:
    version, levels, counts = parse_stats(GFFCOMPARE_STATS)
    assert version == "0.12.10"
    assert levels == {
        "base": {"sensitivity": 98.0, "precision": 99.2},
        "exon": {"sensitivity": 83.5, "precision": 88.8},
        "intron": {"sensitivity": 68.2, "precision": 46.9},
        "intron_chain": {"sensitivity": 63.2, "precision": 44.4},
        "transcript": {"sensitivity": 83.5, "precision": 90.9},
        "locus": {"sensitivity": 84.3, "precision": 90.9},
    }
    assert counts == {
        "query_models": 496,
        "query_loci": 496,
        "reference_models": 540,
        "reference_loci": 535,
        "matching_intron_chains": 12,
        "matching_transcripts": 451,
        "matching_loci": 451,
        "missed_exons": 43,
        "missed_exons_of": 562,
        "novel_exons": 8,
        "novel_exons_of": 528,
        "missed_introns": 4,
        "missed_introns_of": 22,
    }


def test_cuffcompare_stats() -> None:
    version, levels, counts = parse_stats(CUFFCOMPARE_STATS)
    assert version == "2.2.1"
    assert levels["base"] == {"sensitivity": 97.0, "precision": 99.2}
    assert levels["exon"] == {"sensitivity": 80.3, "precision": 91.9}
    assert levels["intron_chain"] == {"sensitivity": None, "precision": 44.4}
    assert (counts["reference_models"], counts["matching_loci"], counts["novel_loci_of"]) == (582, 451, 496)


def test_class_codes_of_either_tmap() -> None:
    gffcompare = "ref_gene_id\tref_id\tclass_code\tqry_gene_id\nr1\tt1\t=\tg1\nr2\tt2\tj\tg2\nr3\tt3\t=\tg3\n"
    cuffcompare = "ref_gene_id\tref_id\tclass_code\tcuff_gene_id\n-\t-\tu\tg1\n"
    assert class_codes(gffcompare) == {"=": 2, "j": 1}
    assert class_codes(cuffcompare) == {"u": 1}


def test_prepared_files_have_one_transcript_a_model_and_exons(build: Any) -> None:
    annotation = build.annotation(
        build.gene("a b|c", build.model("+", (0, 90), (200, 260)), build.model("+", (0, 150))),
        build.gene("rna", build.model("+", (500, 580), kind="tRNA")),
    )
    text = prepared(select(annotation, annotation).reference)
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    assert [(row[2], row[3], row[4], row[8]) for row in rows] == [
        ("mRNA", "1", "260", "ID=m1.1"),
        ("exon", "1", "90", "Parent=m1.1"),
        ("exon", "201", "260", "Parent=m1.1"),
        ("mRNA", "1", "150", "ID=m4.2"),
        ("exon", "1", "150", "Parent=m4.2"),
    ]


def test_without_a_program_the_result_says_so(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    selection = select(build.annotation(), build.annotation())
    monkeypatch.setenv("PATH", "")
    result = compare(selection, "augustus")
    assert result["program"] is None
    assert result["reason"] == "neither gffcompare nor cuffcompare is on PATH"


def test_gffcompare_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("cuffcompare", "gffcompare"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert find_program() == name


def test_a_program_that_fails_is_reported(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gffcompare").write_text("#!/bin/sh\necho 'Error: out of cheese' >&2\nexit 1\n")
    (tmp_path / "gffcompare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    annotation = build.annotation(build.gene("g", build.model("+", (0, 300))))
    with pytest.raises(InputError, match="gffcompare failed: Error: out of cheese"):
        compare(select(annotation, annotation), "x")


needs_program = pytest.mark.skipif(
    not (shutil.which("gffcompare") or shutil.which("cuffcompare")),
    reason="neither gffcompare nor cuffcompare is installed",
)


@needs_program
def test_the_real_program_counts_as_we_do(build: Any) -> None:
    reference = build.annotation(
        build.gene("same", build.model("+", (1000, 1300), (1500, 1800))),
        build.gene("single", build.model("-", (5000, 5600))),
        build.gene("late", build.model("+", (9000, 9900))),
        build.gene("missed", build.model("+", (20_000, 20_300))),
    )
    prediction = build.annotation(
        build.gene("a", build.model("+", (1000, 1300), (1500, 1800))),
        build.gene("b", build.model("-", (5000, 5600))),
        build.gene("c", build.model("+", (9030, 9900))),
        build.gene("d", build.model("+", (30_000, 30_300), left=End.OPEN)),
        build.gene("e", build.model("-", (40_000, 40_300))),
    )
    result = compare(select(reference, prediction), "test")
    assert result["counts"]["reference_models"] == 4
    assert result["counts"]["query_models"] == 5
    assert result["levels"]["intron_chain"] == {"sensitivity": 100.0, "precision": 100.0}
    # 2 of 4 and 2 of 5 are exact, as in our own scores: no 80 % rule, no slack at the ends.
    assert result["levels"]["transcript"] == {"sensitivity": 50.0, "precision": 40.0}
    assert result["levels"]["exon"] == {"sensitivity": 60.0, "precision": 50.0}


@needs_program
def test_nothing_to_compare_is_no_failure(build: Any) -> None:
    annotation = build.annotation(build.gene("g", build.model("+", (0, 300))))
    result = compare(select(annotation, build.annotation()), "test")
    assert (result["program"], result["reason"]) == (None, "the prediction has no coding gene")


@pytest.mark.genomes
def test_exact_genes_are_those_that_gffcompare_matched() -> None:
    """Yeast chromosome VII against AUGUSTUS; gffcompare 0.12.10 was called with `--strict-match -e 0`."""
    folder = os.environ.get("GENESCRIBE_REFERENCE")
    if not folder:
        pytest.skip("GENESCRIBE_REFERENCE is not set")
    source = Path(folder) / "gffcompare"
    _, levels, counts = parse_stats((source / "strict.stats").read_text())
    selection = select(read_gff3(source / "ref.gff3.gz"), read_gff3(source / "augustus.gff3.gz"))
    metrics, _ = score(selection, EUKARYOTE)
    rows = metrics.head(4).set_index("metric").astype({"recall": float, "precision": float})
    models = [counts["reference_models"], counts["query_models"], counts["matching_transcripts"]]
    genes = rows[["reference", "predicted", "matched"]].to_numpy()[0].tolist()
    assert genes == models == [540, 496, 451]
    recall, precision = 100 * rows["recall"], 100 * rows["precision"]
    for name, level in (("gene", "transcript"), ("base", "base")):
        assert recall[name] == pytest.approx(levels[level]["sensitivity"], abs=0.051)
        assert precision[name] == pytest.approx(levels[level]["precision"], abs=0.051)
    # gffcompare compares each exon of the reference once per locus; distinct exons differ by a few.
    assert precision["cds_exon"] == pytest.approx(levels["exon"]["precision"], abs=0.1)
