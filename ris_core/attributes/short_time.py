"""Power of events above their noise, column by column, from the trace around each event."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import Events

Floats = NDArray[np.float32]

# Shape of the Kaiser window, as that of the spectrograms by default.
_KAISER_BETA = 5.7
# Columns are this share of their window apart.
_STEP = 0.2
# Of spectrograms without the trace around them: their columns overlap by 90 %, as in the published code.
_COLUMNS_IN_WINDOW = 10


class ContextTooShortError(ValueError):
    """The context of events does not hold a window. The message says what would fit."""


@dataclass(frozen=True)
class ShortTime:
    """The constants of short-time spectra: T columns around the middle of an event's spectrogram, F frequencies.

    Attributes
    ----------
    width, step
        Samples of one column, and between columns.
    rate
        Samples per second.
    frequency
        (F,) Hz.
    half
        Number of columns before the middle one, and after it; T is 2 · half + 1.
    transform
        (width, 2 F) float32: turns the samples of a column into the real, then the imaginary parts at the frequencies.
        Removal of the mean, window, Fourier transform and scale of a one-sided density are in it.
    """

    width: int
    step: int
    rate: float
    frequency: NDArray[np.float64]
    half: int
    transform: Floats

    @property
    def columns(self) -> int:
        """T."""
        return 2 * self.half + 1

    @property
    def reach(self) -> int:
        """Samples from the middle to the first one, and to the one after the last one."""
        return self.half * self.step + (self.width + 1) // 2

    @property
    def interval(self) -> float:
        """Time between columns, s."""
        return self.step / self.rate


def spectrum_width(events: Events) -> int:
    """Return the number of samples of the short-time spectra of events with a context (20 by default).

    It follows from the place of the first sample of the spectrogram in the context, whose middle is that of the
    spectrogram's middle column. Of an odd number it is one less.
    """
    if events.context is None:
        raise ValueError("the events have no context")
    hop = round((events.time[1] - events.time[0]) * events.sampling_rate)
    return 2 * int(events.context.shape[-1] // 2 - events.context_lead - events.time.size // 2 * hop)


def short_time(events: Events, longest: float) -> ShortTime:
    """Return the constants for events with a context, and a window of some seconds.

    Raises
    ------
    ContextTooShortError
        The context does not hold the window.
    ValueError
        The place of the spectrogram in the context cannot be.
    """
    width, rate = spectrum_width(events), events.sampling_rate
    if width < 2:
        raise ValueError(
            f"context_lead {events.context_lead} does not fit the context: short-time spectra of {width} samples"
        )
    step = max(1, round(_STEP * width))
    half = max(1, round(longest * rate / (2 * step)))
    # It takes seconds to load, and the code location names this module's settings and columns alone.
    from scipy.signal.windows import kaiser

    window = kaiser(width, _KAISER_BETA, sym=True)
    sides = np.where((events.frequency <= 0) | (events.frequency >= rate / 2), 1.0, 2.0)
    angle = 2 * np.pi * np.outer(np.arange(width) / rate, events.frequency)
    fourier = np.concatenate((np.cos(angle), -np.sin(angle)), axis=1)
    taper = (np.eye(width) - 1 / width) * window
    scale = np.sqrt(np.tile(sides, 2) / (rate * np.sum(window**2)))
    found = ShortTime(
        width=width,
        step=step,
        rate=rate,
        frequency=events.frequency,
        half=half,
        transform=np.ascontiguousarray(taper @ fourier * scale, dtype=np.float32),
    )
    held = events.context.shape[-1] // 2 if events.context is not None else 0
    if found.reach > held:
        fitting = 2 * max(0, (held - (width + 1) // 2) // step) * step / rate
        raise ContextTooShortError(
            f"a window of {longest:g} s needs {2 * found.reach / rate:g} s of the trace around an event, but its "
            f"context has {2 * held / rate:g} s: name windows of at most {fitting:g} s, or raise "
            "context.half_length and process the station-days again"
        )
    return found


def mean_noise(events: Events, quantile: float) -> NDArray[np.float64]:
    """Return the mean noise spectra (N, C, F), `unit`²/Hz.

    `noise_psd` holds a lower quantile of the noise's PSD, which is −ln(1 − quantile) times the mean of stationary
    Gaussian noise: a PSD of one short-time spectrum follows an exponential distribution.
    """
    return np.asarray(events.noise_psd, dtype=np.float64) / -math.log1p(-quantile)


def power_above(
    samples: Floats, recorded: NDArray[np.integer[Any]], floor: Floats, p: ShortTime
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the power of B events above a floor.

    Parameters
    ----------
    samples
        (B, C, 2 · `reach`) around the middle.
    recorded
        (B, C, 2): the first recorded sample of them, and the first one after these.
    floor
        (B, F), of all components together.
    p
        The constants.

    Returns
    -------
    tuple
        Power (B, T, F) of all components together, not negative; and (B, T) whether a column counts: only those whose
        samples were recorded, of one component at least, have power.
    """
    n, components, _ = samples.shape
    first = p.reach - p.half * p.step - p.width // 2
    total: Floats | None = None
    counted = np.zeros((n, p.columns), dtype=bool)
    begins = first + p.step * np.arange(p.columns)
    for component in range(components):
        trace = samples[:, component, first:]
        shape, strides = (n, p.columns, p.width), (trace.strides[0], p.step * trace.strides[1], trace.strides[1])
        frames = np.ascontiguousarray(np.lib.stride_tricks.as_strided(trace, shape, strides, writeable=False))
        # One product for each event: its result does not depend on the events beside it.
        parts = np.matmul(frames, p.transform)
        np.square(parts, out=parts)
        power = parts[..., : p.frequency.size]
        power += parts[..., p.frequency.size :]
        start, stop = recorded[:, component, :1], recorded[:, component, 1:]
        whole = (begins >= start) & (begins + p.width <= stop)
        if not whole.all():
            power *= whole[..., None]
        counted |= whole
        total = power if total is None else np.add(total, power, out=total)
    assert total is not None  # noqa: S101 - there is one component at least
    above = total - floor[:, None, :]
    return np.maximum(above, 0, out=above), counted
