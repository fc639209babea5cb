"""Groups given by tables, recognised as cyclic or dihedral ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.representations import FixedRepresentation, as_family


def _regular(group: FiniteGroup, seeds: list[int]) -> FixedRepresentation:
    """The regular action of the group that some elements generate, given by a table."""
    everything = np.arange(group.order)
    return FixedRepresentation.from_permutations(
        [np.asarray(group.multiply(s, everything)) for s in seeds]
    )


CASES = [
    (CyclicGroup(5), [2], CyclicGroup(5)),
    (CyclicGroup(12), [3, 4], CyclicGroup(12)),
    (ProductGroup(CyclicGroup(2), CyclicGroup(3)), [1, 3], CyclicGroup(6)),
    (ProductGroup(CyclicGroup(2), CyclicGroup(2)), [1, 2], DihedralGroup(2)),
    (DihedralGroup(3), [3, 4], DihedralGroup(3)),
    (DihedralGroup(4), [4, 5], DihedralGroup(4)),
    (DihedralGroup(6), [7, 8], DihedralGroup(6)),
    (ProductGroup(DihedralGroup(3), CyclicGroup(2)), list(range(12)), DihedralGroup(6)),
]


@pytest.mark.parametrize(("given", "seeds", "family"), CASES)
def test_families_are_recognised_whatever_generates_them(
    given: FiniteGroup, seeds: list[int], family: FiniteGroup
) -> None:
    rep = _regular(given, seeds)
    known = as_family(rep)
    assert known.group == family
    # The same matrices, and a homomorphism of the family.
    first, second = ({m.numpy().tobytes() for m in each.matrices()} for each in (rep, known))
    assert first == second
    matrices, elements = known.matrices(), np.arange(family.order)
    for a in elements:
        products = torch.as_tensor(family.multiply(int(a), elements))
        assert torch.equal(matrices[int(a)] @ matrices, matrices[products])


def test_other_groups_and_families_themselves_stay() -> None:
    quaternions = FiniteGroup.from_relations(
        2, [((0, 4),), ((0, 2), (1, -2)), ((1, -1), (0, 1), (1, 1), (0, 1))]
    )
    assert quaternions.name == "Q8"
    for group in (quaternions, ProductGroup(CyclicGroup(3), CyclicGroup(3))):
        rep = _regular(group, list(range(1, group.order)))
        assert as_family(rep) is rep
    cyclic = FixedRepresentation(CyclicGroup(2), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]))
    assert as_family(cyclic) is cyclic
