"""Complete tables: every object of a kind once, so that a symmetry permutes the rows exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np

from sources.base import Array, Ints, Source, closed
from sources.groups import Generators, cycle, on_tuples, swap, wreath

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


def square(n: int) -> Generators:
    """A quarter turn and a transpose of the cells of an n x n board."""
    cells = np.arange(n * n).reshape(n, n)
    return [np.rot90(cells).ravel().tolist(), cells.T.ravel().tolist()]


def tic_tac_toe() -> Source:
    """The 5,478 positions that occur in play, from the empty board on: 1 for X, -1 for O.

    The group is D4: all 9! permutations were tried.
    """
    seen: set[tuple[int, ...]] = set()
    fresh: list[tuple[int, ...]] = [(0,) * 9]
    while fresh:
        board = fresh.pop()
        if board in seen:
            continue
        seen.add(board)
        if any(abs(sum(board[k] for k in line)) == 3 for line in LINES):
            continue
        player = 1 if sum(board) == 0 else -1
        fresh += [(*board[:k], player, *board[k + 1 :]) for k in range(9) if board[k] == 0]
    rows = np.array(sorted(seen), dtype=np.float64)
    return Source("tic-tac-toe positions", rows, "permutation", closed(square(3)))


def labelled_trees() -> Source:
    """The 125 trees on 5 labelled nodes, as 10 possible edges.

    Their edge sets are the bases of the graphic matroid of K5; by Whitney a symmetry of it is one
    of K5, as K5 is 3-connected: S5.
    """
    edges = list(combinations(range(5), 2))
    rows = []
    for chosen in combinations(range(10), 4):
        parts = list(range(5))
        for k in chosen:
            first, second = (parts[node] for node in edges[k])
            parts = [second if part == first else part for part in parts]
        if len(set(parts)) == 1:
            rows.append(np.isin(np.arange(10), chosen))
    generators = on_tuples([cycle(5), swap(5)], ordered=False)
    return Source(
        "trees on 5 nodes", np.array(rows, dtype=np.float64), "permutation", closed(generators)
    )


def permutation_matrices() -> Source:
    """The 24 permutation matrices 4 x 4: rows, columns and the transpose, (4!)^2 2 = 1,152."""
    rows = np.array([np.eye(4)[list(p)].ravel() for p in permutations(range(4))])
    cells = np.arange(16).reshape(4, 4)
    generators = [
        cells[step].ravel().tolist() for step in (cycle(4), swap(4))
    ] + [cells[:, step].ravel().tolist() for step in (cycle(4), swap(4))]  # fmt: skip
    truth = closed([*generators, cells.T.ravel().tolist()])
    return Source("permutation matrices", rows, "permutation", truth)


def queens() -> Source:
    """The 92 ways to place 8 queens, as 64 cells: D4.

    No other permutation of the cells keeps the set, by an exact search.
    """
    boards = [
        np.eye(8)[list(p)].ravel()
        for p in permutations(range(8))
        if len({p[i] + i for i in range(8)}) == len({p[i] - i for i in range(8)}) == 8
    ]
    return Source("8 queens", np.array(boards), "permutation", closed(square(8)))


@lru_cache(maxsize=1)
def grids() -> Array:
    """The 288 sudoku grids 4 x 4, as 16 digits 0 to 3."""
    lines = list(permutations(range(4)))
    found = []
    for four in product(lines, repeat=4):
        grid = np.array(four)
        if all(len(set(column)) == 4 for column in zip(*four, strict=True)):
            boxes = grid.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
            if all(len(set(box)) == 4 for box in boxes.tolist()):
                found.append(grid.ravel())
    return np.array(found, dtype=np.float64)


def board() -> Generators:
    """Rows and columns within and between bands, and the transpose: (S2 wr S2)^2 by 2, 128."""
    lines = wreath([cycle(2)], [cycle(2)])
    cells = np.arange(16).reshape(4, 4)
    return [
        *(cells[step].ravel().tolist() for step in lines),
        *(cells[:, step].ravel().tolist() for step in lines),
        cells.T.ravel().tolist(),
    ]


def sudoku() -> Source:
    """The 288 grids as 16 cells that hold a digit: the 128 moves of the board.

    No other permutation of the cells keeps the set, by an exact search.
    """
    return Source("sudoku, cells", grids() + 1, "permutation", closed(board()))


def sudoku_one_hot() -> Source:
    """The 288 grids as 64 indicators, cell by digit: 128 moves times 24 renamings of the digits.

    No other permutation of the indicators keeps the set, by an exact search.
    """
    rows = np.eye(4)[grids().astype(np.int64)].reshape(len(grids()), 64)
    places = np.arange(64).reshape(16, 4)
    generators = [places[step].ravel().tolist() for step in board()]
    generators += [places[:, step].ravel().tolist() for step in (cycle(4), swap(4))]
    return Source("sudoku, indicators", rows, "permutation", closed(generators))


def same_rows(rows: Array, images: Ints) -> bool:
    """Does a permutation of the columns keep the multiset of rows, exactly?"""
    changed = np.empty_like(rows)
    changed[:, images] = rows
    return bool(np.array_equal(_sorted(changed), _sorted(rows)))


def _sorted(rows: Array) -> Array:
    return rows[np.lexsort(rows.T)]


TABLES: dict[str, Callable[[], Source]] = {
    "tic-tac-toe": tic_tac_toe,
    "trees": labelled_trees,
    "permutation matrices": permutation_matrices,
    "queens": queens,
    "sudoku cells": sudoku,
    "sudoku indicators": sudoku_one_hot,
}
