"""The laws of modules: gradients, state, copies, moves, training, refusals."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import config
from torch import Tensor, nn

from grouplearn.errors import GroupError, InputError
from grouplearn.representations import LearnedRepresentation
from tests.laws.oracles import (
    assert_near,
    assert_same,
    conditioning,
    exact,
    frobenius,
    homomorphism_gaps,
    largest,
    table_of,
)
from tests.laws.trials import Trial, law

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def outputs(rep: LearnedRepresentation, trial: Trial) -> list[Tensor]:
    """Everything a representation computes, for comparisons."""
    x, g = trial.vectors().to(rep.dtype).to(rep.device), trial.element()
    with torch.no_grad():
        results = [
            rep.generators(), rep.inverse_generators(), rep.matrices(), rep.dual_matrices(),
            rep.matrix(g), rep.act(x, g), rep.orbit(x), rep(x),
        ]  # fmt: skip
    return [result.clone() for result in results]


def assert_all_same(got: list[Tensor], want: list[Tensor]) -> None:
    for a, b in zip(got, want, strict=True):
        assert_same(a, b)


class _Everything(nn.Module):
    """All that is differentiable, in one vector, so that nothing cut off goes unnoticed."""

    def __init__(self, rep: LearnedRepresentation, g: int) -> None:
        super().__init__()
        self.rep = rep
        self.g = g

    def forward(self, x: Tensor) -> Tensor:
        rep = self.rep
        parts = [
            rep.orbit(x), rep.act(x, self.g), rep.matrices(), rep.dual_matrices(),
            rep.matrix(self.g), rep.generators(), rep.inverse_generators(),
        ]  # fmt: skip
        return torch.cat([part.flatten() for part in parts])


@law(dtypes=(torch.float64,), max_order=6, max_dim=4, share=0.1)
def gradients_are_derivatives(rep: LearnedRepresentation, trial: Trial) -> None:
    """Against finite differences, for vectors and parameters alike."""
    module = _Everything(rep, trial.group.order - 1)
    names = [f"rep.{name}" for name, _ in rep.named_parameters()]
    parameters = [p.detach().clone().requires_grad_() for p in rep.parameters()]

    def function(x: Tensor, *values: Tensor) -> Any:
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x,))

    x = trial.normal(2, rep.dim).requires_grad_()
    # atol is far below any gradient, far above the rounding of finite differences.
    assert torch.autograd.gradcheck(
        function, (x, *parameters), fast_mode=True, raise_exception=False, atol=1e-4, rtol=1e-3
    ), "gradients are not derivatives"


@law()
def state_does_not_depend_on_the_mode(rep: LearnedRepresentation, trial: Trial) -> None:
    rep.train()
    before = {name: value.clone() for name, value in rep.state_dict().items()}
    results = outputs(rep, trial)
    rep.eval()
    after = rep.state_dict()
    assert list(after) == list(before)
    for name, value in before.items():
        assert_same(after[name], value)
    assert_all_same(outputs(rep, trial), results)


@law()
def state_restores_a_representation(rep: LearnedRepresentation, trial: Trial) -> None:
    """Loaded into one built from other randomness, the state gives bitwise the same results."""
    other = trial.build(salt=1)
    try:
        other.load_state_dict(rep.state_dict())
    except RuntimeError:
        # Of known matrices, some are permutations and stored as such: torch names the difference.
        assert not trial.case.learns
        assert set(other.state_dict()) != set(rep.state_dict())
        return
    assert_all_same(outputs(other, trial), outputs(rep, trial))


@law()
def construction_follows_its_generator(rep: LearnedRepresentation, trial: Trial) -> None:
    """The same rng gives bitwise the same representation, and global randomness is untouched."""
    before = torch.random.get_rng_state()
    again = trial.build()
    assert torch.equal(torch.random.get_rng_state(), before), "global random state was used"
    assert_all_same(outputs(again, trial), outputs(rep, trial))


@law()
def copies_are_equal_and_independent(rep: LearnedRepresentation, trial: Trial) -> None:
    want = outputs(rep, trial)
    for duplicate in (copy.deepcopy(rep), pickle.loads(pickle.dumps(rep))):
        assert type(duplicate) is type(rep)
        assert duplicate.group == rep.group
        assert_all_same(outputs(duplicate, trial), want)
        with torch.no_grad():
            for parameter in duplicate.parameters():
                parameter.add_(1.0)
        assert_all_same(outputs(rep, trial), want)


@law()
def dtype_moves_keep_values(rep: LearnedRepresentation, trial: Trial) -> None:
    """Parameters move with .to(dtype); every result follows, at the lower of both precisions."""
    want = [exact(result) for result in outputs(rep, trial)]
    generators = exact(rep.generators())
    low = trial.case.tolerance(torch.float32)
    size = largest(exact(rep.matrices())) ** 2 * conditioning(generators) ** 2
    size *= 1 + float(trial.vectors().abs().sum())
    for dtype in (torch.float64, torch.float32, torch.float64):
        rep.to(dtype)
        results = outputs(rep, trial)
        assert rep.dtype == dtype
        for got, value in zip(results, want, strict=True):
            assert got.dtype == dtype
            assert_near(got, value, low * size * len(trial.group.cayley_table))
        if rep.closes_exactly:
            matrices = exact(rep.matrices())
            gap = frobenius(homomorphism_gaps(matrices, table_of(trial.group)))
            limit = trial.case.tolerance(dtype) * largest(matrices) ** 2 * conditioning(matrices)
            assert gap <= limit * rep.dim, f"no longer closes in {dtype}: {gap:.3g}"


@law(share=0.2)
def device_moves_keep_shapes_and_values(rep: LearnedRepresentation, trial: Trial) -> None:
    want = outputs(rep, trial)
    tolerance = trial.tolerance * largest(exact(rep.matrices())) ** 2
    tolerance *= conditioning(exact(rep.generators())) ** 2 * (1 + float(want[-1].abs().sum()))
    for device in DEVICES:
        for got, value in zip(outputs(rep.to(device), trial), want, strict=True):
            assert got.device.type == device
            assert_near(got, value, tolerance)
    elsewhere = copy.deepcopy(rep).to("meta")
    x = trial.vectors().to("meta")
    shapes = [value.shape for value in want]
    g = trial.element()
    results = [elsewhere.generators(), elsewhere.matrices(), elsewhere.dual_matrices()]
    results += [elsewhere.matrix(g), elsewhere.act(x, g), elsewhere.orbit(x)]
    for result, shape in zip(results, [shapes[0], *shapes[2:7]], strict=True):
        assert result.device.type == "meta"
        assert result.shape == shape


@law(share=0.2, max_order=12)
def structure_survives_training(rep: LearnedRepresentation, trial: Trial) -> None:
    before = rep.matrices().detach().clone()
    trial.case.structure(rep)
    x, target = trial.normal(4, rep.dim), trial.normal(4, trial.group.order, rep.dim, salt=3)
    parameters = list(rep.parameters())
    assert bool(parameters) or not trial.case.learns or rep.dim < 3
    if parameters:
        optimiser = torch.optim.Adam(parameters, lr=0.01)
        for _ in range(3):
            optimiser.zero_grad()
            (rep.orbit(x) - target).square().mean().backward()
            optimiser.step()
    else:
        assert_same(rep.matrices(), before)
    trial.case.structure(rep)
    assert_same(rep.matrices()[0], torch.eye(rep.dim, dtype=trial.dtype))


@contextmanager
def unchecked_shapes() -> Iterator[None]:
    """As in production: shape annotations are not checked, our own checks see the bad input."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)


