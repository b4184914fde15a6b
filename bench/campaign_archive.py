"""Makes the archive of `bench.campaign`: real-size station-days of the synthetic network, as miniSEED in SDS."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench.runs import ONE_THREAD, environment
from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay

NETWORK = "SY"
CHANNEL = "HHZ"
# Autumn: for some weeks the synthetic rates hardly change, at half of their mean over the two years.
FIRST_DAY = date(2015, 4, 10)
MISSING_SHARE, GAPS_SHARE, CLOCK_SHARE = 0.05, 0.10, 0.02


@dataclass(frozen=True)
class Size:
    """What is made: all of it follows from these values.

    Attributes
    ----------
    stations, days
        Of the network.
    events_per_day
        True events of a station-day on average over two years, of which a sixth is detected here.
    """

    stations: int
    days: int
    events_per_day: float

    @property
    def codes(self) -> list[str]:
        """The stations' codes."""
        return [f"S{n:02d}" for n in range(1, self.stations + 1)]

    @property
    def dates(self) -> list[date]:
        """The days."""
        return [FIRST_DAY + timedelta(days=n) for n in range(self.days)]

    @property
    def keys(self) -> list[StationDay]:
        """All station-days."""
        return [StationDay(code, day) for day in self.dates for code in self.codes]


def spoiled(size: Size) -> dict[str, list[str]]:
    """Return the station-days that are missing, have gaps, or clock steps: the stated shares of all, rounded up."""
    keys = [f"{key.station}/{key.day.isoformat()}" for key in size.keys]
    keys = np.random.default_rng(2021).permutation(keys).tolist()
    found, low = {}, 0
    for name, share in (("missing", MISSING_SHARE), ("gaps", GAPS_SHARE), ("clock_steps", CLOCK_SHARE)):
        count = min(math.ceil(share * len(size.keys)), max(0, len(keys) - low - 1))
        found[name] = sorted(keys[low : low + count])
        low += count
    return found


def stations_of(size: Size) -> list[dict[str, Any]]:
    """Return the stations of the settings, some 50 km apart in five rows."""
    places = [(-77.5 - 0.45 * (n % 5), (350.0 + 2.0 * (n // 5)) % 360.0 - 180.0) for n in range(size.stations)]
    return [
        {"code": code, "latitude": latitude, "longitude": longitude, "elevation": 60.0}
        for code, (latitude, longitude) in zip(size.codes, places, strict=True)
    ]


def settings_values(size: Size, folder: Path, profile: str) -> dict[str, Any]:
    """Return the settings file of a user who has the archive ``archive`` and StationXML ``inventory`` in a folder."""
    days = size.dates
    return {
        "network": {"name": "campaign", "code": NETWORK},
        "profile": profile,
        "stations": stations_of(size),
        "channel": CHANNEL,
        "first_day": days[0].isoformat(),
        "last_day": days[-1].isoformat(),
        "source": {"kind": "sds", "root": str(folder / "archive"), "inventory": str(folder / "inventory")},
    }


def make_archive(size: Size, archive: Path, inventory: Path, workers: int) -> int:
    """Write the station-days and StationXML that are not there yet, and return how many station-days were written.

    Every station-day is rendered by the synthetic network, so no two have the same noise or events, and neighbouring
    days continue each other.
    """
    settings = _settings(size)
    inventory.mkdir(parents=True, exist_ok=True)
    missing = set(spoiled(size)["missing"])
    todo = [
        [key.station, key.day.isoformat()]
        # Station by station, since a process keeps the list of a station's events.
        for key in sorted(size.keys, key=lambda key: key.station)
        if f"{key.station}/{key.day.isoformat()}" not in missing and not path_of(archive, settings, key).exists()
    ]
    with environment(ONE_THREAD), ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        text = settings.model_dump_json(exclude_unset=True)
        parts = [pool.submit(_make, text, str(archive), str(inventory), one) for one in todo]
        for number, part in enumerate(as_completed(parts), start=1):
            part.result()
            if number % 10 == 0 or number == len(parts):
                print(f"made {number} of {len(parts)} station-days", flush=True)
    return len(todo)


def path_of(archive: Path, settings: Settings, key: StationDay) -> Path:
    """Return the file of a station-day."""
    return archive / settings.seed_id(key.station).sds_path(key.day)


def _settings(size: Size) -> Settings:
    days = size.dates
    return Settings.model_validate(
        {
            "network": {"name": "campaign", "code": NETWORK},
            "stations": stations_of(size),
            "channel": CHANNEL,
            "first_day": days[0].isoformat(),
            "last_day": days[-1].isoformat(),
            "source": {"kind": "synthetic", "seed": 0, "events_per_day": size.events_per_day, **spoiled(size)},
        }
    )


def _make(settings_json: str, archive: str, inventory: str, key: Sequence[str]) -> None:
    from obspy import UTCDateTime

    from ris_core.synthetic.network import SyntheticNetwork

    settings = Settings.model_validate(json.loads(settings_json))
    network = SyntheticNetwork(settings)
    station, day = key[0], date.fromisoformat(key[1])
    described = Path(inventory) / f"{station}.xml"
    if not described.exists():
        _in_place(described, lambda part: network.inventory(station).write(part, format="STATIONXML"))
    stream = network.fetch(station, day)
    start = UTCDateTime(day.year, day.month, day.day)
    stream.trim(start, start + 86400 - 1e-6, nearest_sample=False)
    path = path_of(Path(archive), settings, StationDay(station, day))
    path.parent.mkdir(parents=True, exist_ok=True)
    _in_place(path, lambda part: stream.write(part, format="MSEED", encoding="STEIM2", reclen=512))


def _in_place(path: Path, write: Any) -> None:
    """Write a file under another name first, so that one that is there is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    write(str(part))
    part.rename(path)
