"""What stands on a page, as data: nothing here is HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from grouplearn._checks import refuse
from grouplearn.report.orbits import Orbit
from grouplearn.report.pictures import Picture

Tone: TypeAlias = Literal["good", "open", "none"]


@final
@dataclass(frozen=True)
class Column:
    """The head of a column.

    Args:
        title: what stands above it.
        help: a sentence that says what its cells mean.
        is_text: do its cells hold words, which are read from the left?
    """

    title: str
    help: str = ""
    is_text: bool = False


@final
@dataclass(frozen=True)
class Table:
    """A table whose first row and first column are headings.

    Args:
        head: of the columns, the first of them that of the row headings; text is a title alone.
        rows: as many cells as `head`, the first of them the row's heading.
        caption: a sentence below the table.
        sortable: may a reader sort the rows? Not where they are quantities of different kinds.

    Raises:
        InputError: a row has another number of cells.
    """

    head: Sequence[str | Column]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    sortable: bool = True

    def __post_init__(self) -> None:
        """Check the lengths."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.head):
                refuse(
                    "Table", f"row {number}", f"of {len(self.head)} cells, as the head is",
                    len(row), "pass one cell for each column",
                )  # fmt: skip

    @property
    def columns(self) -> tuple[Column, ...]:
        """The head of each column."""
        return tuple(each if isinstance(each, Column) else Column(each) for each in self.head)

    @property
    def has_help(self) -> bool:
        """Is there a column that is explained?"""
        return any(column.help for column in self.columns)

    def cells(self, row: Sequence[str]) -> Iterator[tuple[Column, str]]:
        """Each cell of a row with the head of its column."""
        return zip(self.columns, row, strict=True)


@final
@dataclass(frozen=True)
class Headline:
    """What was found, in one sentence and one picture.

    Args:
        sentence: the answer.
        status: a word or two for how firm it is.
        tone: "good" for a claim, "open" where something is left to decide, else "none".
        picture: that shows it.
        detail: the numbers behind it, in smaller letters.
    """

    sentence: str
    status: str = ""
    tone: Tone = "none"
    picture: Picture | None = None
    detail: str = ""


@final
@dataclass(frozen=True)
class Alert:
    """Something to know before one relies on an answer.

    Args:
        title: a few words, without a full stop.
        text: what it means and what to do, in a sentence or two.
        kind: "caution", or "note" for what only qualifies the answer.
    """

    title: str
    text: str
    kind: Literal["caution", "note"] = "caution"


@final
@dataclass(frozen=True)
class Section:
    """A part of a page: heading, then all that is given, in the order of the arguments.

    Args:
        heading: of the section.
        paragraphs: plain text.
        table: one table.
        pictures: below the paragraphs.
        code: a command or a program.
        answer: what was found, where the section is about one of several data sets.
        alerts: to the answer.
        orbit: samples with a slider.
        sections: parts of this one.
        folded: does a reader have to open it?
        is_part: is it as good as a page of its own?
    """

    heading: str
    paragraphs: Sequence[str] = ()
    table: Table | None = None
    pictures: Sequence[Picture] = ()
    code: str = ""
    answer: Headline | None = None
    alerts: Sequence[Alert] = ()
    orbit: Orbit | None = None
    sections: Sequence[Section] = ()
    folded: bool = False
    is_part: bool = False

    @property
    def lead(self) -> Sequence[str]:
        """The paragraphs, as a page calls them."""
        return self.paragraphs


@final
@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        title: its heading, and the name of the browser's tab.
        lead: paragraphs below the heading, after the answer.
        sections: what follows.
        answer: what was found: it comes first.
        alerts: to the answer.
        table: below the paragraphs.
        program: what made the page, in a small line above the heading.
    """

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    answer: Headline | None = None
    alerts: Sequence[Alert] = ()
    table: Table | None = None
    program: str = ""
    orbit: Orbit | None = field(default=None, init=False)
    pictures: Sequence[Picture] = field(default=(), init=False)
    code: str = field(default="", init=False)
