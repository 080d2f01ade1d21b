"""The embedded data of the genome view."""

from __future__ import annotations

import json
from typing import Any

from genescribe.genomes.records import Annotation, Gene, LeftOut, Transcript
from genescribe.genomes.regions import Region
from genescribe.language.gene_model import PROTEIN_CODING, End, GeneModel
from genescribe.report.gene_tables import Status, Verdicts
from genescribe.report.genome_data import Tracks, genome_json, script_json

#            0         1         2         3         4         5
#            012345678901234567890123456789012345678901234567890123456789
SEQUENCE = "ccATGaaaTAAccccTTAtttCATccATgtagGaaaTAAccccccccccccccccccccc".upper()

COLUMNS = "region start end strand kind statuses score name segments partners note codon"
NUMBERS = {name: number for number, name in enumerate(COLUMNS.split())}


def gene(name: str, model: GeneModel, score: float | None = None, **attributes: str) -> Gene:
    return Gene(name, "s", model.strand, model.kind, (Transcript(f"{name}.t", model),), attributes, score)


def coding(strand: str, *segments: tuple[int, int], left: End = End.CLOSED) -> GeneModel:
    return GeneModel(PROTEIN_CODING, strand, segments, left)


PLUS = gene("plus", coding("+", (2, 11)), Name="abcA")
MINUS = gene("minus", coding("-", (15, 24)), locus_tag="b0001")
SPLIT = gene("split", coding("+", (26, 28), (32, 39)))
RNA = gene("rna", GeneModel("tRNA", "+", ((40, 45),)))
OUTSIDE = gene("outside", coding("+", (55, 60)))


def build(verdicts: Verdicts | None, left_out: list[LeftOut] | None = None, end: int = 50) -> dict[str, Any]:
    predicted = Annotation([gene("p2", coding("-", (15, 24)), 0.5), gene("p1", coding("+", (2, 11)), 0.9)])
    tracks = Tracks(
        [Region("s", 0, end)],
        {"s": SEQUENCE},
        Annotation([RNA, SPLIT, OUTSIDE, MINUS, PLUS]),
        {"genescribe": predicted},
        {("genescribe", "reference"): verdicts} if verdicts else {},
        left_out or [],
    )
    return json.loads(genome_json(tracks))


def column(data: dict[str, Any], track: int, name: str) -> list[Any]:
    return [row[NUMBERS[name]] for row in data["tracks"][track]["genes"]]


VERDICTS = Verdicts(
    predicted={"p1": (Status.EXACT, "plus"), "p2": (Status.PARTLY, "minus")},
    reference={
        "plus": (Status.EXACT, "p1"),
        "minus": (Status.PARTLY, "p2"),
        "split": (Status.MISSED, ""),
    },
    by_structure=False,
)


def test_genes_stand_from_left_to_right_and_those_outside_are_left_away() -> None:
    data = build(VERDICTS)
    assert column(data, 0, "name") == ["abcA", "b0001", "split", "rna"]
    assert column(data, 1, "name") == ["p1", "p2"]
    assert column(data, 0, "start") == [2, 15, 26, 40]
    assert column(data, 0, "strand") == [1, -1, 1, 1]


def test_first_codons_of_both_strands_and_over_an_intron() -> None:
    assert column(build(VERDICTS), 0, "codon") == ["ATG", "ATG", "ATG", ""]


def test_an_open_start_has_no_codon() -> None:
    model = coding("+", (0, 9), left=End.OPEN)
    tracks = Tracks(
        [Region("s", 0, 50)], {"s": SEQUENCE}, None, {"x": Annotation([gene("g", model)])}, {}, []
    )
    assert column(json.loads(genome_json(tracks)), 0, "codon") == [""]


def test_statuses_partners_and_segments() -> None:
    data = build(VERDICTS)
    assert data["pairs"] == [["genescribe", "reference"]]
    assert column(data, 0, "statuses") == [[4, 0], [4, 1], [4, 3], [4, 4]]
    assert column(data, 0, "partners") == [[-1, 0], [-1, 1], [-1, -1], [-1, -1]]
    assert column(data, 1, "statuses") == [[0, 4], [1, 4]]
    assert column(data, 1, "partners") == [[0, -1], [1, -1]]
    assert column(data, 1, "score") == [0.9, 0.5]
    assert column(data, 0, "segments") == [0, 0, [[26, 28], [32, 39]], 0]


def test_why_a_gene_is_not_scored() -> None:
    data = build(VERDICTS, end=44)
    notes = {row[NUMBERS["name"]]: row[NUMBERS["note"]] for row in data["tracks"][0]["genes"]}
    assert data["notes"][notes["rna"]] == "an RNA gene, not scored"
    border = Verdicts({"p1": (Status.NOT_SCORED, "")}, {}, False)
    data = build(border, end=20)
    rows = [row for track in data["tracks"] for row in track["genes"]]
    notes = {row[NUMBERS["name"]]: data["notes"][row[NUMBERS["note"]]] for row in rows}
    assert notes == {
        "abcA": "not scored",
        "b0001": "crosses the border of the scored stretch",
        "p1": "lies on a reference feature that was left out",
        "p2": "crosses the border of the scored stretch",
    }


def test_left_out_genes_are_drawn_once_and_never_over_a_kept_one() -> None:
    rows = [
        LeftOut("x", "s", 30, 36, "-", "CDS", "transl_except"),
        LeftOut("y", "s", 30, 36, "-", "mRNA", "transl_except"),
        LeftOut("z", "s", 2, 11, "+", "CDS", "pseudogene"),
        LeftOut("repeat", "s", 41, 42, "+", "repeat_region", "not_a_gene"),
    ]
    data = build(VERDICTS, rows)
    assert column(data, 0, "name") == ["abcA", "b0001", "split", "x", "rna"]
    row = data["tracks"][0]["genes"][3]
    assert data["kinds"][row[NUMBERS["kind"]]] == "left out"
    assert data["notes"][row[NUMBERS["note"]]] == "left out: transl except"


def test_without_verdicts_nothing_is_compared() -> None:
    data = build(None)
    assert data["pairs"] == []
    assert column(data, 1, "statuses") == [[4, 4], [4, 4]]
    assert column(data, 0, "note") == [-1, -1, -1, -1]


def test_two_programs_without_a_reference() -> None:
    one = Annotation([gene("a1", coding("+", (2, 11))), gene("a2", coding("-", (15, 24)))])
    two = Annotation([gene("b1", coding("-", (15, 24)))])
    pair = Verdicts(
        {"a1": (Status.EXTRA, ""), "a2": (Status.EXACT, "b1")}, {"b1": (Status.EXACT, "a2")}, False
    )
    tracks = Tracks(
        [Region("s", 0, 50)], {"s": SEQUENCE}, None, {"one": one, "two": two}, {("one", "two"): pair}, []
    )
    data = json.loads(genome_json(tracks))
    assert tracks.compared == ["one", "two"]
    assert column(data, 0, "statuses") == [[4, 2], [4, 0]]
    assert column(data, 0, "partners") == [[-1, -1], [-1, 0]]
    assert column(data, 1, "statuses") == [[0, 4]]
    assert column(data, 1, "partners") == [[1, -1]]
    assert column(data, 0, "note") == [-1, -1]


def test_json_that_may_stand_in_a_script_element() -> None:
    data = ["</script>", "<!--", "]]>", "&lt;", "\u2028"]
    text = script_json(data)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == data
