"""Tokens against plain Python; SCAN's symmetries against an exhaustive search over exact counts."""

from __future__ import annotations

import gzip
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn import CyclicGroup
from grouplearn.domains import vocabulary as vocabulary_module
from grouplearn.domains.base import Domain, Extension
from grouplearn.domains.samples import sample_box_drawings
from grouplearn.domains.tokens import TokenDomain
from grouplearn.domains.vocabulary import TokenMove
from grouplearn.errors import DataError, InputError
from grouplearn.representations import FixedRepresentation, SkewRepresentation
from tests.unit.examples import is_helpful, seeded

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=7)
CORPORA = st.lists(WORDS, min_size=1, max_size=9)


def exact_automorphisms(matrices: list[NDArray[Any]]) -> list[list[int]]:
    """Every permutation that keeps all matrices exactly, by backtracking."""
    stack = np.stack([np.round(each / np.abs(each).max(), 9) for each in matrices], axis=-1)
    size = len(stack)
    colours = [
        (stack[i, i].tolist(), sorted(stack[i].tolist()), sorted(stack[:, i].tolist()))
        for i in range(size)
    ]
    choices = [[j for j in range(size) if colours[j] == colours[i]] for i in range(size)]
    order = sorted(range(size), key=lambda i: len(choices[i]))

    def extend(images: dict[int, int]) -> Iterator[list[int]]:
        if len(images) == size:
            yield [images[i] for i in range(size)]
            return
        i = order[len(images)]
        for j in choices[i]:
            fits = j not in images.values() and all(
                np.array_equal(stack[i, a], stack[j, b])
                and np.array_equal(stack[a, i], stack[b, j])
                for a, b in images.items()
            )
            if fits:
                yield from extend({**images, i: j})

    return list(extend({}))


