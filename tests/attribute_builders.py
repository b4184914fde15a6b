"""Events with a context, cut from traces that a test gives, by the platform's own functions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import signal

from ris_core.config import ConditioningSettings, ContextSettings, SpectrogramSettings
from ris_core.contracts.events import Events
from ris_core.processing.context import context_plan, surroundings
from ris_core.processing.spectrograms import densities, plan

INSTRUMENTS = {
    "50 Hz": (ConditioningSettings(), SpectrogramSettings(), ContextSettings()),
    "100 Hz": (
        ConditioningSettings(sampling_rate=100, band_low=0.5, band_high=25),
        SpectrogramSettings(window=1.28, hop=0.1, duration=10, nfft=400, frequency_low=0.5, frequency_high=25),
        ContextSettings(half_length=15),
    ),
    "1000 Hz": (
        ConditioningSettings(sampling_rate=1000, band_low=10, band_high=400),
        SpectrogramSettings(window=0.02, hop=0.004, duration=0.4, nfft=256, frequency_low=0, frequency_high=500),
        ContextSettings(half_length=0.6, noise_reach=5, noise_step=0.1),
    ),
    "regional": (
        ConditioningSettings(sampling_rate=100, band_low=20, band_high=40),
        SpectrogramSettings(window=0.5, hop=0.2, duration=20, frequency_low=20, frequency_high=40),
        ContextSettings(half_length=25),
    ),
}
"""Settings of quite different networks."""
WINDOWS = {"50 Hz": (4.0, 10.0), "100 Hz": (10.0, 25.0), "1000 Hz": (0.4, 1.0), "regional": (20.0, 45.0)}
"""Windows that their contexts hold."""


def events_around(
    traces: np.ndarray, middles: Sequence[int], of: str = "50 Hz", components: tuple[str, ...] = ("Z",)
) -> Events:
    """Return events at samples of a trace (n,), or of traces (C, n) of several components."""
    conditioning, spectrogram, context = INSTRUMENTS[of]
    p = plan(spectrogram, conditioning)
    c = context_plan(context, p)
    traces = np.atleast_2d(np.asarray(traces, np.float32))
    starts = np.array(middles, np.int64) - c.middle
    found = [surroundings(trace, 0, starts, p, c) for trace in traces]
    waves = np.stack([[trace[start : start + p.samples] for start in starts] for trace in traces], axis=1)
    pictures = np.stack([[densities(wave, p) for wave in event] for event in waves])
    one = len(traces) == 1
    around: dict[str, Any] = {
        name: np.stack([getattr(of_one, name) for of_one in found], axis=1)
        for name in ("context", "context_recorded", "noise_psd", "noise_columns")
    }
    return Events(
        spectrogram=pictures[:, 0] if one else pictures,
        waveform=waves[:, 0] if one else waves,
        frequency=p.frequency,
        time=p.time,
        event_id=tuple(f"XX.S01.--.HH{components[0]}.{i:06d}" for i in range(len(starts))),
        time_peak=starts * 10**9,
        window_start=starts * 10**9,
        sampling_rate=p.rate,
        components=() if one else components,
        context_lead=c.lead,
        **around,
    )


def wavelets(
    number: int, of: str = "50 Hz", noise: float = 1.0, seed: int = 0, every: float = 5.0
) -> tuple[np.ndarray, list[int]]:
    """Return a trace of decaying oscillations in band-limited noise, and the samples of their beginnings.

    Frequency, decay, gliding and amplitude are drawn. Between two events are `every` contexts.
    """
    conditioning, spectrogram, context = INSTRUMENTS[of]
    rate, rng = conditioning.sampling_rate, np.random.default_rng(seed)
    gap = round(every * 2 * context.half_length * rate)
    trace = rng.normal(scale=noise, size=gap * (number + 1))
    band = [conditioning.band_low, conditioning.band_high]
    sos = signal.butter(4, band, "bandpass", fs=rate, output="sos")
    trace = signal.sosfiltfilt(sos, trace)
    middles = [gap * (i + 1) for i in range(number)]
    low, high = np.log([band[0] * 1.2, band[1] / 1.2])
    for middle in middles:
        decay = spectrogram.window * rng.uniform(0.3, 1.2)
        t = np.arange(round(6 * decay * rate)) / rate
        frequency = np.exp(rng.uniform(low, high))
        shape = np.exp(-t / decay) * (1 - np.exp(-t / (0.1 * decay)))
        wave = shape * np.sin(2 * np.pi * frequency * t * (1 + rng.uniform(-0.02, 0.02) * t / t[-1]))
        trace[middle : middle + t.size] += 30 * np.exp(rng.uniform(0, 2)) * wave
    return trace, middles
