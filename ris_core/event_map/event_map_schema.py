"""The columns of the map of events."""

from __future__ import annotations

import pyarrow as pa

from ris_core.storage.table_description import TableDescription

TABLE = "event_map.parquet"
"""Name of the table among the files of the analysis."""

_WHERE = "label tables (latent), method of the file"

EVENT_MAP_SCHEMA = pa.schema(
    [
        pa.field("event_id", pa.string(), False, {"description": "As in the catalogue", "source": "label table"}),
        pa.field("x", pa.float32(), False, {"description": "Place on the map, first coordinate", "source": _WHERE}),
        pa.field("y", pa.float32(), False, {"description": "Place on the map, second coordinate", "source": _WHERE}),
    ]
)

TABLES = (
    TableDescription(
        "Map of events",
        f"analysis/{TABLE}",
        "One row per event that the present champion has labelled, sorted by identifier. Coordinates have no unit that "
        "means anything beyond the map, and how far events lie apart from distant ones means nothing. The summary in "
        "the file has method, model, share of the variance and what was left out.",
        EVENT_MAP_SCHEMA,
        "read_event_map",
    ),
)
"""This table, for the data dictionary."""
