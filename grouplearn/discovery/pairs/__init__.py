"""Discovery from pairs (x, g x) and from sequences."""
