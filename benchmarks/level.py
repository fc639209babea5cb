"""How often `invariance_test` rejects a symmetry that is there, at level 0.05.

python benchmarks/level.py [--sets 1000] [--rows 200 500 1000] [--draws 999]

Each seed is a law of its own; its size is the next of --rows. Exact means 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from _measure import median, publish, table
from _runs import Job, Result, parser, percent, run
from sources.base import drawn
from sources.given import LEVELS, represented


def tested(job: Job) -> Result:
    """One set and its true symmetry."""
    from grouplearn.discovery import invariance_test

    source = drawn(LEVELS, job["kind"], job["seed"], job["rows"])
    outcome = invariance_test(
        source.rows, represented(source.truth), blocks=source.blocks, labels=source.labels,
        level=0.05, draws=job["draws"], seed=job["seed"],
    )  # fmt: skip
    p_value, rejected = float(outcome.p_value), bool(outcome.rejected)
    return {"p_value": p_value, "rejected": rejected, "says": f"p = {p_value:.3f}"}


def row(name: str, results: Sequence[Result]) -> list[object]:
    judged = [each for each in results if "error" not in each]
    rejected = sum(each["rejected"] for each in judged)
    return [
        name, len(judged), rejected, percent(rejected, len(judged)), len(results) - len(judged),
        f"{median([each['seconds'] for each in results]):.2f}",
    ]  # fmt: skip


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, LEVELS, sets=1000, rows=(200, 500, 1000))
    options.add_argument("--draws", type=int, default=999)
    given = options.parse_args()
    kinds = given.kinds or list(LEVELS)
    jobs = [
        {"kind": kind, "seed": given.first_seed + k, "rows": given.rows[k % len(given.rows)],
         "draws": given.draws}
        for kind in kinds for k in range(given.sets)
    ]  # fmt: skip
    results = run("level", tested, jobs, given)
    lines = [row(kind, [each for each in results if each["kind"] == kind]) for kind in kinds]
    header = ["true symmetry", "sets", "rejected", "rate (95 %)", "errors", "seconds (median)"]
    publish("level", table(header, [*lines, row("all", results)]), results, given.out)


if __name__ == "__main__":
    main()
