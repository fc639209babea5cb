"""Renaming of Python against the interpreter: programs run alike, and bytecode differs in names."""

from __future__ import annotations

import inspect
import symtable
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouplearn.domains.python_names import PythonNames, canonical_words, functions_in
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful

PROGRAMS = {
    "closure": """
def run(a, b):
    total = a
    def add(a):
        nonlocal total
        total += a + b
        return total
    return [add(x) for x in range(3)], total
""",
    "comprehension": """
def run(a, b):
    rows = [[x * y for x in range(a)] for y in range(b)]
    return {k: [v for v in row if v] for k, row in enumerate(rows)}, sum(x for x in range(b))
""",
    "walrus and lambda": """
def run(a, b):
    f = lambda x, y=a: (z := x + y) and z * b
    big = [q for p in range(5) if (q := p * p) > a]
    return f(b), f(1, y=2), big, q
""",
    "exception": """
def run(a, b):
    try:
        return a // (b - b)
    except ZeroDivisionError as error:
        word = str(error)
    else:
        word = ''
    finally:
        a = b
    return word, a
""",
    "strings": """
def run(a, b):
    who = {'a': a}
    return f"{a} and {b!r:>4} {who['a'] + b} {{a}}", "a b who"
""",
    "printed names": """
def run(a, b):
    wide, x, y, z = 9, a, b, a + b
    return f"{x=} {y + (z) = } a={a!r} {[x for x in range(y)]=}" f'{ (x) =:>{wide}} {a}={b}'
""",
    "imports outside": """
def run(a, b):
    json = None
    def g():
        nonlocal json
        import json
        return json.dumps([a, b])
    word = g()
    return word, json.__name__
""",
    "separators": "def run(a, b):\n    text = 'x\u2028y\x0cz'\n\x0c\n    return text, a, b\n",
    "carriage returns": "def run(a, b):\r    c = a\r\n    d = b\r    return c, d\r\n",
    "module names": """
LIMIT = 3
import math
def helper(a, LIMIT=LIMIT):
    global COUNT
    COUNT = a
    return a + LIMIT + math.floor(1.5)
def run(a, b):
    COUNT_ = b
    return helper(a, LIMIT=b), COUNT + COUNT_, helper.__name__
""",
    "class": """
def run(a, b):
    class Point:
        x = a
        def __init__(self, x, y):
            self.x, self.y = x, y
        def moved(self, dx):
            return Point(self.x + dx, self.y)
    p = Point(a, b).moved(b)
    return p.x, p.y, Point.x, type(p).__name__
""",
    "stars": """
def run(a, b):
    def many(first, *rest, key=None, **others):
        return first, rest, key, sorted(others.items())
    first, *rest = range(a, a + 4)
    with_key = {'key': b, 'other': first}
    for i, (u, v) in enumerate(zip(rest, rest[1:])):
        with_key[f"k{i}"] = u - v
    del i
    return many(*rest, **with_key), many(first=a)
""",
    "generator": """
def run(a, b):
    def count(n):
        while n:
            got = yield n
            n -= 1 if got is None else got
    gen = count(a + 4)
    return next(gen), gen.send(b), list(gen)
""",
}  # fmt: skip
POOL = [*"abcdefgxyz", "total", "rest", "first", "LIMIT_", "größe", "name_0", "self_", "κ"]


def result(source: str, arguments: tuple[int, int]) -> Any:
    scope: dict[str, Any] = {}
    exec(compile(source, "program", "exec"), scope)
    return scope["run"](*arguments)


@pytest.mark.parametrize("program", list(PROGRAMS))
@settings(max_examples=30)
@given(order=st.permutations(POOL), a=st.integers(1, 4), b=st.integers(1, 4))
def test_renamed_programs_compute_the_same(program: str, order: list[str], a: int, b: int) -> None:
    """Whatever names slots get, also those of other slots."""
    source = PROGRAMS[program]
    names = PythonNames(source)
    assert len(names.slots) > 2
    free = [name for name in order if name not in names.taken()]
    new = [*free, *(f"slot_{k}" for k in range(len(names.slots)))][: len(names.slots)]
    renamed = names.renamed(new)
    assert result(renamed, (a, b)) == result(source, (a, b))
    back = PythonNames(renamed)
    assert [slot.name for slot in back.slots] == new
    assert canonical_words(back, 50) == canonical_words(names, 50)
    assert back.taken() - set(new) == names.taken() - set(new)


@pytest.mark.parametrize(
    ("source", "slots"),
    [
        ("def f(x): return x.x + g(x=x)", []),
        ("def f(x, y): return f'{x=} {y}'", ["y"]),
        ("def f(x, y): return f'x={x!r} {x == y}'", ["x", "y"]),
        ("def f(x, y): return f'{y:{x=}}'", ["y"]),
        ("def f():\n a = 1\n def g():\n  nonlocal a\n  import a\n  return a\n return g", []),
        ("def f():\n b = 1\n def g():\n  global b\n  import b\n return b", ["b"]),
        ("def f(x): return x.x + g(y=x)", ["x"]),
        ("x = 1\ny = x", []),
        ("def f():\n    import os\n    return os", []),
        ("def f(a):\n    return locals()", []),
        ("def f(a):\n    def g(): return a\n    class C: b = a\n    return g", ["a"]),
        ("class C:\n    def m(self, __y): return self.x", ["self"]),
        ("def f(len): return len", ["len"]),
        ("def f(a):\n    global b\n    b = a", ["a"]),
        ("def f(a):\n    match a:\n        case [b, *c]: return b, c\n", ["a"]),
        ("[i for i in range(3)]", ["i"]),
        ("def f(a: int = b) -> c: ...", ["a"]),
        ("f = lambda *a, **k: (a, k)", ["a", "k"]),
        ("def f(a, /, b, *c): return g(**h)", ["a", "c"]),
    ],
)
def test_what_is_a_slot(source: str, slots: list[str]) -> None:
    assert [slot.name for slot in PythonNames(source).slots] == slots


