"""The built site, where GROUPLEARN_SITE names its folder: `make site` builds and checks it."""

from __future__ import annotations

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.browser.test_pages import assert_nothing_grave, find, open_page

SITE = os.environ.get("GROUPLEARN_SITE")
_MADE_BY_SPHINX = ("genindex", "py-modindex", "search", "_modules")


def pages() -> list[Path]:
    """Every page that someone wrote, and one skipped case where there is no site."""
    if SITE is None:
        return []
    found = sorted(Path(SITE).rglob("*.html"))
    return [p for p in found if not p.relative_to(SITE).as_posix().startswith(_MADE_BY_SPHINX)]


every_page = pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(SITE or "")))


class Links(HTMLParser):
    """Where a page leads, and the places in it that others lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := named.get(key))}
        self.targets += [value for key in ("href", "src") if (value := named.get(key))]


@cache
def links(page: Path) -> Links:
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for target in links(page).targets:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            assert parts.scheme in ("https", "data", "mailto"), target
            continue
        file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        anchor = unquote(parts.fragment)
        is_page = file.suffix == ".html" and file.is_file()
        if not file.exists() or (anchor and is_page and anchor not in links(file).anchors):
            dead.append(target)
    assert dead == []


@every_page
def test_axe_finds_nothing_serious_on_the_site(driver: Any, page: Path) -> None:
    open_page(driver, page.resolve())
    assert_nothing_grave(driver)


def test_the_search_answers_without_a_network(driver: Any) -> None:
    if SITE is None:
        pytest.skip("GROUPLEARN_SITE names no built site; make site does")
    page = Path(SITE).resolve() / "search.html"
    open_page(driver, page)
    driver.get(f"{page.as_uri()}?q=closure")
    driver.implicitly_wait(20)
    assert find(driver, "ul.search li a")
