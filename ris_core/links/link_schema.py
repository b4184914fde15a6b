"""The columns of the tables of links."""

from __future__ import annotations

import pyarrow as pa

from ris_core.storage.table_description import TableDescription

_RATE = "negative binomial regression of hourly counts"


def _field(name: str, kind: pa.DataType, about: str, unit: str = "", source: str = "", null: bool = False) -> pa.Field:
    said = {"description": about, "unit": unit, "source": source}
    return pa.field(name, kind, null, {key: text for key, text in said.items() if text})


_CLASS = _field("class_name", pa.string(), "Name of the class", source="catalogue")
_STATION = _field("station", pa.string(), "FDSN station code", source="catalogue")
_SERIES = _field("series", pa.string(), "Tested quantity", source="section `links.terms` of the settings")

LINK_SCHEMA = pa.schema(
    [
        _CLASS,
        _STATION,
        _SERIES,
        _field("events", pa.int64(), "Events in usable hours, as labelled", source="catalogue"),
        _field("live_hours", pa.float64(), "Live time in usable hours", "h", "live intervals"),
        _field(
            "effect",
            pa.float64(),
            "Change of the logarithm of the rate with one standard deviation of the series, all else equal; NaN if it "
            "could not be fitted",
            "ln",
            _RATE,
        ),
        _field("error", pa.float64(), "Standard error: jackknife over weeks (CR3)", "ln", _RATE),
        _field("interval_low", pa.float64(), "Lower end of the 95 % interval", "ln", _RATE),
        _field("interval_high", pa.float64(), "Upper end of the 95 % interval", "ln", _RATE),
        _field(
            "p",
            pa.float64(),
            "Two-sided p; of tidal series, where it is below `links.false_discovery`, the greatest of three: with the "
            "series earlier and later by `links.tide_timing`, too",
            source=_RATE,
        ),
        _field(
            "q",
            pa.float64(),
            "p adjusted at the station over all classes and series; NaN where no claim is possible",
            source="Benjamini & Yekutieli 2001",
        ),
        _field(
            "effective_clusters",
            pa.float64(),
            "Weeks that really tell: below `links.least_clusters` nothing is claimed",
            source="Carter, Schnepel & Steigerwald 2017",
        ),
        _field("season_r2", pa.float64(), "Share of the variance of the series that the calendar explains"),
        _field("others_r2", pa.float64(), "Share of it that all else in the regression explains"),
        _field(
            "gain",
            pa.float64(),
            "Gain of log likelihood per event in weeks that were left out; 0 or less: the series foretells "
            "nothing. NaN of unmixed counts and where no claim is possible",
            "nats",
        ),
        _field(
            "lag_hours",
            pa.float64(),
            "Lag of the strongest correlation of the residuals with the series, descriptive; positive: events follow",
            "h",
        ),
        _field("lag_correlation", pa.float64(), "Correlation at this lag"),
        _field("lag_p", pa.float64(), "Share of circular shifts with as strong a correlation; descriptive"),
        _field("dispersion", pa.float64(), "α of the variance μ + αμ²; NaN of unmixed counts", source=_RATE),
        _field("reason", pa.string(), "Why no claim is possible; empty if one is"),
    ]
)
VERDICT_SCHEMA = pa.schema(
    [
        _CLASS,
        _SERIES,
        _field(
            "verdict",
            pa.string(),
            "'link', 'no evidence' (not: no link), or 'not identifiable' (the data cannot say)",
        ),
        _field("sign", pa.int8(), "Sign of a link: 1 or -1; 0 if none is claimed"),
        _field(
            "effect",
            pa.float64(),
            "Median effect of the stations where a claim is possible; NaN if none is",
            "ln",
            _RATE,
        ),
        _field("effect_lowest", pa.float64(), "Least effect of these stations", "ln", _RATE),
        _field("effect_highest", pa.float64(), "Greatest effect of these stations", "ln", _RATE),
        _field("stations", pa.int32(), "Stations where a claim is possible"),
        _field("stations_up", pa.int32(), "Stations with q below the level and a positive effect"),
        _field("stations_down", pa.int32(), "Stations with q below the level and a negative effect"),
        _field("needed", pa.int32(), "Stations of one sign that a link needs (`links.share`)"),
        _field("why", pa.string(), "Why the verdict is so, in words"),
    ]
)
PHASE_SCHEMA = pa.schema(
    [
        _CLASS,
        _STATION,
        _field(
            "constituent", pa.string(), "Tidal constituent; O1 decides, M2 supports, others are shown without a test"
        ),
        _field("events", pa.int64(), "Events in live time", source="catalogue"),
        _field("blocks", pa.int32(), "Blocks of 14 days with events"),
        _field(
            "excess", pa.float64(), "Length of the mean phase vector less that of the live time; NaN without events"
        ),
        _field("angle", pa.float64(), "Its phase: degrees of the constituent's cycle since 1970-01-01 UTC", "deg"),
        _field(
            "p",
            pa.float64(),
            "p over blocks of 14 days; NaN where `reason` says why there is none",
            source="Hotelling 1931",
        ),
        _field(
            "q", pa.float64(), "p adjusted at the station over the classes, of each constituent for itself; NaN as p"
        ),
        _field(
            "declustered",
            pa.float64(),
            "p with one event per cycle and twelfth of a cycle",
            source="after Wang & Shearer 2015",
        ),
        _field("declustered_events", pa.int64(), "Events that this leaves"),
        _field("reason", pa.string(), "Why there is no p"),
    ]
)
LAG_SCHEMA = pa.schema(
    [
        _CLASS,
        _STATION,
        _SERIES,
        _field("from_hours", pa.int32(), "The bin begins so many hours before the event", "h"),
        _field(
            "to_hours",
            pa.int32(),
            "The bin ends so many hours before the event; the longest row is the sum of all",
            "h",
        ),
        _field("effect", pa.float64(), "As in the table of links, of the mean over the bin", "ln", _RATE),
        _field("interval_low", pa.float64(), "Lower end of the 95 % interval", "ln", _RATE),
        _field("interval_high", pa.float64(), "Upper end of the 95 % interval", "ln", _RATE),
    ]
)
SPECTRUM_SCHEMA = pa.schema(
    [
        _CLASS,
        _STATION,
        _field("period", pa.float64(), "Period", "h"),
        _field("log_p", pa.float64(), "ln of the least Schuster p of periods near this one", "ln", "Schuster 1897"),
        _field(
            "expected",
            pa.float64(),
            "ln of the p below which one of twenty such periods falls by chance, of independent events",
            "ln",
            "Ader & Avouac 2013",
        ),
    ]
)
_ABOUT = "What each test assumes, and when not to believe it: docs/analysis.md."
LINKS, VERDICTS, PHASES = "environment_links.parquet", "environment_verdicts.parquet", "tidal_phases.parquet"
LAGS, SPECTRA = "environment_lags.parquet", "schuster_spectra.parquet"
TABLES = (
    TableDescription(
        "Verdicts on links",
        f"analysis/{VERDICTS}",
        f"One row for each class and series: what can be claimed for the network. {_ABOUT}",
        VERDICT_SCHEMA,
        "read_verdicts",
    ),
    TableDescription(
        "Links at stations",
        f"analysis/{LINKS}",
        f"One row for each class, station and series that was tested. {_ABOUT}",
        LINK_SCHEMA,
        "read_links",
    ),
    TableDescription(
        "Tidal phases",
        f"analysis/{PHASES}",
        f"One row for each class, station and tidal constituent. {_ABOUT}",
        PHASE_SCHEMA,
        "read_phases",
    ),
    TableDescription(
        "Distributed lags",
        f"analysis/{LAGS}",
        "One row for each class, station, series and bin of lags, all in one regression; descriptive. Tides have none.",
        LAG_SCHEMA,
        "read_lags",
    ),
    TableDescription(
        "Schuster spectra",
        f"analysis/{SPECTRA}",
        "One row for each class, station and period. A picture, no test: swarms go below the expected p at long "
        "periods.",
        SPECTRUM_SCHEMA,
    ),
)
SCHEMAS: dict[str, pa.Schema] = {
    VERDICTS: VERDICT_SCHEMA,
    PHASES: PHASE_SCHEMA,
    LAGS: LAG_SCHEMA,
    SPECTRA: SPECTRUM_SCHEMA,
    LINKS: LINK_SCHEMA,
}
"""The tables in the order in which they are written; the last one says that all are complete."""
