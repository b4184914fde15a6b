"""Products on disk: every path, atomic writes, and the files' formats."""
