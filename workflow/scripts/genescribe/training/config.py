"""What a training run is: everything that determines its result, as strict JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genescribe.errors import InputError


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of one training run. Lengths are in tokens, that is encoder positions (patches), padding
    excluded.

    Attributes:
        tokens: length of the run.
        batch_windows: windows in a batch, summed over processes and micro-batches.
        micro_batch_windows: windows in one forward pass; 0 for all of the batch.
        ramp_tokens: tokens over which the batch grows linearly from `ramp_windows` to `batch_windows`; 0 for
            none.
        ramp_windows: windows in the first batch of a ramp.
        peak_learning_rate: reached after the warm-up.
        table_rate: learning rate of the k-mer tables over that of all else: an entry is seen in few
            positions.
        warmup_tokens: of the linear warm-up.
        decay_tokens: where the cosine ends, counted from the start; 0 for `tokens`.
        final_learning_rate: what the cosine ends at, as a fraction of the peak.
        betas: of AdamW.
        weight_decay: of AdamW, not applied to norms, biases and embeddings.
        clip: largest global norm of the gradient.
        label_smoothing: of the token loss.
        frame_weight, boundary_weight: weights of the dense losses beside those of token and pointer.
        gene_fraction: share of eukaryotic windows drawn to hold a gene; see `corpus.reader.WindowSampler`.
        precision: "bf16" (autocast) or "float32".
        seed: of weights, windows and dropout.
        threads: CPU threads; the losses are equal to the last bit only for an equal number. 0 for torch's
            default.
        validate_every_tokens: tokens between validations; one is always made at the end.
        validation_windows: windows of the validation corpus that are looked at, spread evenly; 0 for all.
        save_every_seconds: time between checkpoints. Does not change the result.
        max_seconds: save and stop unfinished after this time; 0 for no limit. Does not change the result.
        workers: processes that read windows ahead; 0 reads in the training process. Does not change the
            result.
    """

    tokens: int
    batch_windows: int = 4
    micro_batch_windows: int = 0
    ramp_tokens: int = 0
    ramp_windows: int = 1
    peak_learning_rate: float = 2e-3
    table_rate: float = 5.0
    warmup_tokens: int = 0
    decay_tokens: int = 0
    final_learning_rate: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    label_smoothing: float = 0.0
    frame_weight: float = 1.0
    boundary_weight: float = 1.0
    gene_fraction: float = 0.5
    precision: str = "bf16"
    seed: int = 0
    threads: int = 0
    validate_every_tokens: int = 0
    validation_windows: int = 64
    save_every_seconds: float = 60.0
    max_seconds: float = 0.0
    workers: int = 0
    NOT_DECISIVE = frozenset({"save_every_seconds", "max_seconds", "workers"})

    def __post_init__(self) -> None:
        positive = (
            "tokens",
            "batch_windows",
            "peak_learning_rate",
            "clip",
            "save_every_seconds",
            "ramp_windows",
        )
        for name in positive:
            if getattr(self, name) <= 0:
                raise InputError(f"training.{name} must be above 0, not {getattr(self, name)}")
        if self.precision not in ("bf16", "float32"):
            raise InputError(f"training.precision must be bf16 or float32, not {self.precision}")
        if self.micro_batch_windows < 0 or (
            self.micro_batch_windows and self.batch_windows % self.micro_batch_windows
        ):
            raise InputError("training.micro_batch_windows must divide batch_windows")

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any], path: Path | None = None) -> TrainingConfig:
        """Read settings; unknown or missing keys and wrong types are an `InputError` that names the key."""
        types: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
        known = {f.name: str(f.type) for f in dataclasses.fields(cls)}
        for key, value in settings.items():
            if key not in known:
                raise InputError(f"unknown key training.{key}; known are {', '.join(sorted(known))}", path)
            if not isinstance(value, types.get(known[key], (list, tuple))) or isinstance(value, bool):
                raise InputError(f"training.{key} must be {known[key]}, not {value!r}", path)
        if "tokens" not in settings:
            raise InputError("training.tokens is missing: give the length of the run in tokens", path)
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        return cls(**values)

    def decisive(self) -> dict[str, Any]:
        """The settings that determine the result."""
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in self.NOT_DECISIVE}


@dataclass(frozen=True, slots=True)
class Run:
    """A training run: where it reads and writes, and its settings.

    Attributes:
        training: settings of the loop.
        model: keyword arguments of `GeneScribeConfig` for new weights.
        train: corpus to learn from.
        validation: corpus to watch, or None.
        initial: model folder to start from, or None for new weights.
        state: folder that keeps checkpoints and metrics between interruptions.
        out: model folder to write.
        device: "auto", "cpu", "cuda" or "mps".
        digests: of what the run reads; see `training.loop.input_digests`.
        pieces_mib: largest file of weights and checkpoints in MiB; 0 for no limit.
    """

    training: TrainingConfig
    model: dict[str, Any]
    train: Path
    validation: Path | None
    initial: Path | None
    state: Path
    out: Path
    device: str = "auto"
    digests: dict[str, str] = field(default_factory=dict)
    pieces_mib: int = 0

    def key(self) -> str:
        """Hash of all that determines the result, 16 hexadecimal digits: names the folder of the
        checkpoints."""
        what = {"training": self.training.decisive(), "model": self.model, "digests": self.digests}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def read_config(path: Path) -> tuple[TrainingConfig, dict[str, Any]]:
    """Read {"training": {...}, "model": {...}} from a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("no such file; give the training configuration as JSON", path) from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", path, error.lineno) from error
    if not isinstance(content, dict) or set(content) - {"training", "model"} or "training" not in content:
        raise InputError('must be an object with the keys "training" and, if you like, "model"', path)
    return TrainingConfig.from_mapping(content["training"], path), dict(content.get("model", {}))
