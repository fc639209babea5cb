"""Alphabets of sequences, and the operations on windows that extend to whole sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final, overload

import numpy as np
import torch
from jaxtyping import Float64, Int64, Shaped, UInt8
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.errors import DataError

AlphabetName: TypeAlias = Literal["dna", "rna", "protein"]
BREAK = 255
WRONG = 254
_GAPS = "-."


@final
@dataclass(frozen=True)
class Alphabet:
    """The letters of one kind of sequence.

    Attributes:
        name: as in `SequenceDomain(alphabet=...)`.
        letters: in the order of their coordinates.
        ambiguous: letters that stand for one of several, each with those it stands for; windows
            that hold one are left out, as are those that hold a gap, "-" or ".".
        partners: the complement of each letter, in the order of `letters`; empty where none is.

    Example:
        >>> DNA.codes("ACGTN-acgt").tolist()
        [0, 1, 2, 3, 255, 255, 0, 1, 2, 3]
    """

    name: str
    letters: str
    ambiguous: tuple[tuple[str, str], ...] = field(repr=False)
    partners: str = field(default="", repr=False)

    @property
    def table(self) -> UInt8[np.ndarray, " 256"]:
        """The code of each byte: a letter's index, 255 for one that breaks windows, else 254."""
        table = np.full(256, WRONG, dtype=np.uint8)
        breaking = _GAPS + "\n" + "".join(letter for letter, _ in self.ambiguous)
        for case in (str.upper, str.lower):
            table[list(case(breaking).encode())] = BREAK
            table[list(case(self.letters).encode())] = np.arange(len(self.letters))
        return table

    def codes(self, text: str, before: int = 0) -> UInt8[np.ndarray, " letters"]:
        """Return the index of each letter, 255 where windows break.

        Args:
            text: letters in either case, ambiguous ones, gaps and ends of lines.
            before: how many sequences came before, for the error.

        Returns:
            (len(text),), uint8.

        Raises:
            DataError: a letter of no meaning here; its place is named.
        """
        codes = self.table[np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8)]
        wrong = np.flatnonzero(codes == WRONG)
        if wrong.size:
            place = int(wrong[0])
            number, column = text.count("\n", 0, place), place - text.rfind("\n", 0, place) - 1
            refuse(
                "SequenceDomain",
                "source",
                f"{self.name} letters ({self.letters}, ambiguous ones and gaps)",
                f"{text[place]!r} at position {column} of a sequence ({before + number} before it)",
                "choose the alphabet of the data: 'dna', 'rna' or 'protein'",
                DataError,
            )
        return codes


_NUCLEOTIDES = (
    ("R", "AG"), ("Y", "CT"), ("S", "CG"), ("W", "AT"), ("K", "GT"), ("M", "AC"),
    ("B", "CGT"), ("D", "AGT"), ("H", "ACT"), ("V", "ACG"), ("N", "ACGT"),
)  # fmt: skip
_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
DNA = Alphabet("dna", "ACGT", _NUCLEOTIDES, "TGCA")
RNA = Alphabet(
    "rna", "ACGU", tuple((one, few.replace("T", "U")) for one, few in _NUCLEOTIDES), "UGCA"
)
PROTEIN = Alphabet(
    "protein",
    _AMINO_ACIDS,
    (("B", "DN"), ("J", "IL"), ("Z", "EQ"), ("U", ""), ("O", ""), ("*", ""), ("X", _AMINO_ACIDS)),
)
ALPHABETS = {alphabet.name: alphabet for alphabet in (DNA, RNA, PROTEIN)}


