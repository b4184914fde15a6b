"""Times of events: rate laws of the families, which depend on the environment, and random times that follow them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ris_core.synthetic.ice_environment import DAY_NS, HOUR_NS, Environment, day_ns

THERMAL_FROM_C = -8.0
CULTURAL_MONTHS = (12, 1)
WORK_HOURS = (8.0, 20.0)
STICK_SLIP_INTERVAL_CV = 0.3
TREMOR_CLUSTER = 8.0
TREMOR_WAIT_S = 120.0

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def _rift(environment: Environment) -> Floats:
    daily = uniform_filter1d(environment.temperature, 24)
    tilt = (environment.tilt - environment.tilt.mean()) / environment.tilt.std()
    return np.asarray(np.exp(0.8 * tilt + 0.03 * (daily.mean() - daily)), dtype=np.float64)


def _ice_front(environment: Environment) -> Floats:
    swell = environment.wave_height**2
    return np.asarray((0.1 + swell / swell.mean()) * (1.0 - environment.ice) ** 2, dtype=np.float64)


def _stick_slip(environment: Environment) -> Floats:
    change = np.gradient(environment.tide)
    return np.asarray(0.2 + np.maximum(0.0, -change) / change.std(), dtype=np.float64)


def _thermal(environment: Environment) -> Floats:
    # The mean of 6 h, since the firn does not follow the weather of a single hour.
    cooling = -np.gradient(uniform_filter1d(environment.temperature, 6))
    return np.where(environment.temperature > THERMAL_FROM_C, np.maximum(0.0, cooling), 0.0)


def _cultural(environment: Environment) -> Floats:
    month = np.asarray(pd.to_datetime(environment.time, utc=True).month)
    at_work = (environment.local_hour >= WORK_HOURS[0]) & (environment.local_hour < WORK_HOURS[1])
    return np.where(np.isin(month, CULTURAL_MONTHS) & at_work, 1.0, 0.0)


_LAWS: dict[str, Callable[[Environment], Floats]] = {
    "rift": _rift,
    "ice_front": _ice_front,
    "stick_slip": _stick_slip,
    "thermal": _thermal,
    "cultural": _cultural,
}


def rate_law(family: str, environment: Environment, novelty_from: date) -> Floats:
    """Return the hourly rate of a family up to a factor, with the shape of the environment's time.

    - rift: exp(.8 g + .03 (T̄ − T)), g the seaward tilt in standard deviations, T the daily mean (°C): active while
      the shelf slopes to the front and in the cold, independent of swell (Olinger et al. 2019).
    - ice_front: (.1 + Hs²/⟨Hs²⟩)(1 − C)²: swell that sea ice does not damp (Bromirski & Stephen 2012).
    - stick_slip: .2 + max(0, −dh/dt)/σ: falling tide.
    - thermal: max(0, −dT/dt) where T > −8 °C: evening freezing of subsurface melt (MacAyeal et al. 2018).
    - cultural: local working hours of December and January.
    - novelty: constant from its first day; tremor and regional: constant.
    """
    if family == "novelty":
        return np.where(environment.time >= day_ns(novelty_from), 1.0, 0.0)
    law = _LAWS.get(family)
    return law(environment) if law else np.ones_like(environment.temperature)


class Clock:
    """Operational time of a rate: the expected number of events since the start of the catalogue."""

    def __init__(self, rate: Floats, environment: Environment, first_day: date, last_day: date, expected: float):
        """Scale a rate (hourly, any unit) so that the days from first to last hold an expected number of events."""
        inside = (environment.time >= day_ns(first_day)) & (environment.time <= day_ns(last_day) + DAY_NS)
        # The rate is constant over each hour, so a law that begins later (season, first day) has no earlier event.
        steps = rate[inside][:-1]
        total = float(steps.sum())
        # A law that is always zero (thermal cracks in a winter catalogue) has no events, for any share.
        self.expected = expected if total > 0 else 0.0
        factor = self.expected / total if total > 0 else 0.0
        self._count = np.concatenate([[0.0], np.cumsum(steps)]) * factor
        self._start = day_ns(first_day)

    def times(self, counts: Floats) -> Times:
        """Return the times (ns since 1970) at which the expected count reaches values in [0, expected)."""
        hours = np.interp(counts, self._count, np.arange(len(self._count)))
        return self._start + (hours * HOUR_NS).astype(np.int64)


def poisson_times(rng: np.random.Generator, clock: Clock) -> Times:
    """Return sorted times of a Poisson process."""
    return clock.times(np.sort(rng.uniform(0.0, clock.expected, rng.poisson(clock.expected))))


def renewal_times(rng: np.random.Generator, clock: Clock, cv: float) -> Times:
    """Return sorted times of a renewal process with gamma intervals of a coefficient of variation.

    In operational time the mean interval is 1, so the interval follows the rate.
    """
    shape = 1.0 / cv**2
    n = int(clock.expected + 10.0 * np.sqrt(clock.expected) + 10.0)
    counts = rng.uniform(0.0, 1.0) + np.cumsum(rng.gamma(shape, 1.0 / shape, n)) - 1.0
    return clock.times(counts[(counts >= 0.0) & (counts < clock.expected)])


def clustered_times(rng: np.random.Generator, clock: Clock, end: int) -> tuple[Times, NDArray[np.int64]]:
    """Return sorted times before `end` of Poisson clusters of mean size 8, and the cluster of each event."""
    parents = np.sort(rng.uniform(0.0, clock.expected, rng.poisson(clock.expected / TREMOR_CLUSTER)))
    sizes = 1 + rng.poisson(TREMOR_CLUSTER - 1.0, len(parents))
    cluster = np.repeat(np.arange(len(parents)), sizes)
    waits = rng.exponential(TREMOR_WAIT_S, len(cluster))
    total = np.cumsum(waits)
    firsts = np.cumsum(sizes) - sizes
    delays = total - np.repeat(total[firsts], sizes) if len(cluster) else total
    times = clock.times(parents)[cluster] + (delays * 1e9).astype(np.int64)
    order = np.argsort(times, kind="stable")
    order = order[times[order] < end]
    return times[order], cluster[order]
