"""Principal components of the mean spectrum of each event above its noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ris_core.config import SpectraSettings
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.events import Events, Part
from ris_core.contracts.input_spec import InputMismatchError, InputSpec
from ris_core.representations.representation import FloatArray, Representation
from ris_core.section import Section
from ris_core.storage.tensors import Arrays
from ris_core.training.normalise import SpectrogramError


class Spectra(Representation):
    """Principal components of log spectra in decibels above the noise.

    The spectrum of an event is the mean over the columns of its spectrogram. It is divided by the mean noise spectrum,
    so it has no unit and does not depend on the gain of an instrument. Of several components the spectra follow each
    other. A component without any power, of a missing channel, gets the mean spectrum of the fit: it has no influence.
    An event without any power in all of them is refused.

    `noise_psd` holds a lower quantile p of the noise's PSD, since a mean would contain events. The PSD of stationary
    Gaussian noise follows an exponential distribution (χ² of two degrees of freedom), whose quantile is −ln(1 − p)
    times its mean: 0.2877 for the lower quartile.

    Parameters
    ----------
    takes
        What it takes in.
    mean
        (V,) mean vector, dB; V is the number of components times that of the frequencies.
    axes
        (D, V) principal axes, orthonormal, the one of greatest variance first.
    floor, ceiling
        Range of the vectors, dB above the mean noise spectrum.
    noise_quantile
        p.
    """

    kind: ClassVar[str] = "spectra"
    needs: ClassVar[tuple[Part, ...]] = ("spectrogram", "noise_psd")
    error_words: ClassVar[str] = (
        "Mean squared difference (dB²) between the spectrum above the noise and that of its principal components; null "
        "where not asked for"
    )

    def __init__(
        self,
        takes: InputSpec,
        mean: NDArray[np.float64],
        axes: NDArray[np.float64],
        floor: float,
        ceiling: float,
        noise_quantile: float,
    ) -> None:
        if axes.ndim != 2 or mean.shape != axes.shape[1:] or mean.size != len(takes.components) * takes.frequencies:
            raise ValueError(f"axes {axes.shape} and mean {mean.shape} do not fit {len(takes.components)} component(s)")
        if not 0 < noise_quantile < 1:
            raise ValueError(f"noise_quantile is {noise_quantile}; it must lie between 0 and 1")
        self.input, self._mean, self._axes = takes, mean, axes
        self._floor, self._ceiling, self._noise_quantile = floor, ceiling, noise_quantile

    @classmethod
    def fit(cls, events: EventSource, settings: Section) -> Self:
        """Fit the principal components to the spectra of events; see `Representation`.

        Raises
        ------
        MissingPartError
            The events have no noise spectra.
        ValueError
            There are fewer than two events.
        """
        from sklearn.decomposition import PCA

        from ris_core.threads import one_thread

        if not isinstance(settings, SpectraSettings):
            raise TypeError(f"settings of the kind spectra are needed, got {type(settings).__name__}")
        if len(events) < 2:
            raise ValueError(f"{len(events)} event(s) are too few for principal components; draw a larger training set")
        limits = events.noise_quantile, settings.floor, settings.ceiling
        vectors = np.concatenate([above_noise(block, *limits) for block in events.blocks(cls.needs)])
        missing = np.isnan(vectors)
        mean = np.where(missing, 0.0, vectors).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
        vectors = np.where(missing, mean, vectors)
        size = min(settings.dimensions, len(vectors) - 1, vectors.shape[1])
        # One thread: with more, the order of sums and with it the last digits depend on timing.
        with one_thread():
            found = PCA(size, svd_solver="full").fit(vectors)
        return cls(
            events.input,
            np.ascontiguousarray(found.mean_),
            np.ascontiguousarray(found.components_),
            settings.floor,
            settings.ceiling,
            events.noise_quantile,
        )

    @property
    def dimensions(self) -> int:
        """Number of principal components."""
        return len(self._axes)

    def require(self, events: EventSource) -> None:
        """Raise `InputMismatchError` unless events and the quantile of their noise spectra are those of the fit."""
        super().require(events)
        if events.noise_quantile != self._noise_quantile:
            raise InputMismatchError(
                self.input,
                events.input,
                f"context.noise_quantile: the model takes {self._noise_quantile:g}, the data have "
                f"{events.noise_quantile:g}",
            )

    def transform(self, events: Events) -> FloatArray:
        """Return the principal components (n, D), dB, of n events."""
        return np.asarray((self._vectors(events) - self._mean) @ self._axes.T, dtype=np.float32)

    def decode(self, z: NDArray[Any]) -> FloatArray:
        """Return the spectra (n, F), or (n, C, F) of several components, dB above the mean noise spectrum."""
        found = np.asarray(np.asarray(z, dtype=np.float64) @ self._axes + self._mean, dtype=np.float32)
        components = len(self.input.components)
        return found if components == 1 else found.reshape(len(found), components, found.shape[1] // components)

    def reconstruction_error(self, events: Events, z: FloatArray) -> FloatArray:
        """Return the mean squared difference (n,), dB², between spectra and those of their principal components.

        In process control it is known as Q statistic (Jackson & Mudholkar 1979).
        """
        difference = self._vectors(events) - (z.astype(np.float64) @ self._axes + self._mean)
        return np.asarray(np.square(difference).mean(axis=1), dtype=np.float32)

    def _vectors(self, events: Events) -> NDArray[np.float64]:
        found = above_noise(events, self._noise_quantile, self._floor, self._ceiling)
        return np.where(np.isnan(found), self._mean, found)

    def spec(self) -> Mapping[str, Any]:
        """Return range and quantile."""
        return {"floor": self._floor, "ceiling": self._ceiling, "noise_quantile": self._noise_quantile}

    def arrays(self) -> Arrays:
        """Return mean and axes."""
        return {"mean": self._mean, "axes": self._axes}

    @classmethod
    def build(cls, takes: InputSpec, spec: Mapping[str, Any], arrays: Arrays) -> Self:
        """Return the stored representation."""
        values = (float(spec[name]) for name in ("floor", "ceiling", "noise_quantile"))
        return cls(takes, arrays["mean"], arrays["axes"], *values)


def above_noise(events: Events, noise_quantile: float, floor: float, ceiling: float) -> NDArray[np.float64]:
    """Return the mean spectra (n, C · F) of events in dB above their mean noise spectrum.

    Parameters
    ----------
    events
        With `spectrogram` and `noise_psd`.
    noise_quantile
        The quantile that `noise_psd` holds.
    floor, ceiling
        Range of the values, dB; a frequency without power is at the floor. A component without any is NaN.

    Raises
    ------
    MissingPartError
        The events have no noise spectra.
    SpectrogramError
        An event has no power at all, or a value is not finite. The message names the event.
    ValueError
        The arrays do not belong together.
    """
    events.require("spectrogram", "noise_psd")
    power = events.spectrogram.mean(axis=-1, dtype=np.float64)
    # One component has no axis in spectrograms, but in noise spectra.
    power = power.reshape(len(events), events.component_count, power.shape[-1])
    noise = np.asarray(events.noise_psd, dtype=np.float64) / -math.log1p(-noise_quantile)
    if power.shape != noise.shape:
        raise ValueError(f"spectra (events, components, frequencies) {power.shape} and noise {noise.shape} differ")
    wrong = ~(np.isfinite(power) & np.isfinite(noise)).all(axis=(1, 2)) | ~(power > 0).any(axis=(1, 2))
    if wrong.any():
        first = events.event_id[int(wrong.argmax())]
        raise SpectrogramError(
            f"the spectrograms or noise spectra of {int(wrong.sum())} of {len(events)} events are not finite, or their "
            f"spectrograms zero everywhere: {first}{' and others' if wrong.sum() > 1 else ''}; leave these events out"
        )
    # Where the noise is 0, any power is at the ceiling; where there is no power, the value is at the floor.
    ratio = np.divide(power, noise, out=np.full(power.shape, np.inf), where=noise > 0)
    with np.errstate(divide="ignore"):
        decibels = 10.0 * np.log10(ratio)
    decibels[power == 0] = floor
    limited: NDArray[np.float64] = np.clip(decibels, floor, ceiling)
    limited[~power.any(axis=2)] = np.nan
    return limited.reshape(len(power), power.shape[1] * power.shape[2])
