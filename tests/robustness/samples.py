"""Small files of every format that a reader takes, and of every file that we write."""

from __future__ import annotations

import gzip
import json
import random
import struct
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from pyarrow import parquet

from grouplearn.cli import main as grouplearn
from grouplearn.groups import CyclicGroup, DihedralGroup
from grouplearn.models import LGN, LGNShape, SequenceNetwork, SequencePattern
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)
from grouplearn.training import save
from tests.robustness.tensors import as_bytes

SMALL = ("digits", "--classes", "0,1", "--parameters", "600", "--batch-size", "64")
CUT = ("train", *SMALL, "--epochs", "2", "--action", "auto")
"""The training of which `cut` is one that was killed."""
_GENBANK = """LOCUS       X{number}           60 bp    DNA     linear   BCT 01-JAN-2000
DEFINITION  a test.
ACCESSION   X{number}
VERSION     X{number}.1
FEATURES             Location/Qualifiers
     source          1..60
                     /organism="x"
     gene            complement(join(3..20,30..40))
                     /gene="abc"
ORIGIN
        1 {letters}
//
"""


def write_samples(folder: Path) -> None:
    """Write one folder for each sample, with one file or several in it.

    Args:
        folder: which is made.
    """
    rng = np.random.default_rng(0)
    draw = random.Random(0)
    files = {**_tables(rng), **_arrays(rng), **_pictures(rng), **_sequences(draw), **_tokens(draw),
             **_labelled(rng)}  # fmt: skip
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _modules(folder)
    _runs(folder)


def _tables(rng: np.random.Generator) -> dict[str, bytes]:
    values = rng.normal(size=(60, 3))
    rows = [[f"{x:.4f}" for x in row] for row in values]

    def written(delimiter: str, head: str = "", point: str = ".") -> bytes:
        lines = [delimiter.join(row).replace(".", point) for row in rows]
        return ("\n".join([*([head] if head else []), *lines]) + "\n").encode()

    commas = written(",", "x,y,z")
    labelled = "\n".join(["x,y,kind", *(f"{a},{b},{k % 2}" for k, (a, b, _) in enumerate(rows))])
    frame = pa.table({"x": values[:, 0], "n": rng.integers(0, 9, 60), "z": values[:, 2]})
    worded = pa.table(
        {"x": values[:, 0], "y": values[:, 1], "w": [["a", "b"][k % 2] for k in range(60)]}
    )
    return {
        "csv/table.csv": commas, "csv gz/table.csv.gz": gzip.compress(commas),
        "csv plain/table.csv": written(","), "csv labels/table.csv": labelled.encode(),
        "csv decimals/table.csv": written(";", "x;y;z", ","),
        "tsv/table.tsv": written("\t", "x\ty\tz"),
        "blanks/table.txt": b"# x y z\n" + written("  "),
        "parquet/table.parquet": as_bytes(lambda file: parquet.write_table(frame, file)),
        "parquet words/table.parquet": as_bytes(lambda file: parquet.write_table(worded, file)),
    }  # fmt: skip


def _arrays(rng: np.random.Generator) -> dict[str, bytes]:
    def npy(array: np.ndarray) -> bytes:
        return as_bytes(lambda file: np.save(file, array))

    values = rng.normal(size=(60, 3))
    images = rng.integers(0, 256, (12, 9, 9), np.uint8)
    labels = rng.integers(0, 2, 60)
    idx = struct.pack(">4B3I", 0, 0, 8, 3, *images.shape) + images.tobytes()
    shift = np.roll(np.eye(9), 3, 0)
    return {
        "npy/rows.npy": npy(values),
        "npy fortran/rows.npy": npy(np.asfortranarray(values, np.int16)),
        "npy images/images.npy": npy(images),
        "npz/rows.npz": as_bytes(lambda file: np.savez(file, rows=values)),
        "npz packed/rows.npz": as_bytes(
            lambda file: np.savez_compressed(file, rows=np.asfortranarray(values))
        ),
        "labels file/labels.npy": npy(labels[:, None]), "matrix/matrix.npy": npy(shift),
        "idx/images.idx": idx, "idx gz/images.idx.gz": gzip.compress(idx),
        "images to predict/images.npy": npy(rng.integers(0, 256, (5, 8, 8), np.uint8)),
    }  # fmt: skip


def _pictures(rng: np.random.Generator) -> dict[str, bytes]:
    noise = rng.integers(0, 256, (16, 16, 4), np.uint8)
    found = {}
    modes = {"RGB": ("png", "jpeg", "bmp", "tiff", "webp"), "L": ("png", "jpeg", "tiff"),
             "P": ("png", "gif"), "RGBA": ("png", "webp"), "1": ("png",)}  # fmt: skip
    for mode, kinds in modes.items():
        picture = Image.fromarray(noise[..., :3]).convert(mode)
        if mode == "RGBA":
            picture = Image.fromarray(noise)
        for kind in kinds:
            exif = Image.Exif()
            exif[0x0112] = 6
            found[f"picture {kind} {mode}/picture.{kind}"] = as_bytes(
                partial(picture.save, format=kind, exif=exif)
            )
    return found


