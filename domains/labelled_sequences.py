"""Sequences with classes: a file for each class, one file with names of classes, or a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn, TypeAlias, final, get_args

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.files import checked_path
from grouplearn.domains.letters import ALPHABETS, BREAK, WRONG, Alphabet, AlphabetName
from grouplearn.domains.sequence_files import Record, holds_sequences, read_records
from grouplearn.domains.sequence_shuffles import dinucleotide_shuffle
from grouplearn.domains.sequence_tables import classes_by_name, classes_in_table
from grouplearn.errors import DataError

WHO = "load_labelled_sequences"
Policy: TypeAlias = Literal["refuse", "blank", "drop"]
SHUFFLED = "shuffled"
_BLANK = "-"
_REMEDIES = "choose --alphabet: dna, rna or protein", "pass --ambiguous blank or drop"
_NONE = "convert or leave out such records, as the network learned from none"
_AS_TRAINED = _NONE, _NONE
"""What to do about letters that are not known, and about ambiguous ones."""


@final
class NamedSequences(NamedTuple):
    """Sequences without classes.

    Attributes:
        letters: of each.
        names: what the file calls each.
    """

    letters: tuple[str, ...]
    names: tuple[str, ...]


@final
@dataclass(frozen=True)
class LabelledSequences:
    """Sequences of one length, each with its class.

    Attributes:
        letters: of each sequence.
        names: what the file calls each.
        labels: (N,), the number of its class.
        classes: their names, by number.
        origins: (N,), a number that a sequence shares with those that were made of it.
        notes: what was left out or changed, in words.
        positive: of two classes, the number of the one that is looked for: that of the first file,
            or, of classes by name, the last one, such as 1 of 0 and 1.
    """

    letters: tuple[str, ...]
    names: tuple[str, ...]
    labels: Int64[np.ndarray, " N"]
    classes: tuple[str, ...]
    origins: Int64[np.ndarray, " N"]
    notes: tuple[str, ...] = ()
    positive: int = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self.letters)

    def take(self, which: NDArray[np.int64]) -> LabelledSequences:
        """Some of them, of as many classes.

        Args:
            which: their numbers.
        """
        chosen = which.tolist()
        return replace(
            self, letters=tuple(self.letters[k] for k in chosen),
            names=tuple(self.names[k] for k in chosen), labels=self.labels[which],
            origins=self.origins[which],
        )  # fmt: skip

    def with_shuffled(self, seed: int) -> LabelledSequences:
        """Those of one class, and as many of another: each with its pairs of letters shuffled.

        Args:
            seed: of the shuffles, see `dinucleotide_shuffle`.

        Returns:
            Of two classes, that of the sequences given first.

        Raises:
            InputError: they are of several classes, or there are none.
        """
        present = np.unique(self.labels)
        if len(present) != 1:
            refuse("with_shuffled", "sequences", "of one class", f"those of {len(present)}",
                   "take the sequences of one class")  # fmt: skip
        rng = np.random.default_rng(seed)
        made = tuple(_shuffled(each, rng) for each in self.letters)
        count = len(self)
        return replace(
            self, letters=(*self.letters, *made),
            names=(*self.names, *(f"{name} shuffled" for name in self.names)),
            labels=np.repeat([0, 1], count), classes=(self.classes[present[0]], SHUFFLED),
            origins=np.tile(self.origins, 2), positive=0,
        )  # fmt: skip

    def split(self, share: float, seed: int) -> tuple[LabelledSequences, LabelledSequences]:
        """All but a share of them, and these, at random; what one was made of stays with it.

        Args:
            share: of the sequences to hold out, between 0 and 1.
            seed: of the choice.

        Raises:
            InputError: nothing would be left on one side.
        """
        known, first = np.unique(self.origins, return_inverse=True)
        if not 0 < share < 1 or len(known) < 2:
            refuse("split", "share", "between 0 and 1, of two sequences or more",
                   f"{share} of {len(known)}", "hold out fewer")  # fmt: skip
        chosen = np.random.default_rng(seed).permutation(len(known))
        held = np.isin(first, chosen[: max(1, int(share * len(known)))])
        return self.take(np.flatnonzero(~held)), self.take(np.flatnonzero(held))


def _shuffled(letters: str, rng: np.random.Generator) -> str:
    """Blanks at the ends, which fill a sequence up, stay: they would tell shuffles from others."""
    core = letters.strip(_BLANK)
    start = letters.find(core) if core else 0
    return letters[:start] + dinucleotide_shuffle(core, rng) + letters[start + len(core) :]


def load_labelled_sequences(
    paths: Sequence[str | os.PathLike[str]],
    *,
    labels: str | None = None,
    alphabet: AlphabetName = "dna",
    length: int | None = None,
    ambiguous: Policy = "refuse",
    who: str = WHO,
) -> LabelledSequences:
    r"""Read sequences with their classes.

    Several files are a class each, named after the file. One file may hold several classes, if a
    table has them by the names of the records, or if it is itself a table, with a column of
    sequences and one of classes. One file without classes is of one class alone, for
    `with_shuffled`. A sequence that comes again is left out, and a note says how many were.

    Args:
        paths: FASTA, FASTQ, GenBank, EMBL, or bare letters, plain or gzip; or one table.
        labels: the path of a table of two columns, names and classes; or, of a table of sequences,
            the name or number of the column of classes.
        alphabet: "dna", "rna" or "protein".
        length: cut or pad sequences to it about their middle, one letter more at the end where the
            difference is odd; None takes those of one length alone. Padding is blank.
        ambiguous: what becomes of a sequence with letters such as N, or gaps: "refuse" it, leave
            these places "blank", or "drop" it.
        who: asks, for errors.

    Returns:
        Of one length; classes in the order of the files, or by name.

    Raises:
        InputError: options do not fit the files.
        DataError: a file is broken; a letter is of another alphabet; a record is empty, of another
            length, or without a class; or a class is of a record that does not exist.
        MissingExtraError: Biopython is absent.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "bound.fa").write_text(">a\nACGT\n>b\nAAGG\n")
        >>> _ = (folder / "free.fa").write_text(">c\nTTTT\n")
        >>> found = load_labelled_sequences([folder / "bound.fa", folder / "free.fa"])
        >>> found.letters, found.labels.tolist(), found.classes
        (('ACGT', 'AAGG', 'TTTT'), [0, 0, 1], ('bound', 'free'))
    """
    _check_options(who, alphabet, ambiguous, length)
    files = [checked_path(who, path) for path in paths]
    if len(files) > 1 and labels is not None:
        refuse(who, "--labels", "left out, where each file is a class", repr(labels),
               "pass one file with labels")  # fmt: skip
    records, given, classes = _read(who, files, labels)
    notes: list[str] = []
    kept = _of_alphabet(who, files, records, ALPHABETS[alphabet], ambiguous, notes)
    letters = _of_length(who, [records[k] for k in kept], length, notes)
    numbers = given[kept]
    first = _first_of_each(letters, numbers, notes)
    return LabelledSequences(
        tuple(letters[k] for k in first), tuple(records[kept[k]].name for k in first),
        numbers[first], classes, np.arange(len(first)), tuple(notes),
        0 if len(files) > 1 else len(classes) - 1,
    )  # fmt: skip


def load_sequences(
    path: str | os.PathLike[str],
    *,
    length: int,
    resize: bool,
    alphabet: AlphabetName = "dna",
    ambiguous: Policy = "refuse",
    who: str = "load_sequences",
) -> NamedSequences:
    """Read sequences for a network that is trained.

    Args:
        path: FASTA, FASTQ, GenBank, EMBL or bare letters, plain or gzip.
        length: of those that the network learned from.
        resize: cut or pad others to it, as `load_labelled_sequences` does? Else they are refused.
        alphabet: as for `load_labelled_sequences`.
        ambiguous: as for `load_labelled_sequences`.
        who: asks, for errors.

    Returns:
        Letters and names, in the order of the file.

    Raises:
        DataError: the file is broken, a letter is of another alphabet, or a length another one.
        MissingExtraError: Biopython is absent.
    """
    _check_options(who, alphabet, ambiguous, length)
    file = checked_path(who, path)
    records = list(read_records(file))
    kept = [
        records[k]
        for k in _of_alphabet(who, [file], records, ALPHABETS[alphabet], ambiguous, [], _AS_TRAINED)
    ]
    letters = _of_length(who, kept, length, [], resize=resize)
    return NamedSequences(tuple(letters), tuple(each.name for each in kept))


def _check_options(who: str, alphabet: str, ambiguous: str, length: int | None) -> None:
    for name, value, choices in (
        ("--alphabet", alphabet, tuple(ALPHABETS)), ("--ambiguous", ambiguous, get_args(Policy)),
    ):  # fmt: skip
        if value not in choices:
            refuse(who, name, f"one of {', '.join(choices)}", repr(value), "take one of these")
    if length is not None and not 1 <= length <= _MOST_LETTERS:
        refuse(who, "--length", f"from 1 to {_MOST_LETTERS:,}", length, "choose one in that range")


_MOST_LETTERS = 1_000_000


def _read(
    who: str, files: Sequence[Path], labels: str | None
) -> tuple[list[Record], NDArray[np.int64], tuple[str, ...]]:
    """Records, the number of the class of each, and the classes' names."""
    if len(files) > 1:
        parts = [list(read_records(file)) for file in files]
        numbers = np.repeat(np.arange(len(files)), [len(part) for part in parts])
        return [record for part in parts for record in part], numbers, _class_names(files)
    (file,) = files
    if not holds_sequences(file):
        return classes_in_table(who, file, labels)
    records = list(read_records(file))
    if labels is None:
        return records, np.zeros(len(records), dtype=np.int64), _class_names(files)
    numbers, classes = classes_by_name(who, Path(labels), [each.name for each in records])
    return records, numbers, classes


