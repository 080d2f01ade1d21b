"""What a window's annotation cannot know, so that no loss teaches it.

Bases whose labels are masked take no part in the dense losses. Beyond them:

- A pointer may put probability on masked bases without loss: they leave the softmax, unless they are the
  target. Padding stays in it.
- Kinds that a genome's annotation lacks leave the softmax of the token that follows a strand. Where tRNA or
  rRNA is lacking, the class of RNA genes leaves the softmax of the frame class at bases labelled intergenic.
- Start codons of a genome whose starts are doubtful weigh less: their pointers, and the dense boundary
  classes of starts all over the window, since the true start may be at any base.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genescribe.language import vocabulary
from genescribe.language.gene_model import KINDS, PROTEIN_CODING
from genescribe.model.configuration import BOUNDARIES, FRAME_CLASSES

EVERYWHERE = ("tRNA", "rRNA")
"""RNA genes that every cellular genome has: an annotation without them lacks them. The other kinds may be
missing by nature."""

STARTS = tuple(BOUNDARIES.index(name) for name in ("start+", "start-"))
RNA_CLASS = FRAME_CLASSES.index("RNA")
INTERGENIC_CLASS = FRAME_CLASSES.index("intergenic")


def start_pointers(tokens: Tensor) -> Tensor:
    """True (B, S) where a token points at the start codon of a protein-coding gene.

    That is the LEFT right after + protein_coding, and on the minus strand the RIGHT right before END.

    Args:
        tokens: BOS ... EOS PAD*, (B, S).
    """
    start = torch.zeros_like(tokens, dtype=torch.bool)
    kind = vocabulary.KIND_TOKEN[PROTEIN_CODING]
    start[:, 2:] = (
        (tokens[:, :-2] == vocabulary.PLUS) & (tokens[:, 1:-1] == kind) & (tokens[:, 2:] == vocabulary.LEFT)
    )
    # The gene that a token belongs to began at the newest strand token.
    is_strand = (tokens == vocabulary.PLUS) | (tokens == vocabulary.MINUS)
    steps = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    began = torch.where(is_strand, steps, 0).cummax(dim=1).values
    minus = tokens.gather(1, began) == vocabulary.MINUS
    coding = tokens.gather(1, (began + 1).clamp(max=tokens.shape[1] - 1)) == kind
    last_right = (tokens[:, :-1] == vocabulary.RIGHT) & (tokens[:, 1:] == vocabulary.END)
    start[:, :-1] |= last_right & (minus & coding)[:, :-1]
    return start


def pointer_weights(tokens: Tensor, doubtful_starts: Tensor | None, doubtful_start_weight: float) -> Tensor:
    """Weight (B, S), float32, of each token's pointer.

    Args:
        tokens: (B, S).
        doubtful_starts: True (B,) where a window's start codons are to be trusted less; None for nowhere.
        doubtful_start_weight: weight of such a start codon.
    """
    weights = torch.ones(tokens.shape, device=tokens.device)
    if doubtful_starts is None:
        return weights
    return weights.masked_fill(start_pointers(tokens) & doubtful_starts[:, None], doubtful_start_weight)


def boundary_weights(doubtful_starts: Tensor, doubtful_start_weight: float) -> Tensor:
    """Weight (B, 1, 8), float32, of each boundary class."""
    weights = torch.ones(len(doubtful_starts), 1, len(BOUNDARIES), device=doubtful_starts.device)
    for index in STARTS:
        weights[:, 0, index].masked_fill_(doubtful_starts, doubtful_start_weight)
    return weights


def absent_tokens(annotated_kinds: Tensor) -> Tensor:
    """True (B, 1, V) for the tokens of kinds that an annotation lacks.

    Args:
        annotated_kinds: (B, kinds), in the order of `KINDS`.
    """
    absent = torch.zeros(len(annotated_kinds), 1, vocabulary.SIZE, dtype=torch.bool)
    absent = absent.to(annotated_kinds.device)
    for index, kind in enumerate(KINDS):
        absent[:, 0, vocabulary.KIND_TOKEN[kind]] = ~annotated_kinds[:, index]
    return absent


def absent_frame_class(annotated_kinds: Tensor, frame_class: Tensor) -> Tensor:
    """True (B, L, 9) for the class of RNA genes at intergenic bases of genomes whose RNA genes are not
    annotated.

    Args:
        annotated_kinds: (B, kinds), in the order of `KINDS`.
        frame_class: (B, L).
    """
    lacking = torch.stack([~annotated_kinds[:, KINDS.index(kind)] for kind in EVERYWHERE]).any(dim=0)
    absent = torch.zeros(*frame_class.shape, len(FRAME_CLASSES), dtype=torch.bool, device=frame_class.device)
    absent[..., RNA_CLASS] = lacking[:, None] & (frame_class == INTERGENIC_CLASS)
    return absent


def masked_targets(loss_mask: Tensor, valid: Tensor | None, target: Tensor) -> Tensor:
    """True (B, P, L) for masked bases that a pointer may favour without loss.

    Args:
        loss_mask: False (B, L) where a base is masked or padding.
        valid: real bases per window (B,); None for all.
        target: nucleotide pointed at (B, P).
    """
    bases = torch.arange(loss_mask.shape[1], device=loss_mask.device)
    free = ~loss_mask if valid is None else ~loss_mask & (bases < valid[:, None])
    return free[:, None] & (bases != target.unsqueeze(-1))


def cross_entropy(logits: Tensor, target: Tensor, absent: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy (B, S) of logits (B, S, V), of which `absent` take no part, in float32.

    Label smoothing spreads its share over all choices that take part.
    """
    logits = logits.float()
    if absent is not None:
        logits = logits.masked_fill(absent, -torch.inf)
    log_probability = logits.log_softmax(dim=-1)
    loss = -log_probability.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    if smoothing:
        if absent is not None:
            log_probability = log_probability.masked_fill(absent, 0.0)
            choices = (~absent).sum(dim=-1)
        else:
            choices = torch.full((), logits.shape[-1], device=logits.device)
        loss = (1 - smoothing) * loss - smoothing * log_probability.sum(dim=-1) / choices
    return loss
