"""Genes into GFF3: gene, mRNA and CDS rows, or gene, RNA and exon rows, sorted.

Over the origin of a circular sequence, coordinates go on beyond its length, as the GFF3 specification says.
The rows of a gene and its transcripts with a probability as score have an attribute `color` for IGV; the
specification leaves attributes that begin with a lower-case letter to applications.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from genescribe.files import atomic_path
from genescribe.genomes.chains import PSEUDOGENE
from genescribe.genomes.colours import hex_colour
from genescribe.genomes.gene_assembly import stem
from genescribe.genomes.records import Gene, OutputGene, Transcript
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel

__all__ = ["OutputGene", "phases", "write_gff3"]

# GFF3 specification, "Description of the Format": what must be escaped in column 9, and all else in column 1.
# Blanks at either end are escaped too, since readers strip them.
_IN_VALUE = re.compile(r"[\x00-\x1f\x7f%;=&,]|^\s+|\s+$")
_LISTS = frozenset({"start_range", "end_range"})
_IN_SEQID = re.compile(r"[^a-zA-Z0-9.:^*$@!+_?|-]")


def write_gff3(
    path: str | Path,
    records: Iterable[OutputGene | Gene],
    sequences: Mapping[str, int],
    circular: Collection[str] = (),
    source: str = "GeneScribe",
    genetic_code: int = 11,
    genetic_codes: Mapping[str, int] | None = None,
) -> None:
    """Write genes as a GFF3 file, sorted by sequence (in the order of `sequences`) and position.

    Args:
        path: the file.
        records: genes with unique ids, in any order.
        sequences: length of each sequence.
        circular: sequences that get a region row with Is_circular=true.
        source: column 2.
        genetic_code: NCBI translation table; written as transl_table unless it is 1.
        genetic_codes: tables of sequences that have another one.

    Raises:
        ValueError: two genes or transcripts have the same id.
    """
    order = {seqid: number for number, seqid in enumerate(sequences)}
    codes = genetic_codes or {}
    genes = [
        _side_by_side(record.gene() if isinstance(record, OutputGene) else record, sequences)
        for record in records
    ]
    genes.sort(key=lambda gene: (order[gene.seqid], gene.start, gene.end, gene.strand, gene.id))
    names = _Names(genes)
    rows: list[tuple[tuple[int, int, int, int, int], str]] = []
    for seqid in sequences:
        if seqid in circular:
            attributes = {"ID": names.unused(f"region-{seqid}"), "Is_circular": "true"}
            row = _Row("region", 0, sequences[seqid], "+", attributes)
            rows.append(((order[seqid], 0, -row.end, -1, 0), row.text(escape_seqid(seqid), source)))
    for number, gene in enumerate(genes):
        seqid = escape_seqid(gene.seqid)
        for depth, row in enumerate(_gene_rows(gene, codes.get(gene.seqid, genetic_code), names)):
            rows.append(((order[gene.seqid], row.start, -row.end, number, depth), row.text(seqid, source)))
    rows.sort()
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as gff:
        gff.write("##gff-version 3\n")
        gff.writelines(f"##sequence-region {escape_seqid(one)} 1 {sequences[one]}\n" for one in sequences)
        gff.writelines(line for _, line in rows)


def _side_by_side(gene: Gene, sequences: Mapping[str, int]) -> Gene:
    """The gene with its transcripts in one place: one may be over the origin and another begin behind it."""
    length = sequences[gene.seqid]
    if gene.end <= length:
        return gene
    first = min(one.model.start for one in gene.transcripts if one.model.end > length)
    moved = replace(
        gene,
        transcripts=tuple(
            replace(one, model=one.model.shifted(length)) if one.model.start < first else one
            for one in gene.transcripts
        ),
    )
    return min(gene, moved, key=lambda one: one.end - one.start)


class _Names:
    """IDs of a file, each used once."""

    def __init__(self, genes: Iterable[Gene]) -> None:
        self._used: set[str] = set()
        for gene in genes:
            # The transcript of a pseudogene has no row of its own as a rule, and no name that matters.
            transcripts = gene.transcripts if gene.kind != PSEUDOGENE else ()
            for name in (gene.id, *(one.id for one in transcripts)):
                if name in self._used:
                    raise ValueError(f"two genes or transcripts are called {name!r}")
                self._used.add(name)

    def unused(self, name: str) -> str:
        """`name`, or with the first number that makes it new."""
        found, number = name, 1
        while found in self._used:
            number += 1
            found = f"{name}-{number}"
        self._used.add(found)
        return found


class _Row:
    """A row but for its sequence and source."""

    __slots__ = ("attributes", "end", "phase", "score", "start", "strand", "type")

    def __init__(
        self,
        kind: str,
        start: int,
        end: int,
        strand: str,
        attributes: Mapping[str, str],
        score: float | None = None,
        phase: int | None = None,
    ) -> None:
        self.type, self.start, self.end, self.strand = kind, start, end, strand
        self.attributes, self.score, self.phase = attributes, score, phase

    def text(self, seqid: str, source: str) -> str:
        score = "." if self.score is None else f"{self.score:.3f}"
        phase = "." if self.phase is None else str(self.phase)
        column = ";".join(
            # The ranges of partial features are lists, whose commas stand as they are.
            f"{escape_value(key)}={value if key in _LISTS else escape_value(value)}"
            for key, value in self.attributes.items()
        )
        columns = (seqid, source, self.type, self.start + 1, self.end, score, self.strand, phase, column)
        return "\t".join(map(str, columns)) + "\n"


def phases(model: GeneModel) -> tuple[int, ...]:
    """GFF3 phase of each CDS segment, left to right.

    As `GeneModel.phases`, but counted from the 5' end where that is the gene's own, so that a reference CDS
    whose length is no multiple of three (a frameshift) still begins with phase 0.
    """
    five_prime = model.left if model.strand == "+" else model.right
    if five_prime is not End.CLOSED:
        return model.phases
    found, position = [], 0
    for start, end in model.segments if model.strand == "+" else reversed(model.segments):
        found.append(-position % 3)
        position += end - start
    return tuple(found if model.strand == "+" else reversed(found))


def _gene_rows(gene: Gene, code: int, names: _Names) -> Iterator[_Row]:
    start, end = gene.start, gene.end
    is_left_open = any(
        one.model.start == start and one.model.left is not End.CLOSED for one in gene.transcripts
    )
    is_right_open = any(
        one.model.end == end and one.model.right is not End.CLOSED for one in gene.transcripts
    )
    attributes = {"ID": gene.id, **gene.attributes, "gene_biotype": gene.kind}
    attributes |= _partial(start, end, is_left_open, is_right_open)
    if gene.kind == PSEUDOGENE:
        attributes["pseudo"] = "true"
    kind = PSEUDOGENE if gene.kind == PSEUDOGENE else "gene"
    yield _Row(kind, start, end, gene.strand, attributes | _colour(gene), gene.score)
    # In an order of their own, so that a file that was read and is written again is the same.
    for one in sorted(gene.transcripts, key=lambda one: (one.model.start, -one.model.end, one.id)):
        if gene.kind == PROTEIN_CODING:
            yield from _coding_rows(gene, one, code, names)
        elif gene.kind != PSEUDOGENE:
            yield from _exon_rows(gene, one, gene.kind, "exon", names)
        elif len(one.model.segments) > 1:
            yield from _exon_rows(gene, one, "pseudogenic_transcript", "pseudogenic_exon", names)


def _coding_rows(gene: Gene, one: Transcript, code: int, names: _Names) -> Iterator[_Row]:
    model = one.model
    is_left_open, is_right_open = model.left is not End.CLOSED, model.right is not End.CLOSED
    above = {"ID": one.id, "Parent": gene.id}
    above |= _partial(model.start, model.end, is_left_open, is_right_open)
    yield _Row("mRNA", model.start, model.end, model.strand, above | _colour(gene), gene.score)
    attributes = {"ID": names.unused(f"cds-{stem(one.id)}"), "Parent": one.id, **one.attributes}
    if code != 1:
        attributes["transl_table"] = str(code)
    for (start, end), phase in zip(model.segments, phases(model), strict=True):
        partial = _partial(
            start, end, is_left_open and start == model.start, is_right_open and end == model.end
        )
        if is_left_open or is_right_open:
            partial["partial"] = "true"
        yield _Row("CDS", start, end, model.strand, attributes | partial, None, phase)


def _exon_rows(gene: Gene, one: Transcript, kind: str, part: str, names: _Names) -> Iterator[_Row]:
    model = one.model
    name = one.id if gene.kind != PSEUDOGENE else names.unused(one.id)
    attributes = {"ID": name, "Parent": gene.id, **one.attributes}
    attributes |= _partial(
        model.start, model.end, model.left is not End.CLOSED, model.right is not End.CLOSED
    )
    yield _Row(kind, model.start, model.end, model.strand, attributes | _colour(gene), gene.score)
    numbered = enumerate(model.segments if model.strand == "+" else reversed(model.segments), start=1)
    for number, (start, end) in numbered:
        below = {"ID": names.unused(f"exon-{stem(one.id)}-{number}"), "Parent": name}
        yield _Row(part, start, end, model.strand, below)


def _colour(gene: Gene) -> dict[str, str]:
    found = hex_colour(gene.score)
    return {} if found is None else {"color": found}


def _partial(start: int, end: int, is_left_open: bool, is_right_open: bool) -> dict[str, str]:
    """Attributes of a feature that runs past its left or right end (NCBI's GFF3 documentation)."""
    found = {}
    if is_left_open or is_right_open:
        found["partial"] = "true"
    if is_left_open:
        found["start_range"] = f".,{start + 1}"
    if is_right_open:
        found["end_range"] = f"{end},."
    return found


def escape_value(text: str) -> str:
    """An attribute's key or value as column 9 takes it."""
    return _IN_VALUE.sub(_escaped, text)


def escape_seqid(text: str) -> str:
    """A sequence's id as column 1 takes it."""
    return _IN_SEQID.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode())
