"""Samples of an event: which there are, their place in time, and a filter that the reader chooses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.access import Event
from ris_core.contracts.station_day import NS
from ris_explorer.answers import RefusedError

_CORNERS = 4


@dataclass(frozen=True, eq=False)
class Samples:
    """Recorded samples of one component of an event.

    Attributes
    ----------
    component
        Its letter.
    values
        (n,) float32, `unit`.
    unit
        Of the values.
    start_ns
        Time of the first one, ns since 1970 UTC.
    sampling_rate
        Hz.
    window
        First and last time of the spectrogram's window, s after `start_ns`.
    peak
        Time of the detection's peak, s after `start_ns`.
    is_context
        Whether there is more than the window.
    """

    component: str
    values: NDArray[np.float32]
    unit: str
    start_ns: int
    sampling_rate: float
    window: tuple[float, float]
    peak: float
    is_context: bool


def letter_of(event: Event, wanted: str) -> str:
    """Return the letter of a component, by default that of the channel in the identifier; raises `RefusedError`."""
    own = event.event_id.split(".", 4)[3][-1:]
    letter = wanted or (own if own in event.components else event.components[0])
    if letter not in event.components:
        raise RefusedError(f"component = {wanted[:20]!r}: the event has {', '.join(event.components)}")
    return letter


def samples_of(event: Event, component: str = "") -> Samples:
    """Return the recorded samples of the context, or those of the window if there is no context.

    Raises
    ------
    RefusedError
        There is no such component, or it was not recorded.
    """
    letter = letter_of(event, component)
    place = event.components.index(letter)
    several = len(event.components) > 1
    if event.recorded is not None and not np.atleast_1d(event.recorded)[place]:
        raise RefusedError(f"component {letter} of {event.event_id} was not recorded", 409)
    values, start = (event.waveform[place] if several else event.waveform), event.window_start
    window_s = values.shape[-1] / event.sampling_rate
    is_context = event.context is not None and event.context_recorded is not None
    if event.context is not None and event.context_recorded is not None:
        first, stop = event.context_recorded[place] if several else event.context_recorded
        values = (event.context[place] if several else event.context)[int(first) : int(stop)]
        start = event.context_start + round(int(first) * NS / event.sampling_rate)
    since = (event.window_start - start) / NS
    return Samples(
        component=letter,
        values=values,
        unit=event.unit,
        start_ns=start,
        sampling_rate=event.sampling_rate,
        window=(since, since + window_s),
        peak=(event.time_peak - start) / NS,
        is_context=is_context,
    )


def band_of(low: str, high: str, sampling_rate: float) -> tuple[float | None, float | None]:
    """Return the corners of a filter, Hz; None where there is none.

    Raises
    ------
    RefusedError
        They are no frequencies between 0 and half of the sampling rate, or not in order.
    """
    found = []
    for name, text in (("low", low), ("high", high)):
        try:
            value = float(text) if text else None
        except ValueError:
            raise RefusedError(f"{name} = {text[:40]!r} is not a frequency in Hz") from None
        if value is not None and not 0 < value < sampling_rate / 2:
            raise RefusedError(
                f"{name} = {value:g} Hz: corners lie between 0 and {sampling_rate / 2:g} Hz, half of the sampling rate"
            )
        found.append(value)
    if found[0] is not None and found[1] is not None and found[0] >= found[1]:
        raise RefusedError(f"low = {found[0]:g} Hz is not below high = {found[1]:g} Hz")
    return found[0], found[1]


def filtered(
    values: NDArray[np.float32], sampling_rate: float, low: float | None, high: float | None
) -> tuple[NDArray[np.float32], str]:
    """Return samples after a filter without a shift in time, and what was done in words.

    Parameters
    ----------
    values
        (n,) samples.
    sampling_rate
        Hz.
    low, high
        Corners, Hz, as `band_of` gives them.

    Raises
    ------
    RefusedError
        There are too few samples for the filter.
    """
    if low is None and high is None:
        return values, ""
    from scipy.signal import butter, sosfiltfilt

    if low is not None and high is not None:
        kind, corners, words = "bandpass", [low, high], f"band-pass {low:g}–{high:g} Hz"
    elif low is not None:
        kind, corners, words = "highpass", [low], f"high-pass {low:g} Hz"
    else:
        kind, corners, words = "lowpass", [high or 0.0], f"low-pass {high:g} Hz"
    sections = butter(_CORNERS, corners, kind, fs=sampling_rate, output="sos")
    least = 3 * (2 * len(sections) + 1) + 1
    if len(values) < least:
        raise RefusedError(f"{len(values)} samples are too few for this filter, which takes {least}", 409)
    made = sosfiltfilt(sections, values.astype(np.float64)).astype(np.float32)
    said = (
        f"{words}, Butterworth of order {_CORNERS} forwards and backwards: no shift in time, and the response of one "
        "pass squared. Its ends are less sure"
    )
    return made, said
