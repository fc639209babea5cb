"""Small real data that need no network: the sky, digits, genomes, and names of a few words."""

from __future__ import annotations

import gzip
import importlib.resources
import unicodedata

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from grouplearn._checks import optional_import
from grouplearn.domains.labelled_images import LabelledImages


def sample_digits() -> Float32[Tensor, "1797 8 8"]:
    """Return scikit-learn's hand-written digits.

    Returns:
        (1797, 8, 8), float32, in [0, 1].

    Raises:
        MissingExtraError: scikit-learn is absent; the extra `train` brings it.

    References:
        Alpaydin, Kaynak, 1998, Optical Recognition of Handwritten Digits, UCI repository.

    Example:
        >>> sample_digits().shape
        torch.Size([1797, 8, 8])
    """
    images = optional_import("sklearn.datasets", "train").load_digits().images
    return torch.from_numpy(images).float() / 16


def sample_sky() -> Float32[Tensor, "837 32 32"]:
    """Return the Hubble eXtreme Deep Field in tiles: galaxies, seen as long as the telescope could.

    The universe has no preferred direction, and neither turns nor flips change the distribution of
    its patches: a group that is known, and that was not put in.

    Returns:
        (837, 32, 32), float32, in [0, 1]: grey tiles of an image of 872 x 1000 pixels, row by row;
        what is left at its right and lower edge is dropped.

    References:
        NASA, ESA, G. Illingworth et al., 2012, Hubble eXtreme Deep Field, release STScI-2012-37, in
        the public domain. Grey as the luma of ITU-R BT.601.

    Example:
        >>> sample_sky().shape
        torch.Size([837, 32, 32])
    """
    header = 12  # of an IDX file of two axes
    pixels = torch.frombuffer(bytearray(_content("sky.idx.gz")), dtype=torch.uint8, offset=header)
    tiles = pixels.view(872, 1000).unfold(0, 32, 32).unfold(1, 32, 32).flatten(0, 1)
    return tiles.float() / 255


def sample_photographs() -> Float32[Tensor, "2 427 640"]:
    """Return scikit-learn's two sample photographs in grey.

    Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B. No network is needed: the
    photographs are part of scikit-learn. Their 5 x 5 patches span all 25 dimensions.

    Returns:
        (2, 427, 640), float32, in [0, 1].

    Raises:
        MissingExtraError: scikit-learn or Pillow is absent; the extra `train` brings both.

    Cost:
        Reads two JPEG files.

    Example:
        >>> sample_photographs().shape
        torch.Size([2, 427, 640])
    """
    optional_import("PIL.Image", "train")
    colour = np.stack(optional_import("sklearn.datasets", "train").load_sample_images().images)
    grey = colour @ np.array([0.299, 0.587, 0.114]) / 255
    return torch.from_numpy(grey).float()


def sample_labelled_digits() -> LabelledImages:
    """Return scikit-learn's hand-written digits with their labels.

    Returns:
        Images (1797, 1, 8, 8), uint8 from 0 to 255, and the numbers they show.

    Raises:
        MissingExtraError: scikit-learn is absent; the extra `train` brings it.

    References:
        Alpaydin, Kaynak, 1998, Optical Recognition of Handwritten Digits, UCI repository.

    Example:
        >>> sample_labelled_digits().labels[:5].tolist()
        [0, 1, 2, 3, 4]
    """
    digits = optional_import("sklearn.datasets", "train").load_digits()
    images = np.round(digits.images[:, None] * (255 / 16)).astype(np.uint8)
    return LabelledImages(images, digits.target.astype(np.int64), tuple("0123456789"))


def sample_genome() -> str:
    """Return the genome of bacteriophage lambda, NCBI NC_001416.1.

    Its two strands differ: reverse complement is only an approximate symmetry of it.

    Returns:
        48,502 letters of DNA, none ambiguous.

    References:
        Sanger et al., 1982, Nucleotide sequence of bacteriophage lambda DNA.

    Example:
        >>> len(sample_genome()), sample_genome()[:12]
        (48502, 'GGGCGGCGACCT')
    """
    return _genome("lambda.fa.gz")


def sample_chloroplast() -> str:
    """Return the chloroplast genome of Arabidopsis thaliana, NCBI NC_000932.1.

    Reverse complement is a symmetry of the second moments of its windows, exact within the noise;
    for third moments so short a genome is noisy.

    Returns:
        154,478 letters of DNA, none ambiguous, of a circular molecule.

    References:
        Sato et al., 1999, Complete structure of the chloroplast genome of Arabidopsis thaliana.

    Example:
        >>> len(sample_chloroplast()), sample_chloroplast()[:12]
        (154478, 'ATGGGCGAACGA')
    """
    return _genome("chloroplast.fa.gz")


def sample_box_drawings() -> list[list[str]]:
    """Return the names of Unicode's 128 box drawing characters, word by word.

    "BOX DRAWINGS LIGHT DOWN AND RIGHT", as Python's standard library has it, becomes LIGHT DOWN AND
    RIGHT. TRIPLE and QUADRUPLE can be exchanged in all names. Exchanging LEFT and RIGHT, or UP and
    DOWN, keeps 126 of them; the other two become names in another order of words, so that these
    symmetries are exact for what occurs together and approximate for order.

    Returns:
        128 lists of words.

    References:
        The Unicode Standard, Box Drawing, U+2500 to U+257F.

    Example:
        >>> sample_box_drawings()[12]
        ['LIGHT', 'DOWN', 'AND', 'RIGHT']
    """
    return [unicodedata.name(chr(code)).split()[2:] for code in range(0x2500, 0x2580)]


def _genome(name: str) -> str:
    return "".join(_content(name).decode("ascii").splitlines()[1:])


def _content(name: str) -> bytes:
    file = importlib.resources.files("grouplearn.domains").joinpath("data", name)
    return gzip.decompress(file.read_bytes())
