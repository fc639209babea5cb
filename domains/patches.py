"""Known actions on square image patches, pairs made by them, and whether pairs identify them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor
from torch.nn.functional import conv2d

from grouplearn._checks import finite, float_tensor, positive_int, refuse
from grouplearn.domains.pixels import GRID_MOVES
from grouplearn.linalg import rank_bound

_ROWS_AT_ONCE = 1 << 16


def _blur(patches: Tensor) -> Tensor:
    """Filter (B, k, k) by the binomial (1, 2, 1) x (1, 2, 1) / 16, zero outside."""
    weights = torch.tensor([1.0, 2.0, 1.0], dtype=patches.dtype) / 4
    kernel = torch.outer(weights, weights)
    return conv2d(patches[:, None], kernel[None, None], padding=1)[:, 0]


_OPERATIONS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "quarter-turn": (
        GRID_MOVES["quarter-turn"],
        "Turns the patch counterclockwise by 90 degrees.",
    ),
    "half-turn": (
        GRID_MOVES["half-turn"],
        "Turns the patch by 180 degrees.",
    ),
    "three-quarter-turn": (
        GRID_MOVES["three-quarter-turn"],
        "Turns the patch clockwise by 90 degrees.",
    ),
    "flip": (
        GRID_MOVES["flip"],
        "Mirrors the patch, left to right.",
    ),
    "flip-up-down": (
        GRID_MOVES["flip-up-down"],
        "Mirrors the patch, top to bottom.",
    ),
    "transpose": (
        GRID_MOVES["transpose"],
        "Mirrors the patch in the diagonal from its upper left corner: rows become columns.",
    ),
    "antitranspose": (
        GRID_MOVES["antitranspose"],
        "Mirrors the patch in the diagonal from its upper right corner.",
    ),
    "shift": (
        lambda patches: torch.roll(patches, 1, -1),
        "Moves every pixel one to the right, the last column to the first.",
    ),
    "blur": (
        _blur,
        "Averages every pixel with its eight neighbours, taken as 0 outside the patch; "
        "no power of it is the identity.",
    ),
}


@final
@dataclass(frozen=True, eq=False)
class PatchAction:
    """A linear operation on vectorised k x k patches: y = matrix @ x.

    x is the patch as a column of d = k * k pixels, row-major.

    Args:
        name: the operation's name, as the command line spells it.
        matrix: (d, d), float64.
        order: the least n >= 1 with matrix^n = I, or None where no power of it is the identity.
        words: one plain sentence that describes it.

    Raises:
        InputError: `matrix` is not square or not finite float64, or `order` is below 1.

    Example:
        >>> PatchAction("swap", torch.eye(2).double().flip(0), 2, "Swaps two pixels.").order
        2
    """

    name: str
    matrix: Float64[Tensor, "d d"]
    order: int | None
    words: str

    def __post_init__(self) -> None:
        """Check the arguments."""
        matrix = float_tensor("PatchAction", "matrix", self.matrix, (None, None))
        if matrix.dtype != torch.float64:
            refuse("PatchAction", "matrix", "float64", matrix.dtype, "call matrix.double()")
        if matrix.shape[0] != matrix.shape[1]:
            refuse("PatchAction", "matrix", "square", tuple(matrix.shape), "pass a (d, d) tensor")
        if self.order is not None:
            positive_int("PatchAction", "order", self.order)


def patch_actions(patch_size: int) -> dict[str, PatchAction]:
    """Return the known actions on k x k patches, by name.

    Each matrix has as its columns the images of the d = k * k basis patches under the operation.
    The symmetries of the pixel grid ("quarter-turn", "half-turn", "three-quarter-turn", "flip",
    "flip-up-down", "transpose", "antitranspose") and "shift" are permutations of the pixels; "blur"
    is block Toeplitz with Toeplitz blocks, symmetric, invertible, and of no finite order.

    Args:
        patch_size: k >= 2; on a single pixel all actions would be the identity.

    Returns:
        Names to actions; the matrices are (d, d), float64.

    Raises:
        InputError: `patch_size` is not an integer >= 2.

    Cost:
        O(d^2) time and memory for each action.

    References:
        Theodosis, Helwani, Ba, 2023, arXiv 2305.18552: phi_A(X) = vec^-1(A vec(X)).

    Example:
        >>> patch = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
        >>> (patch_actions(2)["quarter-turn"].matrix @ patch).tolist()
        [1.0, 3.0, 0.0, 2.0]
    """
    k = positive_int("patch_actions", "patch_size", patch_size, minimum=2)
    basis = torch.eye(k * k, dtype=torch.float64).reshape(k * k, k, k)
    orders = {name: 4 if "quarter" in name else 2 for name in GRID_MOVES} | {"shift": k}
    return {
        name: PatchAction(
            name,
            operation(basis).reshape(k * k, k * k).T.contiguous(),
            orders.get(name),
            words,
        )
        for name, (operation, words) in _OPERATIONS.items()
    }


def patch_pairs(
    patches: Float[Tensor, "samples d"], action: PatchAction
) -> tuple[Float32[Tensor, "samples d"], Float32[Tensor, "samples d"]]:
    """Return patches x and what an action makes of them, y = x @ matrix.T.

    Permutations are exact; the blur is rounded to float32.

    Args:
        patches: (N, d), finite, any floating-point type.
        action: an action on R^d.

    Returns:
        x and y, each (N, d), float32, on the device of `patches`.

    Raises:
        InputError: wrong shape or type, NaN or infinite patches, or an action of another dimension.

    Cost:
        O(N d^2) time, O(N d) memory.

    Example:
        >>> x, y = patch_pairs(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), patch_actions(2)["flip"])
        >>> y.tolist()
        [[1.0, 0.0, 3.0, 2.0]]
    """
    if not isinstance(action, PatchAction):
        refuse(
            "patch_pairs",
            "action",
            "a PatchAction",
            repr(action),
            "take one from patch_actions(patch_size)",
        )
    x = _float32("patch_pairs", patches)
    dim = action.matrix.shape[0]
    if x.shape[1] != dim:
        refuse(
            "patch_pairs",
            "patches",
            f"of shape (samples, {dim}), as {action.name!r} acts on R^{dim}",
            tuple(x.shape),
            "build the action for the size of your patches",
        )
    return x, x @ action.matrix.to(x).T


@final
@dataclass(frozen=True)
class Identifiability:
    """Whether samples x determine a matrix A from pairs (x, A x).

    Every A' with (A' - A) M = 0, M = E[x x^T], fits the pairs as well as A does, so A is determined
    exactly when M has rank d. M is taken about zero, not about the mean, since A has no bias.

    Args:
        samples: N, how many samples there were.
        dim: d, the dimension of the samples.
        rank: the numerical rank of M, see `identifiability`.
        condition: the largest eigenvalue of M over its smallest, infinite when rank < d; gradient
            descent on the mean squared error needs a number of steps in proportion to it.
        reason: why rank < d, in plain words; empty when rank = d.

    Example:
        >>> Identifiability(100, 25, 25, 1234.5, "").summary()
        'The 100 samples span all 25 directions (condition number 1.23e+03): the pairs identify A.'
    """

    samples: int
    dim: int
    rank: int
    condition: float
    reason: str

    @property
    def identified(self) -> bool:
        """True when the samples determine A."""
        return self.rank == self.dim

    def summary(self) -> str:
        """Return the finding as one sentence."""
        if self.identified:
            return (
                f"The {self.samples} samples span all {self.dim} directions "
                f"(condition number {self.condition:.3g}): the pairs identify A."
            )
        return (
            f"The {self.samples} samples span {self.rank} of {self.dim} directions, so the pairs "
            f"do not identify A: {self.reason}."
        )


def identifiability(patches: Float[Tensor, "samples d"]) -> Identifiability:
    """Measure whether samples x determine a matrix A from pairs (x, A x).

    An eigenvalue l of M = E[x x^T] counts towards the rank when l > d (100 eps)^2 l_max, with
    eps = 2^-23. Pairs are float32, so y carries rounding of root mean square at most about
    eps sqrt(trace M) <= eps sqrt(d l_max), which least squares divides by sqrt(l) along that
    eigenvector. The rule accepts a direction when this moves A by at most 0.01, the accuracy at
    which a learned action is called found. For d = 25 the factor of l_max is 3.6e-9.

    Args:
        patches: (N, d), N >= 1, finite, any floating-point type; taken as float32.

    Returns:
        Rank, condition number and, when rank < d, the reason.

    Raises:
        InputError: wrong shape or type, no samples, NaN or infinite samples.

    Cost:
        O(N d^2 + d^3) time, O(d^2) memory beyond the patches.

    Example:
        >>> found = identifiability(torch.tensor([[1.0, -1.0], [3.0, -3.0]]))
        >>> found.rank, found.reason
        (1, 'every sample has mean zero')
    """
    x = _float32("identifiability", patches)
    samples, dim = x.shape
    if x.numel() == 0:
        refuse(
            "identifiability",
            "patches",
            "of shape (samples, dim) with both >= 1",
            tuple(x.shape),
            "pass at least one sample",
        )
    moment = _second_moment(x)
    eigenvalues = torch.linalg.eigvalsh(moment)
    largest = float(eigenvalues[-1])
    bound = float(rank_bound(eigenvalues))
    rank = int((eigenvalues > bound).sum())
    if rank == dim:
        return Identifiability(samples, dim, rank, largest / float(eigenvalues[0]), "")
    return Identifiability(samples, dim, rank, math.inf, _reason(x, moment, bound, rank))


def _float32(who: str, patches: Tensor) -> Tensor:
    """Return checked patches (N, d) as float32, the type of all pairs."""
    return finite(who, "patches", float_tensor(who, "patches", patches, (None, None)).float())


def _second_moment(patches: Tensor) -> Tensor:
    """E[x x^T] in float64, a slice at a time so that no float64 copy of the data exists."""
    samples, dim = patches.shape
    moment = patches.new_zeros(dim, dim, dtype=torch.float64)
    for start in range(0, samples, _ROWS_AT_ONCE):
        rows = patches[start : start + _ROWS_AT_ONCE].detach().double()
        moment += rows.T @ rows
    return moment / samples


def _reason(patches: Tensor, moment: Tensor, bound: float, rank: int) -> str:
    """Say which of the usual causes leave the second moment below full rank."""
    samples, dim = patches.shape
    reasons = []
    few = max(dim - samples, 0)
    if few:
        reasons.append(f"{samples} samples cannot span {dim} dimensions")
    fixed = (patches == patches[0]).all(dim=0)
    still = int(fixed.sum())
    zeros = int((fixed & (patches[0] == 0)).sum())
    # Pixels that stay at a value other than 0 are multiples of one another: one of them is free.
    constant = zeros + max(still - zeros - 1, 0)
    if constant:
        reasons.append(f"{still} of {dim} pixels never vary ({zeros} of them are always 0)")
    centred = zeros < dim and float(moment.sum()) / dim <= bound
    if centred:
        reasons.append("every sample has mean zero")
    if max(few, constant + centred) < dim - rank:
        reasons.append("some weighted sums of the pixels are almost 0 in every sample")
    return "; ".join(reasons)
