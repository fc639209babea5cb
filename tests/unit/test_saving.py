"""Files of representations and networks: whole, checked, and without pickle."""

from __future__ import annotations

import json
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import DataError, InputError
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from grouplearn.tensorfile import pack, read_tensors, unpack, write_tensors
from grouplearn.training import load, save
from tests.cases import CASES, Case
from tests.laws.trials import make_group
from tests.unit.examples import is_helpful

GROUPS = {
    "cyclic": (4,),
    "dihedral": (3,),
    "product": (2, -3),
    "permutation": ((1, 2, 0, 3), (1, 0, 2, 3)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_representations_come_back_whole(case: Case, dtype: torch.dtype, tmp_path: Path) -> None:
    file = tmp_path / "rep.safetensors"
    for family in case.families:
        group = make_group(family, GROUPS[family])
        rng = torch.Generator().manual_seed(0)
        rep = case.build(group, 6 if 6 in case.dims else max(case.dims), rng, dtype)
        save(rep, file)
        loaded = load(file)
        assert type(loaded) is type(rep)
        assert isinstance(loaded, LearnedRepresentation)
        assert (loaded.group, loaded.dim, loaded.dtype) == (rep.group, rep.dim, dtype)
        assert loaded.closes_exactly == rep.closes_exactly
        assert torch.equal(loaded.matrices(), rep.matrices())
        assert torch.equal(loaded.inverse_generators(), rep.inverse_generators())


def turn() -> FixedRepresentation:
    return FixedRepresentation(
        CyclicGroup(4), patch_actions(3)["quarter-turn"].matrix.float().unsqueeze(0)
    )


SMALL = Pattern(1, 4, (2, 3, 4))
X = torch.rand(3, 1, 12, 12, generator=torch.Generator().manual_seed(0))
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "fixed": lambda: LGCNN(SMALL, turn()),
    "dense, shared": lambda: LGCNN(SMALL, DenseRepresentation(CyclicGroup(3), 9)),
    "own for each layer": lambda: LGCNN(
        SMALL, [DenseRepresentation(CyclicGroup(3), 9) for _ in range(7)]
    ),
    "plain": lambda: PlainCNN(Pattern(1, 4, (2, 3, 4), dropout=0.1)),
    "unfolded": lambda: LGN(LGNShape(1, 4, layers=2)),
    "standardised": lambda: Standardised.of(LGCNN(SMALL, turn()), X),
}  # fmt: skip


def scores(network: nn.Module) -> Tensor:
    output: Any = network.eval()(X)
    found: Tensor = output.scores if hasattr(output, "scores") else output
    return found.detach()


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_come_back_whole(name: str, tmp_path: Path) -> None:
    network, file = NETWORKS[name](), tmp_path / "network"
    network(X)  # so that normalisations have statistics
    save(network, file)
    loaded = load(file)
    assert not loaded.training
    assert torch.equal(scores(loaded), scores(network))
    assert sum(p.numel() for p in loaded.parameters()) == sum(
        p.numel() for p in network.parameters()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_dtypes_and_what_is_frozen_come_back(name: str, tmp_path: Path) -> None:
    network, file = NETWORKS[name]().double(), tmp_path / "network"
    next(network.parameters()).requires_grad_(False)
    save(network, file)
    loaded = load(file)
    for one, other in zip(network.parameters(), loaded.parameters(), strict=True):
        assert (one.dtype, one.requires_grad) == (other.dtype, other.requires_grad)
    with torch.no_grad():
        one, other = (each.eval()(X.double()) for each in (network, loaded))
    assert torch.equal(getattr(one, "scores", one), getattr(other, "scores", other))


def test_files_are_safetensors_with_json(tmp_path: Path) -> None:
    file = tmp_path / "rep"
    save(turn(), file)
    content = file.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])["__metadata__"]
    assert header["format"] == "grouplearn"
    assert header["version"] == "1"
    assert json.loads(header["info"])["module"]["class"] == "FixedRepresentation"


