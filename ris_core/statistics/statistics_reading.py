"""Reading the tables of statistics."""

from __future__ import annotations

import pandas as pd

from ris_core.statistics.statistics_schema import SCHEMAS, file_name
from ris_core.storage import tables
from ris_core.storage.json_records import read_record
from ris_core.storage.layout import Layout

RECORD = "statistics.json"
STATISTICS_AGAIN = "make the statistics again (job describe_classes), or let `ris run` do it"


class NoStatisticsError(FileNotFoundError):
    """There are no statistics yet, or not this table; the message says why and what to do."""


def load_statistics(layout: Layout, name: str) -> pd.DataFrame:
    """Return a table of statistics.

    Raises
    ------
    ValueError
        There is no table of this name.
    NoStatisticsError
        It has not been made, or could not be made; the message says why.
    DamagedFileError
        It is damaged.
    """
    if name not in SCHEMAS:
        raise ValueError(f"{name!r}: there is no such table of statistics; there are {', '.join(SCHEMAS)}")
    path = layout.analysis(file_name(name))
    if path.exists():
        return tables.read_table(path)
    why = f"{path}: there are no statistics yet; {STATISTICS_AGAIN}"
    if layout.analysis(RECORD).exists():
        record = read_record(layout.analysis(RECORD), {"absent": dict}, STATISTICS_AGAIN)
        why = record["absent"].get(name, f"{path} is gone; {STATISTICS_AGAIN}")
    raise NoStatisticsError(why)
