"""One irregular object moved by random elements of a point group: LieFlow's setting."""

from __future__ import annotations

from functools import partial

import numpy as np

from sources.base import Array, Maker, Random, Source, conjugated, random_basis
from sources.groups import POINT, plane

WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])


def point_group(name: str) -> Array:
    """C4 in the plane, or a point group of space."""
    return plane(4) if name == "C4" else POINT[name]()


def turned_object(
    law: Random, rng: Random, rows: int, name: str, noise: float = 0.02, mixed: bool = True
) -> Source:
    """Rows are points of an object of four random points, turned by a random element each.

    The object has no symmetry, its points unlike weights and distances from the origin, and the
    noise is round: what keeps the law keeps the orbit of each point, which only the group does.

    Args:
        law: chooses the object and the basis.
        rng: draws the rows.
        rows: how many.
        name: of the group.
        noise: standard deviation, beside distances of 0.6 to 1.4 from the origin.
        mixed: is the basis random? Else it is orthonormal, as in LieFlow.
    """
    group = point_group(name)
    dim = group.shape[1]
    points = law.standard_normal((4, dim))
    points *= (np.array([0.6, 0.85, 1.1, 1.4]) / np.linalg.norm(points, axis=1))[:, None]
    basis = random_basis(law, dim) if mixed else np.eye(dim)
    chosen = points[rng.choice(4, rows, p=WEIGHTS)]
    elements = group[rng.integers(len(group), size=rows)]
    values = np.einsum("nij,nj->ni", elements, chosen) + noise * rng.standard_normal((rows, dim))
    truth = conjugated(group, basis)
    return Source(f"{name} on an object", values @ basis.T, "linear", truth, root=basis)


GROUPS = ("C4", "T", "O", "I", "Td", "Th", "Oh", "Ih")


def maker(name: str, noise: float = 0.02, mixed: bool = True) -> Maker:
    """A maker of `turned_object` with these settings."""
    return partial(turned_object, name=name, noise=noise, mixed=mixed)


OBJECTS: dict[str, Maker] = {f"{name} on an object": maker(name) for name in GROUPS}
