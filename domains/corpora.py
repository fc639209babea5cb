"""Corpora of tokens as streams that can be read again: lists, or files line by line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, final

from grouplearn._checks import refuse
from grouplearn.domains.files import checked_path, lines_of, text_of
from grouplearn.domains.text_samples import HEAD_LINES, Sample, TextLayout, Words, text_layout
from grouplearn.errors import DataError

_WHO = "TokenDomain"


@final
@dataclass(frozen=True)
class Corpus:
    """Samples of one side (a sequence) or two (an input and its output).

    Attributes:
        sides: 1 or 2.
        read: starts a pass over the samples.
        words: what they are, in words.
    """

    sides: int
    read: Callable[[], Iterator[Sample]]
    words: str = ""


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
    return Corpus(1, lambda: iter(samples), f"{len(samples):,} sequences of tokens")


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
    return Corpus(2, lambda: iter(samples), f"{len(samples):,} pairs of an input and an output")


def corpus_of_samples(samples: Iterable[Any], sides: int) -> Corpus:
    """Return sequences, or (input, output) pairs, as a corpus.

    Args:
        samples: lists of tokens, or pairs of them.
        sides: 1 for sequences, 2 for pairs.

    Returns:
        The corpus.

    Raises:
        InputError: as `corpus_of_sequences`, or a sample is no pair.
    """
    if sides == 1:
        return corpus_of_sequences(samples)
    pairs = list(samples)
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            refuse(_WHO, "samples", "(input, output) pairs", f"{pair!r} as item {number}",
                   "pass pairs of lists of tokens")  # fmt: skip
    return corpus_of_pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def corpus_of_file(path: str | os.PathLike[str]) -> Corpus:
    """Return a text file as a corpus: tokens between blanks, one sample on each line.

    The first 50 lines decide. Lines "IN: ... OUT: ..." are pairs, and so are lines with one tab
    between two texts, of which the first may be titles such as input and output. Lines of JSON
    hold pairs where each is an object or a list of two texts, sequences where it is a list of
    tokens or an object with one text. Other lines are one sequence each. Empty lines are left out.
    The file is read anew in each pass.

    Args:
        path: plain or gzip.

    Returns:
        The corpus.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, cut, or a line has another form.
    """
    file, layout = _opened(path)
    return Corpus(
        layout.sides, lambda: (each for _, each in _file_samples(file, layout)), layout.words
    )


def inputs_of_file(path: str | os.PathLike[str]) -> list[tuple[int, Words]]:
    """Return the inputs in a text file, each with the number of its line.

    Args:
        path: as for `corpus_of_file`; of pairs the inputs are taken, of sequences all.

    Raises:
        InputError: `path` is not a path.
        DataError: as `corpus_of_file`.
    """
    file, layout = _opened(path)
    return [(number, sample[0]) for number, sample in _file_samples(file, layout)]


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
            yield words.split(), other[1].split()
        for number, _ in right:
            _refuse_line(
                files[0], f"paired line by line with {files[1].name!r}", f"no line {number}",
                "pass files with as many lines",
            )  # fmt: skip

    return Corpus(2, read, "pairs of the lines of two files")


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


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The number and the text of each line that is not empty."""
    with text_of(_WHO, file) as text:
        for number, line in enumerate(lines_of(_WHO, file, text), 1):
            if line.strip():
                yield number, line


def _opened(path: str | os.PathLike[str]) -> tuple[Path, TextLayout]:
    """A file, and how its lines hold samples."""
    file = checked_path(f"{_WHO}.from_file", path)
    head = [line for _, line in islice(_lines(file), HEAD_LINES)]
    if not head:
        _refuse_line(file, "a text file with tokens", "none", "pass a file that is not empty")
    return file, text_layout(head)


def _file_samples(file: Path, layout: TextLayout) -> Iterator[tuple[int, Sample]]:
    for count, (number, line) in enumerate(_lines(file)):
        if layout.titles and count == 0:
            continue
        sample = layout.sample(line)
        if sample is None:
            got = f"{' '.join(line.split())!r} on line {number}"
            remedy = "the file may be cut: download it again"
            _refuse_line(file, f"lines {layout.form}", got, remedy)
        yield number, sample
