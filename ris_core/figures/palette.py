"""Colours and markers of clusters and classes, in figures and in the explorer."""

from __future__ import annotations

# Okabe & Ito (2008), distinguishable with every common colour blindness; the palest one comes last before black.
CATEGORICAL = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "^", "s", "D")


def cluster_style(label: int) -> tuple[str, str]:
    """Return colour and marker of a cluster: the same cluster looks the same in every figure."""
    return CATEGORICAL[label % len(CATEGORICAL)], MARKERS[label // len(CATEGORICAL) % len(MARKERS)]
