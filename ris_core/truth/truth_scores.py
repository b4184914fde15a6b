"""The products of a synthetic network against its truth: detection, clustering given detection, end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.catalogue.station_positions import positions
from ris_core.clustering.champion import Champion
from ris_core.clustering.champion_files import load_copy
from ris_core.clustering.cluster_model import ClusterModel
from ris_core.clustering.reviewed.class_model_files import load_class_model, read_class_model
from ris_core.config import Settings
from ris_core.contracts.event_identifier import peak_of
from ris_core.contracts.reviewed_classes import ReviewedClasses
from ris_core.contracts.station_day import StationDay
from ris_core.rates.live_reading import load_live
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.training import training_set as sampling
from ris_core.truth.apart import Shown
from ris_core.truth.clustering_rows import TrueSet, clustering_rows
from ris_core.truth.evaluation import (
    MIXED,
    DetectionScores,
    clustering_scores,
    detection_scores,
    end_to_end_scores,
)
from ris_core.truth.source_scores import SourceScores, source_scores
from ris_core.truth.true_classes import TOLERANCE_S, events_of, of_station_days, truth_delay, window_classes
from ris_core.truth.truth_matching import match_stations

BESIDE = "unsupervised_label"


@dataclass(frozen=True, eq=False)
class TruthScores:
    """Scores of a synthetic network's products.

    Attributes
    ----------
    detection
        Recall by SNR and family, and precision, of the events (detections that have a spectrogram).
    clustering
        One row per K and method (``hand features + k-means``, the initial clusters, ``DEC``, other candidates by
        name, the class model), on the events of the training set, given that they were detected; columns as those
        of `clustering_rows`.
    station_days
        Number of scored station-days: those with current label tables.
    damaged
        Damaged files of current station-days, which were left out, with path and remedy.
    recall
        Recall of each class (rows) for each method at the champion's K (columns), after the assignment of clusters.
    end_to_end
        Per family over all recorded events: events, found, recall, precision, f1, by the champion's label tables.
        If the champion is a class model, only over events that are apart from the reviewed ones (`apart.Shown`).
    beside
        The same by the model without reviews that stands beside a class model; empty otherwise.
    classes
        True class of each label (the champion's class numbers).
    k
        The champion's K.
    sources
        Detections of several stations that are said to be of one source (`catalogue` of the settings), against the
        truth; only regional events have several.
    note
        What the scores are of, in words, if there are reviews; empty otherwise.
    """

    detection: DetectionScores
    clustering: pd.DataFrame
    recall: pd.DataFrame
    end_to_end: pd.DataFrame
    classes: dict[int, str]
    k: int
    station_days: int
    damaged: tuple[str, ...]
    sources: SourceScores
    beside: pd.DataFrame = field(default_factory=pd.DataFrame)
    note: str = ""


class NoCurrentLabelsError(FileNotFoundError):
    """No label table is current."""


def score(network: StationDays) -> TruthScores:
    """Score the products of a synthetic network by the protocol of `docs/synthetic.md`.

    Raises
    ------
    NoChampionError
        There is no champion yet.
    NoCurrentLabelsError
        No label table is current, or all of them are damaged.
    ValueError
        The network is not synthetic.
    """
    settings, layout, label = network.settings, network.layout, network.label
    made = SyntheticNetwork(settings)
    champion = label.champion()
    days = settings.days()
    by_day, damaged = labelled_events(layout, [key for key in settings.station_days() if label.is_current(key)])
    if not by_day:
        raise NoCurrentLabelsError("; ".join([f"{layout.root}: no label table is current", *damaged]))
    truth = of_station_days(made.truth(days[0], days[-1]), list(by_day))
    events = pd.concat(by_day.values(), ignore_index=True)
    delay = truth_delay(settings)
    matched = match_stations(events, truth, TOLERANCE_S, delay)
    classes = window_classes(made, events, matched, delay)

    source = np.append(truth["source_id"].to_numpy(dtype=np.int64), -1)[matched]
    ids, block = events["event_id"].tolist(), settings.class_model.block
    class_model = _class_model(layout, settings)
    apart = None
    if class_model is not None and class_model.classes is not None:
        shown = Shown.of(class_model.classes.reviewed, ids, source, block)
        apart = dict(zip(ids, shown.apart(_peaks(events), source), strict=True))
    data = sampling.load(layout, settings.training_set, settings.normalisation)
    by_id = dict(zip(ids, classes, strict=True))
    known = [name for name in data.event_id if name in by_id]
    true_set = TrueSet(
        data,
        np.array([name in by_id for name in data.event_id]),
        np.array([by_id[name] for name in known], dtype=object),
        None if apart is None else np.array([apart[name] for name in known], dtype=bool),
    )
    rows, recall = clustering_rows(layout, settings, true_set, class_model, champion.k)
    labels = events["label"].to_numpy(dtype=np.int64)
    of_champion = _champion_classes(layout, champion)
    kept = None if of_champion is None else Shown.of(of_champion.reviewed, ids, source, block)

    def of_labels(given: NDArray[np.int64]) -> tuple[pd.DataFrame, dict[int, str]]:
        return _end_to_end(matched, truth, classes, given, kept, _peaks(events), source)

    end_to_end, names = of_labels(labels)
    has_beside = BESIDE in events and bool(events[BESIDE].notna().all())
    beside = of_labels(events[BESIDE].to_numpy(dtype=np.int64))[0] if has_beside else pd.DataFrame()
    return TruthScores(
        detection=detection_scores(matched, truth),
        clustering=rows,
        recall=recall,
        end_to_end=end_to_end,
        classes=names,
        k=champion.k,
        station_days=len(by_day),
        damaged=tuple(damaged),
        sources=source_scores(
            events.assign(time_peak=_peaks(events)),
            source,
            positions(settings, layout),
            settings.catalogue,
            load_live(network, list(by_day)),
        ),
        beside=beside,
        note=_note(class_model, block),
    )


def _class_model(layout: Layout, settings: Settings) -> ClusterModel | None:
    if read_class_model(layout, settings.class_model_name) is None:
        return None
    return load_class_model(layout, settings.class_model_name)[0]


def _champion_classes(layout: Layout, champion: Champion) -> ReviewedClasses | None:
    return load_copy(layout.champion_model(champion.model_version)).classes if champion.reviewed else None


def _note(class_model: ClusterModel | None, block: float) -> str:
    if class_model is None or class_model.classes is None:
        return ""
    by = "a simulated reviewer" if class_model.classes.simulated else "people"
    return (
        f"{len(class_model.classes.reviewed)} events were reviewed by {by}. Scores of the class model, and those "
        f"called apart, are of events that were not reviewed and whose source and block of {block / 60:g} minutes hold "
        "no reviewed event"
    )


def _peaks(events: pd.DataFrame) -> NDArray[np.int64]:
    return np.array([peak_of(name) for name in events["event_id"]], dtype=np.int64)


def _end_to_end(
    matched: NDArray[np.int64],
    truth: pd.DataFrame,
    classes: NDArray[np.object_],
    labels: NDArray[np.int64],
    shown: Shown | None,
    peaks: NDArray[np.int64],
    source: NDArray[np.int64],
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the scores of each family and the true class of each label, without what reviewers were shown."""
    if shown is not None:
        wanted = shown.apart(
            pd.to_datetime(truth["peak_time"], utc=True).dt.as_unit("ns").to_numpy(dtype=np.int64),
            truth["source_id"].to_numpy(dtype=np.int64),
        )
        place = np.append(np.where(wanted, np.cumsum(wanted) - 1, -1), -1)
        # An event whose true one has its peak in another block is left out with it.
        rows = shown.apart(peaks, source) & ((matched < 0) | (place[matched] >= 0))
        matched, truth = place[matched[rows]], truth[wanted].reset_index(drop=True)
        classes, labels = classes[rows], labels[rows]
    if not (classes != MIXED).any():
        return pd.DataFrame(), {}
    names = clustering_scores(classes, labels).classes
    return end_to_end_scores(matched, truth, labels, names), names


def labelled_events(layout: Layout, keys: Sequence[StationDay]) -> tuple[dict[StationDay, pd.DataFrame], list[str]]:
    """Return the labelled events of each station-day, and the damaged files of station-days that are left out.

    Columns: event_id, station, time_on, window_start (ns), label; of class models also unsupervised_label.
    """
    found: dict[StationDay, pd.DataFrame] = {}
    damaged = []
    for key in keys:
        try:
            found[key] = _events_of(layout, key)
        except DamagedFileError as error:
            damaged.append(str(error))
    return found, damaged


def _events_of(layout: Layout, key: StationDay) -> pd.DataFrame:
    wanted = ["event_id", "label"]
    wanted += [BESIDE] if BESIDE in tables.read_schema(layout.labels(key)).names else []
    return events_of(layout, key).merge(tables.read_table(layout.labels(key), wanted), on="event_id")
