"""Complete tables of objects, and generators of their groups."""

from __future__ import annotations

from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def tic_tac_toe() -> Array:
    lines = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
    seen: set[tuple[int, ...]] = set()

    def play(board: tuple[int, ...], player: int) -> None:
        if board in seen:
            return
        seen.add(board)
        if not any(board[i] == board[j] == board[k] != 0 for i, j, k in lines):
            for i in (i for i in range(9) if not board[i]):
                play((*board[:i], player, *board[i + 1 :]), -player)

    play((0,) * 9, 1)
    return np.array(sorted(seen), dtype=np.float64)


def trees() -> Array:
    """Four of the ten edges that reach all five nodes."""
    edges = list(combinations(range(5), 2))

    def spans(chosen: tuple[int, ...]) -> bool:
        reached = {0}
        for _ in range(5):
            reached |= {b for k in chosen for b in edges[k] if reached & set(edges[k])}
        return len(reached) == 5

    return np.array([np.isin(range(10), c) for c in combinations(range(10), 4) if spans(c)], float)


def boards(dim: int, *, queens: bool) -> Array:
    free = [
        p
        for p in permutations(range(dim))
        if not queens or len({p[i] + i for i in p}) == len({p[i] - i for i in p}) == dim
    ]
    return np.array([np.eye(dim)[list(p)].ravel() for p in free])


def sudoku() -> Array:
    lines = list(permutations(range(4)))
    found = []
    for first, second in product(lines, repeat=2):
        if any({*first[c : c + 2], *second[c : c + 2]} != {0, 1, 2, 3} for c in (0, 2)):
            continue
        for third, fourth in product(lines, repeat=2):
            grid = np.array([first, second, third, fourth])
            columns = all(len(set(column)) == 4 for column in grid.T.tolist())
            if columns and all(len(set(grid[2:, c : c + 2].flat)) == 4 for c in (0, 2)):
                found.append(grid.ravel())
    return np.array(found, dtype=np.float64)


def square(dim: int) -> list[Array]:
    cells = np.arange(dim * dim).reshape(dim, dim)
    return [np.rot90(cells).ravel(), cells.T.ravel()]


def on_edges() -> Array:
    edges = list(combinations(range(5), 2))
    turns = [[1, 2, 3, 4, 0], [1, 0, 2, 3, 4]]
    return np.array([
        [edges.index((min(p[a], p[b]), max(p[a], p[b]))) for a, b in edges] for p in turns
    ])  # fmt: skip


def lines_and_transpose(lines: list[list[int]]) -> list[Array]:
    cells = np.arange(16).reshape(4, 4)
    both = [*(cells[line].ravel() for line in lines), *(cells[:, line].ravel() for line in lines)]
    return [*both, cells.T.ravel()]


def relabelled() -> list[Array]:
    """Moves of the board and of the digits, on 64 pairs of cell and digit."""
    pairs = np.arange(64).reshape(16, 4)
    moves = lines_and_transpose([[1, 0, 2, 3], [2, 3, 0, 1]])
    return [
        *(pairs[move].ravel() for move in moves),
        *(pairs[:, digits].ravel() for digits in ([1, 2, 3, 0], [1, 0, 2, 3])),
    ]
