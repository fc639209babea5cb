"""What every domain adapter answers about its raw data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, Shaped
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.domains.wholes import Wholes
from grouplearn.interpret.operations import Operation, OperationFamily
from grouplearn.representations import LearnedRepresentation

if TYPE_CHECKING:
    from grouplearn.discovery.evidence.given import InvarianceTest


@runtime_checkable
class KnownAction(Protocol):
    """A linear operation that a domain knows by name: x -> matrix @ x."""

    @property
    def name(self) -> str:
        """The name, as the command line spells it."""
        ...

    @property
    def matrix(self) -> Float[Tensor, "d d"]:
        """The operation as a matrix on columns."""
        ...

    @property
    def order(self) -> int | None:
        """The least n >= 1 with matrix^n = I, or None where no power is the identity."""
        ...

    @property
    def words(self) -> str:
        """The operation in one plain sentence."""
        ...


@runtime_checkable
class Extension(Protocol):
    """What an action on vectors does to a whole object: an image, a sequence, a sentence."""

    @property
    def name(self) -> str:
        """The operation's name; `str` gives the same."""
        ...

    def __call__(self, whole: Any, /) -> Any:
        """Apply the operation to a whole object."""
        ...


class Domain(ABC):
    """The bridge from one kind of raw data to vectors in R^d and back."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """The dimension d of the vectors."""

    @abstractmethod
    def vectorize(
        self, raw: Any, /, count: int | None = None, rng: torch.Generator | None = None
    ) -> Float[Tensor, "samples d"]:
        """Return raw data as samples of R^d: all of them, or `count` drawn at random by `rng`."""

    @abstractmethod
    def unvectorize(self, vectors: Float[Tensor, "*batch d"]) -> Shaped[Tensor, "*shape"]:
        """Return vectors in the shape that the raw data have."""

    def operations(self) -> Sequence[Operation | OperationFamily]:
        """Return what has a name here, for `grouplearn.interpret.describe`: the known actions."""
        return [
            Operation(each.name, each.matrix.double().numpy())
            for each in self.known_actions().values()
        ]

    @abstractmethod
    def known_actions(self) -> Mapping[str, KnownAction]:
        """Return the operations known in this domain, by name."""

    @abstractmethod
    def moments(self, source: Any, /, *, seed: int = 0) -> MomentAccumulator:
        """Return the moments of the samples to discover from, dependent ones in one block."""

    @abstractmethod
    def wholes(self, raw: Any, /, *, seed: int = 0, apart: bool = False) -> Wholes:
        """Return raw data as independent whole objects, and how vectors are cut out of them.

        With `apart`, the vectors of an object do not overlap.
        """

    @abstractmethod
    def extend(self, representation: LearnedRepresentation, /) -> Sequence[Extension | None]:
        """Return, for each group element, its action on whole objects, None where it has none."""

    def discover(self, source: Any, /, **options: Any) -> Discovery:
        """Find the group that acts on raw data.

        Args:
            source: as `moments` takes it.
            options: of `grouplearn.discover`.

        Returns:
            As `grouplearn.discover`.

        Raises:
            InputError: as `moments` and `grouplearn.discover`.
        """
        return discovered(self.moments(source, seed=options.get("seed", 0)), **options)

    def invariance_test(
        self,
        raw: Any,
        action: str | KnownAction | LearnedRepresentation | Callable[[Any], Any],
        /,
        *,
        level: float = 0.05,
        draws: int = 999,
        seed: int = 0,
        labels: ArrayLike | Tensor | None = None,
    ) -> InvarianceTest:
        """Test whether a given action on whole objects is a symmetry of raw data.

        Whole objects are moved, images turned and sequences reversed, and then cut into vectors at
        places that do not depend on the move: if the law of an object is invariant, so is that of
        its vectors. Each object is one independent block, so that vectors of one object may depend
        on one another. Of a group that acts on vectors alone, such as cyclic shifts of a patch, one
        element moves all vectors of an object together, and vectors do not overlap. At most 65,536
        vectors, or four million numbers, are looked at, drawn evenly from all objects.

        Args:
            raw: as `moments` takes it; each image, each block of a sequence and each sample of
                tokens is an object.
            action: the name of a known action; or a representation on R^dim; or a function of whole
                objects, called as the elements of `extend` are, a power of which is the identity.
                The effect of a function is not measured: nothing is known that would be like it.
            level: of the test, in (0, 1).
            draws: of the randomisation, >= 1 / level - 1.
            seed: of every random choice.
            labels: (items,), of each image, sequence or sample: classes or real values that the
                action keeps.

        Returns:
            As `grouplearn.discovery.invariance_test`.

        Raises:
            InputError: as `moments`; an action that is not known, not of finite order or of another
                dimension; fewer than eight objects; labels that are constant; a level, draws or
                seed out of range.
            DataError: as `moments`.

        Cost:
            Every object that is looked at is moved and cut min(n, 8) times, with n the order of the
            group; then as `grouplearn.discovery.invariance_test`.
        """
        from grouplearn.domains.invariance import tested

        return tested(self, raw, action, level=level, draws=draws, seed=seed, labels=labels)


def discovered(moments: MomentAccumulator, **options: Any) -> Discovery:
    """Call `grouplearn.discover`, imported only where discovery is wanted."""
    from grouplearn.discovery import discover

    return discover(moments, **options)


def matrices_of(who: str, representation: Any, dim: int) -> Float64[Tensor, "n d d"]:
    """Return the matrices of a representation on R^dim, float64 on the CPU.

    Args:
        who: asks, for the error message.
        representation: on R^dim.
        dim: d.

    Returns:
        (n, d, d).

    Raises:
        InputError: `representation` is not a representation on R^dim.
    """
    if not isinstance(representation, LearnedRepresentation):
        refuse(
            who,
            "representation",
            "a LearnedRepresentation",
            type(representation).__name__,
            "pass found.representation",
        )
    if representation.dim != dim:
        refuse(
            who,
            "representation.dim",
            f"{dim}, the domain's dimension",
            representation.dim,
            "pass a representation that was found in this domain",
        )
    return representation.matrices().detach().cpu().double()


def permutations_of(who: str, representation: Any, dim: int) -> Iterator[NDArray[np.int64] | None]:
    """Yield where each group element moves the coordinates, None where it is no permutation.

    Args:
        who: asks, for the error message.
        representation: on R^dim.
        dim: d.

    Yields:
        (d,) int64 for each element, in the convention of `Discovery.members`.

    Raises:
        InputError: `representation` is not a representation on R^dim.
    """
    for matrix in matrices_of(who, representation, dim).numpy():
        targets = matrix.argmax(0)
        exact = np.zeros_like(matrix)
        exact[targets, np.arange(dim)] = 1.0
        yield targets.astype(np.int64) if np.allclose(matrix, exact, rtol=0, atol=1e-6) else None
