"""Any network made invariant or equivariant: by what it says of all that a group makes of x."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import instance, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.models.standardised import AroundNetwork
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

Move: TypeAlias = Callable[[Tensor], Tensor]
Moves: TypeAlias = Sequence[Move | None]
How: TypeAlias = Literal["mean", "max", "logits"]


@final
class Symmetrized(AroundNetwork):
    """A network that is exactly invariant or equivariant, made of one that is not.

    It says of x what the network says of g x for all g, put together:

        invariant:    mean over g of f(g x)
        equivariant:  mean over g of rho'(g)^-1 f(g x)

    That may be done with a network that is trained already, or from the beginning of training. The
    cost is that of the group: n calls for one. Networks whose layers move with the group, as
    `LGCNN`, do not pay it, and learn from what their layers share.

    Args:
        network: of one tensor that begins with the batch, and returns one.
        action: how the group acts on the input: one function of batches for each element, as
            `extend` of a domain returns them; or a representation on R^d, which acts on the last
            axis.
        how: "mean" of the outputs; "max", the largest of each number; "logits", the mean of the
            probabilities whose logits the outputs are (of classes, or of one class where there is
            one number), as logits again.
        output: rho', on the last axis of the output, or functions; None for an invariant network.
        group: that the functions belong to, in the order of its elements: needed to take outputs
            back. A representation knows it.

    Raises:
        InputError: an element does not act, numbers of elements differ, or the output cannot be
            taken back so.

    References:
        Yarotsky, Universal approximations of invariant maps by neural networks (2018), section 2.
        Zhou, Shrikumar and Kundaje, Towards a better understanding of reverse-complement
        equivariance for deep learning models in genomics (2022): post-hoc conjoined networks.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> turn = FixedRepresentation.from_permutations([[1, 2, 0]])
        >>> network = Symmetrized(nn.Linear(3, 2), turn)
        >>> x = torch.tensor([[1.0, 2.0, 5.0]])
        >>> torch.allclose(network(x), network(x.roll(1, 1)), atol=1e-6)
        True
    """

    def __init__(
        self,
        network: nn.Module,
        action: LearnedRepresentation | Moves,
        how: How = "mean",
        *,
        output: LearnedRepresentation | Moves | None = None,
        group: FiniteGroup | None = None,
    ) -> None:
        who = type(self).__name__
        super().__init__(instance(who, "network", network, nn.Module, "pass a torch module"))
        if how not in get_args(How):
            refuse(who, "how", f"one of {', '.join(get_args(How))}", repr(how), "choose one")
        self.how: How = how
        self.action = checked_action(who, "action", action)
        self.output = None if output is None else checked_action(who, "output", output)
        known = [each.group for each in (action, output) if isinstance(each, LearnedRepresentation)]
        self.group = next(iter([*known, group]))
        self._check_output(who)

    def _check_output(self, who: str) -> None:
        if self.output is None:
            return
        if self.group is None:
            refuse(who, "group", "given, to take outputs back by inverse elements", None,
                   "pass the group of the functions, such as found.group")  # fmt: skip
        for name, each in (("action", self.action), ("output", self.output)):
            if elements_in(each) != self.group.order:
                refuse(who, name, f"of the {self.group.order} elements of {self.group}",
                       elements_in(each), "use one group for both")  # fmt: skip
        permutes = not isinstance(self.output, LearnedRepresentation) or (
            isinstance(self.output, FixedRepresentation) and self.output.is_permutation
        )
        if self.how != "mean" and not permutes:
            refuse(who, "how", "'mean', where the output moves by other than permutations",
                   repr(self.how), "numbers that are mixed have no common largest")  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        """The outputs of all that the group makes of x, put together."""
        moved = moved_by(self.action, x)
        if all(each.shape == x.shape for each in moved):
            outputs = list(self.network(torch.cat(moved)).chunk(len(moved)))
        else:
            outputs = [self.network(each) for each in moved]
        if self.output is not None and self.group is not None:
            inverses = self.group.inverse(range(self.group.order)).tolist()
            outputs = [
                moved_by_one(self.output, g, y) for g, y in zip(inverses, outputs, strict=True)
            ]
        return self._together(torch.stack(outputs))

    def _together(self, y: Float[Tensor, "n batch *rest"]) -> Tensor:
        if self.how == "mean":
            return y.mean(0)
        if self.how == "max":
            return y.amax(0)
        if y.ndim > 2 and y.shape[2] > 1:
            return F.log_softmax(y, 2).logsumexp(0) - math.log(len(y))
        # Of one class: the mean of p and that of 1 - p, without a difference of near numbers.
        return F.logsigmoid(y).logsumexp(0) - F.logsigmoid(-y).logsumexp(0)

    def extra_repr(self) -> str:
        """What holds the elements, and how they are put together."""
        return f"{elements_in(self.action)} elements, {self.how}"


def checked_action(
    who: str, name: str, action: LearnedRepresentation | Moves
) -> LearnedRepresentation | tuple[Move, ...]:
    """A representation, or one function for each element; else an error.

    Args:
        who: asks, for the error.
        name: of the argument.
        action: as a user gave it.

    Raises:
        InputError: it is neither, there is no element, or one does not act.
    """
    if isinstance(action, LearnedRepresentation):
        return action
    given: Any = action
    if not isinstance(given, Sequence) or not all(e is None or callable(e) for e in given):
        refuse(who, name, "a representation, or a function for each element",
               type(action).__name__, "pass domain.extend(representation)")  # fmt: skip
    known = tuple(move for move in action if move is not None)
    if not known or len(known) < len(action):
        refuse(who, name, "a function for each element", f"{len(known)} of {len(action)}",
               "take a group that extends to whole objects")  # fmt: skip
    return known


def elements_in(action: LearnedRepresentation | Sequence[Move]) -> int:
    """The number of elements."""
    return action.group.order if isinstance(action, LearnedRepresentation) else len(action)


def moved_by_one(action: LearnedRepresentation | Sequence[Move], g: int, x: Tensor) -> Tensor:
    """What one element makes of a batch."""
    if isinstance(action, LearnedRepresentation):
        return action.act(x, g)
    return action[g](x)


def moved_by(action: LearnedRepresentation | Sequence[Move], x: Tensor) -> list[Tensor]:
    """What every element makes of a batch."""
    if isinstance(action, LearnedRepresentation):
        return list(action.orbit(x).unbind(-2))
    return [move(x) for move in action]
