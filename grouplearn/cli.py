"""The command line: its commands, and how errors become one line and an exit status.

Exit status: 0 success; 1 a law or check failed, such as a loss that is not finite; 2 bad usage or
input; 130 interrupted. torch, matplotlib and scikit-learn are imported by the commands, so that
help comes at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from grouplearn.errors import GrouplearnError, TrainingError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_INTERRUPTED = 130
# Typer brings click or, newer, a copy of it; this is the base of all usage errors in either.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: arguments after the program's name; those of the process when None.

    Returns:
        0, 1, 2 or 130, see the module.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    line = shlex.join(["grouplearn", *arguments])
    command = typer.main.get_command(app)
    try:
        # A command only parses and returns what to do; help and --version return a status.
        outcome: Callable[[str], int] | int | None = command.main(
            arguments or ["--help"], "grouplearn", standalone_mode=False
        )
        status = outcome(line) if callable(outcome) else outcome or 0
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except _USAGE_ERROR as problem:
        return _fail(_usage(problem, arguments), 2)
    except TrainingError as problem:
        return _fail(str(problem), 1)
    except GrouplearnError as problem:
        return _fail(str(problem), 2)
    except OSError as problem:
        return _fail(f"cannot read or write {problem.filename!r}: {problem.strerror}", 2)
    return _fail("interrupted", status) if status == _INTERRUPTED else status


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return status


def _usage(problem: Any, arguments: Sequence[str]) -> str:
    """One line for a usage error: what was wrong, what was given, and which names are known."""
    context, message = problem.ctx, problem.format_message().rstrip(".")
    options = getattr(getattr(problem, "param", None), "opts", ())
    for given, value in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, attached = given.partition("=")
        if name in options:
            message += f", got {attached or value!r}"
    command = getattr(context, "command", None)
    if hasattr(problem, "option_name") and command is not None:
        known = sorted(max(each.opts, key=len) for each in command.params)
    else:
        known = sorted(getattr(command, "commands", ()))
    path = getattr(context, "command_path", "grouplearn")
    remedy = f"known: {', '.join(known)}" if known else f"see {path} --help"
    return f"{path}: {message}; {remedy}"


def _show_version(wanted: bool) -> bool:
    if wanted:
        from grouplearn import __version__

        typer.echo(f"grouplearn {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find the symmetry group of data, learn how it acts, and check that it is a group."""


@app.command("learn")
def _learn(  # noqa: PLR0913, PLR0917
    transform: Annotated[
        str, typer.Option(help="The hidden action: quarter-turn, half-turn, flip, shift or blur.")
    ] = "quarter-turn",
    representation: Annotated[
        list[str] | None,
        typer.Option(
            help="dense (default), multiscale, toeplitz, skew, spectral or all; may be repeated."
        ),
    ] = None,
    order: Annotated[
        int | None,
        typer.Option(help="n of the group C_n; default: the transform's own order, 4 for blur."),
    ] = None,
    patch_size: Annotated[int, typer.Option(help="Side of the patches in pixels.")] = 5,
    patches: Annotated[int, typer.Option(help="Number of pairs to learn from.")] = 4096,
    data: Annotated[
        Path | None,
        typer.Option(
            help="IDX file of images, plain or gzip, or a folder with one; "
            "default: scikit-learn's sample photographs."
        ),
    ] = None,
    multiplicities: Annotated[
        str,
        typer.Option(
            help="Of the irreps in the spectral class: from-dense (counted on the eigenvalues of a "
            "dense fit to the same pairs), regular, or numbers such as 7,6,6."
        ),
    ] = "from-dense",
    invertibility: Annotated[
        float, typer.Option(metavar="MU", help="Weight of the invertibility loss.")
    ] = 1e-4,
    closure: Annotated[
        float, typer.Option(metavar="WEIGHT", help="Weight of the closure loss.")
    ] = 0.0,
    singular_values: Annotated[
        float, typer.Option(metavar="WEIGHT", help="Weight of the singular-value loss.")
    ] = 0.0,
    epochs: Annotated[int, typer.Option(help="Passes over the pairs.")] = 1000,
    learning_rate: Annotated[float, typer.Option(help="First learning rate.")] = 0.03,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Train on random batches of raw pairs of this size; default: all pairs at once, "
            "combined so that their inputs are orthonormal."
        ),
    ] = None,
    restarts: Annotated[
        int, typer.Option(help="Further random starts, as long as the pairs are not fitted.")
    ] = 4,
    seed: Annotated[int, typer.Option(help="Of patches, starts and batches.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; default: a new one below runs/.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Print nothing but errors.")] = False,
) -> Callable[[str], int]:
    """Learn a linear action from pairs of image patches, by backpropagation, and score it."""
    from grouplearn.commands.console import run_learn
    from grouplearn.commands.learn import REPRESENTATIONS, LearnOptions
    from grouplearn.training import Penalties, Schedule

    chosen = list(dict.fromkeys(representation or ["dense"]))
    options = LearnOptions(
        transform=transform,
        representations=REPRESENTATIONS if chosen == ["all"] else tuple(chosen),
        order=order,
        patch_size=patch_size,
        patches=patches,
        data=data,
        multiplicities=multiplicities,
        restarts=restarts,
        seed=seed,
        penalties=Penalties(invertibility, closure, singular_values),
        schedule=Schedule(epochs, learning_rate, batch_size, whiten=batch_size is None),
    )
    return lambda line: run_learn(
        options, out, command=line, overwrite=overwrite, as_json=as_json, quiet=quiet
    )


