"""The reference automaton of the grammar, for one window.

It reads one base at a time and is made to be checked by eye. Decoding uses the tables of
`genescribe.language.tables` and the masks of `genescribe.model.grammar_mask`; tests hold them equal to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from genescribe.language.bases import Codes, N, to_codes
from genescribe.language.gene_model import KINDS, PROTEIN_CODING
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import (
    END,
    EOS,
    KIND_OF_TOKEN,
    KIND_TOKEN,
    LEFT,
    NO_POSITION,
    OPEN,
    OPEN_INTRON,
    PAD,
    RIGHT,
    STRAND_OF_TOKEN,
    STRAND_TOKEN,
)


class Phase(Enum):
    """What the automaton has just read."""

    BOUNDARY = auto()
    """Nothing, or END: a gene or EOS may follow."""
    STRAND = auto()
    """STRAND."""
    KIND = auto()
    """KIND."""
    INTRON_EDGE = auto()
    """OPEN_INTRON on the left: only LEFT may follow."""
    SEGMENT = auto()
    """LEFT, or OPEN on the left: inside a segment."""
    RIGHT = auto()
    """RIGHT: the gene's end, or an intron."""
    EDGE = auto()
    """OPEN or OPEN_INTRON on the right: only END may follow."""
    DONE = auto()
    """EOS: only PAD may follow."""


_Letters = tuple[int, ...]
"""Base codes of the part of a codon that has been read, left to right; N where they lie before the window."""

_Reading = str | None
"""The strand on which codons are read from left to right; None for kinds without codons."""


@dataclass(frozen=True, slots=True)
class _Base:
    """State after one base of a segment."""

    position: int
    codon: _Letters
    first: bool
    """Whether the gene's leftmost codon is still being read."""
    last: bool
    """Whether the gene may end here."""
    stop: bool
    """Whether the gene may not go on from here."""


