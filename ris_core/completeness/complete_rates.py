"""Rates of the events that a station would find in any noise, beside the rates of all that it found."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ris_core.completeness.completeness_file import NOISIEST, read_completeness
from ris_core.rates.exposure import HOUR_NS, intervals_of, is_live, nanoseconds
from ris_core.rates.labelled_time import labelled_time
from ris_core.rates.live_reading import NoLiveTimeError
from ris_core.rates.poisson import poisson_interval
from ris_core.station_days.station_days import StationDays

COLUMNS = (
    "station",
    "label",
    "class_name",
    "amplitude_90",
    "live_hours",
    "events",
    "rate",
    "rate_low",
    "rate_high",
    "events_above",
    "rate_above",
    "rate_above_low",
    "rate_above_high",
    "note",
)


def rates_above_completeness(network: StationDays) -> pd.DataFrame:
    """Return raw rates, and rates of the events that each station would have found in its noisiest quarter of time.

    Rates above this amplitude can be compared between day and night, seasons and stations of one amplitude; raw rates
    also follow the noise.

    Returns
    -------
    DataFrame
        As `rates_above`, with a row for each station and class that has labelled events.

    Raises
    ------
    NoLiveTimeError
        The events were imported, so that nothing is known of live time.
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    FileNotFoundError
        There is no table of completeness.
    DamagedFileError
        A file is damaged.
    """
    found = read_completeness(network.layout)
    measured = labelled_time(network, ("station", "time_on", "label", "class_name", "peak_counts"))
    if measured.live is None:
        raise NoLiveTimeError(measured.no_live_time)
    return rates_above(measured.events, measured.live, found.table, found.unit, network.settings.rates.level)


def rates_above(
    events: pd.DataFrame, live: pd.DataFrame, amplitudes: pd.DataFrame, unit: str = "counts", level: float = 0.95
) -> pd.DataFrame:
    """Return the rates of all events, and of those large enough to be found in 90 % of cases in the noisiest quarter.

    Parameters
    ----------
    events
        Columns station, time_on, label, class_name and peak_counts.
    live
        Columns station, start and end.
    amplitudes
        The table of completeness.
    unit
        Of its amplitudes; other amplitudes than counts cannot be compared with those of events.
    level
        Least probability that an interval of a rate holds it.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; rates per hour of live time with exact Poisson intervals. Without an amplitude its rates are
        NaN, and `note` says why. Without live time there are no rates.
    """
    rows: list[dict[str, object]] = []
    noisiest = amplitudes[amplitudes["noise_quartile"] == NOISIEST].set_index(["station", "label"])
    for station in sorted(events["station"].unique()):
        intervals = intervals_of(live, station)
        hours = float((intervals[:, 1] - intervals[:, 0]).sum()) / HOUR_NS
        own = events[events["station"] == station]
        own = own[is_live(nanoseconds(own["time_on"]), intervals)]
        for (label, name), members in own.groupby(["label", "class_name"], sort=True):
            amplitude, note = np.nan, f"{station} has no completeness of this class; make it again"
            if unit != "counts":
                note = f"completeness is in {unit}, amplitudes of events are in counts"
            elif (station, label) in noisiest.index:
                amplitude = float(noisiest.loc[(station, label), "amplitude_90"])
                note = str(noisiest.loc[(station, label), "note"])
            above = members["peak_counts"].abs() >= amplitude
            said = {"station": station, "label": label, "class_name": name, "amplitude_90": amplitude, "note": note}
            said |= {"live_hours": hours} | _rate("", len(members), hours, level)
            rows.append(said | _rate("_above", None if np.isnan(amplitude) else int(above.sum()), hours, level))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"label": np.int32, "events": np.int64, "events_above": "Int64"})


def _rate(end: str, events: int | None, hours: float, level: float) -> dict[str, object]:
    if events is None or not hours > 0:
        return {f"events{end}": events} | {f"rate{end}{which}": np.nan for which in ("", "_low", "_high")}
    low, high = poisson_interval(np.array([events]), level)
    return {
        f"events{end}": events,
        f"rate{end}": events / hours,
        f"rate{end}_low": float(low[0]) / hours,
        f"rate{end}_high": float(high[0]) / hours,
    }
