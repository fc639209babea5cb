"""The report page: one HTML file with text, tables, pictures and a slider, which needs no other.

`render_page` makes it of a `Page`. Everything that a page shows is plain text or a picture: names
with markup in them are shown as they are. The file's own style and script are the only ones that a
browser will take, and it is told to ask for nothing.
"""

from grouplearn.report.actions import section_of_finding, section_of_representation
from grouplearn.report.alerts import alerts_of
from grouplearn.report.orbits import Cells, Letters, MovedSample, Orbit, Sentence
from grouplearn.report.page import Alert, Column, Headline, Page, Section, Table
from grouplearn.report.pictures import Picture
from grouplearn.report.render import render_page

__all__ = [
    "Alert",
    "Cells",
    "Column",
    "Headline",
    "Letters",
    "MovedSample",
    "Orbit",
    "Page",
    "Picture",
    "Section",
    "Sentence",
    "Table",
    "alerts_of",
    "render_page",
    "section_of_finding",
    "section_of_representation",
]
