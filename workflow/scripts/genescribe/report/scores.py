"""The score files of `genescribe score`: read, ordered for the table, drawn by gene length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genescribe.errors import InputError
from genescribe.report import charts
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
RNA_KINDS = ("tRNA", "rRNA", "tmRNA")
_LENGTH_EDGES = (150, 300, 600, 1200, 3000)
LENGTH_CLASSES = ("<150", "150-299", "300-599", "600-1199", "1200-2999", ">=3000")

_RATES = {
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

    @classmethod
    def counted(cls, metric: str, gene_class: str, reference: int, predicted: int, matched: int) -> Metric:
        """A row with its rates made from its counts."""
        both = reference + predicted
        rates = {
            "precision": matched / predicted if predicted else None,
            "recall": matched / reference if reference else None,
            "f1": 2 * matched / both if both else None,
        }
        counts = {"reference": reference, "predicted": predicted, "matched": matched}
        return cls.model_validate({"metric": metric, "class": gene_class, **counts, **rates})


class Score(BaseModel):
    """One score file: one predictor against one reference."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    predictor: str
    reference: str
    domain: str
    metrics: list[Metric]

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


def length_class(length: int) -> str:
    """Name of the length class of a coding sequence of `length` nt."""
    return LENGTH_CLASSES[sum(length >= edge for edge in _LENGTH_EDGES)]


def score_table(scores: Sequence[Score]) -> ScoreTable:
    """The table: only metrics that some predictor has, best known predictors first, controls last."""
    columns = [
        Column(metric, *names, rates)
        for group, rates in ((_RATES, True), (_SHARES, False))
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


def length_charts(scores: Sequence[Score]) -> list[tuple[str, str, Markup]]:
    """F1 by length class as (title, meaning, SVG), for each metric that has such classes; no control rows."""
    shown = sorted((s for s in scores if s.predictor not in CONTROLS), key=lambda s: order(s.predictor))
    drawn = []
    for metric, (title, meaning) in _RATES.items():
        classes = [c for c in LENGTH_CLASSES if any(_reference(s, metric, c) for s in shown)]
        if len(classes) > 1:
            drawn.append((f"{title}, F1", meaning, _length_chart(title, metric, classes, shown)))
    return drawn


def _reference(score: Score, metric: str, gene_class: str) -> int:
    found = score.find(metric, gene_class)
    return found.reference if found else 0


def _length_chart(title: str, metric: str, classes: Sequence[str], scores: Sequence[Score]) -> Markup:
    series, said = [], []
    for index, score in enumerate(scores):
        cells = [score.find(metric, gene_class) for gene_class in classes]
        values = [None if cell is None or cell.f1 is None else 100 * cell.f1 for cell in cells]
        name = label(score.predictor)
        notes = [f"{name}, {_shown(c)} nt: F1 {percent(cell.f1 if cell else None)}"
                 for c, cell in zip(classes, cells, strict=True)]  # fmt: skip
        mark = charts.MARKS[index % len(charts.MARKS)]
        series.append(charts.Series(name, style(score.predictor), list(enumerate(values)), mark, notes))
        said.append(f"{name}: " + ", ".join(percent(cell.f1 if cell else None) for cell in cells))
    genes = [max(_reference(score, metric, gene_class) for score in scores) for gene_class in classes]
    ticks = [(i, (_shown(c), f"n={count(n)}")) for i, (c, n) in enumerate(zip(classes, genes, strict=True))]
    lowest = min((v for s in series for _, v in s.points if v is not None), default=0.0)
    return charts.line_chart(
        f"{title}: F1 by gene length",
        charts.Axis(-0.4, len(classes) - 0.6, ticks, "length of the coding sequence, nt"),
        charts.nice_axis(20 * (lowest // 20), 100, "F1, %"),
        series,
        f"Length classes {', '.join(_shown(c) for c in classes)} nt. " + ". ".join(said) + ".",
    )


def _shown(gene_class: str) -> str:
    return gene_class.replace(">=", "≥").replace("<", "< ").replace("-", "–").replace("≥", "≥ ")


def chart_legend(scores: Sequence[Score]) -> Markup:
    """Names, lines and marks of the predictors in the charts by length."""
    shown = sorted((s.predictor for s in scores if s.predictor not in CONTROLS), key=order)
    return charts.legend(
        [(label(p), style(p), charts.MARKS[i % len(charts.MARKS)]) for i, p in enumerate(shown)]
    )
