"""The optimisers of a training run, and their learning rates."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torch.optim import AdamW, Optimizer

from genescribe.model.modeling import GeneScribeModel
from genescribe.training.config import TrainingConfig
from genescribe.training.muon import Muon, fused_matrices


def make_optimizers(model: GeneScribeModel, config: TrainingConfig) -> list[Optimizer]:
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
    others = [parameter for parameter in model.parameters() if parameter not in set(tables)]
    kept = [parameter for parameter in others if parameter.ndim <= 1 or parameter in embeddings]
    decayed = [parameter for parameter in others if parameter.ndim > 1 and parameter not in embeddings]
    optimizers: list[Optimizer] = []
    if config.optimizer == "muon":
        logits = (
            model.encoder.potential_to_frame,
            model.token_head,
            model.dense_heads,
            model.pointer_head.gate,
        )
        giving_logits = {parameter for module in logits for parameter in module.parameters()}
        hidden = [parameter for parameter in decayed if parameter not in giving_logits]
        decayed = [parameter for parameter in decayed if parameter in giving_logits]
        muon = Muon(hidden, fused_matrices(model), config.peak_learning_rate, config.weight_decay)
        muon.param_groups[0]["rate"] = 1.0
        optimizers.append(muon)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay, "rate": 1.0},
        {"params": kept, "weight_decay": 0.0, "rate": 1.0},
        {"params": tables, "weight_decay": 0.0, "rate": config.table_rate},
    ]
    return [*optimizers, AdamW(groups, lr=config.peak_learning_rate, betas=config.betas, fused=True)]


def set_learning_rate(optimizers: Sequence[Optimizer], rate: float) -> None:
    """Set the learning rate of every group."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["rate"]
