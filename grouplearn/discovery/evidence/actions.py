"""Actions as the engine sees them: elements that move rows, all of them or drawn at random."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.evidence.characters import sign_characters
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

Array: TypeAlias = NDArray[np.float64]
Move: TypeAlias = Callable[[Array], Array]
"""Moves every row of an (N, D) array by one element; the rows themselves stay as they are."""
_TRIES = 50
_DRAWN = 64
_SAME, _HALF = 0.05, 0.5
_CHARACTERS = 256


class Action(ABC):
    """A compact group that moves rows.

    The one thing it must do is draw an element uniformly at random. A finite group numbers its
    elements (`order`, `element`), from which all the rest follows; others have a `draw` of their
    own.
    """

    dim: int
    """D, the number of entries of a row."""
    order: int = 0
    """n, the number of elements; 0 where they are not numbered."""

    def element(self, number: int) -> Move:
        """A numbered element, 0 for the identity."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator) -> Move:
        """A uniformly random element."""
        return self.pick(rng)[0]

    def pick(self, rng: np.random.Generator) -> tuple[Move, int]:
        """A uniformly random element with its number; -1 where elements are not numbered."""
        if not self.order:
            return self.draw(rng), -1
        number = int(rng.integers(self.order))
        return self.element(number), number

    def elements(self) -> Sequence[Move] | None:
        """All elements, the identity first; None where they are not numbered."""
        return [self.element(number) for number in range(self.order)] or None

    def signs(self) -> Float[np.ndarray, "characters n"]:
        """All homomorphisms onto {1, -1}, as far as they are sought; see `sign_characters`."""
        return np.zeros((0, 0))

    def draw_other(self, rng: np.random.Generator) -> Move:
        """A random element that is not the identity."""
        return self.element(int(rng.integers(1, self.order))) if self.order else self.draw(rng)

    @abstractmethod
    def character(self, rng: np.random.Generator) -> float:
        """The mean of the trace over all elements: the dimension of what every element keeps."""

    def moved(self, rng: np.random.Generator) -> Float[np.ndarray, "D m"]:
        """Covectors c for which the mean of c . g x over all elements g is 0, in orthogonal axes.

        Cost:
            O(D^3) time; memory O(D^2).
        """
        left, values, _ = np.linalg.svd(self._rest(rng))
        return np.asarray(left[:, values > _HALF])

    def kept(self, rng: np.random.Generator) -> Float[np.ndarray, "D k"]:
        """Covectors c with c . g x = c . x for all elements g, in orthogonal axes.

        Cost:
            As of `moved`.
        """
        _, values, right = np.linalg.svd(self._rest(rng))
        return np.asarray(right[values <= _HALF].T)

    def _rest(self, rng: np.random.Generator) -> Array:
        """(D, D): what is left of every unit vector, less its mean over elements."""
        elements = self.elements() if self.order <= _DRAWN else None
        if elements is None:
            elements = [self.draw(rng) for _ in range(_DRAWN)]
        one = np.eye(self.dim)
        rest = one.copy()
        for move in elements:
            rest -= move(one) / len(elements)
        return rest

    @abstractmethod
    def elsewhere(self, rng: np.random.Generator) -> Move | None:
        """What a random element would do if it acted on other coordinates: no symmetry.

        None where that would be an element again, as for all permutations of all coordinates.
        """


