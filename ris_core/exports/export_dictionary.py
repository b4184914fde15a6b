"""The data dictionary beside exported tables, with how to read them back without a loss."""

from __future__ import annotations

from collections.abc import Mapping

from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA
from ris_core.exports.cutouts import CUTOUT_SCHEMA, INDEX
from ris_core.exports.station_layers import GEOPACKAGE, GEOPARQUET, station_schema
from ris_core.storage.table_description import TableDescription, as_markdown

FILE = "tables.md"
CSV, PARQUET = "events.csv", "events.parquet"
READ_CSV = """\
import pandas as pd

times = ["time_peak", "time_on", "time_off"]
numbers = ["probability", "novelty", "peak_counts", "peak_acceleration", "snr", "peak_frequency", "centroid_frequency",
           "duration", "distance", "characteristic_max"]
missing = {"reviewed": [""], **{name: ["", "nan"] for name in numbers}}
events = pd.read_csv("events.csv", keep_default_na=False, na_values=missing, parse_dates=times)
"""
"""How `events.csv` is read with pandas, so that no name of a class is taken for an absent value."""
_HEAD = f"""\
# Tables

Written by `ris export`, as far as they were asked for. Times are UTC.

In `{CSV}` text is in quotes, an absent value is nothing, an unknown number is `nan`, and times are ISO 8601. With
pandas:

```python
{READ_CSV}```
"""


def export_dictionary(names: Mapping[int, str]) -> str:
    """Return the data dictionary of exported tables as Markdown.

    Parameters
    ----------
    names
        Names of the classes by number, which are columns of the stations' table.
    """
    tables = (
        TableDescription(
            "Events",
            f"{CSV}, {PARQUET}",
            "One row per event: a detection of one station that has a spectrogram, sorted by time of the peak. One "
            "source that several stations heard has a row for each. No event is located.",
            CATALOGUE_SCHEMA,
        ),
        TableDescription(
            "Stations",
            f"{GEOPARQUET} (GeoParquet), {GEOPACKAGE} (layer stations)",
            "One row per station with its point (WGS84). The layer classes of the GeoPackage names the classes.",
            station_schema(names),
        ),
        TableDescription(
            "Cut-outs",
            INDEX,
            "One row per trace of the miniSEED file of an event. cutouts.json says what was left out, and why.",
            CUTOUT_SCHEMA,
        ),
    )
    return _HEAD + as_markdown(tables) + "\n"
