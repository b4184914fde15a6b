"""Colours and markers of clusters and classes, in figures and in the explorer."""

from __future__ import annotations

from functools import lru_cache

# Okabe & Ito (2008), distinguishable with every common colour blindness; the palest one comes last before black.
CATEGORICAL = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "^", "s", "D")
SEQUENTIAL = "viridis"
"""Colours of what has an order, by its name in matplotlib."""


def cluster_style(label: int) -> tuple[str, str]:
    """Return colour and marker of a cluster: the same cluster looks the same in every figure."""
    return CATEGORICAL[label % len(CATEGORICAL)], MARKERS[label // len(CATEGORICAL) % len(MARKERS)]


@lru_cache(maxsize=4)
def sequential_colours(levels: int) -> tuple[tuple[int, int, int], ...]:
    """Return red, green and blue, 0 to 255, of evenly spaced values from the least to the greatest."""
    from matplotlib import colormaps  # some tenths of a second, which a server does not need to start

    table = colormaps[SEQUENTIAL].resampled(levels)(range(levels), bytes=True)
    return tuple((int(red), int(green), int(blue)) for red, green, blue, _ in table)
