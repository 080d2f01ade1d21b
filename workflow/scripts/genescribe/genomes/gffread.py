"""gffread as an independent witness: does it read the same proteins from the genes that are kept?

How gffread 0.12.7 is called, and why: it gets gene, mRNA and CDS rows (CDS right under a gene make it stop).
`-V` drops transcripts with an in-frame stop codon of the standard code: it is given for codes 1 and 11 alone.
`-J` also wants ATG: it is given for code 1 and complete genes alone. `-y` translates with the standard code
and writes other start codons as their amino acid: proteins of other codes are compared under the standard
one, and all from the second residue on.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genescribe.errors import InputError
from genescribe.genomes.fasta import write_fasta
from genescribe.genomes.gff3_writer import write_gff3
from genescribe.genomes.lines import numbered_lines
from genescribe.genomes.proteins import spliced, translate
from genescribe.genomes.records import FLAG_FRAMESHIFT, FLAG_LENGTH, FLAG_PARTIAL, Gene, Transcript
from genescribe.language.gene_model import PROTEIN_CODING

STANDARD_STOPS = (1, 11)
_STANDARD = 1
_INSTALL = "apt-get install gffread, or conda install -c bioconda gffread; or pass --no-gffread"


@dataclass(frozen=True, slots=True)
class Witness:
    """What gffread said.

    Attributes:
        version: of gffread.
        verdicts: how many transcripts got which verdict: `identical`; `both_refuse` (both find it
            broken); `different`, `only_gffread_refuses`, `only_gffread_accepts` (disagreements);
            `not_checked` (over the origin of a circular sequence, or joined over a frameshift, which gffread
            cannot read).
        disagreements: (transcript ID, verdict) of each.
    """

    version: str
    verdicts: dict[str, int]
    disagreements: list[tuple[str, str]]

    def summary(self) -> dict[str, object]:
        """As it stands in summary.json."""
        checked = sum(count for verdict, count in self.verdicts.items() if verdict != "not_checked")
        return {
            "version": self.version,
            "checked": checked,
            **{verdict: self.verdicts.get(verdict, 0) for verdict in VERDICTS},
            "disagreements": [{"id": name, "verdict": verdict} for name, verdict in self.disagreements],
        }


VERDICTS = (
    *("identical", "both_refuse", "different", "only_gffread_refuses", "only_gffread_accepts"),
    "not_checked",
)
_AGREEMENT = frozenset({"identical", "both_refuse", "not_checked"})


def find_gffread() -> str:
    """Path of the program.

    Raises:
        InputError: it is not on PATH.
    """
    program = shutil.which("gffread")
    if program is None:
        raise InputError(f"gffread, which confirms the proteins, is not on PATH: {_INSTALL}")
    return program


def confirm_proteins(
    genes: Sequence[Gene], sequences: Mapping[str, str], genetic_codes: Mapping[str, int]
) -> Witness:
    """Compare gffread's protein of every coding transcript with ours.

    Args:
        genes: the genes that are kept.
        sequences: bases of each sequence.
        genetic_codes: NCBI translation table of each sequence.

    Raises:
        InputError: gffread is missing or fails.
    """
    program = find_gffread()
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()
    verdicts: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[tuple[Gene, Transcript]]] = {}
    for gene in genes:
        if gene.kind != PROTEIN_CODING:
            continue
        for one in gene.transcripts:
            if one.model.end > len(sequences[gene.seqid]) or FLAG_FRAMESHIFT in one.flags:
                verdicts[one.id] = "not_checked"
            else:
                options = _options(genetic_codes[gene.seqid], FLAG_PARTIAL in one.flags)
                groups.setdefault(options, []).append((gene, one))
    for options, group in sorted(groups.items()):
        found = _run(program, options, group, sequences)
        for gene, one in group:
            code = genetic_codes[gene.seqid]
            ours = translate(one.model, sequences[gene.seqid], code if code in STANDARD_STOPS else _STANDARD)
            is_broken = _is_broken(one, ours, sequences[gene.seqid], options)
            verdicts[one.id] = _verdict(found.get(one.id), ours, is_broken)
    disagreements = [(name, verdict) for name, verdict in verdicts.items() if verdict not in _AGREEMENT]
    return Witness(version, dict(Counter(verdicts.values())), sorted(disagreements))


def _options(code: int, is_partial: bool) -> tuple[str, ...]:
    if code not in STANDARD_STOPS:
        return ()
    return ("-V", "-J") if code == _STANDARD and not is_partial else ("-V",)


def _is_broken(one: Transcript, protein: str, sequence: str, options: tuple[str, ...]) -> bool:
    """Whether a transcript is one that gffread must drop under these options."""
    bases = spliced(one.model, sequence)
    has_ends = bases[:3] == "ATG" and bases[-3:] in ("TAA", "TAG", "TGA") and FLAG_LENGTH not in one.flags
    return ("-V" in options and "*" in protein) or ("-J" in options and not has_ends)


def _verdict(theirs: str | None, ours: str, is_broken: bool) -> str:
    if theirs is None:
        return "both_refuse" if is_broken else "only_gffread_refuses"
    if is_broken:
        return "only_gffread_accepts"
    return "identical" if theirs[1:] == ours[1:] else "different"


def _run(
    program: str,
    options: Sequence[str],
    group: Sequence[tuple[Gene, Transcript]],
    sequences: Mapping[str, str],
) -> dict[str, str]:
    """gffread's protein of each transcript that it keeps, by transcript ID."""
    used = {gene.seqid: sequences[gene.seqid] for gene, _ in group}
    names = {one.id: f"t{number}" for number, (_, one) in enumerate(group)}
    # One gene for each transcript, under plain names: IDs with blanks would not survive a FASTA header.
    plain = [
        replace(
            gene, id=f"g{number}", transcripts=(replace(one, id=f"t{number}", attributes={}),), attributes={}
        )
        for number, (gene, one) in enumerate(group)
    ]
    with tempfile.TemporaryDirectory() as folder:
        genome, annotation, proteins = (Path(folder, name) for name in ("g.fna", "a.gff3", "p.faa"))
        write_fasta(genome, used.items())
        write_gff3(annotation, plain, {seqid: len(bases) for seqid, bases in used.items()})
        command = [program, *options, "-S", "-g", str(genome), "-y", str(proteins), str(annotation)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise InputError(f"gffread failed ({last}); check its installation, or pass --no-gffread")
        found: dict[str, list[str]] = {}
        if proteins.stat().st_size:
            for _, line in numbered_lines(proteins):
                if line.startswith(">"):
                    current = found.setdefault(line[1:].split()[0], [])
                else:
                    current.append(line)
    joined = {name: "".join(parts) for name, parts in found.items()}
    return {original: joined[name] for original, name in names.items() if name in joined}
