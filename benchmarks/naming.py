"""How often describe names an operation right, and calls none what is none.

python benchmarks/naming.py [--sets 34]

Every third set of a kind has noise 0, 0.05 and 0.2, relative in Frobenius norm; every second has
a small random change of basis besides. Matrices without a name are normal or orthogonal ones.
"""

from __future__ import annotations

from collections import Counter

from _measure import publish, table
from _runs import Job, Result, parser, percent, run
from sources.named import KINDS, named

from grouplearn.domains.images import ImageDomain
from grouplearn.interpret import describe

NOISES = (0.0, 0.05, 0.2)


def said(job: Job) -> Result:
    """One matrix, and what it was called."""
    given = named(job["kind"], job["noise"], job["turned"], job["seed"])
    found = describe(given.matrix, ImageDomain(given.size))
    name = found.name or "none"
    right = name == "none" if job["kind"] == "none" else name.startswith(given.words)
    return {"name": name, "right": right, "similarity": found.similarity,
            "says": f"{name}{'' if right else ', WRONG'}"}  # fmt: skip


def jobs_for(kinds: list[str], sets: int, first: int) -> list[Job]:
    """As many of each kind, three times as many without a name."""
    return [
        {"kind": kind, "noise": 0.0 if kind == "none" else NOISES[k % 3], "turned": k % 2 == 1,
         "seed": first + 1000 * number + k}
        for number, kind in enumerate(kinds)
        for k in range(3 * sets if kind == "none" else sets)
    ]  # fmt: skip


def main() -> None:
    """Measure and publish."""
    options = parser(__doc__, [*KINDS, "none"], sets=34)
    given = options.parse_args()
    kinds = given.kinds or [*KINDS, "none"]
    results = run("naming", said, jobs_for(kinds, given.sets, given.first_seed), given)
    lines = []
    for kind in kinds:
        mine = [each for each in results if each["kind"] == kind]
        cells = [_share([e for e in mine if e["noise"] == noise]) for noise in NOISES]
        wrong = Counter(each["name"] for each in mine if not each["right"])
        others = ", ".join(f"{name} ({count})" for name, count in wrong.items())
        lines.append([kind, len(mine), *cells, others or "-"])
    quiet = [e for e in results if e["kind"] != "none" and e["noise"] <= 0.05]
    none = [e for e in results if e["kind"] == "none"]
    text = table(["operation", "matrices", "noise 0", "0.05", "0.2", "called instead"], lines)
    text += f"\n\nNamed right at noise up to 0.05: {_share(quiet)}."
    text += f" Random matrices called none of these: {_share(none)}."
    publish("naming", text, results, given.out)


def _share(results: list[Result]) -> str:
    return percent(sum(each["right"] for each in results), len(results)) if results else "-"


if __name__ == "__main__":
    main()
