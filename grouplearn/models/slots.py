"""Slots: what tokens stand for that may be exchanged, and canonical names for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import positive_int, refuse
from grouplearn.representations.tables import MARK, HoldsTables, mark_of_tables, on_default_device

Member: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""The tokens of the inputs, and those of the outputs, that belong to one slot."""
Tokens = Int64[Tensor, "batch _"]
Names = Int64[Tensor, "batch slots"]

_FIXED = -1


@final
class Slots(HoldsTables):
    """Classes of slots, whose members may be exchanged at will, and which tokens belong to them.

    A class c has k_c slots, such as four verbs, and the group is the product of the symmetric
    groups S_(k_c). Each slot owns tokens, as many as the other slots of its class: `walk` in the
    inputs and `WALK` in the outputs. The permutation g takes a token of slot s to the token of the
    same kind of slot g(s); tokens that belong to no slot stay as they are.

    The *canonical names* of a sequence x are the element g_x of the group that numbers the slots of
    each class in the order of their first occurrence in x. So g_(h x) h = g_x on all slots that
    occur, and g_x x is the same for the whole orbit of x.

    It has no parameters; its tables are buffers, and move with the module that holds it. States
    of other slots are refused.

    Args:
        inputs: number of tokens of the inputs.
        outputs: number of tokens of the outputs; 0 where there are none.
        classes: of each class its slots, of each slot the tokens of the inputs and of the outputs.

    Raises:
        InputError: a token is out of range or in two slots, a class is empty, or its slots differ
            in how many tokens they own.

    References:
        Puny et al., 2022, Frame averaging for invariant and equivariant network design.

    Example:
        >>> slots = Slots(4, 0, [[([1], []), ([2], []), ([3], [])]])
        >>> x = torch.tensor([[3, 0, 1, 3]])
        >>> slots.renamed(slots.names(x), x)
        tensor([[1, 0, 2, 1]])
    """

    classes: Tensor
    first: Tensor
    inputs_slot: Tensor
    inputs_kind: Tensor
    inputs_token: Tensor
    outputs_slot: Tensor
    outputs_kind: Tensor
    outputs_token: Tensor

    @on_default_device
    def __init__(self, inputs: int, outputs: int, classes: Sequence[Sequence[Member]]) -> None:
        super().__init__()
        positive_int("Slots", "inputs", inputs)
        positive_int("Slots", "outputs", outputs, minimum=0)
        self.sizes = tuple(len(members) for members in classes)
        self.count = sum(self.sizes)
        which = [c for c, size in enumerate(self.sizes) for _ in range(size)]
        self._hold("classes", torch.tensor(which, dtype=torch.int64))
        starts = [sum(self.sizes[:c]) for c in which]
        self._hold("first", torch.tensor(starts, dtype=torch.int64))
        for side, total in enumerate((inputs, outputs)):
            slot, kind, token = _tables(total, [[each[side] for each in c] for c in classes])
            name = ("inputs", "outputs")[side]
            self._hold(f"{name}_slot", slot)
            self._hold(f"{name}_kind", kind)
            self._hold(f"{name}_token", token)
        self._hold(MARK, mark_of_tables(*self._tables.values()), persistent=True)

    def _refusal(self, mark: Tensor) -> str | None:
        if mark.is_meta or torch.equal(mark.to(self._tables[MARK]), self._tables[MARK]):
            return None
        return "Slots: the state must be of these slots, got one of others; build them as saved"

    def members(self) -> list[list[tuple[list[int], list[int]]]]:
        """Return the classes that these slots were built of."""
        sides = [
            [[int(k) for k in column if k != _FIXED] for column in table.T.tolist()]
            for table in (self.inputs_token, self.outputs_token)
        ]
        owned = iter(zip(*sides, strict=True))
        return [[next(owned) for _ in range(size)] for size in self.sizes]

    def names(self, *sequences: Tokens) -> Names:
        """Return the canonical names of sequences: the new slot of every slot.

        Args:
            sequences: (B, T) of the inputs, then perhaps (B, T') of the outputs. Slots that occur
                in none take the names that are left, in their order.

        Returns:
            (B, K), for K slots in all.
        """
        places = torch.cat([
            getattr(self, f"{side}_slot")[tokens]
            for side, tokens in zip(("inputs", "outputs"), sequences, strict=False)
        ], dim=1)  # fmt: skip
        batch, time = places.shape
        never = time + torch.arange(self.count, device=places.device)
        at = torch.arange(time, device=places.device).expand(batch, time)
        first = torch.cat([never.expand(batch, -1), never.new_full((batch, 1), time)], 1)
        # Tokens of no slot write to a column that is dropped.
        first = first.scatter_reduce(1, places % (self.count + 1), at, "amin")[:, : self.count]
        before = first[:, None, :] < first[:, :, None]
        alike = self.classes == self.classes[:, None]
        return self.first + (before & alike).sum(2)

    def renamed(self, names: Names, tokens: Tokens, side: str = "inputs") -> Tokens:
        """Rename the tokens of sequences.

        Args:
            names: (B, K), the new slot of every slot.
            tokens: (B, T).
            side: "inputs" or "outputs".

        Returns:
            (B, T).
        """
        slot, kind, table = (getattr(self, f"{side}_{each}") for each in ("slot", "kind", "token"))
        mine = slot[tokens]
        if not self.count:
            return tokens
        new = names.gather(1, mine.clamp(min=0))
        return torch.where(mine >= 0, table[kind[tokens], new], tokens)

    def inverse(self, names: Names) -> Names:
        """Return the names that take renamed sequences back."""
        return names.argsort(1)

    def kinds(self, tokens: Tokens, side: str = "inputs") -> Tokens:
        """Return tokens with those of one kind made alike: the one of the first slot of its class.

        Args:
            tokens: (B, T).
            side: "inputs" or "outputs".

        Returns:
            (B, T), the same for the whole orbit.
        """
        return self.renamed(self.first.expand(len(tokens), -1), tokens, side)

    def balance(self, tokens: Tokens, side: str = "inputs") -> Float[Tensor, " batch"]:
        """Return weights of sequences with which all kinds of them are as likely as one another.

        Sequences are of one kind if they differ in which member of a class stands where alone. Of
        short ones there are few, of long ones many: drawn alike, the short ones are rare.

        Args:
            tokens: (N, T).
            side: "inputs" or "outputs".

        Returns:
            (N,), which sum to 1.

        Example:
            >>> slots = Slots(4, 0, [[([1], []), ([2], []), ([3], [])]])
            >>> slots.balance(torch.tensor([[1, 2], [2, 3], [0, 1]]))
            tensor([0.2500, 0.2500, 0.5000])
        """
        alike = self.kinds(tokens, side)
        _, kind, count = torch.unique(alike, dim=0, return_inverse=True, return_counts=True)
        return 1.0 / (count[kind] * len(count))

    def upcoming(self, tokens: Tokens, side: str = "inputs") -> Int64[Tensor, "batch time classes"]:
        """Return the slot of each class that occurs next, at every place or after it.

        Args:
            tokens: (B, T).
            side: "inputs" or "outputs".

        Returns:
            (B, T, C), -1 where none of the class follows.
        """
        owner = F.pad(getattr(self, f"{side}_slot")[tokens], (0, 1), value=_FIXED)
        every = torch.arange(len(self.sizes), device=owner.device)
        mine = (F.pad(self.classes, (0, 1), value=_FIXED)[owner])[..., None] == every
        at = torch.arange(owner.shape[1], device=owner.device)[:, None]
        # The last place is one of no slot: where none of a class follows, it is the next.
        after = torch.where(mine, at, len(at) - 1).flip(1).cummin(1).values.flip(1)
        return owner[..., None].expand(after.shape).gather(1, after)[:, :-1]

    def draw(self, batch: int, rng: torch.Generator | None = None) -> Names:
        """Draw elements of the group, each as likely as any other.

        Args:
            batch: how many.
            rng: draws, on the CPU; None uses torch's global generator.

        Returns:
            (B, K), the new slot of every slot.
        """
        device = self.first.device
        parts, start = [], 0
        for size in self.sizes:
            parts.append(start + torch.rand(batch, size, generator=rng).argsort(1))
            start += size
        return torch.cat(parts, 1).to(device) if parts else self.first.expand(batch, 0)

    def extra_repr(self) -> str:
        """Sizes of the classes."""
        return f"classes of {', '.join(map(str, self.sizes)) or 'nothing'}"


