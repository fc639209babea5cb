"""Standard streams: readers who leave, full disks, streams that were closed; and errors there."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, final

_NAME = "standard output"


@contextmanager
def standard_streams() -> Iterator[None]:
    """Print in peace.

    What is printed after the reader has gone is dropped, as it was not wanted, and no error.
    Letters that the stream lacks are escaped. A stream that was closed from the beginning swallows
    all.

    Raises:
        OSError: the block ended well, but some of its output could not be written for another
            reason; it names the stream.
    """
    with ExitStack() as stack:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                setattr(
                    sys, name, stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                )
                stack.callback(setattr, sys, name, None)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        output = _Output(sys.stdout)
        stack.enter_context(redirect_stdout(output))
        try:
            yield
        finally:
            output.flush()
        if output.problem is not None:
            raise output.problem


def fail(message: str, status: int) -> int:
    """Write one line to standard error.

    Args:
        message: what to say.
        status: the exit status that goes with it.

    Returns:
        The status.
    """
    with suppress(OSError, AttributeError):  # closed, now or from the beginning
        sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return status


@final
class _Output:
    """A text stream like another one, which outlives its reader and keeps errors for later.

    Attributes:
        problem: why something could not be written, unless the reader had gone.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.problem: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # Click would write there
            raise AttributeError(name)
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or drop it."""
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as problem:
            if not isinstance(problem, BrokenPipeError):
                self.problem = OSError(problem.errno, problem.strerror, _NAME)
            # What the stream holds must go somewhere when Python ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
