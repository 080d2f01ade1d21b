"""Short runs of a tiny model, and what they wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genescribe.training.config import Run, TrainingConfig
from genescribe.training.initial import input_digests
from genescribe.training.loop import METRICS

WINDOW = 1536
PATCHES = WINDOW // 12
TINY: dict[str, Any] = {
    "window": WINDOW, "width": 32, "heads": 2, "channels": 16, "encoder_layers": 1, "decoder_layers": 1,
    "potential_channels": 8, "dropout": 0.1,
}  # fmt: skip
TIMES = ("seconds", "tokens_per_second", "bases_per_second")


def make_run(
    corpus: Path,
    folder: Path,
    *,
    model: dict[str, Any] = TINY,
    watched: bool = True,
    initial: Path | None = None,
    encoder: str | None = None,
    tokenizer: Path | None = None,
    **settings: Any,
) -> Run:
    """A run on a corpus, watched on the same one if at all: 12 steps of two windows where `settings` says
    nothing else. One that starts from `initial` has its sizes."""
    validation = corpus if watched else None
    defaults = {
        "tokens": 12 * 2 * PATCHES,
        "batch_tokens": 2 * PATCHES,
        "threads": 1,
        "validate_every_tokens": 10 * PATCHES,
        "validation_windows": 4,
    }
    return Run(
        training=TrainingConfig(**{**defaults, **settings}),
        model={} if initial else dict(model),
        train=corpus,
        validation=validation,
        initial=initial,
        encoder=encoder,
        tokenizer=tokenizer,
        state=folder / "state",
        out=folder / "model",
        device="cpu",
        digests=input_digests(corpus, validation, initial, encoder, tokenizer),
    )


def metrics(run: Run) -> list[dict[str, Any]]:
    """All that metrics.jsonl says but times."""
    lines = (run.state / run.key() / METRICS).read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]
