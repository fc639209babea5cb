"""One HTML file with text, tables and pictures: no script, no network, readable on a phone.

All text is escaped; pictures stand in the page itself as base64.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import final

from grouplearn._checks import refuse

_STYLE = """
:root { color-scheme: light dark; --text: #1c1917; --soft: #57534e; --page: #fafaf9;
  --card: #fff; --line: #d6d3d1; }
@media (prefers-color-scheme: dark) { :root { --text: #e7e5e4; --soft: #a8a29e; --page: #1c1917;
  --card: #292524; --line: #44403c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 62rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .8rem 0; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: right; white-space: nowrap; }
tr + tr > *, tbody tr > * { border-top: 1px solid var(--line); }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card);
  font-weight: 600; white-space: normal; min-width: 8rem; }
p.caption { color: var(--soft); font-size: .88rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .8rem; margin: .8rem 0; }
figure { margin: 0; padding: .5rem; background: #fff; color: #44403c; border-radius: .5rem;
  border: 1px solid var(--line); max-width: 100%; }
figure img { display: block; max-width: 100%; max-height: 24rem; height: auto; margin: 0 auto; }
figcaption { font-size: .85rem; padding-top: .3rem; }
pre { overflow-x: auto; padding: .7rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; font-size: .88rem; }
"""


@final
@dataclass(frozen=True)
class Table:
    """A table whose first row and first column are headings.

    Args:
        head: titles of the columns, the first of them that of the row headings.
        rows: as many cells as `head`, the first of them the row's heading.
        caption: a sentence below the table.

    Raises:
        InputError: a row has another number of cells.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    def __post_init__(self) -> None:
        """Check the lengths."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.head):
                refuse(
                    "Table", f"row {number}", f"of {len(self.head)} cells, as the head is",
                    len(row), "pass one cell for each column",
                )  # fmt: skip


@final
@dataclass(frozen=True)
class Picture:
    """A PNG picture.

    Args:
        png: the file's bytes.
        alt: what it shows, for those who cannot see it.
        caption: a sentence below it.

    Raises:
        InputError: the bytes are not those of a PNG file.
    """

    png: bytes
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        """Check the file's first bytes."""
        if not self.png.startswith(b"\x89PNG\r\n\x1a\n"):
            refuse(
                "Picture", "png", "the bytes of a PNG file", f"{self.png[:8]!r}...",
                "draw it with grouplearn.plots.png(figure)",
            )  # fmt: skip


@final
@dataclass(frozen=True)
class Section:
    """A part of the page: heading, then paragraphs, table, pictures and code, as far as given."""

    heading: str
    paragraphs: Sequence[str] = ()
    table: Table | None = None
    pictures: Sequence[Picture] = ()
    code: str = ""


@final
@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        title: its heading, and the name of the browser's tab.
        lead: paragraphs below the heading.
        sections: what follows.
    """

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]


def render_page(page: Page) -> str:
    """The page as HTML.

    Args:
        page: what to show; its text is plain text, not HTML.

    Returns:
        A complete document without scripts or links to other files.

    Example:
        >>> html = render_page(Page("A < B", ["First."], [Section("More", ["Second."])]))
        >>> "<h1>A &lt; B</h1>" in html, "<p>Second.</p>" in html
        (True, True)
    """
    body = [f"<h1>{escape(page.title)}</h1>", *map(_paragraph, page.lead)]
    for section in page.sections:
        body += ["<section>", f"<h2>{escape(section.heading)}</h2>"]
        body += map(_paragraph, section.paragraphs)
        body += [_table(section.table)] if section.table else []
        if section.pictures:
            body += ['<div class="pictures">', *map(_picture, section.pictures), "</div>"]
        body += [f"<pre>{escape(section.code)}</pre>"] if section.code else []
        body.append("</section>")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(page.title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = []
    for first, *cells in table.rows:
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{data}</tr>')
    caption = f'<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{caption}"
    )


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    alt = escape(picture.alt, quote=True)
    return f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">{caption}</figure>'
