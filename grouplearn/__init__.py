"""Find the finite symmetry group of data, learn how it acts, and check that it is a group.

The flow: data -> discover -> representation of a group -> defects (how far from a group?) ->
nearest_exact.
"""

from importlib.metadata import PackageNotFoundError, version

from grouplearn.discovery.entry import discover
from grouplearn.discovery.result import Discovery
from grouplearn.errors import GrouplearnError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.nearest import NearestExact, nearest_exact

try:
    __version__ = version("grouplearn")
except PackageNotFoundError:
    __version__ = "unknown (not installed)"

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
