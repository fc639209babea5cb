"""Broken representations: each does one thing wrong, everything else right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from grouplearn.representations import LearnedRepresentation


class Wrapped(LearnedRepresentation):
    """Behaves like another representation in every respect; what is broken derives from it."""

    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner.group, inner.dim, inner.dtype)
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in ("inner", "_modules"):
                raise
            return getattr(self.inner, name)

    @property
    def closes_exactly(self) -> bool:
        return self.inner.closes_exactly

    def generators(self) -> Tensor:
        return self.inner.generators()

    def inverse_generators(self) -> Tensor:
        return self.inner.inverse_generators()

    def matrices(self) -> Tensor:
        return self.inner.matrices()

    def dual_matrices(self) -> Tensor:
        return self.inner.dual_matrices()

    def matrix(self, element: int) -> Tensor:
        return self.inner.matrix(element)

    def act(self, x: Tensor, g: int) -> Tensor:
        return self.inner.act(x, g)

    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x)


class IdentityIsRounded(Wrapped):
    def matrices(self) -> Tensor:
        matrices = self.inner.matrices().clone()
        matrices[0] *= 1 + 4 * torch.finfo(self.dtype).eps
        return matrices


class MatricesAreTransposed(Wrapped):
    def matrices(self) -> Tensor:
        return self.inner.matrices().mT


class MatrixIsOfTheInverse(Wrapped):
    def matrix(self, element: int) -> Tensor:
        return self.inner.matrix(int(self.group.inverse(element)))


class LastElementIsOff(Wrapped):
    """The matrix of one element, and everything made of it, is off by a thousandth."""

    def matrices(self) -> Tensor:
        matrices = self.inner.matrices()
        return torch.cat([matrices[:-1], 1.001 * matrices[-1:]])

    def dual_matrices(self) -> Tensor:
        return self.matrices()[self.group.inverses.tolist()].mT


class RoundsToFloat32(Wrapped):
    def matrices(self) -> Tensor:
        return self.inner.matrices().float().to(self.dtype)


class GeneratorDrifted(Wrapped):
    """All matrices are words in a generator that is off by a thousandth."""

    def generators(self) -> Tensor:
        first = torch.zeros(len(self.group.generators), 1, 1, dtype=self.dtype)
        first[0] = 1e-3
        return self.inner.generators() * (1 + first)

    def inverse_generators(self) -> Tensor:
        return torch.linalg.inv(self.generators())

    def matrices(self) -> Tensor:
        return LearnedRepresentation.matrices(self)

    def matrix(self, element: int) -> Tensor:
        return self.matrices()[element]


class ClaimsToClose(Wrapped):
    @property
    def closes_exactly(self) -> bool:
        return True


class HidesThatItCloses(Wrapped):
    @property
    def closes_exactly(self) -> bool:
        return False


class InverseIsTransposed(Wrapped):
    def inverse_generators(self) -> Tensor:
        return self.inner.generators().mT


class DualIsNotTransposed(Wrapped):
    def dual_matrices(self) -> Tensor:
        return self.inner.dual_matrices().mT


class DualIsNotInverted(Wrapped):
    def dual_matrices(self) -> Tensor:
        return self.inner.matrices().mT


class ActsByTheInverse(Wrapped):
    def act(self, x: Tensor, g: int) -> Tensor:
        return self.inner.act(x, int(self.group.inverse(g)))


class OrbitIsReversed(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        orbit = self.inner.orbit(x)
        return torch.cat([orbit[..., :1, :], orbit[..., 1:, :].flip(-2)], -2)


class OrbitDropsBatchAxes(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x).squeeze()


class ActionIsNotLinear(Wrapped):
    def act(self, x: Tensor, g: int) -> Tensor:
        moved = self.inner.act(x, g)
        return moved if g == 0 else moved + 1e-2 * moved.abs()

    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x) + 1e-2 * x.abs().unsqueeze(-2)


class OrbitLooksAtTheBatch(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        size = x.abs().amax() if x.numel() else x.new_ones(())
        return self.inner.orbit(x) * (1 + 1e-3 * size)


class GradientIsCutOff(Wrapped):
    def matrices(self) -> Tensor:
        return self.inner.matrices().detach()


class VectorsGetNoGradient(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x.detach()) + 0 * x.unsqueeze(-2)


class EvalModeDiffers(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        orbit = self.inner.orbit(x)
        return orbit if self.training else orbit * (1 + 1e-6)


class StateDependsOnTheMode(Wrapped):
    def train(self, mode: bool = True) -> StateDependsOnTheMode:
        if not mode:
            self.register_buffer("cache", self.inner.matrices().detach())
        super().train(mode)
        return self


class StateIsIncomplete(Wrapped):
    """Part of the generators is a plain tensor, in no state_dict."""

    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner)
        parameters = list(inner.parameters())
        self.hidden = float(parameters[0].sum().detach()) if parameters else 0.0

    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x) * (1 + self.hidden)


class UsesGlobalRandomness(Wrapped):
    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner)
        torch.randn(1)


class IgnoresItsGenerator(Wrapped):
    count = 0

    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner)
        IgnoresItsGenerator.count += 1
        with torch.no_grad():
            for parameter in inner.parameters():
                parameter.add_(IgnoresItsGenerator.count)


class CopiesShareParameters(Wrapped):
    def __deepcopy__(self, memo: Any) -> CopiesShareParameters:
        return CopiesShareParameters(self.inner)


class PickleLosesPrecision(Wrapped):
    def __reduce__(self) -> Any:
        with torch.no_grad():
            for parameter in self.inner.parameters():
                parameter.copy_(parameter.half().to(parameter))
        return PickleLosesPrecision, (self.inner,)


class KeepsItsDtype(Wrapped):
    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner)
        self.table = inner.matrices().detach()

    def matrices(self) -> Tensor:
        return self.table


class HalvesPrecisionWhenMoved(Wrapped):
    """A basis is kept in the precision of construction: moved to float64, it no longer closes."""

    def matrices(self) -> Tensor:
        rounded = self.inner.matrices().float().to(self.dtype)
        return rounded if self.dtype == torch.float64 else self.inner.matrices()


class StaysOnTheCpu(Wrapped):
    def matrices(self) -> Tensor:
        matrices = self.inner.matrices()
        return matrices if matrices.device.type == "cpu" else torch.zeros(matrices.shape)


class StructureIsNotKept(Wrapped):
    """A free term, zero at first, is learned beside the structured generators."""

    def __init__(self, inner: LearnedRepresentation) -> None:
        super().__init__(inner)
        self.free = nn.Parameter(torch.zeros(inner.dim, inner.dim, dtype=inner.dtype))

    def generators(self) -> Tensor:
        return self.inner.generators() + self.free

    def matrices(self) -> Tensor:
        matrices = self.inner.matrices()
        return torch.cat([matrices[:1], matrices[1:] + self.free])

    def orbit(self, x: Tensor) -> Tensor:
        return torch.einsum("gij,...j->...gi", self.matrices(), x)


class TakesAnything(Wrapped):
    def act(self, x: Any, g: Any) -> Tensor:
        return self.inner.act(torch.as_tensor(x).to(self.dtype), g)


class ElementsWrapAround(Wrapped):
    def act(self, x: Tensor, g: int) -> Tensor:
        return self.inner.act(x, g % self.group.order)

    def matrix(self, element: int) -> Tensor:
        return self.inner.matrix(element % self.group.order)


class LooksAtValues(Wrapped):
    """Control flow that depends on data: neither exported nor compiled in one graph."""

    def orbit(self, x: Tensor) -> Tensor:
        return self.inner.orbit(x) if bool(x.sum() > 0) else self.inner.orbit(x) * 1.0


class ActionLooksAtValues(Wrapped):
    def act(self, x: Tensor, g: int) -> Tensor:
        return self.inner.act(x, g) if bool(x.sum() > 0) else self.inner.act(x, g) * 1.0


class GradientDiffersWhenCompiled(Wrapped):
    def orbit(self, x: Tensor) -> Tensor:
        orbit = self.inner.orbit(x)
        return orbit * 1.01 if torch.compiler.is_compiling() else orbit
