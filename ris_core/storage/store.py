"""The layout of a network's data root with its settings and its journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

from ris_core.config import SdsSettings, Settings
from ris_core.contracts.station_day import StationDay
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.journal import Journal
from ris_core.storage.json_records import read_record
from ris_core.storage.layout import Layout, open_layout, size_on_disk

Stage = Literal["acquire", "process", "label"]
STATION_DAY_STAGES: tuple[Stage, ...] = ("acquire", "process", "label")


class Store(Layout):
    """On its way out: `Layout`, `Journal` and `Settings` are passed as themselves."""

    settings: Settings
    journal: Journal

    def __init__(self, settings: Settings, root: Path | None = None) -> None:
        found = open_layout(settings, root)
        super().__init__(found.root, found.network, found.location, found.channel)
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "journal", Journal(self, [s.code for s in settings.stations]))

    def station_days(self, until: date | None = None) -> Iterator[StationDay]:
        """See `Settings.station_days`."""
        return self.settings.station_days(until)

    def size_on_disk(self) -> dict[str, int]:
        """See `ris_core.storage.layout.size_on_disk`."""
        return size_on_disk(self.root)


_NUMBER = (int, float)
_ACQUISITION: dict[str, type | tuple[type, ...]] = {
    "state": str,
    "reason": str,
    "inputs": str,
    "path": str,
    "coverage": _NUMBER,
    "gaps": int,
    "gap_seconds": _NUMBER,
}
_ACQUIRE_AGAIN = "`ris backfill` acquires its station-day again"
_IMPORT_AGAIN = "import the file of this station-day again: ris import-h5 FILE"


def read_acquisition(store: Store, key: StationDay) -> dict[str, Any] | None:
    """Return the record of a station-day's acquisition, if there is one.

    Raises
    ------
    DamagedFileError
        It is not what was written, is of another station-day, or tells of no data although a raw file stands.
    """
    path, remedy = store.acquisition(key), _IMPORT_AGAIN if store.settings.imported else _ACQUIRE_AGAIN
    try:
        record = read_record(path, _ACQUISITION, remedy)
    except FileNotFoundError:
        return None
    if record["state"] not in ("data", "no_data"):
        raise DamagedFileError(path, f"'state' cannot be {record['state'][:80]!r}", remedy)
    # Earlier versions did not write whose it is.
    whose = record.get("station", key.station), record.get("day", key.day.isoformat())
    if whose != (key.station, key.day.isoformat()):
        raise DamagedFileError(path, f"it is of {whose[0]} {whose[1]}", remedy)
    # Of a source that is read in place, a file may be left from a source before.
    if record["state"] == "no_data" and not isinstance(store.settings.source, SdsSettings):
        raw = store.waveform(key)
        if raw.exists():
            raise DamagedFileError(path, f"it tells of no data, but {raw} stands", remedy)
    return record
