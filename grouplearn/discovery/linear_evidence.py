"""How far data are from being kept by given matrices, and what sampling noise alone would do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear_data import Whitened, wild_p_value
from grouplearn.discovery.linear_tensors import Moments, group_moments, mean_moments, turn
from grouplearn.discovery.result import Evidence, Verdict

SMALL = 0.15
GAP = 3.0
_FREQUENCIES = 192
_SCALES = (1.0, 2.0, 4.0)


@dataclass(frozen=True)
class _Groups:
    """What is known of every group of rows."""

    moments: list[Moments]
    covariances: NDArray[np.float64]
    rows: list[NDArray[np.float64]]
    factors: list[NDArray[np.float64]]


class Judge:
    """Holds data against which actions are judged.

    Each kind of evidence is a vector M_b of means over each group b of rows, on which a matrix acts.
    The differences D_b = rho M_b - M_b have mean zero for a symmetry; random signs of them tell how
    long their sum would then be. The violation is |mean D| / |M - M'|, M' being the part of M that
    does not touch the directions that rho moves: what moves little is not thereby a symmetry.

    Args:
        data: whitened sample; rows of one group may depend on one another.
        max_moment: 2, 3 or 4: the orders of moments to look at; from 3 on also the characteristic
            function at random frequencies, as kind "kernel".
        level: of the sign-flip test, over all kinds together.
        seed: of signs and frequencies.
    """

    def __init__(self, data: Whitened, max_moment: int, level: float, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._data, self._seed = data, seed
        self.kinds = [f"order {k}" for k in range(2, min(max_moment, 4) + 1)]
        self.kinds += ["kernel"] if max_moment > 2 else []
        self.level = level / len(self.kinds)
        dim = data.dim
        scales = np.repeat(_SCALES, _FREQUENCIES // len(_SCALES)) / np.sqrt(dim)
        self._frequencies = self._rng.standard_normal((dim, len(scales))) * scales
        moments = group_moments(data)
        rows, factors, covariances = [], [], []
        for group in range(data.count):
            of = data.groups == group
            weights = data.weights[of] / data.weights[of].sum()
            x = data.rows[of] - weights @ data.rows[of]
            covariance = (x * weights[:, None]).T @ x
            covariances.append(covariance)
            if not data.isotropic:
                values, vectors = np.linalg.eigh(covariance)
                x = x @ (vectors / np.sqrt(values)) @ vectors.T
            rows.append(x)
            factors.append(np.concatenate([np.ones((len(x), 1)), data.labels[of]], 1) * weights[:, None])
        self._groups = _Groups(moments, np.array(covariances), rows, factors)
        self._mean = mean_moments(moments)
        self._plain = self._characteristic(np.eye(dim)) if "kernel" in self.kinds else np.empty(0)

    def evidence(
        self,
        matrices: Float[np.ndarray, "m d d"],
        fixed: Float[np.ndarray, "d d"],
        *,
        moments_only: bool = False,
    ) -> tuple[Evidence, ...]:
        """One entry per kind, with no candidate outside.

        Args:
            matrices: rho of the generators, in whitened coordinates.
            fixed: the projection on the vectors that all of them fix.
            moments_only: leave out the characteristic function.
        """
        orthogonal = [_polar(matrix) for matrix in matrices]
        out = []
        for kind in self.kinds[: -1 if moments_only and len(self.kinds) > 1 else None]:
            size = self._moved(kind, fixed)
            parts = [
                self._differences(kind, matrix, o) for matrix, o in zip(matrices, orthogonal, strict=True)
            ]
            if not parts or size == 0:
                out.append(Evidence(kind, 0.0, 0.0, math.nan, math.inf, "exact"))
                continue
            lengths = [float(np.linalg.norm(part.mean(0))) / size for part in parts]
            noises = [math.sqrt(float((part**2).sum())) / len(part) / size for part in parts]
            p = wild_p_value(np.concatenate(parts, axis=1), np.random.default_rng(self._seed))
            found = Evidence(kind, max(lengths), max(noises), p, math.inf, "rejected")
            out.append(replace(found, verdict=self.verdict(found)))
        return tuple(out)

    def verdict(self, evidence: Evidence) -> Verdict:
        """Exact within the noise, approximate, or rejected."""
        if evidence.p_value > self.level:
            return "exact"
        return "approximate" if evidence.violation <= SMALL and evidence.gap >= GAP else "rejected"

    def _differences(
        self, kind: str, matrix: NDArray[np.float64], orthogonal: NDArray[np.float64]
    ) -> Float[np.ndarray, "groups size"]:
        groups = self._groups
        if kind == "kernel":
            return self._characteristic(orthogonal) - self._plain
        out = []
        for moments, covariance in zip(groups.moments, groups.covariances, strict=True):
            if kind == "order 2":
                first, second = moments.first, moments.second
                moved = turn(first, orthogonal)
                moved[0] = matrix @ first[0]
                spread = matrix @ covariance @ matrix.T - covariance
                parts = [moved - first, turn(second, orthogonal) - second, spread]
            else:
                tensor = moments.third if kind == "order 3" else moments.fourth
                parts = [turn(tensor, orthogonal) - tensor]
            out.append(np.concatenate([part.ravel() for part in parts]))
        return np.array(out)

    def _moved(self, kind: str, fixed: NDArray[np.float64]) -> float:
        """Length of the part of the mean that touches what is moved."""
        if kind == "kernel":
            return float(np.linalg.norm((self._plain - self._characteristic(fixed)).mean(0)))
        mean = self._mean
        tensors = {"order 2": [mean.first, mean.second], "order 3": [mean.third], "order 4": [mean.fourth]}
        square = sum(float(((t - turn(t, fixed)) ** 2).sum()) for t in tensors[kind])
        return math.sqrt(square)

    def _characteristic(self, matrix: NDArray[np.float64]) -> Float[np.ndarray, "groups size"]:
        """Means of f cos and f sin of w . (matrix y), f = 1 and the functions of the label."""
        frequencies = matrix.T @ self._frequencies
        out = []
        for rows, factors in zip(self._groups.rows, self._groups.factors, strict=True):
            angle = rows @ frequencies
            out.append(np.concatenate([(factors.T @ np.cos(angle)).ravel(), (factors.T @ np.sin(angle)).ravel()]))
        return np.array(out)


def _polar(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)
