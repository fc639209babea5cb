"""Training: actions from pairs."""

from grouplearn.training.pairs import Epoch, PairsFit, Penalties, Schedule, fit_pairs, pair_error

__all__ = ["Epoch", "PairsFit", "Penalties", "Schedule", "fit_pairs", "pair_error"]
