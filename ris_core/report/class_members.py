"""The events that stand for each class: members from near to far, and the mean of a sample of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.champion import Champion
from ris_core.clustering.cluster_model import ClusterModel, decoded_spectrograms
from ris_core.clustering.distances import near_to_far
from ris_core.contracts.events import Events
from ris_core.contracts.station_day import StationDay
from ris_core.labels.label_table import models_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, tables

MEMBERS = 6
_OF_MEAN, _MEAN_DAYS = 200, 24
_SEED = 0
_FLOOR_DB = 30.0
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class ClassMembers:
    """What is drawn of a class.

    Attributes
    ----------
    label, name
        The class.
    events
        Members from near to far, of the component of detections.
    distance
        Of these to the centre of the class; without centres, one minus their membership.
    mean, of_mean
        Mean spectrogram of a sample of the class's events, each divided by its maximum; number of these events.
    features, centre
        (n, D) of the members and (D,) of the class: above the mean of all events that were read for it, in their
        standard deviations. None if the model has no centre, or label tables are by several models.
    decoded
        What the decoder makes of the centroid, dB below its maximum; none without a decoder.
    has_distance
        Whether `distance` is one, and not one minus the membership.
    """

    label: int
    name: str
    events: Events = field(repr=False)
    distance: Floats = field(repr=False)
    mean: Floats = field(repr=False)
    of_mean: int
    features: Floats | None = field(repr=False)
    centre: Floats | None = field(repr=False)
    decoded: Floats | None = field(repr=False)
    has_distance: bool = True


def class_members(days: StationDays, champion: Champion, events: pd.DataFrame) -> Iterator[ClassMembers]:
    """Yield what is drawn of each class, in the order of their numbers.

    Parameters
    ----------
    days, champion
        The network, and the model that labels.
    events
        Labelled events of the catalogue: event_id, station, time_on, label, class_name, distance and probability.

    Raises
    ------
    FileNotFoundError, DamagedFileError
        A spectrogram file or a label table is gone or damaged.
    """
    model, _ = models_of(days.layout, champion)
    decoded = _decoded(model, champion, days)
    far = events["distance"].to_numpy(dtype=float)
    far = np.where(np.isfinite(far), far, 1.0 - events["probability"].to_numpy(dtype=float))
    numbers = np.unique(events["label"].to_numpy())
    place = np.searchsorted(numbers, events["label"].to_numpy())
    shown = near_to_far(far, place, len(numbers), MEMBERS)
    sample = _sampled(events)
    for column, label in enumerate(numbers.tolist()):
        rows = shown[column]
        of_mean = sample[place[sample] == column][:_OF_MEAN]
        found = _read(days, events.iloc[np.union1d(rows, of_mean)])
        members = [found.row(name) for name in events.iloc[rows]["event_id"]]
        average = [found.row(name) for name in events.iloc[of_mean]["event_id"]] or members
        power = found.events.spectrogram[average]
        greatest = power.max(axis=(1, 2), keepdims=True)
        cluster = champion.classes.index(label) if label in champion.classes else None
        centre = None if model.centroids is None or cluster is None else np.asarray(model.centroids[cluster])
        features, centre = _standardised(found.features, members, centre)
        yield ClassMembers(
            label=int(label),
            name=str(events.iloc[rows[0]]["class_name"]),
            events=found.events.take(np.array(members, dtype=int)),
            distance=far[rows],
            mean=(power / np.where(greatest > 0, greatest, 1.0)).mean(axis=0),
            of_mean=len(average),
            features=features,
            centre=centre,
            decoded=None if decoded is None or cluster is None else decoded[cluster],
            has_distance=bool(np.isfinite(events.iloc[rows]["distance"].to_numpy(dtype=float)).all()),
        )


def _standardised(
    features: Floats | None, members: list[int], centre: Floats | None
) -> tuple[Floats | None, Floats | None]:
    if features is None:
        return None, None
    spread = features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = (features[members] - features.mean(axis=0)) / spread
    fits = centre is not None and centre.shape == spread.shape
    return scaled, (centre - features.mean(axis=0)) / spread if fits and centre is not None else None


def _decoded(model: ClusterModel, champion: Champion, days: StationDays) -> Floats | None:
    found = decoded_spectrograms(model)
    if found is None:
        return None
    if found.ndim > 3:
        found = found[:, days.settings.channels.index(days.settings.channel)]
    positive = np.maximum(found, 0.0)
    share = positive / np.maximum(positive.max(axis=(1, 2), keepdims=True), np.finfo(float).tiny)
    if champion.normalisation_settings().scale == "decibel":
        return np.asarray(_FLOOR_DB * (share - 1.0))
    return np.asarray(10 * np.log10(np.maximum(share, 10 ** (-_FLOOR_DB / 10))))


def _sampled(events: pd.DataFrame) -> NDArray[np.int64]:
    """Return rows in random order, of few station-days, so that few files are opened."""
    rng = np.random.default_rng(_SEED)
    keys = events["station"].astype(str) + events["time_on"].dt.strftime("%Y%m%d")
    known = keys.unique()
    chosen = rng.permutation(known)[:_MEAN_DAYS]
    return rng.permutation(np.flatnonzero(keys.isin(list(chosen)))).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Read:
    events: Events
    features: Floats | None
    rows: dict[str, int]

    def row(self, event_id: str) -> int:
        return self.rows[event_id]


def _read(days: StationDays, wanted: pd.DataFrame) -> _Read:
    """Return spectrograms, waveforms and features of events; of several components that of detections."""
    parts: list[Events] = []
    features: list[Floats] = []
    letter = days.settings.channel[-1]
    keys = [
        StationDay(str(station), day) for station, day in zip(wanted["station"], wanted["time_on"].dt.date, strict=True)
    ]
    for key in sorted(set(keys)):
        own = wanted[[one == key for one in keys]]
        path = days.layout.spectrograms(key)
        names = spectrogram_file.read_column(path, "event_id")
        rows = np.flatnonzero(np.isin(names, own["event_id"].to_numpy()))
        part = spectrogram_file.read_spectrograms(path, rows, ("spectrogram", "waveform"))
        part = part.component(letter) if part.components else part
        parts.append(part)
        latent = tables.read_table(days.layout.labels(key), ["event_id", "latent"]).set_index("event_id")["latent"]
        features.append(np.stack(latent.loc[list(part.event_id)].to_list()))
    first = parts[0]
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("spectrogram", "waveform", "time_peak", "window_start")
    }
    ids = tuple(name for part in parts for name in part.event_id)
    events = Events(
        frequency=first.frequency,
        time=first.time,
        event_id=ids,
        sampling_rate=first.sampling_rate,
        unit=first.unit,
        **joined,
    )
    widths = {part.shape[1] for part in features}
    together = np.concatenate(features) if len(widths) == 1 else None
    return _Read(events, together, {name: number for number, name in enumerate(ids)})
