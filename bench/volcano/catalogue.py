"""When events happen and how strong they are: swarms, episodes, repose times and what follows a collapse.

Rates vary as published ones do: swarms of long-period events and of hybrids before explosions, hybrids at nearly
regular intervals (Lahr et al. 1994; Neuberg 2000), tremor in episodes of hours (Konstantinou & Schlindwein 2003),
explosions with repose times, volcano-tectonic events that decay as after a main shock (McNutt 2005), rockfalls that
decay over days after a collapse (Hibert et al. 2011). Numbers of events and strengths are choices.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from bench.volcano.paths import Event
from bench.volcano.world import FAMILIES, Floats, World, generator_of

FIRST_DAY = date(2017, 5, 6)
MOST_DAYS = 2
_HOURS = 24.0 * MOST_DAYS
_NS_PER_HOUR = 3_600_000_000_000
START_NS = (FIRST_DAY - date(1970, 1, 1)).days * 24 * _NS_PER_HOUR

_EVENTS = {
    "lp": 56,
    "vt": 56,
    "hybrid": 48,
    "tremor": 24,
    "explosion": 28,
    "rockfall": 28,
    "regional": 12,
    "tornillo": 10,
    "deep_lp": 11,
}
"""Expected sources in two days; worlds differ by some twenty per cent."""
_STRENGTH_DB = {
    "lp": (9.0, 6.0),
    "vt": (9.0, 6.5),
    "hybrid": (10.0, 5.0),
    "tremor": (11.0, 4.0),
    "explosion": (12.0, 5.0),
    "rockfall": (10.0, 5.0),
    "regional": (17.0, 6.0),
    "tornillo": (11.0, 4.0),
    "deep_lp": (15.0, 4.0),
}
"""Least SNR at the reference distance, and the mean of the exponential distribution above it (b about 1)."""
_MOST_DB = 42.0
_REPOSE_CV, _DRUMBEAT_CV = 0.5, 0.3
_REGIONAL_KM = (20.0, 160.0)


def catalogue(world: World) -> tuple[pd.DataFrame, list[Event]]:
    """Draw the events of two days.

    Returns
    -------
    table
        `number`, `family`, `origin_ns` and `strength_db` (SNR at the reference distance), in the order of time.
    events
        The same events with their places, without their factors.
    """
    rows, hours = [], np.linspace(0, _HOURS, 4801)
    rates = _rates(world, hours)
    for code, family in enumerate(FAMILIES):
        rng = generator_of(world.seed, "catalogue", code + 1)
        expected = _EVENTS[family] * rng.lognormal(0, 0.2)
        times = _times(rng, family, expected, hours, rates[family])
        low, mean = _STRENGTH_DB[family]
        strength = np.minimum(low + rng.exponential(mean, times.size), _MOST_DB)
        rows += [(family, t, s, _place(rng, world, family)) for t, s in zip(times, strength, strict=True)]
    rows.sort(key=lambda row: (row[1], row[0]))
    origins = [START_NS + round(row[1] * _NS_PER_HOUR) for row in rows]
    table = pd.DataFrame(
        {
            "number": np.arange(1, len(rows) + 1),
            "family": [row[0] for row in rows],
            "origin_ns": np.array(origins, dtype=np.int64),
            "strength_db": [row[2] for row in rows],
        }
    )
    events = [Event(i, row[0], at, row[3]) for i, (row, at) in enumerate(zip(rows, origins, strict=True), start=1)]
    return table, events


def _rates(world: World, hours: Floats) -> dict[str, Floats]:
    """Return the relative rates of all families; some follow from the same swarms and the same collapse."""
    rng = generator_of(world.seed, "catalogue", 0)

    def swarm(centre: float, width: float) -> Floats:
        return np.exp(-0.5 * ((hours - centre) / width) ** 2)

    def after(start: float, decay: float) -> Floats:
        since = hours - start
        return np.where(since >= 0, np.exp(-np.maximum(since, 0) / decay), 0.0)

    unrest, collapse, shock = rng.uniform(8, 40), rng.uniform(4, 34), rng.uniform(3, 40)
    omori = np.where(hours >= shock, 1 / (0.5 + np.maximum(hours - shock, 0)), 0.0)
    drums = [swarm(unrest - rng.uniform(2, 6), 1.5), swarm(rng.uniform(3, 45), 1.5)]
    episodes = sum((swarm(rng.uniform(2, 46), rng.uniform(0.7, 1.5)) for _ in range(3)), np.zeros_like(hours))
    return {
        "lp": 0.25 + swarm(unrest, rng.uniform(2, 4)) + 0.7 * swarm(rng.uniform(4, 44), 3.0),
        "vt": 0.2 + omori + 0.6 * swarm(rng.uniform(4, 44), 2.0),
        "hybrid": 0.04 + drums[0] + drums[1],
        "tremor": 0.08 + episodes + 0.8 * swarm(unrest + 4, 1.5),
        "explosion": 0.3 + after(unrest, 10.0),
        "rockfall": 0.15 + after(collapse, 9.0),
        "regional": np.ones_like(hours),
        "tornillo": 0.2 + swarm(rng.uniform(6, 42), 5.0),
        "deep_lp": 0.2 + swarm(rng.uniform(6, 42), 4.0),
    }


def _times(rng: np.random.Generator, family: str, expected: float, hours: Floats, rate: Floats) -> Floats:
    """Return hours of events: a Poisson process, or a renewal process of explosions and hybrids."""
    passed = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2)))
    passed *= expected / passed[-1]
    cv = {"explosion": _REPOSE_CV, "hybrid": _DRUMBEAT_CV}.get(family)
    if cv is None:
        at = np.sort(rng.uniform(0, expected, rng.poisson(expected)))
    else:
        steps = rng.gamma(1 / cv**2, cv**2, round(2 * expected + 20))
        at = np.cumsum(steps) - rng.uniform()
        at = at[(at > 0) & (at < expected)]
    return np.interp(at, passed, hours)


def _place(rng: np.random.Generator, world: World, family: str) -> Floats:
    if family == "regional":
        distance, azimuth = rng.uniform(*_REGIONAL_KM), rng.uniform(0, 2 * np.pi)
        return np.array([distance * np.sin(azimuth), distance * np.cos(azimuth), rng.uniform(5, 25)])
    place = world.places[family] + rng.normal(0, world.scatter_km[family], 3)
    return np.array([place[0], place[1], max(0.05, place[2])])
