"""Worlds of the benchmark of links: the synthetic network's truth catalogue, classes without a cause, outages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ris_core.config import StationSettings, SyntheticSettings
from ris_core.config.links import LinksSettings
from ris_core.links.link_inputs import LinkInputs
from ris_core.links.truth_events import (
    Recording,
    detected,
    hours_of,
    inputs_of_events,
    noise_level,
    true_terms,
)
from ris_core.rates.confusion import Confusion
from ris_core.rates.exposure import HOUR_NS, hourly_counts
from ris_core.synthetic.event_catalogue import network_environment, station_catalogue
from ris_core.synthetic.families import NAMES, draw_snr
from ris_core.synthetic.ice_environment import Environment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_DAY, LAST_DAY = date(2014, 12, 1), date(2016, 11, 30)
STATIONS = (
    StationSettings(code="S01", latitude=-81.5, longitude=-176.5, elevation=60),
    StationSettings(code="S02", latitude=-80.2, longitude=-178.0, elevation=55),
    StationSettings(code="S03", latitude=-78.3, longitude=179.0, elevation=50),
)
NULL_SHARE = 0.12
"""Events of each null class, as a share of all events of the families."""
GAPS = 0.1
GAP_HOURS = 36.0
WINDY_M_S = 14.0
WINDY_LOST = 0.5
SWARM, SWARM_HOURS = 30, 6.0
EPISODE, EPISODE_HOURS = 150, 48.0
YEAR_HOURS = 365.2425 * 24

WAVE = "wave_height"
TRUE_LINKS: dict[tuple[str, str], int] = {
    ("rift", "tilt"): 1,
    ("rift", "temperature"): -1,
    ("ice_front", WAVE): 1,
    ("stick_slip", "falling_tide"): 1,
    ("thermal", "cooling"): 1,
    ("thermal", "temperature"): 1,
}
"""The laws of `ris_core.synthetic.rates` with their signs, sea ice left out: the season explains it."""
LEFT_OUT = "ice"


def _season(hours: Floats, phase: float) -> Floats:
    return np.cos(2.0 * np.pi * (hours / YEAR_HOURS - phase))


def _poisson(rng: np.random.Generator, rate: Floats, expected: float) -> Floats:
    """Return times in hours of a Poisson process whose rate is given by the hour."""
    cumulative = np.concatenate([[0.0], np.cumsum(rate)])
    drawn = np.sort(rng.uniform(0.0, cumulative[-1], rng.poisson(expected)))
    return np.interp(drawn, cumulative, np.arange(len(cumulative), dtype=np.float64))


def _clusters(rng: np.random.Generator, rate: Floats, expected: float, size: int, hours: float) -> Floats:
    """Return times in hours of Neyman-Scott clusters: parents by a rate, children evenly over some hours."""
    parents = _poisson(rng, rate, expected / size)
    children = np.repeat(parents, rng.poisson(size, len(parents)))
    times = np.sort(children + rng.uniform(0.0, hours, len(children)))
    return times[times < len(rate)]


def _even(hours: Floats, local: Floats, phase: float) -> Floats:
    return np.ones_like(hours)


def _seasonal(hours: Floats, local: Floats, phase: float) -> Floats:
    return np.exp(1.5 * _season(hours, phase))


def _season_by_day(hours: Floats, local: Floats, phase: float) -> Floats:
    return (1.0 + 0.9 * _season(hours, phase)) * (1.0 + 0.9 * np.cos(2.0 * np.pi * (local - 15.0) / 24.0))


Null = tuple[Callable[[Floats, Floats, float], Floats], int, float]
NULLS: dict[str, Null] = {
    "null_season": (_seasonal, 1, 0.0),
    "null_swarms": (_even, SWARM, SWARM_HOURS),
    "null_episodes": (_even, EPISODE, EPISODE_HOURS),
    "null_season_by_day": (_season_by_day, 1, 0.0),
    "null_seasonal_swarms": (_seasonal, SWARM, SWARM_HOURS),
}
"""Rate, events of a cluster, hours that it lasts."""


def source_of(seed: int, events_per_day: float) -> SyntheticSettings:
    """Return the source of a generator seed at a rate."""
    return SyntheticSettings(
        seed=seed, events_per_day=events_per_day, catalogue_first_day=FIRST_DAY, catalogue_last_day=LAST_DAY
    )


def world(seed: int, events_per_day: float, links: LinksSettings, late_hours: float = 0.0) -> list[LinkInputs]:
    """Return the inputs of three stations: families and null classes as detected, with gaps and outages.

    Parameters
    ----------
    seed
        Generator seed.
    events_per_day
        True events of all families per station-day; about a third is detected.
    links
        Section `links`: the terms.
    late_hours
        Error of the times of the series.
    """
    source = source_of(seed, events_per_day)
    environment = network_environment(source, STATIONS)
    edges = hours_of(source)
    terms = true_terms(environment, edges, links, late_hours)
    # The phase of the null classes' season is common to all stations, as a cause would be.
    phases = np.random.default_rng([seed, 1]).uniform(size=len(NULLS))
    found = []
    for place, station in enumerate(STATIONS):
        rng = np.random.default_rng([seed, 2, place])
        noise = noise_level(source, environment, station.code, edges)
        recording = Recording(edges, _live_intervals(rng, environment, edges), noise)
        catalogue = station_catalogue(source, STATIONS, station.code)
        catalogue = catalogue[detected(rng, catalogue["snr_db"].to_numpy())]
        code, peak = catalogue["family_code"].to_numpy(), catalogue["peak"].to_numpy()
        times = {name: np.sort(peak[code == number]) for number, name in enumerate(NAMES)}
        times |= _null_times(rng, environment, recording, phases, NULL_SHARE * events_per_day)
        found.append(inputs_of_events(station.code, recording, times, terms, rng))
    return found


def _null_times(
    rng: np.random.Generator, environment: Environment, recording: Recording, phases: Floats, per_day: float
) -> dict[str, Ints]:
    edges = recording.edges
    hours = np.arange(len(edges) - 1, dtype=np.float64)
    local = environment.at(environment.local_hour, edges[:-1])
    found = {}
    for (name, (law, size, lasting)), phase in zip(NULLS.items(), phases, strict=True):
        rate, expected = law(hours, local, phase), per_day * len(hours) / 24.0
        drawn = _poisson(rng, rate, expected) if size == 1 else _clusters(rng, rate, expected, size, lasting)
        times = edges[0] + (drawn * HOUR_NS).astype(np.int64)
        heard = detected(rng, draw_snr(rng, len(times)) - recording.excess_at(times))
        found[name] = times[heard]
    return found


def _live_intervals(rng: np.random.Generator, environment: Environment, edges: Ints) -> Ints:
    """Return live intervals: gaps of a tenth of the time, outages in storms, and an hour lost each day."""
    number = len(edges) - 1
    live = np.ones(number, dtype=np.bool_)
    while live.mean() > 1.0 - GAPS:
        start = int(rng.integers(number))
        live[start : start + 1 + int(rng.exponential(GAP_HOURS))] = False
    windy = environment.at(environment.wind, edges[:-1] + HOUR_NS // 2) > WINDY_M_S
    live &= ~(windy & (rng.uniform(size=number) < WINDY_LOST))
    live[np.arange(number) % 24 == rng.integers(24)] = False
    change = np.diff(np.concatenate([[0], live.astype(np.int8), [0]]))
    return np.stack([edges[np.flatnonzero(change == 1)], edges[np.flatnonzero(change == -1)]], axis=1)


def confused(inputs: list[LinkInputs], seed: int, wrong: float, tested: int) -> tuple[list[LinkInputs], Confusion]:
    """Return inputs with wrong labels, and the confusion as a test with some events of each class would find it.

    Parameters
    ----------
    inputs
        Of all stations.
    seed
        Of the labels.
    wrong
        Share of the events of each class that get another one; which, differs from class to class.
    tested
        Tested events of each class.
    """
    rng = np.random.default_rng([seed, 3])
    classes = inputs[0].classes
    k = len(classes)
    shares = np.diag(np.full(k, 1.0 - wrong))
    for row in range(k):
        shares[row, np.arange(k) != row] = wrong * rng.dirichlet(np.ones(k - 1))
    counts = np.stack([rng.multinomial(tested, row) for row in shares]).astype(np.float64)
    found = []
    for station in inputs:
        labelled: dict[str, list[Ints]] = {name: [] for name in classes}
        for row, name in enumerate(classes):
            of = station.times[name]
            given = rng.choice(k, size=len(of), p=shares[row])
            for place, other in enumerate(classes):
                labelled[other].append(of[given == place])
        times = {name: np.sort(np.concatenate(parts)) for name, parts in labelled.items()}
        hourly = np.stack([hourly_counts(of, station.edges) for of in times.values()], axis=1).astype(np.float64)
        found.append(replace(station, counts=hourly, times=times))
    return found, Confusion(classes, counts, f"{tested} events of each class, drawn at random")
