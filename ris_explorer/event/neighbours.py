"""Events that are like one, in the features of the model that labels."""

from __future__ import annotations

from typing import Any

from ris_core.access import nearest_events
from ris_explorer.answers import RefusedError
from ris_explorer.event.open_event import row_of
from ris_explorer.explorer import Explorer

_NUMBER, _MOST = 12, 500


def neighbours_of(explorer: Explorer, event_id: str, number: str) -> dict[str, Any]:
    """Return the nearest events with their distances, and in words what the distance is.

    Parameters
    ----------
    explorer, event_id
        The event.
    number
        How many, as text; 12 if it is empty.

    Raises
    ------
    RefusedError
        The catalogue has no such event, or the number cannot be used.
    NoFeaturesError, NoChampionError, NoLabelsOfChampionError, DamagedFileError
        As `ris_core.access.nearest_events`.
    """
    row_of(explorer, event_id)
    if number and not (number.isdecimal() and 1 <= int(number[:9]) <= _MOST):
        raise RefusedError(f"number = {number[:40]!r} is not a whole number from 1 to {_MOST}")
    found = nearest_events(explorer.network, event_id, int(number or _NUMBER), explorer.index)
    table = explorer.table
    rows = table.rows_of(found["event_id"].to_list())
    return {
        "metric": found.attrs["metric"],
        "model_version": found.attrs["model_version"],
        "absent": int((rows < 0).sum()),
        "events": [
            {
                "event_id": table.name(row),
                "station": table.stations[table.station[row]],
                "time": int(table.time[row]) / 1e9,
                "class": table.classes[table.class_index[row]].number,
                "distance": float(distance),
            }
            for row, distance in zip(rows.tolist(), found["distance"], strict=True)
            if row >= 0
        ],
    }
