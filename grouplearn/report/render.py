"""From a page as data to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grouplearn.report.page import Page

_PACKAGE = "grouplearn.report"


def render_page(page: Page) -> str:
    """The page as HTML.

    Args:
        page: what to show; its text is plain text, not HTML.

    Returns:
        A complete document that needs no other file. Its Content-Security-Policy lets a browser run
        its own script and no other, and load nothing.

    Example:
        >>> from grouplearn.report import Section
        >>> html = render_page(Page("A < B", ["First."], [Section("More", ["Second."])]))
        >>> "<h1>A &lt; B</h1>" in html, "<p>Second.</p>" in html
        (True, True)
    """
    style, script = _text("page.css"), _text("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    # Markup: our own files, which hold no data.
    own = {"style": Markup(style), "script": Markup(script)}  # noqa: S704
    return render("page.html", page=page, policy=policy, **own)


def render(name: str, **values: object) -> str:
    """A template of ours with values, all text escaped.

    Args:
        name: of the template.
        values: by the names that it uses.
    """
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


@cache
def _text(name: str) -> str:
    return (files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The name that a Content-Security-Policy gives the text of an element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
