"""Chiu and Bloem-Reddy's two tests of a given symmetry, beside the figures of their repository.

python benchmarks/given_symmetry.py [--sets 1000] [--rows 50 200] [--draws 999]

Rotation in d = 4 (SO(4)) and exchangeability in d = 10 (all permutations), level 0.05. Their
alternative to rotation is not stated where we read their figures. Ours is equal correlations of
0.5, against which a plain kernel test has about the power that they print; that test is run here
on the same sets. Seconds are of `invariance_test`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from _measure import median, publish, table
from _runs import Job, Result, parser, percent, run
from sources.base import Array
from sources.given import normal, rearrangements, rotations

# Task, law and rows: their rate of rejection.
THEIRS = {
    ("rotation", True, 200): "0.050", ("rotation", False, 200): "0.984",
    ("rotation", False, 50): "0.496", ("exchangeability", True, 200): "0.047 to 0.053",
    ("exchangeability", False, 200): "1.000",
}  # fmt: skip
TASKS: dict[str, tuple[int, Callable[[np.random.Generator, int], Array]]] = {
    "rotation": (4, rotations), "exchangeability": (10, rearrangements),
}  # fmt: skip


def tested(job: Job) -> Result:
    """One set of one task."""
    from grouplearn.discovery import invariance_test
    from grouplearn.discovery.evidence.actions import RandomElements

    rng = np.random.default_rng([job["seed"], job["symmetric"], job["rows"]])
    rows = normal(rng, job["rows"], job["kind"], job["symmetric"])
    start = time.perf_counter()
    outcome = invariance_test(
        rows, RandomElements(*TASKS[job["kind"]]), level=0.05, draws=job["draws"], seed=job["seed"]
    )
    p_value, rejected = float(outcome.p_value), bool(outcome.rejected)
    seconds = time.perf_counter() - start
    kernel = kernel_test(rows, TASKS[job["kind"]][1], rng)
    return {
        "p_value": p_value, "rejected": rejected, "seconds": seconds, "kernel_p_value": kernel,
        "says": f"p = {p_value:.3f}, by the kernel {kernel:.3f}",
    }  # fmt: skip


def kernel_test(
    rows: Array,
    draw: Callable[[np.random.Generator, int], Array],
    rng: np.random.Generator,
    draws: int = 199,
) -> float:
    """The p-value of a randomisation test by the maximum mean discrepancy from a moved copy.

    The kernel is Gaussian, its width the median distance. Under the null hypothesis the rows and
    copies of them, each row moved by an element of its own, are exchangeable.
    """

    def again() -> Array:
        return np.einsum("nij,nj->ni", draw(rng, len(rows)), rows)

    def kernel(a: Array, b: Array) -> float:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return float(np.exp(-squares / width).mean())

    apart = ((rows[:, None] - rows) ** 2).sum(2)
    width = float(np.median(apart[np.triu_indices(len(rows), 1)]))
    reference = again()
    samples = (rows, *(again() for _ in range(draws)))
    gaps = np.array([kernel(each, each) - 2 * kernel(each, reference) for each in samples])
    return float((gaps >= gaps[0]).mean())


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, TASKS, sets=1000, rows=(50, 200))
    options.add_argument("--draws", type=int, default=999)
    given = options.parse_args()
    cases = [
        (kind, symmetric, rows)
        for kind in given.kinds or TASKS for symmetric in (True, False) for rows in given.rows
    ]  # fmt: skip
    jobs = [
        {"kind": kind, "symmetric": symmetric, "rows": rows, "draws": given.draws,
         "seed": given.first_seed + k}
        for kind, symmetric, rows in cases for k in range(given.sets)
    ]  # fmt: skip
    results = run("given_symmetry", tested, jobs, given)
    lines = []
    for case in cases:
        own = [each for each in results if (each["kind"], each["symmetric"], each["rows"]) == case]
        judged = [each for each in own if "error" not in each]
        rate = percent(sum(each["rejected"] for each in judged), len(judged))
        plain = percent(sum(each["kernel_p_value"] <= 0.05 for each in judged), len(judged))
        lines.append([
            case[0], "level" if case[1] else "power", case[2], len(judged), rate, plain,
            THEIRS.get(case, "-"), f"{median([each['seconds'] for each in own]):.2f}",
        ])  # fmt: skip
    header = [
        "symmetry", "rate of rejection", "rows", "sets", "here (95 %)", "plain kernel test",
        "theirs", "seconds (median)",
    ]  # fmt: skip
    publish("given_symmetry", table(header, lines), results, given.out)


if __name__ == "__main__":
    main()
