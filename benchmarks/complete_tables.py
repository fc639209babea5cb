"""Complete tables of objects, whose symmetry is exact: is the whole group found?

python benchmarks/complete_tables.py [--sets 3]

Each set is the table with its rows in another order, and another seed.
"""

from __future__ import annotations

import numpy as np
from _claims import claimed
from _measure import median, publish, table
from _runs import Job, Result, parser, run
from sources.tables import TABLES

from grouplearn.discovery import Discovery


def searched(job: Job) -> Result:
    """One table, its rows shuffled."""
    from dataclasses import replace

    source = TABLES[job["kind"]]()
    order = np.random.default_rng(job["seed"]).permutation(len(source.rows))
    found: Discovery
    found, result = claimed(replace(source, rows=source.rows[order]), seed=job["seed"])
    return {**result, "count": len(source.rows), "found_exact": found.exact}


def main() -> None:
    """Measure and publish."""
    given = parser(__doc__, TABLES, sets=3).parse_args()
    kinds = given.kinds or list(TABLES)
    jobs = [
        {"kind": kind, "seed": given.first_seed + k} for kind in kinds for k in range(given.sets)
    ]
    results = run("complete_tables", searched, jobs, given)
    lines = []
    for kind in kinds:
        own = [each for each in results if each["kind"] == kind]
        source = TABLES[kind]()
        found = sorted({
            each.get("error", f"{each.get('found')} (order {each.get('order')})") for each in own
        })  # fmt: skip
        right = sum(each.get("right", False) and each["exact"] for each in own)
        lines.append([
            source.name, len(source.rows), source.dim, len(source.truth), "; ".join(found),
            f"{right} of {len(own)}", f"{median([each['seconds'] for each in own]):.1f}",
        ])  # fmt: skip
    header = ["table", "rows", "columns", "true order", "found", "right and exact",
              "seconds (median)"]  # fmt: skip
    publish("complete_tables", table(header, lines), results, given.out)


if __name__ == "__main__":
    main()
