"""Accuracy by length, start codon, GC content and strand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from genescribe.benchmark.prodigal import predict
from genescribe.benchmark.scorer import EUKARYOTE, PROKARYOTE, score
from genescribe.benchmark.selection import select
from genescribe.benchmark.strata import strata
from genescribe.genomes.load import load_genome
from genescribe.genomes.records import Annotation
from genescribe.genomes.regions import Region

PLUS = "ATG" + "GCA" * 98 + "TAA"
LATE = "GTG" + "ATA" * 98 + "TAA"


@pytest.fixture
def genes(build: Any) -> pd.DataFrame:
    """A long gene found, a gene with the wrong start, a missed one, an extra one."""
    sequence = PLUS + LATE + "N" * 20_000
    reference = build.annotation(
        build.gene("right", build.model("+", (0, 300))),
        build.gene("late", build.model("+", (300, 600))),
        build.gene("missed", build.model("-", (1000, 1300))),
        build.gene("rna", build.model("+", (5000, 5080), kind="tRNA")),
        length=len(sequence),
    )
    prediction = build.annotation(
        build.gene("p1", build.model("+", (0, 300))),
        build.gene("p2", build.model("+", (570, 600))),
        build.gene("p3", build.model("+", (2000, 4000))),
        length=len(sequence),
    )
    _, table = score(build.select(reference, prediction), PROKARYOTE, sequences={"chr": sequence})
    return table


def counts(frame: pd.DataFrame, metric: str, name: str) -> dict[str, tuple[int, int, int]]:
    rows = frame[(frame["metric"] == metric) & (frame["property"] == name)]
    return {row["class"]: (row["reference"], row["predicted"], row["matched"]) for _, row in rows.iterrows()}


def test_classes_of_a_hand_made_table(genes: pd.DataFrame) -> None:
    found = strata(genes, PROKARYOTE)
    assert counts(found, "exact", "length") == {
        "<150": (0, 1, 0),
        "300-599": (3, 1, 1),
        "1200-2999": (0, 1, 0),
    }
    # With the right stop the short prediction belongs to its long reference gene.
    assert counts(found, "three_prime", "length") == {"300-599": (3, 2, 2), "1200-2999": (0, 1, 0)}
    assert counts(found, "exact", "start_codon") == {"ATG": (1, 1, 1), "GTG": (1, 0, 0), "other": (1, 2, 0)}
    assert counts(found, "three_prime", "start_codon") == {
        "ATG": (1, 1, 1),
        "GTG": (1, 1, 1),
        "other": (1, 1, 0),
    }
    # Genes of N alone have no GC content.
    assert counts(found, "exact", "gc") == {"<30": (1, 1, 0), "65-70": (1, 1, 1)}
    assert counts(found, "exact", "strand") == {"+": (2, 3, 1), "-": (1, 0, 0)}


def test_ratios_and_eukaryotes(genes: pd.DataFrame) -> None:
    rows = strata(genes, EUKARYOTE)
    plus = rows[(rows["property"] == "strand") & (rows["class"] == "+")].iloc[0]
    assert (plus["metric"], plus["precision"], plus["recall"], plus["f1"]) == ("gene", 1 / 3, 1 / 2, 2 / 5)


def test_without_a_genome_there_are_lengths_and_strands(build: Any) -> None:
    one = build.annotation(build.gene("a", build.model("+", (0, 300))))
    _, table = score(build.select(one, one), PROKARYOTE)
    assert strata(table, PROKARYOTE)["property"].unique().tolist() == ["length", "strand"]


def test_no_gene_at_all(build: Any) -> None:
    _, table = score(build.select(build.annotation(), build.annotation()), PROKARYOTE)
    assert strata(table, PROKARYOTE).empty


def test_classes_add_up_and_agree_with_the_scorer(ecoli: Path) -> None:
    genome = load_genome(ecoli)
    assert genome.annotation is not None
    regions = [Region("NC_000913.2", 100_000, 200_000)]
    predicted = [one.gene() for one in predict(genome.sequences, genome.genetic_codes, regions)]
    selection = select(
        genome.annotation, Annotation(predicted, regions=genome.lengths), genome.left_out, regions
    )
    metrics, table = score(selection, PROKARYOTE, sequences=genome.sequences)
    found = strata(table, PROKARYOTE)
    names = ["reference", "predicted", "matched"]
    whole = metrics[metrics["class"] == "all"].set_index("metric")[names]
    for _, rows in found.groupby(["metric", "property"]):
        assert rows[names].sum().tolist() == whole.loc[rows["metric"].iloc[0]].tolist()
    by_length = metrics[(metrics["class"] != "all") & (metrics["reference"] + metrics["predicted"] > 0)]
    expected = by_length[by_length["metric"].isin(["exact", "three_prime"])].set_index(["metric", "class"])
    lengths = found[found["property"] == "length"].set_index(["metric", "class"])
    pd.testing.assert_frame_equal(lengths[names], expected[names], check_dtype=False)
    # E. coli begins nine genes in ten with ATG.
    starts = counts(found, "exact", "start_codon")
    assert starts["ATG"][0] > 0.8 * sum(reference for reference, _, _ in starts.values())
    assert starts["GTG"][0] > 0
