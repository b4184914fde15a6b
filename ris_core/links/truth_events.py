"""The synthetic network's catalogue of all years as input of the tests: simulated detection, noise, live time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings, SyntheticSettings
from ris_core.config.links import LinksSettings
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.link_terms import term_values
from ris_core.rates.exposure import HOUR_NS, hourly_counts, is_live, live_hours
from ris_core.synthetic.event_catalogue import network_environment, station_catalogue
from ris_core.synthetic.families import NAMES
from ris_core.synthetic.ice_environment import DAY_NS, Environment, day_ns
from ris_core.synthetic.noise import band_power, reference_power
from ris_core.synthetic.site import WARM_C, build_site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DETECTED_DB = 14.5
"""SNR at which half of the events are found: about that of STA/LTA 15 on the synthetic network (docs/method.md)."""
DETECTED_WIDTH_DB = 1.5
NOISE_ERROR_DB = 0.5
"""Error of an hour's noise level as it would be measured (ours)."""
_SERIES_OF_KIND = {
    "temperature": "temperature",
    "wave_height": "wave_height",
    "tide": "tide",
    "tilt": "tilt",
    "ice": "ice",
}


def lower_rate(settings: Settings, events_per_day: float) -> SyntheticSettings:
    """Return the synthetic source with another number of events; raises `ValueError` for any other source.

    Its catalogue is drawn anew: swarms and intervals stay what they are, as they would not if it were thinned.
    """
    if not isinstance(settings.source, SyntheticSettings):
        raise ValueError(
            f"links.events is truth, but source.kind is '{settings.source.kind}': only a synthetic network has one; "
            "set links.events to labels"
        )
    return settings.source.model_copy(update={"events_per_day": events_per_day})


@dataclass(frozen=True, eq=False)
class Recording:
    """When a station was live, and how well it heard.

    Attributes
    ----------
    edges : int array of shape (M + 1,)
        Edges of the hours of the catalogue, ns since 1970 UTC.
    intervals : int array of shape (n, 2)
        Live intervals, ns since 1970 UTC.
    noise_db : array of shape (M,)
        Noise level of each hour against that at median wind, dB.
    """

    edges: Ints
    intervals: Ints
    noise_db: Floats

    def excess_at(self, time: Ints) -> Floats:
        """Return the noise level (dB) of the hours of times in ns since 1970 UTC."""
        place = np.clip((time - self.edges[0]) // HOUR_NS, 0, len(self.noise_db) - 1)
        return np.asarray(self.noise_db[place])


def hours_of(source: SyntheticSettings) -> Ints:
    """Return the edges of all hours of the truth catalogue, ns since 1970 UTC."""
    start, stop = day_ns(source.catalogue_first_day), day_ns(source.catalogue_last_day) + DAY_NS
    return np.arange(start, stop + 1, HOUR_NS, dtype=np.int64)


def noise_level(source: SyntheticSettings, environment: Environment, station: str, edges: Ints) -> Floats:
    """Return the expected noise in 3-20 Hz of each hour against that at median wind in cold firn, dB."""
    middle = edges[:-1] + HOUR_NS // 2
    site = build_site(source.seed, station)
    warm = environment.at(environment.temperature, middle) > WARM_C
    power = band_power(site, environment.at(environment.wind, middle), warm)
    return np.asarray(10.0 * np.log10(power / reference_power(site)), dtype=np.float64)


def detected(rng: np.random.Generator, snr_db: Floats) -> NDArray[np.bool_]:
    """Return which events are found: a logistic curve of the SNR."""
    chance = 1.0 / (1.0 + np.exp(-(snr_db - DETECTED_DB) / DETECTED_WIDTH_DB))
    return np.asarray(rng.uniform(size=len(snr_db)) < chance)


def true_terms(
    environment: Environment, edges: Ints, settings: LinksSettings, late_hours: float = 0.0
) -> dict[str, Floats]:
    """Return the terms whose kinds the synthetic environment has, by the hour.

    The rate of an hour follows the environment at its beginning (`ris_core.synthetic.rates`), and so do these values;
    `late_hours` is an error of their times.
    """
    at = edges[:-1] - round(late_hours * HOUR_NS)
    return {
        term.name: term_values(environment.at(getattr(environment, _SERIES_OF_KIND[term.kind]), at), term)
        for term in settings.terms
        if term.kind in _SERIES_OF_KIND
    }


def without_days(intervals: Ints, days: list[int]) -> Ints:
    """Return intervals without whole days, given by their starts in ns since 1970 UTC."""
    for start in days:
        before = np.stack([intervals[:, 0], np.minimum(intervals[:, 1], start)], axis=1)
        after = np.stack([np.maximum(intervals[:, 0], start + DAY_NS), intervals[:, 1]], axis=1)
        intervals = np.concatenate([before, after])
        intervals = intervals[intervals[:, 1] > intervals[:, 0]]
    return np.asarray(intervals[np.argsort(intervals[:, 0])])


def inputs_of_events(
    station: str,
    recording: Recording,
    times: dict[str, Ints],
    terms: dict[str, Floats],
    rng: np.random.Generator,
) -> LinkInputs:
    """Return the inputs of a station from the times of detected events by class; those in no live time are left out."""
    edges, intervals = recording.edges, recording.intervals
    live = {name: of[is_live(of, intervals)] for name, of in times.items()}
    counts = np.stack([hourly_counts(of, edges) for of in live.values()], axis=1)
    measured = recording.noise_db + NOISE_ERROR_DB * rng.standard_normal(len(recording.noise_db))
    words = f"the synthetic network's noise in 3-20 Hz, with an error of {NOISE_ERROR_DB:g} dB"
    return LinkInputs(
        station,
        edges,
        intervals,
        live_hours(intervals, edges),
        tuple(live),
        counts.astype(np.float64),
        live,
        (measured,),
        words,
        terms,
    )


def truth_inputs(settings: Settings) -> list[LinkInputs]:
    """Return the inputs of all stations of a synthetic network from its truth catalogue at a lower rate.

    Every event is heard by chance, by its SNR. A station is live at all times but on the days without data that the
    settings name.

    Raises
    ------
    ValueError
        The network is not synthetic.
    """
    links = settings.links
    source = lower_rate(settings, links.truth_events_per_day)
    environment = network_environment(source, settings.stations)
    edges = hours_of(source)
    terms = true_terms(environment, edges, links)
    found = []
    for place, station in enumerate(settings.stations):
        rng = np.random.default_rng([links.seed, source.seed, place])
        missing = [day.partition("/") for day in source.missing]
        days = [int(pd.Timestamp(day, tz="UTC").value) for code, _, day in missing if code == station.code]
        intervals = without_days(np.array([[edges[0], edges[-1]]], dtype=np.int64), days)
        recording = Recording(edges, intervals, noise_level(source, environment, station.code, edges))
        catalogue = station_catalogue(source, settings.stations, station.code)
        catalogue = catalogue[detected(rng, catalogue["snr_db"].to_numpy())]
        code, peak = catalogue["family_code"].to_numpy(), catalogue["peak"].to_numpy()
        times = {name: np.sort(peak[code == number]) for number, name in enumerate(NAMES)}
        found.append(inputs_of_events(station.code, recording, times, terms, rng))
    return found
