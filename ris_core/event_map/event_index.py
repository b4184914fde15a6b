"""Which events are nearest to one: exact, by its distance to all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.event_map.labelled_features import LabelledFeatures, labelled_features, tables_of_champion
from ris_core.station_days.station_days import StationDays

_AT_ONCE = 4096
# Sums of squares in single precision are this exact; within it, distances are computed again in double precision.
_SLACK = 1e-4


class NoFeaturesError(ValueError):
    """The present champion has not labelled such an event."""


class EventIndex:
    """The features of N events in memory; a server keeps it. Several threads may ask it at once.

    It takes 4 N D bytes for the features and some tens of bytes for each identifier.

    Parameters
    ----------
    of
        Events with their features.
    model_version
        The model that the features are of.
    """

    def __init__(self, of: LabelledFeatures, model_version: str = "") -> None:
        self._names, self._features = of.event_id, np.ascontiguousarray(of.features, dtype=np.float32)
        self.metric, self.model_version = of.metric, model_version

    @classmethod
    def load(cls, network: StationDays) -> EventIndex:
        """Read the features of all events that the present champion has labelled; raises as `tables_of_champion`."""
        of = tables_of_champion(network)
        return cls(labelled_features(network.layout, of), of.champion.model_version)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, event_id: object) -> bool:
        return isinstance(event_id, str) and self._row(event_id) is not None

    def nearest(self, event_id: str, n: int = 20) -> pd.DataFrame:
        """Return the events nearest to one, the nearest first, without itself.

        Parameters
        ----------
        event_id
            The event.
        n
            Number of events at most.

        Returns
        -------
        DataFrame
            Columns ``event_id`` and ``distance`` (float64, by `metric`). Equally near events are sorted by identifier.

        Raises
        ------
        NoFeaturesError
            The present champion has not labelled such an event.
        ValueError
            `n` is less than 1.
        """
        row = self._row(event_id)
        if row is None:
            raise NoFeaturesError(
                f"{event_id}: no such event is labelled by the present champion; `ris run` labels all events"
            )
        if n < 1:
            raise ValueError(f"n is {n}; give 1 or more")
        rows, distance = self._nearest_rows(row, min(n, len(self) - 1))
        return pd.DataFrame({"event_id": [name.decode() for name in self._names[rows]], "distance": distance})

    def _row(self, event_id: str) -> int | None:
        # A longer name than all is none of them, and would make a wider copy of all.
        if not event_id.isascii() or len(event_id) > self._names.dtype.itemsize:
            return None
        name = np.bytes_(event_id.encode())
        place = int(np.searchsorted(self._names, name))
        return place if place < len(self) and self._names[place] == name else None

    def _nearest_rows(self, row: int, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if n < 1:
            return np.empty(0, np.int64), np.empty(0)
        one = self._features[row]
        squares = np.empty(len(self), np.float32)
        for start in range(0, len(self), _AT_ONCE):
            block = self._features[start : start + _AT_ONCE] - one
            np.einsum("ij,ij->i", block, block, out=squares[start : start + _AT_ONCE])
        squares[row] = np.inf
        farthest = np.partition(squares, n - 1)[n - 1]
        rows = np.flatnonzero(squares <= farthest * (1 + _SLACK))
        distance = np.linalg.norm(self._features[rows].astype(np.float64) - one, axis=1)
        order = np.argsort(distance, kind="stable")[:n]
        return rows[order].astype(np.int64), distance[order]
