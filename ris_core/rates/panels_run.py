"""The figures of environmental series over counts, from what is on disk; and whether they are current."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ris_core import versions
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.config import Settings
from ris_core.config.environment_figures import PanelsSettings
from ris_core.environment.series import NoSeriesError, load_series
from ris_core.figures.environment_panels import CountPanel, SeriesPanel, environment_panels
from ris_core.figures.image import to_png
from ris_core.rates.exposure import hourly_counts, intervals_of, live_hours, nanoseconds
from ris_core.rates.labelled_time import LabelledTime, catalogue_fingerprint, labelled_time
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.atomic import remove, replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.json_records import read_record, write_json
from ris_core.storage.layout import Layout

RECORD = "environment_panels.json"
_HOUR_NS = 3_600_000_000_000
_FIELDS: dict[str, type | tuple[type, ...]] = {"configuration": str, "files": list}


@dataclass(frozen=True, eq=False)
class Panels:
    """One figure.

    Attributes
    ----------
    name, station
        Of the settings.
    png
        The picture.
    doubts
        What of it is missing, in words.
    """

    name: str
    station: str
    png: bytes = field(repr=False)
    doubts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Name of the file in the folder of the analysis."""
        return f"environment_{self.name}_{self.station}.png"


def make_panels(network: StationDays) -> tuple[list[Panels], str]:
    """Draw all figures of the settings and write them; returns them with the digest of all that they follow from.

    Raises
    ------
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    NoSeriesError
        None of the series was read. If some were not, their panels say so.
    DamagedFileError
        A file is damaged.
    """
    layout, settings = network.layout, network.settings
    configuration = panels_configuration(network)
    wanted = {name for one in settings.environment_figures for name in one.series}
    read = {name for name in wanted if layout.environment(name).exists()}
    if wanted and not read:
        load_series(layout, sorted(wanted)[0])  # says what to do
    found = labelled_time(network, ("time_on", "label", "class_name"))
    classes = _classes(network, found)
    made = []
    for one in settings.environment_figures:
        for station in one.stations:
            figure, doubts = _figure(layout, settings, one, station, found, classes)
            made.append(Panels(one.name, station, to_png(figure), tuple(doubts)))
    for panels in made:
        with replacing(layout.analysis(panels.file)) as temporary:
            temporary.write_bytes(panels.png)
    for name in _earlier(layout) - {panels.file for panels in made}:
        remove(layout.analysis(name))
    write_json(layout.analysis(RECORD), {"configuration": configuration, "files": [panels.file for panels in made]})
    return made, configuration


def panels_are_current(network: StationDays) -> bool:
    """Return whether all figures are there and follow from the catalogue, series and settings that there are now."""
    layout = network.layout
    if not network.settings.environment_figures:
        return True
    try:
        found = read_record(layout.analysis(RECORD), _FIELDS)
        there = all(layout.analysis(name).exists() for name in found["files"])
        return bool(there and found["configuration"] == panels_configuration(network))
    except (FileNotFoundError, DamagedFileError):
        return False


def panels_configuration(network: StationDays) -> str:
    """Return the digest of all that the figures follow from; raises as `catalogue_fingerprint`."""
    layout, settings = network.layout, network.settings
    names = sorted({name for one in settings.environment_figures for name in one.series})
    series = []
    for name in names:
        path = layout.environment(name)
        series.append([name, tables.read_stamp(path)[1] if path.exists() else None])
    figures = [one.model_dump(mode="json") for one in settings.environment_figures]
    days = [str(settings.first_day), str(settings.last_day)]
    champion = champion_or_none(layout)
    classes = [None if champion is None else champion.digest, settings.champion.model_dump(mode="json")["names"]]
    return digest_of([versions.ENVIRONMENT_PANELS, figures, series, days, classes, catalogue_fingerprint(layout)])


def _earlier(layout: Layout) -> set[str]:
    try:
        names = read_record(layout.analysis(RECORD), _FIELDS)["files"]
    except (FileNotFoundError, DamagedFileError):
        return set()
    return {str(name) for name in names if str(name).startswith("environment_") and "/" not in str(name)}