@app.command("discover")
def _discover(  # noqa: PLR0913, PLR0917
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...",
            help="A table of samples (.npy, .npz, .csv, .parquet), images (IDX, a folder with one, "
            "or .npy), FASTA or GenBank, a text of tokens, or built-in data: sky, digits, "
            "photographs, lambda, chloroplast, box-drawings. Several give one report.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(help="table, images, sequence or tokens; default: what the content says."),
    ] = None,
    action: Annotated[
        str, typer.Option(help="What may act: permutation, signed (permutation) or linear.")
    ] = "permutation",
    max_moment: Annotated[
        int,
        typer.Option(help="Highest moments that must agree: 2 proposes only, 3 and 4 certify."),
    ] = 3,
    level: Annotated[
        float, typer.Option(help="Probability at which a claim by chance is tolerated.")
    ] = 0.01,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN|FILE",
            help="Of a table: column of classes or values that the action must keep, or a file.",
        ),
    ] = None,
    blocks: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Of a table: column of integers; rows that depend on one another share a number.",
        ),
    ] = None,
    array: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which array of an .npz archive.")
    ] = None,
    patch_size: Annotated[int, typer.Option(help="Of images: side of the patches in pixels.")] = 5,
    window: Annotated[int, typer.Option(help="Of sequences: letters in a window.")] = 6,
    alphabet: Annotated[str, typer.Option(help="Of sequences: dna, rna or protein.")] = "dna",
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    time_budget: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="For each search, which then gives its best answer so far."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; default: a new one below runs/.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Print nothing but errors.")] = False,
) -> Callable[[str], int]:
    """Find the finite group that acts on data, and say whether it is real."""
    from grouplearn.commands.discover import DiscoverOptions
    from grouplearn.commands.discover_console import run_discover
    from grouplearn.commands.discover_data import Reading

    options = DiscoverOptions(
        data=tuple(data),
        reading=Reading(kind, array, labels, blocks, patch_size, window, alphabet),
        action=action,
        max_moment=max_moment,
        level=level,
        seed=seed,
        time_budget=time_budget,
    )
    return lambda line: run_discover(
        options, out, command=line, overwrite=overwrite, as_json=as_json, quiet=quiet
    )


