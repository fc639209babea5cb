"""How `discover` and `test` read data: options, what they must be, and what they apply to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from grouplearn._checks import refuse
from grouplearn.commands.options import between, known_name
from grouplearn.domains.image_scales import assert_axes
from grouplearn.domains.letters import ALPHABETS
from grouplearn.domains.readers.kinds import KINDS
from grouplearn.domains.readers.sources import SourceOptions
from grouplearn.domains.readers.table_rows import TableOptions
from grouplearn.domains.registered import registered

_OPTIONS = {
    "table": (
        "labels",
        "blocks",
        "columns",
        "header",
        "index_column",
        "decimal",
        "standardise",
    ),
    "images": ("patch_size", "axes"),
    "sequence": ("window", "alphabet"),
}
_SEVERAL = {"table": "tables", "images": "images", "sequence": "sequences"}


@final
@dataclass(frozen=True)
class Reading:
    """How data are read; see the help of `grouplearn discover` for the meaning."""

    kind: str | None = None
    array: str | None = None
    labels: str | None = None
    blocks: str | None = None
    columns: str | None = None
    header: bool | None = None
    index_column: str | None = None
    decimal: str | None = None
    standardise: bool = False
    patch_size: int = 5
    axes: str | None = None
    window: int = 6
    alphabet: str = "dna"

    def check(self, who: str) -> None:
        """Refuse what can be refused without the data.

        Args:
            who: the command, for the error.

        Raises:
            InputError: an option is out of its range.
        """
        if self.kind is not None:
            known_name(who, "--kind", self.kind, (*KINDS, *registered()))
        assert_axes(who, "--axes", self.axes)
        if self.decimal is not None:
            known_name(who, "--decimal", self.decimal, (".", ","))
        known_name(who, "--alphabet", self.alphabet, tuple(ALPHABETS))
        between(who, "--patch-size", self.patch_size, 2, 16)
        between(who, "--window", self.window, 1, 64)

    def source_options(self) -> SourceOptions:
        """The same, as data are opened with."""
        table = TableOptions(
            array=self.array, labels=self.labels, blocks=self.blocks, columns=self.columns,
            header=self.header, index_column=self.index_column, decimal=self.decimal,
            standardise=self.standardise,
        )  # fmt: skip
        return SourceOptions(self.kind, self.axes, table)

    def check_kinds(self, who: str, kinds: Iterable[str]) -> None:
        """Refuse options that apply to none of the data.

        Args:
            who: the command, for the error.
            kinds: of the data.

        Raises:
            InputError: an option is typed that would be ignored.
        """
        given = set(kinds)
        if self.array is not None and not given & {"table", "images"}:
            refuse(who, "--array", "left out, as it is for tables and images",
                   f"it for {' and '.join(sorted(given))}", "leave it out")  # fmt: skip
        for kind in _OPTIONS.keys() - given:
            for option in _OPTIONS[kind]:
                value = getattr(self, option)
                if value != getattr(Reading, option):
                    name = "no-header" if value is False else option.replace("_", "-")
                    refuse(who, f"--{name}", f"left out, as it is for {_SEVERAL[kind]}",
                           f"it for {' and '.join(sorted(given))}", "leave it out")  # fmt: skip
