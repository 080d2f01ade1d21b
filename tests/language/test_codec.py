"""Literal cases of clipping, encoding, decoding and of the reasons for rejection."""

from __future__ import annotations

import pytest
from genescribe.errors import InputError
from genescribe.language.bases import to_codes
from genescribe.language.check import check
from genescribe.language.codec import clip, decode, encode
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.language.grammar import GrammarConfig
from genescribe.language.vocabulary import NAMES

CLOSED, OPEN, OPEN_INTRON = End.CLOSED, End.OPEN, End.OPEN_INTRON
PROKARYOTE = GrammarConfig(min_target=1)
EUKARYOTE = GrammarConfig(genetic_code=1, introns=True, min_intron=6, min_target=1)
ATAC = GrammarConfig(genetic_code=1, introns=True, splice_sites=(("AT", "AC"),), min_intron=6)


def model(strand: str, *segments: tuple[int, int], kind: str = PROTEIN_CODING, **ends: object) -> GeneModel:
    return GeneModel(kind, strand, segments, **ends)  # type: ignore[arg-type]


def written(bases: str, models: list[GeneModel], config: GrammarConfig = PROKARYOTE) -> str:
    encoding = encode(to_codes(bases), models, config)
    assert not encoding.rejected
    words = zip(encoding.tokens.tolist(), encoding.positions.tolist(), strict=True)
    return " ".join(NAMES[token] + (f"@{position}" if position >= 0 else "") for token, position in words)


def test_a_gene_on_each_strand() -> None:
    bases = "CC ATG AAA TAA C TTA GGG CAT C".replace(" ", "")
    genes = [model("-", (12, 21)), model("+", (2, 11))]
    assert written(bases, genes) == (
        "BOS + protein_coding LEFT@2 RIGHT@10 END - protein_coding LEFT@12 RIGHT@20 END EOS"
    )


def test_introns_kinds_and_order() -> None:
    bases = "ATG A GTAAAG AA TAA CCC".replace(" ", "")
    genes = [
        model("-", (0, 18), kind="tRNA"),
        model("+", (0, 4), (10, 15)),
        model("+", (3, 5), (6, 8), kind="ncRNA"),
    ]
    assert written(bases, genes, EUKARYOTE) == (
        "BOS + protein_coding LEFT@0 RIGHT@3 LEFT@10 RIGHT@14 END - tRNA LEFT@0 RIGHT@17 END "
        "+ ncRNA LEFT@3 RIGHT@4 LEFT@6 RIGHT@7 END EOS"
    )


def test_a_gene_that_is_cut_on_both_sides() -> None:
    bases = "CATGAAACCCAAAGGGTAAC"
    gene = model("+", (1, 19))
    (part,), none = clip([gene], 3, 12, min_target=1)
    assert none == []
    assert part == model("+", (0, 12), left=OPEN, right=OPEN, lead=2)
    assert written(bases[3:15], [part]) == "BOS + protein_coding OPEN2 OPEN2 END EOS"


def test_a_window_whose_edges_lie_in_introns() -> None:
    gene = model("+", (0, 10), (20, 31), (50, 60))
    assert clip([gene], 15, 25, min_target=1)[0] == [
        model("+", (5, 16), left=OPEN_INTRON, right=OPEN_INTRON, lead=1)
    ]
    # The first base of a segment at the window's first base: the segment goes on from the edge.
    assert clip([gene], 20, 11, min_target=1)[0] == [model("+", (0, 11), left=OPEN, right=OPEN, lead=1)]
    assert clip([gene], 32, 15, min_target=1) == ([], [])


def test_clip_names_what_is_no_target() -> None:
    short = model("+", (0, 90))
    assert clip([short], 40, 100, min_target=60) == (
        [],
        [(model("+", (0, 50), left=OPEN, lead=1), "short_in_window")],
    )
    partial = model("+", (30, 120), left=OPEN, lead=2)
    assert clip([partial], 0, 200)[1] == [(partial, "partial_inside")]
    assert clip([partial], 30, 200)[0] == [model("+", (0, 90), left=OPEN, lead=2)]
    assert clip([partial], 40, 100)[0] == [model("+", (0, 80), left=OPEN, lead=0)]


