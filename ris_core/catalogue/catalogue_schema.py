"""The columns of the catalogue of events, and of the tables that are made with it."""

from __future__ import annotations

import pyarrow as pa

from ris_core.storage.table_description import TableDescription

NO_LABEL = -1
"""Class number of an event that no label table of its present spectrogram has."""
NO_CLASS = "unlabelled"
"""Name of the class of such an event."""
CALIBRATED, MEMBERSHIP = "calibrated", "membership"
_TIME = pa.timestamp("ns", tz="UTC")


def _field(
    name: str, kind: pa.DataType, about: str, unit: str = "", source: str = "", may_be_null: bool = False
) -> pa.Field:
    said = {"description": about, "unit": unit, "source": source}
    return pa.field(name, kind, may_be_null, {key: text for key, text in said.items() if text})


DURATION_SHARE = 0.2
"""Share of the greatest power above which an event lasts (ours)."""

CATALOGUE_SCHEMA = pa.schema(
    [
        _field("event_id", pa.string(), "NET.STA.LOC.CHAN.time of the peak (UTC)", source="detection table"),
        _field("station", pa.string(), "FDSN station code", source="detection table"),
        _field("time_peak", _TIME, "Greatest absolute amplitude of the trigger (UTC)", source="detection table"),
        _field("time_on", _TIME, "Trigger on (UTC)", source="detection table"),
        _field("time_off", _TIME, "Trigger off (UTC)", source="detection table"),
        _field(
            "label",
            pa.int32(),
            "Class number; a new champion keeps it. -1: the present spectrogram has no label yet",
            source="label table",
        ),
        _field(
            "class_name",
            pa.string(),
            "What `champion.names` of the settings calls the class, else its name by the reviews, else its number; "
            "'unlabelled' for label -1",
            source="settings, champion",
        ),
        _field(
            "probability",
            pa.float32(),
            "Of the class: a calibrated probability or a membership, see probability_kind; none without a label",
            source="label table",
            may_be_null=True,
        ),
        _field(
            "probability_kind",
            pa.string(),
            "'calibrated': of this share of such events the class is right, by cross-validation on reviews; "
            "'membership': by the clusterer or an uncalibrated classifier, not the chance that the class is right; "
            "empty without a label",
            source="champion",
        ),
        _field(
            "novelty",
            pa.float32(),
            "By the champion's score; greater is more novel",
            source="label table",
            may_be_null=True,
        ),
        _field(
            "assigned",
            pa.bool_(),
            "Whether the event is a clear member of its class (label table); false without a label",
            source="label table",
        ),
        _field(
            "reviewed",
            pa.string(),
            "Class by the reviewers at present; none where the event was not reviewed or they differ",
            source="review log",
            may_be_null=True,
        ),
        _field(
            "peak_counts",
            pa.float64(),
            "Signed amplitude of the conditioned counts at the peak",
            "counts",
            "detection table",
        ),
        _field(
            "peak_acceleration",
            pa.float64(),
            "Signed peak ground acceleration in the band of the response; NaN where acceleration_note says why",
            "m/s^2",
            "detection table",
        ),
        _field("acceleration_note", pa.string(), "Why there is no peak_acceleration", source="detection table"),
        _field("snr", pa.float64(), "Signal-to-noise ratio; NaN if unknown", "dB", "detection table"),
        _field(
            "peak_frequency",
            pa.float32(),
            "Frequency of the greatest value of the spectrogram's mean over time, as in the published code; of "
            "several components, of their sum",
            "Hz",
            "spectrogram; RISCluster",
        ),
        _field(
            "centroid_frequency",
            pa.float32(),
            "Mean frequency of the spectrogram's mean over time, above the noise where a noise spectrum was kept, "
            "weighted with power",
            "Hz",
            "spectrogram",
        ),
        _field(
            "duration",
            pa.float32(),
            f"Time within the spectrogram in which its power, summed over frequencies and above the noise where a "
            f"noise spectrum was kept, is {DURATION_SHARE:.0%} of the greatest or more (ours); at most the "
            "spectrogram's length",
            "s",
            "spectrogram",
        ),
        _field(
            "distance",
            pa.float32(),
            "Euclidean distance of the features to the centre of the event's cluster in the representation; NaN if "
            "the model has no centres or the event no label",
            source="label table, champion",
        ),
        _field(
            "characteristic_max",
            pa.float64(),
            "Greatest value of the characteristic function, for STA/LTA the ratio",
            source="detection table",
        ),
        _field("found_by", pa.string(), "Detector and its averages, STA/LTA", source="detection table"),
        _field("model_version", pa.string(), "Model that gave the label; empty without a label", source="label table"),
        _field(
            "source_id",
            pa.string(),
            "Same for detections of several stations that one source can explain: the event_id of the earliest of "
            "them; empty if no other station heard it, or if its class takes no part (class_associations.parquet). "
            "Some are chance",
            source="docs/analysis.md",
        ),
    ]
)
"""One row per event, sorted by time_peak, then event_id."""

