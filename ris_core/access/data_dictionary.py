"""The data dictionary: every table on disk with its columns, made from the schemas that write them.

A room describes its tables in `TABLES` of its schema module (`TableDescription`), and that module is named here.
"""

from __future__ import annotations

from pathlib import Path

from ris_core.catalogue import catalogue_schema
from ris_core.clustering import ranking_file
from ris_core.completeness import completeness_file
from ris_core.environment import series
from ris_core.event_map import event_map_schema
from ris_core.links import link_schema
from ris_core.rates import rate_schema
from ris_core.review import queue_file
from ris_core.statistics import statistics_schema
from ris_core.storage import station_day_tables
from ris_core.storage.atomic import replacing
from ris_core.storage.layout import Layout
from ris_core.storage.table_description import TableDescription, as_markdown

TABLES: tuple[TableDescription, ...] = (
    *station_day_tables.TABLES,
    *catalogue_schema.TABLES,
    *event_map_schema.TABLES,
    *rate_schema.TABLES,
    *statistics_schema.TABLES,
    *completeness_file.TABLES,
    *series.TABLES,
    *link_schema.TABLES,
    *ranking_file.TABLES,
    *queue_file.TABLES,
)
"""All tables of the dictionary, in its order."""
_HEAD = """\
# Tables

The tables of a data root, made by `ris dictionary` from the schemas that write them. Paths are below
`$RIS_DATA/NETWORK/`; times are UTC. All are Parquet. The columns of each file have the same words as metadata, and each
file says how it was made (`ris_core.storage.tables.read_stamp`).
"""


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    return _HEAD + as_markdown(TABLES) + "\n"


def write_dictionary(path: Path) -> None:
    """Write the data dictionary, unless it is there already."""
    text = data_dictionary()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_beside_data(layout: Layout) -> Path:
    """Write the data dictionary into a data root, and return its path."""
    write_dictionary(layout.dictionary)
    return layout.dictionary
