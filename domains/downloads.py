"""Downloads of data sets, only when asked for, each file known by its checksum."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from grouplearn._checks import optional_import, refuse
from grouplearn.errors import DataError

Name = Literal["mnist", "fashion-mnist", "cifar10"]
_MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_SHA256 = {
    "mnist": """
440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609 train-images-idx3-ubyte.gz
3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c train-labels-idx1-ubyte.gz
8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6 t10k-images-idx3-ubyte.gz
f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6 t10k-labels-idx1-ubyte.gz
""",
    "fashion-mnist": """
3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84 train-images-idx3-ubyte.gz
a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845 train-labels-idx1-ubyte.gz
346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073 t10k-images-idx3-ubyte.gz
67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5 t10k-labels-idx1-ubyte.gz
""",
    "cifar10": """
c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd cifar-10-binary.tar.gz
""",
}
_BASES = {"mnist": _MNIST, "fashion-mnist": _FASHION, "cifar10": _CIFAR}


def download(name: Name, folder: str | Path) -> Path:
    """Download a data set, unless it is there already, and check what came.

    Args:
        name: "mnist", "fashion-mnist" or "cifar10", the latter in its binary version.
        folder: made where absent.

    Returns:
        The folder to pass to `load_labelled_images`.

    Raises:
        InputError: another name.
        DataError: no connection, or a file whose SHA-256 is not the known one; it is removed.
        MissingExtraError: pooch is absent; the extra `train` brings it.
    """
    if name not in get_args(Name):
        refuse("download", "name", f"one of {', '.join(get_args(Name))}", repr(name),
               "take one of these")  # fmt: skip
    pooch = optional_import("pooch", "train")
    unpack = pooch.Untar(extract_dir=".") if name == "cifar10" else None
    for line in _SHA256[name].split("\n")[1:-1]:
        digest, file = line.split()
        address = _BASES[name] + file
        try:
            pooch.retrieve(
                address, f"sha256:{digest}", fname=file, path=Path(folder), processor=unpack
            )
        except (OSError, ValueError) as problem:
            refuse("download", file, "at its address, as its checksum says", problem,
                   "try again, or download it by hand", DataError)  # fmt: skip
    return Path(folder) / ("cifar-10-batches-bin" if name == "cifar10" else ".")
