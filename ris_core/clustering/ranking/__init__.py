"""Choosing between partitions of the same events without knowing the truth."""
