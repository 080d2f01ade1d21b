"""What may be written: the settings of the grammar."""

from __future__ import annotations

from dataclasses import dataclass

from genescribe.errors import InputError
from genescribe.language.gene_model import KINDS
from genescribe.language.genetic_code import StrandCodons, genetic_code, strand_codons

_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, slots=True)
class GrammarConfig:
    """Settings of the grammar.

    Attributes:
        genetic_code: NCBI translation table.
        introns: whether protein-coding genes may have more than one segment. Other kinds may in any case.
        splice_sites: (first, last) dinucleotide of an intron, on its own strand.
        min_intron: shortest intron of a protein-coding gene, bases; at least 4. An intron that runs past the
            window's edge may show fewer.
        kinds: kinds that may be written.
        min_target: fewest bases that a gene must have inside a window to be a target; a gene that is written
            spans as many.

    Raises:
        InputError: a setting makes no sense.
    """

    genetic_code: int = 11
    introns: bool = False
    splice_sites: tuple[tuple[str, str], ...] = (("GT", "AG"), ("GC", "AG"))
    min_intron: int = 20
    kinds: tuple[str, ...] = KINDS
    min_target: int = 60

    def __post_init__(self) -> None:
        genetic_code(self.genetic_code)
        sites = [site for pair in self.splice_sites for site in pair]
        if any(len(pair) != 2 for pair in self.splice_sites) or any(
            len(site) != 2 or set(site) - set("ACGT") for site in sites
        ):
            raise InputError(
                f"splice_sites must be pairs of dinucleotides such as (GT, AG), not {self.splice_sites}"
            )
        if not 0 < len(self.splice_sites) <= 7:
            raise InputError("splice_sites must name 1 to 7 pairs of dinucleotides")
        if self.min_intron < 4:
            raise InputError(f"min_intron must be at least 4, not {self.min_intron}")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise InputError(
                f"kinds must be some of {', '.join(KINDS)}, not {', '.join(self.kinds) or 'none'}"
            )
        if self.min_target < 1:
            raise InputError(f"min_target must be at least 1, not {self.min_target}")

    def shortest(self, labels: bool) -> int:
        """Fewest bases that a gene spans inside a window; labels may have any length, `clip` sees to them."""
        return 1 if labels else self.min_target

    def codons(self, strand: str, labels: bool) -> StrandCodons:
        """What codons mean on a strand read from left to right; see `strand_codons`."""
        return strand_codons(self.genetic_code, strand, labels)

    def introns_on(self, strand: str) -> tuple[tuple[str, str], ...]:
        """The pairs of an intron's leftmost and rightmost two bases on a strand, read from left to right."""
        if strand == "+":
            return self.splice_sites
        return tuple(
            (last.translate(_COMPLEMENT)[::-1], first.translate(_COMPLEMENT)[::-1])
            for first, last in self.splice_sites
        )
