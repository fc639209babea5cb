"""The laws of layers, against loops over group elements in NumPy and SciPy's correlation."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import correlate
from torch import Tensor, nn

from grouplearn.groups import FiniteGroup
from grouplearn.layers import OrbitLinear
from grouplearn.representations import LearnedRepresentation
from tests.cases import build_integers, build_permutations, build_rotated
from tests.laws.oracles import assert_near, assert_same, exact
from tests.laws.trials import Recipe, make_group, rng_for
from tests.layer_cases import IN, OUT, Moving, MovingCase, left_multiplied

BUILDERS = (build_permutations, build_integers, build_rotated)
Array = NDArray[Any]


@dataclass(frozen=True)
class LayerTrial:
    """One random example of a layer.

    Attributes:
        case: the layer.
        recipe: of the group.
        builder: number of the kind of representation.
        seed: of everything else.
        dtype: the floating-point type.
    """

    case: MovingCase
    recipe: Recipe
    builder: int
    seed: int
    dtype: torch.dtype

    @property
    def group(self) -> FiniteGroup:
        return make_group(*self.recipe)

    def rng(self, salt: int = 0) -> torch.Generator:
        return rng_for(self.seed, salt)

    def rep(self) -> LearnedRepresentation:
        return BUILDERS[self.builder](self.group, self.case.dim, self.rng(), self.dtype)

    def layer(self) -> Moving:
        return self.case.build(self.rep(), self.rng(1))

    def inputs(self, *, extra: int = 0, batch: int = 2) -> Tensor:
        """Inputs so much larger than the kernel along every axis of space."""
        space = tuple(size + extra for size in self.case.kernel)
        shape = (batch, *self.case.shape(self.group, space))
        return torch.randn(shape, generator=self.rng(2), dtype=torch.float64).to(self.dtype)

    def tolerance(self, layer: Moving) -> float:
        size = float(layer.filters().detach().abs().sum()) + 1
        return 400 * float(torch.finfo(self.dtype).eps) * size


def filters_are_the_formula(layer: Moving, trial: LayerTrial) -> None:
    """rho(g^-1)^T w, and for regular layers that of w[g^-1 h]."""
    group, weight = trial.group, exact(layer.weight)
    matrices = exact(layer.rep.matrices())
    table, inverses = group.cayley_table, group.inverses
    n, d = group.order, trial.case.dim
    wanted = []
    for out in range(OUT):
        for g in range(n):
            dual = matrices[inverses[g]].T
            if trial.case.lifts:
                wanted.append((weight[out].reshape(-1, d) @ dual.T).ravel())
            else:
                moved = [[dual @ weight[out, i * n + table[inverses[g], h]].ravel()
                          for h in range(n)] for i in range(IN)]  # fmt: skip
                wanted.append(np.array(moved).ravel())
    got = exact(layer.filters()).reshape(OUT * n, -1)
    assert_near(got, np.array(wanted), trial.tolerance(layer))


def outputs_are_correlations(layer: Moving, trial: LayerTrial) -> None:
    """With the filters above, and one bias for all elements."""
    x, n = trial.inputs(extra=2), trial.group.order
    filters, bias = exact(layer.filters()), exact(layer.bias if layer.bias is not None else x[:0])
    plain = exact(x)
    if isinstance(layer, OrbitLinear):
        wanted = plain @ filters.T + np.repeat(bias, n)
    else:
        flat = plain.reshape(len(plain), filters.shape[1], *plain.shape[-layer.axes :])
        wanted = np.array([
            [correlate(image, bank, "valid")[0] + bias[k // n] for k, bank in enumerate(filters)]
            for image in flat
        ])  # fmt: skip
    got = layer(x)
    size = trial.tolerance(layer) * (1 + float(x.abs().max()))
    assert_near(exact(got).reshape(wanted.shape), wanted, size)


def responses_permute(layer: Moving, trial: LayerTrial) -> None:
    """Moving an input of the kernel's size permutes the elements: for any representation."""
    x, group, d = trial.inputs(), trial.group, trial.case.dim
    size = trial.tolerance(layer) * (1 + float(x.abs().max())) * 10
    matrices = layer.rep.matrices()
    size *= float(matrices.abs().max().detach()) * d
    for h in range(group.order):
        field = x if trial.case.lifts else left_multiplied(x, group, h)
        moved = (field.reshape(-1, d) @ matrices[h].mT).reshape(x.shape)
        got, was = layer(moved), layer(x)
        table, inverse = group.cayley_table, int(group.inverses[h])
        assert_near(got, was[:, :, table[inverse].tolist()], size)


def exports_are_plain_and_equal(layer: Moving, trial: LayerTrial) -> None:
    x = trial.inputs(extra=2)
    exported = layer.export()
    assert_same(exported(x), layer(x))
    assert all(type(each).__module__.startswith("torch.") for each in exported.modules())
    with torch.no_grad():
        layer.weight.zero_()
    assert bool(exported(x).any()), "the export shares the layer's weights"


def gradients_are_derivatives(layer: Moving, trial: LayerTrial) -> None:
    x = trial.inputs().double().requires_grad_()
    layer = layer.double()
    names = ["weight"] if layer.bias is None else ["weight", "bias"]
    values = [getattr(layer, name).detach().clone().requires_grad_() for name in names]

    def function(x: Tensor, *given: Tensor) -> Any:
        return torch.func.functional_call(layer, dict(zip(names, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *values), fast_mode=True, atol=1e-5)


def state_and_copies_are_whole(layer: Moving, trial: LayerTrial) -> None:
    x = trial.inputs(extra=1)
    want = layer(x)
    before = list(layer.state_dict())
    assert list(layer.eval().state_dict()) == before
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_same(copied(x), want)
        with torch.no_grad():
            copied.weight.add_(1)
        assert_same(layer(x), want)
    other = trial.case.build(
        BUILDERS[trial.builder](trial.group, trial.case.dim, trial.rng(9), trial.dtype),
        trial.rng(8),
    )
    try:
        other.load_state_dict(layer.state_dict())
    except RuntimeError:
        assert set(other.state_dict()) != set(layer.state_dict())
        return
    assert_same(other(x), want)


def dtypes_are_followed(layer: Moving, trial: LayerTrial) -> None:
    x = trial.inputs(extra=1)
    want, size = exact(layer(x)), trial.tolerance(layer) * (1 + float(x.abs().max()))
    for dtype in (torch.float64, torch.float32):
        got = layer.to(dtype)(x.to(dtype))
        assert got.dtype == dtype
        assert_near(got, want, size + 1e-3 * (dtype != trial.dtype) * (1 + np.abs(want).max()))


LAYER_LAWS: tuple[Callable[[Moving, LayerTrial], None], ...] = (
    filters_are_the_formula,
    outputs_are_correlations,
    responses_permute,
    exports_are_plain_and_equal,
    gradients_are_derivatives,
    state_and_copies_are_whole,
    dtypes_are_followed,
)


def field(group: FiniteGroup, channels: int, space: tuple[int, ...], seed: int) -> Tensor:
    """A random function on group and space, (2, channels, n, *space), in float64."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(2, channels, group.order, *space, generator=rng, dtype=torch.float64)


def modules_of(module: nn.Module) -> list[str]:
    return [type(each).__module__ for each in module.modules()]
