"""BPE tokens of DNA, as DNABERT-2 reads it. (The annotation language's own tokens are in `vocabulary`.)

The form is that of Hugging Face's tokenizer.json. Sequence goes in as base codes: lower case, RNA and
ambiguity codes are settled before, and each N is one [UNK], so that the tokens' bases sum to those of the
sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from genescribe.errors import InputError
from genescribe.files import atomic_path
from genescribe.language.bases import Codes, to_codes, to_letters

SPECIAL_TOKENS = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
"""Ids 0 to 4 of the public tokenizer, and of every one that is trained here."""
UNK, CLS, SEP, PAD, MASK = range(len(SPECIAL_TOKENS))
TOKENIZER = "tokenizer.json"
_PROBE = "ACGTNNTGCANACGGT"


@dataclass(frozen=True)
class BpeTokens:
    """Tokens of a sequence, [CLS] first and [SEP] last.

    Attributes:
        ids: (T,) int64.
        bases: how many bases each stands for, (T,) int64; 0 for [CLS] and [SEP].
    """

    ids: npt.NDArray[np.int64]
    bases: npt.NDArray[np.int64]


class BpeTokenizer:
    """A tokenizer.json, ready to be used; what it says of truncation and padding is not followed.

    Raises:
        InputError: its special tokens have other ids, or its tokens do not add up to the sequence.
    """

    def __init__(self, tokenizer: Tokenizer, source: Path | None = None) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
        for number, name in enumerate(SPECIAL_TOKENS):
            if tokenizer.token_to_id(name) != number:
                raise InputError(f"token {name} must have the id {number}, as in DNABERT-2", source)
        found = self.tokens(to_codes(_PROBE))
        framed = found.ids[[0, -1]].tolist() == [CLS, SEP]
        unknown = int((found.ids == UNK).sum())
        if not framed or unknown != _PROBE.count("N") or int(found.bases.sum()) != len(_PROBE):
            raise InputError("not a tokenizer of DNA with [CLS], [SEP] and one [UNK] for each N", source)

    @classmethod
    def read(cls, path: Path) -> BpeTokenizer:
        """Read a tokenizer.json.

        Raises:
            InputError: there is none, or it is not one of DNA.
        """
        if not path.is_file():
            raise InputError("no such tokenizer", path)
        return cls.from_json(path.read_text(encoding="utf-8"), path)

    @classmethod
    def from_json(cls, text: str, source: Path | None = None) -> BpeTokenizer:
        """Take the text of a tokenizer.json; `source` is named in errors."""
        try:
            tokenizer = Tokenizer.from_str(text)
        # The library raises nothing more special.
        except Exception as error:
            raise InputError(f"not a tokenizer.json ({error})", source) from error
        return cls(tokenizer, source)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return BpeTokenizer.from_json, (self.to_json(),)

    def __len__(self) -> int:
        """Size of the vocabulary, special tokens included."""
        return int(self._tokenizer.get_vocab_size())

    def to_json(self) -> str:
        """The text of a tokenizer.json."""
        return str(self._tokenizer.to_str(pretty=True)) + "\n"

    def write(self, path: Path) -> None:
        """Write a tokenizer.json."""
        with atomic_path(path) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

    def ids(self, sequence: str) -> list[int]:
        """Ids of a sequence as it stands, [CLS] first and [SEP] last. Lower-case letters are [UNK]."""
        return list(self._tokenizer.encode(sequence).ids)

    def tokens(self, codes: Codes) -> BpeTokens:
        """Tokens of base codes (L,)."""
        encoded = self._tokenizer.encode(to_letters(codes))
        spans = np.array(encoded.offsets, dtype=np.int64)
        return BpeTokens(np.array(encoded.ids, dtype=np.int64), spans[:, 1] - spans[:, 0])


def padded(rows: Sequence[BpeTokens]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Ids (B, T), padded with [PAD], and bases (B, T), 0 at padding, of several sequences."""
    shape = len(rows), max(len(row.ids) for row in rows)
    ids, bases = np.full(shape, PAD, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = row.ids
        bases[index, : len(row.bases)] = row.bases
    return ids, bases