@final
@dataclass(frozen=True)
class SequenceMove:
    """An operation on windows that extends to whole sequences: letters change, order may turn.

    Args:
        alphabet: of the sequences.
        window: w, the letters of a window.
        letters: the index that each letter's index becomes.
        reversed: does the last position become the first?

    Example:
        >>> move = SequenceMove(DNA, window=3, letters=(3, 2, 1, 0), reversed=True)
        >>> move.name, move.order, move("AACGN")
        ('reverse-complement', 2, 'NCGTT')
    """

    alphabet: Alphabet
    window: int
    letters: tuple[int, ...]
    reversed: bool

    @property
    def name(self) -> str:
        """Such as "reverse-complement"; letters that change otherwise are spelled out."""
        known = self._letters_name()
        return "-".join(part for part in (self.reversed * "reverse", known) if part) or "identity"

    @property
    def words(self) -> str:
        """The operation in one plain sentence."""
        if not self.reversed and not self._letters_name():
            return "Leaves the sequence as it is."
        change = f"Replaces the letters {self.alphabet.letters} by {self._images()}"
        if not self._letters_name():
            return "Reads the sequence from its end."
        return f"{change}{' and reads the sequence from its end' if self.reversed else ''}."

    @property
    def order(self) -> int:
        """The least n >= 1 whose power is the identity."""
        order = 2 if self.reversed and self.window > 1 else 1
        for start in range(self.alphabet_size):
            length, letter = 1, self.letters[start]
            while letter != start:
                length, letter = length + 1, self.letters[letter]
            order = math.lcm(order, length)
        return order

    @property
    def alphabet_size(self) -> int:
        """The number of letters."""
        return len(self.alphabet.letters)

    @property
    def permutation(self) -> Int64[Tensor, " d"]:
        """Where each coordinate of a window moves, position-major."""
        positions = torch.arange(self.window)
        places = positions.flip(0) if self.reversed else positions
        return (places[:, None] * self.alphabet_size + torch.tensor(self.letters)).flatten()

    @property
    def matrix(self) -> Float64[Tensor, "d d"]:
        """The operation as a matrix on columns."""
        size = self.alphabet_size * self.window
        matrix = torch.zeros(size, size, dtype=torch.float64)
        matrix[self.permutation, torch.arange(size)] = 1.0
        return matrix

    @overload
    def __call__(self, sequence: str) -> str: ...
    @overload
    def __call__(
        self, sequence: Shaped[Tensor, "*batch letters positions"]
    ) -> Shaped[Tensor, "*batch letters positions"]: ...
    def __call__(self, sequence: str | Tensor) -> str | Tensor:
        """Apply the operation to a whole sequence, or to a batch of them for a network.

        Args:
            sequence: letters, of which ambiguous ones change with their meaning; or a tensor with
                one channel for each letter of the alphabet, as convolutions have it.
        """
        if isinstance(sequence, Tensor):
            sources = torch.tensor(self.letters, device=sequence.device).argsort()
            found = sequence.index_select(-2, sources)
            return found.flip(-1) if self.reversed else found
        moved = sequence.translate(self._translation())
        return moved[::-1] if self.reversed else moved

    def __str__(self) -> str:
        return self.name

    def _images(self) -> str:
        return "".join(self.alphabet.letters[code] for code in self.letters)

    def _letters_name(self) -> str:
        images = self._images()
        if images == self.alphabet.letters:
            return ""
        if images == self.alphabet.partners:
            return "complement"
        return f"letters-{self.alphabet.letters}-to-{images}"

    def _translation(self) -> dict[int, str]:
        image = dict(zip(self.alphabet.letters, self._images(), strict=True))
        names = {frozenset(few): one for one, few in self.alphabet.ambiguous if few}
        anything = self.alphabet.ambiguous[-1][0]
        for one, few in self.alphabet.ambiguous:
            image[one] = names.get(frozenset(image[each] for each in few), anything) if few else one
        lower = {one.lower(): other.lower() for one, other in image.items()}
        return str.maketrans({**image, **lower})


def factor(
    permutation: Sequence[int] | NDArray[np.int64] | Int64[Tensor, " d"], letters: int
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Split a permutation of window coordinates into one of letters and one of positions.

    Args:
        permutation: (d,), where each coordinate moves, position-major: letters * position + letter.
        letters: how many there are.

    Returns:
        (where each letter moves, where each position moves), or None where it does not split.

    Example:
        >>> factor([2, 3, 0, 1], letters=2)
        ((0, 1), (1, 0))
    """
    table = np.asarray(permutation, dtype=np.int64).reshape(-1, letters)
    positions, images = np.divmod(table, letters)
    if (images != images[0]).any() or (positions != positions[:, :1]).any():
        return None
    return tuple(images[0].tolist()), tuple(positions[:, 0].tolist())
