"""The grammar of one window as numpy tables, from which `genescribe.model.grammar_mask` makes its masks.

A gene's *reach* is the farthest right end that it can still have: a position (half-open end) in the window,
L' + 1 past the window's edge at L', 0 if it cannot be completed. Everything reads from left to right on both
strands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genescribe.language.bases import Codes, N, to_codes
from genescribe.language.genetic_code import StrandCodons
from genescribe.language.grammar import GrammarConfig

FAR = 1 << 24
"""A position beyond every window: there is none."""
PADDING = 3
"""Entries of every table after the window's bases, so that a look one codon ahead needs no test."""
STRANDS = "+-"

Ints = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class WindowTables:
    """Tables of one window of L bases; W = L + PADDING, axis 0 of strand tables is (+, -).

    Attributes:
        length: bases before the padding; the window's right edge.
        codes: (W,) base codes, N beyond the edge.
        next_stop: (2, W) last base of the first in-frame stop codon from the codon that begins here; FAR if
            none.
        last_end: (2, W) end of the last codon that may end a gene, in frame from the codon that begins here
            and not beyond the next stop codon; 0 if none.
        ends: (2, W) 1 + position mod 3 where a codon that may end a gene has its last base here, else 0.
        donors: (2, W) bit set of the splice pairs whose left half follows this base.
        acceptors: (2, W) bit set of the splice pairs whose right half lies before this base.
        next_donor: (2, W) first base from here on with a donor; FAR if none.
        first_reach: (2, W) reach of a protein-coding gene whose first base is here; 0 if that is too short.
        last_first: (2,) last base with a `first_reach`, -1 if none.
        open_reach: (2, 3) reach of a gene open on the left, inside a segment, by unknown bases of its codon.
        open_intron_reach: (2, 3) the same with the edge in an intron.
        carried_reach: (P + 1, W) reach of a gene whose next segment begins here while the leftmost codon is
            one of the P unfinished `first_codon_parts`; the last row, for other parts, is 0.
        split_reach: (P + 1, T, W) the largest `carried_reach` from here on behind an acceptor of splice pair
            T.
    """

    length: int
    codes: Codes
    next_stop: Ints
    last_end: Ints
    ends: Bits
    donors: Bits
    acceptors: Bits
    next_donor: Ints
    first_reach: Ints
    last_first: Ints
    open_reach: Ints
    open_intron_reach: Ints
    carried_reach: Ints
    split_reach: Ints


