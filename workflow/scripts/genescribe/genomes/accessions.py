"""Accessions of NCBI: what they look like.

They carry a version: what stands behind one without a version changes.
"""

from __future__ import annotations

import re

from genescribe.errors import InputError

_ASSEMBLY = re.compile(r"GC[AF]_[0-9]{9}\.[0-9]+")
_SEQUENCE = re.compile(r"[A-Z]{1,2}_?[A-Z0-9]+\.[0-9]+")


def is_assembly(text: str) -> bool:
    """Whether it is an assembly, such as GCF_000005845.2, which NCBI Datasets has as a whole."""
    return _ASSEMBLY.fullmatch(text) is not None


def check_accession(text: str) -> None:
    """Refuse what is neither an assembly nor a sequence with its version, such as NC_000913.3.

    Raises:
        InputError: says so.
    """
    if not (is_assembly(text) or _SEQUENCE.fullmatch(text)):
        raise InputError(f"{text} is no accession with its version, such as GCF_000005845.2")
