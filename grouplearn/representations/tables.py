"""Tables that follow from how a module was built, and the mark by which states are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import sha256
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from grouplearn.groups import FiniteGroup

MARK = "_mark"
"""Name of the buffer that says which action a state is of."""
_BYTES = 8
_Module = TypeVar("_Module", bound=nn.Module)
_Arguments = ParamSpec("_Arguments")
_Build = Callable[Concatenate[_Module, _Arguments], None]


def on_default_device(build: _Build[_Module, _Arguments]) -> _Build[_Module, _Arguments]:
    """Let a constructor compute on the CPU, then move the module to torch's default device.

    Args:
        build: the `__init__` of a module, which may look at values: "meta" has none.
    """

    @wraps(build)
    def built(self: _Module, /, *args: _Arguments.args, **options: _Arguments.kwargs) -> None:
        device = torch.get_default_device()
        if device.type == "cpu":
            build(self, *args, **options)
        else:
            with torch.device("cpu"):
                build(self, *args, **options)
            self.to(device)

    return built


class HoldsTables(nn.Module):
    """A module with tables of indices that follow from how it was built, and with known numbers.

    Tables move with the module and are no part of its state. Where a move loses their contents, as
    `to_empty` does, or leaves them behind on "meta", as `load_state_dict(assign=True)` does, they
    are written again. Known numbers are rounded anew from their definition in float64 when the
    dtype changes, so that none loses digits for ever. A mark in the state says what it is of:
    states with another one are refused, those of older versions have none.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[str, Tensor] = {}
        self._definitions: dict[str, Tensor] = {}
        self.register_load_state_dict_post_hook(_settle)  # type: ignore[no-untyped-call]

    def _hold(
        self,
        name: str,
        table: Tensor,
        *,
        device: torch.device | None = None,
        persistent: bool = False,
    ) -> None:
        """Keep a table as a buffer.

        Args:
            name: of the buffer.
            table: on the CPU; not to be written to.
            device: where the buffer goes.
            persistent: is it a part of the state?
        """
        self._tables[name] = table
        self.register_buffer(name, table.to(device), persistent=persistent)

    def _mark_as(
        self,
        group: FiniteGroup,
        dim: int,
        numbers: Sequence[int] = (),
        device: torch.device | None = None,
    ) -> None:
        """Hold the mark of an action, see `mark_of`, on a device."""
        self._whose = str(group)
        self._hold(MARK, mark_of(group, dim, numbers), device=device, persistent=True)

    def _refusal(self, mark: Tensor) -> str | None:
        """Why a state with this mark is not of this module; None where it is."""
        return refusal(type(self).__name__, self._whose, self._tables[MARK], mark)

    def _define(self, name: str, definition: Tensor, like: Tensor) -> None:
        """Keep known numbers as a part of the state.

        Args:
            name: of the buffer.
            definition: float64, on the CPU unless it is on "meta"; not to be written to.
            like: of the buffer's dtype and device.
        """
        self._definitions[name] = definition
        self.register_buffer(name, self._rounded(name, like.dtype).to(like.device))

    def _rounded(self, name: str, dtype: torch.dtype) -> Tensor:
        """Known numbers in a dtype, as their definition has them."""
        return self._definitions[name].to(dtype)

    def _redefine(self, name: str, given: Tensor) -> None:
        """Take over known numbers from a state, unless they are those that are known already."""
        if not torch.equal(self._rounded(name, given.dtype), given.cpu()):
            self._definitions[name] = given.detach().cpu().double()

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        before = {name: getattr(self, name).dtype for name in self._definitions}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._restore()
        self._round({name for name, dtype in before.items() if getattr(self, name).dtype != dtype})
        return self

    @torch.no_grad()
    def _round(self, names: set[str]) -> None:
        """Write known numbers again from their definition."""
        for name in names:
            held: Tensor = getattr(self, name)
            if not held.is_meta and not self._definitions[name].is_meta:
                held.copy_(self._rounded(name, held.dtype))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any, **named: Any) -> None:
        missing, errors = rest[2], rest[4]
        mark = state_dict.get(prefix + MARK) if MARK in self._tables else None
        problem = None if mark is None else self._refusal(mark)
        if problem is not None:
            errors.append(problem)
            return
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)
        missing[:] = [name for name in missing if name != prefix + MARK]  # of older versions
        for name in self._definitions:
            given = state_dict.get(prefix + name)
            held: Tensor = getattr(self, name)
            if given is not None and given.shape == held.shape and not given.is_meta:
                self._redefine(name, given)
                if given.dtype != held.dtype:
                    self._round({name})
        self._restore()

    @torch.no_grad()
    def _restore(self) -> None:
        """Write all tables again."""
        for name, table in self._tables.items():
            held = self._buffers[name]
            if held is not table and type(held) is Tensor and not held.is_meta:
                held.copy_(table)

    def _follow(self, device: torch.device, dtype: torch.dtype | None) -> None:  # noqa: ARG002
        """Move tables to where the state has come to be.

        Args:
            device: of the state.
            dtype: of its floating-point numbers, None where it has none.
        """
        for name, table in self._tables.items():
            held = self._buffers[name]
            if held is not None and held.device != device:
                self._buffers[name] = table.to(device)


