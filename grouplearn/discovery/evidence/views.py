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
from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.choice import (
    alphabet_of,
    families_for_letters,
    families_for_numbers,
)

RIDGE = 1e-3
"""Added to the eigenvalues of the covariance, in units of their mean, before whitening."""


@final
@dataclass(frozen=True)
class View:
    """Families that look at rows in one system of coordinates.

    Attributes:
        name: what reports call it; empty for the rows as they are.
        families: fitted to typical rows in these coordinates.
        whiten: (D, D), from rows to coordinates; None where they are the same.
        centre: (D,), the origin of the coordinates.
    """

    name: str
    families: Sequence[Family]
    whiten: Float[np.ndarray, "D D"] | None = None
    centre: Float[np.ndarray, " D"] | float = 0.0

    def __call__(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
        """The rows in these coordinates."""
        return rows if self.whiten is None else np.asarray((rows - self.centre) @ self.whiten.T)

    def elsewhere(self, action: Action, rng: np.random.Generator) -> Move:
        """From rows to these coordinates, by way of an action that is no symmetry."""
        if self.whiten is None:
            return action.elsewhere(rng)
        move, turn = action.draw_other(rng), random_orthogonal(len(self.whiten), rng)
        back = np.linalg.inv(self.whiten)

        def moved(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
            turned = self(rows) @ turn.T
            return np.asarray(self(move(turned @ back.T + self.centre)) @ turn)

        return moved

    def labelled(self, family: Family) -> str:
        """The name of a family seen in this view."""
        return f"{self.name} {family.name}".strip()


def views_for(rows: Float[np.ndarray, "N D"], rng: np.random.Generator) -> list[View]:
    """The views of rows of numbers, or of one-hot windows.

    Args:
        rows: (N, D), typical ones: the data with every unit moved by a random element.
        rng: draws what is random in a family.
    """
    letters = alphabet_of(rows)
    if letters:
        return [View("", families_for_letters(rows.shape[1] // letters, letters))]
    plain = View("", families_for_numbers(rows, rng, white=False))
    centre = rows.mean(0)
    spread = rows.std(0)
    varying = spread > 0
    scale = np.divide(1.0, spread, out=np.ones_like(spread), where=varying)
    values, vectors = np.linalg.eigh(np.cov((rows - centre).T * scale[:, None], ddof=0))
    whiten = (vectors / np.sqrt(values.clip(0) + RIDGE)) @ vectors.T * scale
    white = View("white", [], whiten, centre)
    families = families_for_numbers(white(rows), rng, white=True)
    return [plain, View("white", families, whiten, centre)]