def _sequences(draw: random.Random) -> dict[str, bytes]:
    letters = ["".join(draw.choices("ACGT", k=60)) for _ in range(4)]
    fasta = "".join(
        f">record {k}\n{each[:40]}\n{each[40:]}\n" for k, each in enumerate(letters)
    ).encode()
    fastq = "".join(f"@r{k}\n{each}\n+\n{'I' * 60}\n" for k, each in enumerate(letters)).encode()
    spaced = [" ".join(each[k : k + 10].lower() for k in range(0, 60, 10)) for each in letters]
    genbank = "".join(
        _GENBANK.format(number=k, letters=each) for k, each in enumerate(spaced)
    ).encode()
    rows = "".join(f"r{k},{each},{'ab'[k % 2]}\n" for k, each in enumerate(letters))
    return {
        "sequence table/table.csv": f"name,sequence,class\n{rows}".encode(),
        "fasta/letters.fa": fasta, "fasta gz/letters.fa.gz": gzip.compress(fasta),
        "fastq/letters.fastq": fastq, "fastq gz/letters.fastq.gz": gzip.compress(fastq),
        "genbank/letters.gb": genbank, "letters/letters.txt": "\n".join(letters).encode(),
    }  # fmt: skip


def _tokens(draw: random.Random) -> dict[str, bytes]:
    words = ["box", "light", "heavy", "up", "down", "left"]
    lines = [draw.choices(words, k=5) for _ in range(40)]
    pairs = [f"IN: {' '.join(line)} OUT: {' '.join(line[::-1])}" for line in lines]
    plain = "\n".join(map(" ".join, lines)).encode()
    return {
        "tokens/words.txt": plain, "tokens gz/words.txt.gz": gzip.compress(plain),
        "pairs/pairs.txt": "\n".join(pairs).encode(),
    }  # fmt: skip


def _labelled(rng: np.random.Generator) -> dict[str, bytes]:
    images = rng.integers(0, 256, (20, 8, 8), np.uint8)
    labels = (np.arange(20) % 2).astype(np.uint8)
    ten = rng.integers(0, 256, (20, 3072), np.uint8)
    heads = {
        "idx3": struct.pack(">4B3I", 0, 0, 8, 3, 20, 8, 8),
        "idx1": struct.pack(">4BI", 0, 0, 8, 1, 20),
    }
    found = {
        "mnist/train-images-idx3-ubyte": heads["idx3"] + images.tobytes(),
        "mnist/train-labels-idx1-ubyte.gz": gzip.compress(heads["idx1"] + labels.tobytes()),
        "cifar10/data_batch_1.bin": np.hstack([labels[:, None], ten]).tobytes(),
        "cifar10/batches.meta.txt": b"cat\ndog\n",
        "cifar100/train.bin": np.hstack([labels[:, None], labels[:, None], ten]).tobytes(),
        "cifar100/fine_label_names.txt": b"cat\ndog\n",
        "sprites/cifar10_labels.json": json.dumps((np.arange(1000) % 10).tolist()).encode(),
        "sprites/cifar10_batch_0.png": as_bytes(
            lambda file: Image.new("RGB", (1024, 1000)).save(file, "png")
        ),
    }  # fmt: skip
    for k in range(20):
        picture = Image.fromarray(images[k])
        found[f"classes/{'ab'[k % 2]}/{k}.png"] = as_bytes(partial(picture.save, format="png"))
    return found


def _modules(folder: Path) -> None:
    """A file of each class that can be saved."""
    c4, d4 = CyclicGroup(4), DihedralGroup(4)
    rng = torch.Generator().manual_seed(0)
    turn, again = (FixedRepresentation.from_permutations([[2, 0, 3, 1]]) for _ in range(2))
    skew = SkewRepresentation(d4, 9, rng=rng)
    strands = [FixedRepresentation(CyclicGroup(2), torch.eye(k).flip(0)[None]) for k in (4, 2)]
    modules = {
        "dense": DenseRepresentation(c4, 9, rng=rng), "skew": skew,
        "toeplitz": ToeplitzRepresentation(c4, 9, shape=(3, 3), rng=rng),
        "spectral": SpectralRepresentation(d4, 9, rng=rng),
        "multiscale": MultiScaleRepresentation(c4, 16, shape=(4, 4), rng=rng),
        "fixed": turn, "fixed matrix": FixedRepresentation(turn.group, turn.generators() * 1.0),
        "sum": DirectSum([turn, again]), "product": TensorProduct(turn, again),
        "basis": ChangeOfBasis(turn, torch.eye(4)),
        "lgn": LGN(LGNShape(1, 2, order=2), rng=rng),
        "sequence network": SequenceNetwork(SequencePattern(4, 2, 8, 5, blocks=1), *strands),
    }  # fmt: skip
    for name, module in modules.items():
        place = folder / f"saved {name}"
        place.mkdir()
        save(module, place / "saved.safetensors")


def _runs(folder: Path) -> None:
    """Runs of the commands, and one that was cut off."""
    runs: Mapping[str, tuple[str, ...]] = {
        "discovered": ("discover", "digits", "--patch-size", "3"),
        "plain": ("train", *SMALL, "--epochs", "1", "--network", "plain"),
        "turned": ("train", *SMALL, "--epochs", "1", "--action", "quarter-turn"),
        "cut": CUT,
    }
    for name, line in runs.items():
        if (status := grouplearn((*line, "--quiet", "--out", str(folder / name)))) != 0:
            raise SystemExit(f"{' '.join(line)} ended with {status}")
    (folder / "cut" / "result.json").unlink()
    for drawn in [*folder.rglob("*.png"), *folder.rglob("events.*"), *folder.rglob("report.html")]:
        if drawn.parent.name in (*runs, "tensorboard"):
            drawn.unlink()


def files_of(sample: Path) -> list[Path]:
    """The files of a sample, in a fixed order."""
    return sorted(each for each in sample.rglob("*") if each.is_file())
