"""Intervals of shares that were counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """A share of counted events, with its interval.

    Attributes
    ----------
    right, count
        Events that count, among all.
    low, high
        The interval of Clopper & Pearson (1934, doi 10.1093/biomet/26.4.404), at the level `LEVEL`. It contains the
        true share at least so often. 0 and 1 if there is no event.
    """

    right: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share; none if there is no event."""
        return self.right / self.count if self.count else None

    def __str__(self) -> str:
        if not self.count:
            return "no event"
        return f"{self.right / self.count:.2f} ({self.low:.2f} to {self.high:.2f}, {self.count} events)"

    def as_record(self) -> dict[str, float | int | None]:
        """Return it as plain values."""
        return {"value": self.value, "low": self.low, "high": self.high, "right": self.right, "count": self.count}


def share_of(right: int, count: int, effective: float | None = None) -> Share:
    """Return the share of events that count among all, with its interval.

    Parameters
    ----------
    right, count
        Events that count, and all.
    effective
        Number of independent events that these are worth; by default all.
    """
    n, tail = count if effective is None else effective, (1 - LEVEL) / 2
    x = n * right / count if count else 0
    low = 0.0 if right == 0 else float(betaincinv(x, n - x + 1, tail))
    high = 1.0 if right == count else float(betaincinv(x + 1, n - x, 1 - tail))
    return Share(int(right), int(count), low, high)


def share_in_groups(right: NDArray[np.bool_], groups: NDArray[np.int64]) -> Share:
    """Return the share of events (n,) that count, with an interval for events that come in groups.

    Events of one group resemble each other: n of them are worth n²/Σm² independent ones, with m the sizes of the groups
    (Kish 1965, *Survey Sampling*).
    """
    sizes = np.unique(groups, return_counts=True)[1]
    effective = float(len(right) ** 2 / np.square(sizes).sum()) if len(right) else 0.0
    return share_of(int(right.sum()), len(right), effective)
