"""What is shown to a reviewer next: medoids, uncertain, rare and novel events, and audits drawn uniformly at random."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import ReviewSettings
from ris_core.contracts.decision import Reason
from ris_core.contracts.station_day import NS
from ris_core.review.random_order import random_order
from ris_core.review.state import ReviewState

COLUMNS = ("order", "event_id", "reason", "micro", "suggested_class", "class_probability", "uncertainty", "unlike")
NO_MICRO = -1
"""Micro-cluster of an event outside of the pool."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Events among which suggestions other than audits are chosen: those of the training set.

    Attributes
    ----------
    event_id : array of shape (N,)
        Identifiers.
    z : array of shape (N, D)
        Features.
    micro : int array of shape (N,)
        Micro-cluster of each event.
    station : array of shape (N,)
        Code of the station.
    time : int array of shape (N,)
        Time of the peak, ns since 1970.
    """

    event_id: NDArray[Any]
    z: NDArray[Any]
    micro: NDArray[np.int64]
    station: NDArray[Any]
    time: NDArray[np.int64]

    def __post_init__(self) -> None:
        shapes = {len(self.event_id), len(self.z), len(self.micro), len(self.station), len(self.time)}
        if len(shapes) != 1:
            raise ValueError(f"the arrays of a pool have different lengths: {sorted(shapes)}")
        if not np.isfinite(self.z).all():
            raise ValueError("a feature of the pool is not finite")


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a class model says of the events of a pool.

    Attributes
    ----------
    classes : tuple of str
        Names of the K classes.
    probability : array of shape (N, K)
        Calibrated probabilities.
    novel : bool array of shape (N,)
        Whether an event is unlike all reviewed classes.
    novelty : array of shape (N,)
        By how much; only the order counts.
    """

    classes: tuple[str, ...]
    probability: NDArray[Any]
    novel: NDArray[np.bool_]
    novelty: NDArray[Any]

    @property
    def uncertainty(self) -> NDArray[Any]:
        """One minus the difference of the two greatest probabilities, shape (N,)."""
        if len(self.classes) < 2:
            return 1 - np.asarray(self.probability.max(axis=1))
        second, first = np.sort(self.probability, axis=1)[:, -2:].T
        return 1 - np.asarray(first - second)


def suggest(
    pool: Pool,
    everything: Iterable[str],
    state: ReviewState,
    settings: ReviewSettings,
    judgement: Judgement | None = None,
) -> pd.DataFrame:
    """Return the next events to review, in order.

    First come the medoids of the `first` greatest micro-clusters. Then, if there is a class model, batches of events:
    the `pool` most uncertain ones are parted by k-means into as many parts as the batch has places, and the one nearest
    to each centre is shown. Places go to audits, and after the medoids to rare micro-clusters (none of their events
    reviewed, greatest first) and to novel events (most novel first), by their shares of all suggestions that were ever
    reviewed. A reason without events leaves its place to another one. Of two events of a micro-cluster that are less
    than `block` apart, one is chosen at most; audits may be copies, because they stand for all events.

    Parameters
    ----------
    pool
        Events that may be chosen.
    everything
        Identifiers of all processed events, from which audits are drawn. Events of the pool that are not among them,
        because their station-day was processed again or is out of date, are not suggested.
    state
        The reviews until now; events on which anyone has a word are not suggested.
    settings
        Section `review`.
    judgement
        By the class model; None if there is none.

    Returns
    -------
    DataFrame
        `order` (0-based), `event_id`, `reason`, `micro` (−1 outside of the pool), `suggested_class` (empty without a
        class model), `class_probability`, `uncertainty`, `unlike` (novelty; NaN without a class model, or outside of
        the pool).
    """
    return _Choice(pool, everything, state, settings, judgement).table()


def medoids(z: NDArray[Any], micro: NDArray[np.int64]) -> list[int]:
    """Return the event nearest to the mean of each micro-cluster, greatest cluster first."""
    names, sizes = np.unique(micro, return_counts=True)
    found = []
    for name in names[np.argsort(-sizes, kind="stable")]:
        rows = np.flatnonzero(micro == name)
        found.append(int(rows[np.square(z[rows] - z[rows].mean(axis=0)).sum(axis=1).argmin()]))
    return found


