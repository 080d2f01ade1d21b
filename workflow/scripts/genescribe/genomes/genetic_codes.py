"""The text form of genetic codes: `11`, or `1;NC_001224.1=3` where a sequence has a code of its own."""

from __future__ import annotations

from genescribe.errors import InputError


def parse_genetic_code(text: str) -> tuple[int, dict[str, int]]:
    """NCBI translation table of a genome, and those of sequences that differ.

    Raises:
        InputError: the text has another form.
    """
    default, *others = (part.strip() for part in text.split(";"))
    codes = {}
    for part in others:
        seqid, _, code = part.rpartition("=")
        if not seqid or not code.isdecimal():
            raise _wrong(text)
        codes[seqid] = int(code)
    if not default.isdecimal():
        raise _wrong(text)
    return int(default), codes


def _wrong(text: str) -> InputError:
    return InputError(
        f"genetic code {text!r}: write a number, as in 11, or 1;NC_001224.1=3 for one sequence apart"
    )
