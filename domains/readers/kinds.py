"""Which kind of data a file or folder holds: decided by its first bytes, then by its name."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from grouplearn._checks import refuse
from grouplearn.domains.cifar import cifar_labels
from grouplearn.domains.csv_layouts import is_numeric
from grouplearn.domains.files import refusing_broken_files, uncompressed
from grouplearn.domains.formats import (
    begins_picture,
    binary_format,
    looks_like_words,
    sequence_format,
    text_format,
)
from grouplearn.domains.image_archives import has_image_names
from grouplearn.domains.labelled_images import data_set_form
from grouplearn.domains.numpy_files import NPY_MAGIC, archived_names, archived_shape, numpy_array
from grouplearn.domains.picture_folders import pictures_below
from grouplearn.domains.source_folders import texts_below
from grouplearn.domains.text_samples import are_pairs
from grouplearn.errors import DataError

WHO = "open_data"
KINDS = ("table", "images", "sequence", "tokens")
_FIRST = 1 << 16
_TABLES = {".csv", ".tsv", ".npz", ".parquet"}
_EXPECTED = (
    "a table, images (IDX or .npy), pictures, FASTA, FASTQ, GenBank or EMBL, or a text of tokens"
)
_MOST_AXES = 32


def reject(path: str | Path, expected: str, got: object, remedy: str, who: str) -> NoReturn:
    """Refuse data, with the argument's name as the caller has it."""
    name = f"DATA {str(path)!r}" if who.startswith("grouplearn ") else f"path {str(path)!r}"
    refuse(who, name, expected, got, remedy, DataError)


def recognise(path: Path, who: str = WHO, array: str | None = None) -> str:
    """Say which kind of data a file or folder holds.

    Args:
        path: that exists.
        who: asks, for the error.
        array: which one of an archive is asked for.

    Returns:
        One of `KINDS`.

    Raises:
        DataError: the file is empty, unreadable or cut within its first bytes, or its content is of
            no known kind.
    """
    if path.is_dir():
        return _folder_kind(path, who)
    start = _start(path, who)
    if not start:
        reject(path, "a file with data", "an empty file", "pass another file", who)
    if start.startswith(NPY_MAGIC):
        return "table" if numpy_array(who, path).ndim == 2 else "images"
    if start.startswith(b"PK"):
        return _archive_kind(path, who, array)
    if start.startswith(b"PAR1"):
        return "table"
    return "images" if _is_images(path, start) else _text_kind(path, start, who)


def _is_images(path: Path, start: bytes) -> bool:
    """Is it a batch of CIFAR by its name and size, or IDX?"""
    if path.suffix.lower() == ".bin" and cifar_labels(path) is not None:
        return True
    return start[:2] == b"\0\0" and len(start) > 3 and 1 <= start[3] <= _MOST_AXES


def _folder_kind(folder: Path, who: str) -> str:
    with refusing_broken_files(who, folder):
        images = data_set_form(folder) is not None or pictures_below(folder)
        return "images" if images or not texts_below(folder) else "tokens"


def _archive_kind(path: Path, who: str, array: str | None) -> str:
    """Images, where an archive's array has more than two axes, or its arrays are named so."""
    names = archived_names(path)
    if array is None and len(names) != 1:
        many = has_image_names(path) and len(archived_shape(who, path, _first(names))[1]) > 2
        return "images" if many else "table"
    if not names or (array is not None and array not in names):
        return "table"  # which says what is wrong
    return "table" if len(archived_shape(who, path, array)[1]) <= 2 else "images"


def _first(names: tuple[str, ...]) -> str:
    """The array that seems to hold images."""
    return next(
        (each for each in names if "x" in each.lower() or "image" in each.lower()), names[0]
    )


def _start(path: Path, who: str) -> bytes:
    """The first bytes behind gzip, if any."""
    with refusing_broken_files(who, path), uncompressed(path) as stream:
        return stream.read(_FIRST)


def _text_kind(path: Path, start: bytes, who: str) -> str:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    try:
        # The last character may be cut in the middle.
        text = start.decode("utf-8-sig", "strict" if len(start) < _FIRST else "ignore")
    except UnicodeDecodeError:
        known = start.startswith((b">", b"LOCUS", b"@", b"ID   "))
        text = start.decode("latin-1") if known else "\0"
    if "\0" in text:
        return _binary_kind(path, start, who)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        reject(path, "a file with data", "blanks only", "pass another file", who)
    if len(start) == _FIRST and len(lines) > 1:
        lines.pop()  # cut
    if sequence_format(lines) is not None:
        return "sequence"
    if are_pairs(lines):
        return "tokens"
    known_format = text_format(lines)
    if known_format is not None:
        reject(path, _EXPECTED, known_format,
               f"convert it, or pass {_kind(who, 'tokens')} if words are meant", who)  # fmt: skip
    if suffixes & _TABLES or is_numeric(lines):
        return "table"
    if not looks_like_words(lines):
        reject(path, _EXPECTED, f"a text that begins with {lines[0][:40]!r}",
               f"pass {_kind(who)} if it is one of these", who)  # fmt: skip
    return "tokens"


def _binary_kind(path: Path, start: bytes, who: str) -> str:
    got = binary_format(start)
    if begins_picture(start) or (got is None and cifar_labels(path) is not None):
        return "images"
    reject(path, _EXPECTED, got or f"a file that begins with {start[:8]!r}",
           "convert it, for example to .npy", who)  # fmt: skip


def _kind(who: str, value: str = "") -> str:
    """How the caller passes a kind."""
    if who.startswith("grouplearn "):
        return f"--kind {value}".strip()
    return f"kind={value!r}" if value else "kind"
