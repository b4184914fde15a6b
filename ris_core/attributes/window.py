"""The attributes of one window, from the power above the noise; see `columns` for what each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_TINY = np.float32(1e-30)
_LEAST_VARIANCE = 2e-4
_LEVELS = (0.5, 0.2, 0.05)
_QUEFRENCIES = 32


@dataclass(frozen=True)
class Axes:
    """The axes of the power of a window, and what follows from them.

    Attributes
    ----------
    octaves
        (F,) log2 of the frequency, Hz.
    reference
        Middle of the band, log2(Hz), from which moments are computed so that they keep their digits.
    moments
        (F, 3): 1, and the distance from `reference` to the powers 1 and 2.
    interval
        Between columns, s.
    cepstrum
        (F, 2 Q): cosines and sines of Q regular distances of maxima, under a Hann window.
    """

    octaves: Floats
    reference: float
    moments: Floats
    interval: float
    cepstrum: Floats


def axes(frequency: NDArray[np.float64], interval: float, window: float) -> Axes:
    """Return the axes of frequencies (F,), Hz, and columns `interval` s apart, each of a spectrum of `window` s."""
    spacing = float(frequency[1] - frequency[0])
    octaves = np.log2(np.maximum(frequency, spacing / 2))
    reference = float(octaves[0] + octaves[-1]) / 2
    distance = octaves - reference
    band = spacing * frequency.size
    # Two maxima at least lie in the band.
    lowest = max(0.35 * window, 2 / band)
    quefrency = np.linspace(lowest, max(1.5 * window, 2 * lowest), _QUEFRENCIES)
    angle = 2 * np.pi * np.outer(frequency - frequency[0], quefrency)
    hann = np.hanning(frequency.size)[:, None]
    return Axes(
        octaves=octaves.astype(np.float32),
        reference=reference,
        moments=np.stack([np.ones_like(distance), distance, distance**2], axis=1).astype(np.float32),
        interval=interval,
        cepstrum=(np.concatenate((np.cos(angle), np.sin(angle)), axis=1) * hann).astype(np.float32),
    )


def of_window(spectrum: Floats, moments: Floats, a: Axes) -> Floats:
    """Return the attributes (B, `len(IN_WINDOW)`) of B events.

    Parameters
    ----------
    spectrum
        (B, F): the sum of the power of all columns, somewhere above 0 in each event.
    moments
        (B, T, 3): the sums of the power of each column with `a.moments`.
    a
        The axes.
    """
    found = [*_of_spectrum(spectrum, a), *_of_time(moments, a)]
    return np.stack(found, axis=1).astype(np.float32)


def _of_spectrum(spectrum: Floats, a: Axes) -> list[Floats]:
    total = spectrum.sum(axis=1, keepdims=True)
    p = spectrum / total
    centroid = (p * a.octaves).sum(axis=1)
    distance = a.octaves - centroid[:, None]
    square = p * distance * distance
    variance = np.maximum(square.sum(axis=1), _LEAST_VARIANCE)
    deviation = np.sqrt(variance)
    skewness = (square * distance).sum(axis=1) / (variance * deviation)
    entropy = -(p * np.log2(p + np.float32(1e-12))).sum(axis=1)
    cumulated = np.cumsum(p, axis=1)
    frequencies = np.arange(a.octaves.size)
    quantiles = [
        np.interp(crossing(cumulated, share), frequencies, a.octaves).astype(np.float32)
        for share in (0.05, 0.25, 0.5, 0.75, 0.95)
    ]
    greatest = p.max(axis=1)
    peaks = _maxima(p) & (p[:, 1:-1] >= 0.2 * greatest[:, None])
    logarithm = np.log2(p + np.float32(1e-4) * greatest[:, None])
    logarithm -= logarithm.mean(axis=1, keepdims=True)
    parts = np.square(np.matmul(logarithm[:, None, :], a.cepstrum)[:, 0])
    regular = parts[:, :_QUEFRENCIES] + parts[:, _QUEFRENCIES:]
    whole = np.square(logarithm * np.hanning(a.octaves.size).astype(np.float32)).sum(axis=1) * a.octaves.size
    harmonicity = np.log2(np.sqrt(regular.max(axis=1) / (whole + np.float32(1e-9))) + np.float32(1e-3))
    return [
        centroid,
        np.log2(deviation),
        skewness,
        entropy,
        *quantiles,
        a.octaves[p.argmax(axis=1)],
        np.log2(greatest * a.octaves.size),
        np.log2(1 + peaks.sum(axis=1)),
        harmonicity,
    ]


def _of_time(moments: Floats, a: Axes) -> list[Floats]:
    step = a.interval
    energy = moments[..., 0]
    n, columns = energy.shape
    total = energy.sum(axis=1, keepdims=True)
    share = energy / total
    smooth = _smoothed(share)
    number = np.arange(columns)
    top = smooth.argmax(axis=1)
    rows = np.arange(n)
    greatest = smooth[rows, top] + _TINY
    middle = _vertex(smooth, rows, top)
    found = [np.log2(greatest * columns)]
    before, after = number <= top[:, None], number >= top[:, None]
    for level in _LEVELS:
        above = smooth >= level * greatest[:, None]
        last = np.where(before & ~above, number, -1).max(axis=1)
        first = np.where(after & ~above, number, columns).min(axis=1)
        found.append(np.log2(above.sum(axis=1) * step + step / 2))
        for there, inside in ((last, np.minimum(last + 1, top)), (first, np.maximum(first - 1, top))):
            # Between two columns the envelope is a straight line, which ends at 0 half a column beyond the window.
            outside = np.where((there >= 0) & (there < columns), smooth[rows, np.clip(there, 0, columns - 1)], 0)
            drop = smooth[rows, inside] - level * greatest
            part = np.clip(drop / np.maximum(smooth[rows, inside] - outside, _TINY), 0, 1)
            # Both begin at the maximum of the parabola.
            length = np.abs(inside - top) + part + (middle if there is last else -middle)
            found.append(np.log2(np.maximum(length, 0) * step + step))
    cumulated = np.cumsum(share, axis=1)
    t10, t25, t75, t90 = (crossing(cumulated, level) * step for level in (0.1, 0.25, 0.75, 0.9))
    found.append(np.log2(t90 - t10 + step / 2))
    found.append(np.log2(t75 - t25 + step / 2))
    found.append((t90 + t10 - 2 * (top + middle) * step) / (t90 - t10 + step))
    inner = _maxima(smooth)
    for level in (0.25, 0.05):
        peaks = inner & (smooth[:, 1:-1] >= level * greatest[:, None])
        found.append(np.log2(1 + peaks.sum(axis=1)))
    logarithm = np.log2(smooth + np.float32(0.01) * greatest[:, None])
    found.append(np.log2(np.abs(np.diff(logarithm, axis=1)).mean(axis=1) + np.float32(0.005)))
    found.append(logarithm.mean(axis=1) - np.log2(smooth.mean(axis=1) + np.float32(0.01) * greatest))
    return found + _of_glide(moments, share, top, step)


def _of_glide(moments: Floats, share: Floats, top: NDArray[np.intp], step: float) -> list[Floats]:
    number = np.arange(share.shape[1])
    energy = moments[..., 0] + _TINY
    centroid, square = moments[..., 1] / energy, moments[..., 2] / energy
    mean = (share * centroid).sum(axis=1, keepdims=True)
    deviation = centroid - mean
    time = (number * step).astype(np.float32)
    lag = time - (share * time).sum(axis=1, keepdims=True)
    weighted = share * lag
    of_time = (weighted * lag).sum(axis=1) + np.float32(step * step / 1000)
    together = (weighted * deviation).sum(axis=1)
    spread = (share * deviation * deviation).sum(axis=1)
    early = np.where(number < top[:, None], share, 0)
    early_share = early.sum(axis=1)
    early_part = (early * deviation).sum(axis=1)
    late_part = -early_part  # deviations from the mean sum to 0
    early_mean = np.where(early_share > 1e-3, early_part / (early_share + np.float32(1e-9)), 0)
    late_mean = late_part / np.maximum(1 - early_share, np.float32(1e-3))
    width = np.sqrt(np.maximum(square - centroid * centroid, np.float32(1e-6)))
    return [
        together / np.sqrt(of_time),
        together / np.sqrt(of_time * (spread + np.float32(2e-6))),
        np.log2(np.sqrt(spread) + np.float32(0.015)),
        late_mean - early_mean,
        np.log2((share * width).sum(axis=1) + np.float32(0.0015)),
    ]


def crossing(cumulated: Floats, share: float) -> Floats:
    """Return where rows (B, n) that rise reach a share of their last value, in columns; between two it is interpolated.

    Value i is reached at the end of column i, so half a column is taken off: of one column that has all, the middle.
    """
    wanted = cumulated[:, -1:] * np.float32(share)
    place = np.minimum((cumulated < wanted).sum(axis=1), cumulated.shape[1] - 1)
    rows = np.arange(len(cumulated))
    upper = cumulated[rows, place]
    lower = np.where(place > 0, cumulated[rows, np.maximum(place - 1, 0)], 0)
    inside = (wanted[:, 0] - lower) / np.maximum(upper - lower, _TINY)
    return np.asarray(place + np.clip(inside, 0, 1) - 0.5, dtype=np.float32)


def _vertex(values: Floats, rows: NDArray[np.intp], top: NDArray[np.intp]) -> Floats:
    """Return how far the maximum of the parabola through three columns lies from the middle one, −0.5 to 0.5."""
    last = values.shape[1] - 1
    before, after = values[rows, np.maximum(top - 1, 0)], values[rows, np.minimum(top + 1, last)]
    bend = 2 * values[rows, top] - before - after
    found = (after - before) / np.maximum(2 * bend, _TINY)
    return np.where((top > 0) & (top < last), np.clip(found, -0.5, 0.5), 0).astype(np.float32)


def _smoothed(values: Floats) -> Floats:
    """Return each column (B, T) with an eighth of both neighbours; beyond the ends is 0."""
    found = np.float32(0.75) * values
    found[:, 1:] += np.float32(0.125) * values[:, :-1]
    found[:, :-1] += np.float32(0.125) * values[:, 1:]
    return found


def _maxima(values: Floats) -> NDArray[np.bool_]:
    inner = values[:, 1:-1]
    return np.asarray((inner > values[:, :-2]) & (inner >= values[:, 2:]))
