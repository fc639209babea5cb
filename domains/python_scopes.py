"""Scopes of Python: which scope each name in a syntax tree belongs to."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, final

Place: TypeAlias = tuple[int, int]


def place_of(token: tokenize.TokenInfo) -> Place:
    """Where a token begins, as syntax trees count: lines from 1, bytes from 0."""
    line, column = token.start
    return line, len(token.line.split("\n")[0][:column].encode())


@final
@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension.

    Attributes:
        kind: "module", "class", "function" or "comprehension".
        parent: that encloses it; None for the module.
        bound: names that it binds.
        outer: names that it declares as global (True) or nonlocal (False).
        parameters: names of those that a call may name.
    """

    kind: str
    parent: Scope | None
    bound: set[str] = field(default_factory=set)
    outer: dict[str, bool] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)

    @property
    def is_local(self) -> bool:
        """Is it a function, a lambda or a comprehension?"""
        return self.kind in ("function", "comprehension")

    def owner(self, name: str) -> Scope | None:
        """The scope that a name means which is used here; None for builtins and what is unknown."""
        if self.outer.get(name) is True:
            return self._module()
        if name in self.bound and name not in self.outer:
            return self
        scope = self.parent
        while scope is not None:
            if scope.kind != "class" and name in scope.bound and name not in scope.outer:
                return scope
            if scope.outer.get(name) is True:
                return scope._module()
            scope = scope.parent
        return None

    def _module(self) -> Scope:
        return self if self.parent is None else self.parent._module()

    def function(self) -> Scope:
        """The nearest scope that is no comprehension: there an assignment expression binds."""
        return self if self.kind != "comprehension" or not self.parent else self.parent.function()


@final
class NamePlaces(ast.NodeVisitor):
    """Every place of a name in a tree, with the scope in which it is used.

    Args:
        tree: of a module.
        tokens: of its source, for names that the tree has no place of.
        lines: of its source.
    """

    def __init__(
        self, tree: ast.Module, tokens: Sequence[tokenize.TokenInfo], lines: Sequence[bytes]
    ) -> None:
        self.scope = Scope("module", None)
        self.uses: list[tuple[str, Place, Scope]] = []
        self.keywords: set[str] = set()
        self.used: set[str] = set()
        self.unpacks = False
        self._pins: list[tuple[str, Scope]] = []
        self._lines, self._printed = lines, False
        self._names = [
            (each.string, place_of(each)) for each in tokens if each.type == tokenize.NAME
        ]  # fmt: skip
        self.visit(tree)

    def resolved(self) -> Iterator[tuple[str, Place, Scope | None]]:
        """Each name with its place and the scope that it belongs to."""
        for name, place, scope in self.uses:
            yield name, place, scope.owner(name)

    def pinned(self) -> set[tuple[Scope | None, str]]:
        """The names that something shows at run time, with the scopes that they belong to."""
        return {(scope.owner(name), name) for name, scope in self._pins}

    def _use(self, name: str, place: Place, scope: Scope | None = None) -> None:
        self.uses.append((name, place, scope or self.scope))
        self.used.add(name)
        if self._printed:
            self._pins.append((name, scope or self.scope))

    def _bind(self, name: str, *, pinned: bool = False) -> None:
        self.scope.bound.add(name)
        if pinned:
            self._pins.append((name, self.scope))

    def _find(self, name: str, after: Place) -> None:
        """Note the first place of a name in the text after another; pin it if there is none."""
        place = next(
            (where for word, where in self._names if word == name and where >= after), None
        )
        if place is None:
            self._pins.append((name, self.scope))
        else:
            self._use(name, place)

    def visit_Name(self, node: ast.Name) -> None:
        """A variable."""
        self._use(node.id, (node.lineno, node.col_offset))
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """An assignment expression, which binds outside of comprehensions."""
        function = self.scope.function()
        function.bound.add(node.target.id)
        self._use(node.target.id, (node.target.lineno, node.target.col_offset), function)
        self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A formatted string, in which `{x=}` prints the text of x."""
        for each in node.values:
            if not isinstance(each, ast.FormattedValue):
                continue
            outside = self._printed
            self._printed = outside or self._prints_its_text(each.value)
            self.visit(each.value)
            self._printed = outside
            if each.format_spec is not None:
                self.visit(each.format_spec)

    def _prints_its_text(self, value: ast.expr) -> bool:
        """Does an equals sign follow?"""
        line, column = value.end_lineno or 1, value.end_col_offset or 0
        after = b"".join([self._lines[line - 1][column:], *self._lines[line : line + 9]])
        return after.lstrip(b" \t\f\r\n)").startswith(b"=")

    def visit_keyword(self, node: ast.keyword) -> None:
        """A keyword argument, or a mapping of some."""
        if node.arg is None:
            self.unpacks = True
        else:
            self.keywords.add(node.arg)
        self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function: its name, decorators, defaults and annotations belong outside."""
        self._bind(node.name, pinned=True)
        for each in (*node.decorator_list, node.returns):
            if each is not None:
                self.visit(each)
        self._enter(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A function without a name."""
        self._enter(node.args, [node.body])

    def _enter(self, args: ast.arguments, body: Sequence[ast.AST]) -> None:
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        every += [each for each in (args.vararg, args.kwarg) if each is not None]
        for each in (*args.defaults, *args.kw_defaults, *(arg.annotation for arg in every)):
            if each is not None:
                self.visit(each)
        outside, self.scope = self.scope, Scope("function", self.scope)
        for arg in every:
            self._bind(arg.arg)
            if arg in (*args.args, *args.kwonlyargs):
                self.scope.parameters.add(arg.arg)
            self._use(arg.arg, (arg.lineno, arg.col_offset))
        for statement in body:
            self.visit(statement)
        self.scope = outside

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class, whose own names are attributes."""
        self._bind(node.name, pinned=True)
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(each)
        outside, self.scope = self.scope, Scope("class", self.scope)
        for statement in node.body:
            self.visit(statement)
        self.scope = outside

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
                       ) -> None:  # fmt: skip
        """The first iterable of a comprehension belongs outside."""
        self.visit(node.generators[0].iter)
        outside, self.scope = self.scope, Scope("comprehension", self.scope)
        for number, each in enumerate(node.generators):
            self.visit(each.target)
            if number:
                self.visit(each.iter)
            for condition in each.ifs:
                self.visit(condition)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self.scope = outside

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """An import, which is pinned."""
        for each in node.names:
            self._bind((each.asname or each.name).split(".")[0], pinned=True)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        """A declaration."""
        for name in node.names:
            self.scope.outer[name] = isinstance(node, ast.Global)
            self._find(name, (node.lineno, node.col_offset))

    visit_Nonlocal = visit_Global  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """A caught exception, whose name stands after its type."""
        if node.type is not None:
            self.visit(node.type)
        if node.name is not None and node.type is not None:
            self._bind(node.name)
            self._find(node.name, (node.type.end_lineno or 0, node.type.end_col_offset or 0))
        for statement in node.body:
            self.visit(statement)

    def generic_visit(self, node: ast.AST) -> None:
        """Patterns bind names that have no place of their own, which are pinned."""
        for name in (getattr(node, "name", None), getattr(node, "rest", None)):
            if isinstance(name, str):
                self._bind(name, pinned=True)
        super().generic_visit(node)
