"""How many Hypothesis examples of the laws have run in this process."""

from __future__ import annotations

examples = 0


def count_example() -> None:
    """Count one example; each law calls this once, when its example is about to be judged."""
    global examples  # noqa: PLW0603
    examples += 1
