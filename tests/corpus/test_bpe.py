"""Training a tokenizer: on sequence in which the merges are known, and on real sequence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from genescribe import cli
from genescribe.corpus.bpe import read_codes, train_bpe
from genescribe.errors import InputError
from genescribe.language.bases import N, to_codes
from genescribe.language.bpe import BpeTokenizer


def test_the_commonest_pair_becomes_a_token_and_special_ids_are_the_public_ones() -> None:
    tokenizer = train_bpe([to_codes("ACACACACGACACAC")], vocabulary=11)
    content = json.loads(tokenizer.to_json())
    vocabulary = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "A", "C", "G", "T", "AC", "ACAC"]
    assert content["model"]["vocab"] == {word: number for number, word in enumerate(vocabulary)}
    assert content["truncation"] is None and content["padding"] is None and content["normalizer"] is None
    assert content["model"]["type"] == "BPE" and content["pre_tokenizer"] == {"type": "Whitespace"}
    assert content["post_processor"]["type"] == "TemplateProcessing"
    assert all(token["special"] for token in content["added_tokens"])
    assert tokenizer.ids("ACACGNT") == [1, 10, 7, 0, 8, 2]


def test_merges_cross_no_unknown_base_and_both_strands_are_read() -> None:
    # The second part is read as its reverse complement, TTTT.
    tokenizer = train_bpe([to_codes("CCCCNAAAA")], vocabulary=100)
    words = json.loads(tokenizer.to_json())["model"]["vocab"]
    assert set(words) - {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"} == {
        "A", "C", "G", "T", "CC", "TT", "CCCC", "TTTT",
    }  # fmt: skip


def test_sequence_without_a_known_base_is_refused() -> None:
    with pytest.raises(InputError, match="no sequence of A, C, G and T"):
        train_bpe([np.full(50, N, dtype=np.uint8)])


def test_the_command_reads_corpora_genomes_and_fasta_and_always_writes_the_same(
    ecoli_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = read_codes(ecoli_corpus)
    assert sum(map(len, codes)) == 60_000
    fasta = tmp_path / "genome.fna"
    fasta.write_text(">c1\n" + "".join("ACGT"[code] for code in codes[0]).lower() + "\n")
    written = []
    for number, source in enumerate((ecoli_corpus, fasta, ecoli_corpus)):
        out = tmp_path / str(number) / "tokenizer.json"
        line = ["genescribe", "bpe", str(source), "--out", str(out), "--vocabulary", "512"]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        written.append(out.read_bytes())
    assert written[0] == written[1] == written[2]
    tokenizer = BpeTokenizer.read(tmp_path / "0" / "tokenizer.json")
    assert len(tokenizer) == 512
    found = tokenizer.tokens(codes[0])
    assert int(found.bases.sum()) == 60_000 and int(found.bases.max()) <= 32
    assert 3 < 60_000 / len(found.ids) < 5
