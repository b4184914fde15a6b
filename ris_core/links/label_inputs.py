"""The catalogue, the live intervals and the environmental series as input of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.catalogue.station_positions import Position, distances_km, positions
from ris_core.clustering.champion import champion_or_none, class_names
from ris_core.config import Settings
from ris_core.config.environment import SeriesSettings
from ris_core.config.links import LinksSettings, LinkTermSettings
from ris_core.contracts.decision import NOISE, NOT_AN_EVENT
from ris_core.environment.series import NoSeriesError, Series, load_series
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.link_terms import term_values
from ris_core.rates.confusion import Confusion, known_confusion
from ris_core.rates.exposure import HOUR_NS, hourly_counts, intervals_of, is_live, live_hours, nanoseconds
from ris_core.rates.labelled_time import LabelledTime, labelled_time
from ris_core.rates.live_reading import NoLiveTimeError
from ris_core.station_days.station_days import StationDays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNTESTED = (NOISE, NOT_AN_EVENT)
"""Classes of reviewed models that are counted, since events may be confused with them, but not tested."""
_COLUMNS = ("station", "time_on", "label", "class_name", "snr", "peak_counts")


@dataclass(frozen=True, eq=False)
class LabelInputs:
    """Inputs of all stations, and what is said of them.

    Attributes
    ----------
    stations
        One for each station with live time.
    confusion
        Of the classes of the inputs; none if counts are used as labelled.
    labels
        How counts deal with wrong labels, in words.
    doubts
        What speaks against the results, in words.
    """

    stations: tuple[LinkInputs, ...] = field(repr=False)
    confusion: Confusion | None
    labels: str
    doubts: tuple[str, ...]


def label_inputs(network: StationDays) -> LabelInputs:
    """Return the inputs of a network from its catalogue.

    Raises
    ------
    NoCatalogueError, NoLabelledEventsError
        There is no catalogue, or no event of it has a label.
    NoLiveTimeError
        The events were imported: without live time there are no rates.
    DamagedFileError
        A file that is read is damaged.
    """
    settings, links = network.settings, network.settings.links
    found = labelled_time(network, _COLUMNS)
    if found.live is None:
        raise NoLiveTimeError(f"links cannot be tested without rates: {found.no_live_time}")
    classes, confusion, labels = _classes(network, found)
    edges = _edges(found)
    series, missing = _series(network)
    places = positions(settings, network.layout)
    doubts = [text for text in (found.left_out, *missing) if text]
    inputs = []
    for station in network.stations:
        intervals = intervals_of(found.live, station)
        if not len(intervals):
            continue
        own = found.events[found.events["station"] == station]
        chosen = [_chosen(term, station, series, settings, places) for term in links.terms]
        terms = {
            term.name: term_values(of.hourly(edges, _gap(of, links)), term)
            for term, of in zip(links.terms, chosen, strict=True)
            if of is not None
        }
        noise, source = _noise(links, edges, own, list(series.values()))
        onsets = nanoseconds(own["time_on"])
        live = is_live(onsets, intervals)
        times = {name: np.sort(onsets[live & (own["class_name"] == name).to_numpy()]) for name in classes}
        counts = np.stack([hourly_counts(of, edges) for of in times.values()], axis=1).astype(np.float64)
        inputs.append(
            LinkInputs(
                station, edges, intervals, live_hours(intervals, edges), classes, counts, times, noise, source, terms
            )
        )
    sources = dict.fromkeys(one.noise_source for one in inputs)
    doubts += [
        "no noise level is known: links with whatever makes noise, above all wind, must not be believed; give a series "
        "with noise_covariate"
        for source in sources
        if not source
    ]
    return LabelInputs(tuple(inputs), confusion, labels, tuple(doubts))


def _gap(series: Series, links: LinksSettings) -> float:
    return max(series.longest_gap, 3600.0 * links.longest_gap)


def _edges(found: LabelledTime) -> Ints:
    """Return the edges of all hours from the first live one to the last."""
    live = found.live
    if live is None or live.empty:
        raise NoLiveTimeError("no station-day with labels has live time; label station-days (job label)")
    first, last = int(nanoseconds(live["start"]).min()), int(nanoseconds(live["end"]).max())
    return np.arange(first // HOUR_NS, -(-last // HOUR_NS) + 1, dtype=np.int64) * HOUR_NS


def _classes(network: StationDays, found: LabelledTime) -> tuple[tuple[str, ...], Confusion | None, str]:
    """Return the names of the classes, their confusion, and how wrong labels are dealt with, in words."""
    settings = network.settings
    champion = champion_or_none(network.layout)
    numbers = sorted({int(number) for number in found.events["label"].unique()})
    named = class_names(settings.champion, numbers, champion)
    names = tuple(dict.fromkeys(named[number] for number in numbers))
    confusion = known_confusion(network.layout, settings.champion, settings.rates)
    borrowed = "links may be borrowed from classes that the model takes for others"
    if confusion is None:
        return names, None, f"labels are used as they are, since no confusion of classes is known: {borrowed}"
    if strange := sorted(set(names) - set(confusion.classes)):
        return names, None, f"labels are used as they are, since {', '.join(strange)} were not tested: {borrowed}"
    if doubts := confusion.doubts(settings.links.least_tested, settings.rates.most_condition):
        return names, None, f"labels are used as they are ({doubts[0]}): {borrowed}"
    return confusion.classes, confusion, f"counts are unmixed with the confusion of classes ({confusion.source})"


def _series(network: StationDays) -> tuple[dict[str, Series], list[str]]:
    """Return the series that have been read, by name, and what is said of the others."""
    found, missing = {}, []
    for section in network.settings.environment:
        try:
            found[section.name] = load_series(network.layout, section.name)
        except NoSeriesError as error:
            missing.append(str(error))
    return found, missing


def _chosen(
    term: LinkTermSettings,
    station: str,
    series: dict[str, Series],
    settings: Settings,
    places: dict[str, Position],
) -> Series | None:
    """Return the series of a term for a station: the one that is named, the station's own, or the nearest."""
    if term.series is not None:
        return series.get(term.series)
    fit = [
        section
        for section in settings.environment
        if section.kind == term.kind and section.name in series and not series[section.name].noise_covariate
    ]
    own = [section for section in fit if section.station == station]
    if not fit:
        return None
    if own or len(fit) == 1:
        return series[(own or fit)[0].name]
    to = distances_km([places.get(station), *(_place(section, places) for section in fit)])[0, 1:]
    return series[fit[int(np.nanargmin(to)) if np.isfinite(to).any() else 0].name]


