"""The bridge to escnn: how it is loaded, what is granted, what is refused."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn import CyclicGroup, DihedralGroup, ProductGroup, nearest_exact
from grouplearn.errors import ClosureError, GroupError, InputError, MissingExtraError
from grouplearn.interop.escnn import from_escnn, load_escnn, rotation_matrix, to_escnn
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)

needs_escnn = pytest.mark.skipif(
    importlib.util.find_spec("escnn") is None, reason="escnn is not installed"
)

INIT = "try:\n    from escnn import gspaces, nn\nexcept ImportError:\n    pass\n"
PY3NJ = 'warnings.warn("`py3nj` package not found! Will use a numerical method")\n'
WIGNER = "from lie_learn.representations.SO3.wigner_d import wigner_D_matrix\n"


def loaded() -> dict[str, Any]:
    owned = ("escnn", "lie_learn")
    return {name: module for name, module in sys.modules.items() if name.split(".")[0] in owned}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder searched for packages, in an interpreter that has imported neither package."""
    kept = loaded()
    for name in kept:
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(kept)


def write_package(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        for parent in [path.parent, *path.parent.parents]:
            if folder in parent.parents:
                parent.mkdir(parents=True, exist_ok=True)
                (parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")


def write_escnn(folder: Path, nn: str = "") -> None:
    """A package laid out like escnn, importing what it imports."""
    files = {
        "escnn/__init__.py": INIT,
        "escnn/group/__init__.py": f"import warnings, escnn.group._numerical\n{WIGNER}{PY3NJ}",
        "escnn/group/_numerical.py": "randomized_svd = print\n",
        "escnn/gspaces.py": "",
        "escnn/nn.py": f"import escnn.group\n{nn}",
    }
    write_package(folder, files)


def write_lie_learn(folder: Path, text: str) -> None:
    write_package(folder, {"lie_learn/representations/SO3/wigner_d.py": text})


def test_absence_names_the_extra_and_the_recipe(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "escnn", None)
    for call in (load_escnn, lambda: rotation_matrix(3), lambda: from_escnn(None)):
        with pytest.raises(MissingExtraError, match=r"--no-deps escnn==1\.0\.11") as info:
            call()
        assert "'grouplearn[escnn]'" in str(info.value)
        assert "\n" not in str(info.value)


def test_a_package_that_escnn_lacks_is_named(site: Path) -> None:
    write_escnn(site, nn="import a_package_that_nobody_has\n")
    with pytest.raises(MissingExtraError, match="a_package_that_nobody_has"):
        load_escnn()
    assert not [name for name in loaded() if name.startswith("lie_learn")]


@pytest.mark.parametrize("text", [None, "raise ValueError('numpy.dtype size changed')\n"])
def test_a_stub_stands_in_for_lie_learn_and_leaves(site: Path, text: str | None) -> None:
    write_escnn(site)
    if text is None:
        write_package(site, {"lie_learn/other.py": ""})
    else:
        write_lie_learn(site, text)
    theirs = importlib.import_module("lie_learn")
    escnn = load_escnn()
    assert sys.modules["lie_learn"] is theirs
    with pytest.raises(MissingExtraError, match=r"lie_learn for the irreps of SO\(3\)"):
        escnn.group.wigner_D_matrix(1, 0.0, beta=0.0)
    assert escnn.group._numerical.randomized_svd is None
    assert load_escnn() is escnn
    for name in loaded():
        assert not name.startswith("lie_learn") or getattr(sys.modules[name], "__file__", None)
    write_lie_learn(site, "wigner_D_matrix = abs\n")
    for name in list(loaded()):
        del sys.modules[name]
    importlib.invalidate_caches()
    assert load_escnn().group.wigner_D_matrix is abs


def test_an_import_that_failed_half_way_is_completed(site: Path) -> None:
    write_escnn(site)
    escnn = importlib.import_module("escnn")
    assert not hasattr(escnn, "nn")
    assert load_escnn() is escnn
    assert escnn.nn.escnn.group._numerical.randomized_svd is None


def test_lie_learn_is_used_where_it_runs(site: Path) -> None:
    write_escnn(site)
    write_lie_learn(site, "wigner_D_matrix = abs\n")
    assert load_escnn().group.wigner_D_matrix is abs
    assert "lie_learn.representations.SO3.wigner_d" in loaded()


def test_other_warnings_of_the_import_are_heard(site: Path) -> None:
    write_escnn(site, nn="warnings = __import__('warnings')\nwarnings.warn('heard')\n")
    before = list(warnings.filters)
    with pytest.warns(UserWarning, match="heard"):
        load_escnn()
    assert list(warnings.filters) == before


@needs_escnn
def test_loading_twice_gives_the_same_module() -> None:
    escnn = load_escnn()
    assert load_escnn() is escnn is sys.modules["escnn"]
    assert escnn.nn.R2Conv
    assert not [m for n, m in loaded().items() if n.startswith("lie_learn") and not m.__file__]


def matrices(theirs: Any) -> Tensor:
    return torch.as_tensor(np.stack([np.asarray(theirs(g), np.float64) for g in elements(theirs)]))


def elements(theirs: Any) -> list[Any]:
    return list(theirs.group.elements)


def fixed(
    group: CyclicGroup | DihedralGroup, *generators: list[list[float]]
) -> FixedRepresentation:
    return FixedRepresentation(group, generators=torch.tensor(generators, dtype=torch.float64))


def norm_times(x: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True) * x


C2, C3, D1 = CyclicGroup(2), CyclicGroup(3), DihedralGroup(1)
SHIFT = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
FLIP = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
HALF = 0.75**0.5
GATES = {
    "permutations": (fixed(C3, SHIFT), {"norm", "gated", "pointwise", "concatenated"}),
    "permutations of D3": (
        fixed(DihedralGroup(3), SHIFT, FLIP),
        {"norm", "gated", "pointwise", "concatenated"},
    ),
    "signed permutations": (
        fixed(C2, [[0.0, -1.0], [-1.0, 0.0]]),
        {"norm", "gated", "concatenated"},
    ),
    "a sign": (fixed(D1, [[-1.0]]), {"norm", "gated", "concatenated"}),
    "a rotation": (fixed(C3, [[-0.5, -HALF], [HALF, -0.5]]), {"norm", "gated"}),
    "an oblique reflection": (fixed(C2, [[1.0, 1.0], [0.0, -1.0]]), set()),
    "an oblique turn": (fixed(C3, [[0.0, -1.0], [1.0, -1.0]]), set()),
    "one permutation, one not": (
        fixed(DihedralGroup(2), [[0.0, 1.0], [1.0, 0.0]], [[0.0, -1.0], [-1.0, 0.0]]),
        {"norm", "gated", "concatenated"},
    ),
}


@needs_escnn
@pytest.mark.parametrize("name", GATES)
def test_nonlinearities_are_granted_where_they_are_equivariant(name: str) -> None:
    rep, expected = GATES[name]
    theirs = to_escnn(rep)
    assert theirs.supported_nonlinearities == expected
    x = torch.randn(50, rep.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    functions = {"pointwise": torch.relu, "norm": norm_times}
    for kind, function in functions.items():
        gaps = [rep.act(function(x), g) - function(rep.act(x, g)) for g in range(rep.group.order)]
        assert (max(float(gap.abs().max()) for gap in gaps) < 1e-9) == (kind in expected)


@needs_escnn
def test_escnn_refuses_the_norm_of_an_oblique_field() -> None:
    nn, space = load_escnn().nn, load_escnn().gspaces.rot2dOnR2(2)
    oblique, straight = GATES["an oblique reflection"][0], GATES["signed permutations"][0]
    with pytest.raises(AssertionError, match="norm"):
        nn.NormNonLinearity(nn.FieldType(space, [to_escnn(oblique)]))
    assert nn.NormNonLinearity(nn.FieldType(space, [to_escnn(straight)]))


@needs_escnn
def test_a_learned_orthogonal_representation_is_granted_the_norm() -> None:
    rng = torch.Generator().manual_seed(0)
    rep = SkewRepresentation(CyclicGroup(12), 24, rng=rng)
    exact = SkewRepresentation(rep.group, 24, near=nearest_exact(rep).representation.generators())
    assert to_escnn(exact).supported_nonlinearities == {"norm", "gated"}


@needs_escnn
@pytest.mark.parametrize("group", [CyclicGroup(1), CyclicGroup(5), D1, DihedralGroup(4)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_plain_matrices_in_either_precision(group: Any, dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(1)
    exact = SpectralRepresentation(group, 11, rng=rng, dtype=dtype)
    with torch.no_grad():
        exact.basis.add_(0.1 * torch.randn(11, 11, generator=rng, dtype=dtype))
    plain = FixedRepresentation(group, generators=exact.generators().detach())
    ours = exact.matrices().detach().double()
    tolerance = 1e-12 if dtype is torch.float64 else 1e-5
    for rep in (exact, plain):
        torch.testing.assert_close(matrices(to_escnn(rep)), ours, rtol=0, atol=tolerance)


@needs_escnn
def test_names_tell_contents_apart() -> None:
    rng = torch.Generator().manual_seed(2)
    reps = [SpectralRepresentation(CyclicGroup(4), 5, rng=rng) for _ in range(3)]
    reps.append(SpectralRepresentation.from_basis(C2, (3, 2), reps[0].basis))
    reps.append(SpectralRepresentation.from_basis(C2, (2, 3), reps[0].basis))
    theirs = [to_escnn(rep) for rep in reps]
    assert len({each.name for each in theirs}) == len(theirs)
    assert to_escnn(reps[0]) == theirs[0]
    assert hash(to_escnn(reps[0])) == hash(theirs[0])
    assert all(each.name not in each.group.representations for each in theirs)
    nn, space = load_escnn().nn, load_escnn().gspaces.rot2dOnR2(4)
    both = nn.FieldType(space, theirs[:2])
    assert nn.R2Conv(both, both, kernel_size=3)
    assert nn.IIDBatchNorm2d(both)


@needs_escnn
def test_the_conversion_is_a_copy() -> None:
    rep = SpectralRepresentation(CyclicGroup(4), 4, dtype=torch.float64)
    theirs = to_escnn(rep)
    back, before = from_escnn(theirs), matrices(theirs)
    with torch.no_grad():
        rep.basis[0] += 1
        back.basis[1] += 1
    torch.testing.assert_close(matrices(theirs), before, rtol=0, atol=0)


@needs_escnn
def test_what_does_not_close_is_refused() -> None:
    near = 1.001 * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    rep = DenseRepresentation(CyclicGroup(4), 2, near=near, dtype=torch.float64)
    with pytest.raises(ClosureError, match=r"got closure defect 4\.0e-03; pass nearest_exact"):
        to_escnn(rep)
    assert to_escnn(rep, tolerance=1e-2).irreps == [(1,)]
    assert to_escnn(nearest_exact(rep).representation).irreps == [(1,)]


def broken(value: float) -> LearnedRepresentation:
    rep = SpectralRepresentation(CyclicGroup(3), 3)
    with torch.no_grad():
        rep.basis[:, 0] = value * rep.basis[:, 1]
    return rep


def not_a_number() -> LearnedRepresentation:
    rep = DenseRepresentation(CyclicGroup(3), 3)
    with torch.no_grad():
        next(rep.parameters()).fill_(float("nan"))
    return rep


def misdeclared(library: Any) -> Any:
    group = library.cyclic_group(2)
    wrong = {g: np.eye(1) for g in group.elements}
    return library.Representation(group, "wrong", [(1,)], np.eye(1), representation=wrong)


@needs_escnn
@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (InputError, "a LearnedRepresentation, got list", lambda: to_escnn([1])),  # type: ignore[arg-type]
        (InputError, r"condition number <= 1e\+06", lambda: to_escnn(broken(1.0))),
        (InputError, r"rep\.basis must be finite", lambda: to_escnn(broken(float("inf")))),
        (InputError, r"rep\.generators\(\) must be finite", lambda: to_escnn(not_a_number())),
        (
            GroupError,
            "to_escnn: group must be a CyclicGroup or DihedralGroup",
            lambda: to_escnn(DenseRepresentation(ProductGroup(C2, ProductGroup(C2, C2)), 2)),
        ),
        (InputError, r"an escnn\.group\.Representation, got str", lambda: from_escnn("regular")),
        (
            GroupError,
            r"C_n or D_n, got SO\(2\)",
            lambda: from_escnn(library().so2_group(1).irrep(1)),
        ),
        (InputError, "direct sum of its irreps", lambda: from_escnn(misdeclared(library()))),
        (InputError, "size must be an integer >= 1", lambda: rotation_matrix(0)),
        (InputError, "order must be 1, 2 or 4, got 3", lambda: rotation_matrix(3, 3)),
        (InputError, "order must be an integer >= 1", lambda: rotation_matrix(3, -4)),
    ],
)
def test_bad_input_is_refused(error: type[Exception], match: str, call: Any) -> None:
    with pytest.raises(error, match=match) as info:
        call()
    assert "\n" not in str(info.value)


def library() -> Any:
    return load_escnn().group


@needs_escnn
def test_the_grid_turns_counter_clockwise() -> None:
    image = torch.arange(6.0).repeat(6, 1).mul(torch.arange(1.0, 7.0)[:, None]).double()
    turned = (rotation_matrix(6) @ image.flatten()).reshape(6, 6)
    assert torch.equal(turned, torch.rot90(image, 1, (0, 1)))
    assert not torch.equal(turned, torch.rot90(image, -1, (0, 1)))
