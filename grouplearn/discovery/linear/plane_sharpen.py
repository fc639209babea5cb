"""Moving the basis of an action on one plane to where waves of the angle keep it best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

from grouplearn.discovery.evidence.families.harmonics import WAVES
from grouplearn.discovery.evidence.labels import unexplained
from grouplearn.discovery.linear.sharpen import ridge_for, shortened

_ROUNDS = 4
_HALF = 0.5
_CENTRE = 0.2


@dataclass(frozen=True)
class _Plane:
    """A plane that turns or is mirrored, and what stays beside it.

    Attributes:
        plane: (d,), a complex covector: the plane as the complex numbers.
        kept: (m, d), covectors of what stays.
        turns: (n,), what z or its conjugate is multiplied with.
        mirrors: (n,), is it the conjugate?
    """

    plane: Complex[np.ndarray, " d"]
    kept: Float[np.ndarray, "m d"]
    turns: Complex[np.ndarray, " n"]
    mirrors: Bool[np.ndarray, " n"]

    @classmethod
    def of(cls, matrices: Float[np.ndarray, "n d d"]) -> _Plane | None:
        """The plane of matrices that move two dimensions and keep the rest; None for others."""
        left, values, right = np.linalg.svd(np.eye(matrices.shape[-1]) - matrices.mean(0))
        moved = right[values > _HALF].T
        if moved.shape[1] != 2:
            return None
        acting = moved.T @ matrices @ moved
        # Coordinates of the plane in which these are orthogonal.
        root = np.linalg.cholesky(np.einsum("nki,nkj->ij", acting, acting) / len(acting)).T
        acting = root @ acting @ np.linalg.inv(root)
        return cls(
            moved @ root.T @ np.array([1, 1j]),
            left[:, values <= _HALF].T,
            acting[:, 0, 0] + 1j * acting[:, 1, 0],
            np.linalg.det(acting) < 0,
        )

    def rest(self, means: Complex[np.ndarray, "... m"]) -> Complex[np.ndarray, "... m"]:
        """Means of waves, less their means over all elements."""
        powers = self.turns[:, None] ** np.arange(1, WAVES + 1)
        straight = (powers * ~self.mirrors[:, None]).mean(0)
        mirrored = (powers * self.mirrors[:, None]).mean(0)
        return np.asarray(means - straight * means - mirrored * means.conj())


def plane_sharpened(
    matrices: Float[np.ndarray, "n d d"],
    rows: Float[np.ndarray, "N d"],
    factors: Float[np.ndarray, "N f"],
) -> Float[np.ndarray, "d d"]:
    """L near I for which L^-1 rho(g) L keeps waves of the angle better, where rho moves one plane.

    A symmetry leaves the mean of exp(i m theta) as it is, times any function of a label, less what
    the coordinates tell of it that are kept. Gauss-Newton steps over all matrices L make it so for
    m = 1 to 24.

    Args:
        matrices: rho, of any group.
        rows: about white.
        factors: weights, then weights times functions of a label.

    Returns:
        L; I where rho moves more or less than a plane, or keeps the waves no better so.

    Cost:
        O(100 N f d^2) time.
    """
    one = np.eye(matrices.shape[-1])
    plane = _Plane.of(matrices)
    if plane is None:
        return one
    ridge = ridge_for(len(rows))
    out, best, least = one, one, np.inf
    for _ in range(_ROUNDS + 1):
        rest, slopes = _waves(plane, out, rows, factors)
        lost = float(rest @ rest) + ridge * float(np.square(out - one).sum())
        if lost < least:
            best, least = out, lost
        if lost < rest.size:
            break
        slope = slopes @ rest + ridge * (out - one).ravel()
        step = np.linalg.solve(slopes @ slopes.T + ridge * np.eye(one.size), slope)
        out = out @ (one - shortened(step.reshape(one.shape)))
    return best


def _waves(
    plane: _Plane,
    linear: Float[np.ndarray, "d d"],
    rows: Float[np.ndarray, "N d"],
    factors: Float[np.ndarray, "N f"],
) -> tuple[Float[np.ndarray, " w"], Float[np.ndarray, "e w"]]:
    """What means of waves are off by, in units of noise, and how that changes with L."""
    covector, kept = plane.plane @ linear, plane.kept @ linear
    weights = factors[:, :1]
    left, slopes_of = unexplained(factors[:, 1:] / weights, rows @ kept.T)
    functions = np.concatenate([weights, weights * left], axis=1)
    z = rows @ covector
    seen = np.abs(z) > _CENTRE
    z, rows, functions = z[seen], rows[seen], functions[seen]
    steep = (slopes_of() * weights[:, :, None])[seen]
    count, dim = rows.shape
    numbers = np.arange(1, WAVES + 1)
    waves = (z / np.abs(z))[:, None] ** numbers

    def mean(about: Float[np.ndarray, "N ..."]) -> Complex[np.ndarray, "... m"]:
        return np.tensordot(about, waves, (0, 0)) / count

    # As L becomes L (I + D) the angle turns by Im(dz / z), where dz = covector . D y.
    turning = np.imag(covector[:, None] * (rows / z[:, None])[:, None, :])
    slopes = 1j * numbers * mean(functions[:, :, None, None] * turning[:, None])
    # What is kept becomes kept . (I + D) y, and what it tells of labels with it.
    told = mean(steep[..., None] * rows[:, None, None, :])
    slopes[1:] -= np.einsum("ka,fkbm->fabm", kept, told)
    scale = np.sqrt(2 * count / np.square(functions).mean(0))[:, None]
    rest = plane.rest(mean(functions)) * scale
    change = plane.rest(slopes.reshape(-1, dim * dim, WAVES)) * scale[:, None]
    change = np.moveaxis(change, 1, 0).reshape(dim * dim, -1)
    return (
        np.concatenate([rest.real, rest.imag], axis=None),
        np.concatenate([change.real, change.imag], axis=1),
    )
