"""The store: every path of one network's products, and whether a product is current."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from ris_core.config import SdsSettings, Settings, data_root
from ris_core.contracts.station_day import StationDay
from ris_core.storage.atomic import remove
from ris_core.storage.damage import DamagedFileError, damage_named
from ris_core.storage.json_records import read_json, read_record, write_json

Stage = Literal["acquire", "process", "label"]
STATION_DAY_STAGES: tuple[Stage, ...] = ("acquire", "process", "label")


class WrongNetworkError(ValueError):
    """The data root belongs to another network."""


@dataclass(frozen=True)
class FailureRecord:
    """A station-day whose last attempt at a stage failed."""

    stage: str
    station: str
    day: str
    error: str
    attempts: int
    last_attempt: str


def _part(name: str) -> str:
    """Return a name that may stand in a path; raises `ValueError` if it could lead out of its folder."""
    if name in (".", "..") or any(sign in name for sign in "/\\\0"):
        raise ValueError(f"{name!r} is no name of a station or a model: it would lead out of the data folder")
    return name


class Store:
    """Paths of one network's products under one root.

    Parameters
    ----------
    root
        The folder; made if absent, refused if it is marked for another network.
    settings
        The network's settings.
    """

    def __init__(self, settings: Settings, root: Path | None = None) -> None:
        self.settings = settings
        self.root = root if root is not None else data_root(settings)
        marker = self.root / "network.json"
        mine = {"name": settings.network.name, "code": settings.network.code}
        if marker.exists():
            theirs = read_json(marker)
            if theirs != mine:
                raise WrongNetworkError(
                    f"{self.root} holds network {theirs}, but the settings describe {mine}; "
                    "give the network another name or set RIS_DATA to another folder"
                )
        else:
            write_json(marker, mine)

    def _year_file(self, key: StationDay) -> Path:
        s, year = self.settings, f"{key.day.year:04d}"
        channel = f"{s.channel}.D"
        station = _part(key.station)
        name = f"{s.network.code}.{station}.{s.location}.{channel}.{year}.{key.day.timetuple().tm_yday:03d}"
        return Path(year) / s.network.code / station / channel / name

    def waveform(self, key: StationDay) -> Path:
        """Path of a stored raw station-day (miniSEED, with its padding)."""
        return self.root / "waveforms" / self._year_file(key)

    def inventory(self, station: str) -> Path:
        """Path of a station's StationXML."""
        return self.root / "inventory" / f"{self.settings.network.code}.{_part(station)}.xml"

    def acquisition(self, key: StationDay) -> Path:
        """Path of the record of what was found for a station-day (JSON)."""
        return self.root / "acquisition" / f"station={_part(key.station)}" / f"day={key.day}.json"

    def detections(self, key: StationDay) -> Path:
        """Path of a detection table (Parquet)."""
        return self.root / "detections" / f"station={_part(key.station)}" / f"day={key.day}.parquet"

    def spectrograms(self, key: StationDay) -> Path:
        """Path of a spectrogram file (HDF5)."""
        return self.root / "spectrograms" / _part(key.station) / f"{key.day}.h5"

    def labels(self, key: StationDay) -> Path:
        """Path of a label table (Parquet)."""
        return self.root / "labels" / f"station={_part(key.station)}" / f"day={key.day}.parquet"

    @property
    def training_set(self) -> Path:
        """Path of the training set (HDF5)."""
        return self.root / "training" / "training_set.h5"

    @property
    def latent_features(self) -> Path:
        """Path of the latents of the training set (Parquet)."""
        return self.root / "training" / "latent_features.parquet"

    @property
    def cluster_count(self) -> Path:
        """Path of the table of criteria over K (Parquet)."""
        return self.root / "training" / "cluster_count.parquet"

    def aec(self, trial: str) -> Path:
        """Folder of a trial's model."""
        return self.root / "models" / "aec" / _part(trial)

    @property
    def aec_choice(self) -> Path:
        """Path of the record of the chosen trial (JSON)."""
        return self.root / "models" / "aec" / "chosen.json"

    def gmm(self, k: int) -> Path:
        """Folder of the initial clusters for K."""
        return self.root / "models" / "gmm" / f"k={k}"

    def dec(self, k: int) -> Path:
        """Folder of the DEC model for K."""
        return self.root / "models" / "dec" / f"k={k}"

    def imported(self, name: str) -> Path:
        """Folder of an imported model."""
        return self.root / "models" / "imported" / _part(name)

    @property
    def champion(self) -> Path:
        """Path of the record of the champion (JSON)."""
        return self.root / "models" / "champion.json"

    def champion_model(self, model_version: str) -> Path:
        """Folder of a champion's own copy of its model."""
        return self.root / "models" / "champions" / _part(model_version)

    def analysis(self, name: str) -> Path:
        """Path of a file of the analysis."""
        return self.root / "analysis" / _part(name)

    @property
    def dagster_home(self) -> Path:
        """Folder of the Dagster instance."""
        return self.root / "dagster"

    @property
    def mlflow(self) -> Path:
        """Folder of the MLflow store."""
        return self.root / "mlflow"

    def relative(self, path: Path) -> str:
        """Return a path as seen from the data root, for records and metadata."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def station_days(self, until: date | None = None) -> Iterator[StationDay]:
        """Iterate over all station-days that are over, station by station."""
        days = self.settings.days(until)
        for station in self.settings.stations:
            for day in days:
                yield StationDay(station.code, day)

    def settings_json(self) -> str:
        """Return the processing sections of the settings as canonical JSON."""
        sections = ("conditioning", "response", "detector", "spectrogram")
        values = self.settings.model_dump(mode="json", include=set(sections))
        return json.dumps(values, sort_keys=True)

    def failure_path(self, stage: Stage, key: StationDay) -> Path:
        """Path of the record of a failed attempt (JSON)."""
        return self.root / "failures" / stage / f"station={_part(key.station)}" / f"day={key.day}.json"

    def record_failure(self, stage: Stage, key: StationDay, error: str) -> FailureRecord:
        """Note that an attempt at a stage failed; counts the attempts since the last success."""
        before = self.failure(stage, key)
        attempts = before.attempts + 1 if before is not None else 1
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        record = FailureRecord(stage, key.station, key.day.isoformat(), error, attempts, now)
        write_json(self.failure_path(stage, key), asdict(record))
        return record

    def clear_failure(self, stage: Stage, key: StationDay) -> None:
        """Forget failed attempts, after a success."""
        remove(self.failure_path(stage, key))

    def failure(self, stage: Stage, key: StationDay) -> FailureRecord | None:
        """Return the failed last attempt at a stage, if one is known: a damaged record tells of none."""
        with suppress(DamagedFileError):
            return read_failure(self, stage, key)
        return None

    def forgive_failure(self, stage: Stage, key: StationDay) -> bool:
        """Count the attempts at a stage from zero again; return whether there was a failed one.

        A damaged record is removed: of its station-day nothing is known but that it failed.
        """
        path = self.failure_path(stage, key)
        try:
            record = read_failure(self, stage, key)
        except DamagedFileError:
            remove(path)
            return True
        if record is not None:
            write_json(path, asdict(replace(record, attempts=0)))
        return record is not None

    def failures(self, stage: Stage) -> dict[StationDay, FailureRecord]:
        """Return the known failed last attempts at a stage, of the stations that the settings name."""
        found: dict[StationDay, FailureRecord] = {}
        for station in self.settings.stations:
            folder = self.failure_path(stage, StationDay(station.code, date.min)).parent
            for path in sorted(folder.glob("day=*.json")):
                with suppress(ValueError):  # no name of ours
                    key = StationDay(station.code, date.fromisoformat(path.stem.removeprefix("day=")))
                    if (record := self.failure(stage, key)) is not None:  # else a success in the meantime, or damage
                        found[key] = record
        return found

    def size_on_disk(self) -> dict[str, int]:
        """Return bytes by folder of the data root."""
        sizes: dict[str, int] = {}
        for folder in sorted(p for p in self.root.iterdir() if p.is_dir()):
            sizes[folder.name] = sum(_size(f) for f in folder.rglob("*"))
        return sizes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0  # a temporary file of a run, gone in the meantime


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
_FAILURE: dict[str, type | tuple[type, ...]] = {
    "stage": str,
    "station": str,
    "day": str,
    "error": str,
    "attempts": int,
    "last_attempt": str,
}
_ACQUIRE_AGAIN = "`ris backfill` acquires its station-day again"
_IMPORT_AGAIN = "import the file of this station-day again: ris import-h5 FILE"
_NOT_COUNTED = "the next attempt replaces it; until then none counts as failed"


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


def read_failure(store: Store, stage: Stage, key: StationDay) -> FailureRecord | None:
    """Return the record of a failed last attempt, if there is one; raises as `read_acquisition`."""
    path = store.failure_path(stage, key)
    try:
        record = read_record(path, _FAILURE, _NOT_COUNTED)
    except FileNotFoundError:
        return None
    with damage_named(path, _NOT_COUNTED):
        if datetime.fromisoformat(record["last_attempt"]).tzinfo is None:
            raise ValueError("'last_attempt' has no time zone")
        if (record["stage"], record["station"], record["day"]) != (stage, key.station, key.day.isoformat()):
            raise ValueError(f"it is of {record['stage']} of {record['station']} {record['day']}")
    return FailureRecord(**{name: record[name] for name in _FAILURE})
