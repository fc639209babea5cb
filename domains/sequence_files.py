"""Reading biological sequences as a stream: FASTA or GenBank, plain or gzip."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.files import checked_path, text_of
from grouplearn.errors import DataError

Source: TypeAlias = str | os.PathLike[str] | Iterable[str]
_WHO = "read_sequences"
_LONGEST_NAME = 4096  # of a path, in bytes, on common systems


def read_sequences(path: str | os.PathLike[str]) -> Iterator[str]:
    r"""Read the sequences of a FASTA or GenBank file, one record after the other.

    The first letters decide which of the two formats it is, and whether gzip stands before it.

    Args:
        path: a file, plain or gzip.

    Yields:
        The letters of each record.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, cut, or of another format, or a record
            has no sequence.
        MissingExtraError: Biopython is absent; the extra `sequences` brings it.

    Cost:
        Linear time; the memory of the longest record.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "two.fa"
        >>> _ = file.write_text(">one\nACGT\nAC\n>two\nTTT\n")
        >>> list(read_sequences(file))
        ['ACGTAC', 'TTT']
    """
    file = checked_path(_WHO, path)
    with text_of(_WHO, file) as text:
        start = _start(text)
        if start.startswith(">"):
            records = _fasta(text)
        elif start.startswith("LOCUS"):
            records = _genbank(file, text)
        else:
            found = f"one that begins with {start!r}" if start else "an empty file"
            _reject(file, "a FASTA or GenBank file, plain or gzip", found, "convert it to FASTA")
        for name, letters in records:
            if not letters:
                _reject(
                    file,
                    "a file of whole records",
                    f"record {name!r} without a sequence",
                    "the file may be cut: download it again",
                )
            yield letters


def sequences_of(source: Source) -> Iterator[str]:
    """Return the sequences that a source names: a path, letters, or several sequences.

    Args:
        source: a path, or a str that names an existing file; else a str is one sequence; else an
            iterable of sequences.

    Yields:
        The letters of each sequence.

    Raises:
        InputError: `source` is neither, or empty.
        DataError: as `read_sequences`.

    Example:
        >>> list(sequences_of("ACGT")), list(sequences_of(["AC", "GT"]))
        (['ACGT'], ['AC', 'GT'])
    """
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _names_a_file(source)):
        yield from read_sequences(source)
        return
    parts = [source] if isinstance(source, str) else source
    if not isinstance(parts, Iterable):
        _refuse_source(type(source).__name__)
    number = -1
    for number, part in enumerate(parts):
        if not isinstance(part, str):
            _refuse_source(f"{type(part).__name__} as item {number}")
        if not part.strip():
            _refuse_source(f"an empty sequence as item {number}")
        yield "".join(part.split())
    if number < 0:
        _refuse_source("no sequence")


def _names_a_file(text: str) -> bool:
    """Does the text name an existing file, or look like a path rather than like letters?"""
    if not text or len(text) > _LONGEST_NAME or "\0" in text or "\n" in text:
        return False
    try:
        return Path(text).is_file() or "/" in text or os.sep in text or bool(Path(text).suffix)
    except OSError:
        return False


def _refuse_source(got: str) -> NoReturn:
    refuse(
        "SequenceDomain",
        "source",
        "letters, an iterable of such str, or the path of a FASTA or GenBank file",
        got,
        "pass at least one non-empty sequence",
    )


def _reject(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(file)!r}", expected, got, remedy, DataError)


def _start(text: io.TextIOBase) -> str:
    """The first letters that are no blanks; the stream is put back there."""
    text.seek(0)
    begin = text.read(1 << 12)
    text.seek(0)
    return begin.lstrip()[:12]


def _fasta(text: io.TextIOBase) -> Iterator[tuple[str, str]]:
    return iter(optional_import("Bio.SeqIO.FastaIO", "sequences").SimpleFastaParser(text))


def _genbank(file: Path, text: io.TextIOBase) -> Iterator[tuple[str, str]]:
    """Records of a GenBank file; one that is shorter than its head declares is refused."""
    bio = optional_import("Bio.SeqIO", "sequences")
    records = bio.parse(text, "genbank")
    while True:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore")
                warnings.filterwarnings("error", message="Expected sequence length")
                record = next(records)
            letters = str(record.seq)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise
        except (
            ValueError,
            Warning,
            optional_import("Bio.Seq", "sequences").UndefinedSequenceError,
        ) as problem:
            _reject(
                file, "a whole GenBank file", f"a broken record ({problem})", "download it again"
            )
        yield record.id, letters
