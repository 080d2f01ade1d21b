"""gffcompare (Pertea & Pertea 2020, doi:10.12688/f1000research.23297.2), or its predecessor cuffcompare.

Both call single-exon transcripts a match from 80 % overlap on and forgive 100 nt at terminal exons;
`--strict-match -e 0` turns that off in gffcompare, and cuffcompare with `-e 0` counts the same. They count
models differently when files hold genes without transcripts, so both get prepared files: one mRNA row per
model, its CDS as exons, and nothing else. What is compared is what the exact scores compare
(`genescribe.benchmark.selection`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from genescribe.benchmark.selection import ComparedGene, Selection
from genescribe.errors import InputError
from genescribe.language.gene_model import PROTEIN_CODING

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "gffcompare": ("--strict-match", "-e", "0"),
    "cuffcompare": ("-e", "0", "-G"),
}
"""Programs in the order in which they are looked for, and how they are called."""

LEVELS = {
    "Base": "base",
    "Exon": "exon",
    "Intron": "intron",
    "Intron chain": "intron_chain",
    "Transcript": "transcript",
    "Locus": "locus",
}
_LEVEL = re.compile(r"^\s*([A-Z][a-z]+(?: chain)?) level:\s*([\d.]+|-\S*)[\s|]+([\d.]+|-\S*)")
_MODELS = re.compile(r"^#\s*(Query|Reference) mRNAs\s*:\s*(\d+) in\s+(\d+) loci")
_MATCHING = re.compile(r"^\s*Matching (intron chains|transcripts|loci):\s*(\d+)")
_SHARE = re.compile(r"^\s*(Missed|Novel) (exons|introns|loci):\s*(\d+)/(\d+)")
_VERSION = re.compile(r"^# (?:gff|cuff)compare v([\w.]+)", re.IGNORECASE)


class Level(TypedDict):
    """Percentages at one level; None where there is nothing of the kind."""

    sensitivity: float | None
    precision: float | None


class Comparison(TypedDict):
    """What the program said. `program` is None if it did not run, and `reason` says why."""

    predictor: str
    program: str | None
    version: str | None
    options: list[str]
    reason: str | None
    levels: dict[str, Level]
    counts: dict[str, int]
    class_codes: dict[str, int]


def find_program() -> str | None:
    """gffcompare if it is on PATH, else cuffcompare, else None."""
    return next((name for name in PROGRAMS if shutil.which(name)), None)


def compare(selection: Selection, predictor: str) -> Comparison:
    """Run the program on one predictor's genes.

    Raises:
        InputError: the program failed.
    """
    result: Comparison = {
        "predictor": predictor,
        "program": find_program(),
        "version": None,
        "options": [],
        "reason": None,
        "levels": {},
        "counts": {},
        "class_codes": {},
    }
    program = result["program"]
    if program is None:
        return {**result, "reason": "neither gffcompare nor cuffcompare is on PATH"}
    sides = {"reference": selection.reference, "prediction": selection.predicted}
    for side, genes in sides.items():
        if not any(gene.kind == PROTEIN_CODING for gene in genes):
            return {**result, "program": None, "reason": f"the {side} has no coding gene"}
    with tempfile.TemporaryDirectory(prefix="genescribe-gffcompare-") as name:
        folder = Path(name)
        for side, genes in sides.items():
            (folder / f"{side}.gff3").write_text(prepared(genes), encoding="utf-8")
        options = list(PROGRAMS[program])
        command = [program, *options, "-r", "reference.gff3", "-o", "out", "prediction.gff3"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not (folder / "out.stats").is_file():
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise InputError(f"{program} failed: {lines[-1]}")
        stats = (folder / "out.stats").read_text(encoding="utf-8")
        codes = class_codes((folder / "out.prediction.gff3.tmap").read_text(encoding="utf-8"))
    version, levels, counts = parse_stats(stats)
    return {
        **result,
        "version": version,
        "options": options,
        "levels": levels,
        "counts": counts,
        "class_codes": codes,
    }


def prepared(genes: Iterable[ComparedGene]) -> str:
    """GFF3 text: for each coding model one mRNA row and its CDS segments as exon rows."""
    lines = ["##gff-version 3"]
    for gene in genes:
        if gene.kind != PROTEIN_CODING:
            continue
        for number, model in enumerate(gene.models, start=1):
            # Numbered afresh: the programs take a blank or a bar in an ID for more than a character.
            name = f"m{len(lines)}.{number}"
            head, tail = f"{gene.seqid}\tgenescribe", f"\t.\t{model.strand}\t.\t"
            lines.append(f"{head}\tmRNA\t{model.start + 1}\t{model.end}{tail}ID={name}")
            lines += [f"{head}\texon\t{start + 1}\t{end}{tail}Parent={name}" for start, end in model.segments]
    return "\n".join(lines) + "\n"


def parse_stats(text: str) -> tuple[str | None, dict[str, Level], dict[str, int]]:
    """Version, levels and counts of a `.stats` file of either program.

    Counts are `reference_models`, `reference_loci`, `query_models`, `query_loci`, `matching_loci`,
    `missed_exons` and `missed_exons_of` and so on, as far as the file has them.
    """
    version: str | None = None
    levels: dict[str, Level] = {}
    counts: dict[str, int] = {}
    for line in text.splitlines():
        if match := _VERSION.match(line):
            version = match[1]
        elif match := _LEVEL.match(line):
            levels[LEVELS[match[1]]] = {"sensitivity": _percent(match[2]), "precision": _percent(match[3])}
        elif match := _MODELS.match(line):
            counts[f"{match[1].lower()}_models"] = int(match[2])
            counts[f"{match[1].lower()}_loci"] = int(match[3])
        elif match := _MATCHING.match(line):
            counts[f"matching_{match[1].replace(' ', '_')}"] = int(match[2])
        elif match := _SHARE.match(line):
            name = f"{match[1].lower()}_{match[2]}"
            counts[name], counts[f"{name}_of"] = int(match[3]), int(match[4])
    return version, levels, counts


def _percent(text: str) -> float | None:
    return None if text.startswith("-") else float(text)


def class_codes(tmap: str) -> dict[str, int]:
    """How often each class code (= c k m n j e o s x i y p r u) stands in a `.tmap` table of a program."""
    header, *rows = [line.split("\t") for line in tmap.splitlines() if line] or [["class_code"]]
    column = header.index("class_code")
    return dict(sorted(Counter(row[column] for row in rows).items()))
