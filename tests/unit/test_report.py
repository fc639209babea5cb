"""The report page, read back by the standard library's HTML parser."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from grouplearn.errors import InputError
from grouplearn.report import (
    Alert,
    Cells,
    Column,
    Headline,
    Letters,
    MovedSample,
    Orbit,
    Page,
    Picture,
    Section,
    Sentence,
    Table,
    render_page,
)
from tests.unit.examples import is_one_line

NASTY = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "img", "input"}


class Reader(HTMLParser):
    """Collects tags, their attributes and texts, and checks that tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1], data))

    def of(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]


def dot() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 3)).save(buffer, "PNG")
    return buffer.getvalue()


PAGE = Page(
    f"Title {NASTY}",
    [f"Lead {NASTY}"],
    [
        Section("Plain", [f"Text {NASTY}", "Two."], code=f"run {NASTY}"),
        Section(
            f"Full {NASTY}",
            table=Table(
                ["", f"column {NASTY}"], [[f"row {NASTY}", f"cell {NASTY}"]], f"below {NASTY}"
            ),
            pictures=[Picture(dot(), f"shows {NASTY}", f"caption {NASTY}"), Picture(dot(), "")],
        ),
        Section("Bare", table=Table(["only"], [["one"]])),
    ],
)


def moved() -> Orbit:
    frames: list[MovedSample] = [
        MovedSample(
            f"letters {NASTY}",
            Letters("AC", "ACGT"),
            [Letters("AC", "ACGT"), Letters("CA", "ACGT")],
        ),
        MovedSample(
            "words",
            Sentence([(NASTY, False)]),
            [Sentence([(NASTY, False)]), Sentence([("b", True)])],
        ),
        MovedSample("cells", Cells([(NASTY, "1", False)]), [Cells([(NASTY, "1", True)])] * 2),
        MovedSample("pixels", Picture(dot(), NASTY), [Picture(dot(), NASTY)] * 2),
    ]
    return Orbit(f"Element of {NASTY}", ["identity", f"turn {NASTY}"], frames, f"about {NASTY}")


def test_every_text_is_escaped_and_present() -> None:
    page = Reader(render_page(PAGE))
    assert page.of("title") == page.of("h1") == [f"Title {NASTY}"]
    assert page.of("h2") == ["Plain", f"Full {NASTY}", "Bare"]
    assert page.of("p") == [f"Lead {NASTY}", f"Text {NASTY}", "Two.", f"below {NASTY}"]
    assert page.of("code") == [f"run {NASTY}"]
    assert page.of("th") == [f"column {NASTY}", f"row {NASTY}", "only", "one"]
    assert page.of("td") == [f"cell {NASTY}"]
    assert page.of("figcaption") == [f"caption {NASTY}"]
    assert [tag for tag, _ in page.tags].count("script") == 1


def test_the_answer_comes_first_and_alerts_next() -> None:
    answer = Headline(f"Found {NASTY}", "exact", "good", Picture(dot(), "shown"), "p = 0.5")
    alerts = [Alert(f"Beware {NASTY}", f"of {NASTY}"), Alert("Besides", "this", "note")]
    html = render_page(Page("Title", ["Lead."], [], answer, alerts, program="grouplearn x"))
    page = Reader(html)
    assert page.of("p") == ["grouplearn x", f"Found {NASTY}", "p = 0.5", "Lead."]
    assert page.of("strong") == [f"Beware {NASTY}.", "Besides."]
    assert page.of("li") == [f" of {NASTY}", " this"]
    kinds = [each["class"] for tag, each in page.tags if tag == "li"]
    assert kinds == ["caution", "note"]
    assert html.index("Found") < html.index("Beware") < html.index("Lead.")


