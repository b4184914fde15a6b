"""The columns of the table of rates."""

from __future__ import annotations

import pyarrow as pa

from ris_core.storage.table_description import TableDescription

ALL_STATIONS = "all"
"""Station of rows that count all stations together."""
_TIME = pa.timestamp("ns", tz="UTC")
_SOURCE = "catalogue; live intervals"


def _field(
    name: str, kind: pa.DataType, about: str, unit: str = "", source: str = "", may_be_null: bool = False
) -> pa.Field:
    said = {"description": about, "unit": unit, "source": source}
    return pa.field(name, kind, may_be_null, {key: text for key, text in said.items() if text})


RATE_SCHEMA = pa.schema(
    [
        _field("label", pa.int32(), "Class number", source="catalogue"),
        _field("class_name", pa.string(), "Name of the class", source="catalogue"),
        _field(
            "station",
            pa.string(),
            f"FDSN station code; '{ALL_STATIONS}': all stations together, so that an event that several stations heard "
            "counts at each, and hours of all stations are added",
        ),
        _field(
            "bin",
            pa.string(),
            "Kind of bin: hour_of_day, day, week (ISO 8601), month, season (DJF from December of the year before), "
            "quarter (JFM and JJA, as published), month_hour (an hour of the day in one month), whole",
        ),
        _field("name", pa.string(), "The bin, like 2015-01-31, 2015-W05, DJF 2015/16, 2015-01 23"),
        _field(
            "start",
            _TIME,
            "First instant of the bin in the calendar (UTC); none of hour_of_day and month_hour",
            may_be_null=True,
        ),
        _field("end", _TIME, "First instant after the bin (UTC); none of hour_of_day and month_hour", may_be_null=True),
        _field(
            "hour", pa.int8(), "Hour of the day (UTC) of hour_of_day and month_hour; none of others", may_be_null=True
        ),
        _field(
            "events",
            pa.int64(),
            "Events whose trigger began in the bin. 0 only where the station was live",
            source=_SOURCE,
        ),
        _field("assigned", pa.int64(), "Clear members of their class among them", source=_SOURCE),
        _field(
            "share",
            pa.float64(),
            "Events over those of all classes at this station in the bin; NaN without an event",
            source=_SOURCE,
        ),
        _field(
            "live_hours",
            pa.float64(),
            "Time in which a detection could start; NaN of imported events",
            "h",
            "live intervals",
        ),
        _field(
            "live_share",
            pa.float64(),
            "Live time over the time of the bin within the days of the network; NaN of imported events",
            source="live intervals",
        ),
        _field("rate", pa.float64(), "Events per hour of live time; NaN of imported events", "1/h", _SOURCE),
        _field(
            "rate_low",
            pa.float64(),
            "Lower end of the exact Poisson interval (`rates.level`)",
            "1/h",
            "Garwood (1936)",
        ),
        _field("rate_high", pa.float64(), "Upper end of it", "1/h", "Garwood (1936)"),
        _field(
            "dispersion",
            pa.float64(),
            "Pearson's χ² of hourly counts over its degrees of freedom, from hours that are live for 30 min or more: "
            "about 1 where the interval may be believed, more where events swarm or the rate changes within the bin; "
            "NaN with fewer than 24 such hours or without events",
            source="docs/analysis.md",
        ),
        _field(
            "corrected_rate",
            pa.float64(),
            "Rate without the class model's confusion of classes, 0 or more; NaN where the confusion is not "
            "known, and of day and month_hour, which have too few events",
            "1/h",
            "class model, docs/analysis.md",
        ),
        _field(
            "corrected_low",
            pa.float64(),
            "Lower end of its interval, which carries the uncertainty of the confusion",
            "1/h",
            "class model, docs/analysis.md",
        ),
        _field("corrected_high", pa.float64(), "Upper end of it", "1/h", "class model, docs/analysis.md"),
    ]
)
"""One row per class, station, kind of bin and bin in which the station was live."""

TABLES = (
    TableDescription(
        "Rates of the classes",
        "analysis/class_rates.parquet",
        "One row per class, station, kind of bin and bin. Bins without live time are absent; of imported events, whose "
        "live time is unknown, bins without an event are. Station-days with an event that has no label yet do not "
        "count.",
        RATE_SCHEMA,
        "read_class_rates",
    ),
)
"""This table, for the data dictionary."""
