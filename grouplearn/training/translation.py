"""Training of encoder-decoders on pairs of token sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from grouplearn._checks import finite_number, float_tensor, positive_int, refuse
from grouplearn.models.slots import Slots
from grouplearn.models.translators import PAD, Translator, translated

Inputs = Int64[Tensor, "batch time"]
Outputs = Int64[Tensor, "outputs steps"]
_POOLED = 16


@final
@dataclass(frozen=True)
class TranslationOptions:
    """How an encoder-decoder is trained.

    Attributes:
        steps: of the optimiser.
        batch_size: pairs in each step.
        learning_rate: the largest; it rises over the first twentieth of the steps, over one at
            least, and falls to nothing as a cosine. The first beta of AdamW falls from 0.95 to 0.85
            and rises again at the same time.
        weight_decay: of AdamW.
        clip: the largest norm of a gradient.
        seed: of all that is random.

    Raises:
        InputError: an option is out of its range.
    """

    steps: int = 2000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        who = type(self).__name__
        for name in ("steps", "batch_size"):
            positive_int(who, name, getattr(self, name))
        for name in ("learning_rate", "clip"):
            finite_number(who, name, getattr(self, name), positive=True)
        finite_number(who, "weight_decay", self.weight_decay)
        positive_int(who, "seed", self.seed, minimum=0)


def fit_translation(
    network: Translator,
    inputs: Inputs,
    outputs: Outputs,
    options: TranslationOptions | None = None,
    *,
    augmentation: Slots | None = None,
    weights: Float[Tensor, " weights"] | None = None,
    watch: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Train an encoder-decoder on pairs.

    Batches are made of pairs whose outputs are of nearly one length, as many are drawn at once and
    sorted, so that little is filled up.

    Args:
        network: trained in place, and left in evaluation mode.
        inputs: (N, T), filled up with PAD.
        outputs: (N, T'), from START to END, filled up with PAD.
        options: how; the defaults where None.
        augmentation: exchanges the tokens of every pair by a random element of this group, on both
            sides: the way to use a group without a network that knows it.
        weights: (N,), how likely each pair is drawn, such as `Slots.balance` of the inputs; all
            alike, once in each round, where None.
        watch: told the step and the mean loss, every hundredth step and at the last.

    Returns:
        The mean loss of each hundred steps, and of those that are left.

    Raises:
        InputError: there are no pairs, or not as many outputs or weights as inputs.

    Cost:
        One pass forward and back for each step.
    """
    options = options or TranslationOptions()
    _check_pairs("fit_translation", inputs, outputs)
    rng = torch.Generator().manual_seed(options.seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    # A phase of a single step would divide by zero: OneCycleLR counts from step 0 to its last one.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.learning_rate, total_steps=options.steps + 1,
        pct_start=max(0.05, 2 / (options.steps + 1)),
    )  # fmt: skip
    batches = _Batches(outputs, options.batch_size, rng, weights)
    losses: list[float] = []
    recent = 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network.train()
        for step in range(options.steps):
            chosen = batches.draw()
            x, y = (_trimmed(each[chosen]) for each in (inputs, outputs))
            if augmentation is not None:
                names = augmentation.draw(len(x), rng)
                x, y = augmentation.renamed(names, x), augmentation.renamed(names, y, "outputs")
            loss = network.loss(x, y)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), options.clip)
            optimiser.step()
            schedule.step()
            recent += float(loss.detach())
            if (step + 1) % 100 == 0 or step + 1 == options.steps:
                losses.append(recent / (step % 100 + 1))
                recent = 0.0
                if watch is not None:
                    watch(step + 1, losses[-1])
    network.eval()
    return losses


@final
class _Batches:
    """Batches of nearly one length, in random order."""

    def __init__(
        self, outputs: Outputs, size: int, rng: torch.Generator, weights: Tensor | None
    ) -> None:
        self.lengths, self.size = (outputs != PAD).sum(1), size
        self.rng, self.weights = rng, weights
        if weights is not None:
            who, count = "fit_translation", len(outputs)
            float_tensor(who, "weights", weights, (count,))
            if bool((weights < 0).any()) or not bool((weights > 0).any()):
                refuse(who, "weights", "0 or more, and not all 0", f"{weights.min().item():g} to "
                       f"{weights.max().item():g}", "pass how often each is drawn")  # fmt: skip
        self.waiting: list[Tensor] = []

    def draw(self) -> Int64[Tensor, " batch"]:
        """The numbers of the pairs of the next batch."""
        if not self.waiting:
            count = len(self.lengths)
            order = (
                torch.randperm(count, generator=self.rng)
                if self.weights is None
                else torch.multinomial(self.weights, count, True, generator=self.rng)
            )
            parts = []
            for pool in order.split(_POOLED * self.size):
                ranked = pool[self.lengths[pool].argsort(stable=True)]
                parts += list(ranked.split(self.size))
            mixed = torch.randperm(len(parts), generator=self.rng).tolist()
            self.waiting = [parts[k] for k in mixed]
        return self.waiting.pop()


def _trimmed(tokens: Inputs) -> Tensor:
    """Without the columns at the end that fill up only; the first stays."""
    return tokens[:, : max(1, int((tokens != PAD).sum(1).max()))]


def _check_pairs(who: str, inputs: Inputs, outputs: Outputs) -> None:
    """Refuse no pairs, and inputs that have no output or too many."""
    if not len(inputs):
        refuse(who, "inputs", "at least one", "none", "pass one row for each pair")
    if len(inputs) != len(outputs):
        refuse(who, "outputs", f"as many as the inputs, {len(inputs)}", len(outputs),
               "pass one output for each input")  # fmt: skip


def exact_match(
    network: Translator, inputs: Inputs, outputs: Outputs, batch_size: int = 512
) -> float:
    """Return the share of outputs that come out token by token.

    Args:
        network: in evaluation mode.
        inputs: (N, T).
        outputs: (N, T'), from START to END.
        batch_size: so many at once.

    Raises:
        InputError: there are no pairs, or not as many outputs as inputs.
    """
    _check_pairs("exact_match", inputs, outputs)
    right = 0
    order = (outputs != PAD).sum(1).argsort()
    for chosen in order.split(positive_int("exact_match", "batch_size", batch_size)):
        x, y = _trimmed(inputs[chosen]), _trimmed(outputs[chosen])[:, 1:]
        said = translated(network, x, y.shape[1])
        wide = torch.full_like(y, PAD)
        wide[:, : said.shape[1]] = said
        right += int((wide == y).all(1).sum())
    return right / len(inputs)
