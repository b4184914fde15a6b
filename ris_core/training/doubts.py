"""What speaks against a trained model that may be used all the same: it is said, and a person decides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ris_core import config


def aec_doubts(metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return what speaks against an autoencoder: principal components, as many as it has latents, do better.

    Parameters
    ----------
    metrics
        `val_mse` and `pca9_mse` (of the same validation set); without them nothing is known and nothing said.
    """
    mse, floor = metrics.get("val_mse"), metrics.get("pca9_mse")
    if mse is None or floor is None or mse < floor:
        return ()
    return (f"its validation MSE {mse:.3g} is not below that of 9 principal components, {floor:.3g}",)


def dec_doubts(metadata: Mapping[str, Any], settings: config.DecSettings) -> tuple[str, ...]:
    """Return what speaks against a DEC.

    Parameters
    ----------
    metadata
        That it was saved with. What an imported model, or one of an earlier version, does not tell is passed over.
    settings
        Section `dec`: `tolerance`.
    """
    metrics, doubts = metadata.get("metrics", {}), []
    if "silhouette" in metrics:
        value = metrics["silhouette"]
        if value is None or math.isnan(value):
            doubts.append("its silhouette in data space is not defined")
        elif value <= 0:
            doubts.append(f"its silhouette in data space is {value:.3f}: events are no nearer to their own class")
    change = metrics.get("label_change")
    if metadata.get("stopped") == "max_epochs" and change is not None and change >= settings.tolerance:
        doubts.append(
            f"it has not settled: {change:.2%} of the labels changed at the last update, {settings.tolerance:.2%} "
            "(dec.tolerance) would be settled"
        )
    for row in metadata.get("stations", ()):
        # Half of the way from its share of all events to everything: in a network of two that is three quarters.
        if row["of_class"] > (1 + row["of_all"]) / 2:
            doubts.append(
                f"class {row['cluster']} is of station {row['station']} by {row['of_class']:.0%}, which has "
                f"{row['of_all']:.0%} of all events"
            )
    return tuple(doubts)


def strongest_stations(event_ids: Sequence[str], labels: Iterable[int], k: int) -> list[dict[str, Any]]:
    """Return for each class with events the station that has most of them.

    Parameters
    ----------
    event_ids, labels, k
        N identifiers (NET.STA.LOC.CHAN.time), the N labels, and the number of classes.

    Returns
    -------
    list of dict
        cluster, station, `of_class` (its share of the class), `of_all` (its share of all events).
    """
    stations = [name.split(".")[1] for name in event_ids]
    every, classes = Counter(stations), [Counter[str]() for _ in range(k)]
    for station, label in zip(stations, labels, strict=True):
        classes[int(label)][station] += 1
    rows = []
    for cluster, counts in enumerate(classes):
        if counts:
            # The first by name where two have as many.
            station = min(counts, key=lambda name: (-counts[name], name))
            shares = {"of_class": counts[station] / counts.total(), "of_all": every[station] / len(stations)}
            rows.append({"cluster": cluster, "station": station, **shares})
    return rows
