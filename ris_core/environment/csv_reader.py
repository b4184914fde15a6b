"""Series as text: a line for each value."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from ris_core.config.environment import CsvSeriesSettings
from ris_core.environment.reader import HOUR_NS, FileReader, Part
from ris_core.storage.damage import damage_named

_FIX = "correct the line, or take it out"


class CsvReader(FileReader[CsvSeriesSettings]):
    """Reads columns of times and values; the first line names the columns, and lines that begin with # are left out."""

    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the values of a file; raises `FaultySeriesError` for columns, times and numbers that are none."""
        series = self.settings
        with damage_named(path, "it must be text in UTF-8"):
            text = path.read_text(encoding="utf-8-sig")
        rows = csv.reader(text.splitlines(), delimiter=series.delimiter)
        lines: list[int] = []
        times: list[str] = []
        values: list[str] = []
        head: list[str] | None = None
        for row in rows:
            if not row or row[0].startswith("#"):
                continue
            if head is None:
                head = [name.strip() for name in row]
                columns = [self._column(path, head, name) for name in (series.time_column, series.value_column)]
                continue
            if len(row) != len(head):
                raise self.fault(
                    f"{path}, line {rows.line_num}", f"{len(row)} columns, but the first line names {len(head)}", _FIX
                )
            lines.append(rows.line_num)
            times.append(row[columns[0]].strip())
            values.append(row[columns[1]].strip())
        line = np.array(lines, dtype=np.int64)
        parsed = pd.to_datetime(pd.Series(times, dtype=object), utc=True, format="ISO8601", errors="coerce")
        self._all_read(path, line, times, parsed.isna().to_numpy(), "an ISO-8601 time like 2015-01-31T12:00:00Z")
        absent = np.isin(np.array(values, dtype=object).astype(str), list(series.missing))
        numbers = pd.to_numeric(pd.Series(values, dtype=object).mask(absent), errors="coerce").to_numpy(np.float64)
        self._all_read(path, line, values, np.isnan(numbers) & ~absent, "a number, or one of `missing`")
        time = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
        unit = str(series.unit)
        if series.accumulated is None:
            return Part(str(path), time, numbers, line), unit, []
        hours = series.accumulated
        mean = Part(str(path), time - round(0.5 * hours * HOUR_NS), numbers / (hours * 3600.0), line)
        return mean, "W/m2", [f"{unit} over {hours:g} h became the mean of that time, at its middle"]

    def _column(self, path: Path, head: list[str], name: str) -> int:
        if head.count(name) != 1:
            raise self.fault(
                path,
                f"its first line names {', '.join(head)}, not {name!r} once",
                "give time_column, value_column and delimiter",
            )
        return head.index(name)

    def _all_read(self, path: Path, line: np.ndarray, text: list[str], bad: np.ndarray, wanted: str) -> None:
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise self.fault(f"{path}, line {line[first]}", f"{text[first][:80]!r} is not {wanted}", _FIX)