def first_codon_parts(config: GrammarConfig, labels: bool) -> list[tuple[int, tuple[int, ...]]]:
    """(strand index, base codes) of unfinished leftmost codons, longer ones first; none without introns."""
    if not config.introns:
        return []
    parts = set()
    for strand, name in enumerate(STRANDS):
        for index in np.flatnonzero(config.codons(name, labels).first).tolist():
            parts |= {(strand, (index // 25,)), (strand, (index // 25, index // 5 % 5))}
    return sorted(parts, key=lambda part: (-len(part[1]), part))


def build_tables(
    codes: Codes, config: GrammarConfig, labels: bool = False, valid: int | None = None
) -> WindowTables:
    """The tables of a window.

    Args:
        codes: base codes (L,).
        config: the grammar.
        labels: whether genes are reference annotation: all start codons that are accepted there count, and
            they may be short.
        valid: bases before the padding; L if not given.
    """
    length = len(codes) if valid is None else valid
    width = len(codes) + PADDING
    padded = np.full(width, N, dtype=np.uint8)
    padded[:length] = codes[:length]
    meanings = [config.codons(strand, labels) for strand in STRANDS]
    codons = np.full(width, 124, dtype=np.uint8)
    codons[:-2] = padded[:-2] * np.uint8(25) + padded[1:-1] * np.uint8(5) + padded[2:]
    stops = np.stack([meaning.stop[codons] for meaning in meanings])
    lasts = np.stack([meaning.last[codons] for meaning in meanings])
    firsts = np.stack([meaning.first[codons] for meaning in meanings])

    next_stop, last_end = _in_frame(stops, lasts)
    ends = np.zeros((2, width), dtype=np.uint8)
    ends[:, 2:] = lasts[:, :-2] * (np.arange(2, width) % 3 + 1).astype(np.uint8)
    donors, acceptors = _splice_sites(padded, config, length)
    next_donor = np.where(donors > 0, np.arange(width, dtype=np.int32), np.int32(FAR))
    next_donor = np.minimum.accumulate(next_donor[:, ::-1], axis=1)[:, ::-1]
    run = _Runs(length, next_stop, last_end, next_donor)

    first_reach = np.where(firsts, run.reach(2, 3), 0)
    parts = first_codon_parts(config, labels)
    carried_reach = np.zeros((len(parts) + 1, width), dtype=np.int32)
    split_reach = np.zeros((len(parts) + 1, len(config.splice_sites) if parts else 0, width), dtype=np.int32)
    if parts:
        splits = _Splits(padded, codons, config.min_intron, donors, acceptors, run, parts)
        splits.fill(meanings, carried_reach, split_reach)
        for strand in range(2):
            for offset in range(2):
                onward = splits.onward(strand, offset, split_reach)
                np.maximum(first_reach[strand], onward, out=first_reach[strand])

    places, shortest = np.arange(width), config.shortest(labels)
    long_enough = (first_reach >= places + shortest) & (places + shortest <= length)
    first_reach = np.where(long_enough, first_reach, 0)

    open_intron_reach = np.zeros((2, 3), dtype=np.int32)
    if config.introns:
        for lead in range(3):
            reach = np.where(acceptors > 0, run.reach(0, -lead % 3), 0)
            open_intron_reach[:, lead] = reach.max(axis=1)
    return WindowTables(
        length=length,
        codes=padded,
        next_stop=next_stop,
        last_end=last_end,
        ends=ends,
        donors=donors,
        acceptors=acceptors,
        next_donor=next_donor,
        first_reach=first_reach,
        last_first=np.where(first_reach > 0, places, -1).max(axis=1).astype(np.int32),
        open_reach=np.stack([run.reach(0, -lead % 3)[:, 0] for lead in range(3)], axis=1),
        open_intron_reach=open_intron_reach,
        carried_reach=carried_reach,
        split_reach=split_reach,
    )


def _in_frame(stops: npt.NDArray[np.bool_], lasts: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """`next_stop` and `last_end` from flags (2, W) of codons by their first base."""
    width = stops.shape[1]
    rows = -(-width // 3)
    where = np.arange(3 * rows, dtype=np.int32)

    def frames(flags: npt.NDArray[np.bool_], offset: int, missing: int) -> Ints:
        """(2, rows, 3): position + offset where the flag is set, else `missing`."""
        values = np.full((2, 3 * rows), missing, dtype=np.int32)
        np.copyto(values[:, :width], where[:width] + np.int32(offset), where=flags)
        return values.reshape(2, rows, 3)

    next_stop = np.minimum.accumulate(frames(stops, 2, FAR)[:, ::-1], axis=1)[:, ::-1]
    end_so_far = np.maximum.accumulate(frames(lasts, 3, 0), axis=1)
    # The end that is the last one when the next stop codon has been read, if it lies in this run at all.
    row_of_stop = np.where(next_stop < FAR, (next_stop - 2) // 3, rows - 1)
    last_end = np.take_along_axis(end_so_far, row_of_stop.astype(np.int64), axis=1)
    last_end = np.where(last_end > where.reshape(rows, 3), last_end, 0)
    return next_stop.reshape(2, -1)[:, :width], last_end.reshape(2, -1)[:, :width].astype(np.int32)


def _splice_sites(padded: Codes, config: GrammarConfig, length: int) -> tuple[Bits, Bits]:
    """`donors` and `acceptors`; of a site that the edge cuts, only the base inside is looked at."""
    donors = np.zeros((2, len(padded)), dtype=np.uint8)
    acceptors = np.zeros((2, len(padded)), dtype=np.uint8)
    if not config.introns or length < 2:
        return donors, acceptors
    for strand, name in enumerate(STRANDS):
        for index, (head, tail) in enumerate(config.introns_on(name)):
            bit = np.uint8(1 << index)
            (head_0, head_1), (tail_0, tail_1) = to_codes(head), to_codes(tail)
            heads = (padded[1 : length - 1] == head_0) & (padded[2:length] == head_1)
            donors[strand, : length - 2] |= bit * heads
            donors[strand, length - 2] |= bit * (padded[length - 1] == head_0)
            tails = (padded[: length - 2] == tail_0) & (padded[1 : length - 1] == tail_1)
            acceptors[strand, 2:length] |= bit * tails
            acceptors[strand, 1] |= bit * (padded[0] == tail_1)
    return donors, acceptors


@dataclass(frozen=True, slots=True)
class _Runs:
    """Reach of a gene that is past its leftmost codon."""

    length: int
    next_stop: Ints
    last_end: Ints
    next_donor: Ints

    def reach(self, donors_from: int, codon_from: int) -> Ints:
        """(2, W) for every base b: donors count from b + donors_from, codons from b + codon_from."""
        stop = _ahead(self.next_stop, codon_from, FAR)
        passes = (stop == FAR) | (_ahead(self.next_donor, donors_from, FAR) < stop)
        return np.where(passes, np.int32(self.length + 1), _ahead(self.last_end, codon_from, 0))


def _ahead(table: Ints, offset: int, missing: int) -> Ints:
    """The table (..., W) read `offset` entries ahead."""
    if offset == 0:
        return table
    ahead = np.full_like(table, missing)
    ahead[..., :-offset] = table[..., offset:]
    return ahead


@dataclass(frozen=True, slots=True)
class _Splits:
    """Reach of a gene whose leftmost codon is split by introns."""

    padded: Codes
    codons: Bits
    min_intron: int
    donors: Bits
    acceptors: Bits
    run: _Runs
    parts: list[tuple[int, tuple[int, ...]]]

    def fill(self, meanings: list[StrandCodons], carried_reach: Ints, split_reach: Ints) -> None:
        """Fill `carried_reach` and `split_reach` in place, parts of two bases before those of one."""
        after = {size: self.run.reach(2 - size, 3 - size) for size in (1, 2)}
        pairs = self.padded * np.uint8(5)
        pairs[:-1] += self.padded[1:]
        pairs[-1] += N
        for row, (strand, part) in enumerate(self.parts):
            first = meanings[strand].first
            if len(part) == 2:
                complete = first[25 * part[0] + 5 * part[1] + self.padded.astype(np.int64)]
            else:
                complete = first[25 * part[0] + pairs.astype(np.int64)]
            reach = np.where(complete, after[len(part)][strand], 0)
            if len(part) == 1:
                for longer, (other_strand, other) in enumerate(self.parts):
                    if other_strand == strand and len(other) == 2 and other[0] == part[0]:
                        here = self.padded == other[1]
                        reach = np.maximum(reach, here * self._behind_donor(strand, 0, split_reach[longer]))
            carried_reach[row] = reach
            for pair in range(split_reach.shape[1]):
                behind = np.where(self.acceptors[strand] >> pair & 1, reach, 0)
                split_reach[row, pair] = np.maximum.accumulate(behind[::-1])[::-1]

    def onward(self, strand: int, offset: int, split_reach: Ints) -> Ints:
        """(W,) reach of a gene from base b whose first segment has offset + 1 bases."""
        onward = np.zeros(len(self.padded), dtype=np.int32)
        for row, (part_strand, part) in enumerate(self.parts):
            if part_strand == strand and len(part) == offset + 1:
                here = self.padded == part[0]
                if offset:
                    here[:-1] &= self.padded[1:] == part[1]
                onward = np.maximum(onward, here * self._behind_donor(strand, offset, split_reach[row]))
        return onward

    def _behind_donor(self, strand: int, offset: int, split_reach: Ints) -> Ints:
        """(W,) reach behind a donor at base b + offset; `split_reach` (T, W) of one part."""
        reach = np.zeros(len(self.padded), dtype=np.int32)
        for pair, behind in enumerate(split_reach):
            onward = _ahead(behind, 1 + self.min_intron, 0)
            np.maximum(reach, np.where(self.donors[strand] >> pair & 1, onward, 0), out=reach)
        return _ahead(reach, offset, 0)