def test_a_window_over_the_origin() -> None:
    gene = model("-", (95, 125))
    assert clip([gene], 90, 40, 1, circular_length=100)[0] == [model("-", (5, 35))]
    assert clip([gene], 0, 50, 1, circular_length=100)[0] == [model("-", (0, 25), left=OPEN, lead=2)]
    assert clip([gene], 10, 88, 1, circular_length=100)[0] == [
        model("-", (0, 15), left=OPEN, lead=0),
        model("-", (85, 88), right=OPEN),
    ]


def test_decode_leaves_out_an_unfinished_gene_and_refuses_nonsense() -> None:
    words = {name: token for token, name in enumerate(NAMES)}
    start = [words["BOS"], words["+"], words["tRNA"], words["LEFT"]]
    assert decode(start, [-1, -1, -1, 4], 20) == []
    for tokens, positions in (
        ([*start, words["END"]], [-1, -1, -1, 4, -1]),
        ([*start, words["RIGHT"]], [-1, -1, -1, 4, 3]),
        ([*start, words["LEFT"]], [-1, -1, -1, 4, 5]),
        ([words["LEFT"]], [3]),
        ([words["+"], words["-"]], [-1, -1]),
    ):
        with pytest.raises(ValueError):
            decode(tokens, positions, 20)


def test_two_genes_of_one_extent() -> None:
    bases = "CCCCCCCCCC"
    one, other = model("+", (0, 8), kind="tRNA"), model("+", (0, 3), (5, 8), kind="tRNA")
    encoding = encode(to_codes(bases), [one, other, model("-", (0, 8), kind="tRNA")], PROKARYOTE)
    assert [reason for _, reason in encoding.rejected] == ["same_extent"]
    assert len(encoding.accepted) == 2


GENE = "ATG AAA CCC TAA".replace(" ", "")
SPLICED = "ATG A GTAAAG AA TAA".replace(" ", "")


@pytest.mark.parametrize(
    ("reason", "bases", "gene", "config"),
    [
        (None, GENE, model("+", (0, 12)), PROKARYOTE),
        (None, "TTAGGGCAT", model("-", (0, 9)), PROKARYOTE),
        ("kind_not_written", GENE, model("+", (0, 12), kind="tRNA"), GrammarConfig(kinds=(PROTEIN_CODING,))),
        ("empty_segment", GENE, model("+", (3, 3)), PROKARYOTE),
        ("out_of_window", GENE, model("+", (0, 15)), PROKARYOTE),
        ("out_of_window", GENE, model("+", (-3, 12)), PROKARYOTE),
        ("frameshift", GENE, model("+", (0, 5), (6, 12)), EUKARYOTE),
        ("frameshift", GENE, model("+", (0, 5), (4, 11)), PROKARYOTE),
        ("overlapping_segments", GENE, model("+", (0, 9), (3, 12)), EUKARYOTE),
        ("adjoining_segments", GENE, model("+", (0, 6), (6, 12)), EUKARYOTE),
        ("several_segments", SPLICED, model("+", (0, 4), (10, 15)), PROKARYOTE),
        (None, SPLICED, model("+", (0, 4), (10, 15)), EUKARYOTE),
        ("short_intron", "ATGAGTAAGAATAA", model("+", (0, 4), (9, 14)), EUKARYOTE),
        ("splice_site", "ATGAGTAATGAATAA", model("+", (0, 4), (10, 15)), EUKARYOTE),
        ("splice_site", SPLICED, model("+", (0, 4), (10, 15)), ATAC),
        (None, "ATG A ATAAAC AA TAA".replace(" ", ""), model("+", (0, 4), (10, 15)), ATAC),
        (None, "TTA TT GTTTAT T CAT".replace(" ", ""), model("-", (0, 5), (11, 15)), ATAC),
        ("partial_inside", GENE, model("+", (3, 12), left=OPEN), PROKARYOTE),
        ("partial_inside", GENE, model("+", (0, 12), right=OPEN_INTRON), EUKARYOTE),
        ("impossible_lead", GENE, model("+", (0, 12), lead=1), PROKARYOTE),
        ("impossible_lead", GENE, model("+", (0, 12), left=OPEN, lead=1, kind="rRNA"), PROKARYOTE),
        ("length_not_multiple_of_3", GENE, model("+", (0, 11)), PROKARYOTE),
        ("too_short", "ATGTAA", model("+", (0, 3)), PROKARYOTE),
        ("too_short", "CCCAT", model("+", (3, 5), right=OPEN), PROKARYOTE),
        ("no_start_codon", "ATC" + GENE, model("+", (0, 15)), GrammarConfig(genetic_code=25)),
        ("no_start_codon", GENE, model("+", (3, 12)), PROKARYOTE),
        ("no_start_codon", "TTAGGGCGA", model("-", (0, 9)), PROKARYOTE),
        ("no_start_codon", "ANGAAATAA", model("+", (0, 9)), PROKARYOTE),
        ("no_stop_codon", GENE, model("+", (0, 9)), PROKARYOTE),
        ("no_stop_codon", "TTTGGGCAT", model("-", (0, 9)), PROKARYOTE),
        ("internal_stop", "ATGTAACCCTAA", model("+", (0, 12)), PROKARYOTE),
        ("internal_stop", "ATGTGACCCTAA", model("+", (0, 12)), PROKARYOTE),
        (None, "ATGTGACCCTAA", model("+", (0, 12)), GrammarConfig(genetic_code=4)),
        ("internal_stop", "ATGTAA", model("+", (0, 6), right=OPEN), PROKARYOTE),
        (None, "CCATGTA", model("+", (2, 7), right=OPEN), PROKARYOTE),
        (None, "TAA", model("+", (0, 3), left=OPEN), PROKARYOTE),
        ("internal_stop", "TTACCC", model("-", (0, 6), left=OPEN, right=OPEN), PROKARYOTE),
        # The bases of a codon that lie before the window are unknown: TAA or AAA, it is no stop.
        (None, "AACCC", model("+", (0, 5), left=OPEN, right=OPEN, lead=1), PROKARYOTE),
    ],
)
def test_reasons(reason: str | None, bases: str, gene: GeneModel, config: GrammarConfig) -> None:
    assert check(to_codes(bases), gene, config) == reason


