"""The products of a synthetic network against its truth: detection, clustering given detection, end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.clustering.candidate_models import load_candidate, trained_candidates
from ris_core.clustering.initial_clusters import read_clusters
from ris_core.config import Settings
from ris_core.contracts.candidate_name import AEC_DEC
from ris_core.contracts.station_day import StationDay
from ris_core.labels.champion_copy import label_training_set
from ris_core.processing.condition import filter_delay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.seismometer import SAMPLING_RATE
from ris_core.training import training_set as sampling
from ris_core.truth.baseline import hand_features, kmeans_baseline
from ris_core.truth.evaluation import (
    DetectionScores,
    clustering_scores,
    detection_scores,
    end_to_end_scores,
    window_labels,
)
from ris_core.truth.truth_matching import match_stations

TOLERANCE_S = 0.5
_TYPICAL_FREQUENCY_HZ = 8.0


@dataclass(frozen=True, eq=False)
class TruthScores:
    """Scores of a synthetic network's products.

    Attributes
    ----------
    detection
        Recall by SNR and family, and precision, of the events (detections that have a spectrogram).
    clustering
        One row per K and method (``hand features + k-means``, the initial clusters, ``DEC``): ari, nmi, macro_f1,
        accuracy, windows, on the events of the training set, given that they were detected.
    station_days
        Number of scored station-days: those with current label tables.
    damaged
        Damaged files of current station-days, which were left out, with path and remedy.
    recall
        Recall of each class (rows) for each method at the champion's K (columns), after the assignment of clusters.
    end_to_end
        Per family over all recorded events: events, found, recall, precision, f1, by the champion's label tables.
    classes
        True class of each label (the champion's class numbers).
    k
        The champion's K.
    """

    detection: DetectionScores
    clustering: pd.DataFrame
    recall: pd.DataFrame
    end_to_end: pd.DataFrame
    classes: dict[int, str]
    k: int
    station_days: int
    damaged: tuple[str, ...]


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
    truth = _of_station_days(made.truth(days[0], days[-1]), list(by_day))
    events = pd.concat(by_day.values(), ignore_index=True)
    delay = filter_delay(settings.conditioning, SAMPLING_RATE, _TYPICAL_FREQUENCY_HZ)
    matched = match_stations(events, truth, TOLERANCE_S, delay)
    classes = _classes(made, events, matched, delay)

    data = sampling.load(layout, settings.training_set, settings.normalisation)
    by_id = dict(zip(events["event_id"], classes, strict=True))
    known = np.array([name in by_id for name in data.event_id])
    truth_of_set = np.array([by_id[name] for name in data.event_id if name in by_id], dtype=object)
    parts = [hand_features(block, data.frequency, data.time) for _, block in data.samples.blocks()]
    features = np.concatenate(parts)
    rows: list[dict[str, Any]] = []
    recall: dict[str, dict[str, float]] = {}
    for k in settings.all_counts:
        of_candidates = _labels_of_candidates(layout, settings, k)
        if not of_candidates:
            continue
        of_methods = {"hand features + k-means": kmeans_baseline(features, k, settings.dec.seed), **of_candidates}
        for method, labels in of_methods.items():
            found = clustering_scores(truth_of_set, labels[known])
            rows.append(
                {
                    "k": k,
                    "method": method,
                    "ari": found.ari,
                    "nmi": found.nmi,
                    "macro_f1": found.macro_f1,
                    "accuracy": found.accuracy,
                    "windows": found.counted,
                }
            )
            if k == champion.k:
                recall[method] = found.recall
    labelled = clustering_scores(classes, events["label"].to_numpy(dtype=np.int64))
    return TruthScores(
        detection=detection_scores(matched, truth),
        clustering=pd.DataFrame(rows),
        recall=pd.DataFrame(recall).rename_axis("class").reset_index(),
        end_to_end=end_to_end_scores(matched, truth, events["label"].to_numpy(), labelled.classes),
        classes=labelled.classes,
        k=champion.k,
        station_days=len(by_day),
        damaged=tuple(damaged),
    )


def _labels_of_candidates(layout: Layout, settings: Settings, k: int) -> dict[str, NDArray[Any]]:
    """Return the labels of the training set by the model of each candidate that was trained for K, by method."""
    found: dict[str, NDArray[Any]] = {}
    for name in settings.candidate_names:
        if k not in trained_candidates(layout, name, [k], settings.normalisation):
            continue
        if name == AEC_DEC:
            initial = read_clusters(layout, k, settings.normalisation).start
            found[f"AEC + {initial.method}"] = initial.labels
        model, _ = load_candidate(layout, name, k)
        labels = label_training_set(layout, model, settings.labelling, reconstruction=False)
        found["DEC" if name == AEC_DEC else str(name)] = labels.cluster
    return found


def _of_station_days(truth: pd.DataFrame, keys: Sequence[StationDay]) -> pd.DataFrame:
    """Return the truth of some station-days only."""
    wanted = {(key.station, key.day) for key in keys}
    inside = [pair in wanted for pair in zip(truth["station"], truth["time"].dt.date, strict=True)]
    return truth[inside].reset_index(drop=True)


def labelled_events(layout: Layout, keys: Sequence[StationDay]) -> tuple[dict[StationDay, pd.DataFrame], list[str]]:
    """Return the labelled events of each station-day, and the damaged files of station-days that are left out.

    Columns: event_id, station, time_on, window_start (ns), label.
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
    detections = tables.read_table(layout.detections(key), ["event_id", "station", "time_on", "outcome"])
    detections = detections[detections["outcome"] == "event"]
    labels = tables.read_table(layout.labels(key), ["event_id", "label"])
    windows = pd.DataFrame(
        {
            "event_id": spectrogram_file.read_column(layout.spectrograms(key), "event_id"),
            "window_start": spectrogram_file.read_column(layout.spectrograms(key), "window_start"),
        }
    )
    return detections.merge(labels, on="event_id").merge(windows, on="event_id")


def _classes(
    network: SyntheticNetwork, events: pd.DataFrame, matched: NDArray[np.int64], delay: float
) -> NDArray[np.object_]:
    classes = np.empty(len(events), dtype=object)
    length = round((network.settings.spectrogram.duration + network.settings.spectrogram.window) * 1e9)
    for station in pd.unique(events["station"]):
        rows = np.flatnonzero((events["station"] == station).to_numpy())
        start = events["window_start"].to_numpy(dtype=np.int64)[rows] - round(delay * 1e9)
        energy = network.window_energy(str(station), start, start + length)
        classes[rows] = window_labels(matched[rows], energy)
    return classes
