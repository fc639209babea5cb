"""The self-contained report page."""

from grouplearn.report.page import Page, Picture, Section, Table, render_page

__all__ = ["Page", "Picture", "Section", "Table", "render_page"]
