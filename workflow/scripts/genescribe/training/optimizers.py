"""The optimisers of a training run, and their learning rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn import Parameter
from torch.optim import AdamW, Optimizer

from genescribe.model.dnabert2_encoder import DnaBert2Encoder
from genescribe.model.experts import MixtureOfExperts
from genescribe.model.masked import MaskedBaseModel
from genescribe.model.modeling import GeneScribeModel
from genescribe.training.config import TrainingConfig
from genescribe.training.muon import Muon, fused_matrices

Group = dict[str, Any]


def giving_logits(model: GeneScribeModel | MaskedBaseModel) -> tuple[nn.Module, ...]:
    """Modules whose weights give logits."""
    if isinstance(model, MaskedBaseModel):
        return (model.head,)
    return (
        model.encoder.potential_to_frame,
        model.token_head,
        model.dense_heads,
        *(() if model.pointer_head.gate is None else (model.pointer_head.gate,)),
        *(module.router for module in model.modules() if isinstance(module, MixtureOfExperts)),
    )


def make_optimizers(model: GeneScribeModel | MaskedBaseModel, config: TrainingConfig) -> list[Optimizer]:
    """AdamW, or AdamW and Muon; weight decay on matrices and convolution kernels alone, not on norms, biases
    and embeddings.

    Muon takes the hidden matrices and kernels; those that give logits stay with AdamW. Each group carries
    `rate`, the factor of its learning rate; `set_learning_rate` reads it.
    """
    tables = list(model.encoder.potential.parameters())
    embeddings = {
        parameter
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters()
    }
    bert = model.encoder.bert if isinstance(model.encoder, DnaBert2Encoder) else nn.Module()
    pretrained = set(bert.parameters())
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    others = [parameter for parameter in trained if parameter not in set(tables)]
    kept = [parameter for parameter in others if parameter.ndim <= 1 or parameter in embeddings]
    decayed = [parameter for parameter in others if parameter.ndim > 1 and parameter not in embeddings]

    def groups(parameters: Sequence[Parameter], weight_decay: float) -> list[Group]:
        """DNABERT-2 has a rate of its own."""
        own = [parameter for parameter in parameters if parameter in pretrained]
        rest = [parameter for parameter in parameters if parameter not in pretrained]
        made: list[Group] = [{"params": rest, "weight_decay": weight_decay, "rate": 1.0}]
        if own:
            made.append({"params": own, "weight_decay": weight_decay, "rate": config.dnabert2_rate})
        return made

    optimizers: list[Optimizer] = []
    if config.optimizer == "muon":
        outer = {parameter for module in giving_logits(model) for parameter in module.parameters()}
        hidden = [parameter for parameter in decayed if parameter not in outer]
        decayed = [parameter for parameter in decayed if parameter in outer]
        optimizers.append(
            Muon(
                groups(hidden, config.weight_decay),
                fused_matrices(model),
                config.peak_learning_rate,
                config.weight_decay,
            )
        )
    adamw = [
        *groups(decayed, config.weight_decay),
        *groups(kept, 0.0),
        {"params": tables, "weight_decay": 0.0, "rate": config.table_rate},
    ]
    return [*optimizers, AdamW(adamw, lr=config.peak_learning_rate, betas=config.betas, fused=True)]


def set_learning_rate(optimizers: Sequence[Optimizer], rate: float) -> None:
    """Set the learning rate of every group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["rate"]
