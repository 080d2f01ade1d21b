"""The score files of `genescribe score`: read, and ordered for the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genescribe.errors import InputError
from genescribe.language.gene_model import RNA_KINDS
from genescribe.report.numbers import count, percent

PREDICTORS = {"genescribe": "GeneScribe", "augustus": "AUGUSTUS", "prodigal": "Prodigal"}
CONTROLS = {
    "random_weights": ("Random weights", "the same program with an untrained network"),
    "no_cross_attention": (
        "No cross-attention",
        "the decoder does not read the encoder's memory; it only points into its features",
    ),
    "dense_orf": ("Dense heads + ORF rule", "no decoder: per-base classes and open reading frames"),
}
RATES = {
    "exact": ("Exact", "start and stop both right"),
    "three_prime": ("3′ end", "strand and stop codon right, whatever the start"),
    "gene": ("Gene", "every coding segment right, as in one of the gene's transcripts"),
    "cds_exon": ("Coding exon", "both ends of a coding exon right"),
    "spliced": ("Spliced gene", "genes with introns, every segment right"),
    "base": ("Base", "coding bases on the right strand"),
}
_SHARES = {
    "exact_given_three_prime": ("Start, given 3′", "start right among genes whose stop is right"),
    "verified_starts": ("Verified starts", "starts confirmed by experiment that were found"),
}


class Metric(BaseModel):
    """One row of a score file: counts and rates of one metric in one class of genes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    metric: str
    gene_class: str = Field(alias="class")
    reference: int
    predicted: int
    matched: int
    precision: float | None
    recall: float | None
    f1: float | None


class Stratum(Metric):
    """One row of accuracy by a property of the genes: `property` is length, start_codon, gc or strand."""

    property: str


class Bin(BaseModel):
    """Genes with a score between two edges: how many, their mean score, the share that is exactly right."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    low: float
    high: float
    genes: int
    mean_score: float | None
    exact_share: float | None


class Threshold(BaseModel):
    """What is left if only genes with at least this score are kept."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    score: float
    genes: int
    precision: float | None
    recall: float | None


class Calibration(BaseModel):
    """How far the scores are probabilities of being exactly right."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    genes: int
    mean_score: float
    exact_share: float
    expected_calibration_error: float
    brier: float
    bins: list[Bin]
    thresholds: list[Threshold]


class Score(BaseModel):
    """One score file: one predictor against one reference."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    predictor: str
    reference: str
    domain: str
    metrics: list[Metric]
    strata: list[Stratum]
    calibration: Calibration | None

    def find(self, metric: str, gene_class: str = "all") -> Metric | None:
        """The row of a metric and class, if there is one."""
        return next((m for m in self.metrics if m.metric == metric and m.gene_class == gene_class), None)


@dataclass(frozen=True)
class Column:
    """One column group of the score table: three rates (precision, recall, F1) or one share."""

    metric: str
    title: str
    meaning: str
    rates: bool


@dataclass(frozen=True)
class Row:
    """One row of the score table: a predictor, its genes, its figures as text, one list per column group."""

    key: str
    name: str
    note: str
    is_control: bool
    written: str
    figures: list[list[str]]


@dataclass(frozen=True)
class ScoreTable:
    """The score table of one species; `rna` has (predictor, metric) rows for its RNA genes."""

    reference_genes: int | None
    columns: list[Column]
    rows: list[Row]
    rna: list[tuple[str, Metric]]


def read_score(path: Path) -> Score:
    """Read a score file.

    Raises:
        InputError: it is not what `genescribe score --json` writes.
    """
    try:
        return Score.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", path, error.lineno) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"key {key}: {first['msg']}; name a file of `genescribe score --json`", path
        ) from error


def label(predictor: str) -> str:
    """A predictor's name as a reader knows it."""
    return PREDICTORS.get(predictor) or CONTROLS.get(predictor, (predictor, ""))[0]


def order(predictor: str) -> tuple[int, str]:
    """Sort key: GeneScribe, AUGUSTUS, Prodigal, other predictors, then the control rows."""
    if predictor in PREDICTORS:
        return list(PREDICTORS).index(predictor), ""
    if predictor in CONTROLS:
        return 100 + list(CONTROLS).index(predictor), ""
    return 50, predictor


def style(predictor: str) -> str:
    """Class of the style sheet for a predictor's lines and marks."""
    return predictor if predictor in PREDICTORS else "other"


def score_table(scores: Sequence[Score]) -> ScoreTable:
    """The table: only metrics that some predictor has, best known predictors first, controls last."""
    columns = [
        Column(metric, *names, rates)
        for group, rates in ((RATES, True), (_SHARES, False))
        for metric, names in group.items()
        if any(score.find(metric) for score in scores)
    ]
    rows = [_row(score, columns) for score in sorted(scores, key=lambda s: order(s.predictor))]
    main = [m for score in scores if (m := main_metric(score))]
    rna = [
        (label(score.predictor), found)
        for score in scores
        for kind in RNA_KINDS
        if (found := _rna(score, kind)) and score.predictor not in CONTROLS
    ]
    return ScoreTable(main[0].reference if main else None, columns, rows, rna)


def _rna(score: Score, kind: str) -> Metric | None:
    """RNA genes of one kind, for a predictor that writes RNA genes at all."""
    written = sum(found.predicted for one in RNA_KINDS if (found := score.find(one)))
    found = score.find(kind)
    return found if written and found and found.reference + found.predicted else None


def _row(score: Score, columns: Sequence[Column]) -> Row:
    figures = []
    for column in columns:
        found = score.find(column.metric)
        if column.rates:
            figures.append(
                [percent(v) for v in (found.precision, found.recall, found.f1)] if found else ["–"] * 3
            )
        else:
            figures.append([percent(found.recall) if found else "–"])
    main = main_metric(score)
    return Row(
        key=score.predictor,
        name=label(score.predictor),
        note=CONTROLS.get(score.predictor, ("", ""))[1],
        is_control=score.predictor in CONTROLS,
        written=count(main.predicted if main else None),
        figures=figures,
    )


def main_metric(score: Score) -> Metric | None:
    """The strictest metric over all genes: both ends in prokaryotes, every segment in eukaryotes."""
    return score.find("exact") or score.find("gene")
