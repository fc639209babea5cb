"""Two commands that go on for minutes, `make fuzz` and `make kill`; pytest collects neither."""