def _figure(
    layout: Layout,
    settings: Settings,
    one: PanelsSettings,
    station: str,
    found: LabelledTime,
    classes: dict[int, str],
) -> tuple[Figure, list[str]]:
    doubts: list[str] = []
    panels = []
    for name in one.series:
        try:
            series = load_series(layout, name)
        except NoSeriesError as error:
            doubts.append(str(error))
            panels.append(SeriesPanel(f"{name}\nnot read", np.zeros(0, np.int64), np.zeros(0), 1.0))
            continue
        label = f"{name}\n{series.unit}"
        panels.append(SeriesPanel(label, series.time, series.value, series.longest_gap, one.axes.get(name)))
    edges = bin_edges(one, settings, found)
    counts, known = _counts(one, station, found, edges, classes)
    if not known.any():
        doubts.append(f"{one.name}: {station} has no live time and no events in this time")
    if absent := [name for name in one.classes or () if name not in {panel.label for panel in counts}]:
        doubts.append(f"{one.name}: the catalogue has no class {', '.join(absent)}")
    if found.live is None:
        doubts.append(f"{found.no_live_time}; bins without events are left empty")
    span = f"{_day(edges[0])} to {_day(edges[-1])}"
    title = f"{one.name}: {station}, {span}"
    return environment_panels(panels, counts, edges, known, title, f"in {one.bin:g} h", one.cap), doubts


def bin_edges(one: PanelsSettings, settings: Settings, found: LabelledTime) -> NDArray[np.int64]:
    """Return the edges of a figure's bins, ns since 1970 UTC; the last bin is a whole one, too."""
    last = settings.last_day or max(found.events["time_on"].max().date(), settings.first_day)
    first = one.first or datetime.combine(settings.first_day, time(), UTC)
    stop = one.last or datetime.combine(last + timedelta(days=1), time(), UTC)
    step = round(one.bin * _HOUR_NS)
    start = round(first.timestamp()) * 10**9
    count = max(1, -(-(round(stop.timestamp()) * 10**9 - start) // step))
    return start + step * np.arange(count + 1, dtype=np.int64)


def _classes(network: StationDays, found: LabelledTime) -> dict[int, str]:
    """Return numbers and names of all classes: those of the champion, also without events, and of labelled events."""
    champion = champion_or_none(network.layout)
    of_champion = () if champion is None else champion.classes
    numbers = sorted({int(label) for label in (*of_champion, *found.events["label"].unique()) if label != NO_LABEL})
    names = class_names(network.settings.champion, numbers, champion)
    told = dict(zip(found.events["label"], found.events["class_name"], strict=True))
    return {number: str(told.get(number, names[number])) for number in numbers}


def _counts(
    one: PanelsSettings, station: str, found: LabelledTime, edges: NDArray[np.int64], classes: dict[int, str]
) -> tuple[list[CountPanel], NDArray[np.bool_]]:
    """Return the panels of counts, and in which bins counts are known.

    With live intervals these are the bins with live time. Without, they are those with an event of the station.
    """
    events = found.events[found.events["station"] == station]
    onsets = nanoseconds(events["time_on"])
    if found.live is None:
        known = hourly_counts(onsets, edges) > 0
    else:
        known = live_hours(intervals_of(found.live, station), edges) > 0
    panels = []
    for label, name in classes.items():
        if one.classes is None or name in one.classes:
            counts = hourly_counts(onsets[(events["label"] == label).to_numpy()], edges).astype(np.float64)
            panels.append(CountPanel(name, label, counts))
    order = {name: place for place, name in enumerate(one.classes or ())}
    return sorted(panels, key=lambda panel: order.get(panel.label, 0)), known


def _day(time_ns: np.int64) -> str:
    return str(np.datetime64(int(time_ns), "ns").astype("datetime64[h]"))


def shown_panels(layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Yield name and picture of each figure that was drawn last, for reports; nothing if there is none."""
    try:
        names = read_record(layout.analysis(RECORD), _FIELDS)["files"]
    except FileNotFoundError:
        return
    for name in names:
        path = layout.analysis(str(name))
        if path.exists():
            yield str(name).removesuffix(".png"), path.read_bytes()