def assert_refused(call: Callable[[], object], error: type[Exception], *parts: str) -> None:
    """The call raises exactly this error, in one line of the library's form."""
    try:
        call()
    except Exception as raised:
        problem = raised
    else:
        raise AssertionError(f"accepted what {error.__name__} should refuse")
    message = str(problem)
    assert type(problem) is error, f"{type(problem).__name__}: {message}"
    assert message.count("\n") == 0, message
    for part in (" must be ", ", got ", "; ", *parts):
        assert part in message, message


@law()
def wrong_input_is_refused(rep: LearnedRepresentation, trial: Trial) -> None:
    x, d, n = trial.vectors(), rep.dim, trial.group.order
    other = torch.float32 if trial.dtype == torch.float64 else torch.float64
    bad: list[Any] = [
        x.long(), x.to(torch.complex64), x.bool(), x.to(other), x.half(), x.numpy(), x.tolist(),
        None, torch.ones(()).to(x), trial.normal(d + 1), trial.normal(2, d - 1),
        trial.normal(d, d + 1),
    ]  # fmt: skip
    with unchecked_shapes():
        for value in bad:
            calls = [
                partial(rep.act, value, 0), partial(rep.act, value, n - 1),
                partial(rep.orbit, value), partial(rep, value),
            ]  # fmt: skip
            for call in calls:
                assert_refused(call, InputError, " x must be ")
        elements: list[Any] = [n, n + 5]
        for element in elements:
            for call in (partial(rep.act, x, element), partial(rep.matrix, element)):
                assert_refused(call, GroupError, "element", str(n - 1))
        strange: list[Any] = [-1, 1.0, True, None, "1", np.float64(0)]
        for element in strange:
            for call in (partial(rep.act, x, element), partial(rep.matrix, element)):
                assert_refused(call, GroupError, "element")
