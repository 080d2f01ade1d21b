"""The report's input: a JSON file that lists what to show, checked before anything is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from genescribe.errors import InputError


class _Strict(BaseModel):
    """Unknown keys are mistakes, and a path is never made out of a number."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PairFiles(_Strict):
    """A predictor compared with another one, `base`: per-gene table of `genescribe score`."""

    predictor: str
    base: str
    genes: Path


class SpeciesFiles(_Strict):
    """What was made for one species. Paths are relative to the working directory, as Snakemake writes them.

    Attributes:
        name: shown as the heading.
        genome: folder that `genescribe normalize` made.
        regions: BED of the scored stretches; None = whole sequences.
        reference: reference annotation (GFF3); None where the species has none.
        predictions: predictor -> GFF3, shown as tracks.
        controls: control predictor -> GFF3; they have score rows and no track.
        scores: JSON files of `genescribe score`.
        gene_tables: predictor -> per-gene table of `genescribe score`.
        pairs: tables that compare two predictors with each other.
        gffcompare: predictor -> JSON of `genescribe gffcompare`.
        left_out: table of `genescribe normalize`.
        summary: JSON of `genescribe normalize`.
        note: a sentence that a reader must know beside the figures, such as how training and test were split.
    """

    name: str
    genome: Path
    regions: Path | None = None
    reference: Path | None = None
    predictions: dict[str, Path]
    controls: dict[str, Path] = {}
    scores: list[Path] = []
    gene_tables: dict[str, Path] = {}
    pairs: list[PairFiles] = []
    gffcompare: dict[str, Path] = {}
    left_out: Path | None = None
    summary: Path | None = None
    note: str | None = None


class TrainingFiles(_Strict):
    """One training stage: its name and its metrics, one JSON object a line."""

    stage: str
    metrics: Path


class ReportConfig(_Strict):
    """Everything that goes into one page.

    Attributes:
        benchmarks: rule -> Snakemake `benchmark:` file.
        model: model folder (config.json, safetensors, and its card README.md if it has one).
        versions: program -> version.
    """

    title: str
    run: str
    species: list[SpeciesFiles]
    training: list[TrainingFiles] = []
    benchmarks: dict[str, Path] = {}
    model: Path | None = None
    versions: dict[str, str] = {}


def load_config(path: str | Path) -> ReportConfig:
    """Read and check `report.json`.

    Raises:
        InputError: it is no JSON, a key is missing, unknown or of the wrong type, or a file that it names is
            not there.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError("no such file; give the report's JSON", source)
    try:
        data = json.loads(source.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; give the report's JSON", source) from error
    except json.JSONDecodeError as error:
        raise InputError(f"is not valid JSON ({error.msg})", source, error.lineno) from error
    try:
        config = ReportConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"key {key}: {first['msg']}", source) from error
    if not config.species:
        raise InputError("key species: is empty; name at least one species", source)
    for key, named, is_folder in _paths(config):
        if not (named.is_dir() if is_folder else named.is_file()):
            kind = "folder" if is_folder else "file"
            raise InputError(
                f"key {key}: no such {kind}: {named}; make it first or leave the key out", source
            )
    return config


def _paths(config: ReportConfig) -> Iterator[tuple[str, Path, bool]]:
    """Every path of the configuration as (key, path, whether it is a folder)."""
    for index, species in enumerate(config.species):
        where = f"species.{index}"
        yield f"{where}.genome", species.genome, True
        for name in ("regions", "reference", "left_out", "summary"):
            value = getattr(species, name)
            if value is not None:
                yield f"{where}.{name}", value, False
        for name in ("predictions", "controls", "gene_tables", "gffcompare"):
            for predictor, value in getattr(species, name).items():
                yield f"{where}.{name}.{predictor}", value, False
        for number, value in enumerate(species.scores):
            yield f"{where}.scores.{number}", value, False
        for number, pair in enumerate(species.pairs):
            yield f"{where}.pairs.{number}.genes", pair.genes, False
    for index, stage in enumerate(config.training):
        yield f"training.{index}.metrics", stage.metrics, False
    for rule, value in config.benchmarks.items():
        yield f"benchmarks.{rule}", value, False
    if config.model is not None:
        yield "model", config.model, True