@final
class CanonicalNames(nn.Module):
    """A network of token sequences that is invariant under exchanges of tokens.

    It reads every sequence under its canonical names: f(g_x x). So it is exactly invariant, at the
    cost of f, however many members a class has.

    Args:
        network: f, of (B, T) tokens.
        slots: which tokens may be exchanged.

    Example:
        >>> slots = Slots(4, 0, [[([1], []), ([2], []), ([3], [])]])
        >>> network = CanonicalNames(nn.Embedding(4, 2), slots)
        >>> bool((network(torch.tensor([[3, 1]])) == network(torch.tensor([[1, 2]]))).all())
        True
    """

    def __init__(self, network: nn.Module, slots: Slots) -> None:
        super().__init__()
        self.network, self.slots = network, slots

    def forward(self, tokens: Tokens) -> Any:
        """What the network makes of the tokens under canonical names."""
        return self.network(self.slots.renamed(self.slots.names(tokens), tokens))


def _tables(
    total: int, classes: Sequence[Sequence[Sequence[int]]]
) -> tuple[Tensor, Tensor, Tensor]:
    """The slot and the kind of each token, and the token of each kind and slot."""
    slot, kind = torch.full((total,), _FIXED), torch.full((total,), _FIXED)
    count, kinds = sum(map(len, classes)), sum(len(c[0]) for c in classes if c)
    token = torch.full((kinds, count), _FIXED)
    start = base = 0
    for members in classes:
        if not members or any(len(each) != len(members[0]) for each in members):
            refuse("Slots", "classes", "of slots that own the same number of tokens",
                   [list(each) for each in members],
                   "give every slot a token of each kind")  # fmt: skip
        for s, tokens in enumerate(members, start):
            for k, number in enumerate(tokens, base):
                if not 0 <= number < total or int(slot[number]) != _FIXED:
                    refuse("Slots", "classes", f"of different tokens below {total}", number,
                           "put every token into one slot at most")  # fmt: skip
                slot[number], kind[number], token[k, s] = s, k, number
        start, base = start + len(members), base + len(members[0])
    return slot, kind, token
