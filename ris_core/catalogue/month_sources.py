"""The sources of a month: what several stations heard, also across its borders, and what chance would give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.catalogue.borders import reach_over
from ris_core.catalogue.catalogue_reading import Month
from ris_core.catalogue.catalogue_schema import ASSOCIATIONS_SCHEMA, NO_CLASS, NO_LABEL
from ris_core.catalogue.coincidences import chance, count_pairs
from ris_core.catalogue.month_inputs import CatalogueInputs, neighbours
from ris_core.catalogue.month_rows import detected_events
from ris_core.catalogue.source_classes import kinds_of
from ris_core.catalogue.sources import Associated, associate, compatible_pairs, longest_differences
from ris_core.catalogue.station_positions import distances_km
from ris_core.contracts.station_day import DAY_NS, StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coincidences:
    """A month's part of the tables of coincidences.

    Attributes
    ----------
    pairs, classes
        With the columns of `ASSOCIATIONS_SCHEMA` and `CLASS_ASSOCIATIONS_SCHEMA`.
    """

    pairs: pd.DataFrame
    classes: pd.DataFrame


class MonthSources:
    """Sources and coincidences of the months of one network."""

    def __init__(self, network: StationDays, inputs: CatalogueInputs) -> None:
        self.layout, self.inputs = network.layout, inputs
        self.imported = network.settings.imported
        own = network.settings.catalogue
        self.codes = network.stations
        self.distance = distances_km([inputs.positions.get(code) for code in self.codes])
        self.longest = longest_differences(self.distance, own.least_velocity, own.picking_error)
        self.settings = own
        self.places = {code: place for place, code in enumerate(self.codes)}

    def of_month(
        self, month: Month, rows: pd.DataFrame, chosen: tuple[int, ...] | None
    ) -> tuple[pd.Series[Any], Coincidences]:
        """Return the `source_id` of each row of a month, and its part of the tables of coincidences.

        Parameters
        ----------
        month
            The month.
        rows
            Its events: `event_id`, `station`, `time_peak` (ns since 1970), `label`.
        chosen
            The classes that take part (`source_classes`); none if all do.

        Raises
        ------
        DamagedFileError
            A detection table of the day before or after the month, or a table of live intervals, is damaged.
        """
        around = pd.concat([rows, *self._other_sides(month, rows)], ignore_index=True)
        around = around.sort_values(["time_peak", "event_id"], kind="stable", ignore_index=True)
        label = around["label"].to_numpy(dtype=np.int64)
        found = associate(
            around["time_peak"].to_numpy(dtype=np.int64),
            around["station"].map(self.places).to_numpy(dtype=np.intp),
            self.longest,
            kinds_of(label, self.settings.same_class, chosen),
        )
        names = around["event_id"].to_numpy(dtype=object)
        source = np.where(found.alone, "", names[found.group])
        source_id = rows["event_id"].map(dict(zip(names, source, strict=True))).astype(object)
        own = around["event_id"].isin(set(rows["event_id"])).to_numpy()
        return source_id, self._coincidences(month, rows, around, found, own)

    def _coincidences(
        self, month: Month, rows: pd.DataFrame, around: pd.DataFrame, found: Associated, own: NDArray[np.bool_]
    ) -> Coincidences:
        first, after = neighbours(month)
        labels, kind = np.unique(rows["label"].to_numpy(dtype=np.int64), return_inverse=True)
        by_chance = chance(
            rows["time_peak"].to_numpy(dtype=np.int64),
            rows["station"].map(self.places).to_numpy(dtype=np.intp),
            kind,
            self._live(month),
            self.longest,
            StationDay("", first).end_ns,
            StationDay("", after).start_ns,
            self.settings.same_class,
        )
        station = around["station"].map(self.places).to_numpy(dtype=np.intp)
        label = around["label"].to_numpy(dtype=np.int64)
        # A pair across a border counts for the month of its first detection.
        pairs = compatible_pairs(around["time_peak"].to_numpy(dtype=np.int64), station, self.longest)
        pairs = pairs[own[pairs[:, 0]]]
        together = found.group[pairs[:, 0]] == found.group[pairs[:, 1]]
        alike = label[pairs[:, 0]] == label[pairs[:, 1]]
        counted = alike if self.settings.same_class else np.ones(len(pairs), bool)
        table = by_chance.pairs
        one, other = table["a"].to_numpy(dtype=np.intp), table["b"].to_numpy(dtype=np.intp)
        codes = np.array(self.codes, dtype=object)
        table["station_a"], table["station_b"] = codes[one], codes[other]
        table["distance"] = self.distance[one, other]
        table["longest_difference"] = self.longest[one, other] / 1e9
        for name, some in (("coincidences", pairs[counted]), ("associated", pairs[together])):
            table[name] = count_pairs(some, station, len(self.codes))[one, other]
        of_first = label[pairs[:, 0]]
        classes = pd.DataFrame(
            {
                "label": labels,
                "class_name": [self._name(number) for number in labels.tolist()],
                "events": np.bincount(kind, minlength=len(labels)),
                "coincidences": [int((alike & (of_first == number)).sum()) for number in labels],
                "expected_by_chance": by_chance.classes,
                "associated": [int((alike & together & (of_first == number)).sum()) for number in labels],
            }
        )
        return Coincidences(table[ASSOCIATIONS_SCHEMA.names], classes)

    def _name(self, number: int) -> str:
        return NO_CLASS if number == NO_LABEL else self.inputs.names.get(number, str(number))

    def _live(self, month: Month) -> dict[int, Integers] | None:
        """Return the live intervals of each station; none if they are not known."""
        days = self.inputs.of_month(month)
        if self.imported or not all(each.live for each in days):
            return None
        live = tables.read_tables([self.layout.live(each.key) for each in days])
        found = {}
        for place, code in enumerate(self.codes):
            of_station = live[live["station"] == code]
            bounds = [of_station[name].to_numpy(dtype="datetime64[ns]").astype(np.int64) for name in ("start", "end")]
            found[place] = np.column_stack(bounds)
        return found

    def _other_sides(self, month: Month, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Yield the events of the day before and of the day after a month that one source may connect with it."""
        reach = int(self.longest.max(initial=-1))
        if reach < 0:
            return
        before, after = neighbours(month)
        for day, border in (before, StationDay("", before).end_ns), (after, StationDay("", after).start_ns):
            other = self._events_of(day)
            if other.empty:
                continue
            near = rows["time_peak"].to_numpy(dtype=np.int64)
            near = near[np.abs(near - border) <= 2 * DAY_NS]
            time = other["time_peak"].to_numpy(dtype=np.int64)
            between = reach_over(np.sort(np.concatenate([near, time])), border, reach)
            if between is None:
                continue
            inside = time >= between[0] if day == before else time <= between[1]
            yield other[inside]

    def _events_of(self, day: date) -> pd.DataFrame:
        wanted = ["event_id", "station", "time_peak"]
        parts = []
        for of_day in self.inputs.days.get(day, ()):
            part = detected_events(self.layout, of_day, wanted).to_pandas()
            if of_day.labels:
                labels = tables.read_table(self.layout.labels(of_day.key), ["event_id", "label"])
                part = part.merge(labels, on="event_id", how="left")
            part["label"] = part["label"].fillna(NO_LABEL).astype("int64") if "label" in part else NO_LABEL
            parts.append(part)
        if not parts:
            return pd.DataFrame(columns=[*wanted, "label"])
        found: pd.DataFrame = pd.concat(parts, ignore_index=True)
        found["time_peak"] = pd.to_datetime(found["time_peak"], utc=True).dt.as_unit("ns").astype("int64")
        return found
