"""The coordinates in which families look at rows: as they are, and whitened.

Second moments of stationary data have symmetries that the data lack (C(h) = C(-h)), so that
covariances alone are no evidence. In whitened coordinates there is no covariance left: what differs
there differs in higher moments, and other actions of the same kind are turns of that space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.actions import Action, Move, random_orthogonal
from grouplearn.discovery.evidence.axes import independent_axes
from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.choice import (
    alphabet_of,
    families_for_letters,
    families_for_numbers,
)
from grouplearn.discovery.evidence.families.covariances import Covariances
from grouplearn.discovery.evidence.families.standard import rounding

RIDGE = 1e-3
"""Added to the eigenvalues of the covariance, in units of their mean, before whitening."""

_MOST_AXES = 32
_SPANNED = 1e-9
_SAME, _LISTED = 0.1, 128


@final
@dataclass(frozen=True)
class Whitening:
    """Coordinates in which typical rows have the covariance I.

    Where columns depend on one another there are only r < D of them: in the directions that are
    left out nothing varies but rounding, which must not be enlarged.

    Attributes:
        matrix: (r, D), from centred rows to these coordinates.
        back: (D, r), its inverse on the span of the rows.
        centre: (D,), the mean of typical rows.
    """

    matrix: Float[np.ndarray, "r D"]
    back: Float[np.ndarray, "D r"]
    centre: Float[np.ndarray, " D"]

    @classmethod
    def of(cls, rows: Float[np.ndarray, "N D"]) -> Whitening:
        """Whitening of typical rows, whose columns are first taken in units of their own."""
        centre, spread = rows.mean(0), rows.std(0)
        units = np.where(spread > rounding(rows), spread, 1.0)
        correlation = np.cov(((rows - centre) / units).T, ddof=0).reshape(rows.shape[1], -1)
        values, vectors = np.linalg.eigh(correlation)
        roots = np.sqrt(values.clip(0) + RIDGE)
        spanned = values > _SPANNED * values[-1]
        # As near to the rows as can be, or principal axes where not all are spanned.
        axes = vectors if spanned.all() else np.eye(len(values))[:, spanned].T
        return cls(
            axes @ (vectors / roots).T / units,
            units[:, None] * ((vectors * roots) @ axes.T),
            centre,
        )

    def rotated(self, axes: Float[np.ndarray, "r r"]) -> Whitening:
        """The same in other axes of the whitened space."""
        return Whitening(axes @ self.matrix, self.back @ axes.T, self.centre)

    def seen(self, covectors: Float[np.ndarray, "D m"] | None) -> Float[np.ndarray, "r m"] | None:
        """What linear functions of rows depend on, as orthonormal directions here."""
        if covectors is None:
            return None
        left, values, _ = np.linalg.svd(self.back.T @ covectors, full_matrices=False)
        return np.asarray(left[:, values > _SPANNED * values.max(initial=0.0)])

    def __call__(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N r"]:
        """The rows in these coordinates."""
        return np.asarray((rows - self.centre) @ self.matrix.T)

    def undo(self, rows: Float[np.ndarray, "N r"]) -> Float[np.ndarray, "N D"]:
        """From these coordinates to rows."""
        return np.asarray(rows @ self.back.T + self.centre)

    def turned(self, action: Action, rng: np.random.Generator) -> Move:
        """A conjugate of a random element by a random turn of these coordinates, as a move of rows.

        The turn alone where that is an element again, as for turns of a plane.
        """
        turn = random_orthogonal(len(self.matrix), rng)
        element = action.draw_other(rng)
        probe = rng.standard_normal((2, len(self.matrix)))
        found = self(element(self.undo(probe @ turn.T))) @ turn
        inside = self.undo(probe)
        numbered = [action.element(number) for number in range(min(action.order, _LISTED))]
        known = numbered or [element]
        if any(np.allclose(self(each(inside)), found, atol=_SAME) for each in known):
            return lambda rows: self.undo(self(rows) @ turn)
        return lambda rows: self.undo(self(element(self.undo(self(rows) @ turn.T))) @ turn)


@final
@dataclass(frozen=True)
class View:
    """Families that look at rows in one system of coordinates.

    Attributes:
        families: fitted to typical rows in these coordinates.
        whitening: None where there is nothing to whiten, as in one-hot windows.
        white: are the coordinates the whitened ones?
    """

    families: Sequence[Family]
    whitening: Whitening | None = None
    white: bool = False

    def __call__(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N r"]:
        """The rows in these coordinates."""
        return self.whitening(rows) if self.white and self.whitening is not None else rows

    def turned(self, action: Action, rng: np.random.Generator) -> Move | None:
        """A random element after a random turn of the whitened space; None where there is none."""
        if self.whitening is None:
            return None
        return self.whitening.turned(action, rng)

    def named(self, family: Family) -> str:
        """The name of a family seen in this view."""
        return f"whitened {family.name}" if self.white else family.name


def views_for(
    rows: Float[np.ndarray, "N D"],
    rng: np.random.Generator,
    max_moment: int = 3,
    moved: Float[np.ndarray, "D m"] | None = None,
) -> list[View]:
    """The views of rows of numbers, or of one-hot windows.

    Args:
        rows: (N, D), typical ones: the data with every unit moved by a random element.
        rng: draws what is random in a family.
        max_moment: 2 looks at means and covariances alone.
        moved: covectors that span what an action moves, where that is little; None for much.
    """
    letters = alphabet_of(rows)
    if letters:
        places = 2 if max_moment == 2 else rows.shape[1] // letters
        return [View(families_for_letters(rows.shape[1] // letters, letters, places))]
    whitening = Whitening.of(rows)
    if len(whitening.matrix) > 0 and rows.shape[1] <= _MOST_AXES:
        whitening = whitening.rotated(independent_axes(whitening(rows), rng))
    if max_moment == 2:
        return [View([Covariances(rows, rng)], whitening)]
    if not len(whitening.matrix):
        return [View(families_for_numbers(rows, rng, white=False))]
    return [
        View(families_for_numbers(rows, rng, white=False), whitening),
        View(
            families_for_numbers(whitening(rows), rng, white=True, moved=whitening.seen(moved)),
            whitening,
            white=True,
        ),
    ]
