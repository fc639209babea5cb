"""Training: networks from labels, actions from pairs, refinement by the moments of samples."""

from grouplearn.training.augmentation import RandomElement, RandomShift, Several
from grouplearn.training.choices import Choice, Tried
from grouplearn.training.choosing import choose, short_runs
from grouplearn.training.curves import Ranking, ranking
from grouplearn.training.fitting import (
    Fit,
    FitEpoch,
    FitOptions,
    computes_in_bfloat16,
    evaluate,
    fit,
    seeds_interval,
)
from grouplearn.training.labelled import Augmentation, Labelled, as_labelled
from grouplearn.training.laws import WithLaws
from grouplearn.training.objectives import Classification, Objective, Reconstruction, Similarity
from grouplearn.training.pairs import Epoch, PairsFit, Penalties, Schedule, fit_pairs, pair_error
from grouplearn.training.refine import Refined, RefineStep, RefineTerms, refine
from grouplearn.training.saving import load, save
from grouplearn.training.translation import TranslationOptions, exact_match, fit_translation

__all__ = [
    "Augmentation",
    "Choice",
    "Classification",
    "Epoch",
    "Fit",
    "FitEpoch",
    "FitOptions",
    "Labelled",
    "Objective",
    "PairsFit",
    "Penalties",
    "RandomElement",
    "RandomShift",
    "Ranking",
    "Reconstruction",
    "RefineStep",
    "RefineTerms",
    "Refined",
    "Schedule",
    "Several",
    "Similarity",
    "TranslationOptions",
    "Tried",
    "WithLaws",
    "as_labelled",
    "choose",
    "computes_in_bfloat16",
    "evaluate",
    "exact_match",
    "fit",
    "fit_pairs",
    "fit_translation",
    "load",
    "pair_error",
    "ranking",
    "refine",
    "save",
    "seeds_interval",
    "short_runs",
]
