"""Find the finite symmetry group of data, learn how it acts, and check that it is a group.

The flow: data -> discover -> representation of a group -> defects (how far from a group?) ->
nearest_exact.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from grouplearn._frames import draw_frames_with

if TYPE_CHECKING:
    from grouplearn.discovery.entry import discover
    from grouplearn.discovery.result import Discovery
    from grouplearn.errors import GrouplearnError
    from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
    from grouplearn.nearest import NearestExact, nearest_exact

    __version__: str

__all__ = [
    "CyclicGroup",
    "DihedralGroup",
    "Discovery",
    "FiniteGroup",
    "GrouplearnError",
    "NearestExact",
    "ProductGroup",
    "discover",
    "nearest_exact",
]

_HOMES = {
    "discover": "discovery.entry",
    "Discovery": "discovery.result",
    "GrouplearnError": "errors",
    "NearestExact": "nearest",
    "nearest_exact": "nearest",
}


def __getattr__(name: str) -> Any:
    """Import a name or module when it is first asked for: the command line starts without torch."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            found: Any = version("grouplearn")
        except PackageNotFoundError:
            found = "unknown (not installed)"
    elif name in __all__:
        found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'groups')}"), name)
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        found = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def _draw_frame(shown: Any) -> str:
    """What a notebook shows of an object; matplotlib and Jinja are imported then."""
    html: str = import_module("grouplearn.report.notebook").html_of(shown)
    return html


draw_frames_with(_draw_frame)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
