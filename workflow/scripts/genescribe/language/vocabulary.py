"""The whole token layout. A window's annotation is

    ( STRAND KIND
      (LEFT | OPENk | OPEN_INTRONk LEFT) (RIGHT LEFT)* (RIGHT | OPENk | RIGHT OPEN_INTRONk)
      END )*  EOS

LEFT and RIGHT point at a nucleotide of the window: LEFT at a segment's first base, RIGHT at its last base
inside. OPENk and OPEN_INTRONk stand for the window's edge; k is the number of bases of the current codon
that lie to the left of the edge, reading from left to right on either strand. Kinds without codons use k = 0.
"""

from __future__ import annotations

from genescribe.language.gene_model import KINDS

PAD, BOS, EOS, END, PLUS, MINUS, LEFT, RIGHT = range(8)
OPEN = (8, 9, 10)
OPEN_INTRON = (11, 12, 13)
FIRST_KIND = 14
KIND_TOKEN = {kind: FIRST_KIND + index for index, kind in enumerate(KINDS)}
KIND_OF_TOKEN = {token: kind for kind, token in KIND_TOKEN.items()}
STRAND_TOKEN = {"+": PLUS, "-": MINUS}
STRAND_OF_TOKEN = {PLUS: "+", MINUS: "-"}
SIZE = FIRST_KIND + len(KINDS)
NAMES = (
    "PAD", "BOS", "EOS", "END", "+", "-", "LEFT", "RIGHT",
    "OPEN0", "OPEN1", "OPEN2", "OPEN_INTRON0", "OPEN_INTRON1", "OPEN_INTRON2", *KINDS,
)  # fmt: skip

NO_POSITION = -1
"""Position of a token that does not point."""
