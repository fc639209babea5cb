"""The pattern of networks for sequences: where layers stand, how wide, and of which fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn._checks import finite_number, instance, positive_int, refuse
from grouplearn.layers import Fields
from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    TensorProduct,
    intertwiner_count,
    regular,
    signs,
    trivial,
)

_WHO = "SequencePattern"
_NEAR, _POOL = 5, 4
_MOST_PLACES, _MOST_BLOCKS, _MOST_LETTERS = 255, 16, 1000


@final
@dataclass(frozen=True)
class SequencePattern:
    """Sizes of a network for sequences.

    A convolution looks at letters, and what stands out in neighbouring places is kept. Then come
    blocks that add to what enters them, each with kernels spread twice as far as those of the block
    before, and a convolution of single places.

    Args:
        letters: of the alphabet.
        classes: numbers that the network returns.
        width: channels of every layer, those of all elements of a group together; rounded to whole
            fields.
        first: places of the first kernel; odd, at most 255.
        kernel_size: places of the kernels of blocks; odd, at most 255.
        blocks: how many, at most 16; 6 with kernels of 5 see a thousand letters.
        pool: places that become one after the first layer. None takes all of them where there are
            no blocks, and 4 else.
        signs: share of the channels that change sign under the group, where it has such
            representations; the others are functions on the group. On DNA, three channels that
            keep their sign to one that changes it did best.
        dropout: probability with which whole fields are dropped, in training.
        length: of sequences whose places mean the same in all, as about a splice site: the network
            takes this length alone, and its last linear map tells the places apart. None takes
            every length, and a maximum and a mean forget where something was.

    Raises:
        InputError: an argument is out of its range.

    References:
        Mallet and Vert, Reverse-complement equivariant networks for DNA sequences (2021), section
        5.

    Example:
        >>> SequencePattern(4, 2, blocks=3).inner_kernels
        ((5, 1), (5, 2), (5, 4))
    """

    letters: int
    classes: int
    width: int = 64
    first: int = 15
    kernel_size: int = 5
    blocks: int = 0
    pool: int | None = None
    signs: float = 0.25
    dropout: float = 0.1
    length: int | None = None

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name in ("letters", "classes", "width", "first", "kernel_size"):
            positive_int(_WHO, name, getattr(self, name))
        if self.pool is not None:
            positive_int(_WHO, "pool", self.pool)
        positive_int(_WHO, "blocks", self.blocks, minimum=0)
        for name in ("first", "kernel_size"):
            if getattr(self, name) % 2 == 0 or getattr(self, name) > _MOST_PLACES:
                refuse(_WHO, name, f"odd, of at most {_MOST_PLACES}", getattr(self, name),
                       "5, for example")  # fmt: skip
        if self.blocks > _MOST_BLOCKS:
            refuse(
                _WHO, "blocks", f"at most {_MOST_BLOCKS}", self.blocks, "6 see a thousand letters"
            )
        if self.length is not None and positive_int(_WHO, "length", self.length) > _MOST_LETTERS:
            refuse(_WHO, "length", f"at most {_MOST_LETTERS}", self.length,
                   "leave it out for longer sequences")  # fmt: skip
        for name in ("signs", "dropout"):
            if finite_number(_WHO, name, getattr(self, name)) >= 1:
                refuse(_WHO, name, "below 1", getattr(self, name), "0.25, for example")

    @property
    def inner_kernels(self) -> tuple[tuple[int, int], ...]:
        """Places and dilation of the kernels of each block."""
        return tuple((self.kernel_size, 2**block) for block in range(self.blocks))

    @property
    def last_places(self) -> int | None:
        """Places that the last linear map tells apart; None where it tells none."""
        return None if self.length is None else -(-self.length // (self.block_size or 1))

    @property
    def block_size(self) -> int | None:
        """Places that become one after the first layer; None for all of them."""
        alone = self.blocks == 0 and self.length is None
        return self.pool if self.pool is not None or alone else _POOL

    def fields(self, letters: LearnedRepresentation) -> tuple[Fields, Fields, Fields]:
        """The fields of the input, between the layers, and of the last layer.

        Args:
            letters: how the group acts on letters.

        Returns:
            The letters; functions on the group and, as `signs` says, numbers that change sign; and
            functions alone.
        """
        group = instance(_WHO, "letters", letters, LearnedRepresentation, "pass one").group
        changing = signs(group)
        kept, each, last = self._fields_of(group.order, len(changing))
        inner = [(regular(group), kept), *((rep, each) for rep in changing if each)]
        return Fields(((letters, 1),)), Fields(tuple(inner)), Fields(((regular(group), last),))

    def _fields_of(self, order: int, changing: int) -> tuple[int, int, int]:
        """Numbers of functions on the group, of each kind that changes sign, and in the end."""
        each = round(self.signs * self.width / changing) if changing else 0
        kept = max(round((self.width - each * changing) / order), 1)
        return kept, each, max(round(self.width / order), 1)

    def layers(
        self, letters: LearnedRepresentation, positions: LearnedRepresentation
    ) -> list[tuple[Fields, Fields, FixedRepresentation, int]]:
        """What each convolution leads from and to, how the group moves its kernel, and dilation.

        Args:
            letters: how the group acts on letters.
            positions: how it acts on places: an element keeps their order or reverses it.

        Raises:
            InputError: an element does otherwise, or the groups differ.
        """
        sources, inner, last = self.fields(letters)
        middle = [(inner, inner, on_places(positions, k), step) for k, step in self.inner_kernels]
        return [
            (sources, inner, on_places(positions, self.first), 1),
            *middle,
            (inner, last, on_places(positions, 1), 1),
        ]

    def parameters(self, letters: LearnedRepresentation, positions: LearnedRepresentation) -> int:
        """Parameters of a network; normalisations have one or two for each field, heads a bias.

        Args:
            letters: as for `layers`.
            positions: as for `layers`.
        """
        return self._total(_Maps.of(self, letters, positions))

    def _total(self, maps: _Maps) -> int:
        kept, each, last = self._fields_of(maps.order, maps.changing)
        inner = np.array([kept, *[each] * maps.changing])
        total = int((inner * maps.norms).sum()) * (1 + self.blocks) + last * 2
        total += int((maps.first * inner).sum()) + int((inner @ maps.last).sum()) * last
        total += int(inner @ maps.inner @ inner) * self.blocks
        return total + (maps.seen * last + 1) * self.classes

    def within(
        self, budget: int, letters: LearnedRepresentation, positions: LearnedRepresentation
    ) -> SequencePattern:
        """The same pattern with the width whose number of parameters comes nearest to a budget.

        Args:
            budget: wanted number of parameters.
            letters: as for `layers`.
            positions: as for `layers`.

        Raises:
            InputError: the narrowest network takes more than one and a half budgets.
        """
        step, maps = letters.group.order, _Maps.of(self, letters, positions)
        below, above = step, step
        while self._wide(above)._total(maps) < budget:
            below, above = above, 2 * above
        while above - below > 1:
            middle = (above + below) // 2
            if self._wide(middle)._total(maps) < budget:
                below = middle
            else:
                above = middle
        # Whole fields come in steps, so that a neighbour may come nearer.
        near = [self._wide(width) for width in range(max(above - _NEAR, step), above + _NEAR)]
        best = min(near, key=lambda pattern: abs(pattern._total(maps) - budget))
        least = best._total(maps)
        if least > 1.5 * budget:
            refuse(f"{_WHO}.within", "budget", f"{least} or more for {letters.group}", budget,
                   "take more parameters, or a smaller group")  # fmt: skip
        return best

    def _wide(self, width: int) -> SequencePattern:
        return replace(self, width=width)


@final
@dataclass(frozen=True)
class _Maps:
    """How many equivariant maps lead from one kind of field to another, whatever the width.

    Kinds are functions on the group, then each that changes sign.

    Attributes:
        order: of the group.
        changing: how many kinds change sign.
        norms: (kinds,), parameters of a normalisation.
        first: (kinds,), maps from letters.
        inner: (kinds, kinds), maps of a block.
        last: (kinds,), maps to functions on the group, at single places.
        seen: of one of these, by the last linear map.
    """

    order: int
    changing: int
    norms: NDArray[np.int64]
    first: NDArray[np.int64]
    inner: NDArray[np.int64]
    last: NDArray[np.int64]
    seen: int

    @classmethod
    def of(
        cls, pattern: SequencePattern, letters: LearnedRepresentation,
        positions: LearnedRepresentation,
    ) -> _Maps:  # fmt: skip
        """Count them."""
        group = letters.group
        functions, changing = regular(group), signs(group)
        kinds = [functions, *changing]

        def count(into: LearnedRepresentation, places: int, out: LearnedRepresentation) -> int:
            return intertwiner_count(TensorProduct(into, on_places(positions, places)), out)

        places = pattern.last_places
        return cls(
            group.order, len(changing),
            np.array([2 if intertwiner_count(trivial(group), kind) else 1 for kind in kinds]),
            np.array([count(letters, pattern.first, kind) for kind in kinds]),
            np.array([[count(a, pattern.kernel_size, b) for b in kinds] for a in kinds]),
            np.array([count(kind, 1, functions) for kind in kinds]),
            2 if places is None else count(functions, places, trivial(group)),
        )  # fmt: skip


def on_places(positions: LearnedRepresentation, count: int) -> FixedRepresentation:
    """How a group that keeps or reverses the order of places acts on a kernel.

    Args:
        positions: on two places or more; or on one, whose order nothing reverses.
        count: places of the kernel.

    Raises:
        InputError: an element does something else.

    Example:
        >>> swap = FixedRepresentation.from_permutations([[1, 0]])
        >>> on_places(swap, 3).act(torch.tensor([1.0, 2.0, 3.0]), 1)
        tensor([3., 2., 1.])
    """
    with torch.no_grad():
        given = positions.generators().detach().float().cpu()
    eye = torch.eye(positions.dim, device="cpu")
    moved = []
    for matrix in given:
        if not any(torch.allclose(matrix, known, atol=1e-6) for known in (eye, eye.flip(0))):
            refuse("SequenceNetwork", "positions", "of elements that keep or reverse the order",
                   f"another on {positions.dim} places",
                   "SequenceDomain.factored makes such a one")  # fmt: skip
        own = torch.eye(count, device="cpu")
        moved.append(own if torch.allclose(matrix, eye, atol=1e-6) else own.flip(0))
    empty = torch.empty(0, count, count, device="cpu")
    return FixedRepresentation(positions.group, torch.stack(moved) if moved else empty)
