"""The grammar of many windows at once, as masks over the decoder's tokens and pointers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genescribe.language.bases import N
from genescribe.language.gene_model import PROTEIN_CODING
from genescribe.language.grammar import GrammarConfig
from genescribe.language.tables import FAR, PADDING, STRANDS, WindowTables, first_codon_parts
from genescribe.language.vocabulary import (
    END,
    EOS,
    FIRST_KIND,
    KIND_TOKEN,
    LEFT,
    MINUS,
    OPEN,
    OPEN_INTRON,
    PAD,
    PLUS,
    RIGHT,
    SIZE,
)

_BOUNDARY, _STRAND, _KIND, _INTRON_EDGE, _SEGMENT, _RIGHT, _EDGE, _DONE = range(8)
"""What a row has just read, as `genescribe.language.automaton.Phase`."""

_KINDS = SIZE - FIRST_KIND
_CODING = KIND_TOKEN[PROTEIN_CODING] - FIRST_KIND


class _Segment(NamedTuple):
    """What the segment that begins at `begin` may become, one entry a row. Reach: see the tables."""

    codon_from: Tensor
    """First codon after the one that is unfinished at `begin`, or after the first codon of the segment."""
    stop: Tensor
    """Last base of the first stop codon; FAR if none, -1 if the gene's leftmost codon is no such codon."""
    end_here: Tensor
    """`codon_from` if the gene may end there, else 0."""
    donors_from: Tensor
    """First base that may be followed by an intron whatever lies behind it."""
    reach: Tensor
    """Reach of RIGHT in this segment."""
    open: Tensor
    """Whether the segment may run past the window's edge."""
    splits: Tensor
    """(B, 2) reach of RIGHT at `begin` and `begin` + 1 where the leftmost codon is split there."""

    def take(self, rows: Tensor) -> _Segment:
        """The entries of some rows."""
        return _Segment(*(entries[rows] for entries in self))


