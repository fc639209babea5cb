"""Which laws catch which broken representation or measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from grouplearn import defects
from grouplearn.groups import real_irreps
from grouplearn.representations import LearnedRepresentation
from grouplearn.representations.base import relator_matrices
from tests.cases import CASES, Case
from tests.laws import broken

Changes = dict[str, Any]
NAMED = {case.name: case for case in CASES}


@dataclass(frozen=True)
class Mutant:
    """Something broken, and the laws that must notice.

    Attributes:
        name: what is broken.
        laws: every one of them fails on it, in one of a few trials.
        on: name of the case that is broken, or whose laws run while a function is.
        wrap: breaks a representation.
        patches: functions of the library, by their dotted names, and what replaces them.
        changes: fixed fields of the trials.
        error: what the law raises.
    """

    name: str
    laws: tuple[str, ...]
    on: str
    wrap: Callable[[LearnedRepresentation], LearnedRepresentation] | None = None
    patches: tuple[tuple[str, object], ...] = ()
    changes: Changes = field(default_factory=dict)
    error: type[Exception] = AssertionError

    @property
    def case(self) -> Case:
        return NAMED[self.on]

    def __str__(self) -> str:
        return self.name


def breaks(
    kind: type[broken.Wrapped], on: str, *laws: str, error: type[Exception] = AssertionError,
    changes: Changes | None = None,
) -> Mutant:  # fmt: skip
    return Mutant(f"{kind.__name__}-{on}", laws, on, kind, (), changes or {}, error)


def replaces(
    target: str, by: Callable[..., Any], on: str, *laws: str, changes: Changes | None = None
) -> Mutant:
    name = f"{target.rsplit('.', 1)[1]}-{by.__name__}"
    return Mutant(name, laws, on, None, ((f"grouplearn.{target}", by),), changes or {})


FLOAT64: Changes = {"dtype": torch.float64}
C6: Changes = {"recipe": ("cyclic", (6,))}
D4: Changes = {"recipe": ("dihedral", (4,))}
WORDS = "matrices_are_words_in_the_generators"
ACTING = "acting_is_multiplying"
STRUCTURE = "structure_survives_training"

BROKEN = (
    breaks(broken.IdentityIsRounded, "spectral", "identity_is_exact", STRUCTURE),
    breaks(broken.MatricesAreTransposed, "dense", WORDS, ACTING),
    breaks(broken.MatricesAreTransposed, "spectral", WORDS, "products_are_products", changes=D4),
    breaks(broken.MatrixIsOfTheInverse, "skew", WORDS, ACTING),
    breaks(
        broken.LastElementIsOff, "fixed-permutation", WORDS, "products_are_products",
        "inverses_are_inverse", "characters_are_class_functions", "dual_pairing_is_invariant",
        "only_closing_classes_claim_closure", "checking_finds_what_numpy_finds",
        "equivariance_is_recognised",
    ),
    breaks(
        broken.RoundsToFloat32, "spectral", WORDS, "products_are_products", "inverses_are_inverse",
        changes=FLOAT64,
    ),
    breaks(broken.GeneratorDrifted, "spectral", "products_are_products", "relations_hold"),
    breaks(broken.GeneratorDrifted, "rebased-exact", "products_are_products", "relations_hold"),
    breaks(broken.ClaimsToClose, "dense", "only_closing_classes_claim_closure"),
    breaks(
        broken.HidesThatItCloses, "sum-exact", "only_closing_classes_claim_closure",
        "relations_hold",
    ),
    breaks(broken.InverseIsTransposed, "toeplitz-1d", "inverse_generators_invert"),
    breaks(
        broken.DualIsNotTransposed, "spectral", "dual_moves_filters_by_inverse_elements",
        "dual_pairing_is_invariant",
    ),
    breaks(
        broken.DualIsNotInverted, "spectral", "dual_moves_filters_by_inverse_elements",
        "dual_pairing_is_invariant",
    ),
    breaks(broken.ActsByTheInverse, "spectral", ACTING, "moving_permutes_the_orbit", changes=C6),
    breaks(broken.OrbitIsReversed, "fixed-integer", ACTING, "moving_permutes_the_orbit"),
    breaks(broken.OrbitIsReversed, "spectral", ACTING, "moving_permutes_the_orbit"),
    breaks(broken.OrbitDropsBatchAxes, "skew", ACTING, changes={"batch": (1,)}),
    breaks(broken.ActionIsNotLinear, "toeplitz-2d", "actions_are_linear", ACTING),
    breaks(broken.OrbitLooksAtTheBatch, "multiscale-2d-skew", "batches_are_independent"),
    breaks(broken.GradientIsCutOff, "dense", "gradients_are_derivatives"),
    breaks(broken.VectorsGetNoGradient, "fixed-rotated", "gradients_are_derivatives"),
    breaks(broken.EvalModeDiffers, "spectral", "state_does_not_depend_on_the_mode"),
    breaks(broken.StateDependsOnTheMode, "dense", "state_does_not_depend_on_the_mode"),
    breaks(broken.StateIsIncomplete, "dense", "state_restores_a_representation"),
    breaks(broken.UsesGlobalRandomness, "skew", "construction_follows_its_generator"),
    breaks(broken.IgnoresItsGenerator, "spectral", "construction_follows_its_generator"),
    breaks(broken.CopiesShareParameters, "dense", "copies_are_equal_and_independent"),
    breaks(broken.PickleLosesPrecision, "skew", "copies_are_equal_and_independent"),
    breaks(broken.KeepsItsDtype, "multiscale-1d-dense", "dtype_moves_keep_values"),
    breaks(broken.HalvesPrecisionWhenMoved, "rebased-exact", "dtype_moves_keep_values"),
    breaks(broken.StaysOnTheCpu, "toeplitz-1d", "device_moves_keep_shapes_and_values"),
    *(
        breaks(broken.StructureIsNotKept, case.name, STRUCTURE)
        for case in CASES
        if case.name != "dense"
    ),
    breaks(broken.TakesAnything, "dense", "wrong_input_is_refused"),
    breaks(broken.ElementsWrapAround, "spectral", "wrong_input_is_refused"),
    breaks(broken.LooksAtValues, "skew", "exports_to_a_plain_graph", error=Exception),
)  # fmt: skip


def without_root_of_dim(rep: LearnedRepresentation) -> Tensor:
    return relator_defect(rep) * rep.dim**0.5


def of_first_relator(rep: LearnedRepresentation) -> Tensor:
    return original_relators(rep)[:1].max()


def relator_defect(rep: LearnedRepresentation) -> Tensor:
    return original_relators(rep).max()


def with_transposed_inverses(rep: LearnedRepresentation) -> Tensor:
    generators = rep.generators()
    products = relator_matrices(rep.group, generators, generators.mT)
    return torch.linalg.matrix_norm(products - torch.eye(rep.dim).to(products)) / rep.dim**0.5


def not_squared(rep: LearnedRepresentation, mu: float) -> Tensor:
    return mu * original_relators(rep).sum()


def of_squares_only(rep: LearnedRepresentation) -> Tensor:
    matrices = rep.matrices()
    squares = [int(rep.group.multiply(g, g)) for g in range(rep.group.order)]
    gaps = matrices @ matrices - matrices[squares]
    return torch.linalg.matrix_norm(gaps).max() / rep.dim**0.5


def zero(rep: LearnedRepresentation, **_: Any) -> Tensor:
    return rep.generators().new_zeros(())


def zero_error(*_: Any) -> float:
    return 0.0


def never_raised(*_: Any) -> None:
    return None


def with_true_inverse(rep: LearnedRepresentation, *, true_inverse: bool = False) -> Tensor:
    return original_invertibility(rep, true_inverse=True)


def squared(rep: LearnedRepresentation, mu: float) -> Tensor:
    gaps = rep.generators() @ rep.inverse_generators() - torch.eye(rep.dim, dtype=rep.dtype)
    return mu * gaps.square().sum()


def of_symmetric_part(rep: LearnedRepresentation) -> Tensor:
    generators = rep.generators()
    return torch.linalg.matrix_norm(generators - generators.mT).max() / rep.dim**0.5


def of_largest_only(rep: LearnedRepresentation, mu: float) -> Tensor:
    return mu * (1 - torch.linalg.svdvals(rep.generators())[:, 0]).abs().sum()


def squared_ratio(rep: LearnedRepresentation) -> Tensor:
    return original_condition(rep).square()


def absolute(rep: LearnedRepresentation, truth: LearnedRepresentation) -> Tensor:
    return torch.linalg.vector_norm(rep.generators() - truth.generators())


def over_the_complex_numbers(rep: LearnedRepresentation) -> Tensor:
    kinds = [float(irrep.endomorphisms) for irrep in real_irreps(rep.group)]
    return original_multiplicities(rep) * torch.tensor(kinds, dtype=rep.dtype)


def absolute_traces(rep: LearnedRepresentation) -> Tensor:
    return torch.diagonal(rep.matrices(), dim1=-2, dim2=-1).abs().sum(-1)


original_relators = defects.relator_defects
original_invertibility = defects.invertibility_defect
original_condition = defects.condition_number
original_multiplicities = defects.isotypic_multiplicities

CLOSURE, INVERTIBILITY = "closure_is_measured", "invertibility_is_measured"
ORTHOGONALITY, CHECKING = "orthogonality_is_measured", "checking_finds_what_numpy_finds"

MISMEASURED = (
    replaces("defects.closure_defect", without_root_of_dim, "dense", CLOSURE),
    replaces("defects.closure_defect", of_first_relator, "toeplitz-1d", CLOSURE, changes=D4),
    replaces("defects.relator_defects", with_transposed_inverses, "toeplitz-1d", CLOSURE),
    replaces("losses.closure_loss", not_squared, "dense", CLOSURE),
    replaces("defects.homomorphism_defect", of_squares_only, "dense", "homomorphism_is_measured"),
    replaces("defects.invertibility_defect", with_true_inverse, "dense", INVERTIBILITY),
    replaces("losses.invertibility_loss", squared, "dense", INVERTIBILITY),
    replaces("defects.orthogonality_defect", of_symmetric_part, "toeplitz-1d", ORTHOGONALITY),
    replaces("losses.singular_value_loss", of_largest_only, "toeplitz-1d", ORTHOGONALITY),
    replaces("defects.condition_number", squared_ratio, "dense", ORTHOGONALITY),
    replaces("defects.distance", absolute, "skew", "distance_is_measured"),
    replaces(
        "defects.isotypic_multiplicities", over_the_complex_numbers, "spectral",
        "multiplicities_count_irreps", changes=C6,
    ),
    replaces("defects.character", absolute_traces, "spectral", "characters_are_class_functions"),
    replaces("testing.equivariance_error", zero_error, "spectral", "equivariance_is_recognised"),
    replaces("testing.assert_equivariant", never_raised, "spectral", "equivariance_is_recognised"),
    replaces("testing.homomorphism_defect", zero, "dense", CHECKING),
    replaces("testing.closure_defect", zero, "dense", CHECKING),
)  # fmt: skip

MUTANTS = BROKEN + MISMEASURED
COMPILE_MUTANTS = (
    breaks(broken.LooksAtValues, "dense", "orbit_compiles_in_one_graph"),
    breaks(broken.GradientDiffersWhenCompiled, "skew", "orbit_compiles_in_one_graph"),
    breaks(broken.ActionLooksAtValues, "spectral", "action_compiles_in_one_graph"),
)
