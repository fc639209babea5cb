"""Groups given by a Cayley table, and how permutations, relations and subgroups become one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grouplearn._checks import positive_int, refuse
from grouplearn.errors import GroupError
from grouplearn.groups.base import MAX_TABLE_ORDER, Elements, FiniteGroup, Word, check_word
from grouplearn.groups.cosets import enumerate_cosets
from grouplearn.groups.presentation import presentation

_MAX_LETTERS = 1_000_000
_FOUND = ("_found_relators", "_found_name")


@final
class TableGroup(FiniteGroup):
    """A finite group held as a Cayley table.

    Built by `FiniteGroup.from_permutations`, `FiniteGroup.from_relations` and
    `FiniteGroup.subgroup`.

    Args:
        table: int64 (n, n), a group's Cayley table with identity 0, trusted as it is.
        generators: element indices that generate it.
        relators: a presentation on those generators; found from the table when not given.
        permutations: (n, degree) images of points, for groups that came from permutations.
    """

    def __init__(
        self,
        table: Elements,
        generators: Sequence[int] | Elements,
        relators: tuple[Word, ...] | None = None,
        permutations: NDArray[np.int64] | None = None,
    ) -> None:
        table.setflags(write=False)
        self._table = table
        self._generators = tuple(int(g) for g in generators)
        self._given_relators = relators
        self._inverses = np.argmin(table, axis=1)
        self.permutations = permutations

    @property
    def order(self) -> int:
        """Number of elements."""
        return len(self._table)

    @property
    def generators(self) -> tuple[int, ...]:
        """Element indices, in the order they were given."""
        return self._generators

    @property
    def relators(self) -> tuple[Word, ...]:
        """The given relators, or a presentation read off the Cayley graph."""
        return self._found_relators if self._given_relators is None else self._given_relators

    @cached_property
    def _found_relators(self) -> tuple[Word, ...]:
        return presentation(self._table[:, list(self._generators)].T)

    @property
    def name(self) -> str:
        """Name of the isomorphism class, found from the structure."""
        return self._found_name

    @cached_property
    def _found_name(self) -> str:
        from grouplearn.groups.structure import structure_name

        return structure_name(self)

    def multiply(self, a: ArrayLike, b: ArrayLike) -> Elements:
        """Entries of the table."""
        return np.asarray(self._table[np.asarray(a), np.asarray(b)])

    def inverse(self, a: ArrayLike) -> Elements:
        """Inverses read off the table."""
        return np.asarray(self._inverses[np.asarray(a)])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TableGroup)
            and other._generators == self._generators
            and np.array_equal(other._table, self._table)
        )

    def __hash__(self) -> int:
        return hash((TableGroup, self.order, self._generators))

    def __deepcopy__(self, _: object) -> TableGroup:
        return self  # nothing of it changes

    def __reduce__(self) -> tuple[Any, ...]:
        """What generators do makes the whole table again."""
        right = _short(self._table[:, list(self._generators)].T)
        permutations = None if self.permutations is None else _short(self.permutations)
        found = {name: self.__dict__[name] for name in _FOUND if name in self.__dict__}
        given = (right, self._generators, self._given_relators, permutations)
        return _group_again, given, found

    def __repr__(self) -> str:
        return f"<{self.name}: FiniteGroup of order {self.order}>"


def _short(numbers: NDArray[np.int64]) -> NDArray[Any]:
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _group_again(
    right: NDArray[Any],
    generators: tuple[int, ...],
    relators: tuple[Word, ...] | None,
    permutations: NDArray[Any] | None,
) -> TableGroup:
    """A group that was pickled."""
    table = _columns(right.astype(np.int64))[0].T.copy()
    images = None if permutations is None else permutations.astype(np.int64)
    return TableGroup(table, generators, relators, images)


def group_from_permutations(permutations: ArrayLike) -> TableGroup:
    """See `FiniteGroup.from_permutations`."""
    images = check_permutations("FiniteGroup.from_permutations", permutations)
    from sympy.combinatorics import Permutation, PermutationGroup

    order = int(PermutationGroup([Permutation(row.tolist()) for row in images]).order())
    _check_order("FiniteGroup.from_permutations", order)
    elements, index = [np.arange(images.shape[1])], {np.arange(images.shape[1]).tobytes(): 0}
    right = np.empty((len(images), order), dtype=np.int64)
    for position in range(order):
        for k, row in enumerate(elements[position][images]):
            found = index.setdefault(row.tobytes(), len(elements))
            if found == len(elements):
                elements.append(row)
            right[k, position] = found
    table, number = _table_from_right_multiplication(right)
    return TableGroup(table, number[right[:, 0]], permutations=np.stack(elements))


def group_from_relations(generators: int, relators: Sequence[Word], max_cosets: int) -> TableGroup:
    """See `FiniteGroup.from_relations`."""
    who = "FiniteGroup.from_relations"
    count = positive_int(who, "generators", generators, minimum=0)
    limit = positive_int(who, "max_cosets", max_cosets)
    words = tuple(check_word(who, word, count) for word in relators)
    length = sum(abs(exponent) for word in words for _, exponent in word)
    if length > _MAX_LETTERS:
        refuse(
            who, "relators", f"of total length <= {_MAX_LETTERS:,}", f"{length:,}",
            "shorten them, for example by exponents below the orders of the generators",
            GroupError,
        )  # fmt: skip
    right = enumerate_cosets(count, words, limit)
    _check_order(who, right.shape[1])
    table, number = _table_from_right_multiplication(right)
    return TableGroup(table, number[right[:, 0]], words)


def group_from_right_multiplication(right: NDArray[np.int64]) -> TableGroup:
    """The group of which each generator's right multiplication is given.

    Args:
        right: (m, n) numbers of g s for the n elements g and each generator s, 0 the identity.
    """
    table, number = _table_from_right_multiplication(right)
    return TableGroup(table, number[right[:, 0]])


def subgroup(group: FiniteGroup, elements: Sequence[int]) -> TableGroup:
    """See `FiniteGroup.subgroup`."""
    seeds: list[int] = []
    members = group.generated(seeds)
    for element in elements:
        if element not in members:
            seeds.append(element)
            members = group.generated(seeds)
    _check_order("FiniteGroup.subgroup", len(members))
    position = np.full(group.order, -1, dtype=np.int64)
    position[members] = np.arange(len(members))
    right = np.stack([position[group.multiply(members, s)] for s in seeds]) if seeds else (
        np.empty((0, 1), dtype=np.int64)
    )  # fmt: skip
    return group_from_right_multiplication(right)


def check_permutations(who: str, permutations: Any) -> NDArray[np.int64]:
    """Return int64 (m, degree) images, or refuse what is not a list of permutations."""
    expected, remedy = "(m, degree) integers", "give one row of images per generator"
    try:
        images = np.asarray(permutations)
    except ValueError:
        refuse(who, "permutations", expected, "rows of different lengths", remedy, GroupError)
    except TypeError:
        refuse(who, "permutations", expected, f"{type(permutations).__name__} without numbers "
               "that the CPU sees", "give a list, or a tensor on the CPU", GroupError)  # fmt: skip
    if images.ndim != 2 or images.size == 0 or images.dtype.kind not in "iu":
        got = f"{images.dtype} of shape {images.shape}"
        refuse(who, "permutations", expected, got, remedy, GroupError)
    bad = np.flatnonzero((np.sort(images, axis=1) != np.arange(images.shape[1])).any(axis=1))
    if bad.size:
        refuse(
            who, f"row {bad[0]}", f"a permutation of 0 to {images.shape[1] - 1}",
            images[bad[0]].tolist(), "list each point exactly once", GroupError,
        )  # fmt: skip
    return images.astype(np.int64)


def _check_order(who: str, order: int) -> None:
    if order > MAX_TABLE_ORDER:
        refuse(
            who, "order", f"<= {MAX_TABLE_ORDER}", order,
            "use CyclicGroup, DihedralGroup or ProductGroup, which need no table", GroupError,
        )  # fmt: skip


def _table_from_right_multiplication(right: NDArray[np.int64]) -> tuple[Elements, Elements]:
    """Cayley table from the action g -> g s of each generator on a regular orbit of point 0.

    Args:
        right: (m, n) images of the n points under each generator; point 0 is the identity.

    Returns:
        The (n, n) table with elements renumbered in shortlex order, and the number of each point.
    """
    columns, order = _columns(right)
    points = np.array(order, dtype=np.int64)
    number = np.argsort(points)
    return number[columns[points][:, points].T], number


def _columns(right: NDArray[np.int64]) -> tuple[Elements, list[int]]:
    """g -> g h for each element h, and the elements in shortlex order."""
    n = right.shape[1]
    columns = np.empty((n, n), dtype=np.int64)
    columns[0] = np.arange(n)
    order, seen = [0], {0}
    for point in order:
        for action in right:
            child = int(action[point])
            if child not in seen:
                seen.add(child)
                order.append(child)
                columns[child] = action[columns[point]]
    return columns, order
