"""Discovery of permutation and signed permutation actions."""
