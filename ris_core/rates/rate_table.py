"""Rates of each class at each station in bins of time, raw and without confusion of classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import RatesSettings
from ris_core.rates.calendar_bins import DAY, KINDS, MONTH_HOUR, Bins, bins_of
from ris_core.rates.confusion import Confusion, unmix_with_interval
from ris_core.rates.counted import CountedEvents
from ris_core.rates.exposure import HOUR_NS
from ris_core.rates.poisson import dispersion, poisson_interval
from ris_core.rates.rate_schema import ALL_STATIONS, RATE_SCHEMA

_LEAST_LIVE = 0.5
"""Hours of live time from which on an hour counts for the dispersion."""
_LEAST_CELLS = 24
_NOT_CORRECTED = (DAY, MONTH_HOUR)
"""Kinds of bins with too few events at one station."""
NO_CONFUSION = (
    "rates are not corrected for confused classes: the model that labels is no class model with cross-validated reviews"
)


@dataclass(frozen=True, eq=False)
class ClassRates:
    """Rates of the classes.

    Attributes
    ----------
    table
        Columns of `RATE_SCHEMA`.
    correction
        How rates were corrected for confused classes, or why not.
    corrected
        Whether they were.
    """

    table: pd.DataFrame = field(repr=False)
    correction: str
    corrected: bool


def class_rates(
    counted: CountedEvents, settings: RatesSettings, confusion: Confusion | None = None, kinds: tuple[str, ...] = KINDS
) -> ClassRates:
    """Return rates of each class at each station, and at all stations together, in all bins of some kinds.

    A bin in which a station was live and no event of a class was detected has a row with 0 events; a bin without live
    time has no row. Without live time (imported events) there are counts and shares only, of bins with an event.

    Parameters
    ----------
    counted
        Events and live time of each hour.
    settings
        Section `rates`.
    confusion
        How often the model takes one class for another; none if that is not known.
    kinds
        Kinds of bins.

    Notes
    -----
    Corrected counts of the K classes of the model are those without confusion (`unmix_with_interval`) of the events
    that the model named, plus the events that reviewers named, which are certain.
    """
    doubts = (NO_CONFUSION,) if confusion is None else confusion.doubts(settings.least_tested, settings.most_condition)
    if not doubts and confusion is not None and (missing := _missing(confusion, counted)):
        doubts = (f"rates are not corrected: the model does not know the classes {', '.join(missing)} that it gave",)
    used = None if doubts or counted.live is None else confusion
    if counted.live is None:
        correction = "there are no rates to correct"
    else:
        correction = "; ".join(doubts) if used is None else f"by the confusion of {used.source}"
    frames = [
        _of_kind(kind, bins_of(kind, counted.edges), counted, settings, None if kind in _NOT_CORRECTED else used)
        for kind in kinds
    ]
    table = pd.concat(frames, ignore_index=True)
    hour = [None if np.isnan(value) else int(value) for value in table["hour"].astype(float)]
    table["hour"] = pd.Series(hour, dtype=object)
    return ClassRates(table[RATE_SCHEMA.names], correction, used is not None)


def _missing(confusion: Confusion, counted: CountedEvents) -> list[str]:
    """Return names of classes that the model gave but that its confusion does not have."""
    of_model = counted.of_model.sum(axis=(0, 1))
    return [
        name
        for number, name, n in zip(counted.numbers, counted.names, of_model, strict=True)
        if n and number not in confusion.numbers
    ]


def _with_all(values: NDArray[Any]) -> NDArray[Any]:
    """Return values of stations (S, …) with their sum as the last one."""
    return np.concatenate([values, values.sum(axis=0, keepdims=True)])


def _of_kind(
    kind: str, bins: Bins, counted: CountedEvents, settings: RatesSettings, confusion: Confusion | None
) -> pd.DataFrame:
    events = _with_all(bins.sums(counted.events))
    total = events.sum(axis=2)
    live = None if counted.live is None else _with_all(bins.sums(counted.live)) / HOUR_NS
    # (station, bin) pairs that have rows; of imported events those of classes with an event.
    station, place = np.nonzero(total > 0 if live is None else live > 0)
    n = events[station, place]
    k = n.shape[1]
    columns: dict[str, Any] = {
        "events": n,
        "assigned": _with_all(bins.sums(counted.assigned))[station, place],
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["share"] = n / total[station, place][:, None]
    if live is None:
        for name in ("live_hours", "live_share", "rate", "rate_low", "rate_high", "dispersion"):
            columns[name] = np.full(n.shape, np.nan)
    else:
        hours = live[station, place][:, None]
        low, high = poisson_interval(n, settings.level)
        stations = np.append(np.ones(len(counted.stations)), len(counted.stations))
        possible = bins.hours[place] * stations[station]
        columns |= {
            "live_hours": np.repeat(hours, k, axis=1),
            "live_share": np.repeat(hours / possible[:, None], k, axis=1),
            "rate": n / hours,
            "rate_low": low / hours,
            "rate_high": high / hours,
            "dispersion": _dispersion(bins, counted)[station, place],
        }
    columns |= _corrected(bins, counted, settings, confusion, (station, place), columns["live_hours"])
    codes = np.array([*counted.stations, ALL_STATIONS], dtype=object)
    frame = pd.DataFrame({name: values.reshape(-1) for name, values in columns.items()})
    frame.insert(0, "label", np.tile(np.array(counted.numbers, np.int32), len(place)))
    frame.insert(1, "class_name", np.tile(np.array(counted.names, dtype=object), len(place)))
    frame.insert(2, "station", np.repeat(codes[station], k))
    frame.insert(3, "bin", kind)
    frame.insert(4, "name", np.repeat(np.array(bins.names, dtype=object)[place], k))
    for name, bound in (("start", bins.start), ("end", bins.end)):
        values = pd.NaT if bound is None else pd.DatetimeIndex(np.repeat(bound[place], k), tz="UTC")
        frame[name] = pd.Series(values, index=frame.index, dtype="datetime64[ns, UTC]")
    hour = None if bins.hour is None else np.repeat(bins.hour[place], k).tolist()
    frame["hour"] = pd.Series(hour, index=frame.index, dtype=object)
    return frame[frame["events"] > 0] if live is None else frame


def _dispersion(bins: Bins, counted: CountedEvents) -> NDArray[np.float64]:
    """Return the dispersion of hourly counts (S + 1, B, K); station-hours are the cells of all stations together."""
    if counted.live is None:
        raise ValueError("events without live time have no rate that they could vary around")
    hours = counted.live / HOUR_NS
    used = hours >= _LEAST_LIVE
    t = np.where(used, hours, 1.0)[..., None]
    n = np.where(used[..., None], counted.events, 0).astype(float)
    number, squares = (_with_all(bins.sums(values)) for values in (n, n**2 / t))
    live, cells = (
        _with_all(bins.sums(values))[..., None] for values in (np.where(used, hours, 0.0), used.astype(float))
    )
    return np.where(cells >= _LEAST_CELLS, dispersion(number, squares, live, cells), np.nan)


def _corrected(
    bins: Bins,
    counted: CountedEvents,
    settings: RatesSettings,
    confusion: Confusion | None,
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    hours: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Return corrected rates with their interval, (rows, K); NaN where they are not known."""
    names = ("corrected_rate", "corrected_low", "corrected_high")
    out = {name: np.full(hours.shape, np.nan) for name in names}
    if confusion is None:
        return out
    # Counts in the order of the model's classes; classes that only reviewers give are not confused by it.
    of_model = _with_all(bins.sums(counted.of_model))[rows]
    sure = _with_all(bins.sums(counted.of_reviewers))[rows]
    at = {number: column for column, number in enumerate(counted.numbers)}
    own, certain = (np.zeros((len(of_model), len(confusion.numbers)), np.int64) for _ in range(2))
    for column, number in enumerate(confusion.numbers):
        if number in at:
            own[:, column], certain[:, column] = of_model[:, at[number]], sure[:, at[number]]
    found = unmix_with_interval(own, confusion, settings.level, settings.draws, settings.seed, certain)
    for column, number in enumerate(confusion.numbers):
        if number in at:
            for name, part in zip(names, (found.value, found.low, found.high), strict=True):
                out[name][:, at[number]] = part[:, column] / hours[:, at[number]]
    return out
