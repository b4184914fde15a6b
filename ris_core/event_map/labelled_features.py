"""The features of all events that the present champion has labelled, from the label tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ris_core.clustering.champion import Champion, NoChampionError, read_champion
from ris_core.contracts.station_day import StationDay
from ris_core.event_map.principal_plane import moments
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout

T = TypeVar("T")
_MOST_THREADS = 8
AS_THEY_ARE = "Euclidean distance in the features of the model, as they are"
SCALED = "Euclidean distance in the features of the model, each divided by its standard deviation over all events"


class NoLabelsOfChampionError(FileNotFoundError):
    """No event is labelled by the present champion; the message says what to do."""


@dataclass(frozen=True)
class LabelTables:
    """The label tables by the present champion.

    Attributes
    ----------
    champion
        It.
    keys, contents
        Their station-days, and the digests of their rows.
    others, others_events
        Station-days whose label table is by another champion, and its events.
    behind, behind_events
        Station-days that were processed again after they were labelled, and events of their label tables.
    unreadable
        Damaged label tables, each with what to do.
    """

    champion: Champion
    keys: tuple[StationDay, ...] = field(repr=False)
    contents: tuple[str, ...] = field(repr=False)
    others: int
    others_events: int
    behind: int
    behind_events: int
    unreadable: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of all that the features and the choice of events depend on."""
        return digest_of([self.champion.digest, [[str(k), c] for k, c in zip(self.keys, self.contents, strict=True)]])

    def left_out(self) -> list[str]:
        """Return in words which labelled events are left out; empty if none are."""
        found = []
        if self.others:
            found.append(
                f"{self.others_events:,} events of {self.others} station-days are labelled by another champion; "
                "`ris run` labels them again"
            )
        if self.behind:
            found.append(
                f"{self.behind_events:,} events of {self.behind} station-days were labelled before they were processed "
                "again; `ris run` labels them again"
            )
        return [*found, *self.unreadable]


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """The features of N events, sorted by identifier.

    Attributes
    ----------
    event_id
        (N,) identifiers as ASCII.
    label
        (N,) int32 class numbers.
    features
        (N, D) float32, such that Euclidean distances say how alike events are.
    metric
        What such a distance is, in words.
    """

    event_id: NDArray[np.bytes_] = field(repr=False)
    label: NDArray[np.int32] = field(repr=False)
    features: NDArray[np.float32] = field(repr=False)
    metric: str


def tables_of_champion(network: StationDays) -> LabelTables:
    """Return the label tables by the present champion, in one look at the disk.

    Raises
    ------
    NoChampionError
        No model labels yet.
    NoLabelsOfChampionError
        It has labelled no event.
    DamagedFileError
        The champion's record is damaged.
    """
    try:
        champion = read_champion(network.layout)
    except NoChampionError as error:
        raise NoChampionError(f"{error}; job choose_champion does, then `ris run` labels events") from error
    keys, contents, events = [], [], 0
    counts = {"others": 0, "others_events": 0, "behind": 0, "behind_events": 0}
    unreadable = []
    with network.look() as seen:
        own = seen.label.digests_of_champion()
        for key in seen.all():
            path = seen.layout.labels(key)
            if not seen.files.exists(path):
                continue
            try:
                stamp, content, rows = seen.files.stamp_of_table(path)
            except DamagedFileError as error:
                unreadable.append(str(error))
                continue
            if stamp is not None and stamp.settings in own and seen.label.follows_its_input(key):
                keys.append(key)
                contents.append(content)
                events += rows
                continue
            why = "others" if stamp is None or stamp.settings not in own else "behind"
            counts[why] += 1
            counts[f"{why}_events"] += rows
    found = LabelTables(champion, tuple(keys), tuple(contents), **counts, unreadable=tuple(unreadable))
    if not events:
        said = [f"{network.layout.root}: no event is labelled by the champion {champion.model_version}"]
        said += found.left_out() or ["`ris run` labels events (job label)"]
        raise NoLabelsOfChampionError("; ".join(said))
    return found


def labelled_names(layout: Layout, of: LabelTables) -> list[str]:
    """Return the identifiers in label tables as they come; raises `DamagedFileError`."""
    parts = _in_threads(lambda key: tables.read_arrow(layout.labels(key), ["event_id"]), of.keys)
    return [name for part in parts for name in part["event_id"].to_pylist()]


def labelled_features(layout: Layout, of: LabelTables) -> LabelledFeatures:
    """Return the features of all events of label tables, such that their distances say how alike events are.

    Those of one representation are taken as they are, as its clusters were: latents, principal components in decibels,
    or attributes that are standardised already. A class model has those of several side by side, in different units:
    each is divided by its standard deviation over all events, as for the class model's novelty.

    Raises
    ------
    DamagedFileError
        A label table is damaged.
    """
    parts = [part for part in _in_threads(lambda key: _read(layout, key), of.keys) if len(part[0])]
    names = np.concatenate([part[0] for part in parts])
    order = np.argsort(names, kind="stable")
    label = np.concatenate([part[1] for part in parts])[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    features = np.empty((len(names), parts[0][2].shape[1]), np.float32)
    end = len(names)
    while parts:  # each is let go once it is copied: of hundreds of thousands of events there are not two copies
        own = parts.pop()[2]
        features[place[end - len(own) : end]] = own
        end -= len(own)
    metric = AS_THEY_ARE
    if of.champion.reviewed:
        deviation = np.sqrt(np.diag(moments(features)[1]))
        features /= np.where(deviation > 0, deviation, 1.0).astype(np.float32)
        metric = SCALED
    return LabelledFeatures(names[order], label, features, metric)


def _read(layout: Layout, key: StationDay) -> tuple[NDArray[np.bytes_], NDArray[np.int32], NDArray[np.float32]]:
    found: pa.Table = tables.read_arrow(layout.labels(key), ["event_id", "label", "latent"])
    size = found.schema.field("latent").type.list_size
    latent = found["latent"].combine_chunks().flatten().to_numpy().reshape(found.num_rows, size)
    names = np.array(found["event_id"].to_pylist(), dtype=np.bytes_)
    return names, found["label"].to_numpy().astype(np.int32), latent.astype(np.float32)


def _in_threads(read: Callable[[StationDay], T], keys: Sequence[StationDay]) -> list[T]:
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        return list(pool.map(read, keys))
