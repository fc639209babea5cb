"""A function under test: its values, its gradients, and how far actions change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import float_tensor, refuse
from grouplearn.discovery.functions.answers import Answer, Unmoved

WHO = "discover_from_function"
_ROWS = 1 << 16
_OUTPUTS = 8
_STEP, _STRIDE = 1e-3, 0.5
_CONSTANT = 1e-5
_FLAT = 0.2
_WEAKEST = 1e-6
_PER_OUTPUT = 8
EXACT = 1e-3
"""The largest violation that is called exact: networks compute in float32."""
TOLERANCE = 0.15
"""The largest violation that is called approximate."""
LEAST_GAP = 3.0
"""By how much members of an approximate symmetry must beat everything else."""

Array = NDArray[np.float64]


@final
class Probe:
    """A function R^d -> R^k, called on float64 arrays and checked on every call.

    Args:
        function: tensors (N, d) to (N,) or (N, k).
        samples: (N, d), whose dtype and device the function expects.
        basis: (d, r): the function is seen as one of r coordinates z, of x = basis z.
        who: asks, for errors.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        samples: Float[Tensor, "N d"],
        basis: Float[np.ndarray, "d r"] | None = None,
        who: str = WHO,
    ) -> None:
        self._function, self._like, self._who = function, samples[:0], who
        self.basis = np.eye(samples.shape[1]) if basis is None else basis

    def tensor(self, x: Float[np.ndarray, "N r"]) -> Float[Tensor, "N d"]:
        """The function's own input."""
        return torch.as_tensor(x @ self.basis.T).to(self._like)

    def call(self, inputs: Float[Tensor, "N d"]) -> Float[Tensor, "N k"]:
        """The function's values, with gradients where it has them."""
        values: Any = self._function(inputs)
        count, dim = inputs.shape
        tensor = isinstance(values, Tensor)
        if not tensor or values.ndim not in (1, 2) or len(values) != count:
            refuse(self._who, "function", f"a map of ({count}, {dim}) tensors to ({count},) or "
                   f"({count}, k)", tuple(values.shape) if tensor else type(values).__name__,
                   "wrap it")  # fmt: skip
        values = values.reshape(len(inputs), -1)
        if not bool(torch.isfinite(values).all()):
            row = int((~torch.isfinite(values)).any(1).nonzero()[0])
            refuse(self._who, "function",
                   "finite on the samples and on what candidates make of them",
                   f"{values[row].tolist()} at row {row}", "scale the data")  # fmt: skip
        return values

    def values(self, x: Float[np.ndarray, "N r"]) -> Float[np.ndarray, "N k"]:
        """The function's values, float64."""
        with torch.no_grad():
            parts = [self.call(rows).double().cpu().numpy() for rows in self.tensor(x).split(_ROWS)]
        return np.concatenate(parts)

    def within(self, basis: Float[np.ndarray, "r s"]) -> Probe:
        """The same function in coordinates y of its own coordinates z = basis y."""
        return Probe(self._function, self._like, self.basis @ basis, self._who)

    def gradients(
        self,
        x: Float[np.ndarray, "N r"],
        seed: int,
        mix: Float[np.ndarray, "k m"] | None = None,
    ) -> Float[np.ndarray, "N m r"]:
        """Gradients of combinations of outputs; by default of all, or of 8 random ones.

        By automatic differentiation, or by central differences where the function has none; over
        wide steps where it has steps itself.
        """
        inputs = self.tensor(x).requires_grad_()
        with torch.enable_grad():
            values = self.call(inputs)
        if mix is None:
            mix = few_outputs(values.shape[1], seed)
        if not values.requires_grad:
            return self._differences(x, mix)
        combined = values @ torch.as_tensor(mix.copy()).to(values)
        parts = [
            torch.autograd.grad(column.sum(), inputs, retain_graph=True, allow_unused=True)[0]
            for column in combined.unbind(1)
        ]
        if any(part is None for part in parts):
            return self._differences(x, mix)
        found = np.stack([part.double().cpu().numpy() @ self.basis for part in parts], 1)
        return found if found.any() else self._differences(x, mix)

    def _differences(self, x: Array, mix: Array) -> Array:
        found = np.zeros((0, 0, 0))
        for step in np.array([_STEP, _STRIDE]) * np.sqrt((x**2).mean()):
            columns = []
            for direction in step * np.eye(x.shape[1]):
                change = self.values(x + direction) - self.values(x - direction)
                columns.append(change @ mix / (2 * step))
            found = np.stack(columns, -1)
            # Jumps are all that a difference over a short step sees of a step function.
            if found.any(axis=(1, 2)).mean() > _FLAT:
                break
        return found

    def check_varies(self, x: Float[np.ndarray, "N r"]) -> None:
        """Refuse a function that does not depend on x."""
        values = self.values(x)
        spread = float(values.std(0).max())
        if spread <= _CONSTANT * float(np.abs(values).max()):
            refuse(self._who, "function", "one that depends on x",
                   f"values between {values.min():.6g} and {values.max():.6g}",
                   "every action leaves a constant alone")  # fmt: skip


