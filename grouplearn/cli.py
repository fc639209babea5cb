"""The command line, from its first moment on.

Exit status: 0 success, also where the reader of the output has gone; 1 a law or check failed, such
as a loss that is not finite, or a symmetry that `test` rejects; 2 bad usage or input; 130
interrupted. What takes time to import is imported by `main`, so that an interrupt is one line from
the beginning; torch, matplotlib and scikit-learn by the commands, so that help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from grouplearn.commands.interrupts import INTERRUPTED, leaving_at_once
from grouplearn.commands.streams import fail


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: arguments after the program's name; those of the process when None.

    Returns:
        0, 1, 2 or 130, see the module.
    """
    try:
        with leaving_at_once():
            from grouplearn.commands.dispatch import dispatch

        return dispatch(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return fail("interrupted", INTERRUPTED)