def test_a_slider_has_a_frame_for_each_element_of_each_sample() -> None:
    page = Reader(render_page(Page("Title", [], [Section("Move", orbit=moved())])))
    (slider,) = (each for tag, each in page.tags if tag == "input")
    assert (slider["type"], slider["min"], slider["max"], slider["value"]) == (
        "range",
        "0",
        "1",
        "1",
    )
    assert slider["aria-label"] == f"Element of {NASTY}"
    frames = [each["data-frame"] for _, each in page.tags if "data-frame" in each]
    assert frames == ["identity", f"turn {NASTY}"] * 4
    assert page.of("option") == [f"letters {NASTY}", "words", "cells", "pixels"]
    assert page.of("mark") == ["b", "1", "1"]
    strips = [each["aria-label"] for _, each in page.tags if each.get("class") == "letters"]
    assert strips == ["AC", "AC", "CA"]


def test_columns_are_explained_where_they_stand_and_below() -> None:
    head: list[str | Column] = [
        "group",
        Column("p", f"help {NASTY}"),
        Column("verdict", is_text=True),
    ]
    table = Table(head, [["C2", "0.5", "exact"], ["C4", "0.1", "open"]])
    page = Reader(render_page(Page("Title", [], [Section("Evidence", table=table)])))
    assert page.of("abbr") == page.of("dt") == ["p"]
    assert page.of("dd") == [f"help {NASTY}"]
    (abbr,) = (each for tag, each in page.tags if tag == "abbr")
    assert abbr["title"] == f"help {NASTY}"
    shown = [each for tag, each in page.tags if tag == "table"]
    assert "data-sortable" in shown[0]
    fixed = Section("Fixed", table=Table(head, table.rows, sortable=False))
    (kept,) = (t for t in Reader(render_page(Page("", [], [fixed]))).tags if t[0] == "table")
    assert "data-sortable" not in kept[1]


def test_sections_nest_and_fold() -> None:
    inner = Section("Inner", ["deep"], folded=True)
    page = Reader(
        render_page(Page("T", [], [Section("Outer", sections=[Section("Mid", sections=[inner])])]))
    )
    assert (page.of("h2"), page.of("h3"), page.of("summary")) == (["Outer"], ["Mid"], ["Inner"])


def test_pictures_stand_in_the_page() -> None:
    page = Reader(render_page(PAGE))
    first, second = (attributes for tag, attributes in page.tags if tag == "img")
    assert first["alt"] == f"shows {NASTY}"
    assert second["alt"] == ""
    head, data = str(first["src"]).split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == dot()
    assert Picture(dot(), "").size == (1, 2)  # of 2 x 3 pixels at 150 dots per inch


def test_page_needs_nothing_from_elsewhere() -> None:
    html = render_page(PAGE)
    page = Reader(html)
    assert {tag for tag, _ in page.tags} & {"link", "iframe", "object"} == set()
    named = [str(each.get("src") or each.get("href") or "") for _, each in page.tags]
    assert all(not name or name.startswith("data:") for name in named)
    assert not re.search(r"https?:|url\(|@import", html)


def test_a_browser_may_run_our_script_and_no_other() -> None:
    html = render_page(PAGE)
    page = Reader(html)
    (policy,) = (
        str(each["content"]) for tag, each in page.tags if tag == "meta" and "http-equiv" in each
    )
    assert policy.startswith("default-src 'none';")
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        text = html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy
    assert not any(
        name.startswith("on") or name == "style" for _, each in page.tags for name in each
    )


def test_page_fits_phones_and_dark_rooms() -> None:
    html = render_page(PAGE)
    metas = [attributes for tag, attributes in Reader(html).tags if tag == "meta"]
    assert {"charset": "utf-8"} in metas
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in metas
    assert "prefers-color-scheme: dark" in html
    assert html.startswith("<!DOCTYPE html>\n")


BAD: dict[str, Callable[[], Any]] = {
    "short row": lambda: Table(["a", "b"], [["1", "2"], ["3"]]),
    "no PNG": lambda: Picture(b"GIF89a", "a picture"),
    "no element": lambda: Orbit("Element", [], [MovedSample("a", Sentence([]), [])]),
    "no sample": lambda: Orbit("Element", ["identity"], []),
    "no frame": lambda: Orbit("Element", ["identity"], [MovedSample("a", Sentence([]), [])]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    with pytest.raises(InputError) as problem:
        BAD[case]()
    assert is_one_line(str(problem.value))
