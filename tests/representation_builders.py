"""Events in memory with spectrograms and noise spectra, for representations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ris_core.config import PAPER_INPUT
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputSpec


@dataclass
class ArrayEvents:
    """An `EventSource` in memory."""

    events: Events
    input: InputSpec
    noise_quantile: float = 0.25

    def __len__(self) -> int:
        return len(self.events)

    def blocks(self, parts: Sequence[Part]) -> Iterator[Events]:
        self.events.require(*parts)
        yield self.events


def events_of(spectrogram: Any, noise_psd: Any = None) -> Events:
    """Return events of spectrograms (n, F, T) or (n, C, F, T), and noise spectra (n, C, F)."""
    n, frequencies, times = len(spectrogram), *spectrogram.shape[-2:]
    components = spectrogram.shape[1] if spectrogram.ndim == 4 else 1
    return Events(
        spectrogram=spectrogram,
        waveform=np.empty((n, 0), np.float32),
        frequency=np.linspace(3.125, 19.92, frequencies),
        time=0.04 * np.arange(times),
        event_id=tuple(f"XX.S01..HHZ.{i}" for i in range(n)),
        time_peak=np.arange(n),
        window_start=np.arange(n),
        sampling_rate=50.0,
        components=("Z", "N", "E")[:components] if components > 1 else (),
        noise_psd=noise_psd,
    )


def noisy_events(n: int, components: int = 1, seed: int = 0) -> ArrayEvents:
    """Return events of two kinds, low and high, on noise; spectrograms (n, 87, 100), or (n, C, 87, 100) of several."""
    rng = np.random.default_rng(seed)
    frequency = np.linspace(3, 20, 87)
    centre = np.where(np.arange(n) % 2, 6.0, 14.0)[:, None, None, None]
    bump = np.exp(-(((frequency[:, None] - centre) / 2) ** 2)) * np.exp(-np.linspace(0, 3, 100))
    level = 10 ** rng.uniform(1, 3, (n, components, 1, 1))
    power = rng.exponential(1.0, (n, components, 87, 100)) + level * bump
    noise = -np.log(0.75) * (1 + 0.1 * rng.random((n, components, 87)))
    shaped = power[:, 0] if components == 1 else power
    takes = replace(PAPER_INPUT, components=("Z", "N", "E")[:components])
    return ArrayEvents(events_of(shaped.astype(np.float32), noise.astype(np.float32)), takes)
