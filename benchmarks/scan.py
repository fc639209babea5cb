"""SCAN: a network that knows the group found on each split, its plain twin, and augmentation.

python benchmarks/scan.py --data FOLDER [--kinds add-jump around-right simple] [--seeds 0 1 2 3 4]
    [--models kinds plain augmented] [--steps 5000] [--out benchmarks/results] [--no-more]

On each split the group is found in the training samples alone, and the hypotheses are accepted: by
the user, as LexSym is told its lexicon. Networks are trained on the same samples in as many steps.
Two commute with the group (`SlotTranslator`): the layers of one see kinds of words alone, those of
the other also which places hold the same word. Two are plain, with slightly more parameters: one
is trained as it is, one with the tokens of each pair exchanged by a random element, as LexSym does.
Whoever knows the group draws all kinds of commands as often as one another (`Slots.balance`).
The score is the share of test commands whose actions come out token by token.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import torch
from _measure import publish, table
from _runs import Job, Result, parser, run
from scan_discovery import SPLITS, pairs_of

from grouplearn.domains.token_numbers import PairNumbers
from grouplearn.domains.tokens import TokenDomain
from grouplearn.models.translators import RecurrentTranslator, SlotTranslator, Translator
from grouplearn.training.translation import TranslationOptions, exact_match, fit_translation

MODELS = ("kinds", "names", "plain", "augmented")
DEFAULT = ("kinds", "plain", "augmented")
HEADS = {"kinds": "commutes", "names": "commutes, sees names"}
RATE, DROPOUT = 4e-3, 0.1
# The pointer of the symmetric network has parameters of its own: the others are wider instead.
WIDTHS = {"kinds": 64, "names": 64, "plain": 66, "augmented": 66}
# Mean over 5 seeds (Akyurek and Andreas 2023, LexSym, table 1): a plain LSTM, and with LexSym.
PUBLISHED = {"add-jump": (0.41, 100.00), "around-right": (8.65, 99.51)}


def task(job: Job) -> Result:
    """Train one network on one split, and score it."""
    folder, (name, held_out) = Path(job["data"]) / "scan", SPLITS[job["kind"]]
    train, test = (pairs_of(folder / name.format(each)) for each in ("train", held_out))
    domain = TokenDomain.from_pairs([x for x, _ in train], [y for _, y in train])
    found = domain.discover()
    whole = found.accept(*found.hypotheses)
    numbers = PairNumbers.of([*train, *test])
    slots = numbers.slots(domain, whole)
    torch.manual_seed(job["seed"])
    network: Translator = RecurrentTranslator(
        len(numbers.inputs), len(numbers.outputs), WIDTHS[job["model"]], DROPOUT
    )
    if job["model"] in ("kinds", "names"):
        network = SlotTranslator(network, slots, tells_apart=job["model"] == "names")
    inputs, outputs = numbers.read(x for x, _ in train), numbers.outputs_of(y for _, y in train)
    options = TranslationOptions(steps=job["steps"], learning_rate=RATE, seed=job["seed"])
    losses = fit_translation(
        network, inputs, outputs, options,
        augmentation=slots if job["model"] == "augmented" else None,
        weights=None if job["model"] == "plain" else slots.balance(inputs),
    )  # fmt: skip
    right = exact_match(
        network, numbers.read(x for x, _ in test), numbers.outputs_of(y for _, y in test)
    )
    return {
        "says": f"{100 * right:.2f} %", "accuracy": 100 * right, "loss": losses[-1],
        "claimed": found.group.name, "used": whole.group.name,
        "hypotheses": [each.move for each in found.hypotheses],
        "parameters": sum(each.numel() for each in network.parameters()),
    }  # fmt: skip


def _row(kind: str, results: list[dict[str, Any]], models: list[str]) -> list[str]:
    mine = [one for one in results if one["kind"] == kind and "accuracy" in one]
    cells = [kind, mine[0]["claimed"] if mine else "-", mine[0]["used"] if mine else "-"]
    for model in models:
        scores = [one["accuracy"] for one in mine if one["model"] == model]
        spread = f" ({min(scores):.2f} to {max(scores):.2f}, {len(scores)})" if scores else ""
        cells.append(f"{statistics.mean(scores):.2f}{spread}" if scores else "-")
    plain, lexsym = PUBLISHED.get(kind, (None, None))
    return [*cells, "-" if plain is None else f"{plain:.2f}, {lexsym:.2f}"]


def main() -> None:
    """Measure and publish."""
    splits = [kind for kind, (_, held_out) in SPLITS.items() if held_out]
    first = ["add-jump", "around-right", "simple"]
    options_parser = parser(__doc__, splits, 0)
    options_parser.add_argument("--data", type=Path, required=True)
    options_parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options_parser.add_argument("--models", nargs="+", choices=MODELS, default=list(DEFAULT))
    options_parser.add_argument("--steps", type=int, default=5000)
    options = options_parser.parse_args()
    kinds = options.kinds or [*first, *(kind for kind in splits if kind not in first)]
    jobs = [
        {"kind": kind, "model": model, "seed": seed, "steps": options.steps,
         "data": str(options.data)}
        for kind in kinds for seed in options.seeds for model in options.models
    ]  # fmt: skip
    results = run("scan", task, jobs, options)
    failed = [one for one in results if "error" in one]
    models = [HEADS.get(model, model) for model in options.models]
    head = ["split", "claimed", "with hypotheses", *models, "LSTM, LexSym (published)"]
    rows = [_row(kind, results, options.models) for kind in kinds]
    seconds = sum(one["seconds"] for one in results)
    text = table(head, rows) + (
        "\n\n% of commands right: mean (least to greatest, number of seeds); "
        f"{options.steps} steps; {seconds / 60:.0f} minutes in all, one run at a time"
        + "".join(f"\n\nFailed: {one['kind']}, {one['model']}: {one['error']}" for one in failed)
    )
    for each in results:
        each.pop("data", None)
    publish("scan", text, results, options.out)


if __name__ == "__main__":
    main()
