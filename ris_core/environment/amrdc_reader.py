"""Automatic weather stations as text of the Antarctic Meteorological Research and Data Center."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ris_core.config.environment import AmrdcSeriesSettings
from ris_core.environment.reader import AGAIN, FileReader, Part
from ris_core.storage.damage import damage_named

MISSING = 444.0
_COLUMNS = {"temperature": (5, "degC"), "pressure": (6, "hPa"), "wind": (7, "m/s")}
_HEADER_LINES = 2


class AmrdcReader(FileReader[AmrdcSeriesSettings]):
    """Reads a month of a station: two lines about it, then year, day of year, month, day, time (UTC, HHMM) and values.

    The values are temperature (°C), pressure (hPa), wind speed (m/s), its direction, humidity and a temperature
    difference; 444.0 is a missing one (AMRDC, readme of its quality-controlled observations). Files of 10 minutes, 1 h
    and 3 h have the same columns. Files from before 2001 have 31 days in every month: days that do not exist are left
    out if they have no value.
    """

    def read_file(self, path: Path) -> tuple[Part, str, list[str]]:
        """Return the values of a file; raises `FaultySeriesError` for a line that is not one of this format."""
        column, unit = _COLUMNS[self.settings.kind]
        with damage_named(path, AGAIN):
            text = path.read_text(encoding="latin-1").splitlines()
        if not any("year" in line.lower() for line in text[:_HEADER_LINES]):
            raise self.fault(path, "its first line does not say Year, Month and ID, as AMRDC's do", AGAIN)
        times: list[int] = []
        values: list[float] = []
        lines: list[int] = []
        for number, line in enumerate(text[_HEADER_LINES:], _HEADER_LINES + 1):
            words = line.split()
            if not words:
                continue
            try:
                value = float(words[column])
                year, of_year, month, day = (int(word) for word in words[:4])
                hour, minute = divmod(int(words[4]), 100)
            except (ValueError, IndexError):
                raise self.fault(
                    f"{path}, line {number}", f"{line.strip()[:80]!r} is not a line of values of AMRDC", AGAIN
                ) from None
            try:
                date = datetime(year, month, day, tzinfo=UTC)
                if date.timetuple().tm_yday != of_year or not (0 <= hour <= 24 and 0 <= minute < 60):
                    raise ValueError
            except ValueError:
                if value == MISSING:
                    continue
                raise self.fault(
                    f"{path}, line {number}", f"{' '.join(words[:5])} is no time: day and day of year differ", AGAIN
                ) from None
            times.append(round((date + timedelta(hours=hour, minutes=minute)).timestamp()) * 10**9)
            values.append(np.nan if value == MISSING else value)
            lines.append(number)
        part = Part(str(path), np.array(times, dtype=np.int64), np.array(values, dtype=np.float64), np.array(lines))
        return part, self.settings.unit or unit, []
