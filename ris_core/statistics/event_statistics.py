"""Statistics of the events of each class at each station, and at all stations together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.rates.calendar_bins import QUARTER, SEASON, WHOLE
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.statistics.statistics_schema import AMPLITUDES, FREQUENCIES, PEAK_RANGES, SCHEMAS, SEASONS, STATIONS

_CLASS = ["label", "class_name"]


def station_statistics(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the events of each station and class, with their shares of network, station and class.

    Parameters
    ----------
    rates
        The table of rates (`ris_core.rates.rate_schema.RATE_SCHEMA`): a class without events has a row with 0 where the
        station was live, and no row where it was not.
    """
    whole = rates[rates["bin"] == WHOLE].copy()
    whole["station_events"] = whole.groupby("station")["events"].transform("sum")
    of_all = whole[whole["station"] == ALL_STATIONS]
    total = int(of_all["events"].sum())
    of_class = whole["label"].map(of_all.set_index("label")["events"])
    whole["share_of_network"] = _over(whole["station_events"], total)
    whole["share_of_station"] = _over(whole["events"], whole["station_events"])
    whole["share_of_class"] = _over(whole["events"], of_class)
    return _as(STATIONS, whole)


def season_statistics(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the events of each station and class in each season and published quarter with live time.

    The published table counts January-March and June-August of 2015 and 2016 in per cent of the class's total, without
    regard to how long stations recorded. Rates per live hour can be compared instead.
    """
    seasons = rates[rates["bin"].isin([SEASON, QUARTER])].copy()
    whole = rates[rates["bin"] == WHOLE].set_index(["station", "label"])["events"]
    total = whole.reindex(pd.MultiIndex.from_frame(seasons[["station", "label"]])).to_numpy()
    seasons["share_of_class"] = _over(seasons["events"], pd.Series(total, index=seasons.index))
    return _as(SEASONS, seasons)


def amplitude_statistics(events: pd.DataFrame) -> pd.DataFrame:
    """Return mean, spread and extremes of |peak| of each station and class, in counts and in m/s².

    Parameters
    ----------
    events
        Events of the catalogue: station, label, class_name, peak_counts, peak_acceleration (NaN if unknown).
    """
    parts = []
    for quantity, unit in (("counts", "counts"), ("acceleration", "m/s^2")):
        values = events[f"peak_{quantity}"].abs()
        parts.append(_spread(events, values).assign(quantity=quantity, unit=unit))
    return _as(AMPLITUDES, pd.concat(parts, ignore_index=True))


def frequency_statistics(events: pd.DataFrame) -> pd.DataFrame:
    """Return mean, spread and extremes of peak and centroid frequency of each station and class, Hz.

    Each event counts once; the published mean is one of means of batches, the last of which is smaller.

    Parameters
    ----------
    events
        Events of the catalogue: station, label, class_name, peak_frequency, centroid_frequency.
    """
    names = ("peak_frequency", "centroid_frequency")
    parts = [_spread(events, events[name].astype(float)).assign(quantity=name) for name in names]
    return _as(FREQUENCIES, pd.concat(parts, ignore_index=True))


def peak_edges(peaks: pd.Series[float], given: Sequence[float] = ()) -> NDArray[np.float64]:
    """Return edges of |peak|: the given ones, or the powers of ten around all values.

    Before the first of given edges is 0, and after the last one infinity, so that every event is in a range.
    """
    if given:
        inner = list(given)
        return np.array([*([0.0] if inner[0] > 0 else []), *inner, np.inf])
    known = peaks.abs()
    known = known[np.isfinite(known) & (known > 0)]
    if known.empty:
        return np.array([0.0, np.inf])
    first, last = int(np.floor(np.log10(known.min()))), int(np.floor(np.log10(known.max()))) + 1
    edges: NDArray[np.float64] = 10.0 ** np.arange(first, last + 1, dtype=np.float64)
    # Events of no amplitude at all need a range, too.
    return np.concatenate([[0.0], edges]) if (peaks == 0).any() else edges


def within_peaks(events: pd.DataFrame, low: float | None = None, high: float | None = None) -> pd.DataFrame:
    """Return the events with low <= |peak_counts| < high; either bound may be absent.

    The published code compares signed peaks and loses half of the events.
    """
    peaks = events["peak_counts"].abs()
    keep = pd.Series(True, index=events.index)
    if low is not None:
        keep &= peaks >= low
    if high is not None:
        keep &= peaks < high
    return events[keep]


def peak_ranges(events: pd.DataFrame, edges: NDArray[np.float64]) -> pd.DataFrame:
    """Return the events of each station and class in ranges of |peak_counts|.

    Parameters
    ----------
    events
        Events of the catalogue: station, label, class_name, peak_counts.
    edges
        As `peak_edges` returns them.
    """
    rows = []
    for station, own in _with_all(events):
        for (label, name), of_class in own.groupby(_CLASS, sort=True):
            place = np.searchsorted(edges, of_class["peak_counts"].abs().to_numpy(), side="right") - 1
            counts = np.bincount(place[(place >= 0) & (place < len(edges) - 1)], minlength=len(edges) - 1)
            for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True):
                rows.append(
                    (station, label, name, low, high if np.isfinite(high) else np.nan, int(n), n / len(of_class))
                )
    return pd.DataFrame(rows, columns=SCHEMAS[PEAK_RANGES].names)


def _with_all(events: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield events of each station by its code, and then all events."""
    for station, own in events.groupby("station", sort=True):
        yield str(station), own
    if len(events):
        yield ALL_STATIONS, events


def _spread(events: pd.DataFrame, values: pd.Series[float]) -> pd.DataFrame:
    """Return statistics of values of events by station and class; infinite and NaN values count as unknown."""
    values = values.where(np.isfinite(values))
    rows = []
    for station, own in _with_all(events.assign(_value=values)):
        for (label, name), of_class in own.groupby(_CLASS, sort=True):
            known = of_class["_value"].dropna()
            quartiles = known.quantile([0.25, 0.5, 0.75]).tolist() if len(known) else [np.nan] * 3
            rows.append(
                {
                    "station": station,
                    "label": label,
                    "class_name": name,
                    "known": len(known),
                    "unknown": len(of_class) - len(known),
                    "mean": known.mean() if len(known) else np.nan,
                    "standard_deviation": known.std(ddof=1) if len(known) > 1 else np.nan,
                    "minimum": known.min() if len(known) else np.nan,
                    "quartile_1": quartiles[0],
                    "median": quartiles[1],
                    "quartile_3": quartiles[2],
                    "maximum": known.max() if len(known) else np.nan,
                }
            )
    return pd.DataFrame(rows)


def _over(part: pd.Series[Any], whole: pd.Series[Any] | int) -> pd.Series[float]:
    """Return shares; NaN where the whole is 0."""
    values = np.asarray(part, float), np.asarray(whole, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.Series(np.where(values[1] > 0, values[0] / values[1], np.nan), index=part.index)


def _as(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reindex(columns=SCHEMAS[table].names).reset_index(drop=True)
