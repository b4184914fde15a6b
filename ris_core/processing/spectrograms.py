"""Spectrograms of events, cut from conditioned segments in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from ris_core.config import Conditioning, Spectrogram
from ris_core.processing.condition import Conditioned


@dataclass(frozen=True)
class Plan:
    """The constants of a spectrogram.

    Attributes
    ----------
    window
        Kaiser window, shape (20,).
    hop, columns, nfft
        Samples between columns, number of columns, points of the transform.
    search
        Columns are sought this many samples to each side of the peak.
    frequency, time
        Kept frequencies (87,), Hz; times of the columns from the first one (100,), s.
    band
        Which bins of the transform are kept.
    scale
        Factor from squared magnitude to one-sided density per bin, shape (nfft // 2 + 1,).
    """

    window: NDArray[np.float64]
    hop: int
    columns: int
    nfft: int
    search: int
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    band: slice
    scale: NDArray[np.float64]

    @property
    def samples(self) -> int:
        """Samples that all columns of one spectrogram need (218)."""
        return self.window.size + (self.columns - 1) * self.hop


def plan(settings: Spectrogram, conditioning: Conditioning) -> Plan:
    """Return the constants for given settings."""
    rate = conditioning.sampling_rate
    window = signal.windows.kaiser(round(settings.window * rate), settings.kaiser_beta, sym=True)
    bins = np.asarray(np.fft.rfftfreq(settings.nfft, 1 / rate), dtype=np.float64)
    kept = np.flatnonzero((bins >= settings.frequency_low) & (bins <= settings.frequency_high))
    scale = np.full(bins.size, 2.0 / (rate * np.sum(window**2)))
    scale[0] /= 2
    if settings.nfft % 2 == 0:
        scale[-1] /= 2
    columns, hop = round(settings.duration / settings.hop), round(settings.hop * rate)
    return Plan(
        window=window,
        hop=hop,
        columns=columns,
        nfft=settings.nfft,
        search=round(settings.search * rate),
        frequency=bins[kept],
        time=np.arange(columns) * hop / rate,
        band=slice(int(kept[0]), int(kept[-1]) + 1),
        scale=scale,
    )


def densities(samples: NDArray[np.float64], p: Plan) -> NDArray[np.float64]:
    """Return the power spectral densities of consecutive windows.

    Parameters
    ----------
    samples
        Shape (m,), counts; the first window starts at the first sample.

    Returns
    -------
    ndarray
        Shape (windows, nfft // 2 + 1), counts²/Hz, as ``scipy.signal.spectrogram`` with a constant detrend per window.
    """
    windows = np.lib.stride_tricks.sliding_window_view(samples, p.window.size)[:: p.hop]
    centred = (windows - windows.mean(axis=1, keepdims=True)) * p.window
    spectra = fft.rfft(centred, p.nfft, axis=1)
    return np.asarray((spectra.real**2 + spectra.imag**2) * p.scale)


def event_spectrogram(
    conditioned: Conditioned, peak: int, p: Plan
) -> tuple[int, NDArray[np.float32], NDArray[np.float32]] | None:
    """Cut one event's spectrogram, centred on the strongest column near the peak.

    Columns start at every ``hop``-th sample of the grid anchored at 00:00 UTC. The centre is the column of greatest
    power summed over all frequencies, among those whose middle lies within ±``search`` samples of the peak; the
    spectrogram takes 50 columns before it, itself, and 49 after it.

    Returns
    -------
    tuple or None
        Index of the first sample, spectrogram (87, 100) and waveform (218,); none if the columns do not fit into the
        segment.
    """
    n, width, half = conditioned.samples.size, p.window.size, p.columns // 2
    align = -conditioned.grid_offset % p.hop
    lead = half * p.hop
    # Column starts whose middle (start + width / 2) lies in [peak − search, peak + search).
    first = _at_or_after(peak - p.search - width // 2, align, p.hop)
    last = _at_or_after(peak + p.search - width // 2, align, p.hop) - p.hop
    first = max(first, align)
    last = min(last, align + (n - width - align) // p.hop * p.hop)
    if last < first:
        return None
    # The padding of the search by half a spectrogram is computed along, as far as the segment has it.
    begin = max(first - lead, align)
    end = min(last + (p.columns - half - 1) * p.hop, align + (n - width - align) // p.hop * p.hop)
    density = densities(conditioned.samples[begin : end + width], p)
    power = density.sum(axis=1)
    offset = (first - begin) // p.hop
    centre = offset + int(np.argmax(power[offset : offset + (last - first) // p.hop + 1]))
    start_column = centre - half
    if start_column < 0 or start_column + p.columns > density.shape[0]:
        return None
    start = begin + start_column * p.hop
    image = density[start_column : start_column + p.columns, p.band].T
    wave = conditioned.samples[start : start + p.samples]
    return start, image.astype(np.float32), wave.astype(np.float32)


def _at_or_after(index: int, align: int, hop: int) -> int:
    return index + (align - index) % hop
