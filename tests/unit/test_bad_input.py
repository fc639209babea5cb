"""Every public edge answers bad input with one line of ours, of the right class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.defects import distance, isotypic_multiplicities
from grouplearn.errors import GroupError, InputError
from grouplearn.groups import irrep_characters, real_irreps, regular_multiplicities
from grouplearn.linalg import skew_log
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)
from tests.unit.examples import is_one_line

pytestmark = pytest.mark.usefixtures("as_in_production")

C4, D4 = CyclicGroup(4), DihedralGroup(4)
REP = DenseRepresentation(C4, 4, rng=torch.Generator().manual_seed(0))
FIXED = FixedRepresentation(C4, torch.eye(4)[None])
CLASSES: dict[str, Callable[..., Any]] = {
    "Dense": DenseRepresentation,
    "Skew": SkewRepresentation,
    "Toeplitz": ToeplitzRepresentation,
    "MultiScale": MultiScaleRepresentation,
    "Spectral": SpectralRepresentation,
}
EYE, NAN = torch.eye(4), float("nan")
HOLED = EYE.clone()
HOLED[2, 3] = NAN

Call = Callable[[], Any]


def calling(function: Any, *arguments: Any, **options: Any) -> Call:
    """The call, still to be made; without types, since the arguments are wrong on purpose."""
    return lambda: function(*arguments, **options)


NOT_PERMUTATIONS: list[Any] = [
    [], [[]], [0, 1], [[0.0, 1.0]], [["a"]], None, 3, [[True, False]], [[[0, 1]]],
]  # fmt: skip
NOT_WORDS: list[Any] = [
    ((2, 1),), ((-1, 1),), ((0, 1, 2),), (0, 1), 5, None, "ab", ((0, 2.7),), ((0.5, 2),),
    (("0", "2"),), ((0, float("inf")),), ((0, NAN),),
]  # fmt: skip
BAD_COUNTS: list[Any] = [0, -3, 2.0, True, "4", None, [4], NAN]
# What is called: (the call, the argument that the message names, part of the remaining message).
GROUP_INPUT: dict[str, tuple[Call, str, str]] = {
    **{
        f"{build.__name__}({value!r})": (calling(build, value), argument, f"got {value!r}")
        for build, argument in ((CyclicGroup, "order"), (DihedralGroup, "n"))
        for value in BAD_COUNTS
    },
    "cyclic, array": (calling(CyclicGroup, np.eye(2)), "order", "an integer >= 1"),
    "dihedral, tensor": (calling(DihedralGroup, torch.eye(2)), "n", "an integer >= 1"),
    "product of nothing": (calling(ProductGroup), "factors", "two or more groups, got ()"),
    "product of one": (calling(ProductGroup, C4), "factors", "got (CyclicGroup(4),)"),
    "product with a number": (calling(ProductGroup, C4, 4), "factors", "got (CyclicGroup(4), 4)"),
    "irrep dimension": (calling(regular_multiplicities, C4, 0), "dim", "an integer >= 1, got 0"),
    "negative generators": (calling(FiniteGroup.from_relations, -1, []), "generators", "got -1"),
    "no cosets": (calling(FiniteGroup.from_relations, 1, [], 0), "max_cosets", "an integer >= 1"),
}
GROUP_ERRORS: dict[str, tuple[Call, str, str]] = {
    "element of a half": (calling(C4.generated, [0.5]), "element", "an integer >= 0, got 0.5"),
    "element as text": (calling(D4.subgroup, ["1"]), "element", "an integer >= 0, got '1'"),
    "element as truth": (calling(C4.is_subgroup, [True]), "element", "an integer >= 0, got True"),
    **{
        f"permutations {value!r}": (
            calling(FiniteGroup.from_permutations, value),
            "permutations",
            "(m, degree) integers",
        )
        for value in NOT_PERMUTATIONS
    },
    "ragged": (calling(FiniteGroup.from_permutations, [[0, 1], [0]]), "permutations", "different"),
    "no permutation": (
        calling(FiniteGroup.from_permutations, [[0, 1, 2], [0, 0, 1]]),
        "row 1",
        "a permutation of 0 to 2, got [0, 0, 1]; list each point exactly once",
    ),
    "fixed, no permutation": (
        calling(FixedRepresentation.from_permutations, [[2, 0]]),
        "row 0",
        "",
    ),
    **{
        f"word {word!r}": (
            calling(FiniteGroup.from_relations, 2, [word]),
            "word",
            f"pairs (generator, exponent) with generator from 0 to 1, got {word!r}",
        )
        for word in NOT_WORDS
    },
    "element of an unknown word": (calling(D4.element, ((2, 1),)), "word", "from 0 to 1"),
    "unknown element": (calling(C4.generated, [4]), "element", "an index from 0 to 3, got 4"),
    "unknown element of a subgroup": (calling(D4.subgroup, [8]), "element", "from 0 to 7, got 8"),
    "unknown element of a normal set": (calling(C4.is_normal, [0, 9]), "element", "0 to 3, got 9"),
    "relators too long": (
        calling(FiniteGroup.from_relations, 2, [((0, 500_001), (1, -500_000))]),
        "relators",
        "of total length <= 1,000,000, got 1,000,001",
    ),
    "table": (calling(getattr, CyclicGroup(5000), "cayley_table"), "order", "<= 4096, got 5000"),
    "irreps": (calling(real_irreps, ProductGroup(C4, C4)), "group", "CyclicGroup or Dihedral"),
    "characters": (calling(irrep_characters, ProductGroup(C4, C4)), "group", "CyclicGroup or"),
    "not a group": (calling(real_irreps, 4), "group", "a CyclicGroup or DihedralGroup, got 4"),
    "multiplicities": (
        calling(isotypic_multiplicities, DenseRepresentation(ProductGroup(C4, C4), 2)),
        "group",
        "a CyclicGroup or DihedralGroup",
    ),
    "unknown element to act": (calling(REP.act, torch.ones(4), 4), "element", "0 to 3, got 4"),
    "unknown matrix": (calling(REP.matrix, 7), "element", "0 to 3, got 7"),
}
EACH_CLASS: dict[str, tuple[Callable[[Callable[..., Any]], Any], str, str]] = {
    "no group": (lambda b: b("C4", 4), "group", "a FiniteGroup, got 'C4'"),
    "order as group": (lambda b: b(4, 4), "group", "a FiniteGroup, got 4"),
    "tensor as group": (lambda b: b(torch.eye(3), 4), "group", "a FiniteGroup, got"),
    "dim 0": (lambda b: b(C4, 0), "dim", "an integer >= 1, got 0"),
    "dim a half": (lambda b: b(C4, 0.5), "dim", "an integer >= 1, got 0.5"),
    "dim true": (lambda b: b(C4, True), "dim", "an integer >= 1, got True"),
    "dtype int": (lambda b: b(C4, 4, dtype=torch.int32), "dtype", "float64, got torch.int32"),
    "dtype half": (lambda b: b(C4, 4, dtype=torch.float16), "dtype", "got torch.float16"),
    "dtype text": (lambda b: b(C4, 4, dtype="float32"), "dtype", "got float32"),
    "near of another size": (lambda b: b(C4, 4, near=torch.eye(3)), "near", "shape (1, 4, 4), got"),
    "one near for two": (lambda b: b(D4, 4, near=EYE), "near", "of shape (2, 4, 4), got (4, 4)"),
    "near of integers": (lambda b: b(C4, 4, near=EYE.int()), "near", "floating-point tensor, got"),
    "near of truths": (lambda b: b(C4, 4, near=EYE > 0), "near", "floating-point tensor, got"),
    "near a list": (lambda b: b(C4, 4, near=EYE.tolist()), "near", "a torch tensor, got list"),
    "near an array": (lambda b: b(C4, 4, near=EYE.numpy()), "near", "a torch tensor, got ndarray"),
    "near with NaN": (lambda b: b(C4, 4, near=HOLED), "near", "finite, got nan at (2, 3)"),
    "noise below 0": (
        lambda b: b(C4, 4, near=EYE, noise=-1),
        "noise",
        "a finite number >= 0, got -1",
    ),
    "noise NaN": (
        lambda b: b(C4, 4, near=EYE, noise=NAN),
        "noise",
        "a finite number >= 0, got nan",
    ),
    "noise infinite": (lambda b: b(C4, 4, near=EYE, noise=float("inf")), "noise", "got inf"),
    "noise text": (lambda b: b(C4, 4, near=EYE, noise="low"), "noise", "got 'low'"),
    "rng a seed": (lambda b: b(C4, 4, rng=0), "rng", "a torch.Generator, got"),
}
INPUT: dict[str, tuple[Call, str, str]] = {
    **GROUP_INPUT,
    **{
        f"{name}, {case}": (calling(call, build), argument, part)
        for name, build in CLASSES.items()
        for case, (call, argument, part) in EACH_CLASS.items()
    },
    "shape a number": (calling(ToeplitzRepresentation, C4, 4, shape=4), "shape", "got 4"),
    "shape of halves": (
        calling(ToeplitzRepresentation, C4, 4, shape=(1.5, 2)),
        "shape entry",
        "1.5",
    ),
    "shape too small": (calling(MultiScaleRepresentation, C4, 4, shape=(1, 2)), "shape", "(1, 2)"),
    "multiplicities a number": (
        calling(SpectralRepresentation, C4, 4, multiplicities=4),
        "multiplicities",
        "got 4",
    ),
    "multiplicity a half": (
        calling(SpectralRepresentation, C4, 4, multiplicities=[0.5, 2, 0]),
        "multiplicity",
        "got 0.5",
    ),
    "basis of integers": (
        calling(SpectralRepresentation.from_basis, C4, (4, 0, 0), EYE.int()),
        "basis",
        "floating",
    ),
    "basis of halves": (
        calling(SpectralRepresentation.from_basis, C4, (4, 0, 0), EYE.half()),
        "basis",
        "float16",
    ),
    "basis a vector": (
        calling(SpectralRepresentation.from_basis, C4, (4, 0, 0), EYE[0]),
        "basis",
        "(any, any)",
    ),
    "basis with NaN": (
        calling(SpectralRepresentation.from_basis, C4, (4, 0, 0), HOLED),
        "basis",
        "nan at (2, 3)",
    ),
    "basis of no size": (
        calling(SpectralRepresentation.from_basis, C4, (0, 0, 0), torch.ones(0, 0)),
        "dim",
        "got 0",
    ),
    "fixed, integers": (
        calling(FixedRepresentation, C4, EYE.int()[None]),
        "generators",
        "floating",
    ),
    "fixed, halves": (
        calling(FixedRepresentation, C4, EYE.half()[None]),
        "dtype",
        "got torch.float16",
    ),
    "fixed, NaN": (calling(FixedRepresentation, C4, HOLED[None]), "generators", "nan at (0, 2, 3)"),
    "fixed, one for two": (
        calling(FixedRepresentation, D4, EYE[None]),
        "generators",
        "(2, 4, 4), got",
    ),
    "fixed, flat": (
        calling(FixedRepresentation, C4, EYE),
        "generators",
        "(any, any, any), got (4, 4)",
    ),
    "fixed, not square": (
        calling(FixedRepresentation, C4, EYE[None, :3]),
        "generators",
        "(1, 4, 4)",
    ),
    "fixed, empty": (calling(FixedRepresentation, C4, torch.ones(1, 0, 0)), "dim", "got 0"),
    "fixed, no group": (
        calling(FixedRepresentation, 4, EYE[None]),
        "group",
        "a FiniteGroup, got 4",
    ),
    "fixed, list": (
        calling(FixedRepresentation, C4, [[1.0]]),
        "generators",
        "a torch tensor, got list",
    ),
    "sum of nothing": (calling(DirectSum, []), "children", "representations, got []"),
    "sum of one alone": (calling(DirectSum, REP), "children", "representations, got"),
    "sum of tensors": (calling(DirectSum, [EYE]), "children", "representations, got"),
    "product with a tensor": (calling(TensorProduct, REP, EYE), "children", "representations, got"),
    "basis of nothing": (calling(ChangeOfBasis, EYE, EYE), "children", "representations, got"),
    "basis of another size": (calling(ChangeOfBasis, REP, EYE[:3]), "basis", "(4, 4), got (3, 4)"),
    "new basis with NaN": (
        calling(ChangeOfBasis, REP, HOLED),
        "basis",
        "finite, got nan at (2, 3)",
    ),
    "new basis of integers": (calling(ChangeOfBasis, REP, EYE.int()), "basis", "floating-point"),
    **{
        f"{case}, {name}": (calling(call, x, *element), "x", part)
        for case, call, element in [
            ("orbit", REP.orbit, ()),
            ("forward", REP, ()),
            ("act", REP.act, (1,)),
            ("act by the identity", FIXED.act, (0,)),
        ]
        for name, x, part in [
            ("3 entries", torch.ones(3), "of shape (..., 4), got (3,); its last axis must have"),
            ("no axis", torch.tensor(1.0), "of shape (..., 4), got ()"),
            ("integers", torch.ones(4).long(), "a floating-point tensor, got torch.int64"),
            ("doubles", torch.ones(4).double(), "dtype torch.float32, got torch.float64; convert"),
            ("list", [1.0, 0, 0, 0], "a torch tensor, got list"),
        ]
    },
    "distance of dimensions": (
        calling(distance, REP, DenseRepresentation(C4, 3)),
        "truth",
        "of C4 in dimension 4, got one of",
    ),
    "reflection": (calling(skew_log, -torch.eye(3)), "orthogonal", "a rotation"),
}


def check(call: Call, argument: str, part: str, kind: type[Exception]) -> None:
    with pytest.raises(InputError) as problem:
        call()
    message = str(problem.value)
    assert is_one_line(message), message
    assert f"{argument} must be " in message
    assert part in message
    assert type(problem.value) is kind


@pytest.mark.parametrize(("call", "argument", "part"), INPUT.values(), ids=INPUT.keys())
def test_bad_input(call: Call, argument: str, part: str) -> None:
    check(call, argument, part, InputError)


@pytest.mark.parametrize(
    ("call", "argument", "part"), GROUP_ERRORS.values(), ids=GROUP_ERRORS.keys()
)
def test_groups_that_cannot_be(call: Call, argument: str, part: str) -> None:
    check(call, argument, part, GroupError)


def test_the_message_names_the_caller() -> None:
    for name, build in CLASSES.items():
        with pytest.raises(
            InputError, match=f"^{name}Representation: dim must be an integer >= 1, got 0"
        ):
            build(C4, 0)
