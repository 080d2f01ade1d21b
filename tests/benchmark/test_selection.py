"""Which genes count."""

from __future__ import annotations

from typing import Any

import pytest
from genescribe.benchmark.selection import Selection, pieces, select
from genescribe.errors import InputError
from genescribe.genomes.records import Annotation, LeftOut
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import End


def names(selection: Selection) -> tuple[list[str], list[str], list[str]]:
    sides = selection.reference, selection.predicted, selection.neutral
    reference, predicted, neutral = ([gene.id for gene in side] for side in sides)
    return reference, predicted, neutral


@pytest.mark.parametrize("flag", ["partial", "exception", "transl_except", "length_not_multiple_of_3"])
def test_flagged_reference_models_are_left_out_and_predictions_upon_them_neutral(
    build: Any, flag: str
) -> None:
    reference = build.annotation(build.gene("flagged", build.model("+", (0, 300)), flags=frozenset({flag})))
    prediction = build.annotation(build.gene("upon", build.model("+", (30, 300))))
    assert names(build.select(reference, prediction)) == ([], [], ["upon"])


def test_partial_models_and_broken_frames_are_left_out(build: Any) -> None:
    reference = build.annotation(
        build.gene("open", build.model("+", (0, 300), left=End.OPEN)),
        build.gene("frame", build.model("+", (1000, 1301))),
        build.gene("good", build.model("+", (2000, 2300))),
        build.gene(
            "frameshift", build.model("+", (3000, 3030), (3031, 3061)), flags=frozenset({"frameshift"})
        ),
    )
    assert names(build.select(reference, build.annotation()))[0] == ["good", "frameshift"]


def test_one_good_isoform_keeps_a_gene(build: Any) -> None:
    reference = build.annotation(
        build.gene("gene", build.model("+", (0, 300)), build.model("+", (90, 400), right=End.OPEN))
    )
    selection = build.select(reference, build.annotation())
    assert [gene.models for gene in selection.reference] == [(build.model("+", (0, 300)),)]
    assert [gene.models for gene in selection.left_out] == [(build.model("+", (90, 400), right=End.OPEN),)]


def left_out(start: int, end: int, strand: str = "+", kind: str = "CDS") -> LeftOut:
    return LeftOut("x", "chr", start, end, strand, kind, "pseudogene")


@pytest.mark.parametrize(
    ("feature", "is_neutral"),
    [
        (left_out(0, 151), True),
        (left_out(0, 150), False),
        (left_out(0, 300, strand="-"), False),
        (left_out(0, 300, kind="mobile_genetic_element"), False),
        (left_out(-0, 1000), True),
    ],
)
def test_more_than_half_upon_a_left_out_cds_of_the_strand_is_neutral(
    build: Any, feature: LeftOut, is_neutral: bool
) -> None:
    prediction = build.annotation(build.gene("p", build.model("+", (0, 300))))
    own = build.select(build.annotation(left_out=[feature]), prediction)
    table = select(build.annotation(), prediction, left_out=[feature])
    assert names(own)[2] == names(table)[2] == (["p"] if is_neutral else [])


def test_half_is_of_the_coding_bases_not_of_the_span(build: Any) -> None:
    prediction = build.annotation(build.gene("p", build.model("+", (0, 90), (900, 1000))))
    assert names(select(build.annotation(), prediction, left_out=[left_out(0, 900)]))[2] == []
    assert names(select(build.annotation(), prediction, left_out=[left_out(90, 1000)]))[2] == ["p"]


def test_two_left_out_features_are_not_added_up(build: Any) -> None:
    prediction = build.annotation(build.gene("p", build.model("+", (0, 300))))
    features = [left_out(0, 100), left_out(200, 300)]
    assert names(select(build.annotation(), prediction, left_out=features))[2] == []


def test_a_shared_stop_makes_a_prediction_count(build: Any) -> None:
    reference = build.annotation(
        build.gene("kept", build.model("+", (200, 300))), left_out=[left_out(0, 250)]
    )
    reference.genes[0] = build.gene("kept", build.model("+", (201, 300)))
    prediction = build.annotation(
        build.gene("stop", build.model("+", (0, 300))), build.gene("other", build.model("+", (0, 240)))
    )
    assert names(build.select(reference, prediction)) == (["kept"], ["stop"], ["other"])


def test_regions_take_what_lies_wholly_inside_one(build: Any) -> None:
    genes = [
        build.gene("inside", build.model("+", (100, 400))),
        build.gene("touching", build.model("+", (400, 700))),
        build.gene("crossing", build.model("-", (650, 950))),
        build.gene("outside", build.model("+", (1000, 1300))),
    ]
    both = build.annotation(*genes)
    regions = [Region("chr", 100, 700), Region("chr", 700, 1100)]
    assert names(build.select(both, both, regions))[:2] == (["inside", "touching"],) * 2


def test_an_open_end_at_a_border_crosses_it(build: Any) -> None:
    prediction = build.annotation(
        build.gene("cut", build.model("+", (502, 700), left=End.OPEN)),
        build.gene("open_inside", build.model("+", (520, 700), left=End.OPEN)),
        build.gene("at_the_end", build.model("+", (900, 1000), right=End.OPEN)),
        length=1000,
    )
    selection = build.select(build.annotation(length=1000), prediction, [Region("chr", 500, 1000)])
    assert names(selection)[1] == ["open_inside", "at_the_end"]


def test_a_gene_over_the_origin_is_inside_the_whole_circle_alone(build: Any) -> None:
    circle = build.annotation(build.gene("g", build.model("+", (960, 1080))), length=1000, circular=True)
    assert names(build.select(circle, circle, [Region("chr", 0, 1000)]))[0] == ["g"]
    assert names(build.select(circle, circle, [Region("chr", 0, 500), Region("chr", 500, 1000)]))[0] == []


def test_pieces_of_a_circle(build: Any) -> None:
    assert pieces(build.model("+", (960, 1080)), 1000) == ((0, 80), (960, 1000))
    assert pieces(build.model("+", (980, 1000), (1010, 1080)), 1000) == ((10, 80), (980, 1000))
    assert pieces(build.model("+", (980, 1000), (1010, 1080)), None) == ((980, 1000), (1010, 1080))


def test_files_without_a_common_sequence_are_refused(build: Any) -> None:
    one = build.annotation(build.gene("g", build.model("+", (0, 300))))
    two = Annotation(
        [build.gene("g", build.model("+", (0, 300)), seqid="NC_1")], [], set(), {"NC_1": 900}, {}
    )
    with pytest.raises(InputError, match=r"no sequence in common \(chr, NC_1\)"):
        select(one, two)
    with pytest.raises(InputError, match="region on chrX"):
        select(one, one, regions=[Region("chrX", 0, 10)])
