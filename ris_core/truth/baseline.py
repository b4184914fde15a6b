"""The baseline for deep models: hand-made features of spectrograms, and k-means on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

FEATURES = (
    "centroid_hz",
    "bandwidth_hz",
    "spectral_skewness",
    "lower_edge_hz",
    "upper_edge_hz",
    "flatness",
    "glide_hz_per_s",
    "gliding_spread_hz",
    "time_centroid_s",
    "duration_s",
    "duration_80_s",
    "rise_s",
    "decay_s",
    "peak_to_mean",
    "peaks",
)
_CHUNK = 1024

Floats = NDArray[np.float64]


def hand_features(spectrograms: NDArray[np.float32], frequency: Floats, time: Floats) -> Floats:
    """Return hand-made features of spectrograms, named by `FEATURES`; they do not depend on a spectrogram's scale.

    Of several components, those of each follow one after another.

    Parameters
    ----------
    spectrograms : array of shape (N, F, T) or (N, C, F, T)
        Linear power.
    frequency : array of shape (F,)
        Hz.
    time : array of shape (T,)
        s.

    Returns
    -------
    array of shape (N, 15) or (N, 15 C)
    """
    if spectrograms.ndim == 4:
        return np.concatenate(
            [hand_features(each, frequency, time) for each in np.moveaxis(spectrograms, 1, 0)], axis=1
        )
    if spectrograms.ndim != 3 or spectrograms.shape[1:] != (len(frequency), len(time)):
        raise ValueError(
            f"spectrograms have shape {spectrograms.shape}; expected (N, {len(frequency)}, {len(time)}) from the axes"
        )
    parts = [
        _features(spectrograms[i : i + _CHUNK].astype(np.float64), frequency, time)
        for i in range(0, len(spectrograms), _CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(FEATURES)))


def _features(power: Floats, frequency: Floats, time: Floats) -> Floats:
    # Far below any relevant power or length; keeps the features of an empty spectrogram finite.
    tiny = 1e-30
    total = np.maximum(power.sum(axis=(1, 2), keepdims=True), tiny)
    power = power / total
    spectrum, trace = power.sum(axis=2), power.sum(axis=1)

    centroid = spectrum @ frequency
    offset = frequency[None] - centroid[:, None]
    bandwidth = np.sqrt(np.maximum((spectrum * offset**2).sum(axis=1), tiny))
    skewness = (spectrum * offset**3).sum(axis=1) / bandwidth**3
    lower, upper = _quantile(spectrum, frequency, 0.05), _quantile(spectrum, frequency, 0.95)
    flatness = np.exp(np.mean(np.log(np.maximum(spectrum, 1e-12)), axis=1)) / np.maximum(spectrum.mean(axis=1), tiny)

    time_centroid = trace @ time
    lag = time[None] - time_centroid[:, None]
    duration = np.sqrt(np.maximum((trace * lag**2).sum(axis=1), tiny))
    # Power-weighted regression of the columns' centroids on time; chirps and glides have a slope.
    column_centroid = np.einsum("nft,f->nt", power, frequency) / np.maximum(trace, tiny)
    deviation = column_centroid - centroid[:, None]
    glide = (trace * lag * deviation).sum(axis=1) / duration**2
    spread = np.sqrt((trace * deviation**2).sum(axis=1))

    step = float(time[1] - time[0])
    peak = trace.max(axis=1)
    above = trace >= 0.1 * peak[:, None]
    at = trace.argmax(axis=1)
    rise = (at - above.argmax(axis=1)) * step
    decay = (len(time) - 1 - above[:, ::-1].argmax(axis=1) - at) * step
    inner = (trace[:, 1:-1] > trace[:, :-2]) & (trace[:, 1:-1] >= trace[:, 2:])
    peaks = (inner & (trace[:, 1:-1] >= 0.25 * peak[:, None])).sum(axis=1)
    span = _quantile(trace, time, 0.9) - _quantile(trace, time, 0.1)
    return np.column_stack(
        [
            centroid, bandwidth, skewness, lower, upper, flatness, glide, spread,
            time_centroid - time[at], duration, span, rise, decay, peak * len(time), peaks,
        ]
    )  # fmt: skip


def _quantile(density: Floats, axis: Floats, share: float) -> Floats:
    """Return the position at which the cumulative density of each row reaches a share of its total."""
    cumulative = np.cumsum(density, axis=1)
    return np.asarray(axis[np.argmax(cumulative >= share * cumulative[:, -1:], axis=1)], dtype=np.float64)


def kmeans_baseline(features: Floats, k: int, seed: int) -> NDArray[np.int64]:
    """Return k-means labels (10 starts) of standardised features, shape (N,); seeded."""
    scaled = StandardScaler().fit_transform(features)
    return np.asarray(KMeans(n_clusters=k, n_init=10, random_state=seed).fit_predict(scaled), dtype=np.int64)