def few_outputs(count: int, seed: int) -> Float[np.ndarray, "k m"]:
    """Combinations of outputs: each alone, or 8 random ones where there are more."""
    if count <= _OUTPUTS:
        return np.eye(count)
    return np.random.default_rng(seed).standard_normal((count, _OUTPUTS))


@final
class Ruler:
    """How far candidates change a function, on given rows.

    The violation of g is sqrt(E |f(g x) - f(x)|^2 / E |f(x') - f(x)|^2), where x' is x with the
    coordinates that g moves taken from another sample: 0 for a symmetry, about 1 for an action that
    knows nothing of f, however few coordinates it moves. With another answer than invariance,
    differences are replaced by what that answer leaves unexplained.

    Args:
        probe: the function.
        x: (N, r), the rows.
        seed: of the other samples.
        answer: what the values may do.
    """

    def __init__(
        self, probe: Probe, x: Float[np.ndarray, "N r"], seed: int, answer: Answer | None = None
    ) -> None:
        self.probe, self.x, self.answer = probe, x, answer or Unmoved()
        self.values = probe.values(x)
        order = np.random.default_rng(seed).permutation(len(x))
        self._other = x[np.roll(order, 1)][np.argsort(order)]
        self._units: dict[bytes, Array] = {}
        self._least = _WEAKEST * float(self.values.var(0).sum())

    def unit(self, moved: Bool[np.ndarray, " r"], frame: Float[np.ndarray, "r r"]) -> float:
        """E |f(x') - f(x)|^2 for the columns of a frame that are moved."""
        return float(self._swapped(moved, frame).mean())

    def _swapped(self, moved: NDArray[np.bool_], frame: Array) -> Array:
        key = moved.tobytes() + frame.tobytes()
        if key not in self._units:
            part = frame[:, moved] @ np.linalg.pinv(frame)[moved]
            answers = self.probe.values(self.x + (self._other - self.x) @ part.T)
            self._units[key] = self._unexplained(answers, len(self.x)).sum(-1) + self._least
        return self._units[key]

    def _unexplained(self, moved: Array, rows: int) -> Array:
        left = self.answer.residuals(torch.as_tensor(self.values[:rows]))(torch.as_tensor(moved))
        return np.asarray(left.numpy() ** 2)

    def changes(
        self, matrices: Float[np.ndarray, "C r r"], rows: int | None = None
    ) -> Float[np.ndarray, "C N"]:
        """|f(g x) - f(x)|^2 for every candidate and each of the first rows."""
        rows = len(self.x) if rows is None else max(rows, _PER_OUTPUT * self.values.shape[1])
        x, values = self.x[:rows], self.values[:rows]
        results = []
        for part in np.array_split(matrices, max(1, matrices.size * len(x) // (1 << 21))):
            moved = np.einsum("cij,nj->cni", part, x).reshape(-1, x.shape[1])
            answers = self.probe.values(moved).reshape(len(part), *values.shape)
            results.append(self._unexplained(answers, len(x)).sum(-1))
        return np.concatenate(results)

    def violation(self, matrix: Float[np.ndarray, "r r"]) -> float:
        """The violation of one matrix.

        What it moves are the coordinates, for a permutation matrix, else the range of g - 1.
        """
        moved, frame = range_of(matrix)
        return float(self.violations(matrix[None], [moved], frame)[0]) if moved.any() else 0.0

    def by_row(
        self, matrix: Float[np.ndarray, "r r"]
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """What a matrix changes in each row, and what unrelated actions would change there."""
        moved, frame = range_of(matrix)
        if not moved.any():
            return np.zeros(len(self.x)), np.ones(len(self.x))
        return self.changes(matrix[None])[0], self._swapped(moved, frame)

    def violations(
        self,
        matrices: Float[np.ndarray, "C r r"],
        moved: Sequence[Bool[np.ndarray, " r"]],
        frame: Float[np.ndarray, "r r"],
        rows: int | None = None,
    ) -> Float[np.ndarray, " C"]:
        """The violation of every candidate."""
        units = np.array([self.unit(each, frame) for each in moved])
        return np.sqrt(self.changes(matrices, rows).mean(1) / units)


def range_of(
    matrix: Float[np.ndarray, "r r"],
) -> tuple[Bool[np.ndarray, " r"], Float[np.ndarray, "r r"]]:
    """Which columns of which frame a matrix moves: coordinates, if it permutes them."""
    size = len(matrix)
    if np.isin(matrix, (0, 1)).all() and (matrix.sum(0) == 1).all():
        return matrix.diagonal() != 1, np.eye(size)
    frame, sizes, _ = np.linalg.svd(matrix - np.eye(size))
    return sizes > 1e-6, frame


def check_samples(samples: Any, who: str = WHO) -> Float[np.ndarray, "N d"]:
    """Return samples as float64 if there are enough of them."""
    x = float_tensor(who, "samples", samples, (None, None)).detach()
    if x.shape[1] < 1 or len(x) < max(32, 4 * x.shape[1]):
        refuse(who, "samples", f"at least {max(32, 4 * x.shape[1])} rows of one or more numbers",
               tuple(x.shape), "draw more inputs")  # fmt: skip
    if not bool(x.any()):
        refuse(who, "samples", "other than all zero", tuple(x.shape), "draw varied inputs")
    return np.asarray(x.cpu().double().numpy())