def third_violations(rows: NDArray[Any], dim: int, moves: list[list[int]]) -> NDArray[Any]:
    """Relative violation of the whole third moment tensor, all channels."""
    size = rows.shape[1]
    centred = rows - rows.mean(0)
    pairs = np.einsum("ni,nj->nij", centred, centred).reshape(len(rows), -1)
    tensor = (pairs.T @ centred).reshape(size, size, size)
    found = []
    for move in moves:
        index = np.concatenate([np.array(move) + dim * c for c in range(size // dim)])
        moved = tensor[np.ix_(index, index, index)]
        found.append(np.linalg.norm(moved - tensor) / np.linalg.norm(tensor))
    return np.array(found)


def expected_rows(domain: TokenDomain, samples: list[tuple[list[str], ...]]) -> NDArray[Any]:
    """By the definition, one sample and token at a time."""
    rows = np.zeros((len(samples), 2, domain.dim))
    middles = {1: (0.0,), 2: (0.5, -0.5)}[len(samples[0])]
    prefixes = {1: ("",), 2: ("in:", "out:")}[len(samples[0])]
    for n, sample in enumerate(samples):
        for k, name in enumerate(domain.vocabulary):
            for words, prefix, middle in zip(sample, prefixes, middles, strict=True):
                last = max(len(words) - 1, 1)
                at = [
                    (2 * i / last - 1 if len(words) > 1 else 0.0) + middle
                    for i, word in enumerate(words)
                    if prefix + word == name
                ]
                if at:
                    rows[n, :, k] = math.log2(1 + len(at)), sum(at) / len(at)
    return rows.reshape(len(samples), -1)


@given(CORPORA)
def test_sequences_equal_their_definition(sequences: list[list[str]]) -> None:
    domain = TokenDomain.from_sequences(sequences)
    rows = expected_rows(domain, [(words,) for words in sequences])
    assert domain.vocabulary == tuple(sorted({word for words in sequences for word in words}))
    np.testing.assert_allclose(domain.vectorize().numpy(), rows, atol=1e-6)
    assert torch.equal(domain.vectorize(sequences[:1]), domain.vectorize()[:1])
    moments = domain.moments()
    assert (moments.dim, moments.channels, moments.count) == (domain.dim, 2, len(sequences))
    np.testing.assert_allclose(moments.mean(), rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(moments.covariance(), np.cov(rows.T, bias=True), atol=1e-12)
    together, after = domain.matrices()
    counts = np.array([[words.count(word) for word in domain.vocabulary] for words in sequences])
    np.testing.assert_array_equal(together, counts.T @ counts)
    bigrams = Counter(pair for words in sequences for pair in itertools.pairwise(words))
    assert after.sum() == bigrams.total()
    for (one, other), count in bigrams.items():
        at = domain.vocabulary.index(one), domain.vocabulary.index(other)
        assert after[at] == count


@given(CORPORA, st.data())
def test_pairs_equal_their_definition(inputs: list[list[str]], data: st.DataObject) -> None:
    outputs = [data.draw(WORDS) for _ in inputs]
    domain = TokenDomain.from_pairs(inputs, outputs)
    pairs = [(one, other) for one, other in zip(inputs, outputs, strict=True)]
    names = {f"in:{word}" for words in inputs for word in words}
    names |= {f"out:{word}" for words in outputs for word in words}
    assert set(domain.vocabulary) == names
    np.testing.assert_allclose(
        domain.vectorize().numpy(), expected_rows(domain, [*pairs]), atol=1e-6
    )
    assert torch.equal(domain.vectorize(pairs), domain.vectorize())
    _, after = domain.matrices()
    assert after.sum() == sum(len(words) - 1 for words in inputs + outputs)


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = [["a", "b", "c"], ["b", "a"], ["c"], ["c", "c", "a"]] * 5
    domain = TokenDomain.from_sequences(sequences)
    whole = domain.moments(), domain.matrices(), domain.vectorize()
    monkeypatch.setattr(vocabulary_module, "_ENTRIES", 1)
    np.testing.assert_allclose(domain.moments().products, whole[0].products)
    assert torch.equal(domain.vectorize(), whole[2])


def test_rare_tokens_are_left_out() -> None:
    """Tokens of one frequency all or none; positions count what is left out."""
    domain = TokenDomain.from_sequences([["x", "a", "y", "b"], ["a", "b", "c"]], max_vocabulary=3)
    assert (domain.vocabulary, domain.left_out) == (("a", "b"), 3)
    found = domain.unvectorize(domain.vectorize())
    np.testing.assert_allclose(found[0, 1], [-1 / 3, 1], atol=1e-6)
    together, after = domain.matrices()
    assert together.tolist() == [[2, 2], [2, 2]]
    assert after.tolist() == [[0, 1], [0, 0]]
    assert domain.apply([1, 0], ["x", "a", "c"]) == ["x", "b", "c"]
    with pytest.raises(InputError) as problem:
        _ = TokenDomain.from_sequences([["a", "b", "c"]], max_vocabulary=2).dim
    assert is_helpful(problem, "max_vocabulary must be", "2, while more", "larger max_vocabulary")


def test_what_was_left_out_is_said() -> None:
    rng = np.random.default_rng(0)
    sequences = [[str(k) for k in rng.integers(0, 4, 6)] for _ in range(300)]
    domain = TokenDomain.from_sequences([*sequences, ["rare", "0"]], max_vocabulary=4)
    found = domain.discover(max_moment=2)
    note = "The 4 most frequent tokens were looked at, 1 left out (max_vocabulary=4)."
    assert note in found.notes
    whole = TokenDomain.from_sequences(sequences).discover(max_moment=2, seed=1)
    assert not any("left out" in each for each in whole.notes)


def test_draws_are_samples() -> None:
    domain = TokenDomain.from_sequences([["a", "b"], ["b"]])
    drawn = domain.vectorize(count=50, rng=seeded())
    known = domain.vectorize().tolist()
    assert drawn.shape == (50, 4)
    assert all(row in known for row in drawn.tolist())
    assert torch.equal(drawn, domain.vectorize(count=50, rng=seeded()))


def test_extensions_act_token_by_token() -> None:
    inputs, outputs = [["go", "left"], ["go", "right"], ["stop"]], [["L"], ["R"], ["S", "S"]]
    domain = TokenDomain.from_pairs(inputs, outputs)
    assert isinstance(domain, Domain)
    assert domain.known_actions() == {}
    at = {name: k for k, name in enumerate(domain.vocabulary)}
    swap = np.arange(domain.dim)
    for one, other in (("in:left", "in:right"), ("out:L", "out:R")):
        swap[[at[one], at[other]]] = at[other], at[one]
    rep = FixedRepresentation.from_permutations([swap])
    same, move = domain.extend(rep)
    assert isinstance(same, TokenMove)
    assert isinstance(move, Extension)
    assert str(same) == "identity"
    assert move.name == "in:left <-> in:right, out:L <-> out:R"
    assert move((["go", "left"], ["L", "new"])) == (["go", "right"], ["R", "new"])
    assert domain.apply(swap, (["left"], ["S"])) == (["right"], ["S"])
    moved = [move(pair) for pair in zip(inputs, outputs, strict=True)]
    assert torch.allclose(domain.vectorize(moved), domain.vectorize()[[1, 0, 2]])
    mixed = np.arange(domain.dim)
    mixed[[at["in:left"], at["out:L"]]] = mixed[[at["out:L"], at["in:left"]]]
    assert domain.extend(FixedRepresentation.from_permutations([mixed]))[1] is None
    with pytest.raises(InputError, match="keeps inputs and outputs apart"):
        domain.apply(mixed, (["left"], ["L"]))
    turned = SkewRepresentation(CyclicGroup(3), dim=domain.dim, rng=seeded())
    assert domain.extend(turned)[1:] == (None, None)


def test_long_cycles_are_spelled() -> None:
    assert TokenMove(({"a": "b", "b": "c", "c": "a"},)).name == "a -> b -> c -> a"


def write(path: Path, text: str, packed: bool = False) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.usefixtures("as_in_production")
def test_folders_of_source_are_read_and_other_things_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = x\n")
    domain = TokenDomain.from_file(tmp_path)
    assert domain.vocabulary == ("1", "=", "x", "y")
    path: Any = str(tmp_path)
    with pytest.raises(InputError, match="corpus must be a Corpus, got str; use from_pairs"):
        TokenDomain(path)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_files_are_read_anew(tmp_path: Path, packed: bool) -> None:
    lines = write(tmp_path / "lines", "a b\n\nb  c\n", packed)
    domain = TokenDomain.from_file(lines)
    assert domain.vocabulary == ("a", "b", "c")
    assert domain.moments().count == domain.moments().count == 2
    pairs = write(tmp_path / "pairs", "IN: a b OUT: X\nIN: b OUT: X Y\n", packed)
    domain = TokenDomain.from_file(pairs)
    assert domain.vocabulary == ("in:a", "in:b", "out:X", "out:Y")
    other = write(tmp_path / "other", "X\n\nY Y\n", packed)
    both = TokenDomain.from_files(lines, other)
    same = TokenDomain.from_pairs([["a", "b"], ["b", "c"]], [["X"], ["Y", "Y"]])
    assert torch.equal(both.vectorize(), same.vectorize())


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["a text file with tokens", "got none"]),
        (b" \n\n", ["got none"]),
        (b"IN: a OUT: X\nIN: a b", ["IN: tokens OUT: tokens", "'IN: a b' on line 2"]),
        (b"IN: a OUT: X\nIN: OUT: X", ["on line 2"]),
        (b"IN: a OUT: X\nIN: a OUT:", ["on line 2"]),
        (b"IN: a OUT: X\na OUT: X", ["on line 2"]),
        (b"a b\n\xff\n", ["no UTF-8"]),
        (gzip.compress(b"a b c\n" * 99, mtime=0)[:-9], ["an intact gzip file"]),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, parts: list[str]) -> None:
    file = tmp_path / "broken.txt"
    file.write_bytes(content)
    with pytest.raises(DataError) as problem:
        TokenDomain.from_file(file).moments()
    assert is_helpful(problem, "TokenDomain: path", "broken.txt", *parts)


def test_files_of_other_lengths_are_refused(tmp_path: Path) -> None:
    two, three = write(tmp_path / "two", "a\nb\n"), write(tmp_path / "three", "a\nb\nc\n")
    gap = write(tmp_path / "gap", "a\n\nb\n")
    for inputs, outputs, part in (
        (two, three, "got no line 3"),
        (three, two, "got no line 3"),
        (two, gap, "got line 3 for 2"),
    ):
        with pytest.raises(DataError) as problem:
            TokenDomain.from_files(inputs, outputs).matrices()
        assert is_helpful(problem, "paired line by line", part)
    with pytest.raises(DataError, match="a readable file"):
        TokenDomain.from_files(two, tmp_path / "none").moments()


@pytest.mark.usefixtures("as_in_production")
def test_refuses_bad_corpora() -> None:
    build: Any = TokenDomain
    pairs: Any = TokenDomain.from_pairs([["a"]], [["b"]])
    swap = FixedRepresentation.from_permutations([[1, 2, 0]])
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: build.from_sequences([]), "sequences must be lists of tokens"),
        (lambda: build.from_sequences("a b"), "got str"),
        (lambda: build.from_sequences(3), "got int"),
        (lambda: build.from_sequences(["a b"]), "got 'a b' as item 0"),
        (lambda: build.from_sequences([["a"], []]), "an empty list as item 1"),
        (lambda: build.from_sequences([["a", 3]]), "got 3 as a token of item 0"),
        (lambda: build.from_sequences([["a", ""]]), "got '' as a token of item 0"),
        (lambda: build.from_sequences([{"a"}]), "as item 0"),
        (lambda: build.from_pairs([["a"]], []), "outputs must be lists of tokens"),
        (lambda: build.from_pairs([["a"]], [["b"], ["c"]]), "as many as the inputs, 1, got 2"),
        (lambda: build.from_sequences([["a"]], max_vocabulary=0), "max_vocabulary must be an int"),
        (lambda: build.from_file(""), "path must be a non-empty str"),
        (lambda: pairs.vectorize([(["a"], ["b"]), ["a"]]), "(input, output) pairs"),
        (lambda: pairs.vectorize(["ab"]), "(input, output) pairs"),
        (lambda: pairs.vectorize([]), "inputs must be lists of tokens"),
        (lambda: pairs.vectorize(count=0), "count must be an integer >= 1"),
        (lambda: pairs.unvectorize(torch.zeros(3)), "vectors must be of shape (..., 4)"),
        (lambda: pairs.apply([0, 0], (["a"], ["b"])), "member must be a permutation of 0 to 1"),
        (lambda: pairs.extend(swap), "representation.dim must be 2"),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)


