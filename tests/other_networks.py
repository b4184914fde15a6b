"""Small archives of a volcano (100 Hz, three components) and of ice quakes (1000 Hz), with what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from builders import trace_path
from fdsn_archive import Epoch, station_xml
from numpy.typing import NDArray
from obspy import Stream, Trace, UTCDateTime

Floats = NDArray[np.float64]

STATIONS = ("AA", "BB")
DAYS = (date(2021, 6, 1), date(2021, 6, 2))
COMPONENTS = ("HHZ", "HHN", "HHE")
START_HOUR = 6
"""Samples begin at this hour, UTC."""
LOST = ("BB", DAYS[1], "HHE")
"""Station, day and channel that lacks the last third of its samples."""
_NOISE = 20.0


@dataclass(frozen=True)
class Written:
    """An archive.

    Attributes
    ----------
    root
        Of its SDS tree; ``root / "inventory"`` has the StationXML.
    onsets
        Of each station and day: seconds from the first sample to the onset of each event.
    families
        Likewise, the family of each event.
    """

    root: Path
    onsets: dict[tuple[str, date], Floats]
    families: dict[tuple[str, date], tuple[str, ...]]


def _ring(t: Floats, frequency: float, decay: float, phase: float = 0.0) -> Floats:
    """Return a decaying sine that rises within a quarter of its period."""
    rise = np.clip(4 * frequency * t, 0, 1)
    return np.asarray((t >= 0) * rise * np.exp(-np.maximum(t, 0) / decay) * np.sin(2 * np.pi * frequency * t + phase))


def _long_period(t: Floats, pitch: float) -> Floats:
    """1-3 Hz, decaying slowly, on an ellipse of vertical and radial motion towards the north-east."""
    radial = _ring(t, 1.6 * pitch, 2.5, np.pi / 2)
    return np.stack([_ring(t, 1.6 * pitch, 2.5), 0.5 * radial, 0.5 * radial])


def _volcano_tectonic(t: Floats, pitch: float) -> Floats:
    """5-20 Hz: P on the vertical, and S a second later on the horizontals, across the way to the source."""
    p, s = _ring(t, 13 * pitch, 0.25), _ring(t - 1.0, 8 * pitch, 0.5)
    return np.stack([p + 0.2 * s, 0.2 * p + s, 0.2 * p - s])


def _hybrid(t: Floats, pitch: float) -> Floats:
    """The onset of a volcano-tectonic event with the coda of a long-period one."""
    return _volcano_tectonic(t, pitch) + 0.8 * _long_period(t - 0.5, 1.5 * pitch)


VOLCANO: dict[str, Callable[[Floats, float], Floats]] = {
    "long_period": _long_period,
    "volcano_tectonic": _volcano_tectonic,
    "hybrid": _hybrid,
}
ICEQUAKES: dict[str, Callable[[Floats, float], Floats]] = {
    "crevasse": lambda t, pitch: _ring(t, 35 * pitch, 0.10)[None],
    "stick_slip": lambda t, pitch: _ring(t, 75 * pitch, 0.15)[None],
    "basal": lambda t, pitch: _ring(t, 140 * pitch, 0.03)[None],
}


def write_volcano(root: Path, stations: Sequence[str] = STATIONS, days: Sequence[date] = DAYS) -> Written:
    """Write half an hour of each station-day: three components at 100 Hz, an event of three families each 30 s."""
    return _write(root, VOLCANO, COMPONENTS, 100, 1800.0, 30.0, 12.0, (stations, days))


def write_icequakes(root: Path, stations: Sequence[str] = STATIONS, days: Sequence[date] = DAYS[:1]) -> Written:
    """Write five minutes of each station-day: one component at 1000 Hz, an event of three families each 4 s."""
    return _write(root, ICEQUAKES, ("GHZ",), 1000, 300.0, 4.0, 1.0, (stations, days))


def _write(
    root: Path,
    shapes: dict[str, Callable[[Floats, float], Floats]],
    channels: Sequence[str],
    rate: int,
    length: float,
    every: float,
    lasts: float,
    of: tuple[Sequence[str], Sequence[date]],
) -> Written:
    onsets: dict[tuple[str, date], Floats] = {}
    families: dict[tuple[str, date], tuple[str, ...]] = {}
    names = tuple(shapes)
    stations, days = of
    for station in stations:
        _write_inventory(root / "inventory", station, channels, rate)
        for day in days:
            rng = np.random.default_rng([*station.encode(), day.toordinal()])
            samples = rng.normal(0, _NOISE, (len(channels), round(length * rate)))
            # The first ones after a warm-up, the last ones before a guard.
            times = np.arange(1.5 * every, length - 1.5 * every, every)
            onsets[station, day] = times + rng.uniform(-0.1, 0.1, times.size) * every
            families[station, day] = tuple(names[n] for n in rng.integers(0, len(names), times.size))
            for onset, family in zip(onsets[station, day], families[station, day], strict=True):
                first = int(onset * rate)
                t = np.arange(round(lasts * rate)) / rate - (onset - first / rate)
                shape = shapes[family](t, 1 + 0.03 * rng.standard_normal())
                samples[:, first : first + t.size] += rng.uniform(2000, 6000) * shape
            for channel, values in zip(channels, samples, strict=True):
                lost = (station, day, channel) == LOST
                _write_day(root, station, day, channel, rate, values[: 2 * values.size // 3] if lost else values)
    return Written(root, onsets, families)


def _write_day(root: Path, station: str, day: date, channel: str, rate: int, values: Floats) -> None:
    header = {
        "network": "VO",
        "station": station,
        "location": "00",
        "channel": channel,
        "sampling_rate": rate,
        "starttime": UTCDateTime(day.year, day.month, day.day, START_HOUR),
    }
    trace = Trace(values.round().astype(np.int32), header)
    path = trace_path(root, trace, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    Stream([trace]).write(str(path), format="MSEED", encoding="STEIM2")


def _write_inventory(folder: Path, station: str, channels: Sequence[str], rate: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for channel in channels:
        text = station_xml("VO", station, [Epoch("2020-01-01", None)], channel, "00", float(rate))
        (folder / f"{station}.{channel}.xml").write_bytes(text)


def network_values(name: str, written: Written, **more: Any) -> dict[str, Any]:
    """Return settings of an archive for a training of seconds.

    Parameters
    ----------
    name
        Of the network.
    written
        The archive.
    **more
        Further keys of the settings file.
    """
    stations = dict.fromkeys(station for station, _ in written.onsets)
    days = sorted({day for _, day in written.onsets})
    return {
        "network": {"name": name, "code": "VO"},
        "stations": [{"code": code, "latitude": -21.2, "longitude": 55.7 + n} for n, code in enumerate(stations)],
        "location": "00",
        "first_day": days[0].isoformat(),
        "last_day": days[-1].isoformat(),
        "source": {"kind": "sds", "root": str(written.root), "inventory": str(written.root / "inventory")},
        "cluster_count": {"k_max": 4, "sample": 200, "n_init": 1, "references": 2, "repeats": 2},
        "stability": {"seeds": 2, "held_out_stations": 1, "permutations": 50, "noise_windows": 40},
        **more,
    }
