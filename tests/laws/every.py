"""All laws of representations, once the modules that register them are imported."""

from __future__ import annotations

from tests.laws import algebra, compiling, measures, modules
from tests.laws.trials import LAWS

SOURCES = (algebra, compiling, measures, modules)

__all__ = ["LAWS", "SOURCES"]
