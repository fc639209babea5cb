"""What a model's outputs tell of which member of an orbit of tokens stood in a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn import functional as F

from grouplearn._checks import positive_int, refuse
from grouplearn._intervals import share_interval
from grouplearn.domains.text_samples import Words

_WHO = "orbit_anonymity"
_LEAST = 20
_LEVEL = 0.95

Model: TypeAlias = Callable[[list[list[str]]], Tensor]
Member: TypeAlias = str | Sequence[str]


@final
@dataclass(frozen=True)
class Anonymity:
    """How much of the member of an orbit shows in outputs.

    Attributes:
        difference: the largest change of any output, over all texts, when the member that stands
            in a text changes places with another; 0 for an invariant model.
        accuracy: of an attacker who was trained to tell the member from the outputs, on other
            texts.
        interval: of 95 % about it (Clopper and Pearson 1934).
        chance: one over the number of members.
        texts: with a member, on half of which the attacker was trained.
        worst: the text, and the member, of the largest difference.
    """

    difference: float
    accuracy: float
    interval: tuple[float, float]
    chance: float
    texts: int
    worst: tuple[str, str]

    @property
    def tells(self) -> bool:
        """Is the attacker better than chance, beyond the interval?"""
        return self.interval[0] > self.chance

    def __str__(self) -> str:
        low, high = self.interval
        verdict = "The outputs tell members apart" if self.tells else "The attacker sees nothing"
        return (
            f"{verdict}: accuracy {100 * self.accuracy:.1f} % ({100 * low:.1f} to "
            f"{100 * high:.1f}), by chance {100 * self.chance:.1f} %. Outputs differ by at most "
            f"{self.difference:.2g} over the orbit, in {self.texts:,} texts."
        )


def orbit_anonymity(
    model: Model, texts: Sequence[Words], orbit: Sequence[Member], *, seed: int = 0
) -> Anonymity:
    """Measure whether outputs of a model tell which member of an orbit stood in a text.

    Each text with a member is shown with every member in its place: the first that occurs changes
    places with the other, wherever the two stand. An attacker learns, on half of the texts, to tell
    the member from the outputs, by logistic regression on them and their squares; on each other
    text one member is drawn for the attacker to guess. So the texts themselves give nothing away.

    This is a property of outputs for single texts. It is no differential privacy: it says nothing
    of what weights or many outputs tell of the training samples, and nothing of other words of a
    text that tell of the member.

    Args:
        model: takes lists of tokens and returns one row of numbers for each, (N, ...).
        texts: lists of tokens.
        orbit: the members, two or more: tokens, or several tokens each that change together.
        seed: deals the texts and draws the members.

    Returns:
        The worst difference, and the attacker's accuracy with its interval.

    Raises:
        InputError: fewer than two members, members of different size, fewer than 20 texts that
            have one, or outputs that are not finite or not one row for each text.

    Cost:
        One call of the model for each member, on all texts that have one.

    Example:
        >>> texts = [["dear", name, word] for name in ("ann", "bob") for word in "abcdefghij"]
        >>> def blind(some):
        ...     return torch.tensor([[float(ord(words[2]))] for words in some])
        >>> found = orbit_anonymity(blind, texts, ["ann", "bob"])
        >>> found.difference, found.tells
        (0.0, False)
    """
    members = _checked(orbit)
    positive_int(_WHO, "seed", seed, minimum=0)
    owner = {word: k for k, member in enumerate(members) for word in member}
    having = [(words, next(owner[w] for w in words if w in owner)) for words in texts
              if any(w in owner for w in words)]  # fmt: skip
    if len(having) < _LEAST:
        refuse(_WHO, "texts", f"{_LEAST} or more that have a member of the orbit", len(having),
               "pass more texts")  # fmt: skip
    outputs = torch.stack([
        _outputs(model, [_exchanged(words, members[mine], member) for words, mine in having])
        for member in members
    ])  # fmt: skip
    own = torch.tensor([mine for _, mine in having])
    there = outputs[own, torch.arange(len(having))]
    changes = (outputs - there).abs().amax(2)
    member, text = divmod(int(changes.argmax()), len(having))
    right, asked = _attack(outputs, torch.Generator().manual_seed(seed))
    return Anonymity(
        float(changes.max()), right / asked, share_interval(right, asked, _LEVEL), 1 / len(members),
        len(having), (" ".join(having[text][0]), " ".join(members[member])),
    )  # fmt: skip


def _checked(orbit: Sequence[Member]) -> list[tuple[str, ...]]:
    """The members as tuples of tokens."""
    members = [(each,) if isinstance(each, str) else tuple(each) for each in orbit]
    every = [word for each in members for word in each]
    sizes = {len(each) for each in members}
    if isinstance(orbit, str) or len(members) < 2 or len(sizes) > 1 or 0 in sizes:
        refuse(_WHO, "orbit", "two or more members of as many tokens each", orbit,
               "pass a list such as ['ann', 'bob']")  # fmt: skip
    if len(set(every)) < len(every):
        refuse(_WHO, "orbit", "of different tokens", every, "leave out what is there twice")
    return members


def _exchanged(words: Words, mine: Sequence[str], other: Sequence[str]) -> list[str]:
    """A text in which two members have changed places."""
    changes: Mapping[str, str] = dict(
        [*zip(mine, other, strict=True), *zip(other, mine, strict=True)]
    )
    return [changes.get(word, word) for word in words]


@torch.no_grad()
def _outputs(model: Model, texts: list[list[str]]) -> Float64[Tensor, "N d"]:
    found = model(texts)
    if len(found) != len(texts) or not bool(torch.isfinite(found).all()):
        refuse(_WHO, "model", f"a function that returns {len(texts)} finite rows",
               f"shape {tuple(found.shape)}", "return one row for each text")  # fmt: skip
    return found.detach().cpu().double().reshape(len(texts), -1)


def _attack(outputs: Float64[Tensor, "k N d"], rng: torch.Generator) -> tuple[int, int]:
    """How many members are guessed right, of how many texts."""
    count, total = outputs.shape[:2]
    order = torch.randperm(total, generator=rng)
    learn, ask = order[: total // 2], order[total // 2 :]
    shown = outputs[:, learn]
    mean, spread = shown.mean((0, 1)), shown.std((0, 1))
    features = _features((shown - mean) / (spread + 1e-12)).flatten(0, 1)
    labels = torch.arange(count).repeat_interleave(len(learn))
    weights = _regressed(features, labels, count)
    drawn = torch.randint(count, (len(ask),), generator=rng)
    asked = _features((outputs[drawn, ask] - mean) / (spread + 1e-12))
    # Ties go to any member alike, else an attacker who sees nothing would guess the first.
    scores = asked @ weights
    ties = torch.rand(scores.shape, generator=rng, dtype=scores.dtype)
    guessed = (scores.round(decimals=9) + 1e-10 * ties).argmax(1)
    return int((guessed == drawn).sum()), len(ask)


def _features(outputs: Float64[Tensor, "*some d"]) -> Float64[Tensor, "*some f"]:
    """Outputs, their squares, and a constant."""
    return torch.cat([outputs, outputs**2, torch.ones_like(outputs[..., :1])], -1)


def _regressed(
    features: Float64[Tensor, "N f"], labels: Int64[Tensor, " N"], count: int
) -> Float[Tensor, "f k"]:
    """Weights of a logistic regression with a little ridge."""
    weights = torch.zeros(features.shape[1], count, dtype=features.dtype, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(features @ weights, labels) + 1e-4 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()
