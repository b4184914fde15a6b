"""Representations: what turns events into vectors of features, which are clustered."""
