"""Ground acceleration in the pass-band, by deconvolution of the instrument and of the decimation filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from ris_core.config import Conditioning, Response
from ris_core.processing import filters
from ris_core.processing.condition import Conditioned, decimation_factor

if TYPE_CHECKING:
    from obspy.core.inventory.response import Response as InstrumentResponse

_LOWEST_FILTER_GAIN = 10 ** (-30 / 20)


def ground_acceleration(
    conditioned: Conditioned,
    instrument: InstrumentResponse,
    raw_rate: float,
    conditioning: Conditioning,
    response: Response,
) -> NDArray[np.float64]:
    """Return the ground acceleration of a conditioned segment, shape (n,), m/s².

    The spectrum is divided by the instrument's response to acceleration (no water level) and by the causal decimation
    filter where that was used (its gain is taken as −30 dB at least), so that amplitude and time are those of the
    ground; outside ``response.band_low`` … ``band_high`` it falls off within a tenth of the corner as a cosine.
    """
    rate, n = conditioned.sampling_rate, conditioned.samples.size
    padded = fft.next_fast_len(n + round(20 * rate), real=True)
    spectrum = fft.rfft(conditioned.samples, padded)
    frequency = fft.rfftfreq(padded, 1 / rate)
    guard = _cosine_band(frequency, response.band_low, response.band_high)
    inside = guard > 0
    knots = np.linspace(frequency[inside][0], frequency[inside][-1], 2000)
    gain = instrument.get_evalresp_response_for_frequencies(knots, output="ACC")
    if conditioning.decimation == "causal_chebyshev" and decimation_factor(raw_rate, rate) > 1:
        _, lowpass = signal.sosfreqz(filters.chebyshev_lowpass(rate / 2, raw_rate), worN=knots, fs=raw_rate)
        gain = gain * lowpass * np.maximum(1.0, _LOWEST_FILTER_GAIN / np.maximum(np.abs(lowpass), 1e-30))
    if not np.all(np.isfinite(gain)) or np.any(gain == 0):
        raise ValueError("the response is zero or not finite inside the band")
    spectrum[~inside] = 0
    magnitude = np.interp(frequency[inside], knots, np.abs(gain))
    phase = np.interp(frequency[inside], knots, np.unwrap(np.angle(gain)))
    spectrum[inside] *= guard[inside] / (magnitude * np.exp(1j * phase))
    return np.asarray(fft.irfft(spectrum, padded)[:n])


def _cosine_band(frequency: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    rise = np.clip((frequency - 0.9 * low) / (0.1 * low), 0, 1)
    fall = np.clip((1.1 * high - frequency) / (0.1 * high), 0, 1)
    return np.asarray(0.25 * (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall)))
