"""Data whose symmetry is known by construction: no symmetry, planted groups, complete tables."""
