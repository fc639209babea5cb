"""How each sample is changed and read: as the commands read it, or as a caller in Python does."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from grouplearn.commands.compare import rows_of
from grouplearn.commands.discover_data import Reading, open_data
from grouplearn.commands.dispatch import dispatch
from grouplearn.commands.folders import reserve
from grouplearn.commands.invariance_actions import read_representation
from grouplearn.commands.train_config import read_config
from grouplearn.commands.train_data import read_images
from grouplearn.discovery import Discovery
from grouplearn.domains.labelled_sequences import Policy, load_labelled_sequences
from grouplearn.domains.readers import front
from grouplearn.domains.unlabelled_images import load_images
from grouplearn.errors import DataError
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import load
from tests.robustness.bombs import bombs
from tests.robustness.mutations import mutated
from tests.robustness.samples import CUT, files_of

Read = Callable[[Path, random.Random], object]
_HUGE = 1 << 25
"""Of more pixels the moments take longer than an input may; that they are read is enough."""


@final
@dataclass(frozen=True)
class Target:
    """A kind of input.

    Attributes:
        row: of the table.
        sample: the folder of the sample.
        file: a pattern of the files that are changed.
        read: takes the folder of the changed sample.
        share: how often it comes.
        beside: other samples that lie beside it.
    """

    row: str
    sample: str
    file: str
    read: Read
    share: int = 4
    beside: tuple[str, ...] = ()

    def make(self, samples: Path, folder: Path, rng: random.Random) -> None:
        """Write the sample, one file of it changed."""
        for name in (self.sample, *self.beside):
            shutil.copytree(samples / name, folder / name)
        files = [each for each in files_of(folder / self.sample) if each.match(self.file)]
        chosen = rng.choice(files)
        chosen.write_bytes(mutated(chosen.name, chosen.read_bytes(), rng))


def _only(folder: Path) -> Path:
    return files_of(next(folder.iterdir()))[0]


def _as_kind(kind: str) -> Read:
    """Data as `discover` opens them, of the kind that their content says, or of this one."""

    def read(folder: Path, rng: random.Random) -> object:
        forced = None if rng.random() < 0.6 or kind == "any" else kind
        file = _only(folder)
        if rng.random() < 0.3:
            opened = front.open_data(file, kind=forced)
            return sum(1 for _ in opened.data) if opened.kind == "sequence" else opened
        subject = open_data(str(file), Reading(kind=forced, patch_size=3, window=3), "data")
        huge = getattr(subject.raw, "size", 0) > _HUGE
        return None if huge else subject.moments(0)

    return read


def _with_labels(folder: Path, _: random.Random) -> object:
    return open_data(str(_only(folder)), Reading(labels="kind"), "data").moments(0)


def _with_file_of_labels(folder: Path, _: random.Random) -> object:
    labels = files_of(folder / "labels file")[0]
    reading = Reading(labels=str(labels), kind="table")
    return open_data(str(folder / "npy" / "rows.npy"), reading, "data").moments(0)


def _labelled(folder: Path, rng: random.Random) -> object:
    return read_images(
        str(next(folder.iterdir())), rotated=rng.random() < 0.2, classes=None, seed=0
    )


def _classed(folder: Path, rng: random.Random) -> object:
    """Sequences with classes from a table of them, or of one class, of 40 letters."""
    return load_labelled_sequences([_only(folder)], length=40, ambiguous=rng.choice(_AMBIGUOUS))


def _to_predict(folder: Path, _: random.Random) -> object:
    return load_images(_only(folder), 1, (8, 8))


def _pictures(folder: Path, rng: random.Random) -> object:
    if rng.random() < 0.3:
        return load_images(_only(folder), rng.choice((1, 3)), (16, 16))
    return _as_kind("images")(folder, rng)


def _action(folder: Path, rng: random.Random) -> object:
    source = _only(folder) if (folder / "matrix").exists() else next(folder.iterdir())
    return read_representation(str(source), 9, ())


def _saved(folder: Path, rng: random.Random) -> object:
    module = load(_only(folder))
    if isinstance(module, LearnedRepresentation):
        module.generators()
    return module


def _discovery(folder: Path, rng: random.Random) -> object:
    file = next(folder.rglob("representation.safetensors"))
    if rng.random() < 0.5:
        return read_representation(str(file), 9, ())
    return Discovery.load(file).summary()


def _dispatched(*line: str) -> Read:
    def read(folder: Path, _: random.Random) -> object:
        status = dispatch([each.replace("FOLDER", str(folder)) for each in line])
        if status:
            raise DataError("refused by the command, with one line")
        return status

    return read


def _compared(folder: Path, rng: random.Random) -> object:
    if rng.random() < 0.5:
        return _dispatched("compare", "FOLDER/turned", "FOLDER/plain")(folder, rng)
    return rows_of([folder / "turned", folder / "plain"])


def _config(folder: Path, _: random.Random) -> object:
    return read_config("grouplearn train", folder / "turned" / "config.json", ["digits"])


def _replaced(folder: Path, _: random.Random) -> object:
    with reserve("fuzz", folder / "turned", "turned", overwrite=True) as place:
        return place


_RESUME = _dispatched(*CUT, "--quiet", "--out", "FOLDER/cut", "--resume")
_TABLES = ("csv", "csv gz", "csv plain", "csv decimals", "tsv", "blanks")
_SEQUENCES = ("fasta", "fasta gz", "fastq", "fastq gz", "genbank", "letters")
_AMBIGUOUS: tuple[Policy, ...] = ("refuse", "blank", "drop")
_NAMES = {"fasta": "FASTA", "fastq": "FASTQ", "genbank": "GenBank", "letters": "bare letters"}


def _data_targets(samples: Path) -> list[Target]:
    table, images, sequence = map(_as_kind, ("table", "images", "sequence"))
    tokens = _as_kind("tokens")
    pictures = sorted(each.name for each in samples.glob("picture *"))
    return [
        *(Target("CSV, TSV, blanks", name, "*", table, 8) for name in _TABLES),
        Target("CSV, TSV, blanks", "csv labels", "*", _with_labels, 8),
        *(Target("Parquet", name, "*", table, 8) for name in ("parquet", "parquet words")),
        *(Target("npy", name, "*", table, 8) for name in ("npy", "npy fortran")),
        Target("npy", "npy images", "*", images, 8),
        Target("npy", "images to predict", "*", _to_predict, 4),
        Target("npy", "matrix", "*", _action, 4),
        Target("npy", "labels file", "*", _with_file_of_labels, 4, ("npy",)),
        *(Target("npz", name, "*", table, 12) for name in ("npz", "npz packed")),
        *(Target("IDX", name, "*", images, 10) for name in ("idx", "idx gz")),
        Target("IDX", "mnist", "*", _labelled, 10),
        *(Target("CIFAR", name, "*", _labelled, 6) for name in ("cifar10", "cifar100")),
        Target("CIFAR", "sprites", "*", _labelled, 4),
        *(Target("pictures", name, "*", _pictures, 3) for name in pictures),
        Target("pictures", "classes", "*", _labelled, 5),
        *(Target(_NAMES[name.split()[0]], name, "*", sequence, 8) for name in _SEQUENCES),
        *(
            Target("labelled sequences", name, "*", _classed, 4)
            for name in (*_SEQUENCES, "sequence table")
        ),
        *(Target("tokens", name, "*", tokens, 8) for name in ("tokens", "tokens gz")),
        Target("pairs of tokens", "pairs", "*", tokens, 12),
    ]


def _own_targets(samples: Path) -> list[Target]:
    saved = sorted(each.name for each in samples.glob("saved *"))
    predict = _dispatched("predict", "FOLDER/turned", "FOLDER/images to predict/images.npy")
    export = _dispatched("export", "FOLDER/turned", "--to", "FOLDER/out.pt2")
    images = ("images to predict",)
    return [
        *(Target("saved representations and networks", name, "*", _saved, 6) for name in saved),
        *(Target("saved representations and networks", name, "network.safetensors", _network, 8)
          for name in ("plain", "turned")),
        Target("findings", "discovered", "*.safetensors", _discovery, 20),
        Target("findings", "discovered", "found.json", _action, 2),
        Target("result.json", "turned", "result.json", _compared, 16, ("plain",)),
        Target("result.json", "turned", "result.json", predict, 12, images),
        Target("result.json", "turned", "result.json", export, 4),
        Target("config.json", "turned", "config.json", _config, 16),
        Target("config.json", "turned", "config.json", _compared, 12, ("plain",)),
        Target("config.json", "turned", "config.json", _replaced, 8),
        Target("config.json", "cut", "config.json", _RESUME, 4),
        Target("choice.json", "cut", "choice.json", _RESUME, 14),
        Target("checkpoints", "cut", "last.safetensors", _RESUME, 24),
        Target("checkpoints", "turned", "network.safetensors", predict, 6, images),
    ]  # fmt: skip


def _network(folder: Path, rng: random.Random) -> object:
    return load(next(folder.rglob("network.safetensors")))


def targets(samples: Path) -> list[Target]:
    """All that are changed at random, as often as their share says.

    Args:
        samples: as `write_samples` left them.
    """
    every = [*_data_targets(samples), *_own_targets(samples)]
    return [each for each in every for _ in range(each.share)]


@final
@dataclass(frozen=True)
class Crafted:
    """An input that is made on purpose.

    Attributes:
        row: of the table.
        name: what it is.
        kind: how it is read.
        write: makes the file.
    """

    row: str
    name: str
    kind: str
    write: Callable[[Path], object]

    def make(self, samples: Path, folder: Path, rng: random.Random) -> None:
        """Write the file, with those of its sample beside it."""
        place, name = {
            "table": ("table", "table.csv"), "npy": ("npy", "rows.npy"), "npz": ("npz", "rows.npz"),
            "idx": ("idx", "images.idx"), "mnist": ("mnist", "train-labels-idx1-ubyte.gz"),
            "cifar10": ("cifar10", "data_batch_1.bin"), "picture": ("picture", "picture.png"),
            "sequence": ("sequence", "letters.txt"), "tokens": ("tokens", "words.txt"),
            "any": ("any", "file"), "saved": ("saved", "saved.safetensors"),
            "cifar10 pickled": ("pickled", "data_batch_1"),
        }[self.kind]  # fmt: skip
        if (samples / place).is_dir() and self.kind in ("mnist", "cifar10"):
            shutil.copytree(samples / place, folder / place)
        (folder / place).mkdir(exist_ok=True)
        self.write(folder / place / name)

    def read(self, folder: Path, rng: random.Random) -> object:
        """Read it as its kind is read."""
        if self.kind == "saved":
            return _saved(folder, rng)
        if self.kind in ("mnist", "cifar10", "cifar10 pickled"):
            return _labelled(folder, rng)
        kinds = {"npy": "table", "npz": "table", "idx": "images", "picture": "images"}
        return _as_kind(kinds.get(self.kind, self.kind))(folder, rng)


def crafted() -> list[Crafted]:
    """All that are made on purpose."""
    return [Crafted("crafted", name, kind, write) for name, (kind, write) in bombs().items()]