@final
class Permutations(Action):
    """Permutations of d coordinates, in the convention of `Discovery.members`, perhaps with signs.

    Args:
        points: (n, d), all elements, the identity first; x[i] moves to place points[g, i].
        signs: (n, d), what x[i] is multiplied with on the way; None for no signs.
        channels: c; rows have c * d entries, and every channel moves alike.
        letters: size of the alphabet of one-hot windows, position-major; 0 for other rows. Actions
            elsewhere then act on other places, and every second one on other letters too, so that
            windows stay windows.
    """

    def __init__(
        self,
        points: Int[np.ndarray, "n d"],
        signs: Float[np.ndarray, "n d"] | None = None,
        channels: int = 1,
        letters: int = 0,
    ) -> None:
        self.points, self.signs_of, self.channels, self.letters = points, signs, channels, letters
        rows = points if signs is None else np.concatenate([points, signs], axis=1)
        self.dim, self.order = channels * points.shape[1], len(points)
        self._known = {row.tobytes() for row in rows}

    def element(self, number: int) -> Move:
        """A numbered element, 0 for the identity."""
        signs = None if self.signs_of is None else self.signs_of[number]
        return _gather(self.points[number], signs, self.channels)

    def signs(self) -> Float[np.ndarray, "characters n"]:
        """All homomorphisms onto {1, -1}."""
        dim = self.points.shape[1]
        points = self.points
        if self.signs_of is not None:
            negative = dim * (self.signs_of < 0)
            points = np.concatenate([points + negative, points + dim - negative], axis=1)
        numbers = {row.tobytes(): number for number, row in enumerate(points)}

        def times(k: int) -> NDArray[np.int64]:
            return np.array([numbers[row.tobytes()] for row in points[:, points[k]]])

        return sign_characters(len(points), times)

    def character(self, rng: np.random.Generator) -> float:  # noqa: ARG002
        """The mean number of columns that stay, those that change sign counted as -1."""
        stays = self.points == np.arange(self.points.shape[1])
        signs = stays if self.signs_of is None else stays * self.signs_of
        return self.channels * float(signs.sum()) / len(self.points)

    def elsewhere(self, rng: np.random.Generator) -> Move | None:
        """A conjugate of a random element, by other labels of the coordinates and other signs."""
        for _ in range(_TRIES):
            relabel = self._relabel(rng, within=bool(rng.integers(2)))
            points, signs = self._conjugate(int(rng.integers(1, len(self.points))), relabel, rng)
            row = points if signs is None else np.concatenate([points, signs])
            if row.tobytes() not in self._known:
                return _gather(points, signs, self.channels)
        return None

    def _conjugate(
        self, g: int, relabel: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], Array | None]:
        dim = self.points.shape[1]
        points = np.empty(dim, dtype=np.int64)
        points[relabel] = relabel[self.points[g]]
        if self.signs_of is None:
            return points, None
        # Conjugate by signs too: where only signs change, labels alone would change nothing.
        flips = rng.choice((-1.0, 1.0), dim)
        moved = np.empty(dim)
        moved[relabel] = self.signs_of[g]
        return points, moved * flips * flips[points]

    def _relabel(self, rng: np.random.Generator, *, within: bool) -> NDArray[np.int64]:
        dim = self.points.shape[1]
        if not self.letters:
            return rng.permutation(dim)
        places = rng.permutation(dim // self.letters)
        kept = np.tile(np.arange(self.letters), (len(places), 1))
        letters = rng.permuted(kept, axis=1) if within else kept
        return np.asarray((places[:, None] * self.letters + letters).ravel())


def _gather(points: NDArray[np.int64], signs: Array | None, channels: int) -> Move:
    dim = len(points)
    sources = np.argsort(points)
    wide = (np.arange(channels)[:, None] * dim + sources).ravel()
    factors = None if signs is None else np.tile(signs[sources], channels)

    def move(rows: Array) -> Array:
        moved = rows[:, wide]
        return moved if factors is None else moved * factors

    return move


@final
class Matrices(Action):
    """Matrices that act on rows of d entries.

    Args:
        matrices: (n, d, d), all elements, the identity first.
        colour: (d, d), a square root of the covariance of the rows: other actions of the same kind
            are conjugates by turns of the whitened space. None takes the rows as white.
    """

    def __init__(
        self, matrices: Float[np.ndarray, "n d d"], colour: Float[np.ndarray, "d d"] | None = None
    ) -> None:
        self.matrices, self.dim, self.order = matrices, matrices.shape[-1], len(matrices)
        self.colour = np.eye(matrices.shape[-1]) if colour is None else colour

    def element(self, number: int) -> Move:
        """A numbered element, 0 for the identity."""
        return _product(self.matrices[number])

    def signs(self) -> Float[np.ndarray, "characters n"]:
        """All homomorphisms onto {1, -1}."""
        flat = self.matrices.reshape(len(self.matrices), -1)
        squares = np.square(flat).sum(1)

        def times(k: int) -> NDArray[np.int64]:
            products = (self.matrices @ self.matrices[k]).reshape(len(flat), -1)
            return np.asarray((squares - 2 * products @ flat.T).argmin(1))

        return sign_characters(len(flat), times)

    def character(self, rng: np.random.Generator) -> float:  # noqa: ARG002
        """The mean of the trace."""
        return float(np.trace(self.matrices, axis1=1, axis2=2).mean())

    def elsewhere(self, rng: np.random.Generator) -> Move:
        """A random conjugate of a random element; the turn alone where that is an element again."""
        matrix = self.matrices[int(rng.integers(1, len(self.matrices)))]
        white = np.linalg.pinv(self.colour)
        turn = (self.colour @ random_orthogonal(len(matrix), rng) @ white).astype(np.float64)
        found = (turn @ matrix @ np.linalg.pinv(turn)).astype(np.float64)
        apart = np.square(self.matrices - found).sum((1, 2)).min()
        return _product(turn if apart < _SAME**2 * np.square(found).sum() else found)


@final
class RandomElements(Action):
    """A compact group of matrices, known by a sampler of its elements.

    Args:
        dim: d.
        draw: takes a generator and a count, returns (count, d, d) uniformly random elements.
    """

    def __init__(
        self, dim: int, draw: Callable[[np.random.Generator, int], Float[np.ndarray, "count d d"]]
    ) -> None:
        self.dim, self._draw = dim, draw

    def draw(self, rng: np.random.Generator) -> Move:
        """A uniformly random element."""
        return _product(self._draw(rng, 1)[0])

    def character(self, rng: np.random.Generator) -> float:
        """The mean of the trace over elements drawn."""
        return float(np.trace(self._draw(rng, _CHARACTERS), axis1=1, axis2=2).mean())

    def elsewhere(self, rng: np.random.Generator) -> Move:
        """A random conjugate of a random element."""
        matrix, turn = self._draw(rng, 1)[0], random_orthogonal(self.dim, rng)
        return _product(turn @ matrix @ turn.T)


def _product(matrix: Array) -> Move:
    return lambda rows: np.asarray(rows @ matrix.T)


def random_orthogonal(dim: int, rng: np.random.Generator) -> Float[np.ndarray, "d d"]:
    """A uniformly random orthogonal matrix.

    References:
        Mezzadri, 2007, How to generate random matrices from the classical compact groups.
    """
    factor, triangle = np.linalg.qr(rng.standard_normal((dim, dim)))
    return np.asarray(factor * np.sign(np.diagonal(triangle)))


def action_of(
    representation: LearnedRepresentation, colour: Float[np.ndarray, "d d"] | None = None
) -> Action:
    """The action of a representation of the library.

    Args:
        representation: of any finite group; permutation matrices act by gathers.
        colour: see `Matrices`.
    """
    sources = representation.sources if isinstance(representation, FixedRepresentation) else None
    if sources is not None:
        return Permutations(np.argsort(np.asarray(sources.cpu()), axis=1))
    return Matrices(representation.matrices().detach().double().cpu().numpy(), colour)
