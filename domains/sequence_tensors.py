"""Sequences as tensors for networks: a channel for each letter, ambiguous ones by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.domains.letters import BREAK, Alphabet
from grouplearn.errors import DataError

Ambiguous: TypeAlias = Literal["refuse", "blank"]
_WHO = "SequenceDomain.one_hot"


def one_hot_channels(
    sequences: Sequence[str], alphabet: Alphabet, ambiguous: Ambiguous
) -> Float32[Tensor, "count letters length"]:
    """See `SequenceDomain.one_hot`.

    Args:
        sequences: letters of each.
        alphabet: of the letters.
        ambiguous: "refuse" or "blank".
    """
    if ambiguous not in get_args(Ambiguous):
        refuse(_WHO, "ambiguous", " or ".join(get_args(Ambiguous)), repr(ambiguous), "take one")
    if not sequences:
        refuse(_WHO, "sequences", "one or more", "none", "pass a list of letters")
    length = len(sequences[0])
    for number, text in enumerate(sequences):
        if not text or len(text) != length:
            refuse(_WHO, "sequences", f"of one length, that of the first, {length}, and not empty",
                   f"{len(text)} letters in sequence {number}", "cut or pad them",
                   DataError)  # fmt: skip
    codes = alphabet.codes("\n".join(sequences) + "\n").reshape(-1, length + 1)[:, :-1]
    breaks = np.argwhere(codes == BREAK)
    if len(breaks) and ambiguous == "refuse":
        number, place = breaks[0].tolist()
        refuse(_WHO, "sequences", f"of the letters {alphabet.letters}",
               f"{sequences[number][place]!r} at position {place} of sequence {number}",
               "pass ambiguous='blank', or leave it out", DataError)  # fmt: skip
    indices = torch.from_numpy(codes.astype(np.int64))
    table = torch.zeros(BREAK + 1, len(alphabet.letters))
    table[: len(alphabet.letters)] = torch.eye(len(alphabet.letters))
    return table[indices].mT.contiguous()


def letters_of(channels: Float[Tensor, "count letters length"], alphabet: Alphabet) -> list[str]:
    """The sequences that `one_hot_channels` made tensors of, "-" where a place is blank.

    Args:
        channels: zeros and ones.
        alphabet: of the letters.
    """
    count = len(alphabet.letters)
    if channels.ndim != 3 or channels.shape[1] != count:
        refuse("SequenceDomain", "data.x", f"(N, {count}, length), a channel for each letter",
               tuple(channels.shape), "make it by one_hot")  # fmt: skip
    codes = torch.where(channels.amax(1) > 0, channels.argmax(1), count).numpy()
    table = np.frombuffer(f"{alphabet.letters}-".encode(), dtype=np.uint8)
    return [row.tobytes().decode() for row in table[codes]]
