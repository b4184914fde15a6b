"""The events of a selection as CSV, for spreadsheets and other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_explorer.event_table import NOT_REVIEWED, EventTable

_AT_ONCE = 5000
_UNITS = {
    "snr": "dB",
    "peak_frequency": "Hz",
    "centroid_frequency": "Hz",
    "duration": "s",
}


def selected_csv(table: EventTable, rows: NDArray[np.int64]) -> Iterator[bytes]:
    """Return lines of CSV, a header first, one for each row; units are in brackets behind the names of columns.

    A text that a spreadsheet would take for a formula begins with an apostrophe. What is unknown is empty.

    Parameters
    ----------
    table
        The events.
    rows
        Ascending; the order of the lines.
    """
    units = _UNITS | {"amplitude": table.amplitude_unit}
    numbers = list(table.numbers)
    head = ["event_id", "station", "time_peak (UTC)", "class", "class_name", "assigned", "reviewed_class", "source_id"]
    yield _lines([head + [f"{name} ({units[name]})" if name in units else name for name in numbers]])
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        times = np.datetime_as_string(table.time[part].astype("datetime64[ns]").astype("datetime64[us]"))
        columns = [[_number(value) for value in table.numbers[name][part].tolist()] for name in numbers]
        yield _lines(
            [
                [*_words(table, int(row), str(time)), *values]
                for row, time, values in zip(part, times, zip(*columns, strict=True), strict=True)
            ]
        )


def _words(table: EventTable, row: int, time: str) -> list[Any]:
    of = table.classes[table.class_index[row]]
    reviewed, source = int(table.reviewed[row]), int(table.source[row])
    return [
        _text(table.name(row)),
        _text(table.stations[table.station[row]]),
        f"{time}Z",
        of.number,
        _text(of.name),
        "yes" if table.assigned[row] else "no",
        "" if reviewed == NOT_REVIEWED else _text(table.reviewed_names[reviewed]),
        "" if source < 0 else _text(table.name(source)),
    ]


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _number(value: float) -> str:
    return "" if value != value else f"{value:.7g}"  # noqa: PLR0124 - NaN


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
