"""Training: actions from pairs, and refinement by the moments of samples."""

from grouplearn.training.pairs import Epoch, PairsFit, Penalties, Schedule, fit_pairs, pair_error
from grouplearn.training.refine import Refined, RefineStep, RefineTerms, refine

__all__ = [
    "Epoch",
    "PairsFit",
    "Penalties",
    "RefineStep",
    "RefineTerms",
    "Refined",
    "Schedule",
    "fit_pairs",
    "pair_error",
    "refine",
]
