"""Features of a network's events, without a network of neurons: attributes, hand-made ones, principal components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from bench.clustering_windows import Events
from ris_core.config import AttributesSettings, Settings
from ris_core.contracts import events as product
from ris_core.contracts.event_source import EventSource
from ris_core.contracts.input_spec import InputSpec
from ris_core.representations.attributes import AttributesRepresentation
from ris_core.truth.baseline import hand_features

Array = NDArray[np.float32]
HAND, ATTRIBUTES, LOG_SPECTRA = "hand features", "attributes", "20 PCA of log spectra"
_COMPONENTS = 20
_DYNAMIC_RANGE = 1e-6


@dataclass(frozen=True)
class InMemory(EventSource):
    """Events in memory, for representations.

    Attributes
    ----------
    events
        All of them.
    settings
        Those that they were made with.
    """

    events: product.Events
    settings: Settings

    @property
    def input(self) -> InputSpec:
        """What they are to a model."""
        return self.settings.input_spec()

    @property
    def noise_quantile(self) -> float:
        """The quantile of the short-time spectra that their noise is."""
        return self.settings.context.noise_quantile

    def __len__(self) -> int:
        return len(self.events)

    def blocks(self, parts: Sequence[product.Part]) -> Iterator[product.Events]:
        """Give all of them at once."""
        self.events.require(*parts)
        yield self.events


def attributes_of(events: Events, settings: Settings, windows: Sequence[float] | None = None) -> Array:
    """Return the standardised attributes (N, D) as the platform computes them.

    Parameters
    ----------
    events
        N windows.
    settings
        Those of their chain.
    windows
        Lengths, s; none: those of the settings.
    """
    own = attributes_settings(settings)
    if windows is not None:
        own = own.model_copy(update={"windows": tuple(windows)})
    found = events.product()
    return AttributesRepresentation.fit(InMemory(found, settings), own).transform(found)


def attributes_settings(settings: Settings) -> AttributesSettings:
    """Return the section of the attributes."""
    own = settings.representation_of(ATTRIBUTES)
    if not isinstance(own, AttributesSettings):
        raise TypeError(f"representations.{ATTRIBUTES} is of another kind, {type(own).__name__}")
    return own


def feature_spaces(events: Events, settings: Settings, seed: int) -> Mapping[str, Array]:
    """Return features (N, D) by name: attributes of all windows of the settings and of each, and older ones."""
    windows = attributes_settings(settings).windows
    found = {attributes_name(windows): attributes_of(events, settings)}
    found |= {attributes_name([each]): attributes_of(events, settings, [each]) for each in windows}
    length = f"{settings.spectrogram.duration:g} s"
    hand = hand_features(events.spectrogram, events.frequency, events.time)
    found[f"{HAND} {length}"] = np.asarray(StandardScaler().fit_transform(hand), dtype=np.float32)
    flat = log_spectra(events.spectrogram).reshape(len(events), -1)
    pca = PCA(min(_COMPONENTS, len(events)), svd_solver="randomized", random_state=seed)
    found[f"{LOG_SPECTRA} {length}"] = np.asarray(pca.fit_transform(flat), dtype=np.float32)
    return found


def attributes_name(windows: Sequence[float]) -> str:
    """Return what attributes of these windows are called, like ``attributes 4 + 10 s``."""
    return f"{ATTRIBUTES} {' + '.join(f'{each:g}' for each in windows)} s"


def log_spectra(spectrograms: NDArray[Any]) -> Array:
    """Return decibels (N, F, T) of linear PSD about each event's mean, down to 60 dB below its greatest."""
    floor = _DYNAMIC_RANGE * spectrograms.max(axis=(1, 2), keepdims=True)
    decibels = 10 * np.log10(np.maximum(spectrograms, floor))
    return np.asarray(decibels - decibels.mean(axis=(1, 2), keepdims=True), dtype=np.float32)
