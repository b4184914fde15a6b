"""The rule that chooses between partitions without truth, and the table of all criteria."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.ranking.information import Information, bins_within, information_within
from ris_core.clustering.ranking.others import agreement_with_others
from ris_core.clustering.ranking.partition import Covariates, Partition, families, require_alike
from ris_core.clustering.ranking.same_source import FEWEST_PAIRS, same_source_same_cluster
from ris_core.clustering.scores import subsample

RULE = ("agreement", "hour_ami")
"""The criteria of the rule: the partitions are ranked by the mean of their ranks in these."""
SHOWN = ("amplitude_ami", "same_source", "stability", "silhouette")
"""Criteria that are shown beside the rule: they say something else than which partition is nearest to the truth."""
MOST_BY_CHANCE = 0.05
"""If no partition goes with the hour with a smaller p value than this, the hour does not take part in the rule."""
Key = tuple[str, int]


@dataclass(frozen=True)
class Ranking:
    """Partitions in the order of the rule.

    Attributes
    ----------
    table
        One row for each partition, the best first, those that are not proposed last: `rank` (1, 2, ...), `candidate`,
        `k`, `proposed`, `mean_rank` (among the proposed ones, or among the others), the criteria of
        `RULE` and `SHOWN` (NaN where absent), `hour_z`, `hour_p`, `amplitude_z`, `amplitude_p`, `same_source_z`.
    used
        The criteria of the rule that took part.
    absent
        Why each other criterion is absent, by name.
    by_station
        `candidate`, `k`, `station`, `events`, `ami`, `z` of the hour.
    """

    table: pd.DataFrame
    used: tuple[str, ...]
    absent: Mapping[str, str]
    by_station: pd.DataFrame = field(repr=False)

    @property
    def best(self) -> Key | None:
        """Candidate and K of the best partition; none if no criterion of the rule took part."""
        if not self.used or not len(self.table):
            return None
        return str(self.table["candidate"].iloc[0]), int(self.table["k"].iloc[0])


def rank_partitions(
    partitions: Sequence[Partition],
    covariates: Covariates,
    *,
    permutations: int = 200,
    sample: int = 5_000,
    seed: int = 0,
    stability: Mapping[Key, float] | None = None,
    silhouette: Mapping[Key, float] | None = None,
    proposed: Collection[Key] | None = None,
) -> Ranking:
    """Rank partitions of the same N events by what can be known without truth.

    The rule: the mean of the rank of the agreement with other families (`others.agreement_with_others`) and of the rank
    of the adjusted mutual information with the hour given the station (`information.information_within`). Equal ones
    have the mean of their ranks. Equal mean ranks are ordered by the information, since agreement between two families
    is the same for both, then as given.

    Parameters
    ----------
    partitions
        At least one.
    covariates
        Of the N events.
    permutations, seed
        Behind each association.
    sample
        Events drawn, with the seed, for all criteria.
    stability, silhouette
        By candidate and K, of those that have one; the silhouettes must be of one space, common to all.
    proposed
        Candidate and K of the partitions among which the rule chooses; none: all. Others are ranked after them. All
        take part in the agreement.

    Raises
    ------
    ValueError
        Labels are not of N events, or a candidate and K is given twice.
    """
    require_alike(partitions, covariates)
    rows = subsample(len(covariates), sample, seed)
    events = covariates.take(rows)
    drawn = [Partition(one.candidate, one.k, one.labels[rows]) for one in partitions]
    absent: dict[str, str] = {}
    table, hours, used = _rule(drawn, events, permutations, seed, absent)
    for name, values in _shown(drawn, events, permutations, seed, absent).items():
        table[name] = values
    for name, given in (("stability", stability), ("silhouette", silhouette)):
        table[name] = [float((given or {}).get((one.candidate, one.k), np.nan)) for one in drawn]
        if not given:
            absent[name] = "not given"
    ranked = _ordered(table, used, proposed)
    by_station = pd.concat(
        [
            one.by_station.assign(candidate=part.candidate, k=part.k)
            for part, one in zip(drawn, hours, strict=True)
            if len(one.by_station)
        ]
        or [pd.DataFrame(columns=["station", "events", "ami", "z", "candidate", "k"])],
        ignore_index=True,
    )[["candidate", "k", "station", "events", "ami", "z"]]
    return Ranking(ranked, used, absent, by_station)


def support(
    partitions: Sequence[Partition],
    covariates: Covariates,
    *,
    halves: int = 20,
    permutations: int = 20,
    sample: int = 5_000,
    seed: int = 0,
    proposed: Collection[Key] | None = None,
) -> Mapping[str, float]:
    """Return the share of random halves of the events in which each candidate holds the best partition, by candidate.

    The share of the best one says whether it is clearly better than the others, or by the choice of events. Parameters
    as for `rank_partitions`; an empty mapping if nothing can be ranked.
    """
    require_alike(partitions, covariates)
    rows = subsample(len(covariates), sample, seed)
    first = dict.fromkeys(families(partitions), 0)
    ranked = 0
    for turn in range(halves):
        rng = np.random.default_rng([seed, turn])
        half = np.sort(rng.choice(rows, (len(rows) + 1) // 2, replace=False))
        events = covariates.take(half)
        drawn = [Partition(one.candidate, one.k, one.labels[half]) for one in partitions]
        table, _, used = _rule(drawn, events, permutations, seed, {})
        if used:
            first[str(_ordered(table, used, proposed)["candidate"].iloc[0])] += 1
            ranked += 1
    return {name: count / ranked for name, count in first.items()} if ranked else {}


def _rule(
    drawn: Sequence[Partition], events: Covariates, permutations: int, seed: int, absent: dict[str, str]
) -> tuple[pd.DataFrame, list[Information], tuple[str, ...]]:
    """Return the criteria of the rule for each partition, what is known of the hour, and which criteria take part."""
    hours = [information_within(one.labels, events.hour, events.station, permutations, seed) for one in drawn]
    table = pd.DataFrame(
        {
            "candidate": [one.candidate for one in drawn],
            "k": [one.k for one in drawn],
            "agreement": agreement_with_others(drawn) if drawn else [],
            "hour_ami": [one.ami for one in hours],
            "hour_z": [one.z for one in hours],
            "hour_p": [one.p for one in hours],
        }
    )
    return table, hours, _used(table, families(drawn), absent)


def _shown(
    drawn: Sequence[Partition], events: Covariates, permutations: int, seed: int, absent: dict[str, str]
) -> dict[str, list[float]]:
    nothing = [float("nan")] * len(drawn)
    out: dict[str, list[float]] = dict.fromkeys(
        ("amplitude_ami", "amplitude_z", "amplitude_p", "same_source", "same_source_z"), nothing
    )
    if events.amplitude is None or not np.isfinite(events.amplitude).any():
        absent["amplitude_ami"] = "no amplitude is known"
    else:
        bins = bins_within(events.amplitude, events.station)
        found = [information_within(one.labels, bins, events.station, permutations, seed) for one in drawn]
        out |= {f"amplitude_{name}": [float(getattr(one, name)) for one in found] for name in ("ami", "z", "p")}
    if events.source is None:
        absent["same_source"] = "there is one station"
    else:
        pairs = [
            same_source_same_cluster(one.labels, events.source, events.station, permutations, seed) for one in drawn
        ]
        out |= {"same_source": [one.kappa for one in pairs], "same_source_z": [one.z for one in pairs]}
        most = max((one.pairs for one in pairs), default=0)
        if most < FEWEST_PAIRS:
            absent["same_source"] = f"{most} pairs of events of one source at two stations, fewer than {FEWEST_PAIRS}"
    return out


def _used(table: pd.DataFrame, groups: Mapping[str, Any], absent: dict[str, str]) -> tuple[str, ...]:
    used = []
    if len(groups) < 2:
        absent["agreement"] = "there is one candidate, and agreement with itself says nothing"
    else:
        used.append("agreement")
    least = table["hour_p"].min()
    if not np.isfinite(least):
        absent["hour_ami"] = "no station has enough events of several clusters at several hours"
    elif least > MOST_BY_CHANCE:
        absent["hour_ami"] = (
            f"no partition goes with the hour more than by chance (smallest p {least:.2g}): their rates do not vary "
            "over the day, or there are too few events"
        )
    else:
        used.append("hour_ami")
    return tuple(used)


def _ordered(table: pd.DataFrame, used: Sequence[str], proposed: Collection[Key] | None) -> pd.DataFrame:
    keys = zip(table["candidate"], table["k"], strict=True)
    chosen = np.array([proposed is None or (name, int(k)) in proposed for name, k in keys], dtype=bool)
    table = table.assign(proposed=chosen)
    ranked = pd.concat([_by_rule(table[chosen], used), _by_rule(table[~chosen], used)], ignore_index=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    front = ["rank", "candidate", "k", "proposed", "mean_rank", *RULE, *(name for name in SHOWN if name in ranked)]
    return ranked[[*front, *(name for name in ranked if name not in front)]]


def _by_rule(table: pd.DataFrame, used: Sequence[str]) -> pd.DataFrame:
    """Return partitions in the order of the rule among themselves, with `mean_rank`."""
    # What a criterion says nothing about stands last in it.
    ranks = [table[name].rank(ascending=False, na_option="bottom") for name in used]
    mean = np.mean(ranks, axis=0) if ranks else np.full(len(table), np.nan)
    hour: NDArray[np.float64] = table["hour_ami"].fillna(-np.inf).to_numpy()
    order = np.lexsort((np.arange(len(table)), -hour, mean))
    return table.assign(mean_rank=mean).iloc[order]
