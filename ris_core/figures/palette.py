"""Colours and markers of clusters and classes, in figures and in the explorer."""

from __future__ import annotations

# Okabe & Ito (2008), distinguishable with every common colour blindness; the palest one comes last before black.
CATEGORICAL = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "^", "s", "D")
SEQUENTIAL = "viridis"
"""Colours of what has an order, by its name in matplotlib."""
_SEQUENTIAL = (
    "44015445065a460c5f47126548196b481e70482374472878462f7c45347f443982423d844043873e48883d4c893a528b38568b365a8c"
    "345e8d32638d30678d2e6b8e2d6f8e2b748e29788e287b8e267f8e24848d23888d228b8d20908c1f948b1e988a1e9b891ea08720a485"
    "22a78425ab812ab07e2fb37b35b7783bba7544be704bc26c53c5675ec96167cc5c70ce5679d15186d44990d6439ad83ca5da35b2dd2c"
    "bdde26c7e01fd2e11bdfe318e9e419f3e51efde724"
)
SEQUENTIAL_COLOURS: tuple[tuple[int, int, int], ...] = tuple(
    (code[0], code[1], code[2])
    for code in (bytes.fromhex(_SEQUENTIAL[start : start + 6]) for start in range(0, len(_SEQUENTIAL), 6))
)
"""Red, green and blue, 0 to 255, of 61 such colours from the least to the greatest: half a decibel each of the 30 dB of
spectrograms. They are written out here, since a server that draws them needs nothing else of matplotlib."""


def cluster_style(label: int) -> tuple[str, str]:
    """Return colour and marker of a cluster: the same cluster looks the same in every figure."""
    return CATEGORICAL[label % len(CATEGORICAL)], MARKERS[label // len(CATEGORICAL) % len(MARKERS)]