def _class_names(files: Sequence[Path]) -> tuple[str, ...]:
    """The files' names, without what says how they hold letters, where these differ."""
    stems = [Path(file.name.removesuffix(".gz")).stem for file in files]
    return tuple(stems if len(set(stems)) == len(stems) else map(str, files))


def _of_alphabet(
    who: str,
    files: Sequence[Path],
    records: Sequence[Record],
    alphabet: Alphabet,
    ambiguous: str,
    notes: list[str],
    remedies: tuple[str, str] = _REMEDIES,
) -> list[int]:
    """The records to keep; refuses the first with a letter that is not known."""
    kept, dropped, blank, table = [], 0, 0, alphabet.table
    for number, (name, letters) in enumerate(records):
        codes = table[np.frombuffer(letters.encode("ascii", "replace"), dtype=np.uint8)]
        wrong = np.flatnonzero(codes == WRONG)
        breaks = np.flatnonzero(codes == BREAK)
        if wrong.size or (breaks.size and ambiguous == "refuse"):
            place = int(wrong[0] if wrong.size else breaks[0])
            remedy = remedies[0 if wrong.size else 1]
            _refuse_record(
                who, files, f"of the {alphabet.name} letters {alphabet.letters}",
                f"{letters[place]!r} at position {place} of record {name!r}", remedy,
            )  # fmt: skip
        dropped += bool(breaks.size and ambiguous == "drop")
        blank += bool(breaks.size and ambiguous == "blank")
        if not breaks.size or ambiguous == "blank":
            kept.append(number)
    if dropped:
        notes.append(f"{dropped:,} with ambiguous letters are left out")
    if blank:
        notes.append(f"{blank:,} have blanks in place of ambiguous letters")
    if not kept:
        _refuse_record(who, files, "with sequences of plain letters", "none",
                       "pass --ambiguous blank")  # fmt: skip
    return kept


