"""The journal of failed attempts: which stage of which station-day failed, why, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from ris_core.contracts.station_day import StationDay
from ris_core.storage.atomic import remove
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.files import Files, FilesOnDisk
from ris_core.storage.json_records import write_json
from ris_core.storage.layout import Layout

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "stage": str,
    "station": str,
    "day": str,
    "error": str,
    "attempts": int,
    "last_attempt": str,
}
_NOT_COUNTED = "the next attempt replaces it; until then none counts as failed"


@dataclass(frozen=True)
class FailedAttempt:
    """A station-day whose last attempt at a stage failed.

    Attributes
    ----------
    stage, station, day
        What failed; the day in ISO format.
    error
        Why, in words.
    attempts
        Failed attempts since the last success; 0 after a reset.
    last_attempt
        When, UTC, in ISO format.
    """

    stage: str
    station: str
    day: str
    error: str
    attempts: int
    last_attempt: str


class Journal:
    """Failed attempts at the stages of station-days, in the data root.

    Parameters
    ----------
    layout
        The data root.
    stations
        Codes of the stations in the settings; others are not read.
    """

    def __init__(self, layout: Layout, stations: Iterable[str]) -> None:
        self._layout, self._stations = layout, tuple(stations)

    def read(self, stage: str, key: StationDay, files: Files | None = None) -> FailedAttempt | None:
        """Return the failed last attempt at a stage, if there is one.

        Raises
        ------
        DamagedFileError
            The record does not match its digest, or is of another station-day.
        """
        path = self._layout.failure(stage, key)
        try:
            record = (files or FilesOnDisk()).record(path, _FIELDS, _NOT_COUNTED)
        except FileNotFoundError:
            return None
        with damage_named(path, _NOT_COUNTED):
            if datetime.fromisoformat(record["last_attempt"]).tzinfo is None:
                raise ValueError("'last_attempt' has no time zone")
            if (record["stage"], record["station"], record["day"]) != (stage, key.station, key.day.isoformat()):
                raise ValueError(f"it is of {record['stage']} of {record['station']} {record['day']}")
        return FailedAttempt(**{name: record[name] for name in _FIELDS})

    def find(self, stage: str, key: StationDay, files: Files | None = None) -> FailedAttempt | None:
        """Return the failed last attempt at a stage, if one is known: a damaged record counts as none."""
        with suppress(DamagedFileError):
            return self.read(stage, key, files)
        return None

    def all(self, stage: str, files: Files | None = None) -> dict[StationDay, FailedAttempt]:
        """Return the known failed last attempts at a stage, of the stations that the settings name."""
        asked = files or FilesOnDisk()
        return dict(asked.once(("failed attempts", stage), lambda: self._all(stage, asked)))

    def _all(self, stage: str, files: Files) -> dict[StationDay, FailedAttempt]:
        found: dict[StationDay, FailedAttempt] = {}
        for station in self._stations:
            for name in files.names(self._layout.failures(stage, station)):
                if not (name.startswith("day=") and name.endswith(".json")):
                    continue
                with suppress(ValueError):  # not one of our names
                    key = StationDay(station, date.fromisoformat(name.removeprefix("day=").removesuffix(".json")))
                    if (
                        record := self.find(stage, key, files)
                    ) is not None:  # otherwise a success in the meantime, or damage
                        found[key] = record
        return found

    def note(self, stage: str, key: StationDay, error: str) -> FailedAttempt:
        """Record that an attempt at a stage failed; counts the attempts since the last success."""
        before = self.find(stage, key)
        attempts = before.attempts + 1 if before is not None else 1
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        record = FailedAttempt(stage, key.station, key.day.isoformat(), error, attempts, now)
        write_json(self._layout.failure(stage, key), asdict(record))
        return record

    def clear(self, stage: str, key: StationDay) -> None:
        """Forget failed attempts, after a success."""
        remove(self._layout.failure(stage, key))

    def forgive(self, stage: str, key: StationDay) -> bool:
        """Count the attempts at a stage from zero again; return whether there was a failed one.

        A damaged record is removed: it only shows that its station-day failed.
        """
        path = self._layout.failure(stage, key)
        try:
            record = self.read(stage, key)
        except DamagedFileError:
            remove(path)
            return True
        if record is not None:
            write_json(path, asdict(replace(record, attempts=0)))
        return record is not None
