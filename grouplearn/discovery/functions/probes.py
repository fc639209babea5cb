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

WHO = "discover_from_function"
_ROWS = 1 << 16
_OUTPUTS = 8
_STEP = 1e-3
_CONSTANT = 1e-5
_WEAKEST = 1e-6
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
        basis: (d, r), orthonormal columns: the function is seen as one of r coordinates.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        samples: Float[Tensor, "N d"],
        basis: Float[np.ndarray, "d r"] | None = None,
    ) -> None:
        self._function, self._like = function, samples[:0]
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
            refuse(WHO, "function", f"a map of ({count}, {dim}) tensors to ({count},) or "
                   f"({count}, k)", tuple(values.shape) if tensor else type(values).__name__,
                   "wrap it")  # fmt: skip
        values = values.reshape(len(inputs), -1)
        if not bool(torch.isfinite(values).all()):
            row = int((~torch.isfinite(values)).any(1).nonzero()[0])
            refuse(WHO, "function", "finite on the samples and on what candidates make of them",
                   f"{values[row].tolist()} at row {row}", "scale the data")  # fmt: skip
        return values

    def values(self, x: Float[np.ndarray, "N r"]) -> Float[np.ndarray, "N k"]:
        """The function's values, float64."""
        with torch.no_grad():
            parts = [self.call(rows).double().cpu().numpy() for rows in self.tensor(x).split(_ROWS)]
        return np.concatenate(parts)

    def gradients(self, x: Float[np.ndarray, "N r"], seed: int) -> Float[np.ndarray, "N k r"]:
        """Gradients of the outputs, or of 8 random combinations where there are more.

        By automatic differentiation, or by central differences where the function has none.
        """
        inputs = self.tensor(x).requires_grad_()
        with torch.enable_grad():
            values = self.call(inputs)
        rng = np.random.default_rng(seed)
        count = values.shape[1]
        mix = np.eye(count) if count <= _OUTPUTS else rng.standard_normal((count, _OUTPUTS))
        if not values.requires_grad:
            return self._differences(x, mix)
        combined = values @ torch.as_tensor(mix).to(values)
        parts = [
            torch.autograd.grad(column.sum(), inputs, retain_graph=True, allow_unused=True)[0]
            for column in combined.unbind(1)
        ]
        if any(part is None for part in parts):
            return self._differences(x, mix)
        return np.stack([part.double().cpu().numpy() @ self.basis for part in parts], 1)

    def _differences(self, x: Array, mix: Array) -> Array:
        step = _STEP * float(np.sqrt((x**2).mean()))
        columns = []
        for direction in step * np.eye(x.shape[1]):
            change = self.values(x + direction) - self.values(x - direction)
            columns.append(change @ mix / (2 * step))
        return np.stack(columns, -1)

    def check_varies(self, x: Float[np.ndarray, "N r"]) -> None:
        """Refuse a function that does not depend on x."""
        values = self.values(x)
        spread = float(values.std(0).max())
        if spread <= _CONSTANT * float(np.abs(values).max()):
            refuse(WHO, "function", "one that depends on x",
                   f"values between {values.min():.6g} and {values.max():.6g}",
                   "every action leaves a constant alone")  # fmt: skip


@final
class Ruler:
    """How far candidates change a function, on given rows.

    The violation of g is sqrt(E |f(g x) - f(x)|^2 / E |f(x') - f(x)|^2), where x' is x with the
    coordinates that g moves taken from another sample: 0 for a symmetry, about 1 for an action that
    knows nothing of f, however few coordinates it moves.

    Args:
        probe: the function.
        x: (N, r), the rows.
        seed: of the other samples.
    """

    def __init__(self, probe: Probe, x: Float[np.ndarray, "N r"], seed: int) -> None:
        self._probe, self.x = probe, x
        self.values = probe.values(x)
        order = np.random.default_rng(seed).permutation(len(x))
        self._other = x[np.roll(order, 1)][np.argsort(order)]
        self._units: dict[bytes, float] = {}
        self._least = _WEAKEST * float(self.values.var(0).sum())

    def unit(self, moved: Bool[np.ndarray, " r"], frame: Float[np.ndarray, "r r"]) -> float:
        """E |f(x') - f(x)|^2 for the columns of an orthonormal frame that are moved."""
        key = moved.tobytes() + frame.tobytes()
        if key not in self._units:
            part = frame[:, moved] @ np.linalg.pinv(frame)[moved]
            swapped = self.x + (self._other - self.x) @ part.T
            gap = self._probe.values(swapped) - self.values
            self._units[key] = max(float((gap**2).sum(1).mean()), self._least)
        return self._units[key]

    def changes(
        self, matrices: Float[np.ndarray, "C r r"], rows: int | None = None
    ) -> Float[np.ndarray, " C"]:
        """E |f(g x) - f(x)|^2 for every candidate, over the first rows."""
        x, values = self.x[:rows], self.values[:rows]
        results = []
        for part in np.array_split(matrices, max(1, len(matrices) * len(x) // (1 << 18))):
            moved = np.einsum("cij,nj->cni", part, x).reshape(-1, x.shape[1])
            gap = self._probe.values(moved).reshape(len(part), *values.shape) - values
            results.append((gap**2).sum(2).mean(1))
        return np.concatenate(results)

    def violation(self, matrix: Float[np.ndarray, "r r"]) -> float:
        """The violation of one matrix.

        What it moves are the coordinates, for a permutation matrix, else the range of g - 1.
        """
        size = len(matrix)
        frame, moved = np.eye(size), matrix.diagonal() != 1
        if not (np.isin(matrix, (0, 1)).all() and (matrix.sum(0) == 1).all()):
            frame, sizes, _ = np.linalg.svd(matrix - np.eye(size))
            moved = sizes > 1e-6
        return float(self.violations(matrix[None], [moved], frame)[0]) if moved.any() else 0.0

    def violations(
        self,
        matrices: Float[np.ndarray, "C r r"],
        moved: Sequence[Bool[np.ndarray, " r"]],
        frame: Float[np.ndarray, "r r"],
        rows: int | None = None,
    ) -> Float[np.ndarray, " C"]:
        """The violation of every candidate."""
        units = np.array([self.unit(each, frame) for each in moved])
        return np.sqrt(self.changes(matrices, rows) / units)


def check_samples(samples: Any) -> Float[np.ndarray, "N d"]:
    """Return samples as float64 if there are enough of them."""
    x = float_tensor(WHO, "samples", samples, (None, None)).detach()
    if x.shape[1] < 1 or len(x) < max(32, 4 * x.shape[1]):
        refuse(WHO, "samples", f"at least {max(32, 4 * x.shape[1])} rows of one or more numbers",
               tuple(x.shape), "draw more inputs")  # fmt: skip
    if not bool(x.any()):
        refuse(WHO, "samples", "other than all zero", tuple(x.shape), "draw varied inputs")
    return np.asarray(x.cpu().double().numpy())
