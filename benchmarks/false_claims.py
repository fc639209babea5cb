"""How often a symmetry is claimed that is not there.

python benchmarks/false_claims.py [--sets 30] [--overgroup-sets 65] [--rows 200 600 2000 6000 20000]

Sets without symmetry, and plants whose low moments show a larger group than they have. Each seed
is a law of its own; its size is the next of --rows. A claim is false where a member is not
planted. An *exact* one that is false is tested again, on 20 times as many fresh rows of the same
law, at level 0.001: `20 x` counts the rejections.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from _claims import claimed
from _measure import median, publish, table
from _runs import Job, Result, parser, percent, run
from sources.base import Source, drawn
from sources.columns import COLUMNS
from sources.mixtures import MIXTURES
from sources.overgroups import OVERGROUPS
from sources.series import SERIES

from grouplearn.discovery import Discovery

NONE = {**COLUMNS, **SERIES, **MIXTURES}
KINDS = {**NONE, **OVERGROUPS}
TIMES, LEVEL = 20, 0.001


def checked(job: Job) -> Result:
    """One set, and for an exact claim that is false the test on many more rows."""
    source = drawn(KINDS, job["kind"], job["seed"], job["rows"])
    found, result = claimed(source, seed=job["seed"])
    result["false"] = result["claim"] and not result["within"]
    if result["false"]:
        result["says"] = f"FALSE CLAIM {result['found']}"
    if found.found and (job["check"] == "all" or result["false"]):
        again = drawn(KINDS, job["kind"], job["seed"], TIMES * job["rows"], again=1)
        result["many_rows"] = tested(again, found, job["seed"])
    return result


def tested(source: Source, found: Discovery, seed: int) -> dict[str, Any]:
    """Does `invariance_test` reject the claim?"""
    from grouplearn.discovery import invariance_test

    outcome = invariance_test(
        source.rows, found.representation, blocks=source.blocks, labels=source.labels,
        level=LEVEL, draws=1999, seed=seed,
    )  # fmt: skip
    return {"p_value": float(outcome.p_value), "rejected": bool(outcome.rejected)}


def row(name: str, results: Sequence[Result]) -> list[object]:
    judged = [each for each in results if "error" not in each]
    false = [each for each in judged if each["false"]]
    exact = [each for each in false if each["exact"]]
    rejected = [each for each in exact if each.get("many_rows", {}).get("rejected")]
    names = sorted({f"{each['found']} at {each['rows']:,}" for each in false})
    seconds = [each["seconds"] for each in judged]
    return [
        name, len(judged), sum(each["claim"] for each in judged), len(false), len(exact),
        len(rejected), len(results) - len(judged), ", ".join(names) or "-",
        f"{median(seconds):.1f}" if seconds else "-",
    ]  # fmt: skip


HEADER = [
    "kind", "sets", "claims", "false", "false and exact", "20 x rejects", "refused",
    "false groups", "seconds (median)",
]  # fmt: skip


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, KINDS, sets=30, rows=(200, 600, 2000, 6000, 20_000))
    options.add_argument("--overgroup-sets", type=int, default=65)
    options.add_argument("--check", choices=("false", "all"), default="false",
                         help="which claims are tested on 20 times as many rows")  # fmt: skip
    given = options.parse_args()
    jobs = [
        {"kind": kind, "seed": given.first_seed + k, "rows": given.rows[k % len(given.rows)],
         "check": given.check}
        for kind in given.kinds or KINDS
        for k in range(given.overgroup_sets if kind in OVERGROUPS else given.sets)
    ]  # fmt: skip
    results = run("false_claims", checked, jobs, given)
    lines: list[list[object]] = []
    for title, kinds in (("no symmetry", NONE), ("overgroups", OVERGROUPS)):
        own = [each for each in results if each["kind"] in kinds]
        sorted_out = {kind: [each for each in own if each["kind"] == kind] for kind in kinds}
        lines += [row(kind, mine) for kind, mine in sorted_out.items() if mine]
        if own:
            lines.append(row(f"all, {title}", own))
    judged = [each for each in results if each["kind"] in NONE and "error" not in each]
    rate = percent(sum(each["false"] for each in judged), len(judged))
    text = table(HEADER, lines) + f"\n\nFalse claims where there is no symmetry: {rate}."
    publish("false_claims", text, results, given.out)


if __name__ == "__main__":
    main()
