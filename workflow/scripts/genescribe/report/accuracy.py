"""`python -m genescribe.report.accuracy`: what was found of several genomes, as one Markdown page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genescribe.benchmark.scorer import LENGTH_CLASSES
from genescribe.benchmark.tables import label
from genescribe.corpus.shard_format import Intervals
from genescribe.corpus.stretches import find_gaps
from genescribe.errors import InputError
from genescribe.files import atomic_path, sha256
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.load import Genome, load_genome
from genescribe.language.bases import Codes, to_codes
from genescribe.language.check import check
from genescribe.language.gene_model import RNA_KINDS
from genescribe.language.grammar import GrammarConfig
from genescribe.report.numbers import MISSING, count, percent
from genescribe.report.run_times import read_run_times
from genescribe.report.scores import CONTROLS, Metric, Score, read_score

WEIGHTS = "model.safetensors"
EXPLANATION = (
    "Exact: strand, start and stop codon right. 3′: strand and stop codon right. Reference genes that are "
    "partial, pseudo or exceptions are left out, and predictions upon them count neither way. Length classes "
    "are in nt with the stop codon. Impossible: genes written that their sequence and genetic code do not "
    "allow. Calibration error: expected difference between score and share of exactly right genes, in 15 "
    "bins. Time and memory (what processes share counts once): the jobs that annotate, on the cores that the "
    "command names; controls decode on one."
)


@dataclass(frozen=True)
class Entry:
    """One predictor on one genome.

    Attributes:
        predictor: its key, such as genescribe.
        title: its name for people.
        score: what the scorer found.
        impossible: genes written that the genetic code, their frame or their sequence does not allow.
        seconds: wall time of its jobs one after another; None where none was measured.
        memory: largest resident memory, MiB.
    """

    predictor: str
    title: str
    score: Score
    impossible: int
    seconds: float | None
    memory: float | None


@dataclass(frozen=True)
class Species:
    """All predictors on one genome.

    Attributes:
        name: for people.
        source: where genome and annotation come from; may be empty.
        bases: of the genome.
        genetic_code: NCBI translation table.
        entries: the predictors, ours first.
    """

    name: str
    source: str
    bases: int
    genetic_code: int
    entries: list[Entry]


def read_species(settings: Mapping[str, Any]) -> Species:
    """Read what the workflow wrote of one genome.

    Args:
        settings: `name`, `source`, `genome` (folder), `augustus_species`, and `rows`: predictor -> `scores`,
            `prediction`, `benchmarks` (run times of its jobs, one after another).

    Raises:
        InputError: a file is missing or damaged.
    """
    genome = load_genome(settings["genome"])
    entries = []
    for predictor, row in settings["rows"].items():
        for path in map(Path, (row["scores"], row["prediction"], *row["benchmarks"])):
            if not path.is_file():
                raise InputError("no such file; the workflow writes it", path)
        title = label(predictor)
        if predictor == "augustus":
            title += f" ({settings['augustus_species']})"
        jobs = [read_run_times({path: Path(path)})[0] for path in row["benchmarks"]]
        memories = [job.memory for job in jobs if job.memory is not None]
        entries.append(
            Entry(
                predictor,
                title,
                read_score(Path(row["scores"])),
                impossible_genes(genome, Path(row["prediction"])),
                sum(job.seconds for job in jobs) if jobs else None,
                max(memories, default=None),
            )
        )
    bases = sum(genome.lengths.values())
    return Species(settings["name"], settings["source"], bases, genome.genetic_code, entries)


def impossible_genes(genome: Genome, prediction: Path) -> int:
    """Predicted transcripts that the grammar of reference annotation rejects.

    Start codons are all that the genetic code has, stop codons must be there and nowhere inside, and only
    ends at the edge of a sequence or of a gap may be open. Reading the file checks its GFF3.
    """
    codes = {seqid: to_codes(sequence) for seqid, sequence in genome.sequences.items()}
    gaps = {seqid: _gaps_around(codes[seqid], seqid in genome.circular) for seqid in codes}
    found = 0
    for gene in read_gff3(prediction, genome.lengths, genome.genetic_code).genes:
        grammar = GrammarConfig(genetic_code=genome.genetic_codes[gene.seqid], introns=True)
        sequence, of_sequence = codes[gene.seqid], gaps[gene.seqid]
        for transcript in gene.transcripts:
            model = transcript.model
            # Ends may be open where the stretch of known sequence ends.
            start = int(max(of_sequence[of_sequence[:, 1] <= model.start, 1], default=0))
            end = int(min(of_sequence[of_sequence[:, 0] >= model.end, 0], default=len(sequence)))
            # A view, wherever it does not lie over the origin: genes are many, and sequences long.
            inside = start >= 0 and end <= len(sequence)
            stretch = sequence[start:end] if inside else sequence.take(range(start, end), mode="wrap")
            circular = gene.seqid in genome.circular and not len(of_sequence)
            why = check(stretch, model.shifted(-start), grammar, circular=circular)
            found += why not in (None, "too_short")
    return found


def _gaps_around(sequence: Codes, circular: bool) -> Intervals:
    """Gaps (gaps, 2) of a sequence of base codes; of a circle also those met once around either way."""
    turns = (-len(sequence), 0, len(sequence)) if circular else (0,)
    return np.concatenate([find_gaps(sequence) + turn for turn in turns])


def page(species: Sequence[Species], model: Path, command: str) -> str:
    """The whole page.

    Args:
        species: in the order of the page.
        model: folder of the model that annotated.
        command: what made the page.
    """
    parts = [
        "# Accuracy",
        _introduction(species, model, command),
        "## In short",
        "F1 of exactly right genes / of right stop codons, in %.",
        _summary(species),
        *(part for one in species for part in (f"## {one.name}", _about(one), _table(one))),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(species: Sequence[Species], model: Path, command: str) -> str:
    weights = model / WEIGHTS
    origin = json.loads((model / "training.json").read_text(encoding="utf-8"))
    trained = ", ".join(sorted(_genera(origin)))
    return (
        f"Whole genomes, annotated by the weights in `{model}` (sha256 of {WEIGHTS}: "
        f"`{sha256(weights)[:16]}`) without training on them, and by other programs on the same sequences "
        f"in the same run. Written by\n\n    {command}\n\n{EXPLANATION}\n\n"
        f"Genera that the weights were trained on: {trained}."
    )


def _genera(origin: Mapping[str, Any]) -> set[str]:
    """First words of the names of all genomes that a model, or one that it started from, learned from."""
    names = {str(genome["name"]).split("_")[0] for genome in origin["genomes"]}
    return names | (_genera(origin["initial"]) if origin.get("initial") else set())


def _summary(species: Sequence[Species]) -> str:
    predictors = [entry for entry in species[0].entries if entry.predictor not in CONTROLS]
    header = ["", *(label(entry.predictor) for entry in predictors)]
    rows = []
    for one in species:
        by_name = {entry.predictor: entry.score for entry in one.entries}
        rows.append([one.name, *(_both(by_name.get(entry.predictor)) for entry in predictors)])
    return _markdown(header, rows)


def _both(score: Score | None) -> str:
    if score is None:
        return MISSING
    return " / ".join(_rate(score.find(metric), "f1") for metric in ("exact", "three_prime"))


def _about(one: Species) -> str:
    genes = count(_reference(one.entries, "exact") or None)
    source = f" Genome and reference: {one.source}." if one.source else ""
    return f"{one.bases:,} bases, genetic code {one.genetic_code}, {genes} reference genes.{source}"


def _table(one: Species) -> str:
    header = ["", *(entry.title for entry in one.entries)]
    return _markdown(header, list(_rows(one.entries)))


def _rows(entries: Sequence[Entry]) -> Iterator[list[str]]:
    def row(title: str, cell: Callable[[Entry], str]) -> list[str]:
        return [title, *map(cell, entries)]

    def rate(metric: str, which: str, name: str = "all") -> Callable[[Entry], str]:
        return lambda entry: _rate(entry.score.find(metric, name), which)

    yield row("genes written", lambda entry: _written(entry.score.find("exact")))
    yield row("exact F1", rate("exact", "f1"))
    yield row("exact precision", rate("exact", "precision"))
    yield row("exact recall", rate("exact", "recall"))
    yield row("3′ F1", rate("three_prime", "f1"))
    yield row("exact given 3′", rate("exact_given_three_prime", "recall"))
    verified = _reference(entries, "verified_starts")
    if verified:
        yield row(f"verified starts found exactly (of {verified})", rate("verified_starts", "recall"))
        yield row("… of those whose stop was found", rate("verified_starts", "precision"))
    for name in LENGTH_CLASSES:
        genes = _reference(entries, "exact", name)
        yield row(f"exact F1, {name} nt ({genes} genes)", rate("exact", "f1", name))
    yield row("impossible genes", lambda entry: count(entry.impossible))
    for kind in RNA_KINDS:
        genes = _reference(entries, kind)
        if genes:
            yield row(f"{kind}: recall / precision (of {genes})", _rna(kind))
    yield row("calibration error", _calibration_error)
    yield row("seconds", lambda entry: MISSING if entry.seconds is None else f"{entry.seconds:.0f}")
    yield row("peak memory, MB", lambda entry: count(entry.memory))


def _reference(entries: Sequence[Entry], metric: str, name: str = "all") -> int:
    return max((found.reference for e in entries if (found := e.score.find(metric, name))), default=0)


def _written(found: Metric | None) -> str:
    return MISSING if found is None else count(found.predicted)


def _rate(found: Metric | None, which: str) -> str:
    return MISSING if found is None else percent(getattr(found, which)).rstrip("%")


def _rna(kind: str) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        found = entry.score.find(kind)
        if found is None or not found.predicted:
            return MISSING
        return f"{_rate(found, 'recall')} / {_rate(found, 'precision')}"

    return cell


def _calibration_error(entry: Entry) -> str:
    # Scores of other programs are no probabilities of being exactly right.
    if entry.predictor != "genescribe" or entry.score.calibration is None:
        return MISSING
    return f"{entry.score.calibration.expected_calibration_error:.3f}"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Read settings from the command line, write the page; 2 on bad input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON from the workflow")
    parser.add_argument("--out", type=Path, required=True, help="Markdown page")
    options = parser.parse_args(arguments)
    try:
        settings = json.loads(options.settings)
        species = [read_species(one) for one in settings["species"]]
        text = page(species, Path(settings["model"]), settings["command"])
        with atomic_path(options.out) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except InputError as error:
        sys.stderr.write(f"genescribe: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
