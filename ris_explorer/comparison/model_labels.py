"""Labels of all events by any model, as far as they are known."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ris_core.access import read_catalogue
from ris_core.labels.compared_models import ComparedModel, compared_models
from ris_core.labels.kept_labels import kept_path, read_kept
from ris_core.station_days.station_days import StationDays
from ris_explorer.answers import RefusedError
from ris_explorer.event_table import EventTable

UNKNOWN = -1
_MOST = 6


@dataclass(frozen=True, eq=False)
class RowLabels:
    """Labels of the N events of a table by a model.

    Attributes
    ----------
    labels
        (N,) int32: class numbers, or clusters of a model that has no class numbers; `UNKNOWN` where there is no label.
    sampled
        (N,) bool: events that may be counted; the others have a label because they were reviewed.
    everywhere
        Whether the labels are of all events, not of a sample.
    with_words
        Whether the reviewer's word is the label where an event was reviewed.
    left_out
        Labels of events that the catalogue does not have, and reviewed events that could not be labelled.
    """

    labels: NDArray[np.int32] = field(repr=False)
    sampled: NDArray[np.bool_] = field(repr=False)
    everywhere: bool
    with_words: bool = False
    left_out: int = 0


class ModelLabels:
    """Reads labels of models, and keeps those of the last few.

    Parameters
    ----------
    network
        As `ris_core.access.open_network` returns it.
    """

    def __init__(self, network: StationDays) -> None:
        self._network = network
        self._kept: OrderedDict[tuple[object, ...], RowLabels] = OrderedDict()
        self._lock = threading.Lock()

    def models(self) -> tuple[tuple[ComparedModel, ...], dict[str, str]]:
        """Return the models, and why others are left out; raises as `compared_models`."""
        return compared_models(self._network.layout, self._network.settings)

    def model(self, name: str) -> ComparedModel:
        """Return a model by its name; raises `RefusedError` if there is none."""
        found = next((model for model in self.models()[0] if model.name == name), None)
        if found is None:
            raise RefusedError(f"there is no model {name[:80]!r} any more; choose another", 404)
        return found

    def of(self, model: ComparedModel, table: EventTable) -> RowLabels:
        """Return the labels of a table's events by a model.

        Raises
        ------
        NotLabelledError
            They have not been made yet.
        NoCatalogueError, DamagedFileError
            As `read_catalogue`.
        """
        path = kept_path(self._network.layout, model)
        written = path.stat().st_mtime_ns if model.role != "champion" and path.exists() else 0
        key = (model.name, model.role, table.version, written)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._of_catalogue(model, table) if model.role == "champion" else self._of_file(model, table)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found

    def _of_catalogue(self, model: ComparedModel, table: EventTable) -> RowLabels:
        frame = read_catalogue(self._network, columns=["event_id", "label", "model_version"])
        rows = table.rows_of(frame["event_id"].to_list())
        by_it = (frame["model_version"] == model.folder.name).to_numpy() & (rows >= 0)
        labels = np.full(len(table), UNKNOWN, np.int32)
        labels[rows[by_it]] = frame["label"].to_numpy()[by_it]
        return RowLabels(labels, labels != UNKNOWN, everywhere=True, with_words=model.reviewed)

    def _of_file(self, model: ComparedModel, table: EventTable) -> RowLabels:
        kept = read_kept(self._network.layout, model)
        rows = table.rows_of(kept.table["event_id"].to_list())
        there = rows >= 0
        clusters = kept.table["cluster"].to_numpy()
        own = clusters if model.numbers is None else np.array(model.numbers)[clusters]
        labels, sampled = np.full(len(table), UNKNOWN, np.int32), np.zeros(len(table), bool)
        labels[rows[there]] = own[there]
        sampled[rows[there]] = kept.table["sampled"].to_numpy()[there]
        return RowLabels(labels, sampled, kept.everywhere, left_out=kept.left_out + int((~there).sum()))
