"""Corpora of tokens as streams that can be read again: lists, or files line by line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, final

from grouplearn._checks import refuse
from grouplearn.domains.files import checked_path, lines_of, text_of
from grouplearn.errors import DataError

Words: TypeAlias = Sequence[str]
Sample: TypeAlias = tuple[Words, ...]
_WHO = "TokenDomain"
_INPUT, _OUTPUT = "IN:", "OUT:"


@final
@dataclass(frozen=True)
class Corpus:
    """Samples of one side (a sequence) or two (an input and its output).

    Attributes:
        sides: 1 or 2.
        read: starts a pass over the samples.
    """

    sides: int
    read: Callable[[], Iterator[Sample]]


def corpus_of_sequences(sequences: Iterable[Words]) -> Corpus:
    """Return sequences of tokens as a corpus.

    Args:
        sequences: lists of tokens.

    Returns:
        The corpus; samples have one side.

    Raises:
        InputError: no sequences, an empty one, or something else than lists of str.
    """
    samples = [(checked,) for checked in _checked("sequences", sequences)]
    return Corpus(1, lambda: iter(samples))


def corpus_of_pairs(inputs: Iterable[Words], outputs: Iterable[Words]) -> Corpus:
    """Return inputs and outputs as a corpus.

    Args:
        inputs: lists of tokens.
        outputs: as many lists of tokens.

    Returns:
        The corpus; samples have two sides.

    Raises:
        InputError: their numbers differ, or as `corpus_of_sequences`.
    """
    left, right = _checked("inputs", inputs), _checked("outputs", outputs)
    if len(left) != len(right):
        refuse(
            f"{_WHO}.from_pairs",
            "outputs",
            f"as many as the inputs, {len(left)}",
            len(right),
            "pass one output for each input",
        )
    samples = list(zip(left, right, strict=True))
    return Corpus(2, lambda: iter(samples))


def corpus_of_file(path: str | os.PathLike[str]) -> Corpus:
    """Return a text file as a corpus: tokens between blanks, one sample on each line.

    A file whose first line begins with "IN:" holds pairs, "IN: ... OUT: ..."; others hold one
    sequence on each line. Empty lines are left out. The file is read anew in each pass.

    Args:
        path: plain or gzip.

    Returns:
        The corpus.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, cut, or a line is no pair among pairs.
    """
    file = checked_path(f"{_WHO}.from_file", path)
    first = next(_lines(file), None)
    if first is None:
        _refuse_line(file, "a text file with tokens", "none", "pass a file that is not empty")
    sides = 2 if first[1][0] == _INPUT else 1
    return Corpus(sides, lambda: _file_samples(file, sides))


def corpus_of_two_files(inputs: str | os.PathLike[str], outputs: str | os.PathLike[str]) -> Corpus:
    """Return two text files as a corpus: line i of one pairs with line i of the other.

    Args:
        inputs: plain or gzip, tokens between blanks, one sample on each line.
        outputs: alike.

    Returns:
        The corpus; samples have two sides.

    Raises:
        InputError: an argument is not a path.
        DataError: a file is missing, unreadable, empty or cut, or their numbers of lines differ.
    """
    files = tuple(checked_path(f"{_WHO}.from_files", path) for path in (inputs, outputs))

    def read() -> Iterator[Sample]:
        left, right = (_lines(file) for file in files)
        for number, words in left:
            other = next(right, None)
            if other is None or other[0] != number:
                _refuse_line(
                    files[1], f"paired line by line with {files[0].name!r}",
                    f"no line {number}" if other is None else f"line {other[0]} for {number}",
                    "pass files with as many lines",
                )  # fmt: skip
            yield words, other[1]
        for number, _ in right:
            _refuse_line(
                files[0], f"paired line by line with {files[1].name!r}", f"no line {number}",
                "pass files with as many lines",
            )  # fmt: skip

    return Corpus(2, read)


def count_tokens(corpus: Corpus) -> Counter[tuple[int, str]]:
    """Count the tokens of a corpus, those of each side apart.

    Args:
        corpus: with at least one sample.

    Returns:
        How often each (side, token) occurs.
    """
    counts: Counter[tuple[int, str]] = Counter()
    for sample in corpus.read():
        for side, words in enumerate(sample):
            counts.update((side, word) for word in words)
    return counts


def _checked(argument: str, given: Any) -> list[Words]:
    """Lists of tokens as they are, if that is what they are."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        _refuse(argument, type(given).__name__)
    samples = list(given)
    if not samples:
        _refuse(argument, "none")
    for number, words in enumerate(samples):
        if isinstance(words, str) or not isinstance(words, Sequence):
            _refuse(argument, f"{words!r} as item {number}")
        if not words:
            _refuse(argument, f"an empty list as item {number}")
        for word in words:
            if not isinstance(word, str) or not word:
                _refuse(argument, f"{word!r} as a token of item {number}")
    return samples


def _refuse(argument: str, got: str) -> NoReturn:
    refuse(
        _WHO,
        argument,
        "lists of tokens, each a list of non-empty str",
        got,
        "split the text first, for example with line.split()",
    )


def _refuse_line(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(file)!r}", expected, got, remedy, DataError)


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The number and the tokens of each line that has any."""
    with text_of(_WHO, file) as text:
        for number, line in enumerate(lines_of(_WHO, file, text), 1):
            if words := line.split():
                yield number, words


def _file_samples(file: Path, sides: int) -> Iterator[Sample]:
    for number, words in _lines(file):
        if sides == 1:
            yield (words,)
            continue
        middle = words.index(_OUTPUT) if _OUTPUT in words else 0
        if words[0] != _INPUT or not 1 < middle < len(words) - 1:
            _refuse_line(
                file,
                "lines 'IN: tokens OUT: tokens'",
                f"{' '.join(words)!r} on line {number}",
                "the file may be cut: download it again",
            )
        yield words[1:middle], words[middle + 1 :]
