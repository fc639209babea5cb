"""Samples of the user's own data, moved by the elements of a group that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.commands.discover import DataFinding
from grouplearn.commands.discover_data import Subject
from grouplearn.commands.discover_words import arrows, name_of
from grouplearn.domains.base import Extension
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.sequence_files import sequences_of
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain
from grouplearn.plots import pixels_png
from grouplearn.report import Cells, Letters, MovedSample, Orbit, Picture, Sentence
from grouplearn.representations import LearnedRepresentation

_ELEMENTS, _SAMPLES, _LONGEST = 64, 3, 90
_SIDE, _LETTERS, _TOKENS, _CELLS = 96, 72, 60, 16
_LOOKED_AT, _SENTENCES, _SAME = 24, 500, 1e-9

Move = Callable[[Any], Any]
Array = NDArray[np.float64]


def orbit_of(finding: DataFinding, seed: int) -> Orbit | None:
    """Samples with what the elements of the group make of them; None where none can be shown.

    Args:
        finding: what was found; a proposal is shown where nothing was.
        seed: draws the samples.
    """
    shown, moments = finding.shown, finding.moments
    if not shown.found:
        return None
    kept = moments.sample().rows[:, : moments.dim]
    rows = kept if moments.channels == 1 else kept[:0]
    claim = "" if finding.found.found else ", which is proposed and not certified,"
    return orbit_of_action(finding.subject, shown.representation, claim, rows, seed)


def orbit_of_action(
    subject: Subject, rep: LearnedRepresentation, claim: str, rows: Array, seed: int
) -> Orbit | None:
    """Samples with what the elements of a representation make of them.

    Whole images, sequences and sentences are moved where all elements extend to them; else patches
    and rows.

    Args:
        subject: the data.
        rep: on their vectors.
        claim: words about the group, for the sentence above the slider.
        rows: (N, d), vectors to choose from; of no use where whole objects are moved.
        seed: draws the samples.
    """
    order, rng = rep.group.order, np.random.default_rng(seed)
    elements = range(min(order, _ELEMENTS))
    with torch.no_grad():
        matrices = torch.stack([rep.matrix(g) for g in elements]).double().cpu()
    chosen: Any = (
        rng.choice(len(rows), min(_SAMPLES, len(rows)), replace=False) if len(rows) else []
    )
    drawn = rows[np.asarray(chosen, dtype=np.int64)]
    samples = _whole_samples(subject, rep, elements, rng)
    if not samples and len(drawn):
        samples = _row_samples(subject, matrices.numpy(), drawn)
    if not samples:
        return None
    names = subject.coordinates()
    titles = [_brief(arrows(name_of(matrix, subject, names))) for matrix in matrices]
    few = f"the first {_ELEMENTS} of {order:,} elements" if order > _ELEMENTS else "each element"
    about = (
        f"Move the slider to see what {few} of {rep.group.name}{claim} makes of "
        f"{_KINDS.get(subject.kind, 'a row')} of your own data."
    )
    return Orbit(f"Element of {rep.group.name}", titles, samples, about)


_KINDS = {
    "images": "an image", "sequence": "a sequence", "tokens": "a sentence",
}  # fmt: skip


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3].rstrip(',; ')}..."


def _whole_samples(
    subject: Subject, rep: LearnedRepresentation, elements: Sequence[int], rng: np.random.Generator
) -> list[MovedSample]:
    """Whole objects, where every element extends to them."""
    domain = subject.domain
    if domain is None:
        return []
    every = domain.extend(rep)
    moves = [every[g] for g in elements]
    kept: list[Extension] = [move for move in moves if move is not None]
    if len(kept) < len(moves):
        return []
    if isinstance(domain, ImageDomain):
        return list(_images(subject.raw, kept, rng))
    if isinstance(domain, SequenceDomain):
        return list(_sequences(subject.raw, domain, kept, rng))
    return list(_sentences(domain, kept, rng)) if isinstance(domain, TokenDomain) else []


def _images(images: Any, moves: Sequence[Move], rng: np.random.Generator) -> Iterator[MovedSample]:
    """Those of the most contrast among some that are drawn, large ones cut to a square."""
    drawn = rng.choice(len(images), min(_LOOKED_AT, len(images)), replace=False)
    pieces = {number: _piece(np.asarray(images[number])) for number in drawn.tolist()}
    best = sorted(pieces, key=lambda number: -float(pieces[number].std()))[:_SAMPLES]
    for number in best:
        image = torch.from_numpy(pieces[number])
        frames = [_pixels(move(image).numpy(), f"image {number} moved") for move in moves]
        yield MovedSample(f"image {number}", _pixels(image.numpy(), f"image {number}"), frames)


def _piece(image: NDArray[Any]) -> Array:
    """(1 or 3, H, W), floats in [0, 1], of at most 96 x 96 pixels: those of the most contrast."""
    whole = image[None] if image.ndim == 2 else image
    whole = whole if len(whole) == 3 else whole[:1]
    values = whole / 255 if whole.dtype == np.uint8 else whole.astype(np.float64)
    height, width = values.shape[1:]
    places = [
        (top, left)
        for top in range(0, max(height - _SIDE, 0) + 1, _SIDE)
        for left in range(0, max(width - _SIDE, 0) + 1, _SIDE)
    ]
    cut = [values[:, top : top + _SIDE, left : left + _SIDE] for top, left in places]
    return np.ascontiguousarray(max(cut, key=lambda each: float(each.std())))


def _pixels(image: Array, alt: str) -> Picture:
    grey = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
    return Picture(pixels_png(grey), alt)


def _sequences(
    source: Any, domain: SequenceDomain, moves: Sequence[Move], rng: np.random.Generator
) -> Iterator[MovedSample]:
    """A piece of each of the first sequences, or some of the only one."""
    texts = list(islice(sequences_of(source), _SAMPLES))
    for number in range(_SAMPLES if len(texts) == 1 else len(texts)):
        text = texts[number % len(texts)]
        start = int(rng.integers(max(len(text) - _LETTERS, 0) + 1))
        piece = text[start : start + _LETTERS].upper()
        name = f"letters {start + 1:,} to {start + len(piece):,}"
        name += f" of sequence {number + 1}" * (len(texts) > 1)
        frames = [Letters(move(piece), domain.letters) for move in moves]
        yield MovedSample(name, Letters(piece, domain.letters), frames)


def _sentences(
    domain: TokenDomain, moves: Sequence[Move], rng: np.random.Generator
) -> Iterator[MovedSample]:
    """Those of the first sentences in which the elements change the most tokens."""
    sentences = list(islice(domain.corpus.read(), _SENTENCES))
    drawn = rng.permutation(len(sentences)).tolist()

    def changed(number: int) -> int:
        return sum(
            one != other
            for move in moves[:4]
            for one, other in zip(
                _flat(sentences[number]), _flat(_moved(sentences[number], move)), strict=True
            )
        )

    for number in sorted(drawn, key=lambda each: -changed(each))[:_SAMPLES]:
        before = _flat(sentences[number])
        frames = [_words(_flat(_moved(sentences[number], move)), before) for move in moves]
        yield MovedSample(f"sample {number + 1}", _words(before, before), frames)


def _words(after: Sequence[str], before: Sequence[str]) -> Sentence:
    """Tokens, those marked that have changed, long sentences cut."""
    told = [(word, word != old) for word, old in zip(after, before, strict=True)]
    return Sentence(told if len(told) <= _TOKENS else [*told[:_TOKENS], ("...", False)])


def _moved(sides: Sequence[Sequence[str]], move: Move) -> Sequence[Sequence[str]]:
    return (move(sides[0]),) if len(sides) == 1 else move(sides)


def _flat(sides: Sequence[Sequence[str]]) -> list[str]:
    """All tokens, an arrow between the input and the output of a pair."""
    first, *rest = (list(side) for side in sides)
    return [*first, *(word for side in rest for word in ["\N{RIGHTWARDS ARROW}", *side])]


def _row_samples(subject: Subject, matrices: Array, rows: Array) -> list[MovedSample]:
    """Patches as pixels, windows as letters, others as numbers by column."""
    moved = np.einsum("gij,rj->rgi", matrices, rows)
    if subject.kind == "images":
        return [
            MovedSample(f"patch {n + 1}", _patch(row, row), [_patch(each, row) for each in orbit])
            for n, (row, orbit) in enumerate(zip(rows, moved, strict=True))
        ]
    if isinstance(subject.domain, SequenceDomain):
        return list(_windows(subject.domain, rows, moved))
    away = np.abs(matrices - np.eye(rows.shape[1])).max((0, 2))
    shown, names = np.flatnonzero(away > _SAME)[:_CELLS].tolist(), subject.coordinates()
    return [
        MovedSample(f"row {n + 1}", _cells(row, row, shown, names),
               [_cells(each, row, shown, names) for each in orbit])
        for n, (row, orbit) in enumerate(zip(rows, moved, strict=True))
    ]  # fmt: skip


def _windows(domain: SequenceDomain, rows: Array, moved: Array) -> Iterator[MovedSample]:
    """Windows as letters; those left out of which an element makes none."""
    for number, (row, orbit) in enumerate(zip(rows, moved, strict=True)):
        texts = [_letters(domain, each) for each in (row, *orbit)]
        if None not in texts:
            before, *after = (Letters(text or "", domain.letters) for text in texts)
            yield MovedSample(f"window {number + 1}", before, after)


def _letters(domain: SequenceDomain, values: Float[np.ndarray, " d"]) -> str | None:
    places = values.reshape(domain.window, len(domain.letters))
    if not np.array_equal(np.sort(places)[:, :-1], np.zeros_like(places[:, 1:])):
        return None
    return "".join(domain.letters[code] for code in places.argmax(1)) if places.max() == 1 else None


def _patch(values: Float[np.ndarray, " d"], like: Float[np.ndarray, " d"]) -> Picture:
    """A patch in grey, about its mean, on the scale of another."""
    size = round(len(values) ** 0.5)
    reach = float(np.abs(like).max()) or 1.0
    return Picture(pixels_png((values / reach + 1).reshape(size, size) / 2), "a patch of an image")


def _cells(
    values: Float[np.ndarray, " d"],
    before: Float[np.ndarray, " d"],
    shown: Sequence[int],
    names: Sequence[str],
) -> Cells:
    return Cells(
        [(names[i], f"{values[i]:.4g}", bool(abs(values[i] - before[i]) > _SAME)) for i in shown]
    )
