"""Profiles, shape checks, data and the count of law examples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from tests import counting, typecheck

# Before the package is imported: every shape annotation is checked on every call.
install_import_hook("grouplearn", f"{typecheck.__name__}.checked")

import torch  # noqa: E402

MIN_EXAMPLES = int(os.environ.get("GROUPLEARN_MIN_EXAMPLES", "0"))
LONG_EXAMPLES = int(os.environ.get("GROUPLEARN_LONG_EXAMPLES", "100"))
worker_examples: list[int] = []

settings.register_profile("default", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("dev", deadline=None, max_examples=5)
settings.register_profile("ci", settings.get_profile("default"), print_blob=True)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=LONG_EXAMPLES,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    # As a plugin of its own, since hooks here are not called for doctests outside this folder.
    config.pluginmanager.register(typecheck)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets, with mnist/train-images-idx3-ubyte.gz and its like."""
    folder = os.environ.get("GROUPLEARN_DATA")
    if folder is None:
        pytest.skip("GROUPLEARN_DATA does not name a folder of data sets")
    return Path(folder)


def total_examples() -> int:
    return counting.examples + sum(worker_examples)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["law_examples"] = counting.examples
    elif total_examples() < MIN_EXAMPLES and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    worker_examples.append(getattr(node, "workeroutput", {}).get("law_examples", 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    total = total_examples()
    if total or MIN_EXAMPLES:
        terminalreporter.write_line(f"Hypothesis law examples: {total}")
    if total < MIN_EXAMPLES:
        terminalreporter.write_line(f"Too few: GROUPLEARN_MIN_EXAMPLES={MIN_EXAMPLES}", red=True)
