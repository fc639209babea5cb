"""The run-time type checker behind the shape annotations, and a pytest plugin that bounds its cost.

In a search of a million calls, checking takes longer than searching. So each test checks its first
calls only: those after them go the same ways with other numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
from beartype import BeartypeConf, beartype

CHECKS_OF_A_TEST = 4000
checks = 0

# An int is a float and a float is a complex number, as static type checkers have it.
_checker = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its annotations checked: counted, and ended in time.

    A call is checked twice: its arguments before, and all with the result after.
    """
    check = _checker(function)

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        global checks  # noqa: PLW0603
        checks += 1
        if checks >= CHECKS_OF_A_TEST:
            jaxtyping.config.update("jaxtyping_disable", True)
        return check(*args, **kwargs)

    return counted


@pytest.hookimpl(tryfirst=True)  # Before fixtures, one of which ends checking, too.
def pytest_runtest_setup() -> None:
    global checks  # noqa: PLW0603
    checks = 0
    jaxtyping.config.update("jaxtyping_disable", False)
