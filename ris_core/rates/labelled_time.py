"""The labelled events of the catalogue, and the live time of the station-days that they are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from ris_core.catalogue.catalogue_reading import catalogue_days, load_catalogue, months_on_disk
from ris_core.catalogue.catalogue_schema import NO_LABEL
from ris_core.contracts.station_day import StationDay
from ris_core.rates.live_reading import NoLiveTimeError, load_live
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.layout import Layout


class NoLabelledEventsError(FileNotFoundError):
    """No event of the catalogue has a label."""


@dataclass(frozen=True, eq=False)
class LabelledTime:
    """Events with a class, and the time in which they could have been detected.

    Attributes
    ----------
    events
        Events of the catalogue that have a label, of station-days on which all have one.
    live
        Live intervals of these station-days (station, start, end); none where they are not known.
    unlabelled
        Station-days with an event that has no label yet; neither their events nor their live time are here.
    no_live_time
        Why there are no live intervals; empty if there are.
    """

    events: pd.DataFrame = field(repr=False)
    live: pd.DataFrame | None = field(repr=False)
    unlabelled: tuple[StationDay, ...] = field(repr=False)
    no_live_time: str

    @property
    def left_out(self) -> str:
        """Which station-days are left out and what to do, in words; empty if none is."""
        if not self.unlabelled:
            return ""
        named = ", ".join(map(str, self.unlabelled[:3])) + (" and others" if len(self.unlabelled) > 3 else "")
        return (
            f"{len(self.unlabelled)} station-days are left out, since their events have no label yet ({named}): label "
            "them (job label), then bring the catalogue up to date"
        )


def catalogue_fingerprint(layout: Layout) -> str:
    """Return a digest of all that the catalogue holds and was made of; raises `DamagedFileError`.

    Live intervals are included.
    """
    said = []
    for month in months_on_disk(layout):
        stamp, content, _ = tables.read_stamp(layout.catalogue(*month))
        said.append([*month, None if stamp is None else stamp.as_dict(), content])
    return digest_of(said)


def labelled_time(network: StationDays, columns: Sequence[str]) -> LabelledTime:
    """Return the labelled events of the catalogue and the live time of their station-days.

    A station-day counts if all its events have labels, also if it has no events. Where some have none, nothing is known
    of the number of events of a class, so that its live time must not count.

    Parameters
    ----------
    network
        The network.
    columns
        Wanted columns of the catalogue.

    Raises
    ------
    NoCatalogueError
        There is no catalogue.
    NoLabelledEventsError
        There are events, but none has a label.
    DamagedFileError
        A file of the catalogue, or a table of live intervals, is damaged.
    """
    layout = network.layout
    days = catalogue_days(layout)
    needed = list(dict.fromkeys(["station", "time_on", "label", *columns]))
    events = load_catalogue(layout, columns=needed)
    labelled = (events["label"] != NO_LABEL).to_numpy()
    if len(events) and not labelled.any():
        raise NoLabelledEventsError(
            f"{layout.root}: no event of the catalogue has a label; choose a model that labels (job choose_champion), "
            "label the station-days (job label), then bring the catalogue up to date; `ris run` does all of it"
        )
    # An event belongs to the station-day of its onset.
    own_day = pd.Series(list(zip(events["station"], events["time_on"].dt.date, strict=True)), index=events.index)
    unlabelled = set(own_day[~labelled])
    kept = labelled & ~own_day.isin(unlabelled).to_numpy() if unlabelled else labelled
    why, live = "", None
    try:
        live = load_live(network, [key for key in days if tuple(key) not in unlabelled])
    except NoLiveTimeError as error:
        why = str(error)
    left_out = tuple(key for key in days if tuple(key) in unlabelled)
    return LabelledTime(events[kept].reset_index(drop=True), live, left_out, why)
