"""Checkpoints of Lightning without pickle, and a training run that can be killed at any time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, final

from lightning.pytorch.plugins.io import CheckpointIO

from grouplearn._schema import rebuilding
from grouplearn.errors import DataError
from grouplearn.tensorfile import pack, read_tensors, unpack, write_tensors


@final
class TensorFileIO(CheckpointIO):
    """Reads and writes Lightning's checkpoints as safetensors and JSON, whole or not at all."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any = None,  # noqa: ARG002
    ) -> None:
        """Write a checkpoint."""
        tensors: dict[str, Any] = {}
        info = pack(checkpoint, tensors, "checkpoint")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {"checkpoint": info})

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Any = None,  # noqa: ARG002
        weights_only: bool | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Read a checkpoint, on the CPU.

        Raises:
            DataError: the file is missing, truncated, changed, or what `save` wrote.
        """
        found = read_tensors(path, "resume")
        if "checkpoint" not in found.info:
            raise DataError(
                f"resume: path {os.fspath(path)!r} must be a checkpoint that fit wrote, got a "
                "module; choose another folder"
            )
        with rebuilding("resume", Path(path), "start the run anew"):
            return dict(unpack(found.info["checkpoint"], found.tensors))

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)
