"""What the queue chooses from: the events of the training set with their features, and all processed events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ClassModelSettings, MicroSettings, Settings
from ris_core.contracts.event_identifier import peak_of
from ris_core.contracts.station_day import StationDay
from ris_core.processing.process import ProcessStage
from ris_core.review.queue import Judgement, Pool
from ris_core.review.random_order import random_order
from ris_core.review.state import ReviewState
from ris_core.section import digest_of
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import read_column

MICRO = "micro"
"""Name of the clusterer of micro-clusters in the settings."""


@dataclass(frozen=True)
class ProcessedEvents:
    """All events that are processed with the present settings: what audits are drawn from.

    Attributes
    ----------
    event_ids
        In the order of the station-days.
    station_days
        Number of station-days that they are of.
    digest
        Digest of the events of all station-days.
    damaged
        What is damaged of the station-days that are left out because of it.
    """

    event_ids: tuple[str, ...]
    station_days: int
    digest: str
    damaged: tuple[str, ...]


def read_pool(layout: Layout, settings: Settings) -> Pool:
    """Return `review.sample` events of the training set with the features of the class model, in micro-clusters.

    Raises
    ------
    FileNotFoundError
        There is no training set, or it has no such features yet.
    OutOfStepError
        The features are of another representation or training set than the present ones.
    DamagedFileError
        A file is damaged.
    """
    from ris_core.clustering.features import read_features  # brings torch

    z = np.concatenate(
        [read_features(layout, name, settings.normalisation).z for name in settings.class_representations], axis=1
    )
    event_id = read_column(layout.training_set, "event_id").astype(str)
    sample = random_order(event_id.tolist(), settings.review.seed)[: settings.review.sample]
    rows = np.flatnonzero(np.isin(event_id, sample))
    return make_pool(event_id[rows], z[rows], _micro_settings(settings), settings.review.seed)


def make_pool(event_id: NDArray[np.str_], z: NDArray[np.float32], settings: MicroSettings, seed: int) -> Pool:
    """Return a pool of events (N,) with features (N, D), parted into micro-clusters.

    There are `settings.k` of them (the first one of several), or fewer if the events have fewer distinct features.
    """
    from ris_core.clustering.micro_clusterer import MicroClusterer

    count = min((settings.k or (40,))[0], len(np.unique(z, axis=0)))
    micro = np.zeros(len(z), np.int64)
    if count > 1:
        micro = np.asarray(MicroClusterer.fit(z, count, settings, seed).memberships(z).argmax(axis=1), np.int64)
    time = np.array([peak_of(name) for name in event_id], np.int64)
    return Pool(event_id, z, micro, np.array([name.split(".")[1] for name in event_id]), time)


def judge(
    pool: Pool, state: ReviewState, settings: ClassModelSettings, outside: Mapping[str, NDArray[np.float32]]
) -> Judgement | None:
    """Return what trees that were grown on the reviewed events say of all events of a pool.

    These are the trees of the class model without calibration and cross-validation, so that the queue can follow each
    review. None while the reviewed events are of fewer than two classes.

    Parameters
    ----------
    pool, state
        The events, and the reviews.
    settings
        Section `class_model`.
    outside
        Features (D,) of reviewed events outside of the pool, by event; those without are left out.
    """
    from ris_core.clustering.reviewed.groups import groups_of
    from ris_core.clustering.reviewed.unlike import fit_unlike
    from ris_core.clustering.trees import fit_trees

    words = state.reviewed().set_index("event_id")["class_name"]
    place = {str(name): row for row, name in enumerate(pool.event_id)}
    known = [name for name in words.index if name in place or name in outside]
    classes, y = np.unique(words.loc[known].to_numpy(dtype=str), return_inverse=True)
    if len(classes) < 2:
        return None
    z = np.stack([pool.z[place[name]] if name in place else outside[name] for name in known])
    trees = fit_trees(z, y, len(classes), settings.trees, settings.seed)
    groups = groups_of(np.array([peak_of(name) for name in known], np.int64), settings.block)
    all_of_them = np.ones(len(z), bool)
    alike, apart = fit_unlike(z, groups, all_of_them, np.ones(len(z)), settings.false_alarms, pool.z)
    novelty = alike.distances(pool.z)
    # The threshold of the class model is infinite with few reviews; here it only chooses what to look at.
    apart = apart[np.isfinite(apart)]
    limit = np.quantile(apart, 1 - settings.false_alarms) if len(apart) else np.inf
    names = tuple(str(name) for name in classes)
    return Judgement(names, trees.predict_proba(pool.z), novelty > limit, novelty)


def processed_events(process: ProcessStage, keys: Iterable[StationDay]) -> ProcessedEvents:
    """Return the events of the station-days that are processed with the present settings.

    Parameters
    ----------
    process
        The stage that makes events.
    keys
        The station-days to look at; those that are not current are skipped.
    """
    contents = {key: info.content for key in keys if (info := process.current(key)) is not None and info.events}
    digest = digest_of({str(key): content for key, content in contents.items()})
    paths = [process.layout.detections(key) for key in contents]
    if not paths:
        return ProcessedEvents((), 0, digest, ())
    try:
        return ProcessedEvents(_events_of(paths), len(paths), digest, ())
    except DamagedFileError:  # one by one: the others are read
        names: list[str] = []
        damaged: list[str] = []
        for path in paths:
            try:
                names += _events_of([path])
            except DamagedFileError as error:
                damaged.append(str(error))
        return ProcessedEvents(tuple(names), len(paths) - len(damaged), digest, tuple(damaged))


def _events_of(paths: Sequence[Path]) -> tuple[str, ...]:
    table = tables.read_tables(paths, ["event_id", "outcome"])
    return tuple(table.loc[table["outcome"] == "event", "event_id"])


def _micro_settings(settings: Settings) -> MicroSettings:
    section = settings.clusterer_of(MICRO)
    return section if isinstance(section, MicroSettings) else MicroSettings()