def _place(section: SeriesSettings, places: dict[str, Position]) -> Position | None:
    if section.station is not None:
        return places.get(section.station)
    return None if section.latitude is None or section.longitude is None else (section.latitude, section.longitude)


def _noise(
    links: LinksSettings, edges: Ints, events: pd.DataFrame, series: list[Series]
) -> tuple[tuple[Floats, ...], str]:
    """Return what is known of the noise by the hour, and where it comes from, in words."""
    covariates = [one for one in series if one.noise_covariate]
    if links.noise in ("auto", "series") and covariates:
        hourly = tuple(one.hourly(edges, _gap(one, links)) for one in covariates)
        return hourly, ", ".join(one.name for one in covariates)
    if links.noise in ("auto", "events"):
        level = noise_of_events(events, edges, 3600.0 * links.noise_gap)
        if np.isfinite(level).any():
            between = f"between hours no more than {links.noise_gap:g} h apart"
            return (level,), f"the level before the triggers of each hour, and {between}"
    return (), ""


def noise_of_events(events: pd.DataFrame, edges: Ints, longest_gap: float) -> Floats:
    """Return the noise level of each hour, dB, up to a constant of the station.

    It is 20 lg |peak| − SNR of the events of all classes, their median in each hour, and the straight line between
    hours that are no further apart than the gap.

    Parameters
    ----------
    events
        `time_on`, `peak_counts` and `snr` (dB).
    edges : int array of shape (M + 1,)
        Edges of the hours, ns since 1970 UTC.
    longest_gap
        In seconds.

    Returns
    -------
    array of shape (M,)
        NaN where nothing is known.
    """
    known = events[np.isfinite(events["snr"]) & (events["peak_counts"] != 0)]
    level = 20.0 * np.log10(known["peak_counts"].abs().to_numpy(np.float64)) - known["snr"].to_numpy(np.float64)
    place = (nanoseconds(known["time_on"]) - edges[0]) // HOUR_NS
    inside = (place >= 0) & (place < len(edges) - 1)
    medians = pd.Series(level[inside]).groupby(place[inside]).median()
    found = np.full(len(edges) - 1, np.nan)
    if medians.empty:
        return found
    hours, values = medians.index.to_numpy(np.float64), medians.to_numpy(np.float64)
    at = np.arange(len(found), dtype=np.float64)
    after = np.searchsorted(hours, at).clip(0, len(hours) - 1)
    before = np.where(hours[after] == at, after, (after - 1).clip(0))
    near = (at >= hours[0]) & (at <= hours[-1]) & ((hours[after] - hours[before]) * 3600.0 <= longest_gap)
    found[near] = np.interp(at[near], hours, values)
    return found
