"""Doubts about a model with clusters that may be used: a person reads them and decides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StrongestStation:
    """The station that has most events of a cluster.

    Attributes
    ----------
    cluster
        Number of the cluster, 0-based.
    station
        Station code.
    of_class
        Its share of the events of the cluster.
    of_all
        Its share of all events.
    """

    cluster: int
    station: str
    of_class: float
    of_all: float


def dec_doubts(
    metrics: Mapping[str, float | None],
    stopped: str,
    stations: Sequence[StrongestStation],
    tolerance: float,
    classes: Sequence[int] = (),
) -> tuple[str, ...]:
    """Return what speaks against a DEC.

    Parameters
    ----------
    metrics
        `silhouette` and `label_change`; nothing is said about a metric that is not there.
    stopped
        Why the training stopped: ``max_epochs``, ``max_steps`` or another reason; empty if it is not known.
    stations
        The strongest station of each cluster; empty if they are not known.
    tolerance
        Share of labels that may change at the last update (`dec.tolerance`).
    classes
        Class number of each cluster of a champion; empty for another model, whose clusters have no class.
    """
    doubts = []
    if "silhouette" in metrics:
        value = metrics["silhouette"]
        if value is None or math.isnan(value):
            doubts.append("its silhouette in data space is not defined")
        elif value <= 0:
            doubts.append(f"its silhouette in data space is {value:.3f}: events are no nearer to their own class")
    change = metrics.get("label_change")
    if stopped in ("max_epochs", "max_steps") and change is not None and change >= tolerance:
        doubts.append(
            f"it has not settled: {change:.2%} of the labels changed at the last update, {tolerance:.2%} "
            f"(dec.tolerance) would be settled. Train longer (dec.{stopped}), or let the learning rate fall "
            "(dec.schedule: cosine)"
        )
    for row in stations:
        # Half of the way from its share of all events to everything: in a network of two that is three quarters.
        if row.of_class > (1 + row.of_all) / 2:
            name = f"class {classes[row.cluster]}" if classes else f"cluster {row.cluster}"
            doubts.append(
                f"{name} is of station {row.station} by {row.of_class:.0%}, which has {row.of_all:.0%} of all events"
            )
    return tuple(doubts)


def strongest_stations(event_ids: Sequence[str], labels: Iterable[int], k: int) -> tuple[StrongestStation, ...]:
    """Return for each cluster with events the station that has most of them.

    Parameters
    ----------
    event_ids, labels, k
        N identifiers (NET.STA.LOC.CHAN.time), the N labels, and the number of clusters.
    """
    stations = [name.split(".")[1] for name in event_ids]
    every, classes = Counter(stations), [Counter[str]() for _ in range(k)]
    for station, label in zip(stations, labels, strict=True):
        classes[int(label)][station] += 1
    rows = []
    for cluster, counts in enumerate(classes):
        if counts:
            # The first by name if two have as many.
            station = min(counts, key=lambda name: (-counts[name], name))
            of_class, of_all = counts[station] / counts.total(), every[station] / len(stations)
            rows.append(StrongestStation(cluster, station, of_class, of_all))
    return tuple(rows)
