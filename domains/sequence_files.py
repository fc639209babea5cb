"""Reading biological sequences as a stream: FASTA, FASTQ, GenBank, EMBL or bare letters."""

from __future__ import annotations

import io
import os
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar, final

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.files import (
    GZIP_MAGIC,
    MOST_BYTES,
    checked_path,
    lines_of,
    most_bytes,
    refusing_broken_files,
    text_of,
)
from grouplearn.domains.formats import LEAST_LETTERS, sequence_format, text_format
from grouplearn.errors import DataError

Source: TypeAlias = str | os.PathLike[str] | Iterable[Any]
_WHO = "read_sequences"
_FIRST = 1 << 14
_PART, _LINE = 4, 50
"""A record may take a quarter of `most_bytes`, at 50 bytes for each line beside its letters."""
_Record = TypeVar("_Record")
_BGZIP_END = 14
_REASONS = {
    "FASTA": "FASTA, as the first line begins with '>'",
    "GenBank": "GenBank, as the first line begins with LOCUS",
    "EMBL": "EMBL, as the first line begins with ID",
    "FASTQ": "FASTQ, as the first lines begin with '@' and '+'",
    "letters": "one on each line, as these are letters alone",
}
_LETTERS = re.compile(r"[A-Za-z*-]+")
_LONGEST_NAME = 4096  # of a path, in bytes, on common systems


def read_sequences(path: str | os.PathLike[str]) -> Iterator[str]:
    r"""Read the sequences of a FASTA, FASTQ, GenBank or EMBL file, one record after the other.

    The first lines decide which format it is, and whether gzip stands before it. A file of bare
    letters, of nucleotides or amino acids, has a sequence on each line. Names may be in any
    encoding; lines of FASTA that begin with ";" are comments.

    Args:
        path: a file, plain or gzip.

    Yields:
        The letters of each record.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, cut, or of another format, or a record
            has no sequence, or takes more than a quarter of the memory that data may.
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
    return (record.letters for record in read_records(path))


@final
class Record(NamedTuple):
    """One sequence of a file.

    Attributes:
        name: what the file calls it; of bare letters, the line.
        letters: of the sequence.
    """

    name: str
    letters: str


def read_records(path: str | os.PathLike[str]) -> Iterator[Record]:
    r"""Read the sequences of a file as `read_sequences` does, each with its name.

    Args:
        path: as for `read_sequences`.

    Yields:
        The records; of FASTA and FASTQ, names end at the first blank.

    Raises:
        InputError: as `read_sequences`.
        DataError: as `read_sequences`.
        MissingExtraError: as `read_sequences`.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "one.fa"
        >>> _ = file.write_text(">chr1 of a yeast\nACGT\n")
        >>> list(read_records(file))
        [Record(name='chr1', letters='ACGT')]
    """
    file = checked_path(_WHO, path)
    with text_of(_WHO, file, errors="replace") as text:
        lines = _first_lines(text)
        kind = sequence_format(lines) if lines else None
        if kind is None and lines and text_format(lines) is None and _are_letters(lines):
            kind = "letters"
        if kind is None:
            got = text_format(lines) or f"one that begins with {lines[0][:12]!r}" if lines else ""
            _reject(file, "a FASTA, FASTQ, GenBank or EMBL file, plain or gzip",
                    got or "an empty file", "convert it to FASTA")  # fmt: skip
        if kind in ("GenBank", "EMBL"):
            records = _annotated(file, text, kind)
        else:
            records = {"FASTA": _fasta, "FASTQ": _fastq, "letters": _bare}[kind](file, text)
        for title, letters in records:
            name = (title.split() or [""])[0] if kind in ("FASTA", "FASTQ") else title
            if not letters:
                _reject(file, "a file of whole records", f"record {name!r} without a sequence",
                        "the file may be cut: download it again")  # fmt: skip
            if not letters.isascii():
                _reject(file, "a file of ASCII letters", f"no UTF-8 or others in record {name!r}",
                        "the file may be corrupt: download it again")  # fmt: skip
            yield Record(name, letters)


def holds_sequences(path: Path) -> bool:
    """Does a file begin as FASTA, FASTQ, GenBank, EMBL or bare letters do?

    Args:
        path: plain or gzip.

    Raises:
        DataError: it is missing or unreadable.
    """
    with text_of(_WHO, path, errors="replace") as text:
        lines = _first_lines(text)
    return bool(lines) and (sequence_format(lines) is not None or _are_letters(lines))


@final
@dataclass(frozen=True)
class SequenceFile:
    """The sequences of a file, read anew each time they are iterated.

    Attributes:
        path: of a file that `read_sequences` takes.
    """

    path: Path

    def __iter__(self) -> Iterator[str]:
        """Yield the letters of each record."""
        return read_sequences(self.path)

    @property
    def said(self) -> str:
        """What the file was taken for, and why."""
        with refusing_broken_files(_WHO, self.path), self.path.open("rb") as raw:
            start = raw.read(_BGZIP_END)
        packed = start.startswith(GZIP_MAGIC)
        kind = "bgzip" if packed and start.endswith(b"BC") else "gzip" if packed else "plain"
        with text_of(_WHO, self.path, errors="replace") as text:
            lines = _first_lines(text)
        form = sequence_format(lines) if lines else None
        return f"sequences, {_REASONS[form or 'letters']}; {kind}"


def sequences_of(source: Source) -> Iterator[str]:
    """Return the sequences that a source names: a path, letters, or several sequences.

    Args:
        source: a path, or a str that names an existing file; else a str is one sequence, as is
            Biopython's `Seq` or `SeqRecord`; else an iterable of sequences, or of paths.

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
    given: Any = source
    parts = [given] if isinstance(given, str) or is_biopythons(given) else given
    if not isinstance(parts, Iterable) or isinstance(parts, (bytes, bytearray)):
        _refuse_source(type(source).__name__)
    number = -1
    for number, part in enumerate(parts):
        if isinstance(part, os.PathLike) or (
            isinstance(part, str) and not part.isalpha() and _names_a_file(part, existing=True)
        ):
            yield from read_sequences(part)
            continue
        letters = _letters_of(part)
        if letters is None:
            _refuse_source(f"{type(part).__name__} as item {number}")
        if not letters.strip():
            _refuse_source(f"an empty sequence as item {number}")
        yield "".join(letters.split())
    if number < 0:
        _refuse_source("no sequence")


