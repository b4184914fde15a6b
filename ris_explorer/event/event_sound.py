"""An event to be heard: its samples played faster, so that their band is audible, as a WAV file."""

from __future__ import annotations

import io
import math
import wave
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ris_explorer.answers import RefusedError

RATE = 24_000
"""Samples of the sound in a second."""
_MIDDLE_HZ = 465.0
"""Where the middle of the band is to be heard: 3-20 Hz become 180-1,200 Hz."""
_ROUND = (1, 2, 3, 4, 5, 6, 8, 10)
_FADE_S, _PEAK = 0.02, 0.89
_MOST_SPEED = 1000


def speed_for(band: tuple[float, float]) -> int:
    """Return the speed-up that makes a band (Hz) audible, a round number of at least 1."""
    wanted = _MIDDLE_HZ / math.sqrt(band[0] * band[1])
    power = 10 ** max(math.floor(math.log10(max(wanted, 1.0))), 0)
    return int(min((factor * power for factor in _ROUND), key=lambda speed: abs(math.log(speed / max(wanted, 1.0)))))


def words_of(speed: int, band: tuple[float, float]) -> str:
    """Return what a speed-up does to a band, in words."""
    return f"× {speed}: {band[0]:g}–{band[1]:g} Hz sounds at {band[0] * speed:,.0f}–{band[1] * speed:,.0f} Hz"


def speed_of(text: str, band: tuple[float, float]) -> int:
    """Return the speed-up of a request, by default `speed_for`; raises `RefusedError`."""
    if not text:
        return speed_for(band)
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _MOST_SPEED:
        raise RefusedError(f"speed = {text[:40]!r} is not a whole number from 1 to {_MOST_SPEED}")
    return int(text)


def sound(samples: NDArray[np.float32], sampling_rate: float, speed: int) -> bytes:
    """Return samples as the content of a WAV file: one channel, 16 bits, `RATE` samples in a second.

    Their mean is taken away, they are scaled to the same loudness for each event, and begin and end softly.

    Parameters
    ----------
    samples
        (n,) of any unit.
    sampling_rate
        Hz.
    speed
        How much faster they are played: n / `sampling_rate` seconds of record last n / `sampling_rate` / `speed`.

    Raises
    ------
    RefusedError
        There are no samples, or none that differ.
    """
    values = samples.astype(np.float64)
    if not len(values) or not np.ptp(values) > 0:
        raise RefusedError("there is nothing to hear: the samples are all the same", 409)
    from scipy.signal import resample_poly

    ratio = Fraction(RATE / (sampling_rate * speed)).limit_denominator(2000)
    values = resample_poly(values - values.mean(), ratio.numerator, ratio.denominator)
    fade = min(round(_FADE_S * RATE), len(values) // 4)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / max(fade, 1))
    values[:fade] *= rise
    values[len(values) - fade :] *= rise[::-1]
    values *= _PEAK / (np.abs(values).max() or 1.0)
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(values * 32767).astype("<i2").tobytes())
    return made.getvalue()
