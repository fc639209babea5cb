"""What it takes to build a representation again, as JSON beside its tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.errors import DataError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import group_from_right_multiplication
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.compose import ChangeOfBasis, DirectSum, TensorProduct
from grouplearn.representations.dense import DenseRepresentation
from grouplearn.representations.fixed import FixedRepresentation
from grouplearn.representations.multiscale import MultiScaleRepresentation
from grouplearn.representations.skew import SkewRepresentation
from grouplearn.representations.spectral import SpectralRepresentation
from grouplearn.representations.tables import MARK
from grouplearn.representations.toeplitz import ToeplitzRepresentation

Description: TypeAlias = dict[str, Any]
_Module = TypeVar("_Module", bound=nn.Module)
REMEDY = "save its state_dict: safetensors.torch.save_model(module, path)"
_COUNT = "num_batches_tracked"
"""An integer of torch's normalisation that is no index."""
_GIVEN = frozenset({"group", "dim", "dtype", "rng"})
"""Arguments of a constructor that every description holds, or that the tensors make up for."""
_WITH_MATRICES = frozenset({"ChangeOfBasis", "MultiScaleRepresentation", "SpectralRepresentation"})
"""What holds a number for every entry of a matrix, whatever the group."""


def stored(
    module: _Module, describe: Callable[[_Module, Mapping[int, str]], Description]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What a file has to hold of a module.

    Args:
        module: a representation or a network.
        describe: takes the module and the names of the tensors in its state, by `id`.

    Returns:
        Parameters and buffers, each under the first of its names, since layers may share a
        representation; and the description, with what is not trained.
    """
    kept: dict[int, tuple[str, Tensor]] = {}
    for name, value in _names(module).items():
        kept.setdefault(id(value), (name, value))
    info = {
        "module": describe(module, {number: name for number, (name, _) in kept.items()}),
        "frozen": [name for name, value in module.named_parameters() if not value.requires_grad],
    }
    return dict(kept.values()), info


def restored(
    info: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    build: Callable[[Description, Mapping[str, Tensor]], _Module],
) -> _Module:
    """The module that was stored, with its tensors, their dtypes and what of it is trained.

    Args:
        info: as `stored` returned it, perhaps with more.
        tensors: those that `stored` returned.
        build: takes the description and the tensors.
    """
    module = build(info["module"], tensors)
    names = _names(module)
    first = {id(value): name for name, value in reversed(names.items())}
    full = {
        name: tensors[first[id(value)]] for name, value in names.items()
        if first[id(value)] in tensors or not name.endswith(MARK)  # which older files lack
    }  # fmt: skip
    _check_types(full, names)
    with torch.no_grad():
        for name, value in full.items():
            names[name].data = names[name].data.to(value.dtype)
    module.load_state_dict(full)
    frozen = set(info.get("frozen", ()))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in frozen)
    for part in module.modules():
        if isinstance(part, ChangeOfBasis | SpectralRepresentation):
            _check_basis(part.basis)
    return module


def _check_types(tensors: Mapping[str, Tensor], built: Mapping[str, Tensor]) -> None:
    """Refuse integers where numbers belong, and indices other than the description gives."""
    wrong = [
        f"{name} of {value.dtype}" for name, value in tensors.items()
        if value.is_floating_point() != built[name].is_floating_point()
        or (not value.is_floating_point() and not name.endswith((MARK, _COUNT))
            and not torch.equal(value, built[name]))
    ]  # fmt: skip
    if wrong:
        refuse("load", "tensors", "of the described types, and indices as described",
               ", ".join(wrong), "save the module again")  # fmt: skip


def _check_basis(basis: Tensor) -> None:
    """Refuse a basis that cannot be inverted; the constructor has seen another."""
    if not basis.isfinite().all() or torch.linalg.matrix_rank(basis.double()) < len(basis):
        refuse("load", "basis", "finite and invertible", "another matrix", "save the module again")


def _names(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.state_dict(keep_vars=True))


def check_held(kind: str, wanted: int, tensors: Mapping[str, Tensor]) -> None:
    """Refuse a description of more numbers than there are, before memory is taken for them.

    Raises:
        InputError: there are fewer.
    """
    held = sum(each.numel() for each in tensors.values())
    if wanted > held:
        refuse("load", "tensors", f"of {wanted:,} numbers, as a {kind} of these sizes has",
               f"{held:,}", "save the module again")  # fmt: skip


def _wanted(description: Description) -> int:
    """How many numbers a representation of this description has at least."""
    kind = description["class"]
    if kind in _WITH_MATRICES:
        return int(description["dim"] ** 2)
    if kind in ("DenseRepresentation", "SkewRepresentation"):
        below = int(description["dim"] * (description["dim"] - 1) // 2)
        return below if build_group(description["group"]).generators else 0
    if kind == "FixedRepresentation":
        return int(description["dim"])
    if kind == "ToeplitzRepresentation":
        return math.prod(2 * size - 1 for size in description["shape"])
    return 0


def describe_representation(rep: LearnedRepresentation, names: Mapping[int, str]) -> Description:
    """The class, the group, and what the class's constructor needs beside its tensors.

    Args:
        rep: the representation.
        names: of the tensors in its state, by `id`.

    Raises:
        InputError: a representation of another library does not keep its constructor's arguments.
    """
    found: Description = {
        "class": type(rep).__name__, "group": describe_group(rep.group), "dim": rep.dim,
        "dtype": str(rep.dtype).removeprefix("torch."),
    }  # fmt: skip
    children: list[LearnedRepresentation] = []
    match rep:
        case DenseRepresentation() | SkewRepresentation():
            pass
        case ToeplitzRepresentation():
            found["shape"] = list(rep.shape)
        case SpectralRepresentation():
            found["multiplicities"] = list(rep.multiplicities)
        case FixedRepresentation():
            held = rep._sources if rep.is_permutation else rep._table
            found |= {"permutation": rep.is_permutation, "tensor": names[id(held)]}
        case MultiScaleRepresentation():
            found["shape"] = list(rep.shape)
            children = rep.children_by_scale()
        case DirectSum():
            children = rep.parts()
        case TensorProduct():
            children = [rep.left, rep.right]
        case ChangeOfBasis():
            children = [rep.child]
        case _:
            found |= {"class": importable_name(type(rep)), "arguments": _arguments(rep)}
    return found | {"parts": [describe_representation(each, names) for each in children]}


def importable_name(kind: type) -> str:
    """The name by which a file knows a class that is not this library's."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("grouplearn.")


def _arguments(rep: LearnedRepresentation) -> dict[str, Any]:
    """The arguments of a constructor of the user's, which attributes of the same names keep."""
    names = [name for name in signature(type(rep)).parameters if name not in _GIVEN]
    kept = {name: getattr(rep, name) for name in names if hasattr(rep, name)}
    try:
        written = json.dumps(kept, allow_nan=False)
    except (TypeError, ValueError):
        written = ""
    if len(kept) < len(names) or not written:
        refuse("save", "module", "a representation that keeps each argument of its constructor, as "
               "numbers, text or lists of them, in an attribute of that name",
               f"{type(rep).__name__}({', '.join(names)}) with {', '.join(kept) or 'none'}",
               REMEDY)  # fmt: skip
    return kept


def build_representation(
    description: Description,
    tensors: Mapping[str, Tensor],
    classes: Iterable[type[LearnedRepresentation]] = (),
) -> LearnedRepresentation:
    """Build what was described; its state is still to be loaded, see `restored`.

    Args:
        description: of the representation.
        tensors: its state, by name.
        classes: those that may be built beside this library's. Nothing is imported by its name, so
            that no code runs because a file says so.

    Raises:
        InputError: the description names sizes that the tensors do not have.
        DataError: it names another class.
    """
    check_held(description["class"], _wanted(description), tensors)
    group, dim = build_group(description["group"]), description["dim"]
    dtype = _dtype(description["dtype"])
    parts = [build_representation(each, tensors, classes) for each in description["parts"]]
    rest = iter(parts)
    builders: dict[str, Callable[[], LearnedRepresentation]] = {
        "DenseRepresentation": lambda: DenseRepresentation(group, dim, dtype=dtype),
        "SkewRepresentation": lambda: SkewRepresentation(group, dim, dtype=dtype),
        "ToeplitzRepresentation": lambda: ToeplitzRepresentation(
            group, dim, shape=tuple(description["shape"]), dtype=dtype
        ),
        "SpectralRepresentation": lambda: SpectralRepresentation(
            group, dim, multiplicities=description["multiplicities"], dtype=dtype
        ),
        "FixedRepresentation": lambda: _build_fixed(group, description, tensors),
        "MultiScaleRepresentation": lambda: MultiScaleRepresentation(
            group, dim, shape=tuple(description["shape"]), child=lambda *_, **__: next(rest),
            dtype=dtype,
        ),
        "DirectSum": lambda: DirectSum(parts),
        "TensorProduct": lambda: TensorProduct(*parts),
        "ChangeOfBasis": lambda: ChangeOfBasis(parts[0], torch.eye(dim, dtype=dtype)),
    }  # fmt: skip
    kind = description["class"]
    if kind in builders:
        return builders[kind]()
    ours = [
        each for each in LearnedRepresentation.__subclasses__()
        if _is_ours(each) and each.__name__ not in builders
    ]  # fmt: skip
    own = {importable_name(each): each for each in (*ours, *classes)}.get(kind)
    if own is None:
        refuse("load", "file", "of this library's classes, or of those that are passed as classes",
               repr(kind), "import the class and pass load(path, classes=[it])",
               DataError)  # fmt: skip
    given: dict[str, Any] = {"group": group, "dim": dim, "dtype": dtype}
    taken = {name: value for name, value in given.items() if name in signature(own).parameters}
    return own(**taken, **description["arguments"])


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        refuse("load", "dtype", "a floating type of torch", repr(name), "save the module again")
    return found


def _build_fixed(
    group: FiniteGroup, description: Description, tensors: Mapping[str, Tensor]
) -> FixedRepresentation:
    rows = tensors[description["tensor"]][list(group.generators)]
    if description["permutation"]:
        rows = torch.eye(description["dim"], dtype=_dtype(description["dtype"]))[rows]
    return FixedRepresentation(group, rows)


def describe_group(group: FiniteGroup) -> Description:
    """A family with its size, or how the generators multiply from the right."""
    if isinstance(group, CyclicGroup):
        return {"class": "CyclicGroup", "n": group.order}
    if isinstance(group, DihedralGroup):
        return {"class": "DihedralGroup", "n": group.n}
    if isinstance(group, ProductGroup):
        return {"class": "ProductGroup", "factors": [describe_group(f) for f in group.factors]}
    elements = np.arange(group.order)
    right = [group.multiply(elements, s).tolist() for s in group.generators]
    return {"class": "TableGroup", "right": right}


def build_group(description: Description) -> FiniteGroup:
    """The inverse of `describe_group`."""
    kind = description["class"]
    if kind == "ProductGroup":
        return ProductGroup(*[build_group(each) for each in description["factors"]])
    if kind == "TableGroup":
        right = np.array(description["right"], dtype=np.int64)
        if right.ndim != 2 or right.shape[1] > MAX_TABLE_ORDER:
            refuse("load", "group", f"of an order <= {MAX_TABLE_ORDER:,}", right.shape,
                   "save the module again")  # fmt: skip
        return group_from_right_multiplication(right)
    families = {"CyclicGroup": CyclicGroup, "DihedralGroup": DihedralGroup}
    return families[kind](description["n"])
