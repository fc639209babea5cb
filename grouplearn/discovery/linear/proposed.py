"""Proposals of any finite group, in the form in which cyclic and dihedral actions come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.linear.proposals import Proposal
from grouplearn.groups import FiniteGroup


@final
@dataclass(frozen=True)
class Proposed:
    """A group of matrices in whitened space.

    Attributes:
        group: the group.
        matrices: (n, d, d), one for each element in its order.
        excess: of the energy that the rows which proposed it lose, over noise, in standard
            deviations.
    """

    group: FiniteGroup
    matrices: Float[np.ndarray, "n d d"]
    excess: float = 0.0

    @classmethod
    def of(cls, proposal: Proposal) -> Proposed:
        """On the rows themselves, which the proposal may have stretched a little."""
        return cls(proposal.group, proposal.acting, proposal.excess)

    def moved(self, linear: Float[np.ndarray, "d d"]) -> Proposed:
        """L^-1 rho(g) L for the given L."""
        return replace(self, matrices=np.linalg.solve(linear, self.matrices @ linear))

    def generators(self) -> Float[np.ndarray, "m d d"]:
        """The matrices of the group's generators."""
        return np.asarray(self.matrices[list(self.group.generators)])

    def members(self) -> Float[np.ndarray, "n d d"]:
        """The matrices of all elements."""
        return self.matrices
