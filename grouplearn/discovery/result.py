"""What discovery found: the group, how it acts, the evidence, and the rungs it did not climb."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Literal, final, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grouplearn._frames import frame_of
from grouplearn.groups import FiniteGroup
from grouplearn.groups.cycles import in_cycles
from grouplearn.representations import LearnedRepresentation

Verdict = Literal["exact", "approximate", "undecided", "loose", "rejected"]
_WORDS = {"exact": "exact within noise", "loose": "loosely approximate, too far for a claim"}
_NAMED = 3
_RANKS = {word: rank for rank, word in enumerate(get_args(Verdict))}
Members = Int[Tensor, "order d"] | Float[Tensor, "order d d"]


@final
@dataclass(frozen=True)
class Evidence:
    """What one kind of evidence says about one group.

    Attributes:
        kind: "all" for the randomisation test over all families of features, or one of them; or
            "kernel", "pairs", "closure", "period", "function".
        violation: the deviation, relative: 0 for a symmetry. Of tests the effect, about 1 for an
            action of the same kind that is no symmetry; nan where the data could not show one.
        noise: the violation that sampling noise alone would leave of an exact symmetry; of tests
            the upper confidence bound of the effect, inf where the data could not show one.
        p_value: how often sampling noise alone leaves more than this; nan where there is no noise.
        next_candidate: violation of the best candidate outside the group; inf when there is none.
        verdict: "exact" within the noise, "approximate", "undecided" where the data cannot tell,
            or "rejected".
        tested: is it of a randomisation test?

    Example:
        >>> print(Evidence("kernel", 0.015, 0.012, 0.3, 0.37, "exact"))
        exact within noise (kernel violation 0.015, noise 0.012, next candidate 0.37)
        >>> print(Evidence("all", 0.015, 0.06, 0.3, 1.0, "exact", tested=True))
        exact within noise (p = 0.3, effect 0.015, at most 0.06)
    """

    kind: str
    violation: float
    noise: float
    p_value: float
    next_candidate: float
    verdict: Verdict
    tested: bool = False

    @property
    def gap(self) -> float:
        """Violation of the best candidate outside, over the larger of violation and noise."""
        here = max(self.violation, self.noise)
        return self.next_candidate / here if here > 0 else math.inf

    def measured(self) -> str:
        """The numbers in words."""
        if self.tested:
            kind = "" if self.kind == "all" else f"{self.kind}: "
            blind = "" if math.isfinite(self.noise) else ", and these data could show none"
            size = "" if math.isnan(self.violation) else f", effect {self.violation:.2g}"
            most = f", at most {self.noise:.2g}" if math.isfinite(self.noise) else blind
            return f"{kind}p = {self.p_value:.2g}{size}{most}"
        far = math.isinf(self.next_candidate) or math.isnan(self.next_candidate)
        beyond = "" if far else f", next candidate {self.next_candidate:.2g}"
        return f"{self.kind} violation {self.violation:.2g}, noise {self.noise:.2g}{beyond}"

    def __str__(self) -> str:
        words = _WORDS.get(self.verdict, self.verdict)
        return f"{words} ({self.measured()})"


@final
@dataclass(frozen=True)
class Rung:
    """One group of the ladder, with the evidence for and against it.

    Attributes:
        name: of the group, as mathematicians call it, such as "C2 x C2".
        order: number of its elements.
        generators: (m, d) int64 permutations, in the convention of `Discovery.members`, or
            (m, d, d) matrices.
        evidence: one entry for each kind of evidence that was looked at, in that order.
        accepted: is it the group that is claimed, or, for linear actions, a part of it?
    """

    name: str
    order: int
    generators: Tensor
    evidence: tuple[Evidence, ...]
    accepted: bool

    @property
    def verdict(self) -> Verdict:
        """That of all evidence together: the worst where it is not put together."""
        worst: Verdict = "exact"
        for each in self.shown():
            worst = each.verdict if _RANKS[each.verdict] > _RANKS[worst] else worst
        return worst

    @property
    def is_tested(self) -> bool:
        """Was a randomisation test run?"""
        return any(each.tested for each in self.evidence)

    def shown(self) -> tuple[Evidence, ...]:
        """The evidence put together, where it is; else all of it."""
        return tuple(each for each in self.evidence if each.kind == "all") or self.evidence

    def brief(self) -> str:
        """The evidence put together, in words."""
        return f"{self.name} (order {self.order}): " + "; ".join(map(str, self.shown()))

    def __str__(self) -> str:
        return f"{self.name} (order {self.order}): " + "; ".join(map(str, self.evidence))


@final
@dataclass(frozen=True)
class Hypothesis:
    """An extension of the claimed group that the data suggest and cannot show.

    It is never part of a claim: `Discovery.accept` makes it one.

    Attributes:
        move: what it adds, in words, such as "in:left <-> in:right, out:L <-> out:R".
        member: (d,), the same in the convention of `Discovery.members`.
        name: of the group that it makes of the claimed one.
        order: of that group.
        evidence: p-value of the move as a symmetry of the distribution; effect, how many of the
            samples that meet their images disagree with them, as a part of chance, and its bound.
        agree: how many pairs of samples and their images agree.
        disagree: how many do not.
        predicts: how many samples it predicts that are not among the data.
        examples: a few of these.
        reason: why it is none but a hypothesis.
    """

    move: str
    member: Int[Tensor, " d"]
    name: str
    order: int
    evidence: Evidence
    agree: int
    disagree: int
    predicts: int
    examples: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        one = "1 sample agrees with its image"
        pairs = one if self.agree == 1 else f"{self.agree:,} samples agree with their images"
        such = f", such as {self.examples[0]!r}" if self.examples else ""
        return (
            f"Suggested, not shown: {self.name} (order {self.order}) by {self.move}. {pairs}, "
            f"{self.disagree:,} disagree, {self.reason}. It predicts {self.predicts:,} samples "
            f"that are not among the data{such}."
        )


@final
@dataclass(frozen=True)
class Discovery:
    """A group found in data, how it acts, and why it is believed.

    Attributes:
        representation: of the group on R^d; it closes exactly.
        members: int64 (order, d) for permutations, with (rho(g) x)[members[g][i]] = x[i]; else
            (order, d, d) matrices. Entry g belongs to element g of the group.
        violations: (order,), float64: the relative violation of each member by moments, which
            propose, at the order that speaks most against it; no effect of the test.
        noise: (order,), float64: what sampling noise alone would leave there.
        gap: how far the group stands apart: the least effect of what was tested outside, over the
            bound of its own in what sees best. inf where there is nothing outside.
        p_value: of the group that is claimed, by the randomisation test: how often sampling noise
            alone leaves an exact symmetry with as much deviation; 1 when nothing was found.
        ladder: the groups that were tested, by order, with the evidence for and against each.
        exact: is what is left of the violation no more than sampling noise?
        action: "permutation", "signed" or "linear".
        notes: sentences that qualify the finding, for example that it is a proposal only.
        effect: deviation from symmetry, as a part of what an action of the same kind that is no
            symmetry shows; nan where it was not measured.
        effect_bound: its upper confidence bound.
        region: names of the groups above the claimed one that the data do not exclude.
        hypotheses: extensions that the data suggest and cannot show; `accept` takes them.
        lie_algebra: (k, d, d), generators X of continuous turns exp(t X); k = 0 where there are
            none.
        names: of the coordinates, where samples came as a data frame; else empty.
    """

    representation: LearnedRepresentation
    members: Members
    violations: Float[Tensor, " order"]
    noise: Float[Tensor, " order"]
    gap: float
    p_value: float
    ladder: tuple[Rung, ...]
    exact: bool
    action: str
    notes: tuple[str, ...] = field(default=())
    effect: float = math.nan
    effect_bound: float = math.nan
    region: tuple[str, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    lie_algebra: Float[Tensor, "k d d"] | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.lie_algebra is None:
            dim = self.representation.dim
            empty = torch.zeros(0, dim, dim, dtype=torch.float64)
            object.__setattr__(self, "lie_algebra", empty)

    @property
    def group(self) -> FiniteGroup:
        """The group; C1, of order 1, when nothing was found."""
        return self.representation.group

    @property
    def found(self) -> bool:
        """Is there more than the identity?"""
        return self.group.order > 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole finding to one file, which every command takes for an action.

        `grouplearn.training.load` reads the representation alone from it.

        Args:
            path: the file; replaced if it exists. Usual suffix: .safetensors.

        Raises:
            InputError: the folder does not exist.
            MissingExtraError: safetensors is absent; the extra `train` brings it.

        Example:
            >>> import numpy as np, tempfile
            >>> from grouplearn import discover
            >>> rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
            >>> found = discover(rows + 0.5 * np.roll(rows, 1, axis=1))
            >>> found.save(tempfile.gettempdir() + "/found")
            >>> Discovery.load(tempfile.gettempdir() + "/found").group.name
            'C4'
        """
        from grouplearn.discovery.files import write_discovery

        write_discovery(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Discovery:
        """Read what `save` wrote: the same finding, to the last bit.

        Args:
            path: the file.

        Raises:
            DataError: the file is missing, truncated, changed, or holds no finding.
            MissingExtraError: safetensors is absent.
        """
        from grouplearn.discovery.files import read_discovery

        return read_discovery(path)

    def accept(self, *hypotheses: Hypothesis, by: str = "the user") -> Discovery:
        """Extend the claim by hypotheses that the data suggest and cannot show.

        Args:
            hypotheses: some of `self.hypotheses`.
            by: who or what accepts them, for the note that says so.

        Returns:
            The finding with the larger group, which it calls no exact one, and with the hypotheses
            that are left.

        Raises:
            InputError: a hypothesis is not of this finding, or the group becomes too large.

        Example:
            >>> from grouplearn.domains.tokens import TokenDomain
            >>> verbs, often = ["walk", "run", "look"], ["and", "or", "twice", "thrice"]
            >>> pairs = [([v, n, w], [v.upper()] * k + [w.upper()])
            ...          for v in verbs for w in verbs for k, n in enumerate(often)]
            >>> alone = [([v], [v.upper()]) for v in [*verbs, "jump"]]
            >>> domain = TokenDomain.from_pairs(*zip(*pairs, *alone))
            >>> found = domain.discover()
            >>> found.group.name, found.accept(*found.hypotheses).group.name
            ('S3', 'S4')
        """
        from grouplearn.discovery.hypotheses import accepted

        return accepted(self, hypotheses, by)

    def summary(self) -> str:
        """The finding in plain sentences."""
        return " ".join([self._claimed(), *map(str, self.hypotheses)])

    def _claimed(self) -> str:
        if not self.found:
            rungs = sorted((rung for rung in self.ladder if rung.order > 1), key=_remoteness)
            near = [f"Nearest: {rung.brief()}." for rung in rungs[:1]]
            if self.lie_algebra is not None and len(self.lie_algebra):
                return " ".join(["Continuous turns, and no finite group beside them.", *self.notes])
            return " ".join(["No symmetry found.", *near, *self.notes])
        words = "exact within noise" if self.exact else "approximate"
        if self.exact and self.effect_bound == 0:
            words = "exactly"
        order = self.group.order
        claimed = [rung for rung in self.ladder if rung.accepted and rung.order == order][-1:]
        found = f"{self.group.name} (order {order}), {words}"
        if any(rung.verdict == "undecided" for rung in claimed):
            found = f"{self.group.name} (order {order}), accepted and not shown"
        evidence = [each for rung in claimed for each in rung.shown()]
        if evidence:
            found += ": " + "; ".join(each.measured() for each in evidence)
        return " ".join([f"{found}.", *self._moves(), *self._outside(), *self.notes])

    def _moves(self) -> list[str]:
        """What the generators of a permutation action do to coordinates that have names."""
        if not self.names or self.members.ndim != 2:
            return []
        of = [in_cycles(self.members[g].tolist(), self.names) for g in self.group.generators]
        return [f"Generated by {'; '.join(of)}."]

    def _outside(self) -> list[str]:
        """What was rejected, and what was not, in sentences."""
        rejected = [
            rung.name
            for rung in self.ladder
            if not rung.accepted and rung.verdict == "rejected" and rung.is_tested
        ]
        names = list(dict.fromkeys(rejected))[:_NAMED]
        out = [f"Rejected outside it: {', '.join(names)}."] if names else []
        if self.region:
            beyond = ", ".join(self.region[:_NAMED])
            out.append(f"Not excluded by these data, and larger: {beyond}.")
        return out

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str | None:
        return frame_of(self)


def _remoteness(rung: Rung) -> tuple[int, int]:
    """By the worst verdict; the largest of groups that nothing rejects, the smallest of others."""
    rank = _RANKS[rung.verdict]
    return rank, rung.order if rank > _RANKS["undecided"] else -rung.order
