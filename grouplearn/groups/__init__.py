"""Finite groups: order, Cayley table, generators, relators, structure and names."""

from grouplearn.groups.base import FiniteGroup, Word, WordPlan
from grouplearn.groups.families import CyclicGroup, DihedralGroup, ProductGroup
from grouplearn.groups.irreps import Irrep, irrep_characters, real_irreps, regular_multiplicities
from grouplearn.groups.subgroups import subgroups_up_to_conjugacy

__all__ = [
    "CyclicGroup",
    "DihedralGroup",
    "FiniteGroup",
    "Irrep",
    "ProductGroup",
    "Word",
    "WordPlan",
    "irrep_characters",
    "real_irreps",
    "regular_multiplicities",
    "subgroups_up_to_conjugacy",
]
