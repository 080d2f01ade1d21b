"""The exact scorer on cases that can be counted by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from genescribe.benchmark.scorer import EUKARYOTE, PROKARYOTE, guess_domain, length_class, score
from genescribe.benchmark.selection import select
from genescribe.genomes.records import Annotation, Gene, Transcript
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from hypothesis import given, settings
from hypothesis import strategies as st


def counts(metrics: pd.DataFrame, metric: str, name: str = "all") -> tuple[int, int, int]:
    row = metrics[(metrics["metric"] == metric) & (metrics["class"] == name)]
    assert len(row) == 1
    return int(row["reference"].item()), int(row["predicted"].item()), int(row["matched"].item())


def verdicts(table: pd.DataFrame, side: str) -> dict[str, str]:
    rows = table[table["side"] == side]
    return dict(zip(rows["id"], rows["class"], strict=True))


def test_prokaryote_counts(build: Any) -> None:
    reference = build.annotation(
        build.gene("right", build.model("+", (0, 300))),
        build.gene("late", build.model("+", (1000, 1600))),
        build.gene("minus", build.model("-", (2000, 2900))),
        build.gene("missed", build.model("-", (4000, 4090))),
    )
    prediction = build.annotation(
        build.gene("p1", build.model("+", (0, 300))),
        build.gene("p2", build.model("+", (1030, 1600))),
        build.gene("p3", build.model("-", (2000, 2870))),
        build.gene("other_strand", build.model("+", (4000, 4090))),
        build.gene("other_stop", build.model("+", (5000, 5300))),
    )
    metrics, table = score(build.select(reference, prediction), PROKARYOTE)
    assert counts(metrics, "exact") == (4, 5, 1)
    assert counts(metrics, "three_prime") == (4, 5, 3)
    assert counts(metrics, "exact_given_three_prime") == (3, 3, 1)
    exact = metrics[metrics["metric"] == "exact"].iloc[0]
    assert (exact["precision"], exact["recall"]) == (1 / 5, 1 / 4)
    assert exact["f1"] == pytest.approx(2 / 9)
    assert verdicts(table, "reference") == {
        "right": "exact",
        "late": "wrong_start",
        "minus": "wrong_start",
        "missed": "missed",
    }
    assert verdicts(table, "predicted") == {
        "p1": "exact",
        "p2": "wrong_start",
        "p3": "wrong_start",
        "other_strand": "extra",
        "other_stop": "extra",
    }
    late = table[table["id"] == "late"].iloc[0]
    assert (late["start"], late["end"], late["partner"]) == (1001, 1600, "p2")


def test_a_prediction_with_a_shared_stop_is_counted_in_the_class_of_the_reference(build: Any) -> None:
    reference = build.annotation(build.gene("long", build.model("+", (0, 330))))
    prediction = build.annotation(
        build.gene("short", build.model("+", (60, 330))), build.gene("extra", build.model("+", (900, 1020)))
    )
    metrics, _ = score(build.select(reference, prediction), PROKARYOTE)
    assert counts(metrics, "three_prime", "300-599") == (1, 1, 1)
    assert counts(metrics, "three_prime", "150-299") == (0, 0, 0)
    assert counts(metrics, "three_prime", "<150") == (0, 1, 0)
    assert counts(metrics, "exact", "150-299") == (0, 1, 0)
    assert counts(metrics, "exact", "300-599") == (1, 0, 0)


@pytest.mark.parametrize(
    ("length", "name"),
    [(60, "<150"), (149, "<150"), (150, "150-299"), (599, "300-599"), (1200, "1200-2999"), (3000, ">=3000")],
)
def test_length_classes(length: int, name: str) -> None:
    assert length_class(length) == name


def test_a_gene_predicted_twice_is_one_too_many(build: Any) -> None:
    reference = build.annotation(build.gene("gene", build.model("+", (0, 300))))
    twice = [build.gene(name, build.model("+", (0, 300))) for name in ("a", "b")]
    metrics, table = score(build.select(reference, build.annotation(*twice)), PROKARYOTE)
    assert counts(metrics, "exact") == (1, 2, 1)
    assert counts(metrics, "three_prime") == (1, 1, 1)
    assert verdicts(table, "predicted") == {"a": "exact", "b": "extra"}


def test_a_file_with_alternative_starts_agrees_with_itself(build: Any) -> None:
    both = build.annotation(
        build.gene("gene", build.model("+", (0, 300)), build.model("+", (30, 300))),
        build.gene("open", build.model("+", (900, 1200), right=End.OPEN)),
        build.gene("open_too", build.model("+", (930, 1200), right=End.OPEN)),
    )
    metrics, _ = score(build.select(both, build.annotation(both.genes[0])), PROKARYOTE)
    assert counts(metrics, "exact") == (2, 2, 2)
    assert counts(metrics, "three_prime") == (1, 1, 1)
    other = build.annotation(build.gene("far", build.model("+", (5000, 5300))))
    metrics, _ = score(build.select(other, both), PROKARYOTE)
    assert counts(metrics, "three_prime") == (1, 3, 0)


def test_a_partial_prediction_counts_but_is_never_exact(build: Any) -> None:
    reference = build.annotation(build.gene("gene", build.model("+", (0, 300))))
    open_start = build.annotation(build.gene("p", build.model("+", (0, 300), left=End.OPEN)))
    open_stop = build.annotation(build.gene("p", build.model("+", (0, 300), right=End.OPEN)))
    for prediction, three_prime in ((open_start, 1), (open_stop, 0)):
        metrics, _ = score(build.select(reference, prediction), PROKARYOTE)
        assert counts(metrics, "exact") == (1, 1, 0)
        assert counts(metrics, "three_prime") == (1, 1, three_prime)


def test_origin_spanning_genes_are_compared_modulo_the_length(build: Any) -> None:
    reference = build.annotation(build.gene("g", build.model("+", (960, 1080))), length=1000, circular=True)
    one_row = build.annotation(build.gene("p", build.model("+", (960, 1080))), length=1000, circular=True)
    two_rows = build.annotation(
        build.gene("p", build.model("+", (0, 80), (960, 1000))), length=1000, circular=True
    )
    late = build.annotation(build.gene("p", build.model("+", (20, 80))), length=1000, circular=True)
    assert counts(score(build.select(reference, one_row), PROKARYOTE)[0], "exact") == (1, 1, 1)
    assert counts(score(build.select(reference, two_rows), PROKARYOTE)[0], "exact") == (1, 1, 1)
    metrics, table = score(build.select(reference, late), PROKARYOTE)
    assert counts(metrics, "exact") == (1, 1, 0)
    assert counts(metrics, "three_prime") == (1, 1, 1)
    assert verdicts(table, "reference") == {"g": "wrong_start"}


def test_verified_starts(build: Any) -> None:
    verified = build.annotation(
        build.gene("exact", build.model("+", (0, 300))),
        build.gene("late", build.model("+", (1000, 1600))),
        build.gene("missed", build.model("+", (3000, 3600))),
    )
    prediction = build.annotation(
        build.gene("a", build.model("+", (0, 300))),
        build.gene("b", build.model("+", (1030, 1600))),
        build.gene("unverified", build.model("+", (7000, 7600))),
    )
    metrics, _ = score(
        build.select(verified, prediction), PROKARYOTE, verified=build.select(verified, prediction)
    )
    assert counts(metrics, "verified_starts") == (3, 2, 1)
    row = metrics[metrics["metric"] == "verified_starts"].iloc[0]
    assert (row["recall"], row["precision"]) == (1 / 3, 1 / 2)


def test_eukaryote_counts(build: Any) -> None:
    reference = build.annotation(
        build.gene("isoforms", build.model("+", (0, 90), (200, 260)), build.model("+", (0, 150))),
        build.gene("spliced", build.model("-", (1000, 1100), (1200, 1320), (1500, 1541))),
        build.gene("single", build.model("+", (3000, 3300))),
    )
    prediction = build.annotation(
        build.gene("p1", build.model("+", (0, 90), (200, 260))),
        build.gene("p2", build.model("-", (1000, 1100), (1200, 1321), (1500, 1540))),
        build.gene("p3", build.model("+", (3000, 3300))),
        build.gene("p4", build.model("+", (5000, 5090))),
    )
    metrics, table = score(build.select(reference, prediction), EUKARYOTE)
    assert counts(metrics, "gene") == (3, 4, 2)
    assert counts(metrics, "cds_exon") == (7, 7, 4)
    assert counts(metrics, "spliced") == (2, 2, 1)
    # Of the first gene 0-150 and 200-260 are coding in one isoform or the other.
    assert counts(metrics, "base") == (150 + 60 + 261 + 300, 150 + 261 + 300 + 90, 150 + 260 + 300)
    assert verdicts(table, "reference") == {
        "isoforms": "exact",
        "spliced": "wrong_structure",
        "single": "exact",
    }
    assert verdicts(table, "predicted")["p4"] == "extra"


def test_any_isoform_makes_a_gene_right_once(build: Any) -> None:
    both = (build.model("+", (0, 90), (200, 260)), build.model("+", (0, 150)))
    reference = build.annotation(build.gene("g", *both))
    split = build.annotation(build.gene("a", both[0]), build.gene("b", both[1]))
    assert counts(score(build.select(reference, split), EUKARYOTE)[0], "gene") == (1, 2, 1)


def test_rna_genes_are_found_by_reciprocal_overlap(build: Any) -> None:
    def rna(name: str, start: int, end: int, strand: str = "+", kind: str = "tRNA") -> Gene:
        return build.gene(name, build.model(strand, (start, end), kind=kind))

    reference = build.annotation(rna("a", 0, 80), rna("b", 200, 280), rna("c", 400, 480), rna("d", 600, 680))
    prediction = build.annotation(
        rna("same", 0, 80),
        rna("half", 240, 320),
        rna("too_long", 400, 600),
        rna("other_strand", 600, 680, strand="-"),
        rna("other_kind", 600, 680, kind="rRNA"),
    )
    metrics, table = score(build.select(reference, prediction), PROKARYOTE)
    assert counts(metrics, "tRNA") == (4, 4, 2)
    assert counts(metrics, "rRNA") == (0, 1, 0)
    assert verdicts(table, "reference") == {"a": "exact", "b": "overlap", "c": "missed", "d": "missed"}
    assert math.isnan(metrics[metrics["metric"] == "rRNA"]["recall"].item())


def test_nothing_predicted(build: Any) -> None:
    reference = build.annotation(build.gene("gene", build.model("+", (0, 300))))
    for domain, metric in ((PROKARYOTE, "exact"), (EUKARYOTE, "gene")):
        metrics, table = score(build.select(reference, build.annotation()), domain)
        row = metrics[metrics["metric"] == metric].iloc[0]
        assert (row["recall"], row["f1"]) == (0, 0)
        assert math.isnan(row["precision"])
        assert verdicts(table, "reference") == {"gene": "missed"}


def test_the_domain_is_told_by_introns(build: Any) -> None:
    plain = [build.gene(f"g{n}", build.model("+", (n * 400, n * 400 + 300))) for n in range(99)]
    frameshift = build.gene("slip", build.model("+", (50_000, 50_030), (50_031, 50_061)))
    spliced = build.gene("spliced", build.model("+", (60_000, 60_030), (60_100, 60_130)))
    nothing = build.annotation()
    assert guess_domain(build.select(build.annotation(*plain, frameshift), nothing)) == PROKARYOTE
    assert guess_domain(build.select(build.annotation(*plain, spliced), nothing)) == EUKARYOTE


LENGTH = 1200


@st.composite
def circles(draw: st.DrawFn) -> Annotation:
    """Up to thirty single-segment genes on a circular sequence."""
    genes = []
    for number in range(draw(st.integers(0, 30))):
        start = draw(st.integers(0, LENGTH - 1))
        model = GeneModel(
            PROTEIN_CODING,
            draw(st.sampled_from("+-")),
            ((start, start + 3 * draw(st.integers(20, 60))),),
        )
        name = f"g{number}"
        genes.append(Gene(name, "chr", model.strand, PROTEIN_CODING, (Transcript(f"{name}.t", model),)))
    return Annotation(genes, [], {"chr"}, {"chr": LENGTH}, {})


def moved(annotation: Annotation, mirror: bool, offset: int) -> Annotation:
    """The same annotation read from the other strand, or with the origin elsewhere."""
    genes = []
    for gene in annotation.genes:
        model = gene.target.model
        if mirror:
            model = model.reverse_complement(LENGTH)
        turn = (model.start + offset) % LENGTH - model.start
        model = model.shifted(turn)
        genes.append(Gene(gene.id, "chr", model.strand, PROTEIN_CODING, (Transcript(gene.id + ".t", model),)))
    return Annotation(genes, [], {"chr"}, {"chr": LENGTH}, {})


@settings(max_examples=5, deadline=None)
@given(circles(), circles(), st.booleans(), st.integers(0, LENGTH - 1))
def test_scores_do_not_depend_on_strand_or_origin(
    one: Annotation, two: Annotation, mirror: bool, offset: int
) -> None:
    for domain in (PROKARYOTE, EUKARYOTE):
        plain, _ = score(select(one, two), domain)
        other, _ = score(select(moved(one, mirror, offset), moved(two, mirror, offset)), domain)
        pd.testing.assert_frame_equal(plain, other)


@settings(max_examples=5, deadline=None)
@given(circles(), circles())
def test_counts_fit_together(one: Annotation, two: Annotation) -> None:
    metrics, table = score(select(one, two), PROKARYOTE)
    reference, predicted, exact = counts(metrics, "exact")
    _, _, three_prime = counts(metrics, "three_prime")
    assert exact >= counts(metrics, "exact_given_three_prime")[2]
    assert three_prime <= min(reference, predicted)
    assert predicted == len(two.genes)
    assert three_prime >= exact - (predicted - counts(metrics, "three_prime")[1])
    assert list(verdicts(table, "predicted").values()).count("exact") == exact
    for metric in ("exact", "three_prime"):
        classes = metrics[(metrics["metric"] == metric) & (metrics["class"] != "all")]
        assert tuple(classes[["reference", "predicted", "matched"]].sum()) == counts(metrics, metric)
    same, _ = score(select(two, two), PROKARYOTE)
    distinct, _, matched = counts(same, "exact")
    assert matched == distinct
