"""The page in a real browser: no error, nothing loaded, and its parts do what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from genescribe.genomes.gff3 import read_gff3
from genescribe.report.config import ReportConfig, load_config
from genescribe.report.page import build_page

HOSTILE = '<script>alert("1")</script>&amp;'
TAB, ENTER, ESCAPE, RIGHT, DOWN = "\ue004", "\ue007", "\ue00c", "\ue014", "\ue015"

WHERE = "return document.querySelector('[data-part=where]').textContent"
ANSWER = "return document.querySelector('[data-part=answer]').textContent"
CELLS = (
    "return [...document.querySelectorAll('[data-part={} tr')].map(r => [...r.cells].map(c => c.textContent))"
)
CAPTION = "return document.querySelector('.differences caption').textContent"
BODY, LOCUS = CELLS.format("body]"), CELLS.format("locus] tbody")


@pytest.fixture(scope="session")
def written(run: Path) -> Path:
    path = run / "report.html"
    path.write_text(build_page(load_config(run / "report.json")), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Any, written: Path) -> Iterator[Any]:
    """The page, freshly opened; at the end no console message may have come."""
    browser.open(written)
    yield browser
    assert browser.messages() == []


def view(page: Any) -> tuple[int, int]:
    """First and last base in view."""
    first, last = re.findall(r"[\d,]{1,12}", page.run(WHERE).split(":")[1])[:2]
    return int(first.replace(",", "")), int(last.replace(",", ""))


def settled(page: Any, script: str) -> Any:
    """Run a script and let the page draw."""
    value = page.run(script)
    page.command("Runtime.evaluate", expression="new Promise(requestAnimationFrame)", awaitPromise=True)
    return value


def choose(page: Any, part: str, value: str) -> None:
    """Choose an entry of a list."""
    settled(
        page,
        f"const list = document.querySelector('[data-part={part}]'); list.value = {json.dumps(value)};"
        "list.dispatchEvent(new Event('change'))",
    )


def jump(page: Any, text: str) -> None:
    """Type into the field and press its button."""
    page.run(f"document.querySelector('[data-part=jump] input').value = {json.dumps(text)}")
    settled(page, "document.querySelector('[data-part=jump] button').click()")


def point(page: Any, kind: str, x: float, y: float, buttons: int) -> None:
    """A mouse event with the left button."""
    place = {"x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1}
    page.command("Input.dispatchMouseEvent", type=f"mouse{kind}", **place)


def test_nothing_is_asked_of_the_network(page: Any) -> None:
    entries = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in entries if not name.startswith("data:")] == []


def test_every_track_and_status_is_drawn(page: Any) -> None:
    settled(page, "document.querySelector('[data-part=all]').click()")
    drawn = page.run(
        "return [...document.querySelectorAll('.stage path.gene')].map(p => p.getAttribute('class'))"
    )
    assert {"gene exact", "gene partly", "gene extra", "gene missed", "gene not-scored"} <= set(drawn)
    names = page.run("return [...document.querySelectorAll('.track-name')].map(t => t.textContent)")
    assert names == ["Reference", "AUGUSTUS", "GeneScribe"]
    assert view(page) == (1, 28_000)


def test_from_far_off_bars_show_shares_and_a_click_looks_closer(
    browser: Any, ecoli: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    genes = [gene.id for gene in read_gff3(ecoli / "annotation.gff3").genes if gene.kind == "protein_coding"]
    rows = [
        f"{side}\t{gene}\tprotein_coding\t300\t" + (f"exact\t{gene}\n" if number % 4 else f"{other}\t\n")
        for number, gene in enumerate(genes)
        for side, other in (("reference", "missed"), ("predicted", "extra"))
    ]
    (tmp_path / "genes.tsv").write_text("side\tid\tkind\tlength\tclass\tpartner\n" + "".join(rows))
    annotation = str(ecoli / "annotation.gff3")
    species: dict[str, Any] = {
        **{"name": "whole", "genome": str(ecoli), "reference": annotation},
        **{
            "predictions": {"genescribe": annotation},
            "gene_tables": {"genescribe": str(tmp_path / "genes.tsv")},
        },
    }
    (tmp_path / "whole.html").write_text(
        build_page(ReportConfig.model_validate(config | {"species": [species]})), encoding="utf-8"
    )
    browser.open(tmp_path / "whole.html")
    settled(browser, "document.querySelector('[data-part=all]').click()")
    settled(browser, "document.querySelector('.stage').scrollIntoView({behavior: 'instant'})")
    drawn = browser.run("return [...document.querySelectorAll('.stage path.share')].map(p => p.classList[2])")
    # The reference has exact and missed genes and RNA genes, the prediction exact and extra ones.
    assert sorted(set(drawn)) == ["exact", "extra", "missed", "not-scored"]
    assert view(browser) == (1, 4_639_675)
    box = browser.run("return document.querySelector('.stage').getBoundingClientRect().toJSON()")
    for kind, buttons in (("Pressed", 1), ("Released", 0)):
        point(browser, kind, box["x"] + box["width"] / 2, box["y"] + 50, buttons)
    settled(browser, "")
    first, last = view(browser)
    assert last - first == pytest.approx(463_967, abs=2)
    assert (first + last) / 2 == pytest.approx(4_639_675 / 2, abs=4_000)
    assert browser.messages() == []


def test_next_difference_walks_through_all_and_around(page: Any) -> None:
    tallies = []
    for _ in range(4):
        page.run("document.querySelector('[data-part=previous]').click()")
    for _ in range(4):
        settled(page, "document.querySelector('[data-part=next]').click()")
        tallies.append(page.run("return document.querySelector('[data-part=tally]').textContent"))
    assert sorted(set(tallies)) == [f"difference {n} of 3" for n in (1, 2, 3)]
    assert tallies[0] == tallies[3]


def test_the_differences_are_the_ones_that_were_made(page: Any) -> None:
    rows = page.run(BODY)
    assert [(row[0], row[1], row[2], row[4], row[5]) for row in rows] == [
        ("Extra", "21–80", "−", "–", "no gene there"),
        ("Missed", "337–2,799", "+", "thrA", "nothing on this strand"),
        ("Other start", "2,831–3,733", "+", "thrB", "starts 30 nt downstream"),
    ]
    # What AUGUSTUS has there.
    assert [row[7] for row in rows] == ["–", "as the reference", "–"]
    assert rows[2][6] == "0.610"


def test_sorting_turns_around_and_is_told_to_screen_readers(page: Any) -> None:
    button = "document.querySelectorAll('[data-part=head] button')[3]"
    lengths = []
    for order in ("ascending", "descending"):
        page.run(f"{button}.click()")
        assert page.run("return document.querySelectorAll('[data-part=head] th')[3].ariaSort") == order
        lengths.append([row[3] for row in page.run(BODY)])
    assert lengths == [["60", "903", "2,463"], ["2,463", "903", "60"]]
    assert page.run(f"return document.activeElement === {button}")


@pytest.mark.parametrize(
    ("words", "kinds"),
    [("thrb", ["Other start"]), ("337", ["Missed"]), ("strand nothing", ["Missed"]), ("xyz", [])],
)
def test_searching(page: Any, words: str, kinds: list[str]) -> None:
    field = "document.querySelector('[data-part=search]')"
    page.run(f"{field}.value = {json.dumps(words)}; {field}.dispatchEvent(new Event('input'))")
    assert [row[0] for row in page.run(BODY)] == kinds
    shown = page.run("return document.querySelector('[data-part=shown]').textContent")
    assert shown == (
        f"1–{len(kinds)} of {len(kinds)} (34 genes in all)" if kinds else "none (34 genes in all)"
    )


def test_a_row_jumps_to_the_genome_view_and_is_marked(page: Any) -> None:
    settled(page, "document.querySelectorAll('[data-part=body] button')[2].click()")
    first, last = view(page)
    assert first <= 2_831 and last >= 3_733
    tracks = {row[0]: row[1:] for row in page.run(LOCUS)}
    assert tracks["Reference"][:3] == ["thrB", "2,801–3,733", "+"]
    assert tracks["GeneScribe"] == [HOSTILE, "2,831–3,733", "+", "903", tracks["GeneScribe"][4], "0.610",
                                    "other start: starts 30 nt downstream"]  # fmt: skip
    assert tracks["AUGUSTUS"][-1] == "no gene on this strand here"
    assert page.run("return document.querySelector('tr[aria-current]').rowIndex") == 3
    assert page.run("return document.activeElement.dataset.part") == "stage"


def test_first_codons_come_from_the_sequence(page: Any) -> None:
    page.run("document.querySelectorAll('[data-part=body] button')[1].click()")
    assert {row[0]: row[5] for row in page.run(LOCUS)} == {
        "Reference": "ATG",
        "AUGUSTUS": "ATG",
        "GeneScribe": "",
    }


def test_keys_move_zoom_and_walk(page: Any) -> None:
    page.run("document.querySelector('.stage').focus()")
    start = view(page)
    page.press("+")
    settled(page, "")
    near = view(page)
    assert near[1] - near[0] + 1 == (start[1] - start[0] + 1) / 2
    page.press(RIGHT)
    settled(page, "")
    assert view(page)[0] == near[0] + round((near[1] - near[0] + 1) / 4)
    page.press("nn")
    settled(page, "")
    assert page.run(LOCUS)[0][1] in ("thrA", "thrB")
    page.press(DOWN)
    settled(page, "")
    page.press(ESCAPE)
    assert page.run("return document.querySelector('[data-part=locus]').hidden")


@pytest.mark.parametrize(
    ("text", "middle"), [("12,000", 12_000), ("NC_000913.2:5000-6000", 5_500), ("15000..17000", 16_000)]
)
def test_jumping_to_a_position(page: Any, text: str, middle: int) -> None:
    jump(page, text)
    first, last = view(page)
    assert abs((first + last) / 2 - middle) < 2
    assert page.run(ANSWER) == ""


@pytest.mark.parametrize("text", ["dnaK", "DNAK", " dnaK "])
def test_jumping_to_a_gene(page: Any, text: str) -> None:
    jump(page, text)
    first, last = view(page)
    # dnaK lies at 12,163 to 14,079.
    assert abs((first + last) / 2 - (12_163 + 14_079) / 2) < 2
    assert page.run("return document.querySelector('[data-part=locus] h4').textContent") == "dnaK"


@pytest.mark.parametrize(
    ("text", "answer"),
    [("29,000", "29,000 lies outside the scored stretches."), ("nope", "No gene is called “nope” here.")],
)
def test_a_place_that_is_not_there_is_said(page: Any, text: str, answer: str) -> None:
    before = view(page)
    jump(page, text)
    assert page.run(ANSWER) == answer
    assert view(page) == before


def test_dragging_pans_and_a_click_selects(page: Any) -> None:
    settled(page, "document.querySelector('.stage').scrollIntoView({behavior: 'instant'})")
    before = view(page)
    box = page.run("return document.querySelector('.stage').getBoundingClientRect().toJSON()")
    x, y, width, height = (box[name] for name in ("x", "y", "width", "height"))
    middle, bottom = x + width / 2, y + height - 3
    left = middle - 200
    for kind, at, buttons in (("Pressed", middle, 1), ("Moved", left, 1), ("Released", left, 0)):
        point(page, kind, at, bottom, buttons)
    settled(page, "")
    after = view(page)
    assert after[0] - before[0] == pytest.approx(200 / width * (before[1] - before[0] + 1), rel=0.02)
    jump(page, "337-2799")
    # The upper row of the first track.
    for kind, buttons in (("Pressed", 1), ("Released", 0)):
        point(page, kind, middle, y + 48, buttons)
    assert page.run("return document.querySelector('[data-part=locus] h4').textContent") == "thrA"


def test_comparing_another_program_changes_table_and_colours(page: Any) -> None:
    choose(page, "predictor", "augustus")
    assert [(row[0], row[4]) for row in page.run(BODY)] == [("Missed", "thrB")]
    assert "AUGUSTUS against the reference" in page.run(CAPTION)


def test_two_programs_are_compared_with_each_other(page: Any) -> None:
    choose(page, "base", "augustus")
    assert "GeneScribe against AUGUSTUS" in page.run(CAPTION)
    assert [(row[0], row[1], row[4], row[7]) for row in page.run(BODY)] == [
        ("Extra", "21–80", "–", "–"),
        ("Missed", "337–2,799", "aug1", "as AUGUSTUS"),
        ("Extra", "2,831–3,733", "–", "same stop"),
    ]
    settled(page, "document.querySelectorAll('[data-part=body] button')[1].click()")
    tracks = {row[0]: row[1:] for row in page.run(LOCUS)}
    assert tracks["AUGUSTUS"][-1] == "AUGUSTUS"
    assert tracks["GeneScribe"][-1] == "no gene on this strand here"
    # A program is not compared with itself: the reference takes its place.
    choose(page, "predictor", "augustus")
    assert "AUGUSTUS against the reference" in page.run(CAPTION)


def test_all_genes_can_be_listed_and_walked_to(page: Any) -> None:
    choose(page, "type", "0")
    assert page.run("return document.querySelector('[data-part=shown]').textContent").startswith(
        "1–25 of 28 "
    )
    row = page.run(BODY)[3]
    assert (row[0], row[5], row[7]) == ("Exact", "", "the same")
    settled(page, "document.querySelectorAll('[data-part=body] button')[3].click()")
    assert page.run("return document.querySelector('tr[aria-current]').rowIndex") == 4
    choose(page, "type", "0 1 2 3 4")
    kinds = set()
    for _ in range(2):
        kinds |= {row[0] for row in page.run(BODY)}
        page.run("document.querySelector('[data-part=later]').click()")
    assert kinds == {"Exact", "Other start", "Extra", "Missed", "Not scored"}


def test_hostile_names_are_shown_as_text(page: Any) -> None:
    jump(page, HOSTILE)
    assert page.run("return document.querySelector('[data-part=locus] h4').textContent") == HOSTILE
    assert page.run("return document.querySelectorAll('script').length") == 2


def test_light_and_dark(page: Any) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    page.run("document.documentElement.dataset.theme = 'light'")
    assert page.run(colour) == "rgb(255, 255, 255)"
    page.run("document.querySelector('.theme').click()")
    assert page.run(colour) == "rgb(21, 25, 29)"
    assert page.run("return document.querySelector('.theme').textContent") == "Light"


@pytest.fixture
def phone(browser: Any, written: Path) -> Iterator[Any]:
    """The page on a narrow screen."""
    browser.command(
        "Emulation.setDeviceMetricsOverride", width=360, height=780, deviceScaleFactor=1, mobile=True
    )
    try:
        browser.open(written)
        yield browser
        assert browser.messages() == []
    finally:
        browser.command("Emulation.clearDeviceMetricsOverride")


def test_a_phone_needs_no_scrolling_sideways(phone: Any) -> None:
    width = "return document.documentElement.scrollWidth"
    assert phone.run(width) == 360
    phone.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    settled(phone, "document.querySelector('[data-part=next]').click()")
    assert phone.run(width) == 360


def test_sorting_and_walking_on_a_phone(phone: Any) -> None:
    settled(phone, "document.querySelector('[data-part=next]').click()")
    assert phone.run(LOCUS)
    phone.run("document.querySelectorAll('[data-part=head] button')[3].click()")
    assert [row[3] for row in phone.run(BODY)] == ["60", "903", "2,463"]
    settled(phone, "document.querySelectorAll('[data-part=body] button')[2].click()")
    first, last = view(phone)
    assert first <= 337 and last >= 2_799
    # Whatever a finger has to hit is high enough.
    heights = phone.run(
        "return [...document.querySelectorAll('.controls button, select, .controls input')]"
        ".filter(e => e.offsetParent).map(e => e.offsetHeight)"
    )
    assert min(heights) >= 34


def test_on_paper_everything_is_open_and_fits(page: Any) -> None:
    page.command("Emulation.setEmulatedMedia", media="print")
    # The width of A4 within margins of 1 cm, at 96 dots an inch.
    page.command(
        "Emulation.setDeviceMetricsOverride", width=718, height=1047, deviceScaleFactor=1, mobile=False
    )
    try:
        page.run("dispatchEvent(new Event('beforeprint'))")
        assert page.run("return document.querySelectorAll('details:not([open])').length") == 0
        wide = page.run("""
            const { clientWidth } = document.documentElement;
            const all = [...document.querySelectorAll("html, table, svg, figure")];
            const right = e => Math.max(e.getBoundingClientRect().right, e.scrollWidth);
            return all.filter(e => right(e) > clientWidth)
                .map(e => `${e.tagName} ${e.className}`)""")
        assert wide == []
        hidden = page.run(
            "return ['.contents', '.controls', '.theme', '.overview'].filter("
            "one => document.querySelector(one).offsetParent)"
        )
        assert hidden == []
        page.run("dispatchEvent(new Event('afterprint'))")
        assert page.run("return document.querySelectorAll('details[open]').length") == 0
    finally:
        page.command("Emulation.clearDeviceMetricsOverride")
        page.command("Emulation.setEmulatedMedia", media="")


CONTRAST = """
    const channels = text => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const colour = channels(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const poor = new Set();
    for (const e of document.body.querySelectorAll('*')) {
        const isText = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!isText || !e.getClientRects().length || e.closest('svg, script, noscript, :disabled')) continue;
        const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.add(`${e.tagName} ${e.className} ${ratio.toFixed(2)}`);
    }
    return [...poor];"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Any, theme: str) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 to 1."""
    page.run(f"document.documentElement.dataset.theme = '{theme}'")
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    settled(page, "document.querySelector('[data-part=next]').click()")
    assert page.run(CONTRAST) == []
    page.run("document.querySelector('main p').style.color = '#777'")
    assert len(page.run(CONTRAST)) == 1, "it would be seen"


