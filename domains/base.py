"""What every domain adapter answers about its raw data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


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