@app.command("train")
def _train(  # noqa: PLR0913, PLR0917
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A folder of labelled images (IDX as of MNIST, CIFAR10's binary version or "
            "sprites, or a folder of pictures for each class), or digits, which is built in.",
        ),
    ],
    action: Annotated[
        str,
        typer.Option(
            help="auto chooses among the groups that the images propose, by short runs; discovered "
            "takes the one proposed, trained trains it further; random learns it from the labels; "
            "none; a known move such as quarter-turn, flip or square; or a file of an earlier run."
        ),
    ] = "auto",
    network: Annotated[
        str, typer.Option(help="lgcnn, plain (no group) or lgn (the published unfolded network).")
    ] = "lgcnn",
    objective: Annotated[
        str, typer.Option(help="classification, similarity, or reconstruction (lgn alone).")
    ] = "classification",
    parameters: Annotated[int, typer.Option(help="About how many; not for lgn.")] = 40_000,
    order: Annotated[int, typer.Option(help="n of C_n, for random and lgn.")] = 4,
    closure: Annotated[
        str, typer.Option(help="Of a trained or random action: exact, soft (a loss) or none.")
    ] = "none",
    invertibility: Annotated[
        float, typer.Option(metavar="MU", help="Weight of the invertibility loss.")
    ] = 1e-4,
    moments: Annotated[
        float, typer.Option(metavar="WEIGHT", help="Weight of the moment loss.")
    ] = 0.0,
    rotated: Annotated[
        bool, typer.Option(help="Turn each image by a random angle, as rotated MNIST does.")
    ] = False,
    classes: Annotated[
        str | None, typer.Option(metavar="0,1,...", help="Only these; default: all.")
    ] = None,
    shift: Annotated[
        int, typer.Option(help="Augment by random shifts of up to so many pixels.")
    ] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Images in a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="The largest, of AdamW.")] = 0.01,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 0.01,
    schedule: Annotated[
        str, typer.Option(help="Of the learning rate: one-cycle, halving or constant.")
    ] = "one-cycle",
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float64.")] = "float32",
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better score on a tenth of the images, which "
            "is held out; default: never."
        ),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or auto.")] = "cpu",
    seed: Annotated[int | None, typer.Option(help="Of every random choice; default: 0.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Take all options but --seed from config.json of a run, or one like it."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the cut-off run at --out.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; default: a new one below runs/.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option(help="Print nothing but errors.")] = False,
) -> Callable[[str], int]:
    """Train a network on labelled images, with a group from where you say, and test it."""
    from grouplearn.commands.options import numbers
    from grouplearn.commands.train_console import run_train
    from grouplearn.commands.train_kinds import (
        ActionOptions,
        TrainOptions,
        fit_options,
        read_config,
    )  # fmt: skip

    def options(line: str) -> TrainOptions:
        if config is not None:
            return read_config(line, config, data, seed)
        return TrainOptions(
            data=data, network=network, objective=objective, parameters=parameters, rotated=rotated,
            classes=None if classes is None else numbers("grouplearn train", "--classes", classes),
            shift=shift,
            action=ActionOptions(action, order, closure, invertibility, moments),
            fit=fit_options(
                epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
                weight_decay=weight_decay, schedule=schedule,
                precision=precision, patience=patience, accelerator=accelerator,
                seed=seed or 0,
            ),
        )  # fmt: skip

    return lambda line: run_train(
        options(line), out, command=line, overwrite=overwrite, resume=resume, as_json=as_json,
        quiet=quiet,
    )  # fmt: skip


@app.command("compare")
def _compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs of train.")
    ],
    out: Annotated[Path | None, typer.Option(help="An HTML page to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> Callable[[str], int]:
    """Compare trained networks: seeds put together, with intervals."""
    from grouplearn.commands.compare import run_compare

    return lambda _: run_compare(runs, out, as_json=as_json)


@app.command("export")
def _export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of train.")],
    to: Annotated[Path, typer.Option(help="The file: .onnx, or .pt2 for torch.export.")],
    size: Annotated[
        str | None,
        typer.Option(metavar="HxW", help="Height and width of images; default: as in the run."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Callable[[str], int]:
    """Export a trained network as a plain file, its filters computed once."""
    from grouplearn.commands.export import WHO, run_export
    from grouplearn.commands.options import numbers

    sides = None if size is None else numbers(WHO, "--size", size, separator="x", count=2)
    return lambda _: run_export(run, to, size=sides, overwrite=overwrite, as_json=as_json)
