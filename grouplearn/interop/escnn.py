"""Exchange with escnn: representations of C_n and D_n, and its rotation of the grid.

Element k of C_n, and element k + n f = r^k s^f of D_n, is `elements[k]`, or `elements[k + n f]`, of
escnn's `cyclic_group(n)` or `dihedral_group(n)`: both libraries number them alike.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import finite, positive_int, refuse
from grouplearn.defects import closure_defect
from grouplearn.errors import ClosureError, GroupError, MissingExtraError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, real_irreps
from grouplearn.groups.irreps import turns
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.families import as_family
from grouplearn.representations.rounding import round_generators
from grouplearn.representations.spectral import SpectralRepresentation

EscnnRepresentation: TypeAlias = Any
"""An `escnn.group.Representation`; escnn has no type stubs and may be absent."""

_Matrix: TypeAlias = NDArray[np.float64]

_NUMERICAL = "escnn.group._numerical"
_PARTS = ("escnn", "escnn.group", "escnn.gspaces", "escnn.nn", _NUMERICAL)
_WIGNER = "lie_learn.representations.SO3.wigner_d"

# escnn computes in float32, with an equivariance error near 1e-6: what is orthogonal to this is
# orthogonal to escnn. A permutation is exact or none; 1e-9 is also escnn's own tolerance for one.
_ORTHOGONAL = 1e-5
_PERMUTATION = 1e-9

# escnn asserts Q Q^-1 = I to 1e-8, which double precision keeps up to about this condition number.
_MAX_CONDITION = 1e6


def load_escnn() -> ModuleType:
    """Import escnn, without a compiler and with NumPy 2.

    escnn imports lie_learn, which does not run with NumPy 2, for its irreps of SO(3) alone. Where
    lie_learn cannot be imported, a stub whose one function raises stands in for it while escnn is
    imported, and is then removed. Cyclic and dihedral groups never call it. escnn also hands
    np.matrix to scikit-learn where that is installed, which refuses it (escnn issue 112): it is
    made to take SciPy's singular value decomposition, its own other choice, instead.

    Returns:
        The module `escnn`, with `escnn.group`, `escnn.gspaces` and `escnn.nn` loaded.

    Raises:
        MissingExtraError: escnn, or a package that it needs, is absent.

    Example:
        >>> load_escnn().group.cyclic_group(4).order()
        4
    """
    if not all(part in sys.modules for part in _PARTS):
        _forget_orphans()
        with _lie_learn_or_stub(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`py3nj` package not found", UserWarning)
            try:
                # One by one: escnn/__init__ passes over a part that fails to import.
                for part in _PARTS:
                    importlib.import_module(part)
            except ImportError as problem:
                raise MissingExtraError(
                    f"escnn is needed here and could not be imported ({problem}); install it with: "
                    "pip install 'grouplearn[escnn]', then pip install --no-deps escnn==1.0.11"
                ) from problem
    vars(sys.modules[_NUMERICAL])["randomized_svd"] = None
    return sys.modules["escnn"]


def _forget_orphans() -> None:
    """Forget the modules that an import of escnn left behind where it failed half-way.

    Import would find them done and not bind them to their package, which is loaded anew.
    """
    for each in sorted(each for each in sys.modules if each.startswith("escnn.")):
        if each.rpartition(".")[0] not in sys.modules:
            del sys.modules[each]


@contextmanager
def _lie_learn_or_stub() -> Iterator[None]:
    """Let `from lie_learn.representations.SO3.wigner_d import wigner_D_matrix` succeed inside."""
    if _lie_learn_works():
        yield
        return
    kept = {each: sys.modules.pop(each) for each in _loaded_lie_learn()}
    names = _WIGNER.split(".")
    stubs = [ModuleType(".".join(names[: i + 1])) for i in range(len(names))]
    vars(stubs[-1])["wigner_D_matrix"] = _no_wigner_matrix
    sys.modules.update({stub.__name__: stub for stub in stubs})
    try:
        yield
    finally:
        for each in _loaded_lie_learn():
            del sys.modules[each]
        sys.modules.update(kept)


def _lie_learn_works() -> bool:
    try:
        importlib.import_module(_WIGNER)
    except Exception:
        # Of any type: a build for another NumPy fails with ValueError, AttributeError and others.
        return False
    return True


def _loaded_lie_learn() -> list[str]:
    return [each for each in sys.modules if each.split(".")[0] == "lie_learn"]


def _no_wigner_matrix(*_: object, **__: object) -> NoReturn:
    raise MissingExtraError(
        "escnn needs lie_learn for the irreps of SO(3), and it could not be imported; "
        "install a lie_learn that runs with your NumPy and restart Python"
    )


def to_escnn(rep: LearnedRepresentation, *, tolerance: float | None = None) -> EscnnRepresentation:
    """The same representation as an escnn object, for field types and steerable layers.

    rho(g) = Q D(g) Q^-1 with D a direct sum of escnn's irreps. For a SpectralRepresentation, Q is
    its basis; any other has its spectrum rounded to roots of unity in float64, as in
    `nearest_exact`, which moves it by about its closure defect. rho need not be orthogonal.

    escnn's nonlinearities ask a representation what it supports. "norm" and "gated" are granted
    only where Q^T Q = I (to 1e-5): they scale a field by its Euclidean norm, which only orthogonal
    matrices keep, and on others the network would silently lose its equivariance. "pointwise" is
    granted only where every rho(g) is a permutation matrix: a function of single coordinates
    commutes with nothing else; "concatenated" (x and -x) also where some entries are -1.

    Args:
        rep: representation of any class, that closes within `tolerance`, of a group isomorphic to
            C_n or D_n. Where the group is given by a table, as one that was found,
            `as_family(rep)` says which of its elements escnn's generators stand for.
        tolerance: largest closure defect that is taken for rounding; the square root of the
            machine precision of rep's dtype when None (1.5e-8 in float64, 3.5e-4 in float32).

    Returns:
        An `escnn.group.Representation` of `cyclic_group(n)` or `dihedral_group(n)`, holding a copy
        in float64: later training of rep does not reach it. Its name is a digest of its contents,
        since escnn's layers tell representations apart by name; it is not entered in the group's
        own table, where every snapshot of a training run would stay for good.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
        ClosureError: the closure defect exceeds the tolerance.
        InputError: rep is not a representation, has NaN or infinite entries, or is so badly
            conditioned (above 1e6) that escnn could not invert its basis.
        MissingExtraError: escnn is absent.

    Cost:
        O(n d^3) time.

    References:
        Cesa, Lang and Weiler, A Program to Build E(N)-Equivariant Steerable CNNs (2022), section 2.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> rep = SpectralRepresentation(CyclicGroup(4), 4)
        >>> to_escnn(rep).irreps
        [(0,), (1,), (2,)]
    """
    if not isinstance(rep, LearnedRepresentation):
        refuse(
            "to_escnn", "rep", "a LearnedRepresentation", type(rep).__name__,
            "pass one of grouplearn.representations, or see from_escnn",
        )  # fmt: skip
    rep = as_family(rep)
    dihedral = isinstance(rep.group, DihedralGroup)
    n = turns("to_escnn", rep.group)
    counts, basis = _spectrum(rep, tolerance)
    condition = float(np.linalg.cond(basis))
    if not condition <= _MAX_CONDITION:
        refuse(
            "to_escnn", "rep", f"of a basis with condition number <= {_MAX_CONDITION:.0e}",
            f"{condition:.1e}", "its matrices are nearly singular: train with invertibility_loss",
        )  # fmt: skip
    library = load_escnn().group
    group = library.dihedral_group(n) if dihedral else library.cyclic_group(n)
    ids = [i for i, count in zip(_irrep_ids(rep.group), counts, strict=True) for _ in range(count)]
    digest = hashlib.sha256(repr((group.name, ids)).encode() + basis.tobytes()).hexdigest()
    converted = library.Representation(group, f"grouplearn_{digest[:32]}", ids, basis)
    converted.supported_nonlinearities = _nonlinearities(converted)
    return converted


def _spectrum(
    rep: LearnedRepresentation, tolerance: float | None
) -> tuple[tuple[int, ...], _Matrix]:
    """Multiplicities of the irreps and the basis Q, in float64."""
    if isinstance(rep, SpectralRepresentation):
        basis = finite("to_escnn", "rep.basis", rep.basis.detach())
        return rep.multiplicities, basis.cpu().double().numpy().copy()
    generators = finite("to_escnn", "rep.generators()", rep.generators().detach())
    with torch.no_grad():
        defect = float(closure_defect(rep))
    limit = torch.finfo(rep.dtype).eps ** 0.5 if tolerance is None else tolerance
    if not defect <= limit:
        raise ClosureError(
            f"to_escnn: rep must close within {limit:.1e}, got closure defect {defect:.1e}; "
            f"pass nearest_exact(rep).representation, or a larger tolerance"
        )
    return round_generators("to_escnn", rep.group, generators.cpu().double().numpy())


def _irrep_ids(group: FiniteGroup) -> list[tuple[int, ...]]:
    """Names in escnn of `real_irreps(group)`: (frequency,), or (flip frequency, frequency)."""
    irreps = real_irreps(group)
    if isinstance(group, DihedralGroup):
        return [(int(i.dim == 2 or i.reflection == -1), i.frequency) for i in irreps]
    return [(i.frequency,) for i in irreps]


def _nonlinearities(converted: EscnnRepresentation) -> set[str]:
    basis = converted.change_of_basis
    granted = set()
    if _is_near(basis.T @ basis, np.eye(len(basis)), _ORTHOGONAL):
        granted |= {"norm", "gated"}
    # A product of signed permutations is one: the generators speak for the group.
    matrices = [np.asarray(converted(g), np.float64) for g in converted.group.generators]
    if all(_is_permutation(np.abs(matrix)) for matrix in matrices):
        granted.add("concatenated")
    if all(_is_permutation(matrix) for matrix in matrices):
        granted.add("pointwise")
    return granted


def _is_permutation(matrix: _Matrix) -> bool:
    nearest = np.abs(matrix.round())
    is_one = np.array_equal(nearest @ nearest.T, np.eye(len(matrix)))
    return is_one and _is_near(matrix, nearest, _PERMUTATION)


def _is_near(matrix: _Matrix, target: _Matrix, tolerance: float) -> bool:
    return bool(np.abs(matrix - target).max() <= tolerance)


def from_escnn(representation: EscnnRepresentation) -> SpectralRepresentation:
    """The same representation, of escnn's C_n or D_n, as a learnable one of ours.

    The basis P is escnn's change of basis, its columns reordered by irrep; the matrices agree with
    escnn's on every element to rounding.

    Args:
        representation: an `escnn.group.Representation` of `cyclic_group(n)` or `dihedral_group(n)`.

    Returns:
        A SpectralRepresentation in float64.

    Raises:
        InputError: not an escnn representation, or one whose matrices are not those of its irreps
            and change of basis (escnn does not check an explicit `representation=`).
        GroupError: a group other than C_n and D_n.
        MissingExtraError: escnn is absent.

    Example:
        >>> regular = load_escnn().group.dihedral_group(3).regular_representation
        >>> from_escnn(regular).multiplicities
        (1, 1, 2)
    """
    library = load_escnn().group
    if not isinstance(representation, library.Representation):
        refuse(
            "from_escnn", "representation", "an escnn.group.Representation",
            type(representation).__name__, "for example cyclic_group(4).regular_representation",
        )  # fmt: skip
    theirs = representation.group
    if not isinstance(theirs, library.CyclicGroup | library.DihedralGroup):
        refuse(
            "from_escnn", "the group", "escnn's C_n or D_n", theirs.name,
            "restrict the representation to such a subgroup first", GroupError,
        )  # fmt: skip
    dihedral = isinstance(theirs, library.DihedralGroup)
    group = (DihedralGroup if dihedral else CyclicGroup)(theirs.rotation_order)
    counts, columns = _sort_columns(group, representation.irreps)
    basis = torch.as_tensor(representation.change_of_basis[:, columns], dtype=torch.float64)
    converted = SpectralRepresentation.from_basis(group, counts, basis)
    for g in group.generators:
        ours, given = converted.matrix(g).detach().numpy(), representation(theirs.elements[g])
        if not np.allclose(ours, given, rtol=0, atol=1e-9 * np.abs(ours).max()):
            refuse(
                "from_escnn", "representation", "the direct sum of its irreps in its basis",
                f"other matrices at element {theirs.elements[g]}",
                "build it without an explicit `representation=`",
            )  # fmt: skip
    return converted


def _sort_columns(group: FiniteGroup, irreps: list[tuple[int, ...]]) -> tuple[list[int], list[int]]:
    """Multiplicities in our order of irreps, and the columns of escnn's basis in that order."""
    dims = {i: irrep.dim for i, irrep in zip(_irrep_ids(group), real_irreps(group), strict=True)}
    columns: dict[tuple[int, ...], list[int]] = {i: [] for i in dims}
    position = 0
    for each in irreps:
        columns[each] += range(position, position + dims[each])
        position += dims[each]
    counts = [len(columns[i]) // dim for i, dim in dims.items()]
    return counts, [column for each in columns.values() for column in each]


def rotation_matrix(size: int, order: int = 4) -> Float[Tensor, "positions positions"]:
    """The rotation of a square grid by 2 pi / order, as the matrix escnn applies to images.

    vec(y) = M vec(x) for the row-major flattening of an image x and its rotated image y,
    counter-clockwise with the first axis pointing down: for order 4, y = torch.rot90(x, 1, (0, 1)).
    It is read off escnn, which rotates the size^2 basis images.

    Args:
        size: side of the grid, >= 1.
        order: 1, 2 or 4, the rotations that map the grid to itself; others would interpolate.

    Returns:
        (size^2, size^2) permutation matrix in float64.

    Raises:
        InputError: size < 1 or another order.
        MissingExtraError: escnn is absent.

    Cost:
        O(size^4) time and memory.

    Example:
        >>> rotation_matrix(2) @ torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
        tensor([2., 4., 1., 3.], dtype=torch.float64)
    """
    size = positive_int("rotation_matrix", "size", size)
    order = positive_int("rotation_matrix", "order", order)
    if order not in (1, 2, 4):
        refuse(
            "rotation_matrix", "order", "1, 2 or 4", order,
            "other rotations do not map a square grid to itself",
        )  # fmt: skip
    escnn = load_escnn()
    space = escnn.gspaces.rot2dOnR2(order)
    turn = space.fibergroup.elements[1 % order]
    images = torch.eye(size**2, dtype=torch.float64).reshape(-1, 1, size, size)
    scalars = escnn.nn.FieldType(space, [space.trivial_repr])
    turned: Tensor = escnn.nn.GeometricTensor(images, scalars).transform(turn).tensor
    return turned.flatten(1).mT.contiguous()
