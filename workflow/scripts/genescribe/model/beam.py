"""Beam search: several sentences of a window are followed side by side, and the most probable one is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genescribe.language import vocabulary
from genescribe.model.decoder import ClosingUp
from genescribe.model.grammar_mask import GrammarMask
from genescribe.model.modeling import Encoded, GeneScribeModel
from genescribe.model.writing import WindowGenes, Writing

POINTING = (vocabulary.LEFT, vocabulary.RIGHT)


@dataclass(frozen=True)
class _Sentence:
    """A sentence by its last token and the sentence before it; sentences share their beginnings."""

    before: _Sentence | None
    token: int
    position: int
    log_probability: float
    genes: int

    def followed_by(self, token: int, position: int, log_probability: float) -> _Sentence:
        """The sentence with one more token."""
        genes = self.genes + (token == vocabulary.END)
        return _Sentence(self, token, position, log_probability, genes)

    def writing(self) -> Writing:
        """All that was written, from BOS on."""
        parts: list[_Sentence] = []
        part: _Sentence | None = self
        while part is not None and part.before is not None:
            parts.append(part)
            part = part.before
        whole = Writing()
        for part in reversed(parts):
            whole.add(part.token, part.position, part.log_probability)
        return whole


@dataclass
class _Best:
    """The most probable finished sentence of a window."""

    score: float = -math.inf
    sentence: _Sentence | None = None

    def consider(self, score: float, sentence: _Sentence) -> None:
        """Take a sentence if it is the more probable one."""
        if score > self.score:
            self.score, self.sentence = score, sentence


def search(
    model: GeneScribeModel,
    encoded: Encoded,
    mask: GrammarMask,
    valid: list[int],
    beam: int,
    max_genes: int,
    max_tokens: float,
) -> list[WindowGenes]:
    """Write the genes of encoded windows: the most probable sentence that a beam finds.

    The first place of the beam belongs to the sentence that greedy decoding writes, whatever its rank, so
    that the result is never less probable than that. The others hold the most probable sentences that go on
    from any in the beam. A probability can only fall from token to token: a window is done when no sentence
    in its beam is more probable than the best finished one.

    Args:
        model: in evaluation mode.
        encoded: B windows; of no use afterwards.
        mask: the grammar's state of the B windows.
        valid: real bases of each window.
        beam: sentences followed in each window, K.
        max_genes: most genes per window; a sentence that reaches it counts as finished.
        max_tokens: most tokens per window.
    """
    device = encoded.memory.device
    cache = model.start(encoded)
    features, keys = encoded.features, encoded.keys
    windows = list(range(len(valid)))
    best = [_Best() for _ in windows]
    beams = [[_Sentence(None, vocabulary.BOS, vocabulary.NO_POSITION, 0.0, 0)] * beam for _ in windows]
    mask.select(torch.arange(len(windows), device=device).repeat_interleave(beam))
    scores = torch.full((len(windows), beam), -torch.inf, device=device)
    scores[:, 0] = 0.0
    greedy = torch.ones(len(windows), dtype=torch.bool, device=device)
    tokens = torch.full((len(windows), beam), vocabulary.BOS, device=device)
    positions = torch.full_like(tokens, vocabulary.NO_POSITION)
    last_pointed = torch.zeros_like(tokens)
    steps = 0
    while windows and steps < max_tokens:
        steps += 1
        rows = [choice.view(-1, 1) for choice in (tokens, positions, last_pointed)]
        hidden = model.decoder(*rows, features, cache)
        token_logits = model.token_head(hidden)[:, 0]
        pointer_logits = model.pointer_head(hidden, rows[2], keys)[:, 0]
        choices = _Choices(token_logits, pointer_logits, mask, beam)

        totals = (scores.view(-1, 1) + choices.values).view(len(windows), -1)
        ranks = totals.clone()
        # The greedy sentence goes on in the first place.
        ranks[greedy, choices.greedy.view(-1, beam)[greedy, 0]] = torch.inf
        chosen = ranks.topk(beam, dim=1).indices
        scores = totals.gather(1, chosen)
        parents = chosen // choices.values.shape[1]
        order = (parents + torch.arange(len(windows), device=device)[:, None] * beam).flatten()
        choice = (chosen % choices.values.shape[1]).flatten()
        tokens, positions = (part.view(-1, beam) for part in choices.take(order, choice))
        added = choices.values[order, choice].view(-1, beam)
        cache.select(order)
        mask.select(order)
        mask.advance(tokens.flatten(), positions.flatten())
        last_pointed = torch.where(positions >= 0, positions, last_pointed.gather(1, parents))

        finished = torch.zeros_like(scores, dtype=torch.bool)
        written = zip(*(part.tolist() for part in (parents, tokens, positions, added, scores)), strict=True)
        for row, (window, (before, *words, reached)) in enumerate(zip(windows, written, strict=True)):
            old = [beams[window][parent] for parent in before]
            beams[window] = [one.followed_by(*word) for one, *word in zip(old, *words, strict=True)]
            for place, sentence in enumerate(beams[window]):
                if sentence.token == vocabulary.EOS or sentence.genes >= max_genes:
                    best[window].consider(reached[place], sentence)
                    finished[row, place] = True
        greedy &= ~finished[:, 0]
        scores = scores.masked_fill(finished, -torch.inf)

        least = torch.tensor([best[window].score for window in windows], device=device)
        going_on = scores.amax(dim=1) > least
        if not bool(going_on.all()):
            close_up = ClosingUp(going_on)
            left = close_up(torch.arange(len(windows), device=device))
            windows = [windows[index] for index in left.tolist()]
            tokens, positions, last_pointed = map(close_up, (tokens, positions, last_pointed))
            scores, greedy, features, keys = map(close_up, (scores, greedy, features, keys))
            cache.close_up(close_up)
            mask.select((left[:, None] * beam + torch.arange(beam, device=device)).flatten())
    for row, window in enumerate(windows):
        # Out of tokens: what the beam holds is all there is.
        best[window].consider(float(scores[row].max()), beams[window][int(scores[row].argmax())])
    results = []
    for found, length in zip(best, valid, strict=True):
        assert found.sentence is not None
        results.append(found.sentence.writing().genes(length))
    return results


class _Choices:
    """What may come next in each of R rows: tokens that do not point, and the best K places of those that do.

    Args:
        token_logits: (R, V).
        pointer_logits: (R, L).
        mask: the grammar's state of the R rows.
        most: K.

    Attributes:
        values: log probabilities (R, V + 2 K), -inf where the grammar forbids.
        places: where the last 2 K of them point (R, 2 K).
        greedy: index into them of what greedy decoding chooses (R,).
    """

    def __init__(self, token_logits: Tensor, pointer_logits: Tensor, mask: GrammarMask, most: int) -> None:
        legal = mask.tokens()
        token_values = token_logits.log_softmax(dim=-1).masked_fill(~legal, -torch.inf)
        pointer_values = pointer_logits.log_softmax(dim=-1)
        parts, places = [token_values], []
        for token in POINTING:
            may_point = mask.positions(torch.full_like(legal[:, 0], token, dtype=torch.long))
            values, indices = pointer_values.masked_fill(~may_point, -torch.inf).topk(most, dim=-1)
            parts.append(token_values[:, [token]] + values)
            places.append(indices)
        likeliest = token_values.argmax(dim=-1)
        token_values[:, list(POINTING)] = -torch.inf
        self.values = torch.cat(parts, dim=-1)
        self.places = torch.cat(places, dim=-1)
        self.greedy = likeliest
        for number, token in enumerate(POINTING):
            self.greedy = torch.where(likeliest == token, vocabulary.SIZE + number * most, self.greedy)
        self.most = most

    def take(self, rows: Tensor, choices: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and positions of choices (N,) in rows (N,)."""
        pointer = choices - vocabulary.SIZE
        points = pointer >= 0
        pointer = pointer.clamp(min=0)
        tokens = torch.where(
            points, torch.tensor(POINTING, device=choices.device)[pointer // self.most], choices
        )
        return tokens, torch.where(points, self.places[rows, pointer], vocabulary.NO_POSITION)
