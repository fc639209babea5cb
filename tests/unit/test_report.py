"""The report page, read back by the standard library's HTML parser."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from grouplearn.errors import InputError
from grouplearn.report import Page, Picture, Section, Table, render_page
from tests.unit.examples import is_one_line

NASTY = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "img"}


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


def test_every_text_is_escaped_and_present() -> None:
    page = Reader(render_page(PAGE))
    assert page.of("title") == page.of("h1") == [f"Title {NASTY}"]
    assert page.of("h2") == ["Plain", f"Full {NASTY}", "Bare"]
    assert page.of("p") == [f"Lead {NASTY}", f"Text {NASTY}", "Two.", f"below {NASTY}"]
    assert page.of("pre") == [f"run {NASTY}"]
    assert page.of("th") == [f"column {NASTY}", f"row {NASTY}", "only", "one"]
    assert page.of("td") == [f"cell {NASTY}"]
    assert page.of("figcaption") == [f"caption {NASTY}"]
    assert "script" not in {tag for tag, _ in page.tags}


def test_pictures_stand_in_the_page() -> None:
    page = Reader(render_page(PAGE))
    first, second = (attributes for tag, attributes in page.tags if tag == "img")
    assert first["alt"] == f"shows {NASTY}"
    assert second["alt"] == ""
    head, data = str(first["src"]).split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == dot()


def test_page_needs_nothing_from_elsewhere() -> None:
    html = render_page(PAGE)
    page = Reader(html)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    named = [str(each.get("src") or each.get("href") or "") for _, each in page.tags]
    assert all(not name or name.startswith("data:") for name in named)
    assert not re.search(r"https?:|url\(|@import", html)


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
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    with pytest.raises(InputError) as problem:
        BAD[case]()
    assert is_one_line(str(problem.value))
