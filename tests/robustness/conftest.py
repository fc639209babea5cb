"""Nothing here is a test, or holds doctests."""

collect_ignore_glob = ["*.py"]
