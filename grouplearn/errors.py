"""The exceptions grouplearn raises; all derive from `GrouplearnError`.

Each message is one line: who refused, what was expected, what came, and what to do about it.
"""

from __future__ import annotations


class GrouplearnError(Exception):
    """Base class: catch it to catch every refusal of this library."""


class InputError(GrouplearnError, ValueError):
    """An argument has the wrong shape, type, range or content."""


class GroupError(InputError):
    """A group cannot be built: infinite, too large, or not the group its relators claim."""


class DataError(InputError):
    """A file or folder of data is missing, corrupt, truncated or of an unknown format."""


class ClosureError(GrouplearnError, ArithmeticError):
    """No exactly closing representation lies near the given one."""


class TrainingError(GrouplearnError, ArithmeticError):
    """Training left the finite numbers; the message names the term that did."""


class MissingExtraError(GrouplearnError, ImportError):
    """An optional package is absent; the message names the extra that brings it."""


class EquivarianceError(GrouplearnError, AssertionError):
    """A function breaks the equivariance or a representation breaks a law that was asserted."""