def test_canonical_words_forget_names_alone() -> None:
    one = "def f(total):\n    # add\n    return total + other.total\n"
    assert canonical_words(PythonNames(one), 9) == [
        "def", "f", "(", "<0>", ")", ":", "return", "<0>", "+", "other", ".", "total",
    ]  # fmt: skip
    assert canonical_words(PythonNames("lambda a, b, c: c"), 2)[-1] == "<1>"


def test_wrong_names_are_refused() -> None:
    names = PythonNames("def f(a, b): return a + len(b)")
    wrong = {"x": "2 different", "x x": "2 different", "x 1": "'1'", "len x": "'len'",
             "if x": "'if'", "f x": "'f'"}  # fmt: skip
    for new, part in wrong.items():
        with pytest.raises(InputError) as problem:
            names.renamed(new.split())
        assert is_helpful(problem, "names must be", part)
    assert names.renamed(["b", "a"]) == "def f(b, a): return b + len(a)"


@pytest.mark.parametrize("source", ["def f(:", "x = '\x00'", "  a\nb", "(" * 300 + ")" * 300])
def test_what_does_not_parse_is_refused(source: str) -> None:
    with pytest.raises(DataError) as problem:
        PythonNames(source, "wrong.py")
    assert is_helpful(problem, "Python that parses", "wrong.py")


def test_what_is_too_deep_is_refused() -> None:
    source = "def f(x): return " + "-" * 400 + "x"
    depth = sys.getrecursionlimit()
    names = PythonNames(source, "deep.py")
    try:
        sys.setrecursionlimit(len(inspect.stack(0)) + 200)
        with pytest.raises(DataError) as problem:
            _ = names.slots
    finally:
        sys.setrecursionlimit(depth)
    assert is_helpful(problem, "less deeply nested, got deep.py")


def test_there_is_a_word_for_slots() -> None:
    with pytest.raises(InputError) as problem:
        canonical_words(PythonNames("lambda x: x"), 0)
    assert is_helpful(problem, "canonical_words: most must be an integer >= 1, got 0")


def library() -> Iterator[str]:
    for file in ("argparse", "bisect", "csv", "functools", "heapq", "random", "shlex", "textwrap"):
        path = Path(sysconfig.get_path("stdlib")) / f"{file}.py"
        yield from functions_in(path.read_text(encoding="utf-8"), path.name)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from codes(each)


def locals_of(table: symtable.SymbolTable) -> set[str]:
    """What the interpreter takes for names of functions, without imports."""
    mine: set[str] = set()
    if isinstance(table, symtable.Function):
        mine = {each.get_name() for each in table.get_symbols()
                if each.is_local() and not each.is_imported()}  # fmt: skip
    return mine.union(*(locals_of(child) for child in table.get_children()), set())


def test_functions_of_the_library_keep_their_bytecode() -> None:
    """Instructions of functions without cells hold indices of names, and so stay as they are."""
    compared = 0
    for source in library():
        names = PythonNames(source)
        renamed = names.renamed([f"name_{k}" for k in range(len(names.slots))])
        pairs = zip(codes(compile(source, "f", "exec")), codes(compile(renamed, "f", "exec")),
                    strict=True)  # fmt: skip
        for before, after in pairs:
            assert len(before.co_varnames) == len(after.co_varnames)
            assert before.co_names == after.co_names
            if not (before.co_cellvars or before.co_freevars):
                assert before.co_code == after.co_code
                compared += 1
        known = locals_of(symtable.symtable(source, "f", "exec"))
        assert {slot.name for slot in names.slots} <= known
        assert canonical_words(PythonNames(renamed), 99) == canonical_words(names, 99)
    assert compared > 300


def test_methods_are_functions_of_their_own() -> None:
    source = "class C:\n    def m(self):\n        return 1\n\ndef f(): return 2\n"
    own = ["def m(self):\n    return 1\n", "def f(): return 2\n"]
    assert functions_in(source) == own
    assert functions_in("'\u2028'\n\x0c\n" + source.replace("    def", "\x0c    def")) == own


def test_a_hundred_names_and_more() -> None:
    variables = [f"variable{k}" for k in range(150)]
    source = f"def f({', '.join(variables)}):\n    return [{', '.join(variables[::-1])}]\n"
    names = PythonNames(source)
    other = PythonNames(names.renamed(variables[::-1]))
    assert other.source != source
    words = canonical_words(names, 200)
    assert words == canonical_words(other, 200)
    assert len(set(words)) > 150
