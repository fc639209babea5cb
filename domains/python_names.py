"""Names that the scopes of Python source bind: where they stand, and how they may be renamed."""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import final

from grouplearn._checks import positive_int, refuse
from grouplearn.domains.python_scopes import NamePlaces, Place, Scope, place_of
from grouplearn.errors import DataError

_WHO = "PythonNames"
_READS_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir", "globals"})
_SKIPPED = frozenset({
    tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER,
})  # fmt: skip


@final
@dataclass(frozen=True)
class NameSlot:
    """A variable or a parameter of one scope, and where its name stands.

    Attributes:
        name: as the source has it.
        places: (line from 1, column in bytes from 0) of every occurrence, in order.
    """

    name: str
    places: tuple[Place, ...]


@final
@dataclass(frozen=True)
class PythonNames:
    r"""Source in Python whose bound names are slots, which may be renamed.

    Variables and parameters of functions, lambdas and comprehensions are slots: one for each scope
    and name. What stays: names of the module, of builtins, attributes, imports, keyword arguments
    and parameters that a call in the source names, or may name as it passes a mapping of arguments,
    functions and classes, which carry their name at run time, names that `f"{x=}"` prints, and
    private names, which classes mangle. A source that reads its own names, by
    `locals` or `eval`, has no slots. Renaming all slots to different names that occur nowhere else
    is capture-avoiding: the program computes the same.

    Callers elsewhere that pass an argument by its name are not in the source: they have to be
    renamed with it.

    Args:
        source: text that Python parses.
        name: of the file, for errors.

    Raises:
        DataError: it does not parse, with file, line and reason.

    Example:
        >>> source = "def total(numbers):\n    return sum(n.value for n in numbers)\n"
        >>> names = PythonNames(source)
        >>> [slot.name for slot in names.slots]
        ['numbers', 'n']
        >>> print(names.renamed(["n", "each"]), end="")
        def total(n):
            return sum(each.value for each in n)
    """

    source: str
    name: str = "<source>"

    def __post_init__(self) -> None:
        """Parse."""
        _ = self._tree

    @cached_property
    def _tree(self) -> ast.Module:
        try:
            return ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            where = f"{self.name}, line {line}" if line else self.name
            refuse(_WHO, "source", "Python that parses", f"{error.__class__.__name__} in {where}",
                   "leave the file out", DataError)  # fmt: skip

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.source.encode().splitlines(keepends=True)

    @cached_property
    def _found(self) -> NamePlaces:
        try:
            return NamePlaces(self._tree, self.tokens(), self._lines)
        except RecursionError:
            refuse(_WHO, "source", "less deeply nested", self.name, "leave the file out", DataError)

    @cached_property
    def slots(self) -> tuple[NameSlot, ...]:
        """The slots, in the order in which they first occur.

        Raises:
            DataError: an expression is nested too deeply.
        """
        found = self._found
        if found.used & _READS_NAMES:
            return ()
        places: dict[tuple[Scope, str], list[Place]] = {}
        pinned = found.pinned()
        for name, place, owner in found.resolved():
            if owner is None or not owner.is_local:
                continue
            key = (owner, name)
            places.setdefault(key, []).append(place)
            if name.startswith("__") or not self._stands(name, place):
                pinned.add(key)
            if name in owner.parameters and (found.unpacks or name in found.keywords):
                pinned.add(key)
        slots = (NameSlot(key[1], tuple(sorted(set(each)))) for key, each in places.items()
                 if key not in pinned)  # fmt: skip
        return tuple(sorted(slots, key=lambda slot: slot.places))

    def _stands(self, name: str, place: Place) -> bool:
        """Does a name stand where the parser says? In formatted strings it may not."""
        line, column = place
        text = name.encode()
        there = self._lines[line - 1][column : column + len(text) + 1]
        after = there[len(text) :].decode(errors="replace")
        return there.startswith(text) and not (after.isalnum() or after == "_")

    def tokens(self) -> list[tokenize.TokenInfo]:
        """The tokens of the source, comments and blank lines left out."""
        read = io.StringIO(self.source, newline=None).readline
        return [each for each in tokenize.generate_tokens(read) if each.type not in _SKIPPED]

    def taken(self) -> frozenset[str]:
        """The names that a slot must not get: all others in the source, and builtins."""
        mine = {place for slot in self.slots for place in slot.places}
        others = {name for name, place, _ in self._found.resolved() if place not in mine}
        words = {
            each.string for each in self.tokens()
            if each.type == tokenize.NAME and place_of(each) not in mine
        }  # fmt: skip
        return frozenset(others | words | set(dir(builtins)) | set(keyword.kwlist))

    def renamed(self, names: Sequence[str]) -> str:
        """Return the source with its slots renamed.

        Args:
            names: one for each slot, all different.

        Raises:
            InputError: they are not as many, not all different, no identifiers, or taken.
        """
        if len(names) != len(self.slots) or len(set(names)) < len(names):
            refuse(f"{_WHO}.renamed", "names", f"{len(self.slots)} different ones",
                   list(names), "give every slot a name of its own")  # fmt: skip
        taken = self.taken()
        for name in names:
            if not name.isidentifier() or name in taken:
                refuse(f"{_WHO}.renamed", "names", "identifiers that occur nowhere else",
                       repr(name), "see taken()")  # fmt: skip
        edits = sorted(
            ((place, slot.name, name) for slot, name in zip(self.slots, names, strict=True)
             for place in slot.places), reverse=True,
        )  # fmt: skip
        lines = list(self._lines)
        for (line, column), old, new in edits:
            text = lines[line - 1]
            lines[line - 1] = text[:column] + new.encode() + text[column + len(old.encode()) :]
        return b"".join(lines).decode()

    def fresh(self, stem: str = "v") -> Iterator[str]:
        """Names that are not taken: v0, v1 and so on."""
        taken, number = self.taken(), 0
        while True:
            if (name := f"{stem}{number}") not in taken:
                yield name
            number += 1