def test_box_drawings_have_the_symmetries_they_claim() -> None:
    names = sample_box_drawings()
    whole = Counter(tuple(words) for words in names)
    bags = Counter(tuple(sorted(words)) for words in names)

    def kept(one: str, other: str) -> tuple[int, int]:
        move = TokenMove(({one: other, other: one},))
        moved = [tuple(str(word) for word in move(words)) for words in names]
        ordered, unordered = Counter(moved), Counter(tuple(sorted(words)) for words in moved)
        return (ordered & whole).total(), (unordered & bags).total()

    assert len(names) == whole.total() == 128
    assert kept("TRIPLE", "QUADRUPLE") == (128, 128)
    assert kept("LEFT", "RIGHT") == kept("UP", "DOWN") == (126, 128)
    assert max(kept("LIGHT", "HEAVY")) < 128
    domain = TokenDomain.from_sequences(names)
    together, after = domain.matrices()
    assert len(exact_automorphisms([together])) == 48
    ((swap,),) = [[move for move in exact_automorphisms([together, after]) if move != sorted(move)]]
    (_, move) = domain.extend(FixedRepresentation.from_permutations([swap]))
    assert str(move) == "QUADRUPLE <-> TRIPLE"


SCAN = {
    "tasks.txt.gz": (96, 48, ("jump", "look", "run", "walk")),
    "add_prim_split/tasks_train_addprim_jump.txt.gz": (48, 12, ("look", "run", "walk")),
}


