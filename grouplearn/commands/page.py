"""What the pages of all commands end with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from grouplearn.report import Section

_PACKAGES = ("grouplearn", "torch", "numpy", "safetensors", "matplotlib", "scikit-learn", "escnn")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a run depends on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def repeat_section(command: str, seed: int | None) -> Section:
    """How to repeat a run.

    Args:
        command: the command line.
        seed: of the run; None where it has none.
    """
    used = ", ".join(f"{package} {found}" for package, found in versions().items())
    told = f"Seed {seed}. " if seed is not None else ""
    return Section("To repeat it", [f"{told}Versions: {used}."], code=command)