def test_what_is_broken_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rep"
    save(DenseRepresentation(CyclicGroup(3), 4), file)
    whole = file.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    broken = {
        "a changed number": whole[:-1] + bytes([whole[-1] ^ 1]),
        "a changed description": whole.replace(b"CyclicGroup", b"DihedralGro", 1),
        "cut in the tensors": whole[:-7],
        "cut in the header": whole[: size // 2],
        "cut to nothing": b"",
        "another file": b"\x89PNG\r\n" + bytes(100),
        "no description": struct.pack("<Q", 2) + b"{}",
        "a header of no sense": struct.pack("<Q", 5) + b"[1,2]",
        "a later version": whole.replace(b'"version":"1"', b'"version":"9"', 1),
    }
    for name, content in broken.items():
        file.write_bytes(content)
        with pytest.raises(DataError) as problem:
            load(file)
        assert is_helpful(problem, "load: path"), name
    with pytest.raises(DataError, match="a readable file"):
        load(tmp_path / "none")
    write_tensors(file, {}, {"module": {"class": "Unheard"}})
    with pytest.raises(DataError, match="whose description does not fit"):
        load(file)


def _renamed(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """The file with another description, and a checksum that fits it."""
    found = read_tensors(file)
    change(found.info["module"])
    write_tensors(file, found.tensors, found.info)


SIZES: dict[str, tuple[Callable[[], nn.Module], Callable[[dict[str, Any]], object]]] = {
    "order": (
        lambda: DenseRepresentation(CyclicGroup(3), 2),
        lambda d: d["group"].update(n=10**9),
    ),
    "order of a product": (
        lambda: DenseRepresentation(ProductGroup(CyclicGroup(3), CyclicGroup(2)), 2),
        lambda d: [factor.update(n=10**6) for factor in d["group"]["factors"]],
    ),
    "order of a dihedral group": (
        lambda: SkewRepresentation(DihedralGroup(3), 2), lambda d: d["group"].update(n=10**8),
    ),
    "order of a table": (
        lambda: FixedRepresentation.from_permutations([[1, 2, 0]]),
        lambda d: d["group"].update(right=[[*range(1, 30_000), 0]]),
    ),
    "dimension": (
        lambda: SpectralRepresentation(CyclicGroup(3), 2),
        lambda d: d.update(dim=10**6, multiplicities=[10**6, 0]),
    ),
    "dimension of what is dense": (
        lambda: DenseRepresentation(CyclicGroup(3), 2), lambda d: d.update(dim=10**5),
    ),
    "dimension of permutations": (
        lambda: FixedRepresentation.from_permutations([[1, 2, 0]]), lambda d: d.update(dim=10**6),
    ),
    "scales": (
        lambda: MultiScaleRepresentation(CyclicGroup(3), 4, shape=(2, 2)),
        lambda d: d.update(dim=10**8, shape=[10**4, 10**4]),
    ),
    "diagonals": (
        lambda: ToeplitzRepresentation(CyclicGroup(3), 4),
        lambda d: d.update(dim=10**6, shape=[10**6]),
    ),
    "widths": (lambda: LGCNN(SMALL, turn()), lambda d: d["pattern"].update(widths=[10**5] * 3)),
    "plain widths": (
        lambda: PlainCNN(SMALL), lambda d: d["pattern"].update(widths=[10**5] * 3),
    ),
    "filters": (
        lambda: LGN(LGNShape(1, 2, layers=1, kernel_size=2)),
        lambda d: d["shape"].update(kernel_size=500),
    ),
    "pixels": (lambda: Standardised.of(PlainCNN(SMALL), X), lambda d: d.update(shape=[10**10])),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_are_not_there_take_no_memory(name: str, tmp_path: Path) -> None:
    """A file of a few hundred bytes cannot ask for gigabytes."""
    file, (build, change) = tmp_path / "small", SIZES[name]
    save(build(), file)
    _renamed(file, change)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as problem:
            load(file)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert is_helpful(problem, "load: path", "does not fit its tensors")


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rep"
    save(turn(), file)
    before = file.read_bytes()

    def fails(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        save(DenseRepresentation(CyclicGroup(3), 4), file)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["rep"]


@pytest.mark.usefixtures("as_in_production")
def test_other_modules_are_refused(tmp_path: Path) -> None:
    class Own(LearnedRepresentation):
        def __init__(self, angle: float) -> None:
            super().__init__(CyclicGroup(2), 2)

        def generators(self) -> Tensor:
            return torch.eye(2).unsqueeze(0)

    for module in (nn.Linear(2, 2), Own(0.5), Standardised.of(nn.Identity(), X)):
        with pytest.raises(InputError) as problem:
            save(module, tmp_path / "module")
        assert is_helpful(problem, "save: module must be", "save its state_dict")
    half = LGCNN(SMALL, DenseRepresentation(CyclicGroup(3), 9)).bfloat16()
    with pytest.raises(InputError, match="save: module must be one that can be built again"):
        save(half, tmp_path / "half")
    with pytest.raises(InputError, match="path must be in a folder that exists"):
        save(turn(), tmp_path / "none" / "rep")
    assert list(tmp_path.iterdir()) == []


@final
class CirculantRepresentation(LearnedRepresentation):
    """A class of a user's own: matrices that commute with cyclic shifts."""

    def __init__(
        self, group: FiniteGroup, dim: int, *, reach: int, rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(group, dim, dtype)
        self.reach = reach
        shape = (len(group.generators), reach)
        self.taps = nn.Parameter(torch.randn(shape, generator=rng, dtype=self.dtype))

    def generators(self) -> Tensor:
        rows = torch.nn.functional.pad(self.taps, (0, self.dim - self.reach))
        return torch.stack([rows.roll(k, 1) for k in range(self.dim)], 1)


def test_a_class_of_the_user_is_saved_by_its_name(tmp_path: Path) -> None:
    """Alone and inside a network; a file names it, and only a caller can let it in."""
    rng, own = torch.Generator().manual_seed(0), [CirculantRepresentation]
    for dtype in (torch.float32, torch.float64):
        rep = CirculantRepresentation(CyclicGroup(3), 9, reach=4, rng=rng, dtype=dtype)
        network = LGCNN(SMALL, rep, rng=rng, dtype=dtype).eval()
        for module, inputs in ((rep, torch.ones(2, 9)), (network, X)):
            save(module, tmp_path / "own")
            found: Any = load(tmp_path / "own", classes=own)
            assert type(found) is type(module)
            given = inputs.to(dtype)
            assert torch.equal(found(given), module(given))
            with pytest.raises(DataError) as problem:
                load(tmp_path / "own")
            name = "'tests.unit.test_saving.CirculantRepresentation'"
            assert is_helpful(problem, f"got {name}", "pass load(path, classes=[it])")
    again: Any = load(tmp_path / "own", classes=own)
    assert again.layer_representations()[0].reach == 4


def test_a_class_added_to_the_library_needs_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file: no table of names is to be extended before its files can be loaded."""
    monkeypatch.setattr(
        CirculantRepresentation, "__module__", "grouplearn.representations.circulant"
    )
    rep = CirculantRepresentation(DihedralGroup(3), 5, reach=2)
    save(rep, tmp_path / "rep")
    found: Any = load(tmp_path / "rep")
    assert type(found) is CirculantRepresentation
    assert torch.equal(found.matrices(), rep.matrices())


def test_no_module_is_imported_because_a_file_names_it(tmp_path: Path) -> None:
    rep = CirculantRepresentation(CyclicGroup(3), 4, reach=2)
    save(rep, tmp_path / "own")
    tensors, info = read_tensors(tmp_path / "own")
    info["module"]["class"] = "antigravity.Representation"
    write_tensors(tmp_path / "own", tensors, info)
    with pytest.raises(DataError, match=r"got 'antigravity\.Representation'"):
        load(tmp_path / "own", classes=[CirculantRepresentation])
    assert "antigravity" not in sys.modules


def test_classes_of_the_library_go_by_their_short_names_alone(tmp_path: Path) -> None:
    """By the long one a file could ask for any size before its tensors are looked at."""
    rep = CirculantRepresentation(CyclicGroup(3), 4, reach=2)
    save(rep, tmp_path / "own")
    tensors, info = read_tensors(tmp_path / "own")
    info["module"]["class"] = "grouplearn.representations.spectral.SpectralRepresentation"
    info["module"]["arguments"] = {}
    write_tensors(tmp_path / "own", tensors, info)
    with pytest.raises(DataError, match=r"got 'grouplearn\.representations\.spectral"):
        load(tmp_path / "own")


def test_containers_are_packed_and_unpacked(tmp_path: Path) -> None:
    value = {
        "a": [1, 2.5, None, True, "x"], 3: (torch.ones(2), {"b": torch.zeros(())}), "empty": {},
    }  # fmt: skip
    tensors: dict[str, Tensor] = {}
    info = pack(value, tensors, "top")
    write_tensors(tmp_path / "file", tensors, {"value": info})
    found = read_tensors(tmp_path / "file")
    back = unpack(found.info["value"], found.tensors)
    assert back["a"] == value["a"]
    assert isinstance(back[3], tuple)
    assert torch.equal(back[3][0], torch.ones(2))
    assert float(back[3][1]["b"]) == 0
    assert back["empty"] == {}
    with pytest.raises(InputError, match="made of containers, tensors, numbers"):
        pack({"bad": object()}, {}, "top")


def test_groups_of_every_kind_keep_their_numbers(tmp_path: Path) -> None:
    group = FiniteGroup.from_relations(2, [((0, 3),), ((1, 2),), ((0, 1), (1, 1)) * 2])
    rep = FixedRepresentation.from_permutations(group.cayley_table[list(group.generators)])
    save(rep, tmp_path / "rep")
    loaded = load(tmp_path / "rep")
    assert isinstance(loaded, FixedRepresentation)
    assert loaded.group == rep.group
    assert loaded.group.relators
    assert torch.equal(loaded.matrices(), rep.matrices())


def test_the_same_module_is_always_the_same_file(tmp_path: Path) -> None:
    rep = SpectralRepresentation(CyclicGroup(4), 9, rng=torch.Generator().manual_seed(0))
    files = set()
    for _ in range(20):
        save(rep, tmp_path / "rep")
        files.add((tmp_path / "rep").read_bytes())
    assert len(files) == 1
    write_tensors(tmp_path / "odd", {"ä": torch.ones(3)}, {"naïve": '"\\ \u2028'})
    assert read_tensors(tmp_path / "odd").info == {"naïve": '"\\ \u2028'}
