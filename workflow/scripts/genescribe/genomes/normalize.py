"""A genome from whatever form into the one that everything else reads: a folder with fixed file names."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from genescribe.files import sha256
from genescribe.genomes.fasta import SequenceRecord, write_fasta
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.gffread import VERDICTS, confirm_proteins, find_gffread
from genescribe.genomes.load import (
    ANNOTATION,
    FLAGGED,
    FLAGGED_COLUMNS,
    GENOME,
    LEFT_OUT,
    LEFT_OUT_COLUMNS,
    SOFTMASK,
    SUMMARY,
)
from genescribe.genomes.records import Gene, LeftOut
from genescribe.genomes.regions import Region, write_bed
from genescribe.genomes.source import read_source

# What of the attributes says something that is used later: names for people, and why a transcript is flagged.
_KEPT_ATTRIBUTES = frozenset(
    {
        *("Name", "gene", "locus_tag", "product", "protein_id", "orf_classification", "start_codon"),
        *("exception", "transl_except"),
    }
)


def normalize_genome(
    fasta: Path, gff3: Path | None, out: Path, name: str, genetic_code_text: str, gffread: bool
) -> dict:
    """Read a genome and its annotation, check both, and write the folder `out`; files of other names stay.

    Args:
        fasta: nucleotide FASTA.
        gff3: its annotation, if it has one.
        out: the folder.
        name: the genome's name.
        genetic_code_text: such as "11" or "1;NC_001224.1=3"; sequences that are not named, and whose CDS
            name a code in the GFF3, have that one.
        gffread: whether gffread confirms the proteins.

    Returns:
        What stands in summary.json.

    Raises:
        InputError: bad input, or gffread is missing. Nothing is written then.
    """
    if gffread and gff3 is not None:
        find_gffread()
    source = read_source(fasta, gff3, genetic_code_text)
    records, annotation, codes, lengths = (
        source.records,
        source.annotation,
        source.genetic_codes,
        source.lengths,
    )
    genes = [_slim(gene) for gene in annotation.genes]
    witness = None
    if gffread and gff3 is not None:
        witness = confirm_proteins(genes, source.sequences, codes)

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".partial-{out.name}-") as temporary:
        folder = Path(temporary)
        write_fasta(folder / GENOME, ((seqid, record.sequence) for seqid, record in records.items()))
        write_bed(folder / SOFTMASK, _softmask(records))
        write_gff3(folder / ANNOTATION, genes, lengths, annotation.circular, genetic_codes=codes)
        _write_table(folder / LEFT_OUT, LEFT_OUT_COLUMNS, map(_left_out_row, annotation.left_out))
        _write_table(folder / FLAGGED, FLAGGED_COLUMNS, _flagged_rows(genes))
        inputs = {"fasta": fasta, **({"gff3": gff3} if gff3 is not None else {})}
        summary = {
            "name": name,
            "genetic_code": source.genetic_code,
            "annotated": gff3 is not None,
            "sequences": [
                {
                    "id": seqid,
                    "length": lengths[seqid],
                    "circular": seqid in annotation.circular,
                    "genetic_code": codes[seqid],
                }
                for seqid in records
            ],
            "genes_by_kind": _counted(gene.kind for gene in genes),
            "transcripts": sum(len(gene.transcripts) for gene in genes),
            "left_out_by_reason": _counted(one.reason for one in annotation.left_out),
            "flagged_by_reason": _counted(
                flag for gene in genes for one in gene.transcripts for flag in one.flags
            ),
            "gffread": witness.summary() if witness else None,
            "digests": {
                "inputs": {key: sha256(path) for key, path in inputs.items()},
                "files": {path.name: sha256(path) for path in sorted(folder.iterdir())},
            },
        }
        (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        _move_files(folder, out)
    return summary


def _move_files(folder: Path, out: Path) -> None:
    """Put files into place. The summary goes first and comes last: a folder without one is no genome."""
    out.mkdir(exist_ok=True)
    (out / SUMMARY).unlink(missing_ok=True)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == SUMMARY):
        path.chmod(0o644)
        path.replace(out / path.name)


def _slim(gene: Gene) -> Gene:
    def kept(attributes: Mapping[str, str]) -> dict[str, str]:
        return {key: value for key, value in attributes.items() if key in _KEPT_ATTRIBUTES}

    transcripts = tuple(replace(one, attributes=kept(one.attributes)) for one in gene.transcripts)
    return replace(gene, attributes=kept(gene.attributes), transcripts=transcripts)


def _softmask(records: Mapping[str, SequenceRecord]) -> Iterable[Region]:
    return (Region(seqid, start, end) for seqid, record in records.items() for start, end in record.softmask)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _left_out_row(one: LeftOut) -> tuple[object, ...]:
    return one.id, one.seqid, one.start + 1, one.end, one.strand, one.type, one.reason


def _flagged_rows(genes: Iterable[Gene]) -> Iterable[tuple[object, ...]]:
    for gene in genes:
        for one in gene.transcripts:
            if one.flags:
                model, flags = one.model, ",".join(sorted(one.flags))
                yield one.id, gene.id, gene.seqid, model.start + 1, model.end, gene.strand, flags


def _write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as table:
        for row in (columns, *rows):
            table.write("\t".join(" ".join(str(cell).split()) for cell in row) + "\n")


def describe(summary: Mapping) -> list[str]:
    """Lines that tell a person what a summary holds."""
    sequences = summary["sequences"]
    bases = sum(entry["length"] for entry in sequences)
    circular = sum(entry["circular"] for entry in sequences)
    lines = [f"{summary['name']}: {bases:,} bases, {len(sequences)} sequence(s), {circular} circular"]
    for title, key in (
        ("genes", "genes_by_kind"),
        ("flagged", "flagged_by_reason"),
        ("left out", "left_out_by_reason"),
    ):
        if summary[key]:
            lines.append(
                f"{title}: " + ", ".join(f"{count:,} {reason}" for reason, count in summary[key].items())
            )
    if witness := summary["gffread"]:
        shown = [verdict for verdict in VERDICTS if witness[verdict] or verdict == "identical"]
        counts = ", ".join(f"{witness[verdict]:,} {verdict}" for verdict in shown)
        lines.append(f"gffread {witness['version']}: {counts}")
    return lines
