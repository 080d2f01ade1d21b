"""BPE tokens of DNA: the public tokenizer's ids, and a map to bases that adds up."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from genescribe.errors import InputError
from genescribe.language.bases import to_codes
from genescribe.language.bpe import CLS, PAD, SEP, UNK, BpeTokenizer, padded

SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


def tokenizer_json(special: list[str] = SPECIAL) -> dict[str, object]:
    """A tokenizer of eight words, with the blocks of a copy that was saved after fine-tuning."""
    words = [*special, "A", "C", "G", "T", "AC", "GT", "ACGT", "TT"]
    frame = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    return {
        "version": "1.0",
        "truncation": {"max_length": 6, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {
            "strategy": {"Fixed": 6}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]",
        },
        "added_tokens": [
            {"id": words.index(name), "special": True, "content": name, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False}
            for name in SPECIAL
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing", "single": frame, "pair": frame,
            "special_tokens": {
                name: {"id": name, "ids": [words.index(name)], "tokens": [name]}
                for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False,
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": ["A C", "G T", "AC GT", "T T"],
        },
    }  # fmt: skip


@pytest.fixture
def tokenizer(tmp_path: Path) -> BpeTokenizer:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(tokenizer_json()))
    return BpeTokenizer.read(path)


def test_tokens_and_their_bases_without_the_truncation_and_padding_of_the_file(
    tokenizer: BpeTokenizer,
) -> None:
    found = tokenizer.tokens(to_codes("ACGTTTNACNNacguC"))
    assert found.ids.tolist() == [CLS, 11, 12, UNK, 9, UNK, UNK, 11, 6, SEP]
    assert found.bases.tolist() == [0, 4, 2, 1, 2, 1, 1, 4, 1, 0]
    assert tokenizer.tokens(to_codes("A")).ids.tolist() == [CLS, 5, SEP]
    assert tokenizer.ids("acgt") == [CLS, UNK, UNK, UNK, UNK, SEP]
    assert len(tokenizer) == 13


def test_rows_are_padded_with_the_tokenizers_own_padding(tokenizer: BpeTokenizer) -> None:
    ids, bases = padded([tokenizer.tokens(to_codes(one)) for one in ("ACGT", "AAA")])
    assert ids.tolist() == [[CLS, 11, SEP, PAD, PAD], [CLS, 5, 5, 5, SEP]]
    assert bases.tolist() == [[0, 4, 0, 0, 0], [0, 1, 1, 1, 0]]


def test_a_copy_for_another_process_and_one_on_disk_are_the_same(
    tokenizer: BpeTokenizer, tmp_path: Path
) -> None:
    tokenizer.write(tmp_path / "again.json")
    codes = to_codes("ACGTNTTACG" * 20)
    for copy in (pickle.loads(pickle.dumps(tokenizer)), BpeTokenizer.read(tmp_path / "again.json")):
        assert np.array_equal(copy.tokens(codes).ids, tokenizer.tokens(codes).ids)
        assert copy.to_json() == tokenizer.to_json()


def test_what_is_no_tokenizer_of_dna_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(InputError, match="no such tokenizer"):
        BpeTokenizer.read(path)
    path.write_text("{}")
    with pytest.raises(InputError, match=r"not a tokenizer\.json"):
        BpeTokenizer.read(path)
    path.write_text(json.dumps(tokenizer_json(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])))
    with pytest.raises(InputError, match=r"\[UNK\] must have the id 0"):
        BpeTokenizer.read(path)
    fused = tokenizer_json()
    fused["model"]["fuse_unk"] = True  # type: ignore[index]
    path.write_text(json.dumps(fused))
    with pytest.raises(InputError, match=r"one \[UNK\] for each N"):
        BpeTokenizer.read(path)


@pytest.mark.reference
def test_ids_are_those_of_the_public_tokenizer(dnabert2_reference: Path) -> None:
    public = BpeTokenizer.read(dnabert2_reference / "hub_layout" / "tokenizer.json")
    examples = json.loads((dnabert2_reference / "tokenization.json").read_text())["examples"]
    assert len(examples) == 15 and len(public) == 4096
    for example in examples:
        assert public.ids(example["sequence"]) == example["ids"], example["name"]
        codes = to_codes("".join(example["sequence"].split()))
        if len(codes):
            assert int(public.tokens(codes).bases.sum()) == len(codes)
