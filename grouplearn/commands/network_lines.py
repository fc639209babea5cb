"""Command lines about networks: what each command takes, and how it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer


def train(  # noqa: PLR0913, PLR0917
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...",
            help="Labelled images: a folder (IDX as of MNIST, CIFAR's binary version or sprites, "
            "or a folder of pictures for each class), a file of images in IDX with its labels "
            "beside it, an .npz with x_train and y_train, or digits, which is built in. Or "
            "sequences: a FASTA file for each class, the positives first; or one, with --labels or "
            "--negatives; or a table of sequences and classes. Or a text of pairs of token "
            "sequences: lines IN: ... OUT: ..., with a tab between, or of JSON.",
        ),
    ],
    kind: Annotated[
        str | None, typer.Option(help="images, sequence or tokens; default: what the content says.")
    ] = None,
    action: Annotated[
        str,
        typer.Option(
            help="auto chooses among the groups that the data propose, by short runs; discovered "
            "takes the one proposed, trained trains it further; random learns it from the labels; "
            "none; a known move such as quarter-turn, flip or square, of sequences reverse, "
            "complement or reverse-complement; or a file of an earlier run."
        ),
    ] = "auto",
    network: Annotated[
        str,
        typer.Option(
            help="lgcnn, of sequences and tokens a network of their own; plain (no group); or lgn "
            "(the published unfolded network)."
        ),
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
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|COLUMN",
            help="Of sequences: a table of names and classes; or, of a table of sequences, the "
            "name or number of its column of classes.",
        ),
    ] = None,
    negatives: Annotated[
        str | None,
        typer.Option(
            help="Of sequences of one class: shuffled makes another of them, in which each pair of "
            "neighbouring letters is as frequent as before."
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="Of two classes of sequences: the one that is looked for, of which AUROC and "
            "AUPRC speak; default: the first file's, or the last by name.",
        ),
    ] = None,
    alphabet: Annotated[str, typer.Option(help="Of sequences: dna, rna or protein.")] = "dna",
    length: Annotated[
        int | None,
        typer.Option(
            help="Of sequences: cut or pad them to so many letters about their middle; default: "
            "all have one length."
        ),
    ] = None,
    ambiguous: Annotated[
        str,
        typer.Option(
            help="Of sequences: what becomes of one with letters such as N, or gaps: refuse, blank "
            "(at these places) or drop."
        ),
    ] = "refuse",
    blocks: Annotated[
        int, typer.Option(help="Of sequences: blocks of layers, each seeing twice as far.")
    ] = 0,
    signs: Annotated[
        float, typer.Option(help="Of sequences: share of channels that change sign.")
    ] = 0.25,
    aligned: Annotated[
        bool,
        typer.Option(
            help="Of sequences: places mean the same in all, as about a splice site; tell them "
            "apart."
        ),
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="all|TOKEN",
            help="Of tokens: accept a hypothesis, all of them or the one that moves a "
            "token; may be repeated.",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Of tokens: pairs to test with; default: a fifth of the inputs, held out.",
        ),
    ] = None,
    translator: Annotated[
        str, typer.Option(help="Of tokens: the encoder-decoder, recurrent or transformer.")
    ] = "recurrent",
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the training samples; default: 10, of tokens what makes 2,000 steps."
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Samples in a step; default: 128, of tokens 64.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="The largest, of AdamW; default: 0.01, of tokens 0.004."),
    ] = None,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 0.01,
    schedule: Annotated[
        str, typer.Option(help="Of the learning rate: one-cycle, halving or constant.")
    ] = "one-cycle",
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float64.")] = "float32",
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better score on a tenth of the samples, "
            "which is held out; default: never."
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
    """Train a network on labelled images, sequences or pairs of token sequences, and test it."""
    from grouplearn.commands.options import numbers
    from grouplearn.commands.train_config import read_config
    from grouplearn.commands.train_console import run_train
    from grouplearn.commands.train_data import kind_of
    from grouplearn.commands.train_kinds import ActionOptions as Acting
    from grouplearn.commands.train_kinds import SequenceOptions, TrainOptions, fit_options
    from grouplearn.commands.train_token_options import TokenOptions, check_line
    from grouplearn.commands.train_tokens_console import run_train_tokens

    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
             "weight_decay": weight_decay, "seed": seed or 0}  # fmt: skip
    typed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

    def options(line: str) -> TrainOptions | TokenOptions:
        if config is not None:
            return read_config(line, config, data, seed)
        sequences = SequenceOptions(
            tuple(data[1:]), negatives, labels, positive, alphabet, length, ambiguous, blocks,
            signs, aligned,
        )  # fmt: skip
        found, accepted = kind_of(data[0], kind, sequences), tuple(accept or ())
        if found == "tokens":
            sides = network, translator, accepted, test, parameters
            return TokenOptions(data[0], found, *sides, **typed)
        return TrainOptions(
            data=data[0], kind=found, sequences=sequences,
            network=network, objective=objective, parameters=parameters, rotated=rotated,
            classes=None if classes is None else numbers("grouplearn train", "--classes", classes),
            shift=shift,
            action=Acting(action, order, closure, invertibility, moments),
            fit=fit_options(
                schedule=schedule, precision=precision, patience=patience, accelerator=accelerator,
                **typed,
            ),
        )  # fmt: skip

    def run(line: str) -> int:
        asked = options(line)
        check_line(line, asked.kind, data)
        told: dict[str, Any] = {
            "command": line, "overwrite": overwrite, "as_json": as_json, "quiet": quiet
        }  # fmt: skip
        if isinstance(asked, TokenOptions):
            return run_train_tokens(asked, out, **told)
        return run_train(asked, out, resume=resume, **told)

    return run


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs of train.")
    ],
    out: Annotated[Path | None, typer.Option(help="An HTML page to write.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the page.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> Callable[[str], int]:
    """Compare trained networks: seeds put together, with intervals."""
    from grouplearn.commands.compare import run_compare

    return lambda _: run_compare(runs, out, overwrite=overwrite, as_json=as_json)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of train.")],
    to: Annotated[Path, typer.Option(help="The file: .onnx, or .pt2 for torch.export.")],
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW|L",
            help="Height and width of images, or length of sequences; default: as in the run.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Callable[[str], int]:
    """Export a trained network as a plain file, its filters computed once."""
    from grouplearn.commands.export import WHO, run_export
    from grouplearn.commands.options import numbers

    count = 1 if size is not None and size.isdecimal() else 2
    sides = None if size is None else numbers(WHO, "--size", size, separator="x", count=count)
    return lambda _: run_export(run, to, size=sides, overwrite=overwrite, as_json=as_json)


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of train.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Images of the size of the run's: a picture, a folder of pictures, a .npy, an "
            ".npz, IDX or a batch of CIFAR; - for standard input; or digits, which is built in. "
            "For a run on sequences: FASTA, FASTQ, GenBank, EMBL or bare letters. For one on "
            "tokens: a text of inputs, one on each line, or of pairs, whose inputs are read.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="A CSV file to write; default: print the table.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of CSV.")] = False,
) -> Callable[[str], int]:
    """Classify images or sequences, or translate tokens, with a trained network."""
    from grouplearn.commands.predict import run_predict

    return lambda _: run_predict(run, data, out, overwrite=overwrite, as_json=as_json)
