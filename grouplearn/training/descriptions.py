"""What it takes to build a representation or a network again, as JSON beside its tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import group_from_right_multiplication
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)

Description: TypeAlias = dict[str, Any]
_WITH_MATRICES = frozenset({"ChangeOfBasis", "MultiScaleRepresentation", "SpectralRepresentation"})
"""What holds a number for every entry of a matrix, whatever the group."""
REMEDY = "save its state_dict: safetensors.torch.save_model(module, path)"


def describe(module: nn.Module, names: Mapping[int, str]) -> Description:
    """Describe a module of this library.

    Args:
        module: a representation or a network.
        names: of the tensors in its state, by `id`.

    Raises:
        InputError: a module of another class.
    """
    if isinstance(module, LearnedRepresentation):
        return _describe_representation(module, names)
    if isinstance(module, Standardised):
        shape = list(module.mean.shape)
        return {"class": "Standardised", "network": describe(module.network, names), "shape": shape}
    if isinstance(module, LGN):
        return {"class": "LGN", "shape": asdict(module.shape)}
    if isinstance(module, PlainCNN):
        return {"class": "PlainCNN", "pattern": asdict(module.pattern)}
    if isinstance(module, LGCNN):
        reps = module.layer_representations()
        distinct = list(dict.fromkeys(reps))
        return {
            "class": "LGCNN", "pattern": asdict(module.pattern),
            "representations": [describe(rep, names) for rep in distinct],
            "layers": [distinct.index(rep) for rep in reps],
        }  # fmt: skip
    return refuse("save", "module", "a representation or a network of this library",
                  type(module).__name__, REMEDY)  # fmt: skip


def build(description: Description, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Build what was described; its state is still to be loaded.

    Args:
        description: of the module.
        tensors: its state, by name.

    Raises:
        InputError: the description names sizes that the tensors do not have.
    """
    kind = description["class"]
    _check_size(kind, description, sum(each.numel() for each in tensors.values()))
    if kind == "Standardised":
        zero = torch.zeros(description["shape"])
        return Standardised(build(description["network"], tensors), zero, zero + 1)
    if kind == "LGN":
        return LGN(LGNShape(**description["shape"]))
    if kind == "PlainCNN":
        return PlainCNN(_pattern(description["pattern"]))
    if kind == "LGCNN":
        distinct = [_build_representation(e, tensors) for e in description["representations"]]
        reps = [distinct[number] for number in description["layers"]]
        return LGCNN(_pattern(description["pattern"]), reps)
    return _build_representation(description, tensors)


def _check_size(kind: str, description: Description, held: int) -> None:
    """Refuse a description of more numbers than there are, before memory is taken for them."""
    wanted = 0
    if kind == "LGN":
        shape = LGNShape(**description["shape"])
        filters = shape.layers * shape.filters * shape.in_channels
        wanted = filters * shape.kernel_size**4 + shape.layers * shape.channels
    elif kind in ("PlainCNN", "LGCNN"):
        pattern, order = _pattern(description["pattern"]), 1
        if kind == "LGCNN":
            order = _build_group(description["representations"][0]["group"]).order
        wanted = pattern.parameters(order)
    elif kind == "Standardised":
        wanted = math.prod(description["shape"])
    elif kind in _WITH_MATRICES:
        wanted = description["dim"] ** 2
    elif kind in ("DenseRepresentation", "SkewRepresentation"):
        below = description["dim"] * (description["dim"] - 1) // 2
        wanted = below if _build_group(description["group"]).generators else 0
    elif kind == "FixedRepresentation":
        wanted = description["dim"]
    elif kind == "ToeplitzRepresentation":
        wanted = math.prod(2 * size - 1 for size in description["shape"])
    if wanted > held:
        refuse("load", "tensors", f"of {wanted:,} numbers, as a {kind} of these sizes has",
               f"{held:,}", "save the module again")  # fmt: skip


def _pattern(sizes: Mapping[str, Any]) -> Pattern:
    return Pattern(**{**sizes, "widths": tuple(sizes["widths"])})


def _describe_representation(rep: LearnedRepresentation, names: Mapping[int, str]) -> Description:
    """The class, the group, and what the class's constructor needs beside its tensors."""
    found: Description = {
        "class": type(rep).__name__, "group": _describe_group(rep.group), "dim": rep.dim,
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
            refuse("save", "module", "of this library's classes", type(rep).__name__, REMEDY)
    return found | {"parts": [_describe_representation(each, names) for each in children]}


def _build_representation(
    description: Description, tensors: Mapping[str, Tensor]
) -> LearnedRepresentation:
    held = sum(each.numel() for each in tensors.values())
    _check_size(description["class"], description, held)
    group, dim = _build_group(description["group"]), description["dim"]
    dtype: torch.dtype = getattr(torch, description["dtype"])
    parts = [_build_representation(each, tensors) for each in description["parts"]]
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
    return builders[description["class"]]()


def _build_fixed(
    group: FiniteGroup, description: Description, tensors: Mapping[str, Tensor]
) -> FixedRepresentation:
    rows = tensors[description["tensor"]][list(group.generators)]
    if description["permutation"]:
        rows = torch.eye(description["dim"], dtype=getattr(torch, description["dtype"]))[rows]
    return FixedRepresentation(group, rows)


def _describe_group(group: FiniteGroup) -> Description:
    if isinstance(group, CyclicGroup):
        return {"class": "CyclicGroup", "n": group.order}
    if isinstance(group, DihedralGroup):
        return {"class": "DihedralGroup", "n": group.n}
    if isinstance(group, ProductGroup):
        return {"class": "ProductGroup", "factors": [_describe_group(f) for f in group.factors]}
    elements = np.arange(group.order)
    right = [group.multiply(elements, s).tolist() for s in group.generators]
    return {"class": "TableGroup", "right": right}


def _build_group(description: Description) -> FiniteGroup:
    kind = description["class"]
    if kind == "ProductGroup":
        return ProductGroup(*[_build_group(each) for each in description["factors"]])
    if kind == "TableGroup":
        right = np.array(description["right"], dtype=np.int64)
        if right.ndim != 2 or right.shape[1] > MAX_TABLE_ORDER:
            refuse("load", "group", f"of an order <= {MAX_TABLE_ORDER:,}", right.shape,
                   "save the module again")  # fmt: skip
        return group_from_right_multiplication(right)
    families = {"CyclicGroup": CyclicGroup, "DihedralGroup": DihedralGroup}
    return families[kind](description["n"])
