"""Families of features, each in a file: what a symmetry leaves unchanged on average."""
