"""Windows without events, made into spectrograms as events are: the null that clusters are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.recipe import Recipe
from ris_core.config import Settings, StabilitySettings
from ris_core.contracts.events import PER_EVENT, Events, Part
from ris_core.contracts.input_spec import InputMismatchError, InputSpec
from ris_core.contracts.station_day import NS, StationDay
from ris_core.processing.chain import Products, process
from ris_core.processing.condition import Conditioned
from ris_core.processing.cutting import cut
from ris_core.processing.detect import SegmentTrigger
from ris_core.processing.detections import Detection
from ris_core.processing.outcomes import EVENT, Resolved
from ris_core.processing.process import ProcessStage
from ris_core.processing.spectrograms import Plan, plan, strongest_window
from ris_core.storage.damage import DamagedFileError

STATION_DAYS = 4
"""Largest number of station-days that windows are taken from."""


@dataclass(frozen=True)
class NoiseWindows:
    """Windows in which no detection lies.

    Attributes
    ----------
    events
        M windows, processed as events are, with context and noise spectra; none if there are no windows.
    station_days
        Where they are from.
    without
        Why there are none; empty if there are some.
    """

    events: Events | None = field(repr=False)
    station_days: tuple[StationDay, ...] = ()
    without: str = ""


@dataclass(frozen=True)
class WindowSource:
    """Windows as an `EventSource`.

    Attributes
    ----------
    events
        The windows.
    input
        What they are to a model.
    noise_quantile
        Quantile that their noise spectra are.
    """

    events: Events = field(repr=False)
    input: InputSpec
    noise_quantile: float

    def __len__(self) -> int:
        return len(self.events)

    def blocks(self, parts: Sequence[Part]) -> Iterator[Events]:
        """Give all windows; raises `MissingPartError` if an array is absent."""
        self.events.require(*parts)
        yield self.events


def windows_for(recipe: Recipe, processing: ProcessStage, settings: StabilitySettings) -> NoiseWindows:
    """Return windows for the model of a recipe; none, with the reason, if it does not take in such windows.

    Parameters
    ----------
    recipe
        The recipe.
    processing, settings
        As in `noise_windows`, and the section `stability`.
    """
    found, made_by = noise_windows(processing, settings.noise_windows, settings.seed), processing.settings
    if found.events is not None:
        try:
            recipe.require(WindowSource(found.events, made_by.input_spec(), made_by.context.noise_quantile))
        except InputMismatchError as error:
            return NoiseWindows(
                None, without=f"the settings make other windows than the model takes in ({error}); draw and train again"
            )
    return found


def noise_windows(processing: ProcessStage, most: int, seed: int) -> NoiseWindows:
    """Take windows from the available waveforms of a few station-days, drawn with `seed`.

    The middles of the windows are drawn among those around which no detection, of any outcome, lies within the
    search for the strongest column and the columns around that; a window is then centred on its strongest column as an
    event is. Nothing is fetched from a data centre.

    Parameters
    ----------
    processing
        The stage that processes station-days, which knows the settings of the network and where its samples are.
    most
        Largest number of windows (`stability.noise_windows`).
    seed
        Of all draws.
    """
    settings = processing.settings
    if most == 0:
        return NoiseWindows(None, without="stability.noise_windows is 0")
    rng = np.random.default_rng(seed)
    constants = plan(settings.spectrogram, settings.conditioning)
    found: list[Events] = []
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
            None,
            without="no processed station-day has an available raw waveform (imported, or removed after processing)",
        )
    return NoiseWindows(_together(found).take(slice(most)), tuple(used))


def _together(parts: Sequence[Events]) -> Events:
    """Return the events of several station-days, which have the same arrays, as one."""
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in PER_EVENT
        if getattr(parts[0], name) is not None
    }
    return replace(parts[0], event_id=tuple(chain.from_iterable(part.event_id for part in parts)), **joined)


def _at_hand(processing: ProcessStage, rng: np.random.Generator) -> Iterator[StationDay]:
    """Iterate over processed station-days whose raw samples are in the data root or in an archive, in random order."""
    keys = list(processing.settings.station_days())
    for number in rng.permutation(len(keys)):
        key = keys[number]
        if processing.is_current(key) and processing.acquire.is_at_hand(key):
            yield key


def _processed(processing: ProcessStage, key: StationDay) -> Products:
    acquire = processing.acquire
    segments = acquire.segments(key)
    recorded = [code for code, found in segments.items() if found]
    return process(segments, key, processing.settings, acquire.inventory(key.station, recorded))


def _windows_of(
    products: Products, key: StationDay, settings: Settings, p: Plan, rng: np.random.Generator, most: int
) -> Events:
    """Return at most `most` windows of a station-day that do not overlap, hold a signal and have all components."""
    # A centre up to `search` from the middle, and the columns to each side of it.
    reach, traces = p.search + p.samples, products.traces
    places = [
        (number, middle)
        for number, trace in enumerate(traces.detection)
        for middle in _free_middles(trace, products.detections, key, settings, reach)
    ]
    chosen = rng.permutation(len(places))[:most]
    wanted = []
    for place in np.sort(chosen):
        segment, middle = places[place]
        trace = traces.detection[segment]
        window = strongest_window(traces.strength[segment], trace.grid_offset, middle, p)
        in_channels = (None,) if window is None else traces.places(segment, window, p.samples)
        if None not in in_channels:
            name = settings.seed_id(key.station).event_id(trace.time_ns(middle))
            wanted.append(Resolved(Detection(name, _trigger(segment, middle, trace)), EVENT, window, in_channels))
    found = cut(wanted, traces, settings, p)
    return found.take(np.any(found.spectrogram, axis=tuple(range(1, found.spectrogram.ndim))))


def _trigger(segment: int, middle: int, trace: Conditioned) -> SegmentTrigger:
    """Return what stands for the trigger of a window that nothing triggered: its middle."""
    nan = float("nan")
    return SegmentTrigger(segment, middle, middle, middle, trace.time_ns(middle), nan, nan, "")


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
