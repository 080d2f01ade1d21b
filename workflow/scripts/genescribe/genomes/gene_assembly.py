"""Rows of a GFF3 file into genes: who belongs to whom, of which kind, and what is left out.

A gene is the topmost feature of a gene type (gene, pseudogene, ncRNA_gene ...) above a CDS or an RNA; without
one, the topmost CDS, mRNA or RNA itself. CDS rows make one chain per parent and ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.chains import (
    PSEUDOGENE,
    Place,
    RefusedError,
    Row,
    coding_model,
    exon_model,
    parents_of,
)
from genescribe.genomes.records import Gene, LeftOut, Transcript
from genescribe.language.gene_model import KINDS, PROTEIN_CODING, GeneModel

_LANDMARKS = frozenset(
    {"region", "chromosome", "contig", "supercontig", "scaffold", "plasmid", "sequence_assembly"}
)
_EXONS = frozenset({"exon", "noncoding_exon", "pseudogenic_exon"})
_UNNAMED_RNA = frozenset({"transcript", "primary_transcript", "nc_primary_transcript"})
# What the model, the kind, the score or the sequence already says.
_STRUCTURE = frozenset(
    {
        *("ID", "Parent", "part", "partial", "start_range", "end_range", "pseudo"),
        *("Is_circular", "transl_table", "gene_biotype", "color"),
    }
)


def is_landmark(row: Row) -> bool:
    """Whether a row describes a sequence as a whole, as far as the row itself can tell."""
    if row.type == "region" and not is_circular(row) and row.seqid not in row.attributes.get("ID", ""):
        return False
    return row.type in _LANDMARKS and row.start == 0


def is_circular(row: Row) -> bool:
    """Whether a row says that its sequence is a circle."""
    return row.attributes.get("Is_circular", "").lower() == "true"


def stem(name: str) -> str:
    """An ID without the prefix that says the feature's type, as NCBI writes it."""
    for prefix in ("gene-", "rna-", "mrna-", "cds-"):
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :]
    return name


@dataclass(slots=True, eq=False)
class _Feature:
    """All rows of one ID, or one row without ID, and the features above and below it."""

    id: str
    type: str
    rows: list[Row]
    parents: list[_Feature] = field(default_factory=list)
    children: list[_Feature] = field(default_factory=list)
    chains: dict[str, list[Row]] = field(default_factory=dict)
    """CDS rows right below this feature, by the CDS's ID ("" if it has none)."""

    @property
    def is_gene(self) -> bool:
        return self.type in ("gene", PSEUDOGENE) or self.type.endswith("_gene")

    @property
    def kind(self) -> str | None:
        """Kind of gene that this makes as a transcript, by its type or, if that says little, its biotype."""
        if self.type in _UNNAMED_RNA:
            return _kind_of_biotype(self.biotype) or "ncRNA"
        return _kind_of_rna(self.type)

    @property
    def biotype(self) -> str:
        attributes = self.rows[0].attributes
        return next(
            (attributes[key] for key in ("gene_biotype", "biotype", "gene_type") if key in attributes), ""
        )

    @property
    def is_pseudo(self) -> bool:
        return (
            self.type == PSEUDOGENE
            or self.type.startswith("pseudogenic")
            or PSEUDOGENE in self.biotype
            or _is_pseudo_row(self.rows[0])
        )

    @property
    def span(self) -> tuple[int, int]:
        return min(row.start for row in self.rows), max(row.end for row in self.rows)


def _is_pseudo_row(row: Row) -> bool:
    return row.attributes.get("pseudo") == "true" or "pseudogene" in row.attributes


def _kind_of_rna(name: str) -> str | None:
    if name == "tmRNA" or not name.endswith("RNA"):
        return name if name == "tmRNA" else None
    for ending, kind in (("tRNA", "tRNA"), ("rRNA", "rRNA"), ("mRNA", PROTEIN_CODING)):
        if name.endswith(ending):
            return kind
    return "ncRNA"


def _kind_of_biotype(biotype: str) -> str | None:
    return biotype if biotype in KINDS else _kind_of_rna(biotype)


def assemble_genes(
    rows: Sequence[Row], lengths: Mapping[str, int], circular: Iterable[str], path: str | Path
) -> tuple[list[Gene], list[LeftOut]]:
    """Genes and left-out features of checked rows, both in the order of the file.

    Args:
        rows: rows with coordinates that fit their sequences.
        lengths: length of each sequence, where known.
        circular: circular sequences.
        path: the file, for messages.

    Raises:
        InputError: a missing Parent, Parents in a circle, one ID for two features, a CDS on two strands.
    """
    assembly = _Assembly(lengths, frozenset(circular), path)
    assembly.run(_features(rows, path))
    return assembly.genes, assembly.left_out


