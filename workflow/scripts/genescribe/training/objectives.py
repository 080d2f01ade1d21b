"""What a run learns: to write genes, or to say which letters stood at masked bases.

The loop knows no more of it than an `Objective` says; batches, schedule, optimisers, checkpoints and
processes are the same for both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor, nn

from genescribe.corpus.reader import Corpus, ValidationWindows
from genescribe.errors import InputError
from genescribe.model.encoder import CompactEncoder
from genescribe.model.masked import MaskedBaseModel, MaskedLosses
from genescribe.model.modeling import GeneScribeModel, Losses
from genescribe.training.batches import Reader, denominators, labelled_batch
from genescribe.training.config import MASKED, TrainingConfig
from genescribe.training.evaluation import GeneCounts, Meter, Total, decoded_genes
from genescribe.training.markov import MarkovModel
from genescribe.training.masking import VALIDATION_SEED, masked_batch


@dataclass(frozen=True)
class Watched:
    """What a process measures at a validation.

    Attributes:
        windows: all windows of the validation corpus.
        share: this process's share of so many windows, spread evenly.
        size: windows in a forward pass.
        total: sums numbers over all processes.
    """

    windows: ValidationWindows
    share: Callable[[int], list[int]]
    size: int
    total: Total


class Objective(ABC):
    """What a run learns.

    Attributes:
        config: settings of the run.
        model: what is written in the end.
        module: what is trained: the model, or what holds a part of it.
        weights: weight of each loss in the sum, by its name.
        counted: the loss whose hits are counted, too.
        training_reader, validation_reader: read windows to learn from and to watch.
    """

    module: GeneScribeModel | MaskedBaseModel
    weights: dict[str, float]
    counted: str
    training_reader: Reader
    validation_reader: Reader

    def __init__(self, config: TrainingConfig, model: GeneScribeModel) -> None:
        self.config, self.model = config, model

    @abstractmethod
    def denominators(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """What the losses of a batch are divided by."""

    @abstractmethod
    def forward(self, module: nn.Module, batch: dict[str, Tensor]) -> Losses | MaskedLosses:
        """Losses of a batch; `module` is the trained one, or what wraps it."""

    @abstractmethod
    def further(self, watched: Watched) -> dict[str, float]:
        """What a validation measures beside the losses, over all processes."""

    @abstractmethod
    def said(self, values: dict[str, float]) -> str:
        """What a validation gave, for people."""

    def meter(self) -> Meter:
        """An empty meter of the losses."""
        return Meter.empty(self.weights, self.counted)


class GeneObjective(Objective):
    """To write genes: losses of tokens and pointers, and the dense losses."""

    counted = "pointer"

    def __init__(self, config: TrainingConfig, model: GeneScribeModel) -> None:
        super().__init__(config, model)
        self.module = model
        self.weights = {
            "token": 1.0,
            "pointer": 1.0,
            "frame": config.frame_weight,
            "boundary": config.boundary_weight,
        }
        if model.config.moe is not None:
            self.weights["balance"] = config.balance_weight
        self.training_reader = self.validation_reader = labelled_batch

    def denominators(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """See `batches.denominators`; the balance of experts is summed over what the token loss is."""
        counts = denominators(batch, self.config.doubtful_start_weight)
        return {name: counts["token" if name == "balance" else name] for name in self.weights}

    def forward(self, module: nn.Module, batch: dict[str, Tensor]) -> Losses:
        """Losses of a batch; labels are smoothed in training alone."""
        if self.config.masks == "dense":
            batch = {name: tensor for name, tensor in batch.items() if name != "annotated_kinds"}
        losses: Losses = module(
            **batch,
            label_smoothing=self.config.label_smoothing if module.training else 0.0,
            doubtful_start_weight=self.config.doubtful_start_weight,
        )
        return losses

    def further(self, watched: Watched) -> dict[str, float]:
        """Exact F1 of decoded genes."""
        if not self.config.decoded_windows:
            return {}
        chosen = watched.share(self.config.decoded_windows)
        counts = decoded_genes(self.model, watched.windows, chosen, watched.size)
        totals = watched.total([counts.reference, counts.predicted, counts.matched])
        return {"exact_f1": GeneCounts(*totals).f1}

    def meter(self) -> Meter:
        """An empty meter of losses and of the use of experts."""
        config = self.model.config
        experts = (0, 0) if config.moe is None else (config.decoder_layers, config.moe["experts"])
        return Meter.empty(self.weights, self.counted, experts)

    def said(self, values: dict[str, float]) -> str:
        """Loss, pointers and genes."""
        return (
            f"validation loss {values['loss']:.3f}, pointer accuracy {values['pointer_accuracy']:.3f}, "
            f"exact F1 {values.get('exact_f1', 0.0):.3f}"
        )


class MaskedObjective(Objective):
    """To say which letters stood at masked bases: trains the encoder alone, on sequence alone.

    Args:
        config: settings of the run.
        model: its encoder must be the compact one.
        corpus: that the run learns from; the Markov model that the losses are compared with does, too.

    Raises:
        InputError: the encoder reads BPE tokens, which depend on the letters below a mask.
    """

    counted = "masked"

    def __init__(self, config: TrainingConfig, model: GeneScribeModel, corpus: Corpus) -> None:
        super().__init__(config, model)
        if not isinstance(model.encoder, CompactEncoder):
            raise InputError(
                f"training.objective: {MASKED} needs `encoder: compact`: BPE tokens tell of the letters below"
                " the mask"
            )
        self.module = MaskedBaseModel(model)
        self.weights = {"masked": 1.0}
        self.training_reader = partial(masked_batch, config.masked_fraction, config.seed)
        self.validation_reader = partial(masked_batch, config.masked_fraction, VALIDATION_SEED)
        self.corpus = corpus
        self._compared: dict[str, float] = {}

    def denominators(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Masked bases, by the weights of their windows."""
        return {"masked": float((batch["masked"].sum(dim=1) * batch["weight"].double()).sum())}

    def forward(self, module: nn.Module, batch: dict[str, Tensor]) -> MaskedLosses:
        """Losses of a batch."""
        losses: MaskedLosses = module(**batch)
        return losses

    def further(self, watched: Watched) -> dict[str, float]:
        """The Markov model's loss at the same bases, with and without masked letters to the left; measured
        once."""
        if not self._compared:
            markov = MarkovModel.of_corpus(self.corpus)
            batch = self.validation_reader(watched.windows, watched.share(self.config.validation_windows))
            codes, masked = batch["codes"].numpy(), batch["masked"].numpy()
            true = markov.losses(codes, masked, sees_masked=True)
            seen = markov.losses(codes, masked, sees_masked=False)
            *sums, bases = watched.total([float(np.sum(true)), float(np.sum(seen)), len(true)])
            names = ("markov_loss", "markov_visible_loss")
            self._compared = {name: value / max(bases, 1) for name, value in zip(names, sums, strict=True)}
        return self._compared

    def said(self, values: dict[str, float]) -> str:
        """Loss and accuracy beside the Markov model's."""
        return (
            f"masked bases: loss {values['loss']:.4f} nats, accuracy {values['masked_accuracy']:.3f}; Markov "
            f"model of order 5: {values['markov_visible_loss']:.4f}, with masked letters to the left"
            f" {values['markov_loss']:.4f}"
        )


def make_objective(config: TrainingConfig, model: GeneScribeModel, corpus: Corpus) -> Objective:
    """The objective that the settings name."""
    if config.objective == MASKED:
        return MaskedObjective(config, model, corpus)
    return GeneObjective(config, model)
