"""What is known of each class: its events, its most typical ones, scores, rates and notes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.access import read_class_rates
from ris_core.clustering.champion import champion_or_none
from ris_core.contracts.decision import NOISE, NOT_AN_EVENT, UNSURE
from ris_core.rates.calendar_bins import DAY, WEEK
from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.review.log import LogContent
from ris_core.review.state import ReviewState
from ris_core.storage.damage import DamagedFileError
from ris_explorer.answers import RefusedError
from ris_explorer.classes.class_scores import names_in, scores
from ris_explorer.event_table import EventTable
from ris_explorer.explorer import Explorer

MOST_TYPICAL = 2000
_STRIP = 8
_NOTES = 5
_LEAST_WEEKS = 8


class ClassRows:
    """Keeps what was worked out for the present events and reviews.

    Parameters
    ----------
    explorer
        The network, its events and reviews.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._lock = threading.Lock()
        self._kept: tuple[str, dict[str, Any]] | None = None

    def now(self) -> dict[str, Any]:
        """Return the classes of the catalogue, and those that reviewers have named and no label has.

        Returns
        -------
        dict
            `classes`, `reviewed_only`, `rates` (kind of `bin`, `starts` in s since 1970, `words`: why there are none),
            `by_reviews` (whether the champion is a class model).

        Raises
        ------
        NoCatalogueError
            There is no catalogue yet (a `FileNotFoundError`).
        DamagedFileError
            A file is not what was written.
        """
        table, (content, state) = self._explorer.table, self._explorer.reviews
        of = f"{table.version} {content.digest}"
        with self._lock:
            if self._kept is None or self._kept[0] != of:
                self._kept = of, self._made(table, content, state)
            return self._kept[1]

    def typical(self, number: int, count: int) -> list[str]:
        """Return the most typical clear members of a class that nobody has reviewed, the most typical one first.

        Raises
        ------
        RefusedError
            There is no such class, or more than `MOST_TYPICAL` are asked for.
        """
        table = self._explorer.table
        places = [index for index, each in enumerate(table.classes) if each.number == number >= 0]
        if not places:
            raise RefusedError(f"there is no class {number}", 404)
        if not 1 <= count <= MOST_TYPICAL:
            raise RefusedError(f"count = {count}: 1 to {MOST_TYPICAL} typical events can be asked for")
        rows = np.flatnonzero((table.class_index == places[0]) & table.assigned)
        known = table.rows_of(list(self._explorer.state.seen))
        rows = rows[~np.isin(rows, known)]
        return [table.name(int(row)) for row in _most_typical(table, rows, count)]

    def _made(self, table: EventTable, content: LogContent, state: ReviewState) -> dict[str, Any]:
        champion = champion_or_none(self._explorer.network.layout)
        known = scores(table, state, self._explorer.network.layout, champion)
        rates, by_class = self._rates()
        spelt = {name.casefold(): name for name in (*state.classes, NOISE, NOT_AN_EVENT)}
        notes = _notes(content, state)
        classes = []
        for index, each in enumerate(table.classes):
            if each.number < 0:
                continue
            rows = np.flatnonzero(table.class_index == index)
            called = spelt.get(each.name.casefold(), "")
            classes.append(
                {
                    "number": each.number,
                    "name": each.name,
                    "colour": each.colour,
                    "events": each.events,
                    "assigned": int(table.assigned[rows].sum()),
                    "typical": [table.name(int(row)) for row in _most_typical(table, rows, _STRIP)],
                    "scores": known.get(each.number, {"why_not": "nothing is known of this class"}),
                    "reviewed_as": names_in(table, index),
                    "review_class": called if called in state.classes else "",
                    "rate": by_class.get(each.number),
                    "notes": notes.get(called, []),
                }
            )
        labelled = {each["review_class"] for each in classes}
        counts = Counter(state.final.values())
        left = [name for name in state.classes if name not in labelled]
        return {
            "classes": classes,
            "reviewed_only": [{"name": name, "reviewed": counts[name], "notes": notes.get(name, [])} for name in left],
            "rates": rates,
            "by_reviews": champion is not None and champion.reviewed,
        }

    def _rates(self) -> tuple[dict[str, Any], dict[int, list[float | None]]]:
        """Return the bins of the rates, and the rate of each class in each of them."""
        for kind in (WEEK, DAY):
            try:
                frame = read_class_rates(self._explorer.network, stations=ALL_STATIONS, bins=kind)
            except (FileNotFoundError, ValueError, DamagedFileError) as error:
                return {"words": str(error), "bin": "", "starts": []}, {}
            if kind == WEEK and frame["start"].nunique() < _LEAST_WEEKS:
                continue
            if why := frame.attrs["no_live_time"]:
                return {"words": why, "bin": kind, "starts": []}, {}
            wide = frame.pivot_table(index="label", columns="start", values="rate", dropna=False)
            starts = [time / 1e9 for time in pd.DatetimeIndex(wide.columns).as_unit("ns").asi8.tolist()]
            values = wide.to_numpy(float)
            rows = [[float(v) if np.isfinite(v) else None for v in row] for row in values]
            return {"words": "", "bin": kind, "starts": starts}, dict(zip(map(int, wide.index), rows, strict=True))
        return {"words": "the table of rates has no days", "bin": "", "starts": []}, {}


def _most_typical(table: EventTable, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the rows nearest to the centre of their class; where no distance is known, the most probable ones."""
    distance = table.numbers["distance"][rows]
    key = distance if np.isfinite(distance).any() else -table.numbers["probability"][rows]
    key = np.where(np.isfinite(key), key, np.inf)
    first = np.argpartition(key, count - 1)[:count] if count < len(rows) else np.arange(len(rows))
    return rows[first[np.argsort(key[first], kind="stable")]]


def _notes(content: LogContent, state: ReviewState) -> dict[str, list[dict[str, Any]]]:
    """Return the last notes of persons' decisions that count, by the present name of the class that they are about."""
    names = {name.casefold(): present for name, present in state.names.items()}
    spelt = {name.casefold(): name for name in state.classes}
    found: dict[str, list[dict[str, Any]]] = {}
    for decision in reversed(content.decisions):
        if not decision.note or decision.simulated or decision.id in state.withdrawn:
            continue
        if decision.class_name in ("", UNSURE):
            continue
        present = names.get(decision.class_name.casefold(), decision.class_name)
        of_class = found.setdefault(spelt.get(present.casefold(), present), [])
        if len(of_class) < _NOTES:
            said = {"note": decision.note, "reviewer": decision.reviewer, "time": decision.time.timestamp()}
            of_class.append({**said, "event": decision.event_ids[0] if len(decision.event_ids) == 1 else ""})
    return found