class GrammarMask:
    """The grammar's state for a batch of rows, one window each, and what may come next in each row.

    Equal, row by row, to `genescribe.language.automaton.Automaton`. Works on the whole batch: no loop over
    rows or bases. Rows start after BOS.

    Args:
        tables: one per row, of windows of the same size L; see `build_tables`.
        config: the grammar that the tables were built with.
        device: where the masks are wanted.
        labels: the `labels` that the tables were built with.
    """

    def __init__(
        self,
        tables: Sequence[WindowTables],
        config: GrammarConfig,
        device: torch.device | str = "cpu",
        labels: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.size = len(tables[0].codes) - PADDING
        self._introns = config.introns
        self._min_intron = config.min_intron
        self._shortest = config.shortest(labels)

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(table, name) for table in tables])).to(self.device)

        # By window, or by window and strand in one axis. Rows refer to them: `select` copies no table.
        self._codes = stacked("codes")
        self._next_stop = stacked("next_stop").flatten(0, 1)
        self._last_end = stacked("last_end").flatten(0, 1)
        self._ends = stacked("ends").flatten(0, 1)
        self._donors = stacked("donors").flatten(0, 1)
        self._acceptors = stacked("acceptors").flatten(0, 1)
        self._next_donor = stacked("next_donor").flatten(0, 1)
        self._first_reach = stacked("first_reach").flatten(0, 1)
        self._last_first = stacked("last_first").long()
        self._edge_reach = torch.cat((stacked("open_reach"), stacked("open_intron_reach")), dim=2).long()
        self._carried_reach = stacked("carried_reach")
        self._split_reach = stacked("split_reach")
        self._length = torch.tensor([table.length for table in tables], device=self.device)

        meanings = [config.codons(strand, labels) for strand in STRANDS]
        self._is_first = self._tensor(np.stack([meaning.first for meaning in meanings]))
        self._is_stop = self._tensor(np.stack([meaning.stop for meaning in meanings]))
        self._is_last = self._tensor(np.stack([meaning.last for meaning in meanings]))
        parts = first_codon_parts(config, labels)
        part_rows = np.full((2, 30), len(parts), dtype=np.int64)
        for row, (strand, part) in enumerate(parts):
            part_rows[strand, part[0] if len(part) == 1 else 5 + 5 * part[0] + part[1]] = row
        self._part_rows = self._tensor(part_rows)
        allowed = np.zeros(_KINDS, dtype=np.bool_)
        allowed[[KIND_TOKEN[kind] - FIRST_KIND for kind in config.kinds]] = True
        self._allowed = self._tensor(allowed)
        self._place = torch.arange(self.size, dtype=torch.int32, device=self.device)

        def rows_of(value: int) -> Tensor:
            return torch.full((len(tables),), value, dtype=torch.long, device=self.device)

        self._window = torch.arange(len(tables), device=self.device)
        self._phase = rows_of(_BOUNDARY)
        # Key of the last gene; at first one that comes before all others. Rank: strand, then kind.
        self._previous_left, self._previous_right, self._previous_rank = rows_of(-1), rows_of(0), rows_of(-1)
        # The gene being read. `_bound` is the least right end that it may have.
        self._strand, self._kind = rows_of(0), rows_of(_CODING)
        self._left, self._right, self._bound = rows_of(0), rows_of(0), rows_of(1)
        # Where its segment begins, and the unfinished codon there or after RIGHT: how many bases, and which.
        self._begin, self._count = rows_of(0), rows_of(0)
        self._letter_0, self._letter_1 = rows_of(N), rows_of(N)
        self._in_first = rows_of(0).bool()
        # After RIGHT: whether the gene may end, and the splice pairs whose left half follows.
        self._may_end, self._pairs = rows_of(0).bool(), rows_of(0)
        self._lefts: tuple[Tensor, Tensor] | None = None

    def tokens(self) -> Tensor:
        """Bool (B, V): the legal next tokens."""
        phase, length = self._phase, self._length[self._window]
        everyone = torch.arange(len(phase), device=self.device)
        lefts, edges = self._openings()
        opens = (lefts | edges.any(3)) & self._allowed
        legal = torch.zeros((len(phase), SIZE), dtype=torch.bool, device=self.device)

        boundary = phase == _BOUNDARY
        legal[:, EOS] = boundary
        legal[:, PLUS] = boundary & opens[:, 0].any(1)
        legal[:, MINUS] = boundary & opens[:, 1].any(1)
        legal[:, FIRST_KIND:] = (phase == _STRAND)[:, None] & opens[everyone, self._strand]
        legal[:, PAD] = phase == _DONE

        kind = phase == _KIND
        legal[:, LEFT] = kind & lefts[everyone, self._strand, self._kind] | (phase == _INTRON_EDGE)
        legal[:, OPEN[0] : OPEN_INTRON[-1] + 1] = kind[:, None] & edges[everyone, self._strand, self._kind]

        inside = phase == _SEGMENT
        segment = self._segment()
        legal[:, RIGHT] = inside & (segment.reach >= self._bound)
        runs_on = inside & segment.open & (length + 1 >= self._bound)

        after = phase == _RIGHT
        coding = self._is_coding()
        legal[:, END] = (phase == _EDGE) | after & self._may_end & (self._right >= self._bound)
        legal[:, LEFT] |= after & ~coding & (self._right + 1 < length)
        intron_runs_on = after & torch.where(
            coding, ~self._in_first & (self._pairs > 0), self._right < length
        )
        count_at_edge = torch.where(coding, (self._count + length - self._begin) % 3, 0)
        for k in range(3):
            legal[:, OPEN[k]] |= runs_on & (count_at_edge == k)
            legal[:, OPEN_INTRON[k]] |= intron_runs_on & (self._count == k)
        if self._introns:
            rows, mask = self._lefts_of_introns()
            legal[rows, LEFT] |= mask.any(1)
        return legal

    def positions(self, tokens: Tensor) -> Tensor:
        """Where a chosen token may point.

        Args:
            tokens: int64 (B,), legal ones.

        Returns:
            Bool (B, L); all False in the rows whose token is not LEFT or RIGHT.
        """
        legal = torch.zeros((len(self._phase), self.size), dtype=torch.bool, device=self.device)
        is_left = tokens == LEFT
        rows = torch.nonzero((tokens == RIGHT) & (self._phase == _SEGMENT)).squeeze(1)
        if len(rows):
            legal[rows] = self._rights(rows)
        rows = torch.nonzero(is_left & (self._phase == _KIND)).squeeze(1)
        if len(rows):
            legal[rows] = self._first_lefts(rows)
        onward = is_left & ((self._phase == _RIGHT) | (self._phase == _INTRON_EDGE))
        rows = torch.nonzero(onward & ~self._is_coding()).squeeze(1)
        if len(rows):
            least = torch.where(self._phase[rows] == _RIGHT, self._right[rows] + 1, 1)
            length = self._length[self._window[rows]]
            legal[rows] = (self._place >= least[:, None]) & (self._place < length[:, None])
        if self._introns:
            rows, mask = self._lefts_of_introns()
            legal[rows] |= mask & onward[rows][:, None]
        return legal

    def advance(self, tokens: Tensor, positions: Tensor) -> None:
        """Read one token in every row.

        Args:
            tokens: int64 (B,), legal ones; PAD after EOS. They are not checked.
            positions: int64 (B,), where LEFT and RIGHT point; anything for other tokens.
        """
        self._lefts = None
        was_kind = self._phase == _KIND
        length = self._length[self._window]
        is_strand = (tokens == PLUS) | (tokens == MINUS)
        is_kind = tokens >= FIRST_KIND
        is_left, is_right = tokens == LEFT, tokens == RIGHT
        is_open = (tokens >= OPEN[0]) & (tokens <= OPEN[-1])
        is_open_intron = (tokens >= OPEN_INTRON[0]) & (tokens <= OPEN_INTRON[-1])
        at_edge = is_open | is_open_intron

        self._strand = torch.where(is_strand, (tokens == MINUS).long(), self._strand)
        self._kind = torch.where(is_kind, tokens - FIRST_KIND, self._kind)
        self._read_right(is_right, positions)

        begins = was_kind & (is_left | at_edge)
        self._left = torch.where(begins, torch.where(is_left, positions, -1), self._left)
        ties = self._left == self._previous_left
        bound = torch.where(ties, self._bound_of_tie(), 1)
        bound = torch.maximum(bound, self._left.clamp(min=0) + self._shortest)
        self._bound = torch.where(begins, bound, self._bound)
        self._begin = torch.where(is_left, positions, torch.where(begins, 0, self._begin))
        unknown = (tokens - OPEN[0]) % 3
        self._count = torch.where(begins, torch.where(is_left, 0, unknown), self._count)
        self._letter_0 = torch.where(begins, N, self._letter_0)
        self._letter_1 = torch.where(begins, N, self._letter_1)
        self._in_first = torch.where(begins, is_left & self._is_coding(), self._in_first)
        self._right = torch.where(at_edge, length + 1, self._right)

        is_end = tokens == END
        self._previous_left = torch.where(is_end, self._left, self._previous_left)
        self._previous_right = torch.where(is_end, self._right, self._previous_right)
        self._previous_rank = torch.where(is_end, self._rank(), self._previous_rank)

        phase = self._phase
        for read, becomes in (
            (is_strand, _STRAND),
            (is_kind, _KIND),
            (is_left | is_open & was_kind, _SEGMENT),
            (is_open_intron & was_kind, _INTRON_EDGE),
            (is_right, _RIGHT),
            (at_edge & ~was_kind, _EDGE),
            (is_end, _BOUNDARY),
            (tokens == EOS, _DONE),
        ):
            phase = torch.where(read, becomes, phase)
        self._phase = phase

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, int64 (B',), in this order; a row may come more than once."""
        self._lefts = None
        for name in (
            "_window", "_phase", "_previous_left", "_previous_right", "_previous_rank", "_strand", "_kind",
            "_left", "_right", "_bound", "_begin", "_count", "_letter_0", "_letter_1", "_in_first",
            "_may_end", "_pairs",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[rows])

    # State.

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, device=self.device)

    def _is_coding(self) -> Tensor:
        return self._kind == _CODING

    def _rank(self) -> Tensor:
        return self._strand * _KINDS + self._kind

    def _bound_of_tie(self) -> Tensor:
        """The least right end of the gene being read if its left end is that of the last one."""
        return (self._previous_right + (self._rank() <= self._previous_rank).long()).clamp(min=1)

    def _read_right(self, is_right: Tensor, positions: Tensor) -> None:
        """Take RIGHT where `is_right`: the unfinished codon after it, and what may follow."""
        place = positions.clamp(min=0)
        read = place - self._begin + 1
        codes = self._codes[self._window]
        base = codes.gather(1, place[:, None]).squeeze(1).long()
        before = codes.gather(1, (place - 1).clamp(min=0)[:, None]).squeeze(1).long()
        two_before = codes.gather(1, (place - 2).clamp(min=0)[:, None]).squeeze(1).long()
        total = self._count + read
        count = torch.where(self._is_coding(), total % 3, 0)
        codon = 25 * torch.where(read >= 3, two_before, self._letter_0)
        codon += 5 * torch.where(read >= 2, before, self._letter_1) + base
        inner = (count == 0) & ~(self._in_first & (total == 3))
        may_end = ~self._is_coding() | inner & self._is_last[self._strand, codon]
        stop = inner & self._is_stop[self._strand, codon]
        pairs = self._donors[self._window * 2 + self._strand, place].long()
        pairs = torch.where(stop | ~self._is_coding(), 0, pairs)
        letter_0 = torch.where(count == 1, base, torch.where(read >= 2, before, self._letter_0))

        self._may_end = torch.where(is_right, may_end, self._may_end)
        self._pairs = torch.where(is_right, pairs, self._pairs)
        self._in_first = torch.where(is_right, self._in_first & (total < 3), self._in_first)
        self._letter_0 = torch.where(is_right, letter_0, self._letter_0)
        self._letter_1 = torch.where(is_right, base, self._letter_1)
        self._count = torch.where(is_right, count, self._count)
        self._right = torch.where(is_right, place + 1, self._right)

    # What may come next.

    def _openings(self) -> tuple[Tensor, Tensor]:
        """By row, strand and kind: may LEFT follow (B, 2, K), which OPEN and OPEN_INTRON may (B, 2, K, 6)."""
        length = self._length[self._window][:, None, None]
        last = self._previous_left[:, None, None]
        rank = torch.arange(2 * _KINDS, device=self.device).view(2, _KINDS)
        bound = self._previous_right[:, None, None] + (rank <= self._previous_rank[:, None, None])
        bound = bound.clamp(min=1)
        strands = (2 * self._window)[:, None] + torch.arange(2, device=self.device)
        coding = torch.arange(_KINDS, device=self.device) == _CODING

        tied = self._first_reach[strands, self._previous_left.clamp(min=0)[:, None]][:, :, None]
        plain_reach = torch.where(last <= length - self._shortest, length + 1, 0)
        tied_reach = torch.where(coding, tied, plain_reach)
        last_left = torch.where(coding, self._last_first[self._window][:, :, None], length - self._shortest)
        lefts = (last_left > last) | (last >= 0) & (tied_reach >= bound)

        plain = torch.zeros((len(last), 1, 1, 6), dtype=torch.long, device=self.device)
        plain[..., 0] = length + 1
        plain[..., 3] = torch.where(length > 1, length + 1, 0)
        reach = torch.where(coding[:, None], self._edge_reach[self._window][:, :, None], plain)
        reach = torch.where(length[..., None] >= self._shortest, reach, 0)
        edges = (last == -1)[..., None] & (reach >= bound.clamp(min=self._shortest)[..., None])
        return lefts, edges

    def _first_lefts(self, rows: Tensor) -> Tensor:
        """(R, L) where the first LEFT of a gene may point."""
        last, length = self._previous_left[rows][:, None], self._length[self._window[rows]][:, None]
        reach = self._first_reach[2 * self._window[rows] + self._strand[rows], : self.size]
        plain = torch.where(self._place <= length - self._shortest, length + 1, 0)
        reach = torch.where(self._is_coding()[rows][:, None], reach, plain)
        bound = self._bound_of_tie()[rows][:, None]
        return (self._place > last) & (reach > 0) | (self._place == last) & (reach >= bound)

    def _segment(self) -> _Segment:
        """What the segment being read may become; of no meaning in rows outside a segment."""
        strand, window = self._strand, self._window
        table = 2 * window + strand
        begin, count, length = self._begin, self._count, self._length[window]
        base, next_base, third_base = (self._codes[window, begin + k].long() for k in range(3))
        codon = torch.where(
            count == 0,
            25 * base + 5 * next_base + third_base,
            25 * self._letter_0 + torch.where(count == 1, 5 * base + next_base, 5 * self._letter_1 + base),
        )
        codon_from = begin + 3 - count
        in_first, coding = self._in_first, self._is_coding()
        stop_here = ~in_first & self._is_stop[strand, codon]
        end_here = torch.where(~in_first & self._is_last[strand, codon], codon_from, 0)
        stop = torch.where(stop_here, codon_from - 1, self._next_stop[table, codon_from])
        dead = in_first & ~self._is_first[strand, codon]
        stop = torch.where(dead, -1, stop)
        last_end = torch.where(stop_here | dead, 0, self._last_end[table, codon_from])
        donors_from = torch.where(in_first, codon_from - 1, begin)
        donor = self._next_donor[table, donors_from] < stop
        reach = torch.where(donor, length + 1, torch.maximum(end_here, last_end))
        splits = torch.zeros((len(begin), 2), dtype=torch.long, device=self.device)
        if self._introns:
            part = torch.where(count == 0, base, 5 + 5 * self._letter_0 + base)
            at_begin = self._reach_of_split(part, begin, in_first & (count < 2))
            after_begin = self._reach_of_split(5 + 5 * base + next_base, begin + 1, in_first & (count == 0))
            splits = torch.stack((at_begin, after_begin), dim=1)
            reach = torch.maximum(reach, splits.amax(1))
        reach = torch.where(coding, reach, torch.where(begin < length - 1, length + 1, length))
        return _Segment(codon_from, stop, end_here, donors_from, reach, ~coding | (stop == FAR), splits)

    def _reach_of_split(self, part: Tensor, place: Tensor, applies: Tensor) -> Tensor:
        """(B,) reach of RIGHT at `place`, where `part` of the leftmost codon is read; 0 unless it applies."""
        row = self._part_rows[self._strand, part]
        donors = self._donors[2 * self._window + self._strand, place].long()
        behind = (place + 1 + self._min_intron).clamp(max=self.size + PADDING - 1)
        pairs = torch.arange(self._split_reach.shape[2], device=self.device)
        reach = self._split_reach[self._window[:, None], row[:, None], pairs, behind[:, None]].long()
        reach = reach * (donors[:, None] >> pairs & 1)
        return torch.where(applies, reach.amax(1), 0)

    def _rights(self, rows: Tensor) -> Tensor:
        """(R, L) where RIGHT may point."""
        place = self._place
        segment = self._segment().take(rows)
        window = self._window[rows]
        table = 2 * window + self._strand[rows]
        begin, bound, length = self._begin[rows], self._bound[rows], self._length[window]
        stop = segment.stop[:, None]
        least = torch.maximum(segment.codon_from + 2, bound - 1)
        frame = (segment.codon_from + 2) % 3 + 1
        legal = (
            (self._ends[table, : self.size] == frame[:, None]) & (place >= least[:, None]) & (place <= stop)
        )
        here = torch.where(segment.end_here >= bound, segment.end_here - 1, -1)
        legal |= place == here[:, None]
        if self._introns:
            donors = self._donors[table, : self.size] > 0
            legal |= donors & (place >= segment.donors_from[:, None]) & (place < stop)
            for offset, reach in enumerate(segment.splits.unbind(1)):
                legal |= place == torch.where(reach >= bound, begin + offset, -1)[:, None]
        beyond = torch.where(length >= bound, length, length - 1)
        plain = (place >= begin[:, None]) & (place < beyond[:, None])
        return torch.where(self._is_coding()[rows][:, None], legal, plain)

    def _lefts_of_introns(self) -> tuple[Tensor, Tensor]:
        """Rows (R,) of coding genes in which an intron may end, and where LEFT may then point (R, L)."""
        if self._lefts is None:
            at_edge = self._phase == _INTRON_EDGE
            after_right = (self._phase == _RIGHT) & (self._pairs > 0)
            rows = torch.nonzero(self._is_coding() & (at_edge | after_right)).squeeze(1)
            self._lefts = rows, self._lefts_after(rows)
        return self._lefts

    def _lefts_after(self, rows: Tensor) -> Tensor:
        size, place = self.size, self._place
        window, strand, count = self._window[rows], self._strand[rows], self._count[rows][:, None]
        table, length = 2 * window + strand, self._length[window][:, None]
        edge = self._phase[rows] == _INTRON_EDGE
        pairs = torch.where(edge, 127, self._pairs[rows]).to(torch.uint8)
        least = torch.where(edge, 1, self._right[rows] + self._min_intron)

        # The codon that is unfinished before the segment ends at codon_from - 1.
        codon_from = place + (3 - count)
        codes = self._codes[window].long()
        bases = codes[:, :size]
        pair = 5 * bases + codes[:, 1 : size + 1]
        letter_0, letter_1 = self._letter_0[rows][:, None], self._letter_1[rows][:, None]
        codon = torch.where(
            count == 0,
            5 * pair + codes[:, 2 : size + 2],
            torch.where(count == 1, 25 * letter_0 + pair, 25 * letter_0 + 5 * letter_1 + bases),
        )
        stop_here = self._is_stop[strand[:, None], codon]
        end_here = torch.where(self._is_last[strand[:, None], codon], codon_from, 0)
        stop = self._next_stop[table].gather(1, codon_from)
        stop = torch.where(stop_here, codon_from - 1, stop)
        last_end = torch.where(stop_here, 0, self._last_end[table].gather(1, codon_from))
        passes = (stop == FAR) | (self._next_donor[table, :size] < stop)
        reach = torch.where(passes, length + 1, torch.maximum(end_here, last_end))

        part = torch.where(self._count == 1, self._letter_0, 5 + 5 * self._letter_0 + self._letter_1)[rows]
        carried = self._carried_reach[window, self._part_rows[strand, part], :size]
        reach = torch.where(self._in_first[rows][:, None], carried, reach)
        matching = (self._acceptors[table, :size] & pairs[:, None]) > 0
        return matching & (place >= least[:, None]) & (reach >= self._bound[rows][:, None])
