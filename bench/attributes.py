"""Attributes of events on one core: `ris_core.attributes` beside a plain loop over events with SciPy's spectrogram.

python -m bench.attributes --events 4000
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ris_core.attributes import attribute_columns, attributes
from ris_core.attributes.short_time import short_time
from ris_core.attributes.window import axes, of_window
from ris_core.config import AttributesSettings, ConditioningSettings, ContextSettings, SpectrogramSettings
from ris_core.contracts.events import Events
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import plan
from ris_core.threads import one_thread

_EVERY = 700  # samples between events
_QUANTILE = 0.25


def example_events(number: int, seed: int = 0) -> Events:
    """Return events of default settings: decaying oscillations of many frequencies and lengths in white noise."""
    p = plan(SpectrogramSettings(), ConditioningSettings())
    c = context_plan(ContextSettings(), p)
    rng = np.random.default_rng(seed)
    trace = rng.normal(size=_EVERY * (number + 4))
    middles = _EVERY * (2 + np.arange(number))
    t = np.arange(400) / p.rate
    for middle in middles:
        wave = np.sin(2 * np.pi * rng.uniform(3, 18) * t) * np.exp(-t / rng.uniform(0.1, 2))
        trace[middle : middle + t.size] += np.exp(rng.uniform(1, 4)) * wave
    found = surroundings(trace.astype(np.float32), 0, middles - c.middle, p, c)
    return Events(
        spectrogram=np.empty((number, 0, 0), np.float32),
        waveform=np.empty((number, 0), np.float32),
        frequency=p.frequency,
        time=p.time,
        event_id=tuple(f"XX.S01.--.HHZ.{i}" for i in range(number)),
        time_peak=middles.astype(np.int64),
        window_start=middles.astype(np.int64),
        sampling_rate=p.rate,
        context_lead=c.lead,
        **{name: values[:, None] for name, values in vars(found).items()},
    )


def plain(events: Events, settings: AttributesSettings) -> NDArray[np.float32]:
    """Return the attributes by a loop: for each event and window SciPy's spectrogram, then one event's formulas."""
    if events.context is None or events.noise_psd is None:
        raise ValueError("events with a context are needed")
    p = short_time(events, settings.windows[-1])
    spectra = axes(p.frequency, p.interval, p.width / p.rate)
    middle, low = events.context.shape[-1] // 2, round(p.frequency[0] * 256 / p.rate)
    kaiser = signal.windows.kaiser(p.width, 5.7, sym=True)
    rows = []
    for trace, noise in zip(events.context[:, 0], events.noise_psd[:, 0], strict=True):
        found = []
        for seconds in settings.windows:
            half = round(seconds / (2 * p.interval)) * p.step
            part = trace[middle - half - p.width // 2 : middle + half + p.width // 2].astype(np.float64)
            _, _, power = signal.spectrogram(
                part, p.rate, kaiser, p.width, p.width - p.step, 256, "constant", mode="psd"
            )
            floor = settings.above_noise * noise.astype(np.float64) / -math.log1p(-_QUANTILE)
            above = np.maximum(power[low : low + p.frequency.size].T - floor, 0)[None]
            found.append(of_window(above.sum(axis=1), above @ spectra.moments, spectra)[0])
        rows.append(np.concatenate(found))
    return np.stack(rows)


def best_rate(work: Callable[[], object], events: int, repeats: int) -> float:
    """Return events per CPU-second of the best of some calls."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return events / min(seconds)


def main() -> None:
    """Print events per second on one core, both ways, and how far their values differ."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    settings, events = AttributesSettings(), example_events(arguments.events)
    few = events.take(slice(0, max(1, arguments.events // 20)))
    with one_thread():
        ours = best_rate(lambda: attributes(events, settings), len(events), arguments.repeats)
        loop = best_rate(lambda: plain(few, settings), len(few), max(1, arguments.repeats // 2))
        different = np.abs(attributes(few, settings).to_numpy() - plain(few, settings))
    scale = attributes(events, settings).to_numpy().std(axis=0) + 1e-6
    apart = float(np.quantile((different / scale).max(axis=1), 0.99))
    windows = " and ".join(f"{seconds:g} s" for seconds in settings.windows)
    print(f"{len(attribute_columns(settings))} attributes in windows of {windows}; one core of {os.cpu_count()}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    print(f"{'way':<44}{'events per CPU-second':>22}")
    print(f"{'ris_core.attributes':<44}{ours:>22,.0f}")
    print(f"{'plain loop, SciPy spectrogram':<44}{loop:>22,.0f}")
    print(f"greatest difference of an event's attributes, 99 % of events: {apart:.4f} deviations")
    result = {
        "events": len(events),
        "attributes": len(attribute_columns(settings)),
        "events_per_s": round(ours),
        "plain_events_per_s": round(loop),
        "difference": round(apart, 6),
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
