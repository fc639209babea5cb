"""Command lines about data: what `learn`, `discover` and `test` take, and how it is typed.

Each function parses and returns what to do, which takes the whole line; it imports the command
itself, so that help comes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

_DATA = (
    "A table of samples (.npy, .npz, .csv, .parquet), images (IDX, CIFAR, .npy, .npz, a picture, "
    "or a folder of these), FASTA, FASTQ, GenBank or EMBL, a text of tokens or of pairs of texts, "
    "a folder of source code, - for standard input, or built-in data: sky, digits, photographs, "
    "lambda, chloroplast, box-drawings."
)
Kind = Annotated[
    str | None,
    typer.Option(
        help="table, images, sequence or tokens, or a kind that another package brings; default: "
        "what the content says."
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|FILE",
        help="Of a table: column of classes, also in words, or of values that the action must "
        "keep; or a file of one column, or an array of the same .npz.",
    ),
]
Blocks = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Of a table: column of integers; rows that depend on one another share a number.",
    ),
]
Array = Annotated[str | None, typer.Option(metavar="NAME", help="Which array of an .npz archive.")]
Columns = Annotated[
    str | None,
    typer.Option(metavar="NAME,...", help="Of a table: the only columns to read; default: all."),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Of a text table: the first line names the columns, or is a sample; default: what it "
        "holds says.",
    ),
]
IndexColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Of a table: column to leave out; default: the index of pandas."
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(metavar=".|,", help="Of a text table: the decimal point; default: what is there."),
]
Standardise = Annotated[
    bool,
    typer.Option(
        "--standardise", help="Of a table: bring columns to mean 0 and standard deviation 1."
    ),
]
PatchSize = Annotated[int, typer.Option(help="Of images: side of the patches in pixels.")]
AxesOption = Annotated[
    str | None,
    typer.Option(
        metavar="NCHW|NHWC|...",
        help="Of an array of images: a letter for each axis, images N, channels C, rows H and "
        "columns W; default: NCHW or NHW.",
    ),
]
Window = Annotated[int, typer.Option(help="Of sequences: letters in a window.")]
AlphabetName = Annotated[str, typer.Option(help="Of sequences: dna, rna or protein.")]
Seed = Annotated[int, typer.Option(help="Of every random choice.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default: a new one below runs/.")]
Overwrite = Annotated[bool, typer.Option(help="Replace an earlier run at --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the results as JSON.")]
Quiet = Annotated[bool, typer.Option(help="Print nothing but errors.")]


def learn(  # noqa: PLR0913, PLR0917
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
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
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


def discover(  # noqa: PLR0913, PLR0917
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...",
            help=f"{_DATA} Several give one report.",
        ),
    ],
    kind: Kind = None,
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
    labels: Labels = None,
    blocks: Blocks = None,
    array: Array = None,
    columns: Columns = None,
    header: Header = None,
    index_column: IndexColumn = None,
    decimal: Decimal = None,
    standardise: Standardise = False,
    patch_size: PatchSize = 5,
    axes: AxesOption = None,
    window: Window = 6,
    alphabet: AlphabetName = "dna",
    seed: Seed = 0,
    time_budget: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="For each search, which then gives its best answer so far."
        ),
    ] = None,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> Callable[[str], int]:
    """Find the finite group that acts on data, and say whether it is real."""
    from grouplearn.commands.discover import DiscoverOptions
    from grouplearn.commands.discover_console import run_discover
    from grouplearn.commands.discover_data import Reading

    options = DiscoverOptions(
        data=tuple(data),
        reading=Reading(
            kind=kind,
            array=array,
            labels=labels,
            blocks=blocks,
            columns=columns,
            header=header,
            index_column=index_column,
            decimal=decimal,
            standardise=standardise,
            patch_size=patch_size,
            axes=axes,
            window=window,
            alphabet=alphabet,
        ),
        action=action,
        max_moment=max_moment,
        level=level,
        seed=seed,
        time_budget=time_budget,
    )
    return lambda line: run_discover(
        options, out, command=line, overwrite=overwrite, as_json=as_json, quiet=quiet
    )


def invariance(  # noqa: PLR0913, PLR0917
    data: Annotated[str, typer.Argument(metavar="DATA", help=_DATA)],
    action: Annotated[
        str,
        typer.Option(
            metavar="NAME|PERMUTATION|FILE",
            help="A known action: of images quarter-turn, half-turn, flip, transpose and others, "
            "of sequences reverse, complement and reverse-complement; or where each coordinate "
            "moves, such as 1,2,0; or a file: a saved representation (.safetensors) or a matrix "
            "(.npy), a power of which is the identity.",
        ),
    ],
    kind: Kind = None,
    level: Annotated[
        float, typer.Option(help="Probability at which a true symmetry is rejected.")
    ] = 0.05,
    draws: Annotated[int, typer.Option(help="Of the randomisation.")] = 999,
    labels: Labels = None,
    blocks: Blocks = None,
    array: Array = None,
    columns: Columns = None,
    header: Header = None,
    index_column: IndexColumn = None,
    decimal: Decimal = None,
    standardise: Standardise = False,
    patch_size: PatchSize = 5,
    axes: AxesOption = None,
    window: Window = 6,
    alphabet: AlphabetName = "dna",
    seed: Seed = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> Callable[[str], int]:
    """Test whether an action that you name is a symmetry of data: exit status 1 if it is not."""
    from grouplearn.commands.discover_data import Reading
    from grouplearn.commands.invariance import InvarianceOptions
    from grouplearn.commands.invariance_console import run_test

    options = InvarianceOptions(
        data=data,
        action=action,
        reading=Reading(
            kind=kind,
            array=array,
            labels=labels,
            blocks=blocks,
            columns=columns,
            header=header,
            index_column=index_column,
            decimal=decimal,
            standardise=standardise,
            patch_size=patch_size,
            axes=axes,
            window=window,
            alphabet=alphabet,
        ),
        level=level,
        draws=draws,
        seed=seed,
    )
    return lambda line: run_test(
        options, out, command=line, overwrite=overwrite, as_json=as_json, quiet=quiet
    )


def inspect(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="WHAT",
            help="Folder of a run of discover, learn or train; a file of an action, a finding or a "
            "network; or a .npy of one (d, d) matrix or several (m, d, d).",
        ),
    ],
    patch_size: Annotated[
        int | None,
        typer.Option(help="Of actions on patches: their side in pixels; default: as the run says."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="An HTML page to write.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the page.")] = False,
    as_json: AsJson = False,
) -> Callable[[str], int]:
    """Say what an action does: its nearest operation, its order, its structure."""
    from grouplearn.commands.inspect import run_inspect

    return lambda line: run_inspect(
        what, out, command=line, patch_size=patch_size, overwrite=overwrite, as_json=as_json
    )
