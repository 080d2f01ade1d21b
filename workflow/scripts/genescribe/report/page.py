"""Putting the page together: read what the configuration names, fill the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from genescribe.errors import InputError
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.load import load_genome, read_left_out
from genescribe.genomes.regions import Region, read_bed
from genescribe.report import numbers
from genescribe.report.calibration import CalibrationView, calibration_views
from genescribe.report.card import read_card
from genescribe.report.config import ReportConfig, SpeciesFiles
from genescribe.report.found import START_CODONS, Found, found
from genescribe.report.gene_tables import Status, Verdicts, read_gene_table
from genescribe.report.genome_data import REFERENCE, Tracks, genome_json, partly, track_label
from genescribe.report.gffcompare import GffcompareTable, gffcompare_table
from genescribe.report.headline import OWN, Headline, headline
from genescribe.report.left_out import Reason, by_reason, kept_sentences
from genescribe.report.model_facts import read_model_facts
from genescribe.report.run_times import read_run_times
from genescribe.report.scores import Score, ScoreTable, label, main_metric, order, read_score, score_table
from genescribe.report.strata import Strata, strata
from genescribe.report.training_curves import read_metrics, stage_curves

_SCRIPTS = ("genome.js", "genome_draw.js", "genome_view.js", "gene_table.js", "page.js")
_TRACKS_BEFORE_OWN = ("augustus", "prodigal")


@dataclass(frozen=True)
class SpeciesView:
    """What the template shows of one species.

    Attributes:
        bases: (track, its name) of all that a predictor can be compared with.
        counts: (predictor, what it is compared with, differences by status) rows.
    """

    slug: str
    name: str
    note: str | None
    headline: Headline
    found: list[Found]
    scores: ScoreTable
    is_eukaryote: bool
    strata: Strata
    calibration: list[CalibrationView]
    gffcompare: GffcompareTable | None
    genome: Markup
    regions: list[str]
    has_reference: bool
    compared: list[tuple[str, str]]
    bases: list[tuple[str, str]]
    partly: str
    counts: list[tuple[str, str, dict[str, int]]]
    kept: list[str]
    left_out: list[Reason] | None
    main: dict[str, str]


def build_page(config: ReportConfig) -> str:
    """The whole page as HTML text. The same inputs give the same text."""
    species = [_species(entry, f"species-{number}") for number, entry in enumerate(config.species, start=1)]
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": numbers.count,
        "percent": numbers.percent,
        "duration": numbers.duration,
        "memory": numbers.memory,
        "significant": numbers.significant,
    }
    package = files("genescribe.report")
    template = environment.from_string(package.joinpath("page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=config.title,
        run=config.run,
        species=species,
        programs=list(dict.fromkeys(name for one in species for name in one.main)),
        training=[stage_curves(one.stage, read_metrics(one.metrics)) for one in config.training],
        run_times=read_run_times(config.benchmarks),
        model=read_model_facts(config.model) if config.model else None,
        card=read_card(config.model, level=4) if config.model else None,
        versions=sorted(config.versions.items()),
        style=Markup(package.joinpath("style.css").read_text(encoding="utf-8")),
        script=Markup("\n".join(package.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)),
        START_CODONS=START_CODONS,
    )


def _species(entry: SpeciesFiles, slug: str) -> SpeciesView:
    genome = load_genome(entry.genome)
    regions = _regions(entry, genome.lengths)
    tracks = sorted(entry.predictions, key=_track_order)
    scores = [read_score(path) for path in entry.scores]
    verdicts = {
        (name, REFERENCE): read_gene_table(path)
        for name, path in entry.gene_tables.items()
        if entry.reference and name in tracks
    } | {(pair.predictor, pair.base): read_gene_table(pair.genes, is_pair=True) for pair in entry.pairs}
    left_out = read_left_out(entry.left_out) if entry.left_out else None
    predictions = {
        name: read_gff3(entry.predictions[name], genome.lengths, genome.genetic_code) for name in tracks
    }
    reference = read_gff3(entry.reference, genome.lengths, genome.genetic_code) if entry.reference else None
    data = Tracks(regions, genome.sequences, reference, predictions, verdicts, left_out or [])
    ordered = sorted(verdicts.items(), key=lambda item: (item[0][1] != REFERENCE, *map(order, item[0])))
    is_whole = {r.seqid: len(r) for r in regions} == genome.lengths
    return SpeciesView(
        slug=slug,
        name=entry.name,
        note=entry.note,
        headline=headline(entry.name, predictions.get(OWN), regions, is_whole, scores),
        found=found(data),
        scores=score_table(scores),
        is_eukaryote=any(score.domain == "eukaryote" for score in scores),
        strata=strata(scores),
        calibration=calibration_views(scores),
        gffcompare=gffcompare_table(entry.gffcompare),
        genome=Markup(genome_json(data)),
        regions=[_region_name(region) for region in regions],
        has_reference=reference is not None,
        compared=[(name, label(name)) for name in sorted(data.compared, key=order)],
        bases=[(name, track_label(name)) for name in data.names if any(name in pair for pair in verdicts)],
        partly=partly(verdicts.values()),
        counts=[(label(name), track_label(base), _count_verdicts(one)) for (name, base), one in ordered],
        kept=kept_sentences(entry.summary) if entry.summary else [],
        left_out=by_reason(left_out, reference) if left_out is not None else None,
        main=_main_figures(scores),
    )


def _regions(entry: SpeciesFiles, lengths: dict[str, int]) -> list[Region]:
    """The scored stretches, or every sequence from the longest to the shortest."""
    if entry.regions is None:
        return [
            Region(seqid, 0, length) for seqid, length in sorted(lengths.items(), key=lambda i: (-i[1], i[0]))
        ]
    regions = read_bed(entry.regions)
    if not regions:
        raise InputError("holds no region; name the stretches that were annotated", entry.regions)
    for region in regions:
        if region.end > lengths.get(region.seqid, 0):
            raise InputError(
                f"region {region} lies outside the genome; use the genome's own regions", entry.regions
            )
    return regions


def _track_order(predictor: str) -> tuple[int, str]:
    """Tracks from top to bottom: AUGUSTUS, Prodigal, others, GeneScribe."""
    if predictor in _TRACKS_BEFORE_OWN:
        return _TRACKS_BEFORE_OWN.index(predictor), ""
    return (3, "") if predictor == OWN else (2, predictor)


def _region_name(region: Region) -> str:
    return f"{region.seqid}: {region.start + 1:,}–{region.end:,}"


def _count_verdicts(verdicts: Verdicts) -> dict[str, int]:
    """How many genes of each status a predictor has, by its name; missed ones are of the other side."""
    predicted = Counter(status for status, _ in verdicts.predicted.values())
    missed = sum(status is Status.MISSED for status, _ in verdicts.reference.values())
    return {one.name: predicted[one] for one in (Status.EXACT, Status.PARTLY, Status.EXTRA)} | {
        "MISSED": missed
    }


def _main_figures(scores: Sequence[Score]) -> dict[str, str]:
    """F1 of exactly right genes by predictor, for the table over all species."""
    return {
        label(score.predictor): numbers.percent(main.f1)
        for score in sorted(scores, key=lambda s: order(s.predictor))
        if (main := main_metric(score))
    }
