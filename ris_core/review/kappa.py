"""Agreement of two reviewers: Cohen's kappa, overall and of each class against the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd

from ris_core.contracts.decision import UNSURE, is_simulated
from ris_core.review.state import ReviewState

ALL = "(all classes)"
"""Name of the row over all classes; no class can have it."""
COLUMNS = ("first", "second", "class_name", "events", "first_says", "second_says", "both_say", "kappa", "low", "high")


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its interval.

    Attributes
    ----------
    value
        1: always the same word; 0: as often as by chance; NaN: both have one and the same word for all, so that chance
        alone explains everything.
    low, high
        Limits of the interval; NaN for fewer than 2 events or without a value.
    """

    value: float
    low: float
    high: float


def cohen_kappa(first: Sequence[str], second: Sequence[str], level: float = 0.95) -> Kappa:
    """Return Cohen's kappa of two reviewers' words on the same events.

    Parameters
    ----------
    first, second
        N words each.
    level
        Of the interval, from the large-sample standard error (Fleiss, Cohen & Everitt 1969), cut to −1 to 1. With a few
        dozen events it is rough, and it has no width where the two agree on everything.

    Notes
    -----
    Cohen (1960): (p_o − p_e) / (1 − p_e) with the share of equal words p_o, and p_e = Σ p_i. p_.i by chance.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} words; both are needed for each event")
    n = len(first)
    nothing = Kappa(math.nan, math.nan, math.nan)
    if n == 0:
        return nothing
    names, codes = np.unique([*first, *second], return_inverse=True)
    p = np.zeros((len(names), len(names)))
    np.add.at(p, (codes[:n], codes[n:]), 1 / n)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, chance = float(np.trace(p)), float(rows @ columns)
    if chance >= 1 - 1e-12:
        return nothing
    kappa = (observed - chance) / (1 - chance)
    if n < 2:
        return Kappa(kappa, math.nan, math.nan)
    # a_ij of the formula: p_ij weighs how much chance changes with it.
    sums = columns[:, None] + rows[None, :]
    on = np.diag(p) @ np.square((1 - chance) - np.diag(sums) * (1 - observed))
    off = (1 - observed) ** 2 * float((p * np.square(sums))[~np.eye(len(names), dtype=bool)].sum())
    rest = (observed * chance - 2 * chance + observed) ** 2
    deviation = math.sqrt(max(0.0, float(on) + off - rest) / n) / (1 - chance) ** 2
    half = NormalDist().inv_cdf(0.5 + level / 2) * deviation
    return Kappa(kappa, max(-1.0, kappa - half), min(1.0, kappa + half))


def agreement(state: ReviewState) -> pd.DataFrame:
    """Return the agreement of every two persons on the events that both have a class for.

    Words that another reviewer's split has moved are left out, and `unsure`, and simulated reviewers.

    Returns
    -------
    DataFrame
        One row per pair and class, and one over all classes (`class_name` is `ALL`): `first`, `second`, `class_name`,
        `events` that both reviewed, `first_says`, `second_says`, `both_say` (how many are of the class; over all
        classes `both_say` counts equal words), `kappa`, `low`, `high` (95 %). Empty if no two persons
        reviewed one event.
    """
    words = state.all_words()
    words = words[(words["class_name"] != UNSURE) & ~words["moved"] & ~words["reviewer"].map(is_simulated)]
    by_event = words.pivot(index="event_id", columns="reviewer", values="class_name")
    rows = []
    for first, second in combinations(sorted(by_event.columns), 2):
        both = by_event[[first, second]].dropna()
        if both.empty:
            continue
        mine, theirs = list(both[first]), list(both[second])
        for name in (ALL, *sorted(set(mine) | set(theirs))):
            a, b = (mine, theirs) if name == ALL else (_against(name, mine), _against(name, theirs))
            found = cohen_kappa(a, b)
            count = [sum(name in (ALL, word) for word in side) for side in (mine, theirs)]
            same = sum(x == y and name in (ALL, x) for x, y in zip(mine, theirs, strict=True))
            rows.append((first, second, name, len(both), *count, same, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _against(name: str, words: Sequence[str]) -> list[str]:
    return [name if word == name else "" for word in words]