class _Choice:
    """Chooses one suggestion after another."""

    def __init__(
        self,
        pool: Pool,
        everything: Iterable[str],
        state: ReviewState,
        settings: ReviewSettings,
        judgement: Judgement | None,
    ) -> None:
        # The order of the pool's rows must not decide anything.
        rows = np.argsort(pool.event_id.astype(str), kind="stable")
        self._pool = Pool(*(getattr(pool, name)[rows] for name in Pool.__dataclass_fields__))
        self._judged = judgement
        if judgement is not None:
            each = (judgement.probability[rows], judgement.novel[rows], judgement.novelty[rows])
            self._judged = Judgement(judgement.classes, *each)
        self._settings = settings
        there = tuple(everything)
        known = frozenset(there)  # an array of all names would take far more memory
        self._free = np.array([str(name) in known for name in self._pool.event_id], bool)
        self._row = {str(name): row for row, name in enumerate(self._pool.event_id)}
        reviewed = [row for name, row in self._row.items() if name in state.seen]
        for row in reviewed:
            self._take(row)
        self._covered = set(self._pool.micro[reviewed].tolist())
        self._audits = [name for name in random_order(there, settings.seed) if name not in state.seen]
        self._all_medoids = medoids(self._pool.z, self._pool.micro)
        self._medoids = self._all_medoids[: settings.first]
        self._counts: Counter[str] = Counter(
            word.reason for of_event in state.words.values() for word in list(of_event.values())[:1] if not word.bulk
        )
        self._uncertain: list[int] = []
        self._chosen: list[tuple[Reason, str]] = []

    def table(self) -> pd.DataFrame:
        """Return the suggestions."""
        while len(self._chosen) < self._settings.length and self._next():
            pass
        rows = []
        for order, (reason, name) in enumerate(self._chosen):
            row = self._row.get(name)
            rows.append(
                (order, name, reason, NO_MICRO if row is None else int(self._pool.micro[row]), *self._said(row))
            )
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        kinds = {"order": "int32", "micro": "int32", "class_probability": "f4", "uncertainty": "f4", "unlike": "f4"}
        return table.astype(kinds)

    def _said(self, row: int | None) -> tuple[str, float, float, float]:
        if row is None or self._judged is None:
            return "", np.nan, np.nan, np.nan
        best = int(self._judged.probability[row].argmax())
        return (
            self._judged.classes[best],
            float(self._judged.probability[row, best]),
            float(self._judged.uncertainty[row]),
            float(self._judged.novelty[row]),
        )

    def _next(self) -> bool:
        """Add the next suggestion; return whether there is one."""
        for reason in self._wanted():
            name = self._audit() if reason == "audit" else self._of_pool(reason)
            if name is not None:
                self._counts[reason] += 1
                self._chosen.append((reason, name))
                if name in self._row:
                    row = self._row[name]
                    self._take(row)
                    self._covered.add(int(self._pool.micro[row]))
                return True
        return False

    def _wanted(self) -> list[Reason]:
        """Return the reasons for the next place: that which lacks most of its share first."""
        settings = self._settings
        leading = self._counts["medoid"] < settings.first and any(self._free[self._medoids])
        main: Reason = "medoid" if leading else "uncertain"
        of_all = sum(self._counts[name] for name in ("medoid", "uncertain", "audit", "rare", "novel"))
        lacking: dict[Reason, float] = {"audit": settings.audit_share * (of_all + 1) - self._counts["audit"]}
        if not leading:
            after = of_all - self._counts["medoid"] - self._counts["audit"]
            lacking["rare"] = settings.rare_share * (after + 1) - self._counts["rare"]
            lacking["novel"] = settings.novel_share * (after + 1) - self._counts["novel"]
        due = [name for name in sorted(lacking, key=lambda name: -lacking[name]) if lacking[name] >= 0.5]
        rest: list[Reason] = [name for name in ("rare", "novel", "audit") if name not in due]
        return [*due, main, *rest]

    def _audit(self) -> str | None:
        chosen = {name for _, name in self._chosen}
        while self._audits:
            if (name := self._audits.pop(0)) not in chosen:
                return name
        return None

    def _of_pool(self, reason: Reason) -> str | None:
        rows = {
            "medoid": lambda: self._medoids,
            "uncertain": self._most_uncertain,
            "rare": self._rare,
            "novel": self._novel,
        }[reason]()
        row = next((row for row in rows if self._free[row]), None)
        return None if row is None else str(self._pool.event_id[row])

    def _most_uncertain(self) -> Sequence[int]:
        """Return the rest of the present batch; chooses the next batch if it is used up."""
        self._uncertain = [row for row in self._uncertain if self._free[row]]
        if not self._uncertain and self._judged is not None:
            free = np.flatnonzero(self._free)
            order = free[self._balanced(free, -self._judged.uncertainty[free])][: self._settings.pool]
            self._uncertain = _diverse(self._pool.z[order], order, self._batch(), self._settings.seed)
        return self._uncertain

    def _batch(self) -> int:
        """Return how many of the next batch's places are for uncertain events."""
        settings = self._settings
        of_chosen = settings.batch * (1 - settings.audit_share)
        places = round(of_chosen * (1 - settings.rare_share - settings.novel_share))
        return max(1, min(places, settings.length - len(self._chosen)))

    def _rare(self) -> Sequence[int]:
        without = [row for row in self._all_medoids if self._pool.micro[row] not in self._covered]
        return self._by_station(without)

    def _novel(self) -> Sequence[int]:
        if self._judged is None:
            return []
        rows = np.flatnonzero(self._free & self._judged.novel)
        return [int(row) for row in rows[self._balanced(rows, -self._judged.novelty[rows])]]

    def _balanced(self, rows: NDArray[np.int64], key: NDArray[Any]) -> NDArray[np.int64]:
        """Return the order of rows by a key; if stations are balanced, the first of each station, then the second."""
        order = np.argsort(key, kind="stable")
        if not self._settings.per_station:
            return order
        place = pd.Series(order).groupby(self._pool.station[rows][order]).cumcount().to_numpy()
        return np.asarray(order[np.argsort(place, kind="stable")])

    def _by_station(self, rows: list[int]) -> list[int]:
        """Return rows so that stations with few suggestions come first, if stations are balanced."""
        if not self._settings.per_station:
            return rows
        shown = Counter(self._pool.station[self._row[name]] for _, name in self._chosen if name in self._row)
        return sorted(rows, key=lambda row: shown[self._pool.station[row]])

    def _take(self, row: int) -> None:
        """Mark an event and its near-copies as used."""
        pool, block = self._pool, self._settings.block * NS
        near = (pool.micro == pool.micro[row]) & (np.abs(pool.time - pool.time[row]) < block)
        self._free[near] = False
        self._free[row] = False


def _diverse(z: NDArray[Any], rows: NDArray[np.int64], count: int, seed: int) -> list[int]:
    """Return the events nearest to the centres of k-means, in the order of `rows` (most uncertain first)."""
    if len(rows) <= count:
        return [int(row) for row in rows]
    from sklearn.cluster import KMeans  # takes long to import

    distance = KMeans(count, n_init=1, random_state=seed).fit(z).transform(z)
    return [int(rows[place]) for place in np.unique(distance.argmin(axis=0))]
