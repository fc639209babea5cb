"""Discovery of what a function does not see."""
