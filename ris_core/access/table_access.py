"""Tables of many station-days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from ris_core.access.days import Day, period
from ris_core.attributes import attribute_columns
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.config import load_settings
from ris_core.contracts.station_day import StationDay
from ris_core.rates.live_reading import load_live
from ris_core.station_days.station_days import StationDays
from ris_core.storage import table_schemas, tables

_CLASS_NAME, _BESIDE = "class_name", "unsupervised_label"


def open_network(config: Path | str | None = None) -> StationDays:
    """Return the network that a settings file describes, by default that of RIS_CONFIG, with its data root.

    Raises
    ------
    SettingsError
        The settings cannot be used.
    WrongNetworkError
        The data root belongs to another network.
    """
    return StationDays.open(load_settings(config))


def _paths(
    network: StationDays,
    path: Callable[[StationDay], Path],
    stations: Sequence[str] | str | None,
    first: Day | None,
    last: Day | None,
) -> list[tuple[StationDay, Path]]:
    settings, root = network.settings, network.layout.root
    codes = None if stations is None else [stations] if isinstance(stations, str) else list(stations)
    for code in codes or ():
        settings.station(code)
    since, until = period(first, last)
    found = [
        (key, path(key))
        for key in settings.station_days()
        if (codes is None or key.station in codes)
        and (since is None or key.day >= since)
        and (until is None or key.day <= until)
        and path(key).exists()
    ]
    if not found:
        what = path(StationDay(settings.stations[0].code, settings.first_day)).relative_to(root).parts[0]
        days = f"from {since or settings.first_day} to {until or settings.last_day or 'now'}"
        if since is not None and until is None:
            days = f"from {since} on"
        raise FileNotFoundError(
            f"{root}: there are no such tables yet: {what} of "
            f"{', '.join(codes) if codes is not None else 'any station'} {days}; "
            f"the network lasts from {settings.first_day} to {settings.last_day or 'now'}, and "
            "`ris status` says what there is"
        )
    return found


def _checked(columns: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """Return the wanted columns, or none if all are wanted; raises `ValueError` for a column that no table has."""
    if columns is None:
        return None
    wanted = [columns] if isinstance(columns, str) else list(columns)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"columns = {unknown}: there are no such columns; there are {', '.join(known)}")
    return wanted


def read_detections(
    network: StationDays,
    stations: Sequence[str] | str | None = None,
    first: Day | None = None,
    last: Day | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the detection tables of stations and days (inclusive; by default all) as one.

    Only the tables of these stations and days, and of them only these columns, are unpacked. All bytes of each of
    these tables are compared with its digest, also of the other columns. Station-days that were processed with fewer
    channels have NaN in the columns of the others, whose notes say so.

    Parameters
    ----------
    network
        As `open_network` returns it.
    stations
        Codes, or one code.
    first, last
        Days, as dates, Timestamps or text like ``2015-01-31``.
    columns
        Names of columns, in the order in which they are wanted; by default all.

    Raises
    ------
    KeyError
        A station is not in the settings.
    TypeError, ValueError
        A day cannot be read, the first day is after the last, or there is no such column.
    FileNotFoundError
        No such table was made yet.
    DamagedFileError
        A table is not what was written; the message names it.
    """
    known = table_schemas.detection_schema(network.settings.channels).names
    wanted = _checked(columns, known)
    paths = [path for _, path in _paths(network, network.layout.detections, stations, first, last)]
    of_channels = known[len(table_schemas.DETECTION_SCHEMA.names) :]
    frame = tables.read_tables(paths, wanted, may_lack=of_channels)
    if wanted is None and of_channels:
        frame = frame.reindex(columns=list(dict.fromkeys([*frame.columns, *known])))
    for code in network.settings.channels if of_channels else ():
        if (note := f"acceleration_note_{code}") in frame:
            frame[note] = frame[note].fillna(f"processed without {code} among the channels; process it again")
    return frame


