"""The shared checks of input, the exceptions and the optional packages."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import grouplearn
from grouplearn import errors
from grouplearn._checks import (
    finite,
    finite_number,
    float_tensor,
    generator,
    last_axis,
    optional_import,
    positive_int,
    refuse,
)
from grouplearn.errors import GroupError, GrouplearnError, InputError, MissingExtraError
from tests.unit.examples import is_one_line

pytestmark = pytest.mark.usefixtures("as_in_production")

BASES: dict[str, type[Exception]] = {
    "InputError": ValueError,
    "GroupError": InputError,
    "DataError": InputError,
    "ClosureError": ArithmeticError,
    "TrainingError": ArithmeticError,
    "MissingExtraError": ImportError,
    "EquivarianceError": AssertionError,
}


def test_every_exception_is_ours_and_pythons() -> None:
    declared = {n: e for n, e in vars(errors).items() if isinstance(e, type)}
    assert set(declared) == {*BASES, "GrouplearnError"}
    for name, base in BASES.items():
        assert issubclass(declared[name], GrouplearnError)
        assert issubclass(declared[name], base)
    assert grouplearn.GrouplearnError is GrouplearnError


def test_refusals_have_one_form() -> None:
    with pytest.raises(GroupError) as problem:
        refuse("Someone", "argument", "small", 12, "make it smaller", GroupError)
    assert str(problem.value) == "Someone: argument must be small, got 12; make it smaller"
    assert is_one_line(str(problem.value))


@pytest.mark.parametrize("value", [1, np.int64(1), np.uint8(1), torch.tensor(1)])
def test_integers_of_every_kind_are_taken(value: Any) -> None:
    assert positive_int("who", "count", value) == 1
    assert type(positive_int("who", "count", value)) is int


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.0, "1", None, True, False, np.bool_(True), np.float64(1), torch.tensor(1.5), [1]],
    ids=repr,
)
def test_everything_else_is_no_positive_integer(value: Any) -> None:
    with pytest.raises(InputError) as problem:
        positive_int("who", "count", value)
    message = f"who: count must be an integer >= 1, got {value!r}; pass count=1 or more"
    assert str(problem.value) == message


@pytest.mark.parametrize("value", [torch.tensor(True), np.eye(2), torch.eye(3), [[1], [2]], "a\nb"])
def test_values_of_many_lines_are_told_in_one(value: Any) -> None:
    with pytest.raises(InputError) as problem:
        positive_int("who", "count", value)
    assert is_one_line(str(problem.value))


def test_long_values_are_abbreviated() -> None:
    with pytest.raises(InputError) as problem:
        positive_int("who", "count", list(range(100_000)))
    assert len(str(problem.value)) < 1000


def test_float_tensors_are_returned_as_they_are() -> None:
    for dtype in (torch.float32, torch.float64):
        value = torch.ones(2, 3, dtype=dtype)
        assert float_tensor("who", "x", value) is value
        assert float_tensor("who", "x", value, (2, None)) is value
        assert last_axis("who", "x", value, 3) is value
    empty = torch.ones(0, 3)
    assert finite("who", "x", empty) is empty


@pytest.mark.parametrize("value", [2, 0.5, np.float32(1), torch.tensor(3.0), True])
def test_numbers_of_every_kind_are_taken(value: Any) -> None:
    assert finite_number("who", "size", value) == float(value)
    assert type(finite_number("who", "size", value)) is float
    assert finite_number("who", "size", 0) == 0


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, [1], 1j], ids=repr)
def test_everything_else_is_no_finite_number(value: Any) -> None:
    for positive, least in ((False, ">= 0"), (True, "> 0")):
        with pytest.raises(InputError) as problem:
            finite_number("who", "size", value, positive=positive)
        message = f"who: size must be a finite number {least}, got {value!r}; pass size {least}"
        assert str(problem.value) == message
    with pytest.raises(InputError, match="must be a finite number > 0, got 0; pass size > 0"):
        finite_number("who", "size", 0, positive=True)


def test_generators_of_random_numbers() -> None:
    rng = torch.Generator()
    assert generator("who", rng) is rng
    assert generator("who", None) is None
    with pytest.raises(InputError, match=r"who: rng must be a torch.Generator, got 0; pass torch"):
        generator("who", 0)


SHAPED = torch.ones(2, 3)
REFUSED: dict[str, tuple[Any, str]] = {
    "list": ([1.0], "a torch tensor, got list; convert it with torch.as_tensor"),
    "array": (np.ones(3), "a torch tensor, got ndarray; convert it with torch.as_tensor"),
    "integers": (torch.ones(3).int(), "a floating-point tensor, got torch.int32; call x.float()"),
    "booleans": (torch.ones(3) > 0, "a floating-point tensor, got torch.bool; call x.float()"),
    "complex": (
        torch.ones(3) * 1j,
        "a floating-point tensor, got torch.complex64; call x.float()",
    ),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_other_values_are_no_float_tensors(value: Any, message: str) -> None:
    with pytest.raises(InputError) as problem:
        float_tensor("who", "x", value, (3,))
    assert str(problem.value) == f"who: x must be {message}"
    with pytest.raises(InputError) as problem:
        last_axis("who", "x", value, 3)
    assert str(problem.value) == f"who: x must be {message}"


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 1), (6,), (), (None, 2), (None, None, None)])
def test_shapes_are_checked(shape: tuple[int | None, ...]) -> None:
    wanted = ", ".join("any" if size is None else str(size) for size in shape)
    with pytest.raises(InputError) as problem:
        float_tensor("who", "x", SHAPED, shape)
    assert str(problem.value) == f"who: x must be of shape ({wanted}), got (2, 3); reshape it"


@pytest.mark.parametrize("value", [SHAPED, torch.tensor(2.0)])
def test_last_axes_are_checked(value: torch.Tensor) -> None:
    with pytest.raises(InputError) as problem:
        last_axis("who", "x", value, 2)
    expected = (
        f"who: x must be of shape (..., 2), got {tuple(value.shape)}; its last axis must have "
        f"dim = 2 entries"
    )
    assert str(problem.value) == expected


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_located(bad: float) -> None:
    value = torch.zeros(2, 3, 4)
    value[1, 0, 2] = bad
    value[1, 2, 0] = float("nan")
    with pytest.raises(InputError) as problem:
        float_tensor("who", "x", value)
    message = f"who: x must be finite, got {bad} at (1, 0, 2); clean the data first"
    assert str(problem.value) == message


def test_optional_packages() -> None:
    assert optional_import("json.decoder", "train").__name__ == "json.decoder"
    with pytest.raises(MissingExtraError) as problem:
        optional_import("no_such_package.part", "sequences")
    message = str(problem.value)
    assert message == (
        "no_such_package is needed here and could not be imported "
        "(No module named 'no_such_package'); "
        "install it with: pip install 'grouplearn[sequences]'"
    )
    assert isinstance(problem.value.__cause__, ModuleNotFoundError)


def test_packages_that_fail_while_imported_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError("libbroken.so is missing")

    monkeypatch.setattr("grouplearn._checks.importlib.import_module", broken)
    with pytest.raises(
        MissingExtraError, match=r"could not be imported \(libbroken.so is missing\)"
    ):
        optional_import("anything", "plots")


def test_version() -> None:
    assert grouplearn.__version__[0].isdigit() or "not installed" in grouplearn.__version__
    assert all(hasattr(grouplearn, name) for name in grouplearn.__all__)


def test_names_and_modules_come_when_they_are_asked_for() -> None:
    program = (
        "import sys, grouplearn; assert 'torch' not in sys.modules;"
        "assert grouplearn.nearest.nearest_exact is grouplearn.nearest_exact;"
        "assert set(grouplearn.__all__) < set(dir(grouplearn)); from grouplearn import *;"
        "discover; CyclicGroup; hasattr(grouplearn, 'sideways') and sys.exit('sideways')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_version_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", absent)
    loaded = runpy.run_path(str(Path(grouplearn.__file__)))
    assert loaded["__getattr__"]("__version__") == "unknown (not installed)"
