"""The whole page: parts, figures, escaping, self-containment, determinism."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from genescribe.errors import InputError
from genescribe.report.commands import report
from genescribe.report.config import ReportConfig
from genescribe.report.page import build_page

VOID = {"meta", "link", "br", "input"}
HOSTILE = '<script>alert("1")</script>&amp;'


class Page(HTMLParser):
    """Collects what the tests ask for and checks that every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.rows: list[list[str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("src", "href", "action", "data") and value]
        if tag == "script":
            self.scripts.append((names, ""))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = attributes, text + data
        elif "style" not in self.open:
            self.text.append(data)
            if {"td", "th"} & set(self.open) and self.rows:
                self.rows[-1][-1] += data

    def row(self, first: str, cells: int | None = None) -> list[str]:
        """The first table row that begins with a text and has so many cells, without blanks around them."""
        rows = ([" ".join(cell.split()) for cell in row] for row in self.rows if row)
        return next(row for row in rows if row[0] == first and cells in (None, len(row)))


@pytest.fixture(scope="session")
def html(run: Path) -> str:
    return build_page(ReportConfig.model_validate(json.loads((run / "report.json").read_text())))


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return Page(html)


def test_every_section_is_there_and_the_contents_lead_to_it(page: Page) -> None:
    wanted = {"summary", "training", "run-times", "model", "main"}
    parts = "found scores strata by-length calibration genome differences left-out"
    wanted |= {"model-card", *(f"species-1-{part}" for part in parts.split())}
    assert wanted <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert {"summary", "species-1-scores", "species-1-genome", "training"} <= inside


def test_nothing_is_loaded_from_outside(html: str, page: Page) -> None:
    # A link that the model card has is followed when a reader wants it; nothing is loaded from there.
    assert [link for link in page.links if not link.startswith("#")] == ["data:,", "https://example.org/"]
    outside_of_names = html.replace("http://www.w3.org/2000/svg", "")
    outside_of_names = outside_of_names.replace('href="https://example.org/"', "")
    for word in (
        "http:",
        "https:",
        "@import",
        "url(h",
        "url('",
        'url("',
        "fetch(",
        "XMLHttpRequest",
        "import(",
    ):
        assert word not in outside_of_names, word
    assert "default-src 'none'" in html


def test_the_score_table_has_the_figures_of_the_score_files(run: Path, page: Page) -> None:
    for predictor, name in (("genescribe", "GeneScribe"), ("augustus", "AUGUSTUS")):
        score = json.loads((run / f"{predictor}.json").read_text())
        metrics = {m["metric"]: m for m in score["metrics"] if m["class"] == "all"}
        wanted = [f"{metrics['exact']['predicted']:,}"]
        for metric in ("exact", "three_prime"):
            wanted += [f"{100 * metrics[metric][rate]:.1f}%" for rate in ("precision", "recall", "f1")]
        wanted.append(f"{100 * metrics['exact_given_three_prime']['recall']:.1f}%")
        assert page.row(name, 9)[1:] == wanted


def test_the_literal_figures_of_the_small_run(page: Page) -> None:
    # 30 coding genes end before 28 kb; one is missed, one has another start, and one more is predicted. One
    # gene crosses the border: it is written, and not scored.
    text = " ".join(" ".join(page.text).split())
    assert page.row("GeneScribe", 9)[1:5] == ["30", "93.3%", "93.3%", "93.3%"]
    assert "wrote 31 protein-coding genes in a stretch of 28.0 kb of Escherichia coli." in text
    assert (
        "Of the 30 reference genes that can be compared, it has 28 (93.3%) with start and stop exactly"
        in text
    )
    assert "Trained on the same genome." in text


def test_what_was_found(page: Page) -> None:
    # 31 coding genes touch the stretch, as in the reference, which has a gene for ncRNA as well.
    assert page.row("GeneScribe", 11)[1:4] == ["31", "0", "0"]
    assert page.row("Reference", 11)[1:4] == ["31", "0", "1"]


def test_accuracy_by_kind_of_gene(run: Path, page: Page) -> None:
    strata = json.loads((run / "genescribe.json").read_text())["strata"]
    plus = next(row for row in strata if (row["metric"], row["class"]) == ("exact", "+"))
    figures = [f"{100 * plus[rate]:.1f}%" for rate in ("precision", "recall", "f1")]
    # Reference genes, program, then exact and 3' end.
    assert page.row("+", 3 + 6)[1:6] == [str(plus["reference"]), "GeneScribe", *figures]
    text = " ".join(page.text)
    assert all(name in text for name in ("Start codon", "GC content of the gene", "Strand"))


def test_calibration_of_the_scores(page: Page) -> None:
    # 28 right genes of 0.9; a wrong start of 0.61 and an extra gene of 0.31.
    text = " ".join(" ".join(page.text).split())
    assert "promise that 87.1% of its 30 genes are exactly right; 93.3% are." in text
    assert "Expected calibration error: 12.4 percentage points" in text
    assert page.row("0.867–0.933", 4)[1:] == ["28", "90.0%", "100.0%"]
    assert "fitted to genes of known truth in Vibrio cholerae." in text
    assert page.row("≥ 0.9", 4)[1:] == ["28", "100.0%", "93.3%"]
    assert "AUGUSTUS’s scores promise" not in text, "its genes have no scores here"


def test_the_model_card_is_shown(html: str, page: Page) -> None:
    card = html.split('<div class="card">')[1].split("</div>")[0]
    assert "<h4>Small model</h4>" in card and "<h5>Validation</h5>" in card
    assert "license" not in card and "<img" not in card
    assert "&lt;b&gt;raw&lt;/b&gt;" in card
    assert "<a>Settings</a>" in card
    # A table without a head, and one with.
    assert card.count("<thead>") == 1 and '<th scope="col">figure</th>' in card
    assert page.row("loss") == ["loss", "1.2500"]


def test_control_rows_come_last_and_say_what_they_are(page: Page) -> None:
    scores = [row for row in page.rows if len(row) == 9 and row[2].strip().endswith("%")]
    firsts = [" ".join(row[0].split()) for row in scores]
    assert firsts == ["GeneScribe", "AUGUSTUS", "Random weights the same program with an untrained network"]


def test_the_comparison_program_is_named(page: Page) -> None:
    assert "cuffcompare 2.2.1" in " ".join(page.text)
    assert [row for row in page.rows if row[:3] == ["GeneScribe", "98.7", "99.9"]]


def test_a_comparison_that_was_not_made_is_said(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    reason = "neither gffcompare nor cuffcompare is on PATH"
    path.write_text(json.dumps({"program": None, "version": None, "reason": reason, "levels": {}}))
    config["species"][0]["gffcompare"] = {"genescribe": str(path)}
    assert f"was not made: {reason}." in build_page(ReportConfig.model_validate(config))


def test_hostile_names_stay_text(html: str, page: Page) -> None:
    assert "<script>alert" not in html
    kinds = [attributes.get("type") for attributes, _ in page.scripts]
    assert kinds == ["application/json", None]
    data = json.loads(page.scripts[0][1])
    names = {row[7] for track in data["tracks"] for row in track["genes"]}
    assert HOSTILE in names


def test_hostile_title_note_and_versions_are_escaped(config: dict[str, Any]) -> None:
    config["title"] = config["run"] = HOSTILE
    config["species"][0] |= {"name": HOSTILE, "note": HOSTILE}
    config["versions"] = {HOSTILE: HOSTILE}
    config["benchmarks"] = {HOSTILE: config["benchmarks"]["train"]}
    config["training"][0]["stage"] = HOSTILE
    text = build_page(ReportConfig.model_validate(config))
    assert "<script>alert" not in text
    assert len(Page(text).scripts) == 2


def test_training_run_times_and_model(page: Page) -> None:
    text = " ".join(" ".join(page.text).split())
    assert "2 steps; 0.0123 Mb of sequence; 0.00102 million tokens; 1 min 15 s" in text
    assert page.row("train") == ["train", "2 min 05 s", "4 min 00 s", "2.0 GB"]
    assert page.row("split") == ["split", "0.2 s", "–", "–"]
    assert "22 parameters" in text
    assert page.row("encoder.layers") == ["encoder.layers", "4"]
    assert page.row("augustus") == ["augustus", "3.5.0"]


def test_what_was_left_out(page: Page) -> None:
    row = page.row("pseudogene the reference says that it is no working gene")
    assert row[1:3] == ["left out", "2"]
    assert "cds-x (CDS, 29,001–29,300, −)" in row[3]


def test_same_inputs_same_bytes(run: Path, tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        report(run / "report.json", tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_nothing_is_written_when_the_input_is_bad(config: dict[str, Any], tmp_path: Path) -> None:
    config["species"][0]["scores"] = [str(tmp_path / "absent.json")]
    (tmp_path / "report.json").write_text(json.dumps(config))
    with pytest.raises(
        InputError, match=r"report\.json: key species\.0\.scores\.0: no such file: .*absent\.json"
    ):
        report(tmp_path / "report.json", tmp_path / "out.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_species_without_reference(config: dict[str, Any]) -> None:
    species = config["species"][0]
    for key in ("reference", "left_out", "scores", "gene_tables", "gffcompare", "controls", "regions"):
        del species[key]
    page = Page(build_page(ReportConfig.model_validate(config)))
    assert "there is no reference annotation" in " ".join(page.text)
    # The two programs are still compared with each other.
    assert page.row("GeneScribe", 6) == ["GeneScribe", "AUGUSTUS", "28", "0", "2", "1"]
    data = json.loads(page.scripts[0][1])
    assert [track["id"] for track in data["tracks"]] == ["augustus", "genescribe"]
    assert data["regions"] == [{"seqid": "NC_000913.2", "start": 0, "end": 30_000}]


def test_one_predictor_alone(config: dict[str, Any]) -> None:
    species = config["species"][0]
    for key in ("reference", "left_out", "scores", "gene_tables", "gffcompare", "controls", "pairs"):
        del species[key]
    del species["predictions"]["augustus"]
    page = Page(build_page(ReportConfig.model_validate(config)))
    assert "species-1-differences" not in page.ids
    assert json.loads(page.scripts[0][1])["pairs"] == []


def test_several_species_get_a_table_and_sections_of_their_own(config: dict[str, Any]) -> None:
    second = {**config["species"][0], "name": "Another"}
    config["species"].append(second)
    page = Page(build_page(ReportConfig.model_validate(config)))
    assert page.row("Another")[1:] == ["28.0 kb", "31", "93.3%", "98.3%", "0.0%"]
    assert {"species-1", "species-2", "species-2-genome"} <= set(page.ids)
    assert len(page.scripts) == 3


def test_no_training_no_model(config: dict[str, Any]) -> None:
    config |= {"training": [], "benchmarks": {}, "model": None, "versions": {}}
    text = build_page(ReportConfig.model_validate(config))
    assert "No training belongs to this run" in text
    assert re.search(r"No model belongs to this report", text)
