"""The attributes of events as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.attributes.columns import IN_WINDOW, columns_of, has_polarisation, longest_window
from ris_core.attributes.polarisation import polarisation
from ris_core.attributes.short_time import ShortTime, mean_noise, power_above, short_time
from ris_core.attributes.window import Axes, axes, of_window
from ris_core.config import AttributesSettings
from ris_core.contracts.events import Events

Floats = NDArray[np.float32]
# Events that are worked on together: their power fits into a processor's cache.
_BLOCK = 16
# Events whose sums are turned into attributes together.
_TOGETHER = 256
_LARGEST = np.float32(1e30)


def attributes(
    events: Events, settings: AttributesSettings | None = None, noise_quantile: float = 0.25
) -> pd.DataFrame:
    """Return the attributes of events.

    They are computed from the trace around each event (`context`) by short-time spectra of the length and the
    frequencies of its spectrogram, above its noise spectrum. So they depend neither on length and hop of the
    spectrogram nor on the gain of the instrument. Several components are added up; three with a vertical one have
    attributes of polarisation, too. Events without a context, like imported ones, have the attributes of the windows
    that their spectrogram holds, without a noise spectrum and without polarisation.

    Parameters
    ----------
    events
        With `context` and `noise_psd`, or with `spectrogram` if they have no context.
    settings
        Windows, and what counts as above the noise.
    noise_quantile
        The quantile that `noise_psd` holds (`context.noise_quantile` of the settings).

    Returns
    -------
    DataFrame
        One row for each event with its id as index, float32, the columns of `attribute_columns`; all values are finite.
        An event without power above its noise is described by its power alone, one without any power like white noise
        of constant strength.

    Raises
    ------
    MissingPartError
        The arrays were not read.
    ValueError
        The context does not hold a window, a value is not finite, or no window fits a spectrogram without context.
    """
    settings = settings or AttributesSettings()
    names = [column.name for column in columns_of(events, settings)]
    values = attribute_values(events, settings, noise_quantile)
    return pd.DataFrame(values, columns=names, index=pd.Index(events.event_id, name="event_id"))


def attribute_values(events: Events, settings: AttributesSettings, noise_quantile: float) -> Floats:
    """Return the values (N, D) of `attributes` alone."""
    if events.context is None:
        return _without_context(events, settings)
    events.require("context", "noise_psd")
    p = short_time(events, settings.windows[-1])
    spectra = axes(p.frequency, p.interval, p.width / p.rate)
    sizes = [min(p.half, max(1, round(seconds / (2 * p.interval)))) for seconds in settings.windows]
    polarised = events.letters.index("Z") if has_polarisation(events.components) else None
    noise = settings.above_noise * mean_noise(events, noise_quantile).sum(axis=1)
    _require_finite(events.event_id, noise, "its noise spectrum")
    found = []
    for start in range(0, len(events), _TOGETHER):
        stop = min(start + _TOGETHER, len(events))
        blocks = []
        for first in range(start, stop, _BLOCK):
            rows = slice(first, min(first + _BLOCK, stop))
            samples, recorded, scale = _around(events, rows, p)
            with np.errstate(over="ignore"):
                floor = np.minimum(noise[rows] * np.square(scale)[:, None], _LARGEST).astype(np.float32)
            blocks.append(_summed(samples, recorded, floor, p, spectra, sizes, polarised))
        found.append(_of_windows(blocks, spectra, sizes))
    width = len(settings.windows) * (len(IN_WINDOW) + 3 * (polarised is not None))
    return np.concatenate(found) if found else np.empty((0, width), np.float32)


def _around(events: Events, rows: slice, p: ShortTime) -> tuple[Floats, NDArray[np.integer[Any]], NDArray[np.float64]]:
    """Return the samples (B, C, 2 · reach) around the middle by a scale, where they were recorded, and the scale (B,).

    The scale is a power of 2 that brings the greatest sample to between 1/2 and 1, so that no square is too large or
    too small, and no digit is lost.
    """
    context, recorded = events.context, events.context_recorded
    if context is None or recorded is None:
        raise ValueError("the events have no context")
    first = context.shape[-1] // 2 - p.reach
    samples = context[rows, :, first : first + 2 * p.reach]
    greatest = np.abs(samples).max(axis=(1, 2), initial=0.0)
    _require_finite(events.event_id[rows], greatest, "a sample around it")
    exponent = np.frexp(greatest)[1]
    scale = np.ldexp(1.0, -exponent)
    scaled = np.ldexp(samples, -exponent[:, None, None]).astype(np.float32)
    return scaled, np.clip(recorded[rows] - first, 0, 2 * p.reach), scale


def _require_finite(event_id: Sequence[str], values: NDArray[Any], what: str) -> None:
    """Raise `ValueError` with the first event one of whose values (n, ...) is not finite."""
    wrong = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if wrong.any():
        raise ValueError(f"{event_id[int(wrong.argmax())]}: {what} is not finite; leave this event out")


@dataclass(frozen=True)
class _Sums:
    """What the attributes of B events in each window, the longest first, are computed from.

    Spectra (B, F), moments of all columns (B, T, 3), and polarisation (B, 3), or (B, 0) without.
    """

    spectra: list[Floats]
    moments: list[Floats]
    polarisation: list[Floats]


def _summed(
    samples: Floats,
    recorded: NDArray[np.integer[Any]],
    floor: Floats,
    p: ShortTime,
    spectra: Axes,
    sizes: list[int],
    vertical: int | None,
) -> _Sums:
    power, counted = power_above(samples, recorded, floor, p)
    moments = np.matmul(power, spectra.moments)
    found = _Sums([], [], [])
    # The longest window first: events without power above the noise there have none in the others either.
    for half in reversed(sizes):
        window = slice(p.half - half, p.half + half + 1)
        dead = np.flatnonzero(~(moments[:, window, 0].sum(axis=1) > 0))
        if dead.size:
            power[dead], _ = power_above(samples[dead], recorded[dead], np.zeros_like(floor[dead]), p)
            moments[dead] = np.matmul(power[dead], spectra.moments)
            silent = dead[~(moments[dead, window, 0].sum(axis=1) > 0)]
            power[silent] = 1.0
            moments[silent] = np.matmul(power[silent], spectra.moments)
        part = moments[:, window].copy()
        found.spectra.append(power[:, window].sum(axis=1))
        found.moments.append(part)
        polarised = np.empty((len(samples), 0), np.float32)
        if vertical is not None:
            polarised = polarisation(samples, part[..., 0] * counted[:, window], half, p, vertical)
        found.polarisation.append(polarised)
    return found


def _of_windows(blocks: list[_Sums], spectra: Axes, sizes: list[int]) -> Floats:
    found = []
    for place in reversed(range(len(sizes))):
        spectrum, moments, polarised = (
            np.concatenate([getattr(block, name)[place] for block in blocks])
            for name in ("spectra", "moments", "polarisation")
        )
        found += [of_window(spectrum, moments, spectra), polarised]
    return np.concatenate(found, axis=1)


def _without_context(events: Events, settings: AttributesSettings) -> Floats:
    events.require("spectrogram")
    longest = longest_window(events)
    windows = [seconds for seconds in settings.windows if seconds <= longest]
    if not windows:
        raise ValueError(
            f"the shortest window ({settings.windows[0]:g} s) is longer than the spectrograms ({longest:g} s) of these "
            "events, which have no context; name a shorter one"
        )
    interval = float(events.time[1] - events.time[0])
    spectra = axes(events.frequency, interval, 10 * interval)
    found = []
    middle = events.time.size // 2
    for start in range(0, len(events), _BLOCK):
        power = events.spectrogram[start : start + _BLOCK]
        if power.ndim == 4:
            power = power.sum(axis=1)
        power = np.ascontiguousarray(power.transpose(0, 2, 1))
        greatest = power.max(axis=(1, 2), initial=0.0)
        _require_finite(events.event_id[start : start + _BLOCK], greatest, "its spectrogram")
        power = (power / np.where(greatest > 0, greatest, 1)[:, None, None]).astype(np.float32)
        power[~(greatest > 0)] = 1.0
        values = []
        for seconds in windows:
            half = max(1, round(seconds / (2 * interval)))
            window = power[:, max(0, middle - half) : middle + half + 1]
            values.append(of_window(window.sum(axis=1), np.matmul(window, spectra.moments), spectra))
        found.append(np.concatenate(values, axis=1))
    width = len(windows) * len(IN_WINDOW)
    return np.concatenate(found) if found else np.empty((0, width), np.float32)
