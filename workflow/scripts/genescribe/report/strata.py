"""Accuracy by length, start codon, GC content and strand: a chart for each metric, and a table of it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from genescribe.report import charts
from genescribe.report.numbers import NO_BREAK, count, percent
from genescribe.report.scores import CONTROLS, RATES, Score, Stratum, label, order, style

MOST_LABELLED = 8
"""Classes up to which "n=" has room below each; of more only the first says what the numbers are."""


@dataclass(frozen=True)
class _Property:
    """How a property is shown. `is_line`: its classes follow one another, so that a line may join them."""

    title: str
    axis: str
    meaning: str
    is_line: bool = False


_PROPERTIES = {
    "length": _Property(
        "Gene length",
        "length of the coding sequence, nt",
        "Short genes are hard for every program: there is less in them to tell them from chance.",
        True,
    ),
    "start_codon": _Property(
        "Start codon",
        "first codon",
        "A gene with a wrong start counts against the codon that was written and against the one that was "
        "missed.",
    ),
    "gc": _Property(
        "GC content of the gene",
        "G and C among the bases of the coding sequence, %",
        "Genes far from the genome’s own composition often came from elsewhere and look unlike the others.",
        True,
    ),
    "strand": _Property(
        "Strand", "strand", "A program that is sound does as well on one strand as on the other."
    ),
}


@dataclass(frozen=True)
class ClassRow:
    """One class: its reference genes; per program its name and precision, recall, F1 for each metric."""

    name: str
    genes: str
    programs: list[tuple[str, list[list[str]]]]


@dataclass(frozen=True)
class PropertyView:
    """One property: charts as (title, meaning, SVG), and a table with a column group for each metric."""

    key: str
    title: str
    meaning: str
    charts: list[tuple[str, str, Markup]]
    metrics: list[str]
    rows: list[ClassRow]


@dataclass(frozen=True)
class Strata:
    """All properties that can be told apart, and the legend of their charts."""

    legend: Markup
    properties: list[PropertyView]


def strata(scores: Sequence[Score]) -> Strata:
    """Views of all properties in which the reference has genes of several classes. Controls are left out."""
    shown = sorted((s for s in scores if s.predictor not in CONTROLS), key=lambda s: order(s.predictor))
    legend = charts.legend([(label(s.predictor), style(s.predictor), _mark(i)) for i, s in enumerate(shown)])
    views = [_view(key, shown) for key in _PROPERTIES]
    return Strata(legend, [view for view in views if view is not None])


def _mark(index: int) -> str:
    return charts.MARKS[index % len(charts.MARKS)]


def _view(key: str, scores: Sequence[Score]) -> PropertyView | None:
    rows = [{(row.metric, row.gene_class): row for row in s.strata if row.property == key} for s in scores]
    metrics = [metric for metric in RATES if any(metric == m for found in rows for m, _ in found)]
    classes = _classes(key, scores)
    if len(classes) < 2:
        return None
    about = _PROPERTIES[key]
    genes = {name: max(found[at].reference if (at := (metrics[0], name)) in found else 0 for found in rows)
             for name in classes}  # fmt: skip
    drawn = [
        (f"{RATES[metric][0]}, F1", RATES[metric][1], _chart(about, metric, genes, scores, rows))
        for metric in metrics
        # Two strands make no picture; the table says it shorter.
        if key != "strand"
    ]
    table = [
        ClassRow(
            shown_class(name),
            count(genes[name]),
            [
                (label(score.predictor), [_figures(found.get((metric, name))) for metric in metrics])
                for score, found in zip(scores, rows, strict=True)
            ],
        )
        for name in classes
    ]
    return PropertyView(key, about.title, about.meaning, drawn, [RATES[one][0] for one in metrics], table)


def _classes(key: str, scores: Sequence[Score]) -> list[str]:
    """Classes in which the reference has genes, in the order of the score file that has the most of them."""
    with_genes = {row.gene_class for s in scores for row in s.strata if row.property == key and row.reference}
    orders = [list(dict.fromkeys(row.gene_class for row in s.strata if row.property == key)) for s in scores]
    longest = max(orders, key=len, default=[])
    return [name for name in longest if name in with_genes]


def _figures(row: Stratum | None) -> list[str]:
    return [percent(value) for value in (row.precision, row.recall, row.f1)] if row else [percent(None)] * 3


def _chart(
    about: _Property,
    metric: str,
    genes: dict[str, int],
    scores: Sequence[Score],
    rows: Sequence[dict[tuple[str, str], Stratum]],
) -> Markup:
    series, said = [], []
    for index, (score, found) in enumerate(zip(scores, rows, strict=True)):
        name = label(score.predictor)
        f1 = [row.f1 if (row := found.get((metric, gene_class))) else None for gene_class in genes]
        notes = [f"{name}, {shown_class(c)}: F1 {percent(value)}" for c, value in zip(genes, f1, strict=True)]
        # Marks of one class stand side by side where no line leads to them.
        shift = 0.0 if about.is_line else 0.12 * (index - (len(scores) - 1) / 2)
        points = [(place + shift, None if v is None else 100 * v) for place, v in enumerate(f1)]
        series.append(
            charts.Series(name, style(score.predictor), points, _mark(index), notes, is_line=about.is_line)
        )
        said.append(f"{name}: " + ", ".join(percent(value) for value in f1))
    labelled = len(genes) if len(genes) <= MOST_LABELLED else 1
    ticks = [
        (i, (shown_class(c), f"n={count(n)}" if i < labelled else count(n)))
        for i, (c, n) in enumerate(genes.items())
    ]
    lowest = min((v for one in series for _, v in one.points if v is not None), default=0.0)
    title = RATES[metric][0]
    return charts.line_chart(
        f"{about.title}: F1, {title.lower()}",
        charts.Axis(-0.45, len(genes) - 0.55, ticks, about.axis),
        charts.nice_axis(20 * (lowest // 20), 100, "F1, %"),
        series,
        f"Classes {', '.join(shown_class(c) for c in genes)}. " + ". ".join(said) + ".",
    )


def shown_class(name: str) -> str:
    """A class as a reader sees it: with typographic signs."""
    if name == "-":
        return "−"
    return name.replace(">=", f"≥{NO_BREAK}").replace("<", f"<{NO_BREAK}").replace("-", "–")
