"""The columns of the tables of statistics."""

from __future__ import annotations

import pyarrow as pa

from ris_core.rates.rate_schema import ALL_STATIONS
from ris_core.storage.table_description import TableDescription

STATIONS, AMPLITUDES, FREQUENCIES = "stations", "amplitudes", "frequencies"
SEASONS, PEAK_RANGES, LABEL_CHANGE, PERFORMANCE = "seasons", "peak_ranges", "label_change", "performance"
_TIME = pa.timestamp("ns", tz="UTC")


def _field(name: str, kind: pa.DataType, about: str, unit: str = "", source: str = "catalogue") -> pa.Field:
    said = {"description": about, "unit": unit, "source": source}
    return pa.field(name, kind, False, {key: text for key, text in said.items() if text})


_LABEL = _field("label", pa.int32(), "Class number")
_NAME = _field("class_name", pa.string(), "Name of the class")
_STATION = _field("station", pa.string(), f"FDSN station code; '{ALL_STATIONS}': all stations together")
_LIVE = _field(
    "live_hours",
    pa.float64(),
    "Time in which a detection could start; NaN of imported events",
    "h",
    "live intervals",
)


def _spread(what: str, unit: str) -> list[pa.Field]:
    return [
        _field("known", pa.int64(), f"Events of which {what} is known"),
        _field("unknown", pa.int64(), "Events of which it is not"),
        _field("mean", pa.float64(), f"Mean of {what} over these events", unit),
        _field("standard_deviation", pa.float64(), "Standard deviation (n - 1); NaN of fewer than two events", unit),
        _field("minimum", pa.float64(), "Least value", unit),
        _field("quartile_1", pa.float64(), "Value that a quarter of the events does not exceed", unit),
        _field("median", pa.float64(), "Median", unit),
        _field("quartile_3", pa.float64(), "Value that three quarters of the events do not exceed", unit),
        _field("maximum", pa.float64(), "Greatest value", unit),
    ]


SCHEMAS: dict[str, pa.Schema] = {
    STATIONS: pa.schema(
        [
            _STATION,
            _LABEL,
            _NAME,
            _field("events", pa.int64(), "Events of the class; 0 only where the station was live"),
            _field("station_events", pa.int64(), "Events of all classes at the station"),
            _field("share_of_network", pa.float64(), "station_events over those of all stations"),
            _field("share_of_station", pa.float64(), "Events over station_events; NaN if there are none"),
            _field("share_of_class", pa.float64(), "Events over those of the class at all stations; NaN if none"),
            _LIVE,
        ]
    ),
    AMPLITUDES: pa.schema(
        [
            _STATION,
            _LABEL,
            _NAME,
            _field("quantity", pa.string(), "'counts' (|peak_counts|) or 'acceleration' (|peak_acceleration|)"),
            _field("unit", pa.string(), "Unit of the values: counts or m/s^2"),
            *_spread("the absolute peak", ""),
        ]
    ),
    FREQUENCIES: pa.schema(
        [
            _STATION,
            _LABEL,
            _NAME,
            _field("quantity", pa.string(), "'peak_frequency' or 'centroid_frequency', as in the catalogue"),
            *_spread("the frequency", "Hz"),
        ]
    ),
    SEASONS: pa.schema(
        [
            _STATION,
            _LABEL,
            _NAME,
            _field("bin", pa.string(), "season (of meteorology), or quarter (JFM and JJA, as published)", source=""),
            _field("name", pa.string(), "Like DJF 2015/16 or JFM 2015", source=""),
            _field("start", _TIME, "First instant (UTC)", source=""),
            _field("end", _TIME, "First instant after it (UTC)", source=""),
            _field("events", pa.int64(), "Events of the class; 0 only where the station was live"),
            _field(
                "share_of_class",
                pa.float64(),
                "Events over all of the class at the station, so that quarters do not add up to 1; NaN if none",
            ),
            _LIVE,
            _field(
                "live_share", pa.float64(), "Live time over the time of the network's days", source="live intervals"
            ),
            _field("rate", pa.float64(), "Events per hour of live time, by which seasons can be compared", "1/h"),
            _field("rate_low", pa.float64(), "Lower end of the exact Poisson interval", "1/h", "Garwood (1936)"),
            _field("rate_high", pa.float64(), "Upper end of it", "1/h", "Garwood (1936)"),
        ]
    ),
    PEAK_RANGES: pa.schema(
        [
            _STATION,
            _LABEL,
            _NAME,
            _field("low", pa.float64(), "Least |peak_counts|, which belongs to the range", "counts"),
            _field("high", pa.float64(), "Its upper end, which does not; NaN: none", "counts"),
            _field("events", pa.int64(), "Events with low <= |peak_counts| < high"),
            _field("share_of_class", pa.float64(), "Events over all of the class at the station"),
        ]
    ),
    LABEL_CHANGE: pa.schema(
        [
            _field("k", pa.int32(), "Number of clusters", source="initial clusters; DEC"),
            _field("before", pa.int32(), "Initial cluster, from 0", source="initial clusters"),
            _field("after", pa.int32(), "Cluster of DEC, from 0: it is the initial cluster moved", source="DEC"),
            _field("events", pa.int64(), "Events of the training set", source="initial clusters; DEC"),
            _field("share_of_before", pa.float64(), "Events over those of the initial cluster; NaN if none", source=""),
        ]
    ),
    PERFORMANCE: pa.schema(
        [
            _LABEL,
            _NAME,
            _field("events", pa.int64(), "Events of the training set that the champion gives this class", source=""),
            _field("share", pa.float64(), "Their share", source=""),
            _field(
                "inner_product", pa.float64(), "Mean inner product with the normed class mean", source="docs/method.md"
            ),
            _field(
                "mse",
                pa.float64(),
                "Mean of (x - m)^2 over members and pixels, m the class mean",
                source="docs/method.md",
            ),
            _field("mae", pa.float64(), "Mean of |x - m| over members and pixels", source="docs/method.md"),
            _field(
                "silhouette_data", pa.float64(), "Mean silhouette of spectrograms (sample)", source="Rousseeuw (1987)"
            ),
            _field(
                "silhouette_features",
                pa.float64(),
                "Mean silhouette in the features of the model (sample); training for it makes it greater",
                source="Rousseeuw (1987)",
            ),
            _field("sampled", pa.int64(), "Events of the class in the sample of the silhouettes", source=""),
        ]
    ),
}
"""The schema of each table, by name."""
_ABOUT = {
    STATIONS: "One row per station and class: how many events there are.",
    AMPLITUDES: "One row per station, class and quantity: the absolute peaks. Counts of different instruments "
    "cannot be compared.",
    FREQUENCIES: "One row per station, class and quantity: the frequencies, each event counting once.",
    SEASONS: "One row per station, class and season in which the station was live.",
    PEAK_RANGES: "One row per station, class and range of |peak_counts|; the edges are `statistics.peak_edges`.",
    LABEL_CHANGE: "One row per pair of clusters: events of the training set by their initial cluster and by that of "
    "DEC trained from it. Absent without a DEC of the present training set.",
    PERFORMANCE: "One row per class of the champion: how alike its events of the training set are.",
}


def file_name(table: str) -> str:
    """Return the name of the file of a table among those of the analysis."""
    return f"statistics_{table}.parquet"


TABLES = tuple(
    TableDescription(
        f"Statistics: {name.replace('_', ' ')}",
        f"analysis/{file_name(name)}",
        _ABOUT[name],
        schema,
        "read_statistics",
    )
    for name, schema in SCHEMAS.items()
)
"""These tables, for the data dictionary."""
