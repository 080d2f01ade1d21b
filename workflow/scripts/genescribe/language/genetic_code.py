"""Genetic codes by their NCBI number: stop codons, start codons, translation.

The amino acids are NCBI's tables (https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi), kept as
constants so that the language needs no Biopython; a test compares the two. The start codons are a choice of
our own: `write` is what predicted genes may begin with, `accept` what is believed of a reference annotation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genescribe.errors import InputError

Flags = npt.NDArray[np.bool_]

_ORDER = "TCAG"
_AMINO_ACIDS = {
    1: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    2: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",
    3: "FFLLSSSSYY**CCWWTTTTPPPPHHQQRRRRIIMMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    4: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    5: "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSSSSVVVVAAAADDEEGGGG",
    11: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
    25: "FFLLSSSSYY**CCGWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
}
_STARTS_WRITE = {
    1: ("ATG",),
    2: ("ATG", "ATA", "ATT", "GTG"),
    3: ("ATG", "ATA", "GTG"),
    4: ("ATG", "GTG", "TTG", "TTA"),
    5: ("ATG", "ATA", "ATT", "TTG", "GTG"),
    11: ("ATG", "GTG", "TTG"),
    25: ("ATG", "GTG", "TTG"),
}
_STARTS_ACCEPT = {
    1: ("ATG",),
    2: ("ATG", "ATA", "ATT", "ATC", "GTG"),
    3: ("ATG", "ATA", "GTG"),
    4: ("ATG", "GTG", "TTG", "TTA", "CTG", "ATT", "ATC", "ATA"),
    5: ("ATG", "ATA", "ATT", "ATC", "TTG", "GTG"),
    11: ("ATG", "GTG", "TTG", "CTG", "ATT", "ATC", "ATA"),
    25: ("ATG", "GTG", "TTG"),
}
_DUAL = (27, 28, 31)
SUPPORTED = tuple(_AMINO_ACIDS)
"""Numbers of the genetic codes that can be used."""

_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_LETTERS = "ACGT"


@dataclass(frozen=True, slots=True)
class GeneticCode:
    """One genetic code.

    Attributes:
        number: NCBI translation table.
        forward: amino acid of each codon, "*" for a stop.
        stops: stop codons.
        starts_write: start codons of genes that are written.
        starts_accept: start codons accepted in a reference annotation; holds `starts_write`.
    """

    number: int
    forward: dict[str, str]
    stops: frozenset[str]
    starts_write: frozenset[str]
    starts_accept: frozenset[str]

    def starts(self, labels: bool) -> frozenset[str]:
        """`starts_accept` for reference annotation (`labels`), else `starts_write`."""
        return self.starts_accept if labels else self.starts_write


@lru_cache
def genetic_code(number: int) -> GeneticCode:
    """The genetic code with NCBI's `number`.

    Raises:
        InputError: the code is unknown here, or one of its codons is both stop and sense.
    """
    if number in _DUAL:
        raise InputError(
            f"genetic code {number} uses one codon both as stop and as sense, which cannot be read; "
            f"use one of {', '.join(map(str, SUPPORTED))}"
        )
    if number not in _AMINO_ACIDS:
        raise InputError(
            f"genetic code {number} is not supported; use one of {', '.join(map(str, SUPPORTED))}"
        )
    codons = [first + second + third for first in _ORDER for second in _ORDER for third in _ORDER]
    forward = dict(zip(codons, _AMINO_ACIDS[number], strict=True))
    return GeneticCode(
        number=number,
        forward=forward,
        stops=frozenset(codon for codon, amino_acid in forward.items() if amino_acid == "*"),
        starts_write=frozenset(_STARTS_WRITE[number]),
        starts_accept=frozenset(_STARTS_ACCEPT[number]),
    )


@dataclass(frozen=True)
class StrandCodons:
    """What codons mean when a strand is read from left to right along the window.

    Each array (125,) is indexed by 25 a + 5 b + c, with a, b, c the `bases` codes from left to right; entries
    with an N or unknown base are False.

    Attributes:
        first: may be the leftmost codon of a gene: starts on plus, reverse-complemented stops on minus.
        stop: stops, reverse-complemented on minus: never inside a gene.
        last: may be the rightmost codon: stops on plus, reverse-complemented starts on minus.
    """

    first: Flags
    stop: Flags
    last: Flags


@lru_cache
def strand_codons(number: int, strand: str, labels: bool) -> StrandCodons:
    """The `StrandCodons` of genetic code `number` on strand "+" or "-"; `labels`: see `GeneticCode`."""
    code = genetic_code(number)
    starts, stops = _flags(code.starts(labels), strand), _flags(code.stops, strand)
    return StrandCodons(starts, stops, stops) if strand == "+" else StrandCodons(stops, stops, starts)


def _flags(codons: frozenset[str], strand: str) -> Flags:
    flags = np.zeros(125, dtype=np.bool_)
    for codon in codons:
        read = codon if strand == "+" else codon.translate(_COMPLEMENT)[::-1]
        a, b, c = (_LETTERS.index(letter) for letter in read)
        flags[25 * a + 5 * b + c] = True
    flags.flags.writeable = False
    return flags
