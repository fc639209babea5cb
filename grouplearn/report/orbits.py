"""What the elements of a group make of samples, for the slider of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from grouplearn._checks import refuse
from grouplearn.report.pictures import Picture

_COLOURS = 6  # classes l0 to l5 of the style


@final
@dataclass(frozen=True)
class Letters:
    """A sequence, each letter in a colour of its own.

    Args:
        text: the letters.
        alphabet: all letters there are, in the order of their colours.
    """

    text: str
    alphabet: str

    kind: ClassVar[str] = "letters"

    def coloured(self) -> Iterator[tuple[str, int]]:
        """Each letter with the number of its colour."""
        for letter in self.text:
            yield letter, max(self.alphabet.find(letter), 0) % _COLOURS


@final
@dataclass(frozen=True)
class Sentence:
    """A sentence of tokens.

    Args:
        words: each token, and whether to mark it as changed.
    """

    words: Sequence[tuple[str, bool]]

    kind: ClassVar[str] = "words"


@final
@dataclass(frozen=True)
class Cells:
    """Some columns of a row of a table.

    Args:
        rows: the name of each column, its value, and whether to mark it as changed.
    """

    rows: Sequence[tuple[str, str, bool]]

    kind: ClassVar[str] = "cells"


Frame: TypeAlias = Picture | Letters | Sentence | Cells


@final
@dataclass(frozen=True)
class MovedSample:
    """One sample and what the elements make of it.

    Args:
        name: what it is, such as "image 3".
        before: the sample.
        after: what each element makes of it.
    """

    name: str
    before: Frame
    after: Sequence[Frame]


@final
@dataclass(frozen=True)
class Orbit:
    """Samples that a slider moves through the elements of a group.

    Args:
        label: of the slider, such as "Element of D4".
        elements: each element in words, the identity first.
        samples: one or more, each with as many frames as there are elements.
        about: a sentence above the slider.

    Raises:
        InputError: there is no element or no sample, or a sample has another number of frames.

    Example:
        >>> turned = MovedSample("read 1", Letters("AC", "ACGT"), [Letters("CA", "ACGT")])
        >>> Orbit("Element of C1", ["identity", "reverse"], [turned])
        Traceback (most recent call last):
        grouplearn.errors.InputError: Orbit: samples must be with 2 frames each, got 1 in ...
    """

    label: str
    elements: Sequence[str]
    samples: Sequence[MovedSample]
    about: str = ""

    def __post_init__(self) -> None:
        """Check the numbers."""
        wanted = f"with {len(self.elements)} frames each"
        if not self.elements or not self.samples:
            refuse("Orbit", "samples", "one or more, with an element or more", "none", "pass one")
        for sample in self.samples:
            if len(sample.after) != len(self.elements):
                refuse("Orbit", "samples", wanted, f"{len(sample.after)} in {sample.name!r}",
                       "pass one for each element")  # fmt: skip

    @property
    def start(self) -> int:
        """Where the slider stands first: at the first element that is not the identity."""
        return min(1, len(self.elements) - 1)

    def moved(self, sample: MovedSample) -> Iterator[tuple[str, Frame]]:
        """Each element in words, with what it makes of a sample."""
        return zip(self.elements, sample.after, strict=True)
