"""Windows of noise for the benchmarks: cut at random places of a station-day, like those of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clustering_windows import Events
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.processing.chain import Products
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import event_spectrogram, plan
from ris_core.truth.evaluation import NOISE

QUIET = 0.01
"""A window counts as noise if all events together have less than this share of the noise's energy in it."""
AROUND = ("context", "context_recorded", "noise_psd", "noise_columns")
"""What is kept around a window."""
_TRIES = 20
"""Places for each window."""


def windows_of_noise(
    key: StationDay,
    products: Products,
    settings: Settings,
    number: int,
    seed: Sequence[int],
    quiet: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Events:
    """Return windows of a station-day without an event.

    Parameters
    ----------
    key, products, settings
        The station-day, what the chain made of it, and with which settings.
    number
        How many windows are wanted.
    seed
        Of the places; its second number is that of the station, which tells `source_id` of stations apart.
    quiet
        Given the times (n,) ns at which windows begin, it returns the rows of those that hold no event, at most
        `number`.
    """
    (trace,) = products.traces.detection
    constants = plan(settings.spectrogram, settings.conditioning)
    places = np.random.default_rng(seed).integers(0, trace.samples.size, number * _TRIES)
    cuts = [c for p in places if (c := event_spectrogram(trace.samples, trace.grid_offset, int(p), constants))]
    first = np.array([cut[0] for cut in cuts], dtype=np.int64)
    start = np.array([trace.time_ns(cut[0]) for cut in cuts], dtype=np.int64)
    rows = quiet(start)
    around = surroundings(
        trace.samples, trace.grid_offset, first[rows], constants, context_plan(settings.context, constants)
    )
    n, middle = len(rows), start[rows] + constants.samples * 500_000_000 // round(constants.rate)
    shape = (0, constants.frequency.size, constants.time.size)
    return Events(
        spectrogram=np.stack([cuts[i][1] for i in rows]) if n else np.empty(shape, np.float32),
        role=np.full(n, "noise"),
        family=np.full(n, NOISE),
        snr_db=np.full(n, np.nan),
        station=np.full(n, key.station),
        time_peak=middle,
        source_id=-middle * 10 - seed[1] - 1,
        detected=0,
        event_id=np.array([f"{settings.seed_id(key.station)}.{time}" for time in middle], dtype=np.str_),
        window_start=start[rows],
        **{name: getattr(around, name)[:, None] for name in AROUND},
        **once(settings),
    )


def once(settings: Settings) -> dict[str, Any]:
    """Return what is the same for all windows that settings make: axes, sampling rate, and where a context begins."""
    constants = plan(settings.spectrogram, settings.conditioning)
    return {
        "frequency": constants.frequency,
        "time": constants.time,
        "sampling_rate": constants.rate,
        "context_lead": context_plan(settings.context, constants).lead,
    }
