"""Evidence for and against an action: one engine, and a small file for each family of features."""
