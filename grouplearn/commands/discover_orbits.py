"""Samples of the user's own data, moved by the elements of a group that was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.commands.discover import Finding
from grouplearn.commands.discover_words import arrows, as_matrix, name_of
from grouplearn.discovery import Discovery
from grouplearn.domains.base import Extension
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.sequence_files import sequences_of
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain
from grouplearn.plots import pixels_png
from grouplearn.report import Cells, Letters, Orbit, Picture, Sample, Words

_ELEMENTS, _SAMPLES, _LONGEST = 64, 3, 90
_SIDE, _LETTERS, _TOKENS, _CELLS = 96, 72, 60, 16
_LOOKED_AT, _SENTENCES = 24, 500

Move = Callable[[Any], Any]
Array = NDArray[np.float64]


def orbit_of(finding: Finding, seed: int) -> Orbit | None:
    """Samples with what the elements of the group make of them; None where none can be shown.

    Whole images, sequences and sentences are moved where all elements extend to them; else patches
    and rows.

    Args:
        finding: what was found; a proposal is shown where nothing was.
        seed: draws the samples.
    """
    shown = finding.shown
    if not shown.found:
        return None
    elements = _elements(shown)
    rng = np.random.default_rng(seed)
    samples = _whole_samples(finding, elements, rng) or _row_samples(finding, elements, rng)
    if not samples:
        return None
    titles = [_brief(_title(finding, shown.members[g])) for g in elements]
    order = shown.group.order
    few = f"the first {_ELEMENTS} of {order:,} elements" if order > _ELEMENTS else "each element"
    claim = "" if finding.found.found else ", which is proposed and not certified,"
    about = (
        f"Move the slider to see what {few} of {shown.group.name}{claim} makes of "
        f"{_KINDS[finding.subject.kind]} of your own data."
    )
    return Orbit(f"Element of {shown.group.name}", titles, samples, about)


_KINDS = {
    "images": "an image", "sequence": "a sequence", "tokens": "a sentence", "table": "a row",
}  # fmt: skip


def _elements(found: Discovery) -> list[int]:
    return list(range(min(found.group.order, _ELEMENTS)))


def _title(finding: Finding, member: torch.Tensor) -> str:
    return arrows(name_of(member, finding.subject, finding.coordinates))


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3].rstrip(',; ')}..."


def _whole_samples(
    finding: Finding, elements: Sequence[int], rng: np.random.Generator
) -> list[Sample]:
    """Whole objects, where every element extends to them."""
    domain = finding.subject.domain
    if domain is None:
        return []
    moves = [domain.extend(finding.shown.representation)[g] for g in elements]
    kept: list[Extension] = [move for move in moves if move is not None]
    if len(kept) < len(moves):
        return []
    if isinstance(domain, ImageDomain):
        return list(_images(finding.subject.raw, kept, rng))
    if isinstance(domain, SequenceDomain):
        return list(_sequences(finding.subject.raw, domain, kept, rng))
    return list(_sentences(domain, kept, rng)) if isinstance(domain, TokenDomain) else []


def _images(images: Any, moves: Sequence[Move], rng: np.random.Generator) -> Iterator[Sample]:
    """Those of the most contrast among some that are drawn, large ones cut to a square."""
    drawn = rng.choice(len(images), min(_LOOKED_AT, len(images)), replace=False)
    pieces = {number: _piece(np.asarray(images[number])) for number in drawn.tolist()}
    best = sorted(pieces, key=lambda number: -float(pieces[number].std()))[:_SAMPLES]
    for number in best:
        image = torch.from_numpy(pieces[number])
        frames = [_pixels(move(image).numpy(), f"image {number} moved") for move in moves]
        yield Sample(f"image {number}", _pixels(image.numpy(), f"image {number}"), frames)


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
) -> Iterator[Sample]:
    """A piece of each of the first sequences, or some of the only one."""
    texts = list(islice(sequences_of(source), _SAMPLES))
    for number in range(_SAMPLES if len(texts) == 1 else len(texts)):
        text = texts[number % len(texts)]
        start = int(rng.integers(max(len(text) - _LETTERS, 0) + 1))
        piece = text[start : start + _LETTERS].upper()
        name = f"letters {start + 1:,} to {start + len(piece):,}"
        name += f" of sequence {number + 1}" * (len(texts) > 1)
        frames = [Letters(move(piece), domain.letters) for move in moves]
        yield Sample(name, Letters(piece, domain.letters), frames)


def _sentences(
    domain: TokenDomain, moves: Sequence[Move], rng: np.random.Generator
) -> Iterator[Sample]:
    """Of the first sentences those of which the elements change the most tokens."""
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
        frames = [
            Words([(word, word != old) for word, old in zip(after, before, strict=True)][:_TOKENS])
            for after in (_flat(_moved(sentences[number], move)) for move in moves)
        ]
        name = f"sample {number + 1}"
        yield Sample(name, Words([(word, False) for word in before[:_TOKENS]]), frames)


def _moved(sides: Sequence[Sequence[str]], move: Move) -> Sequence[Sequence[str]]:
    return (move(sides[0]),) if len(sides) == 1 else move(sides)


def _flat(sides: Sequence[Sequence[str]]) -> list[str]:
    """All tokens, an arrow between the input and the output of a pair."""
    first, *rest = (list(side) for side in sides)
    return [*first, *(word for side in rest for word in ["\N{RIGHTWARDS ARROW}", *side])]


def _row_samples(
    finding: Finding, elements: Sequence[int], rng: np.random.Generator
) -> list[Sample]:
    """Rows that discovery has kept: patches as pixels, others as numbers by column."""
    subject, moments = finding.subject, finding.moments
    kept = moments.sample().rows[:, : moments.dim]
    if not len(kept) or moments.channels > 1:
        return []
    rows = kept[rng.choice(len(kept), min(_SAMPLES, len(kept)), replace=False)]
    matrices = torch.stack([as_matrix(finding.shown.members[g]) for g in elements]).numpy()
    moved = np.einsum("gij,rj->rgi", matrices, rows)
    if subject.kind == "images":
        return [
            Sample(f"patch {n + 1}", _patch(row, row), [_patch(each, row) for each in orbit])
            for n, (row, orbit) in enumerate(zip(rows, moved, strict=True))
        ]
    if isinstance(subject.domain, SequenceDomain):
        return list(_windows(subject.domain, rows, moved))
    changing = np.flatnonzero(np.abs(matrices - np.eye(moments.dim)).max((0, 2)) > 1e-9)
    shown = changing[:_CELLS].tolist()
    return [
        Sample(f"row {n + 1}", _cells(row, row, shown, finding.coordinates),
               [_cells(each, row, shown, finding.coordinates) for each in orbit])
        for n, (row, orbit) in enumerate(zip(rows, moved, strict=True))
    ]  # fmt: skip


def _windows(domain: SequenceDomain, rows: Array, moved: Array) -> Iterator[Sample]:
    """Windows as letters; those left out of which an element makes none."""
    for number, (row, orbit) in enumerate(zip(rows, moved, strict=True)):
        texts = [_letters(domain, each) for each in (row, *orbit)]
        if None not in texts:
            before, *after = (Letters(text or "", domain.letters) for text in texts)
            yield Sample(f"window {number + 1}", before, after)


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
    return Cells([(names[i], f"{values[i]:.4g}", values[i] != before[i]) for i in shown])