def is_biopythons(part: Any) -> bool:
    """Is it a Seq or a SeqRecord?"""
    return hasattr(getattr(part, "seq", part), "reverse_complement")


def _letters_of(part: Any) -> str | None:
    """The letters of a str, a Seq or a SeqRecord; None of anything else."""
    if isinstance(part, str):
        return part
    if not is_biopythons(part):
        return None
    try:
        return str(getattr(part, "seq", part))
    except (TypeError, ValueError):  # a length without letters
        return ""


def _are_letters(lines: Sequence[str]) -> bool:
    """Is each of the lines a sequence of letters, perhaps with gaps and stops?"""
    return all(map(_LETTERS.fullmatch, lines)) and max(map(len, lines)) >= LEAST_LETTERS


def _names_a_file(text: str, *, existing: bool = False) -> bool:
    """Does the text name an existing file, or look like a path rather than like letters?"""
    if not text or len(text) > _LONGEST_NAME or "\0" in text or "\n" in text:
        return False
    try:
        alike = "/" in text or os.sep in text or bool(Path(text).suffix)
        return Path(text).is_file() or (alike and not existing)
    except OSError:
        return False


def _refuse_source(got: str) -> NoReturn:
    refuse(
        "SequenceDomain",
        "source",
        "letters, an iterable of such str, or the path of a FASTA, FASTQ, GenBank or EMBL file",
        got,
        "pass at least one non-empty sequence",
    )


def _reject(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(file)!r}", expected, got, remedy, DataError)


def _first_lines(text: io.TextIOBase) -> list[str]:
    """The first lines that are not empty, stripped; the stream is put back at its beginning."""
    text.seek(0)
    begin = text.read(_FIRST)
    text.seek(0)
    lines = [line.strip() for line in begin.splitlines() if line.strip()]
    return lines[:-1] if len(begin) == _FIRST and len(lines) > 1 else lines


@final
class _Lines(io.TextIOBase):
    """Lines for parsers that keep those of a record: a longer one than there is room is refused."""

    def __init__(self, file: Path, text: io.TextIOBase) -> None:
        self.file, self.lines = file, lines_of(_WHO, file, text)
        self.taken, self.most = 0, most_bytes() // _PART

    def read(self, _: int | None = -1, /) -> str:
        """Nothing: parsers read nothing to see that this is text."""
        return ""

    def readline(self, _: int | None = -1, /) -> str:  # type: ignore[override]
        """The next line, empty at the end."""
        line = next(self.lines, "")
        self.taken += len(line) + _LINE
        if self.taken > self.most:
            _reject(self.file, f"of records of at most {self.most:,} bytes in memory",
                    "a longer one", f"cut it, or set {MOST_BYTES}")  # fmt: skip
        return line

    def __next__(self) -> str:  # type: ignore[override]
        if not (line := self.readline()):
            raise StopIteration
        return line

    def records(self, parsed: Iterable[_Record]) -> Iterator[_Record]:
        """Records that a parser makes of the lines; each begins to count anew."""
        for record in parsed:
            yield record
            self.taken = 0


def _fasta(file: Path, text: io.TextIOBase) -> Iterator[tuple[str, str]]:
    """Records of a FASTA file."""
    lines = _Lines(file, text)
    kept = (line for line in lines if not line.startswith(";"))
    parse = optional_import("Bio.SeqIO.FastaIO", "sequences").SimpleFastaParser
    return lines.records(parse(kept))


def _fastq(file: Path, text: io.TextIOBase) -> Iterator[tuple[str, str]]:
    parse = optional_import("Bio.SeqIO.QualityIO", "sequences").FastqGeneralIterator
    lines = _Lines(file, text)
    try:
        yield from ((name, letters) for name, letters, _ in lines.records(parse(lines)))
    except DataError:
        raise
    except ValueError as problem:
        _reject(file, "a whole FASTQ file", f"a broken record ({problem})", "download it again")


def _bare(file: Path, text: io.TextIOBase) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines_of(_WHO, file, text), 1):
        if line.strip():
            yield f"on line {number}", line.strip()


def _annotated(file: Path, text: io.TextIOBase, kind: str) -> Iterator[tuple[str, str]]:
    """Records of GenBank or EMBL; one that is shorter than its head declares is refused."""
    lines = _Lines(file, text)
    records = lines.records(optional_import("Bio.SeqIO", "sequences").parse(lines, kind.lower()))
    count = 0
    while True:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore")
                warnings.filterwarnings("error", message="Expected sequence length")
                record = next(records)
            letters = str(record.seq)
        except StopIteration:
            break
        except (DataError, OSError, EOFError, zlib.error):
            raise  # of gzip: the caller says it
        except Exception as problem:  # a parser of free text fails in many ways
            _reject(file, f"a whole {kind} file", f"a broken record ({problem})",
                    "download it again")  # fmt: skip
        count += 1
        yield record.id, letters
    if not count:
        _reject(file, f"in {kind} format, with records", "none",
                "separate the words of the first line by blanks")  # fmt: skip