ASSOCIATIONS_SCHEMA = pa.schema(
    [
        _field("station_a", pa.string(), "FDSN station code, before station_b in the settings"),
        _field("station_b", pa.string(), "FDSN station code"),
        _field("distance", pa.float64(), "Distance of the stations on the ellipsoid WGS84", "km"),
        _field(
            "longest_difference",
            pa.float64(),
            "Greatest difference of peak times that one source can explain, τ: distance / catalogue.least_velocity + "
            "catalogue.picking_error",
            "s",
        ),
        _field("events_a", pa.int64(), "Events of station_a while both stations were live"),
        _field("events_b", pa.int64(), "Events of station_b while both stations were live"),
        _field(
            "live_hours", pa.float64(), "Time in which a detection could start at both; NaN of imported events", "h"
        ),
        _field("coincidences", pa.int64(), "Pairs of detections, one at each, that are no more than τ apart"),
        _field(
            "expected_by_chance",
            pa.float64(),
            "Pairs that independent detections of the same local rates would give: Σ 2 τ λa λb T over hours "
            "with T of common live time; NaN of imported events",
        ),
        _field("associated", pa.int64(), "Pairs of detections in a common source"),
    ]
)
"""One row per pair of stations whose positions are known."""

CLASS_ASSOCIATIONS_SCHEMA = pa.schema(
    [
        _field("label", pa.int32(), "Class number; -1 without a label"),
        _field("class_name", pa.string(), "Name of the class, as in the catalogue"),
        _field("events", pa.int64(), "Events of the class"),
        _field(
            "coincidences",
            pa.int64(),
            "Pairs of detections of this class at two stations that are no further apart than one source can explain",
        ),
        _field(
            "expected_by_chance",
            pa.float64(),
            "Pairs that independent detections of the same hourly rates would give; NaN of imported events",
        ),
        _field("associated", pa.int64(), "Pairs of detections of this class in a common source"),
        _field(
            "takes_part",
            pa.bool_(),
            "Whether its events are put together to sources: by `catalogue.source_classes`, as a rule if they coincide "
            "clearly more often than by chance",
        ),
    ]
)
"""One row per class."""

REPEATERS_SCHEMA = pa.schema(
    [
        _field("event_id", pa.string(), "As in the catalogue"),
        _field("station", pa.string(), "FDSN station code"),
        _field("time_peak", _TIME, "Peak of the detection (UTC)"),
        _field("label", pa.int32(), "Class number; a family is of one station and one class"),
        _field(
            "family",
            pa.string(),
            "Same for all events of a family: the event_id of its reference, the event that correlates best with those "
            "that it was compared with",
        ),
        _field("members", pa.int32(), "Events of the family"),
        _field(
            "correlation",
            pa.float32(),
            "Greatest correlation with the reference over lags; below the least one where only others link both",
        ),
        _field("nearest", pa.float32(), "Greatest correlation with another event of the family"),
    ]
)
"""One row per event of a family, by station and family, in the order of time."""

TABLES = (
    TableDescription(
        "Catalogue of events",
        "catalogue/year=YEAR/month=MONTH.parquet",
        "One row per event (a detection that has a spectrogram) of the station-days of a month, sorted by time of the "
        "peak. An event belongs to the day of its onset, so a peak may lie just after the month.",
        CATALOGUE_SCHEMA,
        "read_catalogue",
    ),
    TableDescription(
        "Coincidences between stations",
        "analysis/associations.parquet",
        "One row per pair of stations: how often both detected something within the time that one source can explain, "
        "and how often this is expected by chance.",
        ASSOCIATIONS_SCHEMA,
        "read_associations",
    ),
    TableDescription(
        "Coincidences of each class",
        "analysis/class_associations.parquet",
        "One row per class: whether its events coincide at two stations more often than by chance. Sources of several "
        "stations are sought among the classes that do.",
        CLASS_ASSOCIATIONS_SCHEMA,
        "read_class_associations",
    ),
    TableDescription(
        "Repeating events",
        "analysis/repeaters.parquet",
        "One row per event that belongs to a family of repeating events, where the settings ask for them "
        "(`catalogue.repeaters`).",
        REPEATERS_SCHEMA,
        "read_repeaters",
    ),
)
"""These tables, for the data dictionary."""
