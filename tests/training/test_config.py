"""Bad settings are one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from genescribe.errors import InputError
from genescribe.training.__main__ import main
from genescribe.training.config import Run, TrainingConfig, read_config


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"training": {"tokens": 5, "tokns": 3}}', "unknown key training.tokns"),
        ('{"training": {"tokens": "many"}}', "training.tokens must be int"),
        ('{"training": {"tokens": true}}', "training.tokens must be int"),
        ('{"training": {"batch_tokens": 3}}', "training.tokens is missing"),
        ('{"training": {"tokens": 0}}', "training.tokens must be above 0"),
        ('{"training": {"tokens": 9, "precision": "fp16"}}', "precision must be one of auto, bf16, float32"),
        ('{"training": {"tokens": 9, "scale": 0}}', "training.scale must be above 0"),
        ('{"training": {"tokens": 9, "ema_decay": 1}}', "ema_decay must be from 0 to below 1"),
        ('{"training": {"tokens": 9, "masks": "none"}}', "masks must be one of all, dense"),
        ('{"training": {"tokens": 9, "preset": "gpt5"}}', "training.preset: 'gpt5' is none; known are gpt3"),
        ('{"training": {"tokens": 9, "patience": 2}}', "patience needs decoded_windows and validate_every"),
        ('{"training": {"tokens": 9, "balance_weight": -1}}', "training.balance_weight must not be below 0"),
        ('{"training": {"tokens": 9}, "modle": {}}', "must be an object with the keys"),
        ('{"training": {"tokens": 9},', "not JSON"),
    ],
)
def test_a_mistake_names_the_key(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_config(path)


def test_bad_input_exits_with_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--config",
        str(tmp_path / "no.json"),
        "--train",
        "x",
        "--state",
        "s",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "no.json" in lines[0]
    assert not (tmp_path / "o").exists()


def test_key_changes_with_what_decides_the_result_alone() -> None:
    def key(**settings: float) -> str:
        training = TrainingConfig(**{"tokens": 100, **settings})  # type: ignore[arg-type]
        return Run(training, {}, Path("a"), None, None, Path("s"), Path("o")).key()

    assert key() == key(save_every_seconds=3) == key(workers=2) == key(max_seconds=9)
    assert len({key(), key(seed=1), key(tokens=101), key(peak_learning_rate=0.1)}) == 4
