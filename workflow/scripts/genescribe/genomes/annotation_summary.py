"""An annotation in a few numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from genescribe.files import atomic_path
from genescribe.genomes.colours import BANDS
from genescribe.genomes.gene_list import end_codons, missing_end
from genescribe.genomes.proteins import spliced
from genescribe.genomes.records import Gene
from genescribe.language.gene_model import KINDS, PROTEIN_CODING


def write_summary(
    path: str | Path,
    genes: Sequence[Gene],
    sequences: Mapping[str, str],
    circular: Collection[str],
    genetic_codes: Mapping[str, int],
) -> None:
    """Write `summarize` as JSON."""
    found = summarize(genes, sequences, circular, genetic_codes)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def summarize(
    genes: Sequence[Gene],
    sequences: Mapping[str, str],
    circular: Collection[str],
    genetic_codes: Mapping[str, int],
) -> dict[str, Any]:
    """What an annotation holds. A gene counts once, by its target transcript.

    Args:
        genes: of all kinds.
        sequences: bases of each sequence.
        circular: ids of circular sequences.
        genetic_codes: NCBI translation table of each sequence.

    Returns:
        Counts, bases and shares (0 to 1), ready for JSON; see docs/formats.md for each key.
    """
    models = [gene.target.model for gene in genes]
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    return {
        "sequences": {
            "count": len(sequences),
            "circular": len(set(circular) & set(sequences)),
            "without_genes": len(set(sequences) - {gene.seqid for gene in genes}),
            "bases": sum(lengths.values()),
            "gc": _gc(sequences.values()),
            "genetic_codes": _counted(str(genetic_codes[seqid]) for seqid in sequences),
        },
        "genes": {
            "count": len(genes),
            "by_kind": {kind: count for kind in KINDS if (count := sum(one.kind == kind for one in models))},
            "by_strand": {strand: sum(one.strand == strand for one in models) for strand in "+-"},
            "partial": _counted(end for end in map(missing_end, models) if end != "no"),
            "over_the_origin": sum(gene.end > lengths[gene.seqid] for gene in genes),
        },
        "coding": _coding([gene for gene in genes if gene.kind == PROTEIN_CODING], sequences),
        "scores": _scores([gene.score for gene in genes if gene.score is not None]),
    }


def _coding(genes: Sequence[Gene], sequences: Mapping[str, str]) -> dict[str, Any]:
    models = [gene.target.model for gene in genes]
    ends = [end_codons(gene.target.model, sequences[gene.seqid]) for gene in genes]
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    bases, total = _covered(genes, lengths), sum(lengths.values())
    return {
        "bases": bases,
        "share_of_bases": round(bases / total, 4) if total else None,
        "gc": _gc(spliced(gene.target.model, sequences[gene.seqid]) for gene in genes),
        "several_segments": sum(len(one.segments) > 1 for one in models),
        "median_length": median(one.length for one in models) if models else None,
        "longest": max((one.length for one in models), default=None),
        "start_codons": _counted(start for start, _ in ends if start),
        "stop_codons": _counted(stop for _, stop in ends if stop),
    }


def _covered(genes: Iterable[Gene], lengths: Mapping[str, int]) -> int:
    """Bases that lie in a segment of some gene, each counted once."""
    spans = []
    for gene in genes:
        length = lengths[gene.seqid]
        for start, end in gene.target.model.segments:
            spans += [
                (gene.seqid, start, min(end, length)),
                (gene.seqid, max(start - length, 0), end - length),
            ]
    covered, before, reached = 0, "", 0
    for seqid, start, end in sorted(spans):
        reached = reached if seqid == before else 0
        covered += max(end - max(start, reached), 0)
        before, reached = seqid, max(reached, end)
    return covered


def _scores(scores: Sequence[float]) -> dict[str, Any]:
    """Mean, and genes in each band of colour by the band's least score."""
    bands = Counter(next((least for least, _ in BANDS if score >= least), None) for score in scores)
    return {
        "genes": len(scores),
        "mean": round(mean(scores), 4) if scores else None,
        "from": {f"{least:.1f}": bands[least] for least, _ in BANDS},
    }


def _gc(parts: Iterable[str]) -> float | None:
    """Share of G and C among A, C, G and T."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update({base: part.count(base) for base in "ACGT"})
    return round((counts["G"] + counts["C"]) / counts.total(), 4) if counts.total() else None


def _counted(names: Iterable[str]) -> dict[str, int]:
    """Counts, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))