def _settle(module: nn.Module, _: Any) -> None:
    """After a state was loaded: tables follow what was assigned."""
    if not isinstance(module, HoldsTables):
        return
    own = {id(module._buffers[name]) for name in module._tables if name != MARK}
    own.add(id(module._buffers.get("_anchor")))
    state = [
        each for each in chain(module.parameters(), module.buffers())
        if id(each) not in own and not each.is_meta
    ]  # fmt: skip
    if state:
        floats = (each.dtype for each in state if each.is_floating_point())
        module._follow(state[0].device, next(floats, None))


def mark_of(group: FiniteGroup, dim: int, numbers: Sequence[int] = ()) -> Int[Tensor, " marks"]:
    """What tells states of different actions apart: sizes, and a digest of the multiplication.

    Small whole numbers, so that averages of states, even in floating point, keep it.

    Args:
        group: with its generators in their order; how elements are numbered counts.
        dim: of the representation.
        numbers: what else the action depends on that no tensor of the state holds.

    Returns:
        int64: order, number of generators, dimension, and eight bytes.
    """
    elements, generators = np.arange(group.order), np.asarray(group.generators, dtype=np.int64)
    content = sha256(generators.astype("<i8").tobytes())
    for generator in generators:
        content.update(group.multiply(elements, generator).astype("<i8").tobytes())
    content.update(np.asarray(numbers, dtype="<i8").tobytes())
    return torch.tensor([group.order, len(generators), dim, *_digest(content)], device="cpu")


def mark_of_tables(*tables: Tensor) -> Int[Tensor, " marks"]:
    """What tells states of modules with other tables apart: a digest of them.

    Args:
        tables: int64, on the CPU.
    """
    content = sha256()
    for table in tables:
        content.update(str(tuple(table.shape)).encode())
        content.update(table.numpy().astype("<i8").tobytes())
    return torch.tensor(_digest(content), device="cpu")


def _digest(content: Any) -> list[int]:
    return list(content.digest()[:_BYTES])


def refusal(who: str, group: str, own: Int[Tensor, " marks"], given: Tensor) -> str | None:
    """Why a state is not of this action; None where it is.

    Args:
        who: the class that was to load it.
        group: of that class, in words.
        own: its mark.
        given: that in the state.
    """
    if given.is_meta or (given.shape == own.shape and torch.equal(given.to(own), own)):
        return None

    def sizes(mark: Tensor) -> str:
        order, generators, dim = mark[:3].tolist()
        return f"order {order} with {generators} generators in dimension {dim}"

    known = given.shape == own.shape
    got = f"one of {sizes(given)}" if known else "another kind of mark"
    if known and torch.equal(given[:3].to(own), own[:3]):
        got = "one with another multiplication, other generators, or these in another order"
    return (
        f"{who}: the state must be of an action of {group} ({sizes(own)}), got {got}; build the "
        "module that loads it as the one that was saved"
    )
