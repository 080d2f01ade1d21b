"""Reader and grammar over a whole collection of annotated genomes: what is read, what the language can say.

The collection is a folder with index.tsv (columns name, organism, domain, genetic_code, bp, cds among others)
and one folder per genome with genome.fna.gz and annotation.gff3.gz.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.genetic_codes import parse_genetic_code
from genescribe.genomes.gff3 import read_gff3
from genescribe.genomes.lines import numbered_lines
from genescribe.genomes.proteins import spliced
from genescribe.genomes.records import FLAG_FRAMESHIFT, FLAG_PARTIAL, Annotation, Gene, Transcript
from genescribe.language.bases import Codes, to_codes
from genescribe.language.check import check
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.language.genetic_code import genetic_code
from genescribe.language.grammar import GrammarConfig

INDEX = "index.tsv"
WITHOUT_INTRONS = frozenset({"bacteria", "archaea", "virus"})
BEGIN, END = "<!-- survey: begin -->", "<!-- survey: end -->"
_COLUMNS = frozenset({"name", "organism", "domain", "genetic_code", "bp", "cds"})


@dataclass(slots=True)
class Survey:
    """What came of one genome.

    Attributes:
        name: its folder.
        organism: its name.
        domain: bacteria, archaea, fungi ...
        bases: of all sequences.
        listed: clean coding genes by the collection's index.
        genes: genes read, by kind.
        expressible: genes whose target the grammar accepts on the whole sequence, of all kinds.
        clean: coding genes with a CDS that has both ends, a start and a stop codon, whole codons and no stop
            codon inside.
        over_frameshift: clean genes whose every clean CDS is joined over a frameshift.
        accepted: of the other clean genes, those whose first-ranked clean CDS the grammar accepts.
        left_out: reader's reasons.
        rejected: grammar's reasons, over the targets of all genes.
        rejected_clean: the reasons and gene IDs of the clean genes that were not accepted.
    """

    name: str
    organism: str
    domain: str
    bases: int
    listed: int
    genes: Counter[str] = field(default_factory=Counter)
    expressible: int = 0
    clean: int = 0
    over_frameshift: int = 0
    accepted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    rejected_clean: list[tuple[str, str]] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Share of clean coding genes, less those over a frameshift, that the grammar accepts."""
        return self.accepted / max(1, self.clean - self.over_frameshift)


def read_index(folder: Path) -> list[dict[str, str]]:
    """Rows of the collection's index.

    Raises:
        InputError: there is none, or it lacks a column.
    """
    lines = [line for _, line in numbered_lines(folder / INDEX)]
    rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    missing = _COLUMNS - set(rows[0] if rows else ())
    if missing:
        raise InputError(
            f"column {min(missing)!r} is missing; see `genescribe survey --help`", folder / INDEX
        )
    return rows


def survey_genome(folder: Path, row: Mapping[str, str]) -> Survey:
    """Read one genome of the collection and ask the grammar about each of its genes."""
    default, named = parse_genetic_code(row["genetic_code"])
    place = folder / row["name"]
    sequences = {seqid: one.sequence for seqid, one in read_fasta(place / "genome.fna.gz").items()}
    lengths = {seqid: len(sequence) for seqid, sequence in sequences.items()}
    annotation = read_gff3(place / "annotation.gff3.gz", lengths, default)
    codes = {seqid: named.get(seqid, annotation.genetic_codes.get(seqid, default)) for seqid in sequences}
    introns = row["domain"] not in WITHOUT_INTRONS
    grammars = {code: GrammarConfig(genetic_code=code, introns=introns) for code in set(codes.values())}
    result = Survey(row["name"], row["organism"], row["domain"], sum(lengths.values()), int(row["cds"]))
    result.left_out.update(one.reason for one in annotation.left_out)
    by_sequence: dict[str, list[Gene]] = {}
    for gene in annotation.genes:
        by_sequence.setdefault(gene.seqid, []).append(gene)
    for seqid, genes in by_sequence.items():
        bases = to_codes(sequences[seqid])
        for gene in genes:
            _count(result, gene, sequences[seqid], bases, grammars[codes[seqid]], annotation)
    return result


def _count(
    result: Survey, gene: Gene, sequence: str, bases: Codes, grammar: GrammarConfig, annotation: Annotation
) -> None:
    result.genes[gene.kind] += 1
    is_circular = gene.seqid in annotation.circular
    reason = check(bases, gene.target.model, grammar, circular=is_circular)
    if reason is None:
        result.expressible += 1
    else:
        result.rejected[reason] += 1
    clean = [one for one in gene.ranked if is_clean(one, sequence, grammar.genetic_code)]
    if not clean:
        return
    result.clean += 1
    plain = [one for one in clean if FLAG_FRAMESHIFT not in one.flags]
    if not plain:
        result.over_frameshift += 1
        return
    reason = check(bases, plain[0].model, grammar, circular=is_circular)
    if reason is None:
        result.accepted += 1
    else:
        result.rejected_clean.append((reason, gene.id))


def is_clean(one: Transcript, sequence: str, code: int) -> bool:
    """Whether a CDS has both ends, a start and a stop codon, whole codons, and no stop codon inside."""
    model = one.model
    if model.kind != PROTEIN_CODING or FLAG_PARTIAL in one.flags or model.length % 3 or model.length < 6:
        return False
    bases, table = spliced(model, sequence), genetic_code(code)
    if bases[:3] not in table.starts_accept or bases[-3:] not in table.stops:
        return False
    return not any(bases[at : at + 3] in table.stops for at in range(3, len(bases) - 3, 3))


def table(results: Sequence[Survey]) -> list[str]:
    """The survey as lines of Markdown."""
    head = (
        *("genome", "domain", "Mb", "genes read", "expressible", "coding", "clean", "clean by index"),
        *("over a frameshift", "accepted", "% accepted", "left out by the reader", "rejected by the grammar"),
    )
    lines = [_row(head), _row(["---", "---", *["---:"] * 9, "---", "---"])]
    for one in results:
        lines.append(
            _row(
                (
                    *(one.organism, one.domain, f"{one.bases / 1e6:.2f}", one.genes.total(), one.expressible),
                    *(one.genes[PROTEIN_CODING], one.clean, one.listed, one.over_frameshift, one.accepted),
                    *(f"{100 * one.share:.2f}", _reasons(one.left_out), _reasons(one.rejected)),
                )
            )
        )
    return lines


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _reasons(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered) or "-"


def write_survey(path: Path, results: Sequence[Survey]) -> None:
    """Put the table into a Markdown page: between its two marks if it has them, else it is the page."""
    block = "\n".join([BEGIN, *table(results), END])
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    with atomic_path(path) as temporary:
        temporary.write_text(before + block + after if begin and end else block + "\n", encoding="utf-8")
