"""What normalisation left out of the reference annotation or set apart, by reason, and what it kept."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from genescribe.errors import InputError
from genescribe.genomes.records import Annotation, LeftOut
from genescribe.report.numbers import count, listing

EXAMPLES = 4

_MEANINGS = {
    "pseudogene": "the reference says that it is no working gene",
    "pseudo": "the reference says that it is no working gene",
    "exception": "the protein is not the plain translation of the DNA",
    "trans_splicing": "its parts are joined from different transcripts",
    "transl_except": "one codon stands for another amino acid than usual",
    "frameshift": "its parts are joined over a change of the reading frame",
    "length_not_multiple_of_3": "its bases do not make whole codons",
    "partial": "the annotation says that an end is missing",
    "no_cds_or_rna": "a gene with neither coding sequence nor RNA",
}
_KIND_NAMES = {"protein_coding": "protein-coding genes", "pseudogene": "pseudogenes"}


@dataclass(frozen=True)
class Reason:
    """A reason with what it means, how many features it concerns, and the first few of them.

    `is_kept`: the features stay in the annotation and are only not scored or trained on.
    """

    name: str
    meaning: str
    is_kept: bool
    count: int
    examples: list[LeftOut]


class _Gffread(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: str
    checked: int
    identical: int
    both_refuse: int


class _Summary(BaseModel):
    model_config = ConfigDict(extra="ignore")

    genes_by_kind: dict[str, int]
    gffread: _Gffread | None


def by_reason(left_out: Iterable[LeftOut], reference: Annotation | None) -> list[Reason]:
    """Reasons of features that were left out, then of genes that are kept but are no clean reference.

    Within both: the most frequent first, then by name.
    """
    groups: dict[tuple[bool, str], list[LeftOut]] = defaultdict(list)
    for row in left_out:
        groups[False, row.reason].append(row)
    for row in _flagged(reference) if reference else ():
        groups[True, row.reason].append(row)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    return [
        Reason(name.replace("_", " "), _MEANINGS.get(name, ""), is_kept, len(rows), rows[:EXAMPLES])
        for (is_kept, name), rows in ordered
    ]


def _flagged(reference: Annotation) -> Iterator[LeftOut]:
    for gene in reference.genes:
        for one in gene.transcripts:
            for flag in sorted(one.flags):
                yield LeftOut(
                    one.id, gene.seqid, one.model.start, one.model.end, gene.strand, gene.kind, flag
                )


def kept_sentences(path: Path) -> list[str]:
    """What a genome's summary.json says: genes kept by kind, and what gffread made of their proteins.

    Raises:
        InputError: it is not what `genescribe normalize` writes.
    """
    try:
        summary = _Summary.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, ValidationError) as error:
        raise InputError("is no summary of `genescribe normalize`; run it again", path) from error
    kinds = sorted(summary.genes_by_kind.items(), key=lambda item: (-item[1], item[0]))
    kept = listing([f"{count(number)} {_KIND_NAMES.get(kind, f'{kind} genes')}" for kind, number in kinds])
    sentences = [f"The whole annotation keeps {kept or 'no gene'}."]
    if one := summary.gffread:
        sentences.append(f"As a check, gffread {one.version} translated {count(one.checked)} proteins:")
        refused = f" and {count(one.both_refuse)} are refused by both" if one.both_refuse else ""
        sentences.append(f"{count(one.identical)} are the same as here{refused}.")
    return sentences
