"""Windows, walks and a second opinion on genes, shared by the tests of the language."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from Bio.Seq import Seq
from genescribe.language.automaton import Automaton, Phase
from genescribe.language.bases import Codes, to_codes, to_letters
from genescribe.language.codec import decode
from genescribe.language.gene_model import KINDS, PROTEIN_CODING, End, GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import (
    END,
    EOS,
    KIND_TOKEN,
    LEFT,
    NO_POSITION,
    OPEN,
    OPEN_INTRON,
    RIGHT,
)

CODES = (1, 2, 3, 4, 11, 25)
STARTS = {
    (1, True): "ATG",
    (1, False): "ATG",
    (2, True): "ATG ATA ATT ATC GTG",
    (2, False): "ATG ATA ATT GTG",
    (3, True): "ATG ATA GTG",
    (3, False): "ATG ATA GTG",
    (4, True): "ATG GTG TTG CTG ATT ATC ATA TTA",
    (4, False): "ATG GTG TTG TTA",
    (11, True): "ATG GTG TTG CTG ATT ATC ATA",
    (11, False): "ATG GTG TTG",
    (25, True): "ATG GTG TTG",
    (25, False): "ATG GTG TTG",
}
"""Start codons by genetic code and whether they are those of labels."""


@dataclass(frozen=True)
class Case:
    """A window and how genes are written in it."""

    codes: Codes
    config: GrammarConfig
    labels: bool

    @property
    def automaton(self) -> Automaton:
        return Automaton(self.codes, self.config, self.labels)


@dataclass(frozen=True)
class Wish:
    """What a walk leans to."""

    several: bool
    complete: bool


class Tools:
    """Functions for the tests, handed over as a fixture."""

    def case(self, seed: int, introns: bool | None = None, bases: str | None = None) -> Case:
        """A random case; `bases` gives the window."""
        draw = random.Random(seed)
        splice_sites = (("GT", "AG"), ("GC", "AG"), ("AT", "AC"))[: draw.randint(1, 3)]
        config = GrammarConfig(
            genetic_code=draw.choice(CODES),
            introns=draw.random() < 0.6 if introns is None else introns,
            splice_sites=splice_sites,
            min_intron=draw.randint(4, 12),
            kinds=KINDS if draw.random() < 0.5 else (PROTEIN_CODING,),
            min_target=draw.choice((1, 1, 25)),
        )
        if bases is None:
            weights = [*(1 + 1.5 * draw.random() for _ in range(4)), 0.04]
            bases = "".join(draw.choices("ACGTN", weights, k=draw.randint(2, 200)))
        return Case(to_codes(bases), config, draw.random() < 0.5)

    def walk(self, case: Case, seed: int, wish: Wish | None = None, genes: int = 6) -> list[GeneModel]:
        """Genes of a random completed walk through the automaton."""
        draw = random.Random(seed)
        automaton = case.automaton
        tokens: list[int] = []
        positions: list[int] = []
        while automaton.phase is not Phase.DONE:
            legal = sorted(automaton.tokens())
            weights = [self._weight(token, tokens, automaton, wish, genes) for token in legal]
            token = draw.choices(legal, weights)[0]
            position = NO_POSITION
            if token in (LEFT, RIGHT):
                places = automaton.positions(token)
                position = draw.choice(places)
                if wish is not None and wish.complete:
                    # Begin early: there is more room then. The last place for RIGHT is often the gene's end.
                    may_end = not wish.several or RIGHT in tokens[self._gene_start(tokens) :]
                    if token == LEFT:
                        position = min(draw.choices(places, k=4))
                    elif may_end:
                        position = places[-1] if draw.random() < 0.6 else position
                    elif len(places) > 1:
                        position = draw.choice(places[:-1])
            automaton.advance(token, position)
            tokens.append(token)
            positions.append(position)
        return decode(tokens, positions, len(case.codes))

    @staticmethod
    def _gene_start(written: Sequence[int]) -> int:
        return max((index + 1 for index, token in enumerate(written) if token == END), default=0)

    @staticmethod
    def _weight(
        token: int, written: Sequence[int], automaton: Automaton, wish: Wish | None, genes: int
    ) -> float:
        if token == EOS:
            return 1e-9 if written.count(END) < genes else 1e9
        if token == KIND_TOKEN[PROTEIN_CODING]:
            return 8
        if wish is None:
            return 1
        if token in OPEN or token in OPEN_INTRON:
            return 0.02 if wish.complete else 2
        if automaton.phase is Phase.RIGHT:
            several = written[Tools._gene_start(written) :].count(RIGHT) > 1
            return 5 if (token == LEFT) == (wish.several and not several) else 0.1
        return 1

    def altered(self, model: GeneModel, length: int) -> list[GeneModel]:
        """The model with one boundary moved by a base, on the other strand, or in another frame."""
        changes = []
        for index, (start, end) in enumerate(model.segments):
            for left, right in ((start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)):
                segments = (*model.segments[:index], (left, right), *model.segments[index + 1 :])
                changes.append(self._with(model, segments=segments))
        changes.append(self._with(model, strand="-" if model.strand == "+" else "+"))
        if model.left is not End.CLOSED and model.kind == PROTEIN_CODING:
            changes += [self._with(model, lead=(model.lead + step) % 3) for step in (1, 2)]
        return changes

    @staticmethod
    def _with(model: GeneModel, **changes: object) -> GeneModel:
        fields = {name: getattr(model, name) for name in GeneModel.__slots__}
        return GeneModel(**{**fields, **changes})

    def is_valid(self, case: Case, model: GeneModel) -> bool:
        """Whether a gene is right, by Biopython and slices of text: nothing of the package's grammar."""
        window, config = to_letters(case.codes), case.config
        bounds = [bound for segment in model.segments for bound in segment]
        if min(bounds) < 0 or max(bounds) > len(window) or any(a >= b for a, b in model.segments):
            return False
        gaps = [b - a for (_, a), (b, _) in zip(model.segments, model.segments[1:], strict=False)]
        at_left, at_right = bounds[0] == 0, bounds[-1] == len(window)
        for end, at_edge in ((model.left, at_left), (model.right, at_right)):
            if (end is End.OPEN and not at_edge) or (end is End.OPEN_INTRON and at_edge):
                return False
        first = bounds[0] if model.left is End.CLOSED else 0
        beyond = bounds[-1] if model.right is End.CLOSED else len(window)
        if not case.labels and beyond - first < config.min_target:
            return False
        if model.kind != PROTEIN_CODING:
            return all(gap >= 1 for gap in gaps)
        if any(gap < config.min_intron for gap in gaps) or (gaps and not config.introns):
            return False
        return self._translates(case, model, window) and self._is_spliced(case, model, window)

    def _translates(self, case: Case, model: GeneModel, window: str) -> bool:
        read = "N" * model.lead + "".join(window[a:b] for a, b in model.segments)
        if model.right is not End.CLOSED:
            read += "N" * (-len(read) % 3)
        if len(read) % 3:
            return False
        gene = Seq(read) if model.strand == "+" else Seq(read).reverse_complement()
        has_start, has_stop = model.left is End.CLOSED, model.right is End.CLOSED
        if model.strand == "-":
            has_start, has_stop = has_stop, has_start
        protein = str(gene.translate(table=case.config.genetic_code))
        starts = STARTS[case.config.genetic_code, case.labels].split()
        if has_start and str(gene[:3]) not in starts:
            return False
        if has_start and has_stop and len(protein) < 2:
            return False
        return "*" not in protein if not has_stop else protein.find("*") == len(protein) - 1

    def _is_spliced(self, case: Case, model: GeneModel, window: str) -> bool:
        plus = model.strand == "+"
        sites = case.config.splice_sites
        for (_, begin), (end, _) in zip(model.segments, model.segments[1:], strict=False):
            intron = Seq(window[begin:end])
            read = str(intron if plus else intron.reverse_complement())
            if not any(read.startswith(first) and read.endswith(last) for first, last in sites):
                return False
        # Of an intron at the edge, up to two bases beside the segment are seen.
        before = window[max(0, model.start - 2) : model.start]
        behind = window[model.end : model.end + 2]
        if not plus:
            before, behind = str(Seq(behind).reverse_complement()), str(Seq(before).reverse_complement())
        ends_in_intron = (model.left, model.right) if plus else (model.right, model.left)
        if End.OPEN_INTRON in ends_in_intron and not case.config.introns:
            return False
        if ends_in_intron[0] is End.OPEN_INTRON and not any(last.endswith(before) for _, last in sites):
            return False
        return ends_in_intron[1] is not End.OPEN_INTRON or any(first.startswith(behind) for first, _ in sites)


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()


@pytest.fixture(scope="session")
def wishes() -> list[Wish]:
    """What successive walks lean to. What is rare by nature comes more often."""
    rare, common = Wish(several=True, complete=True), Wish(several=False, complete=True)
    return [rare, common, rare, Wish(several=True, complete=False), rare, common, rare, Wish(False, False)]


@pytest.fixture(scope="session")
def real_bases() -> Callable[[int, int], str]:
    """real_bases(seed, length): a stretch of the bundled genomes."""
    folder = Path(__file__).parents[2] / "resources" / "genomes"
    sequences = []
    for path in sorted(folder.glob("*/genome.fna.gz")):
        with gzip.open(path, "rt") as lines:
            next(lines)
            sequences.append("".join(line.strip() for line, _ in zip(lines, range(3000), strict=False)))
    assert len(sequences) == 2

    def stretch(seed: int, length: int) -> str:
        draw = random.Random(seed)
        sequence = draw.choice(sequences)
        start = draw.randrange(len(sequence) - length)
        return sequence[start : start + length]

    return stretch
