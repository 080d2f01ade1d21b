"""Training a BPE tokenizer of DNA, in the form and with the special ids of DNABERT-2's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from genescribe.corpus.shard_format import MANIFEST, runs
from genescribe.corpus.store import Corpus
from genescribe.errors import InputError
from genescribe.genomes.fasta import read_fasta
from genescribe.genomes.load import load_genome
from genescribe.language.bases import Codes, N, reverse_complement, to_codes, to_letters
from genescribe.language.bpe import CLS, SEP, SPECIAL_TOKENS, UNK, BpeTokenizer

VOCABULARY = 4096
"""Of the public tokenizer."""
MAX_BASES = 20_000_000
"""Of longer input evenly spread parts are read: token frequencies change little beyond, memory does."""
LONGEST_TOKEN = 32
"""As in the public tokenizer."""
_PART = 1024
"""Bases of a part. Merges do not cross its ends."""


def read_codes(source: Path) -> list[Codes]:
    """Base codes of each sequence of a corpus, a normalised genome or a FASTA file.

    Raises:
        InputError: it is none of them.
    """
    if (source / MANIFEST).is_file():
        return [piece.codes(0, len(piece)) for piece in Corpus.open(source).pieces]
    if source.is_dir():
        return [to_codes(sequence) for sequence in load_genome(source).sequences.values()]
    return [to_codes(record.sequence) for record in read_fasta(source).values()]


def train_bpe(
    sequences: Iterable[Codes], vocabulary: int = VOCABULARY, max_bases: int = MAX_BASES
) -> BpeTokenizer:
    """Train a tokenizer. The same sequences in the same order give the same tokenizer.

    Every other part is read as its reverse complement, since windows are read on both strands.

    Args:
        sequences: base codes; ambiguous bases part them.
        vocabulary: tokens, special ones included. Little sequence may give fewer.
        max_bases: most bases that are read, in parts spread evenly over all.

    Raises:
        InputError: there is no known base.
    """
    parts = list(_parts(sequences))
    if not parts:
        raise InputError("there is no sequence of A, C, G and T to learn tokens from")
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[UNK]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = {SPECIAL_TOKENS[number]: number for number in (CLS, SEP)}
    first, last = ends
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=list(ends.items()),
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=list("ACGT"),
        max_token_length=LONGEST_TOKEN,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_letters(parts, max_bases), trainer)
    return BpeTokenizer(tokenizer)


def _parts(sequences: Iterable[Codes]) -> Iterator[Codes]:
    """Known bases in parts of at most `_PART`."""
    for codes in sequences:
        for start, end in runs(codes != N).tolist():
            for first in range(start, end, _PART):
                yield codes[first : min(first + _PART, end)]


def _letters(parts: Sequence[Codes], max_bases: int) -> Iterator[str]:
    count = min(len(parts), max(max_bases // _PART, 1))
    for number in range(count):
        part = parts[number * len(parts) // count]
        yield to_letters(reverse_complement(part) if number % 2 else part)
