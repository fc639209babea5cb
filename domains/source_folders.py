"""Folders of texts and of source code as a corpus: words and signs, one sample on each line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from grouplearn._checks import refuse
from grouplearn.domains.corpora import Corpus, corpus_of_file
from grouplearn.domains.files import checked_path, lines_of, refusing_broken_files, text_of
from grouplearn.domains.text_samples import Sample
from grouplearn.errors import DataError

SUFFIXES = frozenset((
    ".asm", ".bash", ".c", ".cc", ".cl", ".clj", ".cpp", ".cs", ".css", ".cu", ".cxx", ".dart",
    ".el", ".erl", ".ex", ".f", ".f90", ".for", ".go", ".h", ".hh", ".hpp", ".hs", ".html",
    ".java", ".jl", ".js", ".jsx", ".kt", ".lean", ".lisp", ".lua", ".m", ".md", ".ml", ".mli",
    ".nim", ".pas", ".php", ".pl", ".pm", ".ps1", ".py", ".pyi", ".r", ".rb", ".rs", ".rst",
    ".scala", ".scm", ".sh", ".sql", ".swift", ".tex", ".ts", ".tsx", ".txt", ".v", ".vb", ".vhd",
    ".zig",
))  # fmt: skip
_WHO = "corpus_of_folder"
_TOKEN = re.compile(r"\w+|[^\w\s]")


def texts_below(folder: Path) -> list[Path]:
    """Return the texts and the source code in a folder and its folders, hidden ones left out."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def corpus_of_path(path: str | os.PathLike[str]) -> Corpus:
    """Return a text file, as `corpus_of_file`, or a folder, as `corpus_of_folder`, as a corpus."""
    found = checked_path("TokenDomain.from_file", path)
    return corpus_of_folder(found) if found.is_dir() else corpus_of_file(found)


def corpus_of_folder(path: str | Path) -> Corpus:
    """Return a folder of source code or other texts as a corpus.

    A line is a sample; its tokens are words, numbers among them, and single signs. Files are read
    anew in each pass, those with suffixes of texts and programming languages.

    Args:
        path: the folder.

    Returns:
        The corpus; samples have one side.

    Raises:
        InputError: `path` is not a path.
        DataError: it is no folder, it has no such file, or one of them is unreadable or no UTF-8.
    """
    folder = checked_path(_WHO, path)
    with refusing_broken_files(_WHO, folder):
        files = texts_below(folder) if folder.is_dir() else []
    if not any(True for file in files for _ in _samples(file)):
        refuse(_WHO, f"path {str(folder)!r}", "a folder with source code or other texts in it",
               "none" if folder.is_dir() else "no folder", "pass another folder",
               DataError)  # fmt: skip

    def read() -> Iterator[Sample]:
        for file in files:
            yield from _samples(file)

    return Corpus(1, read, f"the lines of {len(files):,} files, in words and signs")


def _samples(file: Path) -> Iterator[Sample]:
    with text_of(_WHO, file) as text:
        for line in lines_of(_WHO, file, text):
            if words := _TOKEN.findall(line):
                yield (words,)
