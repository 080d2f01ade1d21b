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

PRESETS: dict[str, dict[str, Any]] = {
    "gpt3": {
        "batch_tokens": 3_200_000,
        "ramp_start_tokens": 32_000,
        "ramp_tokens": 12_000_000_000,
        "peak_learning_rate": 0.6e-4,
        "table_rate": 1.0,
        "warmup_tokens": 375_000_000,
        "decay_tokens": 260_000_000_000,
        "final_learning_rate": 0.1,
        "betas": (0.9, 0.95),
        "weight_decay": 0.1,
        "clip": 1.0,
    }
}
"""Published recipes by the name that the key `preset` takes; a key that the configuration gives goes before.

gpt3: the 175B model of Brown et al. 2020 (arXiv:2005.14165), table 2.1 and appendix B. They give the ramp as
the first 4 to 12 billion tokens "depending on the model size", so the largest has 12. They train for 300
billion tokens; `tokens` is no part of a preset.
"""


GENES, MASKED = "genes", "masked"
"""Objectives: to write the genes of a window, or to say which letters stood at its masked bases."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of one training run. Lengths are in tokens, that is encoder positions (patches), padding
    excluded.

    Attributes:
        tokens: length of the run.
        objective: "genes", or "masked" for masked language modelling, which trains the encoder alone.
        masked_fraction: share of the letters of a window that is masked; for that objective.
        scale: factor of `warmup_tokens`, `ramp_tokens` and `decay_tokens`, to fit a recipe to a run of
            another length; never of the batch.
        batch_tokens: tokens in a batch, summed over processes and micro-batches; as many full windows as go
            into it, at least one.
        micro_batch_windows: windows in one forward pass of one process; 0 for all of its share.
        ramp_tokens: tokens over which the batch grows linearly from `ramp_start_tokens` to `batch_tokens`; 0
            for none.
        ramp_start_tokens: tokens in the first batch of a ramp.
        peak_learning_rate: reached after the warm-up.
        table_rate: learning rate of the k-mer tables over that of all else: an entry is seen in few
            positions.
        dnabert2_rate: learning rate of DNABERT-2 over that of all else; 0 freezes it.
        dnabert2_frozen_layers: so many first layers of DNABERT-2 are frozen, and its embeddings; 0 for none.
        warmup_tokens: of the linear warm-up.
        decay_tokens: where the cosine ends, counted from the start; 0 for `tokens`.
        final_learning_rate: what the cosine ends at, as a fraction of the peak.
        optimizer: "adamw", or "muon": Muon for hidden matrices and kernels, AdamW for all else.
        betas: of AdamW.
        weight_decay: of both, not applied to norms, biases and embeddings.
        clip: largest global norm of the gradient.
        ema_decay: share of the old average in the moving average of the weights, after a step; 0 for none.
            With it the average is what is validated and written as the model, and the weights of the last
            step lie beside it.
        label_smoothing: of the token loss.
        frame_weight, boundary_weight: weights of the dense losses beside those of token and pointer.
        balance_weight: weight of the load-balancing loss of a mixture of experts (`model.moe`), a mean over
            tokens. Experts are balanced within each forward pass, that is each micro-batch of each process;
            smaller ones ask for more.
        masks: "all": no loss teaches that something is absent where the annotation cannot know; "dense": the
            masks hold for the dense losses alone. See `model.label_masks`.
        doubtful_start_weight: weight of start codons, in pointer and boundary loss, in genomes whose starts
            are doubtful; 0 masks them.
        gene_fraction: share of eukaryotic windows drawn to hold a gene; see `corpus.reader.WindowSampler`.
        rna_fraction: share of prokaryotic windows drawn to hold an RNA gene; see there.
        least_code_share: least share of windows for every genetic code; see there.
        shuffled_synonyms: largest share of the codons of a window that change places with synonymous ones;
            see `corpus.shuffling`.
        shuffled: largest share of its codons, and of its bases between genes, that change places with any
            other; see there.
        precision: "bf16" (autocast), "float32", or "auto": bf16 where the device multiplies it faster.
        seed: of weights, windows and dropout.
        threads: CPU threads; the losses are equal to the last bit only for an equal number. 0 for torch's
            default.
        validate_every_tokens: tokens between validations; one is always made at the end.
        validation_windows: windows of the validation corpus that are looked at, spread evenly; 0 for all.
        decoded_windows: windows of the validation corpus whose genes are decoded for `exact_f1`, spread
            evenly; 0 for none.
        patience: stop when `exact_f1` has not risen for so many validations, and keep the best weights; 0
            trains to the end and keeps the last.
        save_every_seconds: time between checkpoints. Does not change the result.
        max_seconds: save and stop unfinished after this time; 0 for no limit. Does not change the result.
        workers: processes that read windows ahead; 0 reads in the training process. Does not change the
            result.
    """

    tokens: int
    objective: str = GENES
    masked_fraction: float = 0.15
    scale: float = 1.0
    batch_tokens: int = 2048
    micro_batch_windows: int = 0
    ramp_tokens: int = 0
    ramp_start_tokens: int = 0
    peak_learning_rate: float = 2e-3
    table_rate: float = 5.0
    dnabert2_rate: float = 1.0
    dnabert2_frozen_layers: int = 0
    warmup_tokens: int = 0
    decay_tokens: int = 0
    final_learning_rate: float = 0.1
    optimizer: str = "adamw"
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    ema_decay: float = 0.0
    label_smoothing: float = 0.0
    frame_weight: float = 1.0
    boundary_weight: float = 1.0
    balance_weight: float = 0.01
    masks: str = "all"
    doubtful_start_weight: float = 0.0
    gene_fraction: float = 0.5
    rna_fraction: float = 0.0
    least_code_share: float = 0.0
    shuffled_synonyms: float = 0.0
    shuffled: float = 0.0
    precision: str = "auto"
    seed: int = 0
    threads: int = 0
    validate_every_tokens: int = 0
    validation_windows: int = 64
    decoded_windows: int = 16
    patience: int = 0
    save_every_seconds: float = 60.0
    max_seconds: float = 0.0
    workers: int = 0
    NOT_DECISIVE = frozenset({"save_every_seconds", "max_seconds", "workers"})
    ONLY_DNABERT2 = ("dnabert2_rate", "dnabert2_frozen_layers")
    ONLY_EXPERTS = ("balance_weight",)
    ONLY_MASKED = ("masked_fraction",)
    SHUFFLING = ("shuffled_synonyms", "shuffled")
    ONLY_GENES = (
        *ONLY_DNABERT2, *ONLY_EXPERTS, *SHUFFLING,
        "label_smoothing", "frame_weight", "boundary_weight", "masks", "doubtful_start_weight",
        "decoded_windows", "patience",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in ("tokens", "scale", "batch_tokens", "peak_learning_rate", "clip", "save_every_seconds"):
            if getattr(self, name) <= 0:
                raise InputError(f"training.{name} must be above 0, not {getattr(self, name)}")
        for name in self.SHUFFLING:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"training.{name} must be from 0 to 1, not {getattr(self, name)}")
        for name in ("ema_decay", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"training.{name} must be from 0 to below 1, not {getattr(self, name)}")
        for name, known in (
            ("objective", (GENES, MASKED)),
            ("optimizer", ("adamw", "muon")),
            ("precision", ("auto", "bf16", "float32")),
            ("masks", ("all", "dense")),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"training.{name} must be one of {', '.join(known)}, not {getattr(self, name)}"
                )
        if not 0 < self.masked_fraction <= 0.5:
            raise InputError(
                f"training.masked_fraction must be above 0 and at most 0.5, not {self.masked_fraction}"
            )
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name in self.ONLY_GENES if self.objective == MASKED else self.ONLY_MASKED:
            if getattr(self, name) != defaults[name]:
                raise InputError(
                    f"training.{name} has no meaning with the objective {self.objective}; leave it out"
                )
        for name in (*self.ONLY_DNABERT2, *self.ONLY_EXPERTS):
            if getattr(self, name) < 0:
                raise InputError(f"training.{name} must not be below 0, but is {getattr(self, name)}")
        if self.patience and not (self.decoded_windows and self.validate_every_tokens):
            raise InputError("training.patience needs decoded_windows and validate_every_tokens above 0")

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any], path: Path | None = None) -> TrainingConfig:
        """Read settings; unknown or missing keys and wrong types are an `InputError` that names the key.

        `preset` names one of `PRESETS`, which fills in what the settings do not say.
        """
        settings = dict(settings)
        preset = settings.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise InputError(f"training.preset: {preset!r} is none; known are {', '.join(PRESETS)}", path)
            settings = {**PRESETS[preset], **settings}
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
        """The settings that determine the result; those of DNABERT-2, of experts, of shuffling and of the
        objective only where they are made use of, so that runs without them keep their key."""
        unused = {
            field.name
            for field in dataclasses.fields(self)
            if field.name in (*self.ONLY_DNABERT2, *self.ONLY_EXPERTS, *self.SHUFFLING)
            and getattr(self, field.name) == field.default
        }
        out = self.NOT_DECISIVE | unused
        out |= {"objective", *self.ONLY_MASKED} if self.objective == GENES else set(self.ONLY_GENES)
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in out}


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
        digests: of what the run reads; see `training.initial.input_digests`.
        pieces_mib: largest file of weights and checkpoints in MiB; 0 for no limit.
        encoder: checkpoint of DNABERT-2 whose weights a new model takes: a folder, or the public one's name.
        tokenizer: tokenizer.json for a new model on DNABERT-2 without such a checkpoint.
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
    encoder: str | None = None
    tokenizer: Path | None = None

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
