"""Scores of a synthetic network against its truth."""
