"""Operations with a name, single ones and families with parameters, and the nearest to a matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.closing import permutation_near
from grouplearn.groups.cycles import cycles

Array: TypeAlias = NDArray[np.float64]
Parameters: TypeAlias = tuple[float, ...]


@final
@dataclass(frozen=True)
class Operation:
    """A linear map with a name.

    Attributes:
        name: as one would say it: "a quarter turn".
        matrix: (d, d), on columns.
    """

    name: str
    matrix: Float[np.ndarray, "d d"]


@final
@dataclass(frozen=True)
class OperationFamily:
    """Linear maps with parameters, such as turns by any angle.

    Attributes:
        words: says the name for parameters.
        matrix: (d, d) for parameters.
        grid: where a search begins; parameters differ enough to be told apart there.
        bounds: (least, most) of each parameter.
    """

    words: Callable[[Parameters], str]
    matrix: Callable[[Parameters], Float[np.ndarray, "d d"]]
    grid: Sequence[Parameters]
    bounds: Sequence[tuple[float, float]]

    def refined(self, start: Parameters, target: Array) -> tuple[Operation, float]:
        """The nearest member to a matrix near a point of the grid, and how similar it is."""

        def apart(values: Array) -> float:
            return -similarity(self.matrix(tuple(values)), target)

        found = minimize(apart, start, method="Nelder-Mead", bounds=self.bounds,
                         options={"xatol": 1e-3, "fatol": 1e-5, "maxiter": 200})  # fmt: skip
        best = tuple(float(value) for value in found.x)
        return Operation(self.words(best), self.matrix(best)), -float(found.fun)


def real_numbers(who: str, name: str, given: ArrayLike | Tensor, expected: str) -> Array:
    """Numbers in float64; complex ones are refused, which would lose their imaginary parts.

    Args:
        who: asks, for errors.
        name: of the argument.
        given: an array, a tensor, or nested lists.
        expected: what it must be, for errors.

    Raises:
        InputError: it is something else.
    """
    if isinstance(given, Tensor):  # bfloat16 is none of NumPy's types
        held = given.detach().cpu()
        given = (held.double() if held.is_floating_point() else held).numpy()
    try:
        array = np.asarray(given)
        if array.dtype.kind == "c":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        refuse(who, name, expected, type(given).__name__, "pass rep.generators()[0], for example")


def similarity(first: Array, second: Array) -> float:
    """The cosine between two matrices as vectors: 1 for equal ones, whatever their size."""
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.vdot(first, second)) / size if size > 0 else 0.0


def nearest_permutation(matrix: Array, *, signed: bool = False) -> Operation:
    """The permutation, perhaps with signs, that is most similar to a matrix.

    Args:
        matrix: (d, d).
        signed: may entries be -1?

    Returns:
        With its cycles for a name: "coordinates 0 -> 1 -> 0".
    """
    images = permutation_near(np.abs(matrix) if signed else matrix)
    columns = np.arange(len(matrix))
    found = np.zeros_like(matrix)
    found[images, columns] = np.sign(matrix[images, columns]) if signed else 1.0
    return Operation(_cycles(images, found[images, columns] < 0), found)


def _cycles(images: NDArray[np.int64], negative: NDArray[np.bool_]) -> str:
    """Where coordinates go; a coordinate that only changes sign is "0 -> -0"."""
    words = []
    for cycle in cycles(dict(enumerate(images.tolist()))):
        if len(cycle) > 1 or negative[cycle[0]]:
            steps = (f" -> {'-' * bool(negative[k])}{images[k]}" for k in cycle)
            words.append(f"{cycle[0]}{''.join(steps)}")
    if not words:
        return "the identity"
    if len(images) > _SPELLED and len(words) > 1:
        moved = int((images != np.arange(len(images))).sum())
        return f"a permutation that moves {moved} of {len(images)} coordinates"
    return f"coordinates {', '.join(words)}"


_SPELLED = 12


def plain_operations(dim: int) -> list[Operation]:
    """What has a name in any space: nothing, the negative, cyclic shifts, the reverse, the mean."""
    eye = np.eye(dim)
    found = [Operation("the identity", eye), Operation("the negative", -eye)]
    if dim > 1:
        found.append(Operation("the mean of all coordinates", np.full((dim, dim), 1 / dim)))
    if dim > 2:
        found.append(Operation("the coordinates in reverse", eye[::-1].copy()))
        steps = [*range(1, dim // 2 + 1), *range(-((dim - 1) // 2), 0)]
        found += [
            Operation(f"a cyclic shift by {step}", np.roll(eye, step, axis=0)) for step in steps
        ]
    return found
