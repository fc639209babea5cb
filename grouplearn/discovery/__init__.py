"""Finding the group that acts on data, and saying whether it is real.

Names are imported when they are first used, so that `import grouplearn` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grouplearn.discovery.entry import discover
    from grouplearn.discovery.evidence.given import InvarianceTest, invariance_test
    from grouplearn.discovery.functions.entry import discover_from_function
    from grouplearn.discovery.linear.entry import check_linear_group
    from grouplearn.discovery.moments import MomentAccumulator
    from grouplearn.discovery.pairs.entry import discover_from_pairs
    from grouplearn.discovery.pairs.sequences import discover_from_sequences
    from grouplearn.discovery.permutations.automorphisms import Automorphisms, automorphisms
    from grouplearn.discovery.permutations.orbits import discover_from_orbits
    from grouplearn.discovery.reservoir import Sample
    from grouplearn.discovery.result import Discovery, Evidence, Hypothesis, Rung

_HOME = {
    "Automorphisms": "permutations.automorphisms",
    "Discovery": "result",
    "Evidence": "result",
    "Hypothesis": "result",
    "InvarianceTest": "evidence.given",
    "MomentAccumulator": "moments",
    "Rung": "result",
    "Sample": "reservoir",
    "automorphisms": "permutations.automorphisms",
    "check_linear_group": "linear.entry",
    "discover": "entry",
    "discover_from_function": "functions.entry",
    "discover_from_orbits": "permutations.orbits",
    "discover_from_pairs": "pairs.entry",
    "discover_from_sequences": "pairs.sequences",
    "invariance_test": "evidence.given",
}

__all__ = [
    "Automorphisms",
    "Discovery",
    "Evidence",
    "Hypothesis",
    "InvarianceTest",
    "MomentAccumulator",
    "Rung",
    "Sample",
    "automorphisms",
    "check_linear_group",
    "discover",
    "discover_from_function",
    "discover_from_orbits",
    "discover_from_pairs",
    "discover_from_sequences",
    "invariance_test",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
