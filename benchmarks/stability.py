"""Does the claim change with the seed alone?

python benchmarks/stability.py [--sets 4] [--seeds 3] [--rows 1000 10000]

The same rows are given to `discover` with several seeds. A set is unstable where the members found
differ, or where one claim is exact and another is not.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from _claims import claimed, distances, root
from _measure import publish, table
from _runs import Job, Result, parser, percent, run
from sources.base import Source, as_matrices, drawn
from sources.columns import COLUMNS
from sources.mixtures import MIXTURES
from sources.objects import OBJECTS
from sources.overgroups import OVERGROUPS
from sources.plants import PLANTS
from sources.series import SERIES

from grouplearn.discovery import Discovery

KINDS = {**COLUMNS, **SERIES, **MIXTURES, **OVERGROUPS, **PLANTS, **OBJECTS}
# Estimated actions are the same within this distance, about what another split of the rows gives.
NEAR = 0.1


def agree(first: Discovery, second: Discovery, source: Source) -> bool:
    """Are the members the same?"""
    a, b = (each.members.numpy() for each in (first, second))
    if a.shape != b.shape:
        return False
    if source.action == "permutation":
        return {tuple(row) for row in a.tolist()} == {tuple(row) for row in b.tolist()}
    apart = distances(as_matrices(a), as_matrices(b), root(source))
    return bool(max(apart.min(0).max(), apart.min(1).max()) < NEAR)


def repeated(job: Job) -> Result:
    """One set under several seeds."""
    source = drawn(KINDS, job["kind"], job["seed"], job["rows"])
    runs = [claimed(source, seed=seed) for seed in range(job["seeds"])]
    members = all(agree(a, b, source) for (a, _), (b, _) in pairwise(runs))
    verdicts = len({result["exact"] for _, result in runs}) == 1
    names = [result["found"] for _, result in runs]
    return {
        "members": members, "verdicts": verdicts, "names": names,
        "says": f"{'same' if members and verdicts else 'UNSTABLE'}: {', '.join(names)}",
        "mean_seconds": float(np.mean([result["seconds"] for _, result in runs])),
    }  # fmt: skip


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, KINDS, sets=4, rows=(1000, 10_000))
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    kinds = given.kinds or list(KINDS)
    jobs = [
        {"kind": kind, "seed": given.first_seed + k, "rows": given.rows[k % len(given.rows)],
         "seeds": given.seeds}
        for kind in kinds for k in range(given.sets)
    ]  # fmt: skip
    results = [each for each in run("stability", repeated, jobs, given) if "error" not in each]
    moved = [each for each in results if not each["members"]]
    changed = [each for each in results if each["members"] and not each["verdicts"]]
    lines = [
        [each["kind"], each["seed"], f"{each['rows']:,}", ", ".join(each["names"]), what]
        for what, those in (("other members", moved), ("exact or not", changed)) for each in those
    ]  # fmt: skip
    text = table(["unstable set", "seed", "rows", "found", "what changes"], lines)
    text += (
        f"\n\nOther members: {len(moved)} of {len(results)} sets,"
        f" {percent(len(moved), len(results))}; the same members, now exact and now not:"
        f" {len(changed)}; {len(jobs) - len(results)} refused."
    )
    publish("stability", text, results, given.out)


if __name__ == "__main__":
    main()
