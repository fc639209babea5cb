"""LieFlow's setting: an irregular object turned by a point group, in a random basis.

python benchmarks/point_groups.py [--sets 10] [--rows 5000] [--noise 0.02]

Distances are ||A - B||_F / sqrt(d) in the planted orthonormal frame: the largest (Hausdorff), and
the mean of the best transport between uniform distributions over the two sets (Wasserstein, the
one that LieFlow prints). A random basis is known only as well as the rows tell, and that is what is
left where the action is right: `same action` compares the members up to a change of basis.
"""

from __future__ import annotations

import numpy as np
from _claims import claimed, hausdorff, root, same_action, wasserstein
from _measure import median, publish, table
from _runs import Job, Result, parser, run
from sources.base import as_matrices, drawn
from sources.objects import GROUPS, maker

THEIRS = {"C4": "0.054", "T": "0.066", "I": "0.104"}


def found(job: Job) -> Result:
    """One object."""
    source = drawn(
        {job["kind"]: maker(job["kind"], job["noise"], job["mixed"])},
        job["kind"], job["seed"], job["rows"],
    )  # fmt: skip
    discovery, result = claimed(source, seed=job["seed"])
    sets = as_matrices(discovery.members.numpy()), as_matrices(source.truth)
    frame = root(source)
    return {
        **result, "hausdorff": hausdorff(*sets, frame), "wasserstein": wasserstein(*sets, frame),
        "hausdorff_in_data": hausdorff(*sets, np.eye(len(frame))),
        "same_action": same_action(*sets),
    }  # fmt: skip


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, GROUPS, sets=10, rows=(5000,))
    options.add_argument("--noise", type=float, default=0.02)
    options.add_argument("--orthonormal", action="store_true", help="the basis, as in LieFlow")
    given = options.parse_args()
    kinds = given.kinds or list(GROUPS)
    jobs = [
        {"kind": kind, "seed": given.first_seed + k, "rows": rows, "noise": given.noise,
         "mixed": not given.orthonormal}
        for kind in kinds for rows in given.rows for k in range(given.sets)
    ]  # fmt: skip
    results = run("point_groups", found, jobs, given)
    lines = []
    for kind in kinds:
        own = [each for each in results if each["kind"] == kind]
        judged = [each for each in own if "error" not in each]
        right = [each for each in judged if each["right"]]
        farthest = [f"{max(each[key] for each in right):.4f}" if right else "-"
                    for key in ("hausdorff", "wasserstein")]  # fmt: skip
        names = sorted({each["found"] for each in judged})
        lines.append([
            kind, f"{len(right)} of {len(own)}", ", ".join(names) or "-",
            f"{sum(each['same_action'] for each in judged)} of {len(own)}", *farthest,
            THEIRS.get(kind, "-"), f"{median([each['seconds'] for each in own]):.1f}",
            f"{max(each['seconds'] for each in own):.1f}",
        ])  # fmt: skip
    header = [
        "planted", "right", "found", "same action", "Hausdorff (most, of right)",
        "Wasserstein (most, of right)", "LieFlow's Wasserstein", "seconds (median)", "(most)",
    ]  # fmt: skip
    publish("point_groups", table(header, lines), results, given.out)


if __name__ == "__main__":
    main()
