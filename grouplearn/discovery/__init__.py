"""Finding the group that acts on data, and saying whether it is real."""