def _features(rows: Sequence[Row], path: str | Path) -> list[_Feature]:
    """Features in the order of the file, linked to each other."""
    by_id: dict[str, _Feature] = {}
    features: list[_Feature] = []
    for row in rows:
        name = row.attributes.get("ID", "")
        known = by_id.get(name) if name else None
        if known is None:
            known = _Feature(name, row.type, [row])
            features.append(known)
            if name:
                by_id[name] = known
            continue
        if known.type != row.type or known.rows[0].seqid != row.seqid:
            before = known.rows[0]
            message = (
                f"ID {name!r} is a {before.type} on {before.seqid} in line {before.line} and a {row.type} on "
                f"{row.seqid} here; give each feature an ID of its own"
            )
            raise InputError(message, path, row.line)
        known.rows.append(row)
    for feature in features:
        _link(feature, by_id, path)
    _check_circles(features, path)
    return features


def _link(feature: _Feature, by_id: Mapping[str, _Feature], path: str | Path) -> None:
    for row in feature.rows:
        for name in parents_of(row):
            parent = by_id.get(name)
            if parent is None:
                message = f"Parent {name!r} is no feature's ID in this file; add its row or mend the Parent"
                raise InputError(message, path, row.line)
            if parent.rows[0].seqid != row.seqid:
                message = f"Parent {name!r} lies on another sequence; mend the Parent or its ID"
                raise InputError(message, path, row.line)
            if parent not in feature.parents:
                feature.parents.append(parent)
                parent.children.append(feature)
            if feature.type == "CDS":
                parent.chains.setdefault(feature.id, []).append(row)


def _check_circles(features: Iterable[_Feature], path: str | Path) -> None:
    """Take away features whose parents are all away, again and again: what stays hangs on a circle."""
    waiting = {feature: len(feature.parents) for feature in features}
    free = [feature for feature, count in waiting.items() if count == 0]
    while free:
        feature = free.pop()
        del waiting[feature]
        for child in feature.children:
            waiting[child] -= 1
            if waiting[child] == 0:
                free.append(child)
    if waiting:
        feature = next(iter(waiting))
        message = f"the Parents of {feature.id or feature.type!r} lead round in a circle; mend the Parent"
        raise InputError(message, path, feature.rows[0].line)


def _root(feature: _Feature) -> _Feature:
    """The feature that makes the gene which `feature` belongs to."""
    line = [feature]
    while line[-1].parents:
        line.append(line[-1].parents[0])
    genes = [one for one in line if one.is_gene]
    transcripts = [one for one in line if one.type == "CDS" or one.chains or one.kind is not None]
    return (genes or transcripts or line)[-1]


def _descendants(root: _Feature) -> Iterator[_Feature]:
    """The root and everything below it, each once, parents first."""
    seen = {root}
    queue = [root]
    while queue:
        feature = queue.pop(0)
        yield feature
        fresh = [child for child in feature.children if child not in seen]
        seen.update(fresh)
        queue.extend(fresh)


