"""Windows without events, made into spectrograms as events are: the null that clusters are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core import config
from ris_core.config import Settings
from ris_core.contracts.acquisition import SamplesAt
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import Conditioned
from ris_core.processing.process import ProcessStage
from ris_core.processing.spectrograms import Plan, event_spectrogram, plan
from ris_core.storage.damage import DamagedFileError
from ris_core.training.normalise import normalise

STATION_DAYS = 4
"""Largest number of station-days that windows are taken from."""


@dataclass(frozen=True)
class NoiseWindows:
    """Windows in which no detection lies.

    Attributes
    ----------
    x
        (M, F, T) float32, normalised.
    station_days
        Where they are from.
    without
        Why there are none; empty if there are some.
    """

    x: NDArray[np.float32] = field(repr=False)
    station_days: tuple[StationDay, ...]
    without: str = ""


def noise_windows(
    processing: ProcessStage, normalisation: config.NormalisationSettings, most: int, seed: int
) -> NoiseWindows:
    """Take windows from the available waveforms of a few station-days, drawn with `seed`.

    The middles of the windows are drawn among those around which no detection, of any outcome, lies within the
    search for the strongest column and the columns around that; a window is then centred on its strongest column as an
    event is. Nothing is fetched from a data centre.

    Parameters
    ----------
    processing
        The stage that processes station-days, which knows the settings of the network and where its samples are.
    normalisation
        Normalisation of the spectrograms.
    most
        Largest number of windows (`stability.noise_windows`).
    seed
        Of all draws.
    """
    settings = processing.settings
    empty = np.empty((0, *settings.input_spec().shape), np.float32)
    if most == 0:
        return NoiseWindows(empty, (), "stability.noise_windows is 0")
    rng = np.random.default_rng(seed)
    constants = plan(settings.spectrogram, settings.conditioning)
    found: list[NDArray[np.float32]] = []
    used: list[StationDay] = []
    for key in _at_hand(processing, rng):
        try:
            products = _processed(processing, key)
        except DamagedFileError:
            continue  # another one takes its place; its own processing names the file
        windows = _windows_of(products, key, settings, constants, rng, -(-most // STATION_DAYS))
        if len(windows):
            found.append(windows)
            used.append(key)
        if len(used) == STATION_DAYS:
            break
    if not used:
        return NoiseWindows(
            empty, (), "no processed station-day has an available raw waveform (imported, or removed after processing)"
        )
    return NoiseWindows(normalise(np.concatenate(found)[:most], normalisation), tuple(used))


def _at_hand(processing: ProcessStage, rng: np.random.Generator) -> Iterator[StationDay]:
    """Iterate over processed station-days whose raw samples are in the data root or in an archive, in random order."""
    keys = list(processing.settings.station_days())
    for number in rng.permutation(len(keys)):
        key = keys[number]
        if not processing.is_current(key):
            continue
        found = processing.acquire.read(key)
        if found is None or not found.has_data:
            continue
        if found.samples_at is SamplesAt.IN_PLACE or not processing.acquire.was_dropped(key):
            yield key


def _processed(processing: ProcessStage, key: StationDay) -> Products:
    acquire = processing.acquire
    segments = acquire.segments(key)
    recorded = [code for code, found in segments.items() if found]
    return process(segments, key, processing.settings, acquire.inventory(key.station, recorded))


def _windows_of(
    products: Products, key: StationDay, settings: Settings, p: Plan, rng: np.random.Generator, most: int
) -> NDArray[np.float32]:
    """Return the spectrograms (M, F, T), M at most `most`, of windows of a station-day that do not overlap."""
    # A centre up to `search` from the middle, and the columns to each side of it.
    reach = p.search + p.samples
    places = [
        (trace, middle)
        for trace in products.conditioned
        for middle in _free_middles(trace, products.detections, key, settings, reach)
    ]
    chosen = rng.permutation(len(places))[:most]
    cut = []
    for number in np.sort(chosen):
        trace, middle = places[number]
        samples = trace.of_kind(settings.response.spectrogram_trace)
        found = event_spectrogram(samples, trace.grid_offset, middle, p)
        if found is not None and np.any(found[1]):
            cut.append(found[1])
    return np.stack(cut) if cut else np.empty((0, p.frequency.size, p.columns), np.float32)


def _free_middles(
    trace: Conditioned, detections: pd.DataFrame, key: StationDay, settings: Settings, reach: int
) -> list[int]:
    """Return samples of a segment, 2 · `reach` apart at least, within `reach` of which there is no detection or gap."""
    n, rate = trace.samples.size, trace.sampling_rate

    def sample(time_ns: NDArray[np.int64] | int) -> NDArray[np.int64]:
        return np.asarray((np.asarray(time_ns) - trace.start_ns) * rate / NS, dtype=np.int64)

    busy = np.zeros(n + 1, dtype=np.int64)
    if not trace.opens_window:
        busy[: round(settings.conditioning.guard_after_gap * rate)] = 1
    if not trace.closes_window:
        busy[max(0, n - round(settings.conditioning.guard_before_gap * rate)) :] = 1
    on = sample(detections["time_on"].to_numpy(dtype=np.int64))
    off = sample(detections["time_off"].to_numpy(dtype=np.int64))
    for first, last in zip(on, off, strict=True):
        busy[max(0, first) : max(0, last + 1)] = 1
    before = np.cumsum(busy) - busy
    first, last = max(int(sample(key.start_ns)), 0) + reach, min(int(sample(key.end_ns)), n) - reach
    middles, middle = [], first
    while middle < last:
        free = before[middle + reach] == before[middle - reach]
        if free:
            middles.append(middle)
        middle += 2 * reach if free else round(rate)
    return middles
