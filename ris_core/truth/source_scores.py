"""Whether detections that are said to be of one source are: pairs of detections against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.catalogue.source_classes import sources_of
from ris_core.catalogue.sources import longest_differences
from ris_core.catalogue.station_positions import Position, distances_km
from ris_core.config import CatalogueSettings


@dataclass(frozen=True)
class SourceScores:
    """Pairs of detections of two stations that are said to be of one source, against the truth.

    Only families that several stations record (`regional`) have true pairs.

    Attributes
    ----------
    true_pairs, found_pairs, correct_pairs
        Pairs of detected events of one true source; pairs in one group; pairs that are both.
    precision, recall
        correct / found and correct / true; NaN if the denominator is 0.
    sources, whole_sources
        True sources that two stations or more have detected, and those whose detections are one group with no other.
    """

    true_pairs: int
    found_pairs: int
    correct_pairs: int
    precision: float
    recall: float
    sources: int
    whole_sources: int

    def as_dict(self) -> dict[str, float]:
        """Return plain numbers by name."""
        return asdict(self)


def source_scores(
    events: pd.DataFrame,
    true_source: NDArray[np.int64],
    positions: Mapping[str, Position],
    settings: CatalogueSettings,
    live: pd.DataFrame | None,
) -> SourceScores:
    """Return how well detections are associated with sources.

    Parameters
    ----------
    events
        N events: `station`, `time_peak` (ns since 1970), `label`.
    true_source
        (N,) true source of each, the same at all stations; below 0 if there is none.
    positions
        Of the stations.
    settings
        Section `catalogue`.
    live
        Live intervals: `station`, `start`, `end` (UTC); none if they are not known.
    """
    order = np.argsort(events["time_peak"].to_numpy(dtype=np.int64), kind="stable")
    codes, station = np.unique(events["station"].to_numpy(dtype=str)[order], return_inverse=True)
    distance = distances_km([positions.get(str(code)) for code in codes])
    group = sources_of(
        events["time_peak"].to_numpy(dtype=np.int64)[order],
        station,
        events["label"].to_numpy(dtype=np.int64)[order],
        None if live is None else {place: _intervals(live, str(code)) for place, code in enumerate(codes)},
        longest_differences(distance, settings.least_velocity, settings.picking_error),
        settings,
    )
    return scores_of(group, np.asarray(true_source)[order], station)


def _intervals(live: pd.DataFrame, station: str) -> NDArray[np.int64]:
    """Return the live intervals (n, 2) of a station, ns since 1970, in the order of time."""
    own = live[live["station"] == station].sort_values("start")
    bounds = [own[name].to_numpy(dtype="datetime64[ns]").astype(np.int64) for name in ("start", "end")]
    return np.column_stack(bounds)


def scores_of(
    group: NDArray[np.int64], true_source: NDArray[np.int64], station: NDArray[np.integer[Any]]
) -> SourceScores:
    """Return the scores of groups (N,) with at most one event of each station.

    Parameters
    ----------
    group
        Any number, the same for events that are said to be of one source.
    true_source
        As in `source_scores`.
    station
        (N,) numbers of stations: only pairs of two stations count.
    """
    table = pd.DataFrame({"group": group, "source": true_source, "station": station})
    known = table[table["source"] >= 0]
    true_pairs = _pairs(known, ["source"])
    found_pairs = _pairs(table, ["group"])
    correct = _pairs(known, ["group", "source"])
    sources = whole = 0
    size = table.groupby("group").size()
    for _, of in known.groupby("source"):
        if of["station"].nunique() > 1:
            sources += 1
            whole += int(of["group"].nunique() == 1 and size[of["group"].iloc[0]] == len(of))
    return SourceScores(
        true_pairs,
        found_pairs,
        correct,
        correct / found_pairs if found_pairs else float("nan"),
        correct / true_pairs if true_pairs else float("nan"),
        sources,
        whole,
    )


def _pairs(table: pd.DataFrame, by: list[str]) -> int:
    """Return the number of pairs of rows of two stations with the same values."""
    size = table.groupby(by).size()
    same_station = table.groupby([*by, "station"]).size()
    return int((size * (size - 1)).sum() - (same_station * (same_station - 1)).sum()) // 2
