"""What every domain adapter answers about its raw data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, Shaped
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.representations import LearnedRepresentation


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

    @abstractmethod
    def known_actions(self) -> Mapping[str, KnownAction]:
        """Return the operations known in this domain, by name."""

    @abstractmethod
    def moments(self, source: Any, /, *, seed: int = 0) -> MomentAccumulator:
        """Return the moments of the samples to discover from, dependent ones in one block."""

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
