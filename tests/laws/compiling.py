"""The laws of compilers: export, and compilation without a graph break.

The import hook that checks shapes cannot be compiled; `python -m tests.laws.compiling` therefore
judges compilation in a process of its own, without it, and prints one JSON object per verdict.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import torch
from torch.export import Dim

from grouplearn.representations import LearnedRepresentation
from tests.cases import CASES, Case
from tests.laws.oracles import assert_near, exact, largest
from tests.laws.trials import BOTH_DTYPES, Law, Mutation, Trial, drawn_by, law


@law(share=0.02, max_order=12, max_dim=6)
def exports_to_a_plain_graph(rep: LearnedRepresentation, trial: Trial) -> None:
    """torch.export, for any batch size; the program needs nothing of this package."""
    x, larger = trial.normal(3, rep.dim), trial.normal(5, rep.dim, salt=3)
    program = torch.export.export(rep, (x,), dynamic_shapes=({0: Dim("batch", min=2)},))
    module = program.module()
    size = largest(exact(rep.matrices())) ** 2 * (1 + float(larger.abs().sum()))
    assert_near(module(larger), rep(larger), trial.tolerance * size)
    assert set(program.state_dict) == set(rep.state_dict())


def orbit_compiles_in_one_graph(rep: LearnedRepresentation, trial: Trial) -> None:
    """torch.compile(fullgraph=True): the same values and gradients."""
    x = trial.normal(3, rep.dim).requires_grad_()
    tolerance = 10 * trial.tolerance * largest(exact(rep.matrices())) ** 2
    tolerance *= (1 + float(x.detach().abs().sum())) * trial.group.order
    torch.compiler.reset()
    wanted, got = [x, *rep.parameters()], []
    compiled = torch.compile(rep, fullgraph=True, backend="aot_eager")
    for orbit in (rep(x), compiled(x)):
        loss = orbit.sin().sum()
        got.append([orbit, *torch.autograd.grad(loss, wanted, allow_unused=True)])
    for plain, fast in zip(*got, strict=True):
        assert (plain is None) == (fast is None)
        if plain is not None and fast is not None:
            assert_near(fast, plain, tolerance)


def action_compiles_in_one_graph(rep: LearnedRepresentation, trial: Trial) -> None:
    x, g = trial.normal(3, rep.dim), trial.group.order - 1
    tolerance = 10 * trial.tolerance * largest(exact(rep.matrices())) ** 2
    torch.compiler.reset()
    act = torch.compile(rep.act, fullgraph=True, backend="eager")
    assert_near(act(x, g), rep.act(x, g), tolerance * (1 + float(x.abs().sum())))


COMPILE_LAWS = {
    check.__name__: Law(check, lambda case: True, BOTH_DTYPES, max_order=6, max_dim=6, share=0.0)
    for check in (orbit_compiles_in_one_graph, action_compiles_in_one_graph)
}


def verdicts(seed: int) -> Iterator[dict[str, str]]:
    """How every case, and every mutant of these laws, fared."""
    from tests.laws.mutants import COMPILE_MUTANTS

    for name, rule in COMPILE_LAWS.items():
        subjects: list[tuple[str, Case, Mutation | None]] = [(c.name, c, None) for c in CASES]
        subjects += [(m.name, m.case, m.wrap) for m in COMPILE_MUTANTS if name in m.laws]
        for subject, case, wrap in subjects:
            trial = drawn_by(seed, case, rule, mutate=wrap)
            problem = ""
            try:
                rule.check(trial.build(), trial)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            yield {"law": name, "name": subject, "problem": problem, "trial": repr(trial)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for verdict in verdicts(int(sys.argv[1])):
        print(json.dumps(verdict), flush=True)  # noqa: T201
