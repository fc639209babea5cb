"""What `grouplearn inspect` is given: actions and matrices in runs and files, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, cast, final

import numpy as np
from jaxtyping import Float
from torch import nn

from grouplearn._checks import refuse
from grouplearn._schema import misfit, parsed
from grouplearn.commands.actions_in import (
    FOUND,
    REPRESENTATION,
    WEIGHTS,
    as_matrices,
    files_with_actions,
)
from grouplearn.commands.marks import RESULT
from grouplearn.commands.results import read_options, read_result
from grouplearn.commands.train_output import NETWORK
from grouplearn.domains.base import Domain
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.letters import ALPHABETS, AlphabetName
from grouplearn.domains.numpy_files import is_npy, numpy_array
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.vocabulary import TokenMove
from grouplearn.errors import DataError
from grouplearn.interpret.describe import HasOperations
from grouplearn.interpret.operations import Operation
from grouplearn.models import LGCNN
from grouplearn.models.standardised import unwrapped
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import load

WHO = "grouplearn inspect"
_TENSORS = ".safetensors"


@final
@dataclass(frozen=True)
class _Vocabulary:
    """The generators of an action on a vocabulary, in its words.

    Attributes:
        vocabulary: the token of each coordinate.
        generators: (m, d, d).
    """

    vocabulary: Sequence[str]
    generators: Float[np.ndarray, "m d d"]

    @property
    def dim(self) -> int:
        """The number of tokens."""
        return len(self.vocabulary)

    def operations(self) -> list[Operation]:
        """What each generator exchanges."""
        return [Operation(self._exchanged(matrix), matrix) for matrix in self.generators]

    def _exchanged(self, matrix: Float[np.ndarray, "d d"]) -> str:
        """The cycles of tokens of a permutation."""
        images = enumerate(matrix.argmax(0).tolist())
        names = self.vocabulary
        return TokenMove(({names[k]: names[int(to)] for k, to in images if k != to},)).name


class Inspected(NamedTuple):
    """Something that acts.

    Attributes:
        name: what it is, or where it stands.
        what: an action, or a matrix.
        domain: whose words describe it, or what else has words; None where that is not known.
        said: what was said of it where it was found.
    """

    name: str
    what: LearnedRepresentation | Float[np.ndarray, "d d"]
    domain: HasOperations | None
    said: str = ""


class _Told(TypedDict):
    data: str
    kind: str
    dimension: int
    summary: str


class _Result(_Told, total=False):
    coordinates: list[str]


class _Inspected(TypedDict):
    results: list[_Result]


def things_in(path: Path, patch_size: int | None) -> list[Inspected]:
    """Everything in a run or a file that can be described.

    Args:
        path: of a folder of a run of `discover`, `learn` or `train`; of a file that
            `grouplearn.training.save` or `Discovery.save` wrote; or of a .npy of one (d, d) matrix
            or several (m, d, d).
        patch_size: k where d = k * k pixels; None takes what the run says.

    Raises:
        InputError: the path is missing, or holds no action.
        DataError: a file is broken.
    """
    if path.name == FOUND:
        path = path.parent
    if path.is_dir():
        found = list(_of_run(path))
    elif path.is_file():
        found = list(_of_file(path))
    else:
        refuse(WHO, "WHAT", "a folder of a run or a file", repr(str(path)), "check its name")
    if not found:
        refuse(WHO, "WHAT", "something with an action", f"{str(path)!r}, which has none",
               "pass a run of discover, learn or train, or a file with a matrix")  # fmt: skip
    if patch_size is None:
        return found
    return [each._replace(domain=_patches(each.what, patch_size)) for each in found]


def _of_run(folder: Path) -> Iterator[Inspected]:
    if (folder / NETWORK).is_file() and (folder / REPRESENTATION).is_file():
        yield _of_translator(folder)
    elif (folder / NETWORK).is_file():
        yield from _of_network(load(folder / NETWORK))
    elif (folder / FOUND).is_file():
        yield from _of_findings(folder)
    else:
        for file in files_with_actions(folder):
            yield Inspected(file.stem, _representation(file), _learned_from(folder))


def _of_file(path: Path) -> Iterator[Inspected]:
    if is_npy(path):
        yield from _matrices(path)
        return
    run = path.absolute().parent.parent
    if path.absolute().parent.name == WEIGHTS.name and (run / FOUND).is_file():
        yield from _of_findings(run, path)
        return
    if path.absolute() == run / REPRESENTATION and (run / NETWORK).is_file():
        yield _of_translator(run)
        return
    module = load(path)
    if isinstance(module, LearnedRepresentation):
        yield Inspected(path.stem, module, None)
    else:
        yield from _of_network(module)


def _of_translator(folder: Path) -> Inspected:
    """The action on the tokens of a network, which has none on its features."""
    rep = _representation(folder / REPRESENTATION)
    try:
        result = read_result(folder)
    except (OSError, ValueError) as problem:
        refuse(WHO, "WHAT", f"a run with a whole {RESULT}", str(problem), "train it again",
               DataError)  # fmt: skip
    return Inspected(folder.resolve().name, rep, _tokens_of(rep, result.coordinates))


def _of_network(network: nn.Module) -> Iterator[Inspected]:
    """The action of each layer, once where several share it; what it is made of is left out."""
    inside: list[str] = []
    inner = unwrapped(network)
    for name, module in inner.named_modules():
        if not isinstance(module, LearnedRepresentation) or module.dim == 1:
            continue
        if any(name.startswith(outer) for outer in inside):
            continue
        inside.append(f"{name}.")
        side = isqrt(module.dim)
        pixels = isinstance(inner, LGCNN) and side > 1 and side**2 == module.dim
        known = ImageDomain(side) if pixels else None
        yield Inspected(name.removesuffix(".rep"), module, known)


def _of_findings(run: Path, only: Path | None = None) -> Iterator[Inspected]:
    """All findings of a run, or that in one of its files."""
    try:
        held = parsed((run / FOUND).read_bytes())
        if (wrong := misfit(held, _Inspected)) is not None:
            raise ValueError(wrong)
    except ValueError as problem:
        refuse(WHO, "WHAT", f"a run with a whole {FOUND}", str(problem), "run discover again",
               DataError)  # fmt: skip
    results = cast("_Inspected", held)["results"]
    for result in results:
        file = _file_of(run, result["data"])
        if only is not None and file != only.resolve():
            continue
        rep = _representation(file)
        domain = _domain_of(run, result, rep)
        yield Inspected(result["data"], rep, domain, result["summary"])


def _file_of(run: Path, name: str) -> Path:
    alone, one = (run / WEIGHTS / f"{stem}{_TENSORS}" for stem in ("representation", name))
    return (alone if alone.is_file() else one).resolve()


def _representation(file: Path) -> LearnedRepresentation:
    module = load(file)
    if not isinstance(module, LearnedRepresentation):
        refuse(WHO, "WHAT", "a run with an action in its weights", type(module).__name__,
               "run it again", DataError)  # fmt: skip
    return module


def _domain_of(run: Path, result: _Result, rep: LearnedRepresentation) -> HasOperations | None:
    dim, side = rep.dim, isqrt(rep.dim)
    if result["kind"] == "tokens":
        return _tokens_of(rep, result.get("coordinates", ()))
    if result["kind"] == "images" and side > 1 and side**2 == dim:
        return ImageDomain(side)
    reading: Any = _options(run).get("reading")
    if result["kind"] == "sequence" and isinstance(reading, dict):
        letters = reading.get("alphabet")
        if letters in ALPHABETS and dim % (size := len(ALPHABETS[letters].letters)) == 0:
            return SequenceDomain(cast("AlphabetName", letters), window=dim // size)
    return None


def _tokens_of(rep: LearnedRepresentation, vocabulary: Sequence[str]) -> _Vocabulary | None:
    """The words of a vocabulary, where it fits."""
    if len(vocabulary) != rep.dim:
        return None
    return _Vocabulary(vocabulary, rep.generators().detach().double().numpy())


def _learned_from(run: Path) -> Domain | None:
    size = _options(run).get("patch_size")
    return ImageDomain(size) if type(size) is int and size > 1 else None


def _options(run: Path) -> dict[str, Any]:
    try:
        return read_options(run)
    except (OSError, ValueError):
        return {}


def _matrices(path: Path) -> Iterator[Inspected]:
    given = np.asarray(numpy_array(WHO, path))
    stack = as_matrices(given)
    if stack is None:
        refuse(WHO, "WHAT", "square matrices of real numbers", f"shape {given.shape} of "
               f"{given.dtype}", "save a (d, d) array, or (m, d, d)")  # fmt: skip
    for number, matrix in enumerate(stack):
        if not np.isfinite(matrix).all() or not matrix.any():
            refuse(WHO, "WHAT", "matrices of finite numbers, not all 0",
                   f"another at number {number} of {str(path)!r}", "save it again")  # fmt: skip
        name = path.stem if len(stack) == 1 else f"{path.stem} {number}"
        yield Inspected(name, matrix, None)


def _patches(what: LearnedRepresentation | Float[np.ndarray, "d d"], size: int) -> Domain:
    dim = what.dim if isinstance(what, LearnedRepresentation) else len(what)
    if size < 2 or size**2 != dim:
        refuse(WHO, "--patch-size", f"the side of patches of {dim} pixels", size,
               "leave it out where d is no square")  # fmt: skip
    return ImageDomain(size)
