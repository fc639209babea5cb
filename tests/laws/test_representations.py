"""Every law over every case, Hypothesis choosing group, dimension, dtype, batch shape and seed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings

import grouplearn.representations
from grouplearn.groups import CyclicGroup
from grouplearn.representations import (
    DenseRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from tests.cases import CASES, Case, learned
from tests.counting import count_example
from tests.laws.every import LAWS
from tests.laws.oracles import conditioning, exact
from tests.laws.trials import Law, Trial, trials

PAIRS = [
    pytest.param(case, rule, id=f"{case}-{rule.name}")
    for case in CASES
    for rule in LAWS.values()
    if rule.applies(case)
]


@pytest.mark.parametrize(("case", "rule"), PAIRS)
def test_law(case: Case, rule: Law) -> None:
    @settings(max_examples=rule.examples)
    @given(trial=trials(case, rule))
    def holds(trial: Trial) -> None:
        count_example()
        rule.check(trial.build(), trial)

    holds()


def test_every_class_is_registered() -> None:
    public = {getattr(grouplearn.representations, n) for n in grouplearn.representations.__all__}
    classes = {each for each in public if isinstance(each, type)}
    assert {case.kind for case in CASES} == classes - {LearnedRepresentation}
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cases_build_what_they_say(case: Case) -> None:
    @settings(max_examples=LAWS["identity_is_exact"].examples)
    @given(trial=trials(case, LAWS["identity_is_exact"]))
    def builds(trial: Trial) -> None:
        rep = trial.build()
        assert type(rep) is case.kind
        assert (rep.group, rep.dim, rep.dtype) == (trial.group, trial.dim, trial.dtype)
        assert case.learns or not list(rep.parameters())

    builds()


STARTS = {
    "dense": learned(DenseRepresentation),
    "skew": learned(SkewRepresentation),
    "spectral": learned(SpectralRepresentation),
    "toeplitz": learned(ToeplitzRepresentation),
    "multiscale-dense": learned(MultiScaleRepresentation),
    "multiscale-toeplitz": learned(MultiScaleRepresentation, child=ToeplitzRepresentation),
}


@pytest.mark.parametrize("name", STARTS)
def test_random_starts_are_invertible(name: str) -> None:
    """Without the registry's care that no filter is close to singular."""
    group = CyclicGroup(4)
    for dim in (1, 2, 4, 9):
        for seed in range(20):
            rng = torch.Generator().manual_seed(seed)
            rep = STARTS[name](group, dim, rng, torch.float64)
            assert conditioning(exact(rep.generators())) < 1e6, f"dim={dim}, seed={seed}"
