"""What is found and suggested on each split of SCAN, and what is believed of shuffled corpora.

python benchmarks/scan_discovery.py --data FOLDER [--sets 100] [--out benchmarks/results]

For each split (FOLDER/scan): the claimed group from the training samples alone, the hypotheses, and
what a validation split accepts: 1 % of the test samples, drawn with seed 0. Shuffled corpora are
2,000 samples of all commands in which outputs are dealt to other inputs, or in which the words of
all inputs are dealt to other places: no exchange moves inputs and outputs together there.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from _measure import publish, table
from _runs import Job, Result, parser, percent, run

from grouplearn.discovery import Discovery
from grouplearn.domains.corpora import corpus_of_file
from grouplearn.domains.tokens import TokenDomain

SPLITS = {
    "all commands": ("tasks.txt.gz", ""),
    "simple": ("simple_split/tasks_{}_simple.txt.gz", "test"),
    "length": ("length_split/tasks_{}_length.txt.gz", "test"),
    "add-jump": ("add_prim_split/tasks_{}_addprim_jump.txt.gz", "test"),
    "add-turn-left": ("add_prim_split/tasks_{}_addprim_turn_left.txt.gz", "test"),
    "around-right": ("template_split/tasks_{}_template_around_right.txt.gz", "test"),
    "jump-around-right": ("template_split/tasks_{}_template_jump_around_right.txt.gz", "test"),
    "opposite-right": ("template_split/tasks_{}_template_opposite_right.txt.gz", "test"),
    "right": ("template_split/tasks_{}_template_right.txt.gz", "test"),
    **{f"filler {k}": (f"filler_split/tasks_{{}}_filler_num{k}.txt.gz", "test") for k in range(4)},
}
SHUFFLES = ("outputs dealt to other inputs", "words of inputs dealt to other places")
_SAMPLES, _SHARE = 2000, 0.01


def pairs_of(file: Path) -> list[tuple[list[str], list[str]]]:
    """The commands and actions of a file."""
    return [(list(words), list(said)) for words, said in corpus_of_file(file).read()]


def split(job: Job) -> Result:
    """What one training split shows, suggests, and what a part of its test split accepts."""
    folder, (name, held_out) = Path(job["data"]) / "scan", SPLITS[job["kind"]]
    start = time.perf_counter()
    domain = TokenDomain.from_file(folder / name.format("train"))
    found = domain.discover()
    seconds = time.perf_counter() - start
    accepted = found
    if held_out and found.hypotheses:
        pairs = pairs_of(folder / name.format(held_out))
        few = random.Random(0).sample(pairs, max(1, round(_SHARE * len(pairs))))
        accepted = domain.accept(found, few)
    return {
        "says": found.summary(), "group": found.group.name, "order": found.group.order,
        "orbits": orbits(domain, found), "seconds_to_find": seconds,
        "hypotheses": [f"{each.move.split(',')[0]} ({each.name})" for each in found.hypotheses],
        "accepted": accepted.group.name if accepted is not found else "",
        "note": accepted.notes[-1] if accepted is not found else "",
    }  # fmt: skip


def orbits(domain: TokenDomain, found: Discovery) -> str:
    """The words of the commands that the group exchanges."""
    members, seen, said = found.members.numpy(), set(), []
    for k, name in enumerate(domain.vocabulary):
        orbit = sorted(set(members[:, k].tolist()))
        if name.startswith("in:") and k not in seen and len(orbit) > 1:
            said.append("/".join(domain.vocabulary[i].removeprefix("in:") for i in orbit))
        seen.update(orbit)
    return ", ".join(said)


def shuffled(job: Job) -> Result:
    """What is claimed and suggested in a shuffled corpus."""
    rng = random.Random(job["seed"])
    pairs = rng.sample(pairs_of(Path(job["data"]) / "scan" / SPLITS["all commands"][0]), _SAMPLES)
    inputs, outputs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if job["kind"] == SHUFFLES[0]:
        rng.shuffle(outputs)
    else:
        words = [word for each in inputs for word in each]
        rng.shuffle(words)
        dealt = iter(words)
        inputs = [[next(dealt) for _ in each] for each in inputs]
    domain = TokenDomain.from_pairs(inputs, outputs)
    found, known = domain.discover(), domain.exchanges()
    return {
        "says": found.group.name, "claims": int(found.found), "weighed": known.weighed,
        "holding": len(known.holding), "hypotheses": len(found.hypotheses),
    }  # fmt: skip


def task(job: Job) -> Result:
    """One split, or one shuffled corpus."""
    return shuffled(job) if job["kind"] in SHUFFLES else split(job)


def _tables(results: list[dict[str, Any]]) -> str:
    rows = [
        [one["kind"], f"{one['group']} (order {one['order']})", one["orbits"] or "-",
         "; ".join(one["hypotheses"]) or "none", one["accepted"] or "-",
         f"{one['seconds_to_find']:.1f}"]
        for one in results if one["kind"] in SPLITS
    ]  # fmt: skip
    head = ["training split", "claimed", "exchangeable", "suggested, not shown",
            "accepted by 1 % of the test split", "seconds"]  # fmt: skip
    lines = [table(head, rows)]
    rows = []
    for kind in SHUFFLES:
        every = [one for one in results if one["kind"] == kind]
        weighed = sum(one["weighed"] for one in every)
        rows.append([
            kind, len(every), percent(sum(one["claims"] for one in every), len(every)), weighed,
            percent(sum(one["holding"] for one in every), weighed),
            percent(sum(one["hypotheses"] > 0 for one in every), len(every)),
        ])  # fmt: skip
    head = ["shuffled corpora", "sets", "sets with a claim", "exchanges weighed", "that hold",
            "sets with a hypothesis"]  # fmt: skip
    return "\n\n".join([*lines, table(head, rows)])


def main() -> None:
    """Measure and publish."""
    options_parser = parser(__doc__, [*SPLITS, *SHUFFLES], 100)
    options_parser.add_argument("--data", type=Path, required=True)
    options = options_parser.parse_args()
    kinds = options.kinds or [*SPLITS, *SHUFFLES]
    jobs = [{"kind": kind, "data": str(options.data)} for kind in kinds if kind in SPLITS]
    jobs += [
        {"kind": kind, "data": str(options.data), "seed": options.first_seed + k}
        for kind in kinds if kind in SHUFFLES for k in range(options.sets)
    ]  # fmt: skip
    results = run("scan_discovery", task, jobs, options)
    for each in results:
        each.pop("data", None)
    publish("scan_discovery", _tables(results), results, options.out)


if __name__ == "__main__":
    main()
