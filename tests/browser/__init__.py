"""Report pages in a real browser, without a window."""
