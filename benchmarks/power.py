"""How often a planted permutation group is found exactly, by group, form and number of rows.

python benchmarks/power.py [--sets 20] [--rows 1000 10000 50000] [--kinds "ring C6"]

For the ring: --kinds "ring C6" --rows 1000 --sets 100. Right means that the members found are the
planted permutations, no more and no fewer. Each seed is a law of its own, on up to 40 columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from _claims import claimed
from _measure import median, publish, table
from _runs import Job, Result, parser, percent, run
from sources.base import drawn
from sources.plants import PLANTS

SIZES = ((0, 8), (9, 16), (17, 28), (29, 40))


def found(job: Job) -> Result:
    """One planted set."""
    return claimed(drawn(PLANTS, job["kind"], job["seed"], job["rows"]), seed=job["seed"])[1]


def form(result: Result) -> str:
    return str(result["kind"]).rpartition(", ")[2]


def rates(
    results: Sequence[Result],
    rows: Sequence[int],
    keys: Sequence[str],
    of: Callable[[Result], str],
) -> list[list[object]]:
    """One line for each key, one rate for each number of rows."""
    lines: list[list[object]] = []
    for key in keys:
        line: list[object] = [key]
        for count in rows:
            own = [each for each in results if of(each) == key and each["rows"] == count]
            line.append(percent(sum(each.get("right", False) for each in own), len(own)))
        lines.append(line)
    return lines  # fmt: skip


def size(result: Result) -> str:
    dim = result.get("dim", 0)
    return next(f"{low} to {high} columns" for low, high in SIZES if low <= dim <= high)


def main() -> None:
    """Measure and publish."""
    given = parser(__doc__, PLANTS, sets=20, rows=(1000, 10_000, 50_000)).parse_args()
    kinds = given.kinds or list(PLANTS)
    jobs = [
        {"kind": kind, "seed": given.first_seed + k, "rows": rows}
        for rows in given.rows for kind in kinds for k in range(given.sets)
    ]  # fmt: skip
    results = run("power", found, jobs, given)
    forms = list(dict.fromkeys(form(each) for each in results))
    lines = [
        *rates(results, given.rows, kinds, lambda each: str(each["kind"])),
        *rates(results, given.rows, [f"all, {each}" for each in forms],
               lambda each: f"all, {form(each)}"),
        *rates(results, given.rows, [f"{a} to {b} columns" for a, b in SIZES], size),
        *rates(results, given.rows, ["all"], lambda _: "all"),
    ]  # fmt: skip
    spent = [[r["seconds"] for r in results if r["rows"] == rows] for rows in given.rows]
    seconds = ["seconds (median)", *(f"{median(each):.1f}" for each in spent)]
    header = ["plant", *(f"right at {rows:,} rows" for rows in given.rows)]
    publish("power", table(header, [*lines, seconds]), results, given.out)


if __name__ == "__main__":
    main()
