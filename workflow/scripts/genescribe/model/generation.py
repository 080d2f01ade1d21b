"""Decoding: the model writes, the grammar allows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from genescribe.language import vocabulary
from genescribe.language.bases import Codes
from genescribe.language.grammar import GrammarConfig
from genescribe.language.tables import build_tables
from genescribe.model.beam import search
from genescribe.model.decoder import ClosingUp
from genescribe.model.grammar_mask import GrammarMask
from genescribe.model.modeling import Encoded, GeneScribeModel
from genescribe.model.writing import MAX_GENES, WindowGenes, Writing


@torch.inference_mode()
def generate(
    model: GeneScribeModel,
    codes: Codes,
    valid: list[int],
    grammar: GrammarConfig,
    max_genes: int = MAX_GENES,
    max_tokens: float = math.inf,
    beam: int = 1,
) -> list[WindowGenes]:
    """Write the genes of a batch of windows.

    Args:
        model: in evaluation mode.
        codes: base codes (B, L), N beyond the real bases.
        valid: real bases of each window.
        grammar: what may be written.
        max_genes: most genes per window.
        max_tokens: most tokens per window. Untrained weights may write one gene of thousands of segments.
        beam: sentences that are followed side by side; 1 is greedy.
    """
    device = model.device
    tables = [build_tables(row, grammar, valid=count) for row, count in zip(codes, valid, strict=True)]
    encoded = encode_windows(model, codes, valid)
    mask = GrammarMask(tables, grammar, device)
    if beam > 1:
        return search(model, encoded, mask, valid, beam, max_genes, max_tokens)
    return write(model, encoded, mask, valid, max_genes, max_tokens)


def is_fast_in_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 faster than float32."""
    if device.type == "cpu":
        return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


@torch.inference_mode()
def encode_windows(model: GeneScribeModel, codes: Codes, valid: list[int]) -> Encoded:
    """Encode windows (B, L) for decoding, which is in float32; the encoder runs in bfloat16 where that is
    faster.

    One window at a time: the shapes, and with them all rounding, are then the same in every batch. On a CPU
    that costs nothing.
    """
    device = model.device
    lower = is_fast_in_bfloat16(device)

    def encoded() -> Iterator[Encoded]:
        for row, count in zip(torch.from_numpy(codes).to(device), valid, strict=True):
            with torch.autocast(device.type, torch.bfloat16, enabled=lower):
                window = model.encode(row[None], torch.tensor([count], device=device))
            yield window

    return Encoded.join(encoded(), len(codes))


def write(
    model: GeneScribeModel,
    encoded: Encoded,
    mask: GrammarMask,
    valid: list[int],
    max_genes: int = MAX_GENES,
    max_tokens: float = math.inf,
) -> list[WindowGenes]:
    """Write the genes of encoded windows, greedily.

    Windows leave the batch as they are finished, and others take their rows in `encoded`, which is of no use
    after that.
    """
    rows = len(valid)
    device = encoded.memory.device
    cache = model.start(encoded)
    # Of `encoded`, only these are read again.
    features, keys = encoded.features, encoded.keys
    writings = [Writing() for _ in range(rows)]
    active = list(range(rows))
    genes_written = torch.zeros(rows, dtype=torch.long, device=device)
    tokens = torch.full((rows,), vocabulary.BOS, device=device)
    positions = torch.full((rows,), vocabulary.NO_POSITION, device=device)
    last_pointed = torch.zeros(rows, dtype=torch.long, device=device)
    steps = 0
    while active and steps < max_tokens:
        steps += 1
        hidden = model.decoder(tokens[:, None], positions[:, None], last_pointed[:, None], features, cache)
        score, tokens = _best(model.token_head(hidden)[:, 0], mask.tokens())
        points = (tokens == vocabulary.LEFT) | (tokens == vocabulary.RIGHT)
        positions = torch.full_like(tokens, vocabulary.NO_POSITION)
        # Rows mostly point in the same steps, so that in most steps none does.
        if bool(points.any()):
            logits = model.pointer_head(hidden, last_pointed[:, None], keys)[:, 0]
            pointer_score, pointed = _best(logits, mask.positions(tokens) | ~points[:, None])
            positions = torch.where(points, pointed, positions)
            last_pointed = torch.where(points, pointed, last_pointed)
            score = score + torch.where(points, pointer_score, 0.0)
        mask.advance(tokens, positions)
        genes_written += tokens == vocabulary.END

        written = torch.stack((tokens, positions), dim=1).tolist()
        for row, (token, position), value in zip(active, written, score.tolist(), strict=True):
            writings[row].add(token, position, value)
        going_on = (tokens != vocabulary.EOS) & (genes_written < max_genes)
        if not bool(going_on.all()):
            close_up = ClosingUp(going_on)
            order = close_up(torch.arange(len(active), device=device))
            active = [active[index] for index in order.tolist()]
            tokens, positions, last_pointed = map(close_up, (tokens, positions, last_pointed))
            genes_written, features, keys = map(close_up, (genes_written, features, keys))
            cache.close_up(close_up)
            mask.select(order)
    return [writing.genes(length) for writing, length in zip(writings, valid, strict=True)]


def _best(logits: Tensor, legal: Tensor) -> tuple[Tensor, Tensor]:
    """Log probability and index of the best legal choice in each row of (B, N).

    The probability is the model's own, over all choices: one that the grammar had to talk it into scores low.
    """
    best, index = logits.masked_fill(~legal, -torch.inf).max(dim=1)
    return best - logits.logsumexp(dim=1), index
