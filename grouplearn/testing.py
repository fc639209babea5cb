"""Public checkers: is this function equivariant, is this representation one?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from grouplearn._checks import last_axis, refuse
from grouplearn.defects import closure_defect, homomorphism_defect, invertibility_defect
from grouplearn.errors import EquivarianceError
from grouplearn.representations.base import LearnedRepresentation


@dataclass(frozen=True)
class Finding:
    """One law of a representation, measured.

    Attributes:
        law: its name.
        defect: the measured violation.
        tolerance: the largest violation that passes.
    """

    law: str
    defect: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Is the defect within the tolerance? NaN is not."""
        return self.defect <= self.tolerance

    def __str__(self) -> str:
        verdict = "holds" if self.passed else "BROKEN"
        return f"{self.law}: {verdict} (defect {self.defect:.2g}, tolerance {self.tolerance:.2g})"


def equivariance_error(
    function: Callable[[Tensor], Tensor],
    rep_in: LearnedRepresentation,
    rep_out: LearnedRepresentation,
    x: Tensor,
) -> float:
    """Largest ||f(rho_in(g) x) - rho_out(g) f(x)|| over g and x, relative to the largest ||f(x)||.

    Args:
        function: f, from (..., d_in) to (..., d_out).
        rep_in: action on the last axis of inputs.
        rep_out: action, of the same group, on the last axis of outputs.
        x: (..., d_in) inputs to try.

    Returns:
        A number: about machine precision for an equivariant function.

    Raises:
        InputError: the groups differ, x is empty or does not fit rep_in, or f(x) does not fit
            rep_out.
    """
    who = "equivariance_error"
    if rep_in.group != rep_out.group:
        refuse(
            who, "rep_out", f"a representation of rep_in's group {rep_in.group}",
            f"one of {rep_out.group}", "build both with the same group",
        )  # fmt: skip
    if last_axis(who, "x", x, rep_in.dim).numel() == 0:
        refuse(who, "x", "one input or more", tuple(x.shape), "pass inputs to try")
    with torch.no_grad():
        expected = rep_out.orbit(last_axis(who, "f(x)", function(x), rep_out.dim))
        moved = rep_in.orbit(x)
        got = torch.stack([function(part) for part in moved.unbind(-2)], -2)
        gap = torch.linalg.vector_norm(got - expected, dim=-1).max()
        scale = torch.linalg.vector_norm(expected[..., 0, :], dim=-1).max()
        return float(gap / scale) if scale > 0 else float(gap)


def assert_equivariant(
    function: Callable[[Tensor], Tensor],
    rep_in: LearnedRepresentation,
    rep_out: LearnedRepresentation,
    x: Tensor,
    tolerance: float = 1e-4,
) -> None:
    """Raise unless `equivariance_error` is at most `tolerance`.

    Raises:
        EquivarianceError: it is larger, or not a number.
    """
    error = equivariance_error(function, rep_in, rep_out, x)
    if not error <= tolerance:
        name = getattr(function, "__name__", type(function).__name__)
        raise EquivarianceError(
            f"{name}: equivariance error must be <= {tolerance:.2g}, got {error:.2g}; "
            f"check that it commutes with rep_in and rep_out of {rep_in.group}"
        )


def check_representation(
    rep: LearnedRepresentation, tolerance: float | None = None
) -> tuple[Finding, ...]:
    """Measure the laws of a representation.

    Args:
        rep: the representation.
        tolerance: largest defect that passes; when None, 1,000 times the machine precision of
            rep's dtype.

    Returns:
        Findings for identity, homomorphism, closure, invertibility (with the class's inverse), dual
        pairing and action; print them, or test `all(finding.passed for finding in ...)`.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import SpectralRepresentation
        >>> for finding in check_representation(SpectralRepresentation(CyclicGroup(4), 8), 1e-4):
        ...     print(finding.law, finding.passed)
        identity True
        homomorphism True
        closure True
        invertibility True
        dual pairing True
        action True
    """
    limit = 1000 * torch.finfo(rep.dtype).eps if tolerance is None else tolerance
    with torch.no_grad():
        matrices, eye = rep.matrices(), torch.eye(rep.dim, dtype=rep.dtype, device=rep.device)
        pairing = rep.dual_matrices().mT @ matrices
        acted = torch.stack([rep.act(eye, g).mT for g in range(rep.group.order)])
        orbit = rep.orbit(eye).permute(1, 2, 0)
        measured = {
            "identity": (matrices[0] - eye).abs().max(),
            "homomorphism": homomorphism_defect(rep),
            "closure": closure_defect(rep),
            "invertibility": invertibility_defect(rep),
            "dual pairing": torch.linalg.matrix_norm(pairing - eye).max() / rep.dim**0.5,
            "action": torch.maximum((acted - matrices).abs().max(), (orbit - matrices).abs().max()),
        }
    return tuple(Finding(law, float(defect), limit) for law, defect in measured.items())
