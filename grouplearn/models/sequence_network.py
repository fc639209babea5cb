"""A convolutional network for sequences, in which a group moves letters and positions."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import generator, instance, refuse, shape_of
from grouplearn.layers import FieldActivation, FieldConv1d, FieldPool, Fields
from grouplearn.layers.filters import floating
from grouplearn.layers.tracing import traced
from grouplearn.models.heads import linear_head
from grouplearn.models.sequence_pattern import SequencePattern, on_places
from grouplearn.representations import LearnedRepresentation, trivial
from grouplearn.representations.tables import on_default_device


@final
class SequenceNetwork(nn.Module):
    """A network for sequences whose outputs do not change where the group moves the sequence.

    The group acts on letters and, by keeping or reversing their order, on positions: the reverse
    complement does both. Kernels are all those that commute with it; between the layers there are
    functions on the group and numbers that change sign. The maximum and the mean over the group and
    the sequence make what the last linear map sees, so that outputs are invariant at every length,
    odd or even. Of the trivial group it is a plain network, the control of the others.

    Args:
        pattern: the sizes.
        letters: on R^letters, how the group acts on letters.
        positions: of the same group, on R^w with w >= 2, how it acts on positions: each element is
            the identity or the reversal.
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None.

    Attributes:
        pattern: the sizes.
        group: the group.
        body: from sequences (B, letters, L) to functions on the group, (B, C, length).
        head: the linear map to `classes` numbers; of a pattern with a length, a convolution whose
            kernel covers all places.

    Raises:
        InputError: dimensions or groups do not fit, or an element moves positions otherwise.

    References:
        Mallet and Vert, Reverse-complement equivariant networks for DNA sequences (2021).
        Yu and Koltun, Multi-scale context aggregation by dilated convolutions (2016).

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import FixedRepresentation
        >>> complement, reversal = (torch.eye(size).flip(0)[None] for size in (4, 2))  # of ACGT
        >>> reps = [FixedRepresentation(CyclicGroup(2), each) for each in (complement, reversal)]
        >>> network = SequenceNetwork(SequencePattern(4, 2, width=8), *reps).eval()
        >>> x = torch.eye(4)[torch.randint(4, (3, 101))].mT
        >>> torch.allclose(network(x), network(x.flip(1, 2)), atol=1e-5)
        True
    """

    @on_default_device
    def __init__(
        self,
        pattern: SequencePattern,
        letters: LearnedRepresentation,
        positions: LearnedRepresentation,
        *,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.pattern = instance(who, "pattern", pattern, SequencePattern, "pass its sizes")
        self._check(who, letters, positions)
        self.letters, self.positions, self.group = letters, positions, letters.group
        generator(who, rng)
        dtype = floating(who, dtype)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        planned = pattern.layers(letters, positions)
        for number, (into, out, places, dilation) in enumerate(planned):
            conv = FieldConv1d(
                into, out, places, dilation=dilation, bias=False, rng=rng, dtype=dtype
            )
            bend = FieldActivation(out, dropout=pattern.dropout).to(dtype)
            inner = 0 < number < len(planned) - 1
            layers[f"layer{number}"] = _Block(conv, bend, adding=inner)
            if number == 0 and pattern.block_size != 1:
                layers["pool"] = FieldPool(out, pattern.block_size)
        self.body = nn.Sequential(layers)
        functions = planned[-1][1]
        self.last = functions.kinds[0][1]
        if pattern.last_places is None:
            head: nn.Module = linear_head(2 * self.last, pattern.classes, rng).to(dtype)
        else:
            scores = Fields(((trivial(self.group), pattern.classes),))
            places = on_places(positions, pattern.last_places)
            head = FieldConv1d(functions, scores, places, padded=False, rng=rng, dtype=dtype)
        self.head = head

    def features(self, x: Float[Tensor, "batch letters length"]) -> Float[Tensor, "batch ..."]:
        """What the linear map sees: maximum and mean of each function, over group and sequence.

        Of a pattern with a length, the functions at all places.
        """
        given: Any = x
        letters, length = self.pattern.letters, self.pattern.length
        good = isinstance(given, Tensor) and given.ndim == 3 and given.shape[1] == letters
        if not good or length not in (None, given.shape[2]):
            refuse(type(self).__name__, "x", f"of shape (batch, {letters}, {length or 'length'})",
                   shape_of(x), "SequenceDomain.one_hot makes it of letters")  # fmt: skip
        return self.summed_up(self.body(x))

    def summed_up(self, y: Any) -> Any:
        """Maximum and mean of (B, C, length) over the elements of the group and all places."""
        if self.pattern.length is not None:
            return y
        functions = y.unflatten(1, (self.last, self.group.order)).flatten(2)
        return torch.cat([functions.amax(2), functions.mean(2)], 1)

    def forward(self, x: Float[Tensor, "batch letters length"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes."""
        scores: Tensor = self.head(self.features(x))
        return scores.flatten(1)

    def unchecked(self, x: Any) -> Any:
        """The same as `forward`, for tracing."""
        for layer in self.body:
            unchecked: Any = layer
            x = unchecked.reduce(x)
        return self.head(self.summed_up(x)).flatten(1)

    def export(self) -> nn.Module:
        """A network of torch's own operations with the same outputs, in evaluation mode.

        All kernels are computed once, here.
        """
        plain = copy.deepcopy(self).eval()
        for layer in plain.body:
            if isinstance(layer, _Block):
                layer.conv = layer.conv.export()  # type: ignore[assignment]
        if isinstance(plain.head, FieldConv1d):
            plain.head = plain.head.export()
        return traced(plain, "unchecked")

    def _check(self, who: str, letters: Any, positions: Any) -> None:
        for name, given in (("letters", letters), ("positions", positions)):
            instance(who, name, given, LearnedRepresentation, "SequenceDomain.factored makes both")
        if letters.dim != self.pattern.letters:
            refuse(who, "letters", f"on R^{self.pattern.letters}, as the pattern has it",
                   letters.dim, "SequenceDomain.factored makes both")  # fmt: skip
        if letters.group != positions.group:
            refuse(who, "positions", f"of the group of the letters, {letters.group!r}",
                   repr(positions.group), "SequenceDomain.factored makes both")  # fmt: skip


@final
class _Block(nn.Module):
    """A convolution and a nonlinearity, which may be added to what comes in."""

    def __init__(self, conv: FieldConv1d, bend: FieldActivation, *, adding: bool) -> None:
        super().__init__()
        self.conv, self.bend, self.adding = conv, bend, adding

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bend(self.conv(x))
        return x + y if self.adding else y

    def reduce(self, x: Any) -> Any:
        y = self.bend.bend(self.conv(x))
        return x + y if self.adding else y
