"""Families of repeating events: waveforms of one station and class that are nearly the same.

Not all pairs are compared, but each event with its nearest ones in the representation of the labels. Events are linked
where the greatest correlation of their waveforms over lags reaches the least one, and a family is all that is linked
(single linkage, as equivalency classes of repeaters usually are), so its most distant events may be less alike.
Memory grows with the number of events, not with that of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core.config import RepeaterSettings

Floats = NDArray[np.float32]
_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Families:
    """The families among N events.

    Attributes
    ----------
    reference
        (N,) position of the reference of each event's family; −1 for events without one.
    correlation
        (N,) greatest correlation with the reference; NaN without one.
    nearest
        (N,) greatest correlation with another event of the family; NaN without one.
    """

    reference: NDArray[np.int64] = field(repr=False)
    correlation: Floats = field(repr=False)
    nearest: Floats = field(repr=False)


class Waveforms:
    """Spectra of N waveforms, for their correlations.

    Parameters
    ----------
    samples
        (N, C, S) of C components.
    longest_lag
        Greatest shift, in samples.
    """

    def __init__(self, samples: NDArray[np.floating], longest_lag: int) -> None:
        from scipy.fft import next_fast_len, rfft

        count = samples.shape[-1]
        self._lag = min(longest_lag, count - 1)
        self._size = next_fast_len(count + self._lag, real=True)
        centred = samples - samples.mean(axis=-1, keepdims=True)
        norm = np.sqrt(np.square(centred, dtype=np.float64).sum(axis=(1, 2)))
        self._spectra = rfft((centred / np.where(norm > 0, norm, 1)[:, None, None]).astype(np.float32), self._size)

    def correlation(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
        """Return the greatest correlation over lags of P pairs of events, given by their positions (P,).

        It is the sum over lags of products by the root of both energies, of all components together, so that what
        shifts out of a waveform counts as 0.
        """
        from scipy.fft import irfft

        found = np.empty(len(one), np.float32)
        for start in range(0, len(one), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            products = (self._spectra[one[rows]] * self._spectra[other[rows]].conj()).sum(axis=1)
            course = irfft(products, self._size)
            around = np.concatenate([course[:, : self._lag + 1], course[:, self._size - self._lag :]], axis=1)
            found[rows] = around.max(axis=1)
        return found


def families(samples: NDArray[np.floating], features: Floats, rate: float, settings: RepeaterSettings) -> Families:
    """Return the families among N events of one station and class.

    Parameters
    ----------
    samples
        (N, C, S) conditioned waveforms whose peaks are at the same place.
    features
        (N, D) features of the representation.
    rate
        Samples per second.
    settings
        Section `catalogue.repeaters`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(samples)
    reference, correlation, nearest = (np.full(n, -1, np.int64), *(np.full(n, np.nan, np.float32) for _ in range(2)))
    if n < 2:
        return Families(reference, correlation, nearest)
    waveforms = Waveforms(samples, round(settings.longest_lag * rate))
    one, other = _candidates(features, settings.neighbours)
    found = waveforms.correlation(one, other)
    linked = found >= settings.least_correlation
    one, other, found = one[linked], other[linked], found[linked]
    _, family = connected_components(coo_array((found, (one, other)), shape=(n, n)), directed=False)
    strength, best = np.zeros(n), np.full(n, -1.0, np.float32)
    for a in (one, other):
        np.add.at(strength, a, found)
        np.maximum.at(best, a, found)
    # The reference of each family is its strongest event, the first one of equals.
    order = np.lexsort((np.arange(n), -strength, family))
    first = order[np.unique(family[order], return_index=True)[1]]
    members = np.flatnonzero(np.bincount(family)[family] > 1)
    reference[members] = first[family[members]]
    nearest[members] = best[members]
    correlation[members] = waveforms.correlation(members, reference[members])
    return Families(reference, correlation, nearest)


def _candidates(features: Floats, neighbours: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of events one of which is among the nearest of the other, the lower position first."""
    from sklearn.neighbors import NearestNeighbors

    n = len(features)
    count = min(neighbours, n - 1)
    near = NearestNeighbors(n_neighbors=count, algorithm="kd_tree").fit(features).kneighbors(return_distance=False)
    one, other = np.repeat(np.arange(n), count), near.ravel()
    pairs = np.unique(np.minimum(one, other).astype(np.int64) * n + np.maximum(one, other))
    return pairs // n, pairs % n
