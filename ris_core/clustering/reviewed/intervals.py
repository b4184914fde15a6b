"""Intervals of shares that were counted."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta

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


def share_of(right: int, count: int, level: float = LEVEL) -> Share:
    """Return the share of events that count among all, with its interval at a level."""
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else float(beta.ppf(tail, right, count - right + 1))
    high = 1.0 if right == count else float(beta.ppf(1 - tail, right + 1, count - right))
    return Share(int(right), int(count), low, high)
