"""What more audits would bring: how narrow the interval of an accuracy becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ris_core.clustering.reviewed.intervals import Share, share_of

MORE = (0, 20, 50, 100)
"""Numbers of further audits that are looked at."""
_STEPS = 40


@dataclass(frozen=True)
class Outlook:
    """The interval of an accuracy after further audits, if the share that is right stays as it is.

    Attributes
    ----------
    more
        Number of further audits.
    audits
        All audits then.
    low, high
        Interval of Clopper & Pearson at the level `intervals.LEVEL`.
    """

    more: int
    audits: int
    low: float
    high: float


def outlook(right: int, count: int, low: float, presumed: float, more: Sequence[int] = MORE) -> list[Outlook]:
    """Return what further audits would make of the interval of an accuracy.

    The present interval may be wider than that of independent events, because events of one group resemble each other;
    further audits are taken to be worth as much as the present ones, each.

    Parameters
    ----------
    right, count
        Audits that the model names right, and all.
    low
        Lower limit of the present interval.
    presumed
        Share that is right, where there is no audit yet.
    more
        Numbers of further audits.
    """
    worth = _effective(right, count, low) / count if count else 1.0
    share = right / count if count else presumed
    found = []
    for further in more:
        audits = count + further
        then: Share = share_of(round(share * audits), audits, worth * audits)
        found.append(Outlook(further, audits, then.low, then.high))
    return found


def _effective(right: int, count: int, low: float) -> float:
    """Return how many independent events have this lower limit; all of them if none is right."""
    if right == 0:
        return float(count)
    least, most = 1.0, float(count)
    for _ in range(_STEPS):
        middle = (least + most) / 2
        if share_of(right, count, middle).low < low:
            least = middle
        else:
            most = middle
    return most
