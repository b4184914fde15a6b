"""The scores against truth as a JSON file: the one place where they are written and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ris_core.storage.json_records import read_record, write_json

if TYPE_CHECKING:
    from ris_core.truth.truth_scores import TruthScores

FILE = "truth_scores.json"
"""Name of the file among those of the analysis (`Layout.analysis`)."""
BASELINE = "hand features + k-means"
"""Method in `KeptScores.clustering` that every other one is compared with."""

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "true_events": int,
    "recall": (int, float),
    "precision": (int, float),
    "recall_by_snr": list,
    "clustering": list,
    "end_to_end": list,
    "k": int,
}


@dataclass(frozen=True)
class KeptScores:
    """Scores as far as they are read again.

    Attributes
    ----------
    true_events, recall, precision
        Of detection.
    recall_by_snr
        One row per bin of the SNR: snr_low (dB), events, detected, recall.
    clustering
        One row per K and method, columns as those of `clustering_rows.clustering_rows`; records of earlier versions
        have no `chosen`, `reviews` and `simulated`.
    end_to_end
        One row per family: family, events, recall, precision.
    k
        Number of clusters of the champion.
    beside
        As `end_to_end`, by the model without reviews beside a class model.
    note
        What the scores are of if there are reviews.
    sources
        Pairs of detections that are said to be of one source: true_pairs, found_pairs, correct_pairs, precision,
        recall, sources, whole_sources. Records of earlier versions have none.
    """

    true_events: int
    recall: float
    precision: float
    recall_by_snr: Sequence[Mapping[str, Any]]
    clustering: Sequence[Mapping[str, Any]]
    end_to_end: Sequence[Mapping[str, Any]]
    k: int
    beside: Sequence[Mapping[str, Any]] = ()
    note: str = ""
    sources: Mapping[str, float] = field(default_factory=dict)


def write_scores(path: Path, found: TruthScores) -> None:
    """Write scores against truth."""
    detection = found.detection
    record = {
        "true_events": detection.events,
        "detected_events": detection.detections,
        "matched": detection.matched,
        "recall": detection.recall,
        "precision": detection.precision,
        "recall_by_snr": detection.by_snr.to_dict("records"),
        "recall_by_family": detection.by_family.to_dict("records"),
        "clustering": found.clustering.to_dict("records"),
        "class_recall": found.recall.to_dict("records"),
        "end_to_end": found.end_to_end.to_dict("records"),
        "end_to_end_beside": found.beside.to_dict("records"),
        "sources": found.sources.as_dict(),
        "note": found.note,
        "classes": {str(cluster): name for cluster, name in found.classes.items()},
        "k": found.k,
        "station_days": found.station_days,
        "left_out_as_damaged": list(found.damaged),
    }
    write_json(path, record)


def read_scores(path: Path) -> KeptScores:
    """Return scores that were written.

    Raises
    ------
    FileNotFoundError
        There are none.
    DamagedFileError
        The file is damaged.
    """
    record = read_record(path, _FIELDS)
    return KeptScores(
        **{name: record[name] for name in _FIELDS},
        beside=record.get("end_to_end_beside", ()),
        note=str(record.get("note", "")),
        sources=record.get("sources", {}),
    )
