"""The tables of station-days in words, for the data dictionary."""

from __future__ import annotations

from ris_core.storage import table_schemas
from ris_core.storage.table_description import TableDescription

TABLES = (
    TableDescription(
        "Detections",
        "detections/station=STATION/day=DAY.parquet",
        "One row per trigger of the detector. With several channels, `peak_counts`, `peak_acceleration` and "
        "`acceleration_note` follow for each with its code.",
        table_schemas.DETECTION_SCHEMA,
        "read_detections",
    ),
    TableDescription(
        "Live intervals",
        "live/station=STATION/day=DAY.parquet",
        "One row per interval in which a detection could start. Imported events have none.",
        table_schemas.LIVE_SCHEMA,
        "read_live",
    ),
    TableDescription(
        "Attributes",
        "attributes/station=STATION/day=DAY.parquet",
        "One row per event, with a column for each attribute and window: [method.md](method.md) has their table.",
        table_schemas.attribute_schema(()),
        "read_attributes",
    ),
    TableDescription(
        "Labels",
        "labels/station=STATION/day=DAY.parquet",
        "One row per event, by the champion. The lists have one value for each cluster or feature of the model.",
        table_schemas.label_schema(8),
        "read_labels",
    ),
    TableDescription(
        "Labels by a class model",
        "labels/station=STATION/day=DAY.parquet",
        "As labels, where the champion was trained on reviews.",
        table_schemas.class_label_schema(8, 9, "Probability by the class model"),
        "read_labels",
    ),
)
"""These tables."""
