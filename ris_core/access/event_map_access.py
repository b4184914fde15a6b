"""The map of events, and events like one, for a notebook or a server."""

from __future__ import annotations

import pandas as pd

from ris_core.event_map.event_index import EventIndex
from ris_core.event_map.event_map_run import load_event_map
from ris_core.station_days.station_days import StationDays


def read_event_map(network: StationDays) -> pd.DataFrame:
    """Return the place of each labelled event on the map, sorted by identifier.

    Columns: event_id, x, y (float32). What is said of the map is in the ``attrs`` of the frame: ``method``,
    ``model_version``, ``explained_variance`` (two shares; none for UMAP), ``metric``, ``note``, and what is left out.

    Raises
    ------
    NoEventMapError
        It has not been made (a `FileNotFoundError`).
    DamagedFileError
        The file is damaged.
    """
    table, said = load_event_map(network.layout)
    table.attrs.update(said)
    return table


def open_event_index(network: StationDays) -> EventIndex:
    """Return the features of all events that the present champion has labelled, to ask often for the nearest ones.

    Raises
    ------
    NoChampionError, NoLabelsOfChampionError
        No model labels yet, or it has labelled nothing (a `FileNotFoundError`).
    DamagedFileError
        A label table is damaged.
    """
    return EventIndex.load(network)


def nearest_events(
    network: StationDays, event_id: str, number: int = 20, index: EventIndex | None = None
) -> pd.DataFrame:
    """Return the events that are most like one in the features of the model that labels, the nearest first.

    Distances to all other events are computed, so the answer is exact. The distance is Euclidean in the features as
    they are; in those of a class model, which come from several representations, each is divided by its standard
    deviation over all events. It is not comparable between models.

    Parameters
    ----------
    network
        As `open_network` returns it.
    event_id
        The event.
    number
        Number of events at most.
    index
        From `open_event_index`; by default the label tables are read each time.

    Returns
    -------
    DataFrame
        Columns event_id, distance; the metric in words in its ``attrs``.

    Raises
    ------
    NoFeaturesError
        The present champion has not labelled such an event (a `ValueError`).
    NoChampionError, NoLabelsOfChampionError, DamagedFileError
        As `open_event_index`.
    """
    index = open_event_index(network) if index is None else index
    found = index.nearest(event_id, number)
    found.attrs.update(metric=index.metric, model_version=index.model_version)
    return found