@pytest.mark.data
@pytest.mark.parametrize("file", list(SCAN), ids=["all", "add-jump"])
def test_third_moments_tell_and_from_after(data_dir: Path, file: str) -> None:
    """Counts and bigrams keep and <-> after, and jump <-> I_JUMP where both stand alone."""
    by_counts, by_thirds, verbs = SCAN[file]
    domain = TokenDomain.from_file(data_dir / "scan" / file)
    candidates = exact_automorphisms(list(domain.matrices()))
    assert len(candidates) == by_counts
    rows = domain.vectorize().double().numpy()
    violations = third_violations(rows, domain.dim, candidates)
    kept = violations < 1e-6
    assert kept.sum() == by_thirds
    assert violations[~kept].min() > 0.15
    covariance = domain.moments().covariance()
    blocks = covariance.reshape(2, domain.dim, 2, domain.dim).transpose(0, 2, 1, 3)
    assert len(exact_automorphisms(list(blocks.reshape(4, domain.dim, domain.dim)))) == by_thirds
    group = [move for move, good in zip(candidates, kept, strict=True) if good]
    moved = {
        domain.vocabulary[k].removeprefix("in:")
        for move in group
        for k in range(domain.dim)
        if move[k] != k and domain.vocabulary[k].startswith("in:")
    }
    assert moved == {*verbs, "left", "right"}
    assert len(group) == math.factorial(len(verbs)) * 2
    for swap in group:
        image = domain.apply(swap, (["walk", "left"], ["I_TURN_LEFT", "I_WALK"]))
        assert isinstance(image, tuple)
        verb, side = image[0]
        assert image[1] == [f"I_TURN_{side.upper()}", f"I_{verb.upper()}"]
