"""Ctrl-C while modules are imported."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit status."""


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Let an interrupt end the process with one line, where nothing has to be tidied up.

    Modules that are being imported, torch above all, swallow exceptions or turn them into others.
    Handlers that somebody has set, and threads other than the main one, are left alone.
    """
    usual = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if usual is not signal.default_int_handler or not main:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _leave(_signal: int, _frame: object) -> None:
    os.write(2, b"error: interrupted\n")
    os._exit(INTERRUPTED)
