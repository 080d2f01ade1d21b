"""scripts/measure_losses.py measures what a validation does."""

from __future__ import annotations

from pathlib import Path

import pytest
from genescribe.corpus.store import Corpus
from genescribe.training.loop import train

from scripts.measure_losses import COLUMNS, losses
from tests.training.runs import make_run, metrics


def test_they_are_those_of_the_last_validation(ecoli_corpus: Path, tmp_path: Path) -> None:
    run = make_run(ecoli_corpus, tmp_path, precision="float32", decoded_windows=0)
    train(run)
    logged = [line for line in metrics(run) if line["event"] == "val"][-1]
    assert logged["step"] == metrics(run)[-1]["step"]
    measured = losses(run.out, Corpus.open(ecoli_corpus), most=4)
    for name in COLUMNS:
        assert measured[name] == pytest.approx(logged[name], rel=1e-4), name
    assert measured["loss"] > 0
    other = losses(run.out, Corpus.open(ecoli_corpus), most=2)
    assert other["loss"] != pytest.approx(logged["loss"], rel=1e-4)
