"""Small synthetic waveforms, settings and archives for the tests of everything before training."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from builders import trace_path
from numpy.typing import NDArray
from obspy import Stream, Trace, UTCDateTime

from ris_core.config import Settings
from ris_core.contracts.station_day import NS, StationDay
from ris_core.waveforms.segments import Segment, to_segments

Samples = NDArray[Any]

DAY = date(2015, 1, 10)
KEY = StationDay("S01", DAY)
NEXT_KEY = StationDay("S01", date(2015, 1, 11))
NOISE = 100.0
PADDING = 300.0


def settings_values(**sections: Any) -> dict[str, Any]:
    """Settings of a network of two stations and three days, as in a YAML file."""
    return {
        "network": {"name": "test", "code": "XX"},
        "stations": [
            {"code": "S01", "latitude": -81.5, "longitude": -176.5},
            {"code": "S02", "latitude": -80.2, "longitude": -178.0},
        ],
        "first_day": "2015-01-09",
        "last_day": "2015-01-11",
        "source": {"kind": "synthetic"},
        **sections,
    }


def make_settings(**sections: Any) -> Settings:
    return Settings.model_validate(settings_values(**sections))


def sds_settings(root: Path, **sections: Any) -> Settings:
    return make_settings(source={"kind": "sds", "root": str(root)}, **sections)


def noise(size: int, seed: int = 0, deviation: float = NOISE) -> Samples:
    return np.random.default_rng(seed).normal(0.0, deviation, size)


def burst(samples: Samples, rate: float, at: float, amplitude: float = 2e4, frequency: float = 8.0) -> None:
    """Add an impulsive, decaying event in place; ``at`` is its onset in seconds from the first sample."""
    first = int(np.ceil(at * rate))
    time = np.arange(first, min(samples.size, first + round(3 * rate))) / rate - at
    samples[first : first + time.size] += amplitude * np.sin(2 * np.pi * frequency * time) * np.exp(-time / 0.15)


def ns_at(key: StationDay, seconds: float) -> int:
    """Time in ns of an instant given in seconds from 00:00 UTC of the day."""
    return key.start_ns + round(seconds * NS)


def make_trace(start_ns: int, samples: Samples, rate: float, station: str = "S01") -> Trace:
    header = {
        "network": "XX",
        "station": station,
        "location": "",
        "channel": "HHZ",
        "sampling_rate": rate,
        "starttime": UTCDateTime(ns=start_ns),
    }
    return Trace(np.asarray(samples), header)


def record(
    key: StationDay, start: float, end: float, events: Iterable[float] = (), rate: float = 50.0, seed: int = 0
) -> Trace:
    """Noise with impulsive events; ``start``, ``end`` and ``events`` are seconds from 00:00 UTC of the day."""
    samples = noise(round((end - start) * rate), seed)
    for event in events:
        burst(samples, rate, event - start)
    return make_trace(key.start_ns + round(start * NS), np.rint(samples).astype(np.int32), rate, key.station)


def segments_of(key: StationDay, *traces: Trace) -> list[Segment]:
    return to_segments(Stream(list(traces)), key, PADDING)


def by_channel(key: StationDay, *traces: Trace) -> dict[str, list[Segment]]:
    """Segments by channel code, as the chain takes them; the vertical channel is there even without a trace."""
    codes = dict.fromkeys(["HHZ", *(trace.stats.channel for trace in traces)])
    return {code: segments_of(key, *(t for t in traces if t.stats.channel == code)) for code in codes}


def make_segment(
    samples: Samples,
    rate: float = 200.0,
    start_ns: int = KEY.start_ns,
    opens_window: bool = True,
    closes_window: bool = True,
) -> Segment:
    return Segment(start_ns, rate, samples, opens_window, closes_window)


def write_sds(root: Path, *traces: Trace) -> None:
    """Write traces into an SDS archive, one file per station and day, cut at midnight."""
    files: dict[Path, list[Trace]] = {}
    for trace in traces:
        midnight = UTCDateTime(trace.stats.starttime.date)
        while midnight <= trace.stats.endtime:
            piece = trace.slice(midnight, midnight + 86_400 - 0.5 * trace.stats.delta)
            if piece.stats.npts:
                files.setdefault(trace_path(root, trace, midnight.date), []).append(piece)
            midnight += 86_400
    for path, pieces in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        Stream(pieces).write(str(path), format="MSEED")