def test_start_codons_of_labels_and_of_written_genes() -> None:
    codes, gene = to_codes("ATTAAATAA"), model("+", (0, 9))
    assert check(codes, gene, PROKARYOTE, labels=True) is None
    assert check(codes, gene, PROKARYOTE, labels=False) == "no_start_codon"


@pytest.mark.parametrize(
    ("bases", "gene"),
    [
        # A start codon split by an intron, after one base and after two.
        ("A GTAAAG TG AAA TAA", model("+", (0, 1), (7, 15))),
        ("AT GTAAAG G AAA TAA", model("+", (0, 2), (8, 15))),
        # By two introns: a segment of one base.
        ("A GTAAAG T GTAAAG G AAA TAA", model("+", (0, 1), (7, 8), (14, 21))),
        # A split stop codon, and the minus strand.
        ("ATG AAA T GTAAAG A GCAAAG A", model("+", (0, 7), (13, 14), (20, 21))),
        ("T CTTTAC T CTTTGC A TTT CAT", model("-", (0, 1), (7, 8), (14, 21))),
        # The intron cuts what would be a stop codon.
        ("ATG TA GTAAAG C TAA", model("+", (0, 5), (11, 15))),
        # The edge shows one base of a splice site.
        ("G AAA TAA", model("+", (1, 7), left=OPEN_INTRON)),
        ("ATG AAA G", model("+", (0, 6), right=OPEN_INTRON)),
        ("C TTT CAT", model("-", (1, 7), left=OPEN_INTRON)),
        ("TTA TTT C", model("-", (0, 6), right=OPEN_INTRON)),
    ],
)
def test_split_codons_and_edges_in_introns(bases: str, gene: GeneModel) -> None:
    codes = to_codes(bases.replace(" ", ""))
    assert check(codes, gene, EUKARYOTE) is None
    encoding = encode(codes, [gene], EUKARYOTE)
    assert decode(encoding.tokens, encoding.positions, len(codes)) == [gene]


def test_padding_is_beyond_the_edge() -> None:
    codes = to_codes("ATGAAANNNN")
    gene = model("+", (0, 6), right=OPEN)
    assert check(codes, gene, PROKARYOTE) == "partial_inside"
    assert encode(codes, [gene], PROKARYOTE, valid=6).accepted == [gene]
    assert (
        encode(codes, [model("+", (0, 7), kind="tRNA")], PROKARYOTE, valid=6).rejected[0][1]
        == "out_of_window"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"genetic_code": 27},
        {"splice_sites": (("GT", "A"),)},
        {"splice_sites": ()},
        {"min_intron": 3},
        {"kinds": ("protein",)},
        {"kinds": ()},
        {"min_target": 0},
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(InputError):
        GrammarConfig(**settings)  # type: ignore[arg-type]
