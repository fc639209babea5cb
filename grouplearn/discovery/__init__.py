"""Finding the group that acts on data, and saying whether it is real.

Names are imported when they are first used, so that `import grouplearn` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grouplearn.discovery.entry import discover
    from grouplearn.discovery.matching import Automorphisms, automorphisms
    from grouplearn.discovery.moments import MomentAccumulator
    from grouplearn.discovery.result import Discovery, Evidence, Rung

_HOME = {
    "Automorphisms": "matching",
    "Discovery": "result",
    "Evidence": "result",
    "MomentAccumulator": "moments",
    "Rung": "result",
    "automorphisms": "matching",
    "discover": "entry",
}

__all__ = [
    "Automorphisms",
    "Discovery",
    "Evidence",
    "MomentAccumulator",
    "Rung",
    "automorphisms",
    "discover",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