def canonical_words(names: PythonNames, most: int) -> list[str]:
    """The tokens of a source, with slots numbered in the order of their first occurrence.

    They are the same for the source however its slots are renamed, so that a network that reads
    them is invariant, whatever it is.

    Args:
        names: of the source.
        most: so many slots get a word of their own; others share one.

    Raises:
        InputError: `most` is not positive.

    Example:
        >>> canonical_words(PythonNames("lambda x, y: y"), 9)
        ['lambda', '<0>', ',', '<1>', ':', '<1>']
    """
    positive_int("canonical_words", "most", most)
    reserved = list(islice(names.fresh("slot_"), len(names.slots)))
    number = {name: min(k, most - 1) for k, name in enumerate(reserved)}
    tokens = PythonNames(names.renamed(reserved)).tokens()
    return [f"<{number[word]}>" if word in number else word
            for word in (each.string for each in tokens if each.string.strip())]  # fmt: skip


def functions_in(source: str, name: str = "<source>") -> list[str]:
    """The functions and methods of a source, each as a source of its own.

    Args:
        source: text that Python parses.
        name: of the file, for errors.

    Raises:
        DataError: it does not parse.
    """
    names = PythonNames(source, name)
    # Lines of bytes end where the parser ends them, not at form feeds or other separators.
    lines = [line.decode() for line in names._lines]
    return [_dedented(lines, node) for node in _functions(names._tree.body)]


def _functions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of a module and methods of its classes, not those within functions."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body)


def _dedented(lines: Sequence[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The lines of a function, moved to the left as far as it stands in."""
    first, *rest = lines[node.lineno - 1 : node.end_lineno]
    own = [first.lstrip("\f"), *rest]
    indent = own[0][: len(own[0]) - len(own[0].lstrip())]
    return "".join(line.removeprefix(indent) for line in own)
