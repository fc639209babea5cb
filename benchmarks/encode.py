"""Ten transcription factors of ENCODE: what a network gains from the symmetry of both strands.

python benchmarks/encode.py --data FOLDER [--training 1000] [--sets 3] [--kinds plain ...]

Bound sequences of the part AC train, each with a dinucleotide shuffle of its own; the part B, of
500 bound sequences and 500 shuffles for each factor, judges. All arms have one recipe and about as
many parameters. The group is discovered from the bound sequences, without labels. The network with
functions on the group, given the reverse complement, is that of the discovered group wherever that
is the same, to the last bit; it is trained apart only where it is not. Recipes were chosen on a
fifth of AC that was held out, with seeds from 900 on. Seconds are of the processor, not of a clock.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import _encode as encode
from _measure import publish, table
from _runs import Job, Result, parser, run

from grouplearn.training import seeds_interval

ARMS = ("plain", "augmented", "regular", "mixed")
ROWS = {
    "plain": "plain",
    "augmented": "plain, random strands",
    "conjoined": "plain, random strands, averaged over both after training",
    "given": "reverse complement given, functions on the group",
    "regular": "group discovered, functions on the group",
    "mixed": "group discovered, functions and signs",
}
POINT = 100
Scores = dict[str, dict[str, list[float]]]


def tested(job: Job) -> Result:
    """One network."""
    return encode.run_arm(Path(job["data"]), job)


def of_rows(results: Sequence[Result]) -> Scores:
    """The areas under the curve of each row of the table, by factor, in the order of the seeds."""
    found: Scores = {row: {} for row in ROWS}
    for each in results:
        rows = {each["arm"]: each["auroc"]}
        if each["arm"] == "augmented":
            rows["conjoined"] = each["conjoined"]["auroc"]
        if each["arm"] == "regular" and each["moves"] == [encode.STRANDS]:
            rows["given"] = each["auroc"]
        for row, area in rows.items():
            found[row].setdefault(each["factor"], []).append(area)
    return {row: areas for row, areas in found.items() if areas}


def number(values: Sequence[float]) -> str:
    """Mean of values and half the width of its interval of 95 %, in points."""
    mean, half = seeds_interval(values)
    shown = f"{POINT * mean:.2f}"
    return shown if half != half else f"{shown} ± {POINT * half:.2f}"  # noqa: PLR0124 (NaN)


def means(areas: dict[str, list[float]]) -> dict[str, float]:
    """The mean over the seeds, for each factor."""
    return {factor: fmean(each) for factor, each in areas.items()}


def summary(scores: Scores, results: Sequence[Result]) -> str:
    """Mean over the factors, and paired differences from two rows, over the factors."""
    lines = []
    for row, areas in scores.items():
        own = means(areas)
        gaps = []
        for other in ("plain", "conjoined"):
            known = means(scores.get(other, {}))
            both = [factor for factor in own if factor in known]
            gaps.append("" if row == other or not both else number(
                [own[factor] - known[factor] for factor in both]
            ))  # fmt: skip
        arm = {"conjoined": "augmented", "given": "regular"}.get(row, row)
        trained = [each for each in results if each["arm"] == arm]
        strands = [
            (each["conjoined"] if row == "conjoined" else each)["strand_gap"] for each in trained
        ]
        lines.append([
            ROWS[row], f"{trained[0]['parameters']:,}", number(list(own.values())), *gaps,
            f"{max(strands):.0e}", f"{fmean(each['cpu_seconds'] for each in trained):.0f}",
        ])  # fmt: skip
    header = ["network", "parameters", "AUROC, % (over factors)", "minus plain",
              "minus averaged", "strands apart, at most", "seconds"]  # fmt: skip
    return table(header, lines)


def by_factor(scores: Scores, results: Sequence[Result]) -> str:
    """Mean over the seeds, for each factor."""
    factors = sorted({each["factor"] for each in results})
    lines = []
    for factor in factors:
        own = [each for each in results if each["factor"] == factor]
        groups = sorted({", ".join(each["moves"]) or "none" for each in own if "moves" in each})
        areas = [number(scores[row][factor]) if factor in scores[row] else "" for row in scores]
        lines.append([factor, f"{own[0]['train']:,}", "; ".join(groups), *areas])
    return table(["factor", "sequences", "discovered", *scores], lines)


def main() -> None:
    """Run what is missing, and write the tables."""
    options = parser(__doc__, ARMS, sets=3)
    options.set_defaults(first_seed=0)
    options.add_argument("--data", type=Path, default=os.environ.get("GROUPLEARN_DATA"))
    options.add_argument("--training", default="1000", help="sequences to train on, or all")
    options.add_argument("--factors", nargs="+")
    given = options.parse_args()
    if given.data is None:
        options.error("name the folder of data by --data or GROUPLEARN_DATA")
    data = Path(given.data)
    count = None if given.training == "all" else int(given.training)
    shared = {"data": str(data.resolve()), "training": count, "judge": "B"}
    jobs = [
        {**shared, "factor": factor, "seed": given.first_seed + k, "arm": arm}
        for k in range(given.sets) for factor in given.factors or encode.factors(data)
        for arm in given.kinds or ARMS
    ]  # fmt: skip
    name = f"encode-{given.training}"
    results = run(name, tested, jobs, given)
    apart = [
        {**shared, "factor": each["factor"], "seed": each["seed"], "arm": "given"}
        for each in results if each["arm"] == "regular" and each["moves"] != [encode.STRANDS]
    ]  # fmt: skip
    results += run(name, tested, apart, given)
    for each in results:
        del each["data"]
    scores = of_rows(results)
    publish(name, f"{summary(scores, results)}\n\n{by_factor(scores, results)}", results, given.out)


if __name__ == "__main__":
    main()
