"""`grouplearn learn`: learn a hidden linear action from pairs of image patches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.commands.measure import (
    FOUND,
    Measures,
    breaks_its_law,
    escnn_rotation,
    measure,
    verdict,
)
from grouplearn.commands.options import between, known_name
from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import Identifiability, PatchAction, identifiability, patch_pairs
from grouplearn.domains.samples import sample_photographs
from grouplearn.errors import ClosureError
from grouplearn.groups import CyclicGroup
from grouplearn.nearest import nearest_exact
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from grouplearn.training import Epoch, PairsFit, Penalties, Schedule, fit_pairs

WHO = "grouplearn learn"
REPRESENTATIONS = ("dense", "multiscale", "toeplitz", "skew", "spectral")
HELD_OUT = 1024

_ORDER_WITHOUT = 4
_MAX_ORDER, _MAX_PATCH, _MAX_PATCHES, _MAX_RESTARTS = 1000, 32, 10_000_000, 1000
_MAX_SEED = 2**32 - 1
_NEXT_START = 1_000_003

Watch = Callable[[str, int, Epoch], object]
"""Told of every epoch: name of the representation, number of the start from 1, the record."""


@final
@dataclass(frozen=True)
class LearnOptions:
    """What `grouplearn learn` was asked for; see its help for the meaning.

    Raises:
        InputError: an option is out of its range.
    """

    transform: str = "quarter-turn"
    representations: tuple[str, ...] = ("dense",)
    order: int | None = None
    patch_size: int = 5
    patches: int = 4096
    data: Path | None = None
    multiplicities: str = "from-dense"
    restarts: int = 4
    seed: int = 0
    penalties: Penalties = field(default_factory=lambda: Penalties(invertibility=1e-4))
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        if self.order is not None:
            between(WHO, "--order", self.order, 2, _MAX_ORDER)
        between(WHO, "--patch-size", self.patch_size, 2, _MAX_PATCH)
        between(WHO, "--patches", self.patches, 1, _MAX_PATCHES)
        between(WHO, "--restarts", self.restarts, 0, _MAX_RESTARTS)
        between(WHO, "--seed", self.seed, 0, _MAX_SEED)
        known_name(WHO, "--transform", self.transform, tuple(ImageDomain(2).known_actions()))
        for name in self.representations:
            known_name(WHO, "--representation", name, REPRESENTATIONS)
        self.counts()

    def counts(self) -> tuple[int, ...] | None:
        """The multiplicities, where they were given as numbers."""
        if self.multiplicities in ("regular", "from-dense"):
            return None
        try:
            return tuple(int(part) for part in self.multiplicities.split(","))
        except ValueError:
            refuse(WHO, "--multiplicities", "regular, from-dense or numbers such as 7,6,6",
                   repr(self.multiplicities), "take one of these")  # fmt: skip


@final
@dataclass(frozen=True)
class PairData:
    """The data of a run: pairs (x, T x) in float64, and what is known about them.

    Attributes:
        train: the pairs to learn from.
        held_out: pairs from other images, or from another part of the same ones.
        found: whether the training pairs determine T.
        source: where the images come from.
    """

    train: tuple[Float[Tensor, "pairs d"], Float[Tensor, "pairs d"]]
    held_out: tuple[Float[Tensor, "held d"], Float[Tensor, "held d"]]
    found: Identifiability
    source: str


@final
@dataclass(frozen=True)
class Learned:
    """One representation, trained and measured.

    Attributes:
        name: of the parameterization.
        rep: the trained representation.
        fit: the best start, chosen by its training loss.
        losses: the data term that each start ended with.
        seconds: time that all starts took.
        measures: the measurements.
        verdict: what they mean.
        note: where its multiplicities come from; empty for classes without.
        lawful: False when a class that closes by construction does not.
    """

    name: str
    rep: LearnedRepresentation
    fit: PairsFit
    losses: tuple[float, ...]
    seconds: float
    measures: Measures
    verdict: str
    note: str
    lawful: bool


@final
@dataclass(frozen=True)
class LearnResult:
    """Everything that a run found out.

    Attributes:
        options: what was asked for.
        group: the cyclic group.
        action: the truth T.
        pairs: the data.
        learned: one entry for each representation.
        remarks: sentences about the run as a whole.
    """

    options: LearnOptions
    group: CyclicGroup
    action: PatchAction
    pairs: PairData
    learned: tuple[Learned, ...]
    remarks: tuple[str, ...]


def learn(options: LearnOptions, watch: Watch | None = None) -> LearnResult:
    """Learn the action with each representation, from pairs alone, then score it against the truth.

    Args:
        options: what to do.
        watch: told of every epoch.

    Raises:
        InputError: the data cannot be read, or an option does not fit the rest.
        TrainingError: training left the finite numbers.
    """
    action = ImageDomain(options.patch_size).known_actions()[options.transform]
    pairs = make_pairs(options, action)
    order = options.order or action.order or _ORDER_WITHOUT
    learner = _Learner(options, CyclicGroup(order), pairs.train, watch)
    if (counts := options.counts()) is not None:
        SpectralRepresentation(learner.group, options.patch_size**2, multiplicities=counts)
    with _one_thread():
        trained = [(name, *learner.train(name)) for name in options.representations]
    truth = FixedRepresentation(learner.group, action.matrix.unsqueeze(0))
    rotation, remark = escnn_rotation(action, options.patch_size)
    remarks = [pairs.found.summary(), remark]
    if action.order is None:
        remarks.append(f"No power of a {action.name} is the identity: no group closes; "
                       f"the defects are those of C{order}.")  # fmt: skip
    learned = []
    for name, rep, fit, losses, seconds in trained:
        measures = measure(rep, truth, rotation, pairs.held_out)
        words = verdict(rep, measures, action, losses, pairs.found.identified)
        note = learner.note if name == "spectral" else ""
        lawful = not breaks_its_law(rep, measures)
        learned.append(Learned(name, rep, fit, losses, seconds, measures, words, note, lawful))
    return LearnResult(
        options, learner.group, action, pairs, tuple(learned), tuple(filter(None, remarks))
    )


def make_pairs(options: LearnOptions, action: PatchAction) -> PairData:
    """Draw patches for training and for the final score from separate pixels."""
    if options.data is None:
        images, source = sample_photographs(), "scikit-learn's two sample photographs"
    else:
        images, source = torch.from_numpy(load_idx_images(options.data)), str(options.data)
    count, k = len(images), options.patch_size
    domain, rng = ImageDomain(k), torch.Generator().manual_seed(options.seed)
    if count >= 10:
        kept, held = images[: -(count // 5)], images[-(count // 5) :]
    else:
        width = images.shape[-1]
        last = max(k, width // 5)
        if width - last < k:
            refuse(WHO, "--patch-size", f"at most {width // 2}, half of the images' width", k,
                   "choose a smaller one, or pass more images")  # fmt: skip
        kept, held = images[..., : width - last], images[..., width - last :]
    patches = domain.vectorize(kept, options.patches, rng)
    others = domain.vectorize(held, HELD_OUT, rng)
    for part in (patches, others):
        if not bool(part.any()):
            refuse(WHO, "--data", "images with pixels other than 0", f"{source} without",
                   "check the file, or pass more patches")  # fmt: skip
    x, y = patch_pairs(patches, action)
    x_held, y_held = patch_pairs(others, action)
    return PairData(
        (x.double(), y.double()), (x_held.double(), y_held.double()), identifiability(x), source
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Matrices this small gain nothing from threads, and lose much where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_Trained = tuple[LearnedRepresentation, PairsFit, tuple[float, ...], float]


class _Learner:
    """Trains representations on the pairs; never sees the action."""

    def __init__(
        self,
        options: LearnOptions,
        group: CyclicGroup,
        pairs: tuple[Tensor, Tensor],
        watch: Watch | None,
    ) -> None:
        self.options = options
        self.group = group
        self.pairs = pairs
        self.note = ""
        self._watch = watch
        self._done: dict[str, _Trained] = {}

    def train(self, name: str) -> _Trained:
        """The best of several starts by training loss; the first that fits the pairs ends them."""
        if name not in self._done:
            counts = self._multiplicities() if name == "spectral" else None
            begin = time.perf_counter()
            starts: list[tuple[LearnedRepresentation, PairsFit]] = []
            while len(starts) <= self.options.restarts:
                starts.append(self._start(name, counts, len(starts)))
                if math.sqrt(starts[-1][1].history[-1].data) <= FOUND:
                    break
            rep, fit = min(starts, key=lambda pair: pair[1].loss)
            losses = tuple(each.history[-1].data for _, each in starts)
            self._done[name] = rep, fit, losses, time.perf_counter() - begin
        return self._done[name]

    def _start(
        self, name: str, counts: tuple[int, ...] | None, number: int
    ) -> tuple[LearnedRepresentation, PairsFit]:
        rng = torch.Generator().manual_seed(self.options.seed + _NEXT_START * number)
        rep = self._build(name, counts, rng)
        watch = self._watch
        callback = None if watch is None else lambda epoch: watch(name, number + 1, epoch)
        options = self.options
        return rep, fit_pairs(
            rep, *self.pairs, penalties=options.penalties, schedule=options.schedule, rng=rng,
            callback=callback,
        )  # fmt: skip

    def _build(
        self, name: str, counts: tuple[int, ...] | None, rng: torch.Generator
    ) -> LearnedRepresentation:
        group, k, dtype = self.group, self.options.patch_size, torch.float64
        if name == "toeplitz":
            return ToeplitzRepresentation(group, k * k, shape=(k, k), rng=rng, dtype=dtype)
        if name == "multiscale":
            return MultiScaleRepresentation(group, k * k, shape=(k, k), rng=rng, dtype=dtype)
        if name == "skew":
            return SkewRepresentation(group, k * k, rng=rng, dtype=dtype)
        if name == "spectral":
            return SpectralRepresentation(group, k * k, multiplicities=counts, rng=rng, dtype=dtype)
        return DenseRepresentation(group, k * k, rng=rng, dtype=dtype)

    def _multiplicities(self) -> tuple[int, ...] | None:
        """How often the spectral class is given each irrep, noting where that comes from."""
        counts = self.options.counts()
        if counts is not None:
            self.note = f"multiplicities {counts}, as given"
        elif self.options.multiplicities == "regular":
            self.note = "the regular multiplicities"
        else:
            dense, fit, _, _ = self.train("dense")
            if fit.rank < dense.dim:
                self.note = "the regular multiplicities, as the pairs leave the spectrum open"
                return None
            try:
                counts = nearest_exact(dense).representation.multiplicities
                self.note = f"multiplicities {counts}, counted on the dense fit's eigenvalues"
            except ClosureError:
                self.note = "the regular multiplicities, as the dense fit is near no group"
        return counts
