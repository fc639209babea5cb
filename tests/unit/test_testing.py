"""The public checkers, on functions and representations whose faults are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn import FiniteGroup
from grouplearn.errors import EquivarianceError, InputError
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from grouplearn.testing import (
    Finding,
    assert_equivariant,
    check_representation,
    equivariance_error,
    network_errors,
)
from tests.unit.examples import C, D, cyclic_shift, seeded, turn

SHIFT = FixedRepresentation(C(4), cyclic_shift(4)[None])
LAWS = ["identity", "homomorphism", "closure", "invertibility", "dual pairing", "action"]


def vectors(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded(), dtype=torch.float64)


def test_equivariant_functions_have_no_error() -> None:
    x = vectors(5, 3, 4)
    for function in (torch.relu, lambda v: v.softmax(-1), lambda v: v + v.roll(1, -1)):
        assert equivariance_error(function, SHIFT, SHIFT, x) < 1e-15
        assert_equivariant(function, SHIFT, SHIFT, x)


def test_invariant_functions_have_no_error() -> None:
    trivial = FixedRepresentation(C(4), torch.ones(1, 1, 1, dtype=torch.float64))
    assert equivariance_error(lambda v: v.sum(-1, keepdim=True), SHIFT, trivial, vectors(4)) < 1e-15


def test_the_error_equals_its_formula() -> None:
    rng = seeded(1)
    weight = torch.randn(3, 4, generator=rng, dtype=torch.float64)
    rep_out = SpectralRepresentation(C(4), 3, rng=rng, dtype=torch.float64)
    x = vectors(2, 5, 4)
    error = equivariance_error(lambda v: v @ weight.mT, SHIFT, rep_out, x)
    w, points = weight.numpy(), x.numpy().reshape(-1, 4)
    rho_in, rho_out = SHIFT.matrices().numpy(), rep_out.matrices().detach().numpy()
    gaps = [
        np.linalg.norm(w @ (rho_in[g] @ p) - rho_out[g] @ (w @ p)) for g in range(4) for p in points
    ]
    assert error == pytest.approx(max(gaps) / max(np.linalg.norm(w @ p) for p in points))


def test_the_error_of_a_function_that_vanishes_is_absolute() -> None:
    assert equivariance_error(lambda v: 0 * v, SHIFT, SHIFT, vectors(4)) == 0
    only = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)

    def at_others(v: Tensor) -> Tensor:
        return 3 * v * (v[..., :1] == 0)

    assert equivariance_error(at_others, SHIFT, SHIFT, only) == 3


def test_no_gradients_are_kept() -> None:
    weight = torch.ones(4, dtype=torch.float64, requires_grad=True)

    def function(v: Tensor) -> Tensor:
        result = v * weight
        assert not result.requires_grad
        return result

    assert equivariance_error(function, SHIFT, SHIFT, vectors(4)) < 1e-15


def first_doubled(v: Tensor) -> Tensor:
    return v * torch.tensor([2.0, 1, 1, 1], dtype=v.dtype)


def test_assertion_names_the_function_and_the_error() -> None:
    x = vectors(3, 4)
    error = equivariance_error(first_doubled, SHIFT, SHIFT, x)
    assert error > 0.1
    with pytest.raises(EquivarianceError) as problem:
        assert_equivariant(first_doubled, SHIFT, SHIFT, x)
    assert str(problem.value) == (
        f"first_doubled: equivariance error must be <= 0.0001, got {error:.2g}; check that it "
        f"commutes with rep_in and rep_out of C4"
    )
    assert isinstance(problem.value, AssertionError)
    assert_equivariant(first_doubled, SHIFT, SHIFT, x, tolerance=error)
    with pytest.raises(EquivarianceError, match=r"^Linear: "):
        assert_equivariant(torch.nn.Linear(4, 4, dtype=torch.float64), SHIFT, SHIFT, x)


def test_what_is_not_a_number_is_not_equivariant() -> None:
    for function in (lambda v: v / 0, lambda v: v * float("nan")):
        with pytest.raises(EquivarianceError, match="got nan"):
            assert_equivariant(function, SHIFT, SHIFT, vectors(4))


def test_inputs_that_do_not_fit_are_refused(as_in_production: None) -> None:
    x = vectors(4)
    with pytest.raises(
        InputError, match=r"equivariance_error: f\(x\) must be of shape \(\.\.\., 4\), got"
    ):
        equivariance_error(lambda v: v[..., :3], SHIFT, SHIFT, x)
    to_list: Any = torch.Tensor.tolist
    with pytest.raises(InputError, match=r"f\(x\) must be a torch tensor, got list"):
        equivariance_error(to_list, SHIFT, SHIFT, x)
    with pytest.raises(InputError, match=r"x must be of shape \(\.\.\., 4\)"):
        equivariance_error(torch.relu, SHIFT, SHIFT, vectors(4, 5))
    with pytest.raises(InputError, match="x must be of the representation's dtype"):
        equivariance_error(lambda v: v.double(), SHIFT, SHIFT, x.float())
    swapped: Any = assert_equivariant
    with pytest.raises(InputError, match="rep_in must be a LearnedRepresentation, got Tensor"):
        swapped(torch.relu, x, SHIFT, SHIFT)
    matrices: Any = SHIFT.matrices()
    with pytest.raises(InputError, match="rep must be a LearnedRepresentation, got Tensor"):
        check_representation(matrices)
    of_action: Any = SHIFT
    with pytest.raises(InputError, match="network_errors: group must be a FiniteGroup, got Fixed"):
        network_errors(torch.nn.Identity(), of_action, x, [None])


@pytest.mark.parametrize("group", [C(2), C(3), D(2)], ids=str)
def test_two_groups_are_refused(group: FiniteGroup, as_in_production: None) -> None:
    other = DenseRepresentation(group, 4, dtype=torch.float64)
    with pytest.raises(InputError, match=r"equivariance_error: rep_out must be .*C4.*, got"):
        equivariance_error(torch.relu, SHIFT, other, vectors(4))


def test_no_inputs_are_refused(as_in_production: None) -> None:
    with pytest.raises(InputError, match=r"equivariance_error: x must be .*, got"):
        equivariance_error(torch.relu, SHIFT, SHIFT, vectors(0, 4))


def measured(rep: DenseRepresentation) -> dict[str, float]:
    return {finding.law: finding.defect for finding in check_representation(rep)}


def test_representations_pass() -> None:
    for rep in (
        SHIFT,
        SpectralRepresentation(D(5), 8, rng=seeded()),
        SpectralRepresentation(C(1), 2),
        FixedRepresentation.from_permutations([[1, 2, 0, 3], [1, 0, 2, 3], [0, 1, 3, 2]]),
    ):
        findings = check_representation(rep)
        assert [finding.law for finding in findings] == LAWS
        assert all(finding.passed for finding in findings)
        assert {finding.tolerance for finding in findings} == {1000 * torch.finfo(rep.dtype).eps}


def test_what_breaks_is_found() -> None:
    exact = DenseRepresentation(C(4), 2, near=turn(np.pi / 2), dtype=torch.float64)
    assert max(measured(exact).values()) < 1e-12
    with torch.no_grad():
        exact.inverse.mul_(1.5)
    found = measured(exact)
    assert found.pop("invertibility") == pytest.approx(0.5)
    assert max(found.values()) < 1e-12
    skew = SkewRepresentation(C(4), 2, near=turn(np.pi / 2 + 0.1), dtype=torch.float64)
    findings = {finding.law: finding for finding in check_representation(skew, tolerance=0.3)}
    assert findings["closure"].defect == pytest.approx(2 * np.sin(0.2))
    assert findings["homomorphism"].defect == pytest.approx(2 * np.sin(0.2))
    broken = [law for law, finding in findings.items() if not finding.passed]
    # The dual takes rho(g^-1), which is not rho(g)^-1 either.
    assert broken == ["homomorphism", "closure", "dual pairing"]


def test_an_action_that_is_not_the_matrices_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant: the gather goes the wrong way."""
    rep = FixedRepresentation(C(4), cyclic_shift(4)[None])
    monkeypatch.setattr(rep, "_act", lambda x, g: x.index_select(-1, rep._sources[-g]))
    broken = [finding.law for finding in check_representation(rep) if not finding.passed]
    assert broken == ["action"]


def test_findings_print_their_verdict() -> None:
    assert str(Finding("closure", 0.001, 0.1)) == "closure: holds (defect 0.001, tolerance 0.1)"
    assert str(Finding("closure", 0.2, 0.1)) == "closure: BROKEN (defect 0.2, tolerance 0.1)"
    assert not Finding("closure", float("nan"), 0.1).passed
    assert Finding("closure", 0.1, 0.1).passed
