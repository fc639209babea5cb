"""What `--action` of `grouplearn test` names: a known action, a permutation, or a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.commands.actions_in import as_matrices, file_with_action
from grouplearn.domains.numpy_files import is_npy, numpy_array
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

WHO = "grouplearn test"
_OPTION = "--action"
_SAME = 1e-5


def read_representation(text: str, dim: int, known: Sequence[str]) -> LearnedRepresentation:
    """Parse an `--action` that is no name.

    Args:
        text: as it was typed.
        dim: d, the number of coordinates that it acts on.
        known: the names there are, for the error.

    Returns:
        A representation on R^d.

    Raises:
        InputError: no name, permutation or file, or an action of another dimension, of no finite
            order, or that changes nothing.
        DataError: a file is broken.
    """
    if re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)+", text):
        rep = _permuted(text, dim)
    elif (file := file_with_action(Path(text))) is not None:
        rep = _from_file(text, file)
    else:
        _refuse_name(text, known)
    if rep.dim != dim:
        _refuse(f"an action on {dim} coordinates, as the data have", f"{text!r}, on {rep.dim}",
                "take one of that dimension")  # fmt: skip
    if rep.group.order < 2:
        _refuse("an action that changes something", f"the identity, {text!r}",
                "the identity is a symmetry of all data: test another action")  # fmt: skip
    return rep


def _permuted(text: str, dim: int) -> LearnedRepresentation:
    row = [int(part) for part in text.split(",")]
    if sorted(row) != list(range(dim)):
        _refuse(f"a permutation of 0 to {dim - 1}", f"{text!r}, {len(row)} numbers",
                f"say where each of the {dim} coordinates moves")  # fmt: skip
    return FixedRepresentation.from_permutations([row])


def _from_file(text: str, path: Path) -> LearnedRepresentation:
    if is_npy(path):
        return _generated(text, np.asarray(numpy_array(WHO, path)))
    from grouplearn.training import load

    module = load(path)
    if not isinstance(module, LearnedRepresentation):
        _refuse("a file with a representation", f"{type(module).__name__} in {text!r}",
                "save one with grouplearn.training.save")  # fmt: skip
    return module


def _generated(text: str, given: NDArray[Any]) -> LearnedRepresentation:
    """The group that one matrix or several generate."""
    matrices = as_matrices(given)
    if matrices is None:
        _refuse("a square matrix of real numbers", f"shape {given.shape} of {given.dtype} in "
                f"{text!r}", "save a (d, d) array")  # fmt: skip
    if not np.isfinite(matrices).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(matrices))[0][-2:])
        _refuse("a matrix of finite numbers", f"one that is not at {place} in {text!r}",
                "save it again")  # fmt: skip
    rows = _as_permutations(matrices)
    if rows is not None:
        return FixedRepresentation.from_permutations(rows)
    return _closed(text, matrices)


def _closed(text: str, matrices: Float[np.ndarray, "m d d"]) -> LearnedRepresentation:
    from grouplearn.discovery.closing import LARGEST, close_matrices

    rep = close_matrices(list(matrices), np.eye(matrices.shape[1]), _SAME)
    if rep is None:
        _refuse(f"a matrix that generates a group of at most {LARGEST} elements",
                f"another in {text!r}", "a power of it has to be the identity")  # fmt: skip
    return rep


def _as_permutations(matrices: Float[np.ndarray, "m d d"]) -> NDArray[np.int64] | None:
    """Where coordinates move, where all matrices are permutation matrices."""
    rows = matrices.argmax(1)
    exact = np.zeros_like(matrices)
    np.put_along_axis(exact, rows[:, None], 1.0, axis=1)
    good = (matrices == exact).all() and (np.sort(rows, 1) == np.arange(rows.shape[1])).all()
    return rows if good else None


def _refuse_name(text: str, known: Sequence[str]) -> NoReturn:
    names = f"one of {', '.join(known)}, " if known else ""
    near = get_close_matches(text, known, 1)
    _refuse(f"{names}a permutation such as 1,2,0, or a file", repr(text),
            f"did you mean {near[0]!r}?" if near else "check the name")  # fmt: skip


def _refuse(expected: str, got: str, remedy: str) -> NoReturn:
    refuse(WHO, _OPTION, expected, got, remedy)
