"""Sequences in another order that keeps how often each pair of neighbouring letters occurs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from grouplearn._checks import refuse

_WHO = "dinucleotide_shuffle"


def dinucleotide_shuffle(sequence: str, rng: np.random.Generator) -> str:
    """Shuffle a sequence so that each pair of neighbouring letters occurs as often as before.

    Letters are the points of a graph, and each pair of neighbours is an edge: sequences with the
    same pairs are walks along all edges, from the first letter to the last. A walk leaves each
    letter but the last one for good by some edge, and these edges form a tree that leads to the
    last letter. So a tree is drawn, each as likely, the other edges are shuffled, and the walk
    follows them. All sequences with these pairs are equally likely.

    Args:
        sequence: any letters.
        rng: draws it.

    Returns:
        A sequence with the same first and last letter, and the same pairs; often another one.

    Raises:
        InputError: not a str.

    Cost:
        Linear time in the length, and the steps of random walks among the letters until they meet.

    References:
        Altschul and Erickson, Significance of nucleotide sequence alignments: a method for random
        sequence permutation that preserves dinucleotide and codon usage (1985).

    Example:
        >>> dinucleotide_shuffle("ACACGACCA", np.random.default_rng(1))
        'ACACACCGA'
    """
    if not isinstance(sequence, str):
        refuse(_WHO, "sequence", "a str of letters", type(sequence).__name__, "pass its letters")
    if len(set(sequence)) < 2:
        return sequence
    letters, codes = np.unique(list(sequence), return_inverse=True)
    return "".join(letters[_walk(codes, len(letters), rng)])


def _walk(codes: Int[np.ndarray, " length"], count: int, rng: np.random.Generator) -> list[int]:
    """Another walk along the same edges."""
    targets = [codes[1:][codes[:-1] == letter] for letter in range(count)]
    end = int(codes[-1])
    exits = _tree(targets, end, rng)
    order: list[list[int]] = []
    for letter, each in enumerate(targets):
        rest = each.copy()
        if letter != end:
            rest = np.delete(rest, exits[letter])
        rng.shuffle(rest)
        left = [] if letter == end else [int(each[exits[letter]])]
        order.append([*rest.tolist(), *left][::-1])
    path = [int(codes[0])]
    while order[path[-1]]:
        path.append(order[path[-1]].pop())
    return path


def _tree(targets: list[NDArray[np.int64]], end: int, rng: np.random.Generator) -> list[int]:
    """The last edge out of each letter, such that all lead to the end, all such trees alike.

    A walk from each letter until it meets the tree; where it runs in a circle, its last steps count
    (Wilson, Generating random spanning trees more quickly than the cover time, 1996).
    """
    exits = [0] * len(targets)
    inside = {end}
    for start in range(len(targets)):
        place = start
        while place not in inside:
            exits[place] = int(rng.integers(len(targets[place])))
            place = int(targets[place][exits[place]])
        place = start
        while place not in inside:
            inside.add(place)
            place = int(targets[place][exits[place]])
    return exits
