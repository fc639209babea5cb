"""Real irreps of cyclic and dihedral groups against character theory."""

from __future__ import annotations

import numpy as np
import pytest

from grouplearn import FiniteGroup
from grouplearn.errors import GroupError, InputError
from grouplearn.groups import irrep_characters, real_irreps, regular_multiplicities
from tests.unit.examples import C, D, product, symmetric

GROUPS = [*(C(n) for n in range(1, 13)), *(D(n) for n in range(1, 10))]
each_group = pytest.mark.parametrize("group", GROUPS, ids=str)


@each_group
def test_characters_are_traces_of_the_matrices_described(group: FiniteGroup) -> None:
    n = group.order // 2 if str(group).startswith("D") else group.order
    for irrep, row in zip(real_irreps(group), irrep_characters(group), strict=True):
        angle = 2 * np.pi * irrep.frequency / n
        turn, flip = np.array([[np.cos(angle)]]), np.array([[float(irrep.reflection)]])
        if irrep.dim == 2:
            c, s = np.cos(angle), np.sin(angle)
            turn, flip = np.array([[c, -s], [s, c]]), np.diag([1.0, -1.0])
        power = np.linalg.matrix_power
        traces = [np.trace(power(turn, k % n) @ power(flip, k // n)) for k in range(group.order)]
        np.testing.assert_allclose(row, traces, atol=1e-12)


@each_group
def test_characters_are_orthogonal(group: FiniteGroup) -> None:
    """Norms are the dimensions of the endomorphism algebras (Serre, section 13.2)."""
    characters = irrep_characters(group)
    gram = characters @ characters.T / group.order
    np.testing.assert_allclose(
        gram, np.diag([i.endomorphisms for i in real_irreps(group)]), atol=1e-12
    )


@each_group
def test_all_irreps_are_there(group: FiniteGroup) -> None:
    """The sum of dim^2 / endomorphisms is the order; real irreps number the real classes."""
    irreps = real_irreps(group)
    assert sum(i.dim**2 // i.endomorphisms for i in irreps) == group.order
    label = np.empty(group.order, dtype=int)
    for k, members in enumerate(group.conjugacy_classes):
        label[members] = k
    inverse_label = label[group.inverses]
    assert len(irreps) == len({frozenset(pair) for pair in zip(label, inverse_label, strict=True)})
    order = [(i.frequency, -i.reflection) for i in irreps]
    assert order == sorted(order)


@each_group
def test_regular_multiplicities(group: FiniteGroup) -> None:
    irreps = real_irreps(group)
    regular = regular_multiplicities(group, group.order)
    # The regular character is n at the identity and 0 elsewhere.
    character = regular @ irrep_characters(group)
    np.testing.assert_allclose(character, [group.order] + [0] * (group.order - 1), atol=1e-12)
    for dim in range(1, 3 * group.order + 1):
        counts = regular_multiplicities(group, dim)
        assert sum(m * i.dim for m, i in zip(counts, irreps, strict=True)) == dim
        copies = dim // group.order
        for k, (m, r) in enumerate(zip(counts, regular, strict=True)):
            assert copies * r <= m <= (copies + 1) * r + (k == 0)


def test_other_groups_are_refused() -> None:
    for group in (product(C(2), C(2)), symmetric(3)):
        for function in (real_irreps, irrep_characters, lambda g: regular_multiplicities(g, 4)):
            with pytest.raises(GroupError, match="must be a CyclicGroup or DihedralGroup, got"):
                function(group)
    with pytest.raises(InputError, match="dim must be an integer >= 1, got 0"):
        regular_multiplicities(C(4), 0)
