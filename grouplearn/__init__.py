"""Learn the finite symmetry group of data, and how it acts.

The flow: groups -> representations -> defects (how far from a group?) -> nearest_exact.
"""

from importlib.metadata import PackageNotFoundError, version

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
    "FiniteGroup",
    "GrouplearnError",
    "NearestExact",
    "ProductGroup",
    "nearest_exact",
]
