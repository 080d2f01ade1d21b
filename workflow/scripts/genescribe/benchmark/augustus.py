"""AUGUSTUS (Stanke et al. 2006, doi:10.1093/nar/gkl200) over several cores: a trained model per species.

AUGUSTUS itself uses one core. Sequences are cut into overlapping pieces (`genescribe.benchmark.pieces`)
that run side by side. Everything else is AUGUSTUS's own default for the species: the gene structure
(prokaryotic species have no introns and overlapping genes), the sampling behind the scores, UTRs. Only one
transcript per gene is asked for, the stop codon is part of the CDS for all species, and the genetic code is
that of the genome.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from genescribe.benchmark.pieces import cut
from genescribe.errors import InputError
from genescribe.genomes.records import OutputGene
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.progress import progress

_log = logging.getLogger(__name__)

CORE = 400_000
"""Longest core of a piece (bases). With its margins a piece takes about 0.4 GB of memory."""
MARGIN = 20_000
"""Bases on either side of a core: longer than nearly all genes of bacteria and fungi."""
GENETIC_CODES = {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 21, 22, 23}
"""Translation tables that AUGUSTUS has. It takes any other for table 1, without an error."""
OPTIONS = (
    "--gff3=on",
    "--protein=off",
    "--codingseq=off",
    "--cds=on",
    "--start=on",
    "--stop=on",
    "--introns=on",
    "--stopCodonExcludedFromCDS=False",
    "--alternatives-from-sampling=off",
    "--alternatives-from-evidence=off",
)


@dataclass(slots=True)
class _Transcript:
    """Rows of one transcript; 1-based inclusive coordinates in the piece."""

    strand: str
    score: float | None
    segments: list[tuple[int, int, int]] = field(default_factory=list)
    """First base, last base, phase."""
    introns: list[tuple[int, int]] = field(default_factory=list)
    has_start: bool = False
    has_stop: bool = False


def predict(
    sequences: Mapping[str, str],
    genetic_codes: Mapping[str, int],
    species: str,
    regions: Sequence[Region] | None = None,
    threads: int = 1,
    core: int = CORE,
    margin: int = MARGIN,
) -> list[OutputGene]:
    """Predict genes. The result does not depend on `threads`.

    Args:
        sequences: the whole genome, upper case.
        genetic_codes: NCBI translation table of each sequence.
        species: one of AUGUSTUS's species.
        regions: where genes are wanted; everywhere if None. A gene belongs to the region with its midpoint,
            and AUGUSTUS sees `margin` bases beyond a region's border.
        threads: processes at a time.
        core: longest core of a piece.
        margin: bases on either side of a core.

    Returns:
        Genes in the order of pieces and positions; `score` is AUGUSTUS's posterior probability of the
        transcript.

    Raises:
        InputError: AUGUSTUS is not installed, or refuses the species or the genetic code.
    """
    for code in sorted(set(genetic_codes.values()) - GENETIC_CODES):
        raise InputError(f"AUGUSTUS does not know genetic code {code}; leave it out for this genome")
    program = shutil.which("augustus")
    if program is None:
        raise InputError("augustus is not on PATH; install it (Debian: apt-get install augustus)")
    lengths = {seqid: len(text) for seqid, text in sequences.items()}
    pieces = cut(lengths, core, margin, regions)
    found: dict[int, list[tuple[GeneModel, float | None]]] = {}
    bases = sum(piece.end - piece.start for piece in pieces)
    with (
        tempfile.TemporaryDirectory(prefix="genescribe-augustus-") as folder,
        ThreadPoolExecutor(threads) as pool,
        progress(f"AUGUSTUS {species}", bases, "b") as counter,
    ):
        jobs = {}
        for index, piece in enumerate(pieces):
            command = [
                program,
                f"--species={species}",
                f"--translation_table={genetic_codes[piece.seqid]}",
                *OPTIONS,
            ]
            text = sequences[piece.seqid][piece.start : piece.end]
            jobs[pool.submit(_run, command, text, Path(folder) / f"{index}.fna")] = index
        try:
            for job in as_completed(jobs):
                piece = pieces[jobs[job]]
                models = parse(job.result().splitlines(), piece.end - piece.start)
                shifted = [(model.shifted(piece.start), score) for model, score in models]
                found[jobs[job]] = [(model, score) for model, score in shifted if piece.owns(model)]
                counter.advance(piece.end - piece.start)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    genes: list[OutputGene] = []
    cut_off = 0
    for index, piece in enumerate(pieces):
        for model, score in sorted(found[index], key=lambda pair: (pair[0].start, pair[0].end)):
            genes.append(OutputGene(piece.seqid, f"augustus-{len(genes) + 1:05d}", model, score))
            is_cut_left = model.left is not End.CLOSED and piece.start > 0
            is_cut_right = model.right is not End.CLOSED and piece.end < lengths[piece.seqid]
            cut_off += is_cut_left or is_cut_right
    if cut_off:
        _log.warning(
            "AUGUSTUS: %d genes run past the end of their piece; a wider --margin avoids it", cut_off
        )
    return genes


def _run(command: Sequence[str], text: str, path: Path) -> str:
    path.write_text(f">piece\n{text}\n", encoding="ascii")
    done = subprocess.run(
        [*command, str(path)], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    path.unlink()
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if "rror" in line]
        reason = lines[-1] if lines else f"exit code {done.returncode}"
        raise InputError(f"augustus failed: {reason}; `augustus --species=help` lists the species")
    return done.stdout


def parse(lines: Iterable[str], length: int) -> list[tuple[GeneModel, float | None]]:
    """Models and scores of AUGUSTUS's GFF3 for one piece, in coordinates of the piece, one per transcript.

    Args:
        lines: AUGUSTUS's output, with start_codon, stop_codon and intron rows.
        length: bases of the piece; CDS and introns that reach its edges are open there.
    """
    transcripts: dict[str, _Transcript] = {}
    for line in lines:
        columns = line.split("\t")
        if line.startswith("#") or len(columns) != 9:
            continue
        kind, first, last, strand, name = columns[2], int(columns[3]), int(columns[4]), columns[6], columns[8]
        attributes = dict(part.partition("=")[::2] for part in name.split(";"))
        if kind == "transcript":
            score = None if columns[5] == "." else float(columns[5])
            transcripts[attributes["ID"]] = _Transcript(strand, score)
            continue
        owner = transcripts.get(attributes.get("Parent", ""))
        if owner is None:
            continue
        if kind == "CDS":
            owner.segments.append((first, last, int(columns[7])))
        elif kind == "intron":
            owner.introns.append((first, last))
        elif kind == "start_codon":
            owner.has_start = True
        elif kind == "stop_codon":
            owner.has_stop = True
    return [(_model(one, length), one.score) for one in transcripts.values() if one.segments]


def _model(transcript: _Transcript, length: int) -> GeneModel:
    rows = sorted(transcript.segments)
    plus = transcript.strand == "+"
    closed = transcript.has_start, transcript.has_stop
    left_closed, right_closed = closed if plus else closed[::-1]
    left = right = End.CLOSED
    if not left_closed:
        if rows[0][0] == 1:
            left = End.OPEN
        elif any(first == 1 for first, _ in transcript.introns):
            left = End.OPEN_INTRON
    if not right_closed:
        if rows[-1][1] == length:
            right = End.OPEN
        elif any(last == length for _, last in transcript.introns):
            right = End.OPEN_INTRON
    # The first codon's phase says where codons begin; counted from the left, that fixes the bases before.
    bases = sum(last - first + 1 for first, last, _ in rows)
    lead = -rows[0][2] % 3 if plus else (rows[-1][2] - bases) % 3
    return GeneModel(
        kind=PROTEIN_CODING,
        strand=transcript.strand,
        segments=tuple((first - 1, last) for first, last, _ in rows),
        left=left,
        right=right,
        lead=lead if left is not End.CLOSED else 0,
    )