class Automaton:
    """The grammar on one window: which tokens and positions may come next.

    Only what can be completed is legal. Starts after BOS.

    Args:
        codes: base codes (L,) of the window.
        config: the grammar.
        labels: whether genes are reference annotation: all start codons that are accepted there count, and
            they may be short.
        valid: bases before the padding, where the window's right edge is; L if not given.
    """

    def __init__(
        self, codes: Codes, config: GrammarConfig, labels: bool = False, valid: int | None = None
    ) -> None:
        self.config = config
        self.length = len(codes) if valid is None else valid
        self._shortest = config.shortest(labels)
        self.phase = Phase.BOUNDARY
        self._legal: frozenset[int] | None = None
        self._codes = [int(code) for code in codes[: self.length]]
        self._meaning = {strand: config.codons(strand, labels) for strand in "+-"}
        self._donor_sites = {strand: self._sites_of(strand, 0) for strand in "+-"}
        self._acceptor_sites = {strand: self._sites_of(strand, 1) for strand in "+-"}
        self._reached: dict[tuple[str, int, _Letters, bool], int] = {}
        # Key of the last gene: left end, right end, (strand, kind). There is none yet.
        self._previous = (-2, 0, (0, 0))
        self._strand, self._kind, self._left, self._right = "+", PROTEIN_CODING, 0, 0
        # Where the segment being read begins, and the state before its first base.
        self._segment: tuple[int, _Letters, bool] = (0, (), True)
        self._base = _Base(0, (), True, False, False)

    @property
    def _reading(self) -> _Reading:
        return self._strand if self._kind == PROTEIN_CODING else None

    def tokens(self) -> frozenset[int]:
        """The tokens that may come next."""
        if self._legal is None:
            self._legal = self._next_tokens()
        return self._legal

    def _next_tokens(self) -> frozenset[int]:
        match self.phase:
            case Phase.BOUNDARY:
                legal = {EOS}
                for strand in "+-":
                    if any(self._openings(strand, kind) for kind in self.config.kinds):
                        legal.add(STRAND_TOKEN[strand])
            case Phase.STRAND:
                legal = {KIND_TOKEN[kind] for kind in self.config.kinds if self._openings(self._strand, kind)}
            case Phase.KIND:
                legal = self._openings(self._strand, self._kind)
            case Phase.INTRON_EDGE:
                legal = {LEFT}
            case Phase.SEGMENT:
                legal = {RIGHT} if self.positions(RIGHT) else set()
                edge = self._at_edge(self._reading, *self._segment)
                if edge is not None and self.length + 1 >= self._bound:
                    legal.add(OPEN[len(edge.codon)])
            case Phase.RIGHT:
                legal = {LEFT} if self.positions(LEFT) else set()
                if self._base.last and self._right >= self._bound:
                    legal.add(END)
                if self._intron_may_be_open(self._reading, self._base):
                    legal.add(OPEN_INTRON[len(self._base.codon)])
            case Phase.EDGE:
                legal = {END}
            case Phase.DONE:
                legal = {PAD}
        return frozenset(legal)

    def positions(self, token: int) -> list[int]:
        """Where LEFT or RIGHT may point if it comes next; nothing for other tokens."""
        match self.phase, token:
            case Phase.KIND, t if t == LEFT:
                return self._first_lefts(self._strand, self._kind)
            case Phase.INTRON_EDGE, t if t == LEFT:
                return self._edge_lefts(self._strand, self._kind, self._segment[1])
            case Phase.RIGHT, t if t == LEFT:
                base = self._base
                return [
                    left
                    for left in self._lefts_after(self._reading, base)
                    if self._reach(self._reading, left, base.codon, base.first) >= self._bound
                ]
            case Phase.SEGMENT, t if t == RIGHT:
                return [
                    base.position
                    for base in self._walk(self._reading, *self._segment)
                    if self._reach_of_right(self._reading, base) >= self._bound
                ]
        return []

    def advance(self, token: int, position: int = NO_POSITION) -> None:
        """Read a token and where it points.

        Raises:
            ValueError: it is not legal.
        """
        legal = position in self.positions(token) if token in (LEFT, RIGHT) else position == NO_POSITION
        if not legal or token not in self.tokens():
            raise ValueError(f"token {token} at {position} may not follow {self.phase.name}")
        self._legal = None
        if token in STRAND_OF_TOKEN:
            self._strand, self.phase = STRAND_OF_TOKEN[token], Phase.STRAND
        elif token in KIND_OF_TOKEN:
            self._kind, self.phase = KIND_OF_TOKEN[token], Phase.KIND
        elif token == LEFT:
            self._begin(position)
        elif token == RIGHT:
            self._base = next(
                base for base in self._walk(self._reading, *self._segment) if base.position == position
            )
            self._right, self.phase = position + 1, Phase.RIGHT
        elif self.phase is Phase.KIND:
            inside = token in OPEN
            self._left = -1
            self._segment = (0, (N,) * (OPEN if inside else OPEN_INTRON).index(token), False)
            self.phase = Phase.SEGMENT if inside else Phase.INTRON_EDGE
        elif token in OPEN or token in OPEN_INTRON:
            self._right, self.phase = self.length + 1, Phase.EDGE
        elif token == END:
            self._previous = (self._left, self._right, _rank(self._strand, self._kind))
            self.phase = Phase.BOUNDARY
        elif token == EOS:
            self.phase = Phase.DONE

    def _begin(self, position: int) -> None:
        """Read LEFT."""
        if self.phase is Phase.KIND:
            self._left = position
            self._segment = (position, (), self._reading is not None)
        elif self.phase is Phase.INTRON_EDGE:
            self._segment = (position, self._segment[1], False)
        else:
            self._segment = (position, self._base.codon, self._base.first)
        self.phase = Phase.SEGMENT

    # The order of genes.

    @property
    def _bound(self) -> int:
        """The least right end that the gene being read may have."""
        return self._bound_of(self._strand, self._kind, self._left)

    def _bound_of(self, strand: str, kind: str, left: int) -> int:
        """The least right end of a gene with this left end; beyond every end if it may not begin there.

        It comes after the last gene, and spans enough bases inside the window.
        """
        previous_left, previous_right, previous_rank = self._previous
        long_enough = max(left, 0) + self._shortest
        if left < previous_left or long_enough > self.length:
            return self.length + 2
        if left > previous_left:
            return long_enough
        return max(long_enough, previous_right + int(_rank(strand, kind) <= previous_rank))

    # The left end of a gene.

    def _openings(self, strand: str, kind: str) -> set[int]:
        """Tokens that may follow STRAND KIND."""
        legal = {LEFT} if self._first_lefts(strand, kind) else set()
        coding = kind == PROTEIN_CODING
        for lead in range(3 if coding else 1):
            before = (N,) * lead
            if self._reach(strand if coding else None, 0, before, False) >= self._bound_of(strand, kind, -1):
                legal.add(OPEN[lead])
            if self._edge_lefts(strand, kind, before):
                legal.add(OPEN_INTRON[lead])
        return legal

    def _first_lefts(self, strand: str, kind: str) -> list[int]:
        reading = strand if kind == PROTEIN_CODING else None
        return [
            left
            for left in range(max(0, self._previous[0]), self.length)
            if self._reach(reading, left, (), reading is not None) >= self._bound_of(strand, kind, left)
        ]

    def _edge_lefts(self, strand: str, kind: str, before: _Letters) -> list[int]:
        """Positions of LEFT after OPEN_INTRON; `before` are the unknown bases of the codon."""
        reading = strand if kind == PROTEIN_CODING else None
        bound = self._bound_of(strand, kind, -1)
        return [
            left
            for left in range(1, self.length)
            if self._acceptors(reading, left) and self._reach(reading, left, before, False) >= bound
        ]

    # Inside a gene.

    def _walk(self, reading: _Reading, begin: int, codon: _Letters, first: bool) -> Iterator[_Base]:
        """Read a segment base by base, up to where the gene must end."""
        for position in range(begin, self.length):
            if reading is None:
                yield _Base(position, (), first=False, last=True, stop=False)
                continue
            codon = (*codon, self._codes[position])
            last = stop = False
            if len(codon) == 3:
                meaning = self._meaning[reading]
                index = 25 * codon[0] + 5 * codon[1] + codon[2]
                if first and not meaning.first[index]:
                    return
                last = not first and bool(meaning.last[index])
                stop = not first and bool(meaning.stop[index])
                codon, first = (), False
            yield _Base(position, codon, first, last, stop)
            if stop:
                return

    def _at_edge(self, reading: _Reading, begin: int, codon: _Letters, first: bool) -> _Base | None:
        """The state at the window's right edge, if the segment may run past it."""
        read = list(self._walk(reading, begin, codon, first))
        if not read or read[-1].position < self.length - 1 or read[-1].first or read[-1].stop:
            return None
        return read[-1]

    def _reach(self, reading: _Reading, begin: int, codon: _Letters, first: bool) -> int:
        """The farthest right end of a gene with a segment from `begin`; L + 1 past the edge, 0 for none."""
        if reading is None:
            return self.length + 1
        key = (reading, begin, codon, first)
        if key not in self._reached:
            self._reached[key] = self._search(reading, begin, codon, first)
        return self._reached[key]

    def _search(self, reading: _Reading, begin: int, codon: _Letters, first: bool) -> int:
        farthest = 0
        for base in self._walk(reading, begin, codon, first):
            farthest = max(farthest, self._reach_of_right(reading, base))
            if farthest > self.length:
                return farthest
        edge = self._at_edge(reading, begin, codon, first)
        return farthest if edge is None else self.length + 1

    def _reach_of_right(self, reading: _Reading, base: _Base) -> int:
        """The farthest right end of a gene with RIGHT at this base; 0 if RIGHT may not be here."""
        if self._intron_may_be_open(reading, base):
            return self.length + 1
        ends = [base.position + 1] if base.last else [0]
        ends += (
            self._reach(reading, left, base.codon, base.first) for left in self._lefts_after(reading, base)
        )
        return max(ends)

    # Introns.

    def _intron_may_be_open(self, reading: _Reading, base: _Base) -> bool:
        """Whether the intron after this base may run past the window's edge."""
        if reading is None:
            return base.position <= self.length - 2
        return not base.first and bool(self._donors(reading, base))

    def _lefts_after(self, reading: _Reading, base: _Base) -> Iterator[int]:
        """Where the intron after this base may end, as far as the intron is concerned."""
        if reading is None:
            yield from range(base.position + 2, self.length)
            return
        donors = self._donors(reading, base)
        if donors:
            for left in range(base.position + 1 + self.config.min_intron, self.length):
                if donors & self._acceptors(reading, left):
                    yield left

    def _donors(self, reading: str, base: _Base) -> frozenset[int]:
        """The splice pairs that an intron after this base may have."""
        return frozenset() if base.stop else self._donor_sites[reading][base.position]

    def _acceptors(self, reading: _Reading, left: int) -> frozenset[int]:
        """The splice pairs that an intron before `left` may have; a placeholder for kinds without codons."""
        return frozenset({0}) if reading is None else self._acceptor_sites[reading][left]

    def _sites_of(self, strand: str, side: int) -> list[frozenset[int]]:
        """By position: the splice pairs whose left half follows (side 0), or whose right half lies before."""
        if not self.config.introns:
            return [frozenset()] * self.length
        sites = [tuple(to_codes(pair[side]).tolist()) for pair in self.config.introns_on(strand)]
        found = []
        for position in range(self.length):
            here = slice(position + 1, position + 3) if side == 0 else slice(max(0, position - 2), position)
            seen = tuple(self._codes[here])
            # The edge may hide a base: the second of a left half, the first of a right half.
            part = slice(0, len(seen)) if side == 0 else slice(2 - len(seen), 2)
            found.append(frozenset(i for i, site in enumerate(sites) if seen and site[part] == seen))
        return found


def _rank(strand: str, kind: str) -> tuple[int, int]:
    return int(strand == "-"), KINDS.index(kind)