def _of_length(
    who: str,
    records: Sequence[Record],
    length: int | None,
    notes: list[str],
    *,
    resize: bool = True,
) -> list[str]:
    """Letters of one length, the most frequent one where none is asked for."""
    letters = [each.letters.upper() for each in records]
    counts = Counter(map(len, letters))
    if length is None or not resize:
        common = length or counts.most_common(1)[0][0]
        remedy = "cut or pad them" if length else f"pass --length {common} to cut or pad them"
        for record in records:
            if len(record.letters) != common:
                refuse(who, "DATA", f"sequences of one length, here {common}",
                       f"{len(record.letters)} letters in record {record.name!r}", remedy,
                       DataError)  # fmt: skip
        return letters
    short = sum(count for size, count in counts.items() if size < length)
    long = sum(count for size, count in counts.items() if size > length)
    if short or long:
        notes.append(f"{long:,} cut and {short:,} padded to {length} letters")
    return [_resized(each, length) for each in letters]


def _resized(text: str, length: int) -> str:
    before = abs(length - len(text)) // 2
    if len(text) >= length:
        return text[before : before + length]
    return (_BLANK * before + text).ljust(length, _BLANK)


def _first_of_each(
    letters: Sequence[str], numbers: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """The first of the sequences that are equal."""
    seen: dict[str, int] = {}
    kept, others = [], 0
    for place, text in enumerate(letters):
        if text not in seen:
            seen[text] = int(numbers[place])
            kept.append(place)
        else:
            others += seen[text] != numbers[place]
    again = len(letters) - len(kept)
    if again:
        of_others = f", {others:,} of them in another class" if others else ""
        notes.append(f"{again:,} that come again are left out{of_others}")
    return np.array(kept)


def _refuse_record(
    who: str, files: Iterable[Path], expected: str, got: str, remedy: str
) -> NoReturn:
    names = ", ".join(repr(str(file)) for file in files)
    refuse(who, f"DATA {names}", expected, got, remedy, DataError)