def read_live_time(
    network: StationDays, stations: Sequence[str] | str | None = None, first: Day | None = None, last: Day | None = None
) -> pd.DataFrame:
    """Return for each processed station-day in how many seconds a detection could start; raises as `read_detections`.

    Columns: station, day, live_seconds. Rates of events are per live time, days without events included.
    """
    rows = []
    for key, file in _paths(network, network.layout.detections, stations, first, last):
        summary = tables.read_summary(file)
        if "live_seconds" not in summary:
            raise ValueError(f"{file}: made by an earlier version, without its live time; process {key} again")
        rows.append((key.station, key.day, float(summary["live_seconds"])))
    return pd.DataFrame(rows, columns=["station", "day", "live_seconds"])


def read_live(
    network: StationDays, stations: Sequence[str] | str | None = None, first: Day | None = None, last: Day | None = None
) -> pd.DataFrame:
    """Return the live intervals of processed station-days: those in which a detection could start.

    Columns: station, start, end (UTC; the end does not belong to the interval). An interval ends at midnight, where one
    of the next day may continue it.

    Raises
    ------
    NoLiveTimeError
        The events were imported, so that nothing is known of the time without events; or a station-day was processed
        by an earlier version. Otherwise as `read_detections`.
    """
    return load_live(network, [key for key, _ in _paths(network, network.layout.detections, stations, first, last)])


def read_attributes(
    network: StationDays,
    stations: Sequence[str] | str | None = None,
    first: Day | None = None,
    last: Day | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the attributes of the events of stations and days (inclusive; by default all); as `read_detections`.

    There is one row for each event, with `event_id`, `station`, `time_peak` and its attributes. What these are and
    their units: `ris_core.attributes.attribute_columns`, and the columns' metadata in each file.

    Raises
    ------
    ValueError
        The settings want no tables of attributes. Otherwise as `read_detections`.
    """
    settings = network.settings
    if not settings.has_attribute_tables:
        raise ValueError(
            "the settings want no tables of attributes: set attributes.table to true, or add a candidate with "
            "attributes; `ris run --only describe` then makes them"
        )
    longest = settings.spectrogram.duration if settings.imported else None
    known = attribute_columns(settings.attributes_of_tables, settings.input_spec().components, longest)
    wanted = _checked(columns, table_schemas.attribute_schema(known).names)
    return tables.read_tables(
        [path for _, path in _paths(network, network.layout.attributes, stations, first, last)], wanted
    )


def read_labels(
    network: StationDays,
    stations: Sequence[str] | str | None = None,
    first: Day | None = None,
    last: Day | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the label tables of stations and days (inclusive; by default all) as one; as `read_detections`.

    `label` is the class number, which a new champion keeps where its clusters hold the same events; `class_name` is
    what `champion.names` of the settings calls it, else its name by the reviews, else the number. Events that are not
    `assigned` are unlike all clusters. Tables by class models have the columns
    `ris_core.storage.table_schemas.CLASS_LABEL_COLUMNS` as well, which are empty for events labelled by other models.
    """
    of_classes = table_schemas.CLASS_LABEL_COLUMNS
    wanted = _checked(columns, list(dict.fromkeys([*table_schemas.label_schema(k=1).names, *of_classes])))
    with_names = wanted is None or _CLASS_NAME in wanted
    # The names are made from the numbers.
    of_files = None if wanted is None else [name for name in {*wanted, "label"} if name != _CLASS_NAME]
    paths = [path for _, path in _paths(network, network.layout.labels, stations, first, last)]
    frame = tables.read_tables(paths, of_files, may_lack=of_classes)
    if with_names:
        known = champion_or_none(network.layout)
        names = class_names(network.settings.champion, frame["label"].unique(), known)
        if _CLASS_NAME in frame:
            frame = frame.drop(columns=_CLASS_NAME)
        frame.insert(list(frame.columns).index("label") + 1, _CLASS_NAME, frame["label"].map(names))
    if _BESIDE in frame:
        frame[_BESIDE] = frame[_BESIDE].astype("Int32")
    return frame if wanted is None else frame[wanted]
