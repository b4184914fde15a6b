"""Station-days with events of given times and classes, written by the project's own writers without any waveform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.config import Settings
from ris_core.contracts.events import Events
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.layout import Layout

CLASSES = 8
_SHAPE = (87, 100)
_FREQUENCY, _TIME = np.linspace(3.0, 20.0, _SHAPE[0]), np.linspace(0.0, 3.96, _SHAPE[1])
_SAMPLES, _RATE = 218, 50.0


def settings_of(stations: int, first_day: date, days: int, **catalogue: Any) -> Settings:
    """Return settings of a network of stations some ten kilometres apart."""
    places = [(-78.0 - 0.2 * (n // 6), 170.0 + 1.0 * (n % 6)) for n in range(stations)]
    return Settings.model_validate(
        {
            "network": {"name": "bench", "code": "XX"},
            "stations": [
                {"code": f"S{n + 1:02d}", "latitude": place[0], "longitude": place[1]} for n, place in enumerate(places)
            ],
            "first_day": str(first_day),
            "last_day": str(first_day + timedelta(days=days - 1)),
            "source": {"kind": "sds", "root": "absent"},
            "catalogue": catalogue,
        }
    )


def event_ids(station: str, time_ns: Sequence[int]) -> list[str]:
    """Return the identifiers of events of a station."""
    found = []
    for time in time_ns:
        peak = datetime.fromtimestamp(time // NS, UTC).replace(microsecond=time % NS // 1000)
        found.append(f"XX.{station}..HHZ.{peak:%Y%m%dT%H%M%S.%f}")
    return found


def write_day(
    layout: Layout, key: StationDay, time_ns: NDArray[np.int64], label: NDArray[np.int64] | None, seed: int = 0
) -> None:
    """Write detections, live intervals, spectrograms and labels of a station-day.

    Parameters
    ----------
    layout, key
        Where.
    time_ns
        (N,) times of the peaks.
    label
        (N,) class numbers; none: there is no label table.
    seed
        Of the spectrograms.
    """
    names = event_ids(key.station, time_ns.tolist())
    stamp = Stamp("bench", "1", f"{seed}")
    frame = pd.DataFrame(
        {
            "event_id": names,
            "network": "XX",
            "station": key.station,
            "location": "",
            "channel": "HHZ",
            "time_on": time_ns - NS // 2,
            "time_off": time_ns + NS,
            "time_peak": time_ns,
            "peak_counts": 100.0,
            "peak_acceleration": np.nan,
            "acceleration_note": "no response",
            "characteristic_max": 20.0,
            "snr": 12.0,
            "found_by": "recursive 0.5/30 s",
            "sampling_rate": _RATE,
            "outcome": "event",
        }
    )
    tables.write_table(layout.detections(key), frame, table_schemas.DETECTION_SCHEMA, stamp)
    live = pd.DataFrame({"station": [key.station], "start": [key.start_ns], "end": [key.end_ns]})
    tables.write_table(layout.live(key), live, table_schemas.LIVE_SCHEMA, stamp)
    write_spectrograms(layout, key, time_ns, seed)
    if label is not None:
        write_labels(layout, key, label)


def write_spectrograms(layout: Layout, key: StationDay, time_ns: NDArray[np.int64], seed: int) -> None:
    """Write spectrograms of noise with a pulse, as large as those of the platform."""
    n = len(time_ns)
    rng = np.random.default_rng([seed, *key.station.encode(), key.day.toordinal()])
    power = rng.exponential(1.0, (n, *_SHAPE)).astype(np.float32)
    power[:, :, 40:60] += 50 * np.exp(-0.5 * ((_FREQUENCY - 9.0) / 2.0) ** 2)[None, :, None].astype(np.float32)
    events = Events(
        spectrogram=power,
        waveform=rng.standard_normal((n, _SAMPLES)).astype(np.float32),
        frequency=_FREQUENCY,
        time=_TIME,
        event_id=tuple(event_ids(key.station, time_ns.tolist())),
        time_peak=time_ns,
        window_start=time_ns - 2 * NS,
        sampling_rate=_RATE,
        context=rng.standard_normal((n, 1, 1200)).astype(np.float32),
        context_lead=491,
        context_recorded=np.tile(np.array([[[0, 1200]]], np.int32), (n, 1, 1)),
        noise_psd=np.full((n, 1, _SHAPE[0]), 0.3, np.float32),
        noise_columns=np.full((n, 1), 100, np.int32),
    )
    spectrogram_file.write_spectrograms(layout.spectrograms(key), events, Stamp("bench", "1", f"{seed}"), "{}")


def write_labels(layout: Layout, key: StationDay, label: NDArray[np.int64], model: str = "k8-bench") -> None:
    """Write the labels of a station-day that has spectrograms."""
    info = spectrogram_file.read_info(layout.spectrograms(key))
    names = [str(name) for name in spectrogram_file.read_column(layout.spectrograms(key), "event_id")]
    n = len(names)
    frame = pd.DataFrame(
        {
            "event_id": names,
            "station": key.station,
            "time_peak": spectrogram_file.read_column(layout.spectrograms(key), "time_peak"),
            "label": label.astype(np.int32),
            "probability": 0.9,
            "probabilities": list(np.full((n, CLASSES), 1 / CLASSES, np.float32)),
            "latent": list(np.zeros((n, 9), np.float32)),
            "reconstruction_error": 0.1,
            "novelty": 0.2,
            "assigned": True,
            "model_version": model,
        }
    )
    schema = table_schemas.label_schema(CLASSES)
    stamp = Stamp("bench", "1", info.content)
    tables.write_table(layout.labels(key), frame, schema, stamp, {"classes": list(range(CLASSES))})