def test_landmarks_captions_and_headings(page: Any) -> None:
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert page.run(f"return document.querySelectorAll('{landmark}').length") == 1
    assert page.run("return document.querySelector('main footer')") is None
    settled(page, "document.querySelector('[data-part=next]').click()")
    bare = page.run("""
        const all = [...document.querySelectorAll('table:not(.card table)')];
        return all.filter(table => !table.caption?.textContent.trim()).length""")
    assert bare == 0
    levels = page.run(
        "return [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Any) -> None:
    page.press(TAB)
    assert page.run("return document.activeElement.className") == "skip"
    assert page.run("return document.activeElement.getBoundingClientRect().left") >= 0
    page.press(ENTER)
    assert page.run("return document.activeElement.id") == "main"
    seen = set()
    for _ in range(60):
        page.press(TAB)
        name, style, width = page.run("""
            const e = document.activeElement, style = getComputedStyle(e);
            return [e.dataset.part ?? e.tagName, style.outlineStyle, parseFloat(style.outlineWidth)]""")
        if name == "BODY":
            break
        assert style != "none" and width >= 1, name
        seen.add(name)
    assert {"previous", "next", "left", "in", "stage", "predictor", "base", "search", "type"} <= seen


@pytest.mark.parametrize(("motion", "scrolling"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_moves_for_those_who_want_it_still(page: Any, motion: str, scrolling: str) -> None:
    features = [{"name": "prefers-reduced-motion", "value": motion}]
    page.command("Emulation.setEmulatedMedia", features=features)
    try:
        style = "return getComputedStyle(document.documentElement).scrollBehavior"
        assert page.run(style) == scrolling
    finally:
        page.command("Emulation.setEmulatedMedia", features=[])


def test_programs_are_walked_through_without_a_reference(
    browser: Any, config: dict[str, Any], tmp_path: Path
) -> None:
    species = config["species"][0]
    for key in ("reference", "left_out", "scores", "gene_tables", "gffcompare", "controls"):
        del species[key]
    path = tmp_path / "bare.html"
    path.write_text(build_page(ReportConfig.model_validate(config)), encoding="utf-8")
    browser.open(path)
    assert "GeneScribe against AUGUSTUS" in browser.run(CAPTION)
    assert [row[0] for row in browser.run(BODY)] == ["Extra", "Missed", "Extra"]
    settled(browser, "document.querySelector('[data-part=next]').click()")
    assert [row[0] for row in browser.run(LOCUS)] == ["AUGUSTUS", "GeneScribe"]
    assert browser.messages() == []


def test_every_control_has_a_name_and_every_header_a_scope(page: Any) -> None:
    nameless = page.run("""
        const named = e => e.textContent.trim() || e.ariaLabel || (e.labels && e.labels.length);
        const all = [...document.querySelectorAll('button, input, select, [tabindex]')];
        return all.filter(e => !named(e)).length""")
    assert nameless == 0
    assert page.run("return document.querySelectorAll('th:not([scope])').length") == 0
    assert page.run("return document.querySelectorAll('svg[role=img]:not(:has(title))').length") == 0