class _Assembly:
    def __init__(self, lengths: Mapping[str, int], circular: frozenset[str], path: str | Path) -> None:
        self.lengths = lengths
        self.circular = circular
        self.path = path
        self.genes: list[Gene] = []
        self.left_out: list[LeftOut] = []
        self._gene_ids: set[str] = set()
        self._transcript_ids: set[str] = set()

    def run(self, features: Sequence[_Feature]) -> None:
        self._gene_ids = {one.id for one in features if one.id and one.is_gene}
        self._transcript_ids = {
            one.id for one in features if one.id and not one.is_gene and one.type != "CDS"
        }
        done: set[_Feature] = set()
        for feature in features:
            root = _root(feature)
            if root in done:
                continue
            done.add(root)
            if root.type == "CDS":
                root.chains.setdefault(root.id, list(root.rows))
            if root.is_gene or root.kind is not None or root.chains:
                self._gene(root)
            elif not is_landmark(root.rows[0]):
                self._leave(root.rows, root.id, "not_a_gene")

    def _gene(self, root: _Feature) -> None:
        members = list(_descendants(root))
        if root.is_pseudo and root.type != "CDS":
            self._pseudogene(root, members)
            return
        before = len(self.left_out)
        coding = [one for member in members for one in self._coding(root, member)]
        rnas = list(self._rnas(root, members, is_coding=bool(coding)))
        if not coding and not rnas and root.is_gene:
            pseudo = any(one.reason == PSEUDOGENE for one in self.left_out[before:])
            if pseudo:
                self._pseudogene(root, [])
                return
            kind = _kind_of_biotype(root.biotype)
            if len(self.left_out) == before and kind not in (None, PROTEIN_CODING, PSEUDOGENE):
                rnas = [one for one in [self._exons(str(kind), root, root, f"rna-{stem(root.id)}")] if one]
        transcripts = coding or rnas
        if transcripts:
            self._add(root, transcripts)
        elif len(self.left_out) == before:
            self._leave(root.rows, root.id, "no_cds_or_rna")

    def _add(self, root: _Feature, transcripts: Sequence[Transcript]) -> None:
        strand, kind = (
            transcripts[0].model.strand,
            min((one.model.kind for one in transcripts), key=KINDS.index),
        )
        kept = []
        for one in transcripts:
            reason = (
                "other_strand"
                if one.model.strand != strand
                else "other_kind"
                if one.model.kind != kind
                else None
            )
            if reason is None:
                kept.append(one)
            else:
                self._leave(root.rows, one.id, reason, one.model)
        first = root.rows[0]
        if root.is_gene and root.id:
            name = root.id
        else:
            name = self._unused(f"gene-{stem(kept[0].id)}", self._gene_ids)
        self.genes.append(Gene(name, first.seqid, strand, kind, tuple(kept), _kept(root.rows), first.score))

    def _pseudogene(self, root: _Feature, members: Sequence[_Feature]) -> None:
        for member in members:
            for name, rows in member.chains.items():
                self._leave(rows, name or member.id, PSEUDOGENE)
        transcript = self._exons(PSEUDOGENE, root, root, f"rna-{stem(root.id)}", is_span=True)
        if transcript:
            self._add(root, [transcript])

    def _coding(self, root: _Feature, member: _Feature) -> Iterator[Transcript]:
        """Transcripts of the CDS right below one member of a gene."""
        for name, rows in member.chains.items():
            if member.is_pseudo or any(_is_pseudo_row(row) for row in rows):
                self._leave(rows, name or member.id, PSEUDOGENE)
                continue
            is_own = not member.is_gene and member.type != "CDS" and member.id
            if is_own and len(member.chains) == 1:
                transcript_id = member.id
            else:
                transcript_id = f"mrna-{stem(name or member.id or self._place_name(rows[0]))}"
                transcript_id = self._unused(transcript_id, self._transcript_ids)
            try:
                model, flags = coding_model(rows, self._place(member), self.path)
            except RefusedError as refusal:
                self._leave(rows, name or member.id, refusal.reason)
                continue
            attributes = _kept(member.rows) | _kept(rows) if is_own else _kept(rows)
            yield Transcript(transcript_id, model, attributes, flags)

    def _rnas(self, root: _Feature, members: Iterable[_Feature], *, is_coding: bool) -> Iterator[Transcript]:
        """RNA transcripts of a gene; of nested ones (a miRNA in its precursor) the outer."""
        inside: set[_Feature] = set()
        for member in members:
            if member.kind is None or member.is_gene or member.chains or member in inside:
                continue
            inside.update(_descendants(member))
            reason = None
            if member.is_pseudo:
                reason = PSEUDOGENE
            elif member.kind == PROTEIN_CODING or (
                member.type in _UNNAMED_RNA and root.biotype == PROTEIN_CODING
            ):
                reason = "no_cds"
            elif is_coding:
                reason = "noncoding_isoform"
            if reason:
                self._leave(member.rows, member.id, reason)
                continue
            name = member.id or self._unused(f"rna-{self._place_name(member.rows[0])}", self._transcript_ids)
            transcript = self._exons(str(member.kind), root, member, name)
            if transcript:
                yield transcript

    def _exons(
        self, kind: str, root: _Feature, member: _Feature, name: str, *, is_span: bool = False
    ) -> Transcript | None:
        exons = [] if is_span else [row for one in member.children if one.type in _EXONS for row in one.rows]
        try:
            model, flags = exon_model(kind, member.rows, exons, self._place(member), self.path)
        except RefusedError as refusal:
            self._leave(member.rows, member.id or name, refusal.reason)
            return None
        return Transcript(name, model, {} if member is root and root.is_gene else _kept(member.rows), flags)

    def _place(self, member: _Feature) -> Place:
        seqid = member.rows[0].seqid
        return Place(member.span, self.lengths.get(seqid), seqid in self.circular)

    def _place_name(self, row: Row) -> str:
        return f"{row.seqid}_{row.start + 1}_{row.end}"

    def _unused(self, name: str, used: set[str]) -> str:
        """`name`, or with the first number that makes it new; it counts as used from now on."""
        unused, number = name, 1
        while unused in used:
            number += 1
            unused = f"{name}-{number}"
        used.add(unused)
        return unused

    def _leave(self, rows: Sequence[Row], name: str, reason: str, model: GeneModel | None = None) -> None:
        first = rows[0]
        start = min(row.start for row in rows) if model is None else model.start
        end = max(row.end for row in rows) if model is None else model.end
        strand = first.strand if model is None else model.strand
        name = name or self._place_name(first)
        self.left_out.append(LeftOut(name, first.seqid, start, end, strand, first.type, reason))


def _kept(rows: Iterable[Row]) -> dict[str, str]:
    """Attributes of rows that are one feature, without those that the model says."""
    return {
        key: value
        for row in rows
        for key, value in row.attributes.items()
        if key not in _STRUCTURE and key[:1]
    }
