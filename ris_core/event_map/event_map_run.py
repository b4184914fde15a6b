"""The map of events on disk: made from the label tables, and whether it is current."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.config import EventMapSettings
from ris_core.contracts.stamp import Stamp
from ris_core.event_map.event_map_schema import EVENT_MAP_SCHEMA, TABLE
from ris_core.event_map.labelled_features import LabelTables, labelled_features, labelled_names, tables_of_champion
from ris_core.event_map.principal_plane import principal_plane
from ris_core.event_map.umap_plane import umap_plane
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

EVENT_MAP_AGAIN = "`ris run --only map_events` makes it"
_NAMED = 5


class NoEventMapError(FileNotFoundError):
    """There is no map of events yet."""


@dataclass(frozen=True, eq=False)
class MadeEventMap:
    """The map as it was written.

    Attributes
    ----------
    table
        With the columns of `EVENT_MAP_SCHEMA`, and ``label``.
    summary
        What is said of it in its file.
    left_out
        Which labelled events are not on it, in words.
    content
        Digest of the rows.
    """

    table: pd.DataFrame = field(repr=False)
    summary: Mapping[str, Any]
    left_out: tuple[str, ...]
    content: str


def make_event_map(network: StationDays) -> MadeEventMap:
    """Make the map of all events that the present champion has labelled, and write it.

    Raises
    ------
    NoChampionError, NoLabelsOfChampionError
        No model labels yet, or it has labelled nothing.
    EventMapError
        The method of the settings cannot be used; the message says why.
    DamagedFileError
        A file is damaged.
    """
    settings, of = network.settings.event_map, tables_of_champion(network)
    found = labelled_features(network.layout, of)
    explained: tuple[float, float] | None = None
    fitted = len(found.features)
    if settings.method == "pca":
        places, explained = principal_plane(found.features)
    else:
        places, fitted = umap_plane(found.features, settings)
    frame = pd.DataFrame(
        {"event_id": np.char.decode(found.event_id, "ascii").astype(object), "x": places[:, 0], "y": places[:, 1]}
    )
    dimensions = found.features.shape[1]
    summary: dict[str, Any] = {
        "method": settings.method,
        "model_version": of.champion.model_version,
        "candidate": of.champion.candidate,
        "dimensions": dimensions,
        "metric": found.metric,
        "events": len(frame),
        "fitted_to": fitted,
        "explained_variance": None if explained is None else list(explained),
        "note": _note(settings, dimensions, explained),
        "station_days": len(of.keys),
        "station_days_of_other_champions": of.others,
        "events_of_other_champions": of.others_events,
        "station_days_labelled_too_early": of.behind,
        "events_labelled_too_early": of.behind_events,
        "unreadable": len(of.unreadable),
    }
    path = network.layout.analysis(TABLE)
    content = tables.write_table(path, frame, EVENT_MAP_SCHEMA, _stamp(network, of), summary)
    return MadeEventMap(frame.assign(label=found.label), summary, tuple(of.left_out()), content)


def _note(settings: EventMapSettings, dimensions: int, explained: tuple[float, float] | None) -> str:
    if explained is None:
        return (
            "Events that are near each other on the map are alike. How far groups lie apart, and how large or dense "
            f"they are, means nothing: UMAP of {settings.neighbours} neighbours keeps neighbourhoods, not distances."
        )
    return (
        f"The map shows {100 * sum(explained):.0f} % of the variance of {dimensions} features. Events that are near "
        "each other on it may differ in what it does not show, and how far apart distant ones lie means nothing."
    )


def _stamp(network: StationDays, of: LabelTables) -> Stamp:
    return Stamp(digest_of(network.settings.event_map.map_values()), versions.EVENT_MAP, of.digest)


def event_map_is_current(network: StationDays) -> bool:
    """Return whether the map is undamaged, and of the present champion, label tables and settings."""
    path = network.layout.analysis(TABLE)
    with suppress(FileNotFoundError, DamagedFileError):
        if tables.read_stamp(path)[0] == _stamp(network, tables_of_champion(network)):
            tables.read_arrow(path, ["event_id"])  # compares all bytes
            return True
    return False


def load_event_map(layout: Layout) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the map, and what is said of it in its file.

    Raises
    ------
    NoEventMapError
        It has not been made.
    DamagedFileError
        It is damaged.
    """
    said = load_event_map_summary(layout)
    return tables.read_table(layout.analysis(TABLE)), said


def load_event_map_summary(layout: Layout) -> dict[str, Any]:
    """Return what is said of the map in its file, without its rows; raises as `load_event_map`."""
    path = layout.analysis(TABLE)
    if not path.exists():
        raise NoEventMapError(f"{path}: there is no map of events yet; {EVENT_MAP_AGAIN}")
    return tables.read_summary(path)


def event_map_differs(network: StationDays) -> list[str]:
    """Return in words what differs between the map on disk and the label tables of the champion; raises as above."""
    there = load_event_map(network.layout)[0]["event_id"]
    wanted = pd.Series(labelled_names(network.layout, tables_of_champion(network)), dtype=object)
    return [
        *_said("come twice in the label tables", wanted[wanted.duplicated()]),
        *_said("come twice on the map", there[there.duplicated()]),
        *_said("are labelled, but not on the map", wanted[~wanted.isin(there)]),
        *_said("are on the map, but not labelled by the champion", there[~there.isin(wanted)]),
    ]


def _said(what: str, names: pd.Series[Any]) -> list[str]:
    return [f"{len(names)} events {what} ({', '.join(names[:_NAMED])})"] if len(names) else []
