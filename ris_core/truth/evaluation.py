"""Scores of detection and clustering against the truth, and true labels of windows.

There are three kinds of scores: detection (`detection_scores`), clustering of detected events (`clustering_scores`),
and both together (`end_to_end_scores`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

MIXED = "mixed"
NOISE = "noise"
SHARE_OF_ONE_FAMILY = 0.8
Strings = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class DetectionScores:
    """Detection against the truth.

    Attributes
    ----------
    events, detections, matched : int
        True events that were recorded; triggers; pairs.
    recall, precision : float
        matched / events and matched / detections; NaN if the denominator is 0.
    by_snr, by_family : DataFrame
        `events`, `detected`, `recall` in bins of SNR (`snr_low`, dB) and for each family.
    """

    events: int
    detections: int
    matched: int
    recall: float
    precision: float
    by_snr: pd.DataFrame
    by_family: pd.DataFrame


def detection_scores(matched: ArrayLike, truth: pd.DataFrame, snr_step: float = 5.0) -> DetectionScores:
    """Return recall by SNR and family, and precision.

    Parameters
    ----------
    matched : int array of shape (N,)
        For each detection the position in `truth`, or −1 (`match`, `match_stations`).
    truth : DataFrame
        The truth; events in gaps and on missing days (`recorded` False) are left out unless they were matched.
    snr_step : float
        Width of the SNR bins, dB.
    """
    positions = np.asarray(matched, dtype=np.int64)
    detected = np.zeros(len(truth), dtype=np.bool_)
    detected[positions[positions >= 0]] = True
    counted = truth["recorded"].to_numpy(dtype=np.bool_) | detected
    events = pd.DataFrame(
        {
            "detected": detected[counted],
            "snr_low": np.floor(truth["snr_db"].to_numpy()[counted] / snr_step) * snr_step,
            "family": truth["family"].to_numpy()[counted],
        }
    )
    pairs, n = int(np.sum(positions >= 0)), len(positions)
    return DetectionScores(
        events=len(events),
        detections=n,
        matched=pairs,
        recall=pairs / len(events) if len(events) else float("nan"),
        precision=pairs / n if n else float("nan"),
        by_snr=_recall_by(events, "snr_low"),
        by_family=_recall_by(events, "family"),
    )


def _recall_by(events: pd.DataFrame, column: str) -> pd.DataFrame:
    grouped = events.groupby(column)["detected"]
    table = pd.DataFrame({"events": grouped.size(), "detected": grouped.sum(), "recall": grouped.mean()})
    return table.reset_index()


def window_labels(matched: ArrayLike, energy: pd.DataFrame) -> Strings:
    """Return the true class of each detected event from the energies in its window.

    The class is the family with the most energy, or `mixed` if that is less than 80 % of all families' energy. A
    detection without a match is `noise` (a false trigger), unless the events in its window have more energy than the
    noise: then it is a second trigger on an event that is matched with another detection, and has the event's family.

    Parameters
    ----------
    matched : int array of shape (N,)
        For each detection the position in the truth, or −1.
    energy : DataFrame of N rows
        `SyntheticNetwork.window_energy`: one column per family and `noise`.
    """
    positions = np.asarray(matched, dtype=np.int64)
    if len(positions) != len(energy):
        raise ValueError(f"matched has {len(positions)} entries and energy {len(energy)} rows; they must agree")
    families = [name for name in energy.columns if name != NOISE]
    values = energy[families].to_numpy(dtype=np.float64)
    total = values.sum(axis=1)
    first = values.argmax(axis=1)
    labels: Strings = np.array(families, dtype=object)[first]
    labels[values[np.arange(len(values)), first] < SHARE_OF_ONE_FAMILY * total] = MIXED
    labels[(positions < 0) & (total <= energy[NOISE].to_numpy(dtype=np.float64))] = NOISE
    return labels


@dataclass(frozen=True, eq=False)
class ClusteringScores:
    """Clusters against classes.

    Attributes
    ----------
    ari, nmi : float
        Adjusted Rand index; normalised mutual information (arithmetic mean).
    accuracy : float
        Share that agrees after the best one-to-one assignment of clusters to classes (ACC).
    macro_f1 : float
        Mean of F1 over the classes present, after the many-to-one assignment `classes`.
    recall : dict
        Recall of each class after the many-to-one assignment.
    classes : dict
        The class of each cluster: the one-to-one assignment, and for clusters beyond it, or without a window of the
        class they would get, their most frequent class.
    counted, mixed : int
        Windows that were scored, and windows left out because they hold several families.
    """

    ari: float
    nmi: float
    accuracy: float
    macro_f1: float
    recall: dict[str, float]
    classes: dict[int, str]
    counted: int
    mixed: int


def clustering_scores(truth_labels: ArrayLike, cluster_labels: ArrayLike) -> ClusteringScores:
    """Return the agreement of clusters with true classes.

    `mixed` windows are left out, since they have no single right class; `noise` is a class like the others. A class
    without a cluster has F1 and recall 0.

    Parameters
    ----------
    truth_labels : str array of shape (N,)
        Classes (`window_labels`).
    cluster_labels : int array of shape (N,)
        Clusters.
    """
    truth = np.asarray(truth_labels, dtype=object)
    clusters = np.asarray(cluster_labels, dtype=np.int64)
    if truth.shape != clusters.shape:
        raise ValueError(f"truth_labels {truth.shape} and cluster_labels {clusters.shape} must have the same shape")
    scored = truth != MIXED
    mixed = int(np.sum(~scored))
    truth, clusters = truth[scored], clusters[scored]
    if len(truth) == 0:
        raise ValueError("no window to score: all are mixed, or there is none")
    names, class_codes = np.unique(truth.astype(str), return_inverse=True)
    ids, cluster_codes = np.unique(clusters, return_inverse=True)
    table = np.zeros((len(ids), len(names)), dtype=np.int64)
    np.add.at(table, (cluster_codes, class_codes), 1)
    assigned = table.argmax(axis=1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    # A pair without a common window means nothing: both were left over.
    shared = table[rows, columns] > 0
    assigned[rows[shared]] = columns[shared]
    predicted = assigned[cluster_codes]
    recall = {}
    f1 = []
    for code, name in enumerate(names):
        hits = int(np.sum((predicted == code) & (class_codes == code)))
        members, guesses = int(np.sum(class_codes == code)), int(np.sum(predicted == code))
        recall[str(name)] = hits / members
        f1.append(2.0 * hits / (members + guesses))
    return ClusteringScores(
        ari=float(adjusted_rand_score(class_codes, cluster_codes)),
        nmi=float(normalized_mutual_info_score(class_codes, cluster_codes)),
        accuracy=float(table[rows, columns].sum() / len(truth)),
        macro_f1=float(np.mean(f1)),
        recall=recall,
        classes={int(cluster): str(names[code]) for cluster, code in zip(ids, assigned, strict=True)},
        counted=len(truth),
        mixed=mixed,
    )


def end_to_end_scores(
    matched: ArrayLike,
    truth: pd.DataFrame,
    cluster_labels: ArrayLike,
    classes: dict[int, str],
    snr_at_least: float = -np.inf,
) -> pd.DataFrame:
    """Return recall, precision and F1 of each family over all recorded events, including missed ones.

    An event is found if it was detected and the cluster of its detection belongs to its family. Every other detection
    in a cluster of that family, including false triggers, lowers the precision.

    Parameters
    ----------
    matched : int array of shape (N,)
        For each detection the position in `truth`, or −1.
    truth : DataFrame
        The truth.
    cluster_labels : int array of shape (N,)
        Cluster of each detection; −1 if it has no label.
    classes : dict
        Class of each cluster (`ClusteringScores.classes`).
    snr_at_least : float
        Events weaker than this (dB) and detections matched with them are left out.

    Returns
    -------
    DataFrame
        `family`, `events`, `found`, `recall`, `precision`, `f1`.
    """
    positions = np.asarray(matched, dtype=np.int64)
    clusters = np.asarray(cluster_labels, dtype=np.int64)
    family, strong = truth["family"].to_numpy(), truth["snr_db"].to_numpy() >= snr_at_least
    counted = truth["recorded"].to_numpy(dtype=np.bool_) & strong
    hit = positions >= 0
    kept = ~hit | counted[positions]
    predicted = np.array([classes.get(int(cluster), "") for cluster in clusters], dtype=object)
    actual = np.where(hit, family[positions] if len(family) else "", NOISE)
    rows = []
    for name in sorted(set(family[counted])):
        events = int(np.sum(counted & (family == name)))
        found = int(np.sum(kept & hit & (predicted == name) & (actual == name)))
        claimed = int(np.sum(kept & (predicted == name)))
        precision = found / claimed if claimed else float("nan")
        rows.append((name, events, found, found / events, precision, 2.0 * found / (events + claimed)))
    return pd.DataFrame(rows, columns=["family", "events", "found", "recall", "precision", "f1"])
