"""Files of the published code's layout with events of our own, written apart from our writer."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import signal
from store import Store

from ris_core.config import Settings
from ris_core.contracts.station_day import StationDay
from ris_core.published.importing import prepare
from ris_core.station_days.station_days import StationDays

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "published"
DAYS = (date(2015, 1, 3), date(2015, 1, 4))
FREQUENCY = np.arange(16, 103) * 50 / 256
TIME = np.arange(100) * 0.04
_BEFORE = 10
"""Samples of the first window before its middle, where the trace begins."""


@dataclass
class Published:
    """Content of a published file; change it, then write it."""

    spectrogram: NDArray[np.float32]
    trace: NDArray[np.float32]
    catalogue: list[dict[str, Any]]
    group: str = "4.0"

    def write(self, path: Path, table: bool = True) -> Path:
        with h5py.File(path, "w") as file:
            group = file.create_group(self.group)
            group.attrs.update({"NFFT": 256, "T_seg (s)": 4.0})
            for name, values in (("Spectrogram", self.spectrogram), ("Trace", self.trace)):
                group.create_dataset(
                    name, data=values, maxshape=(None, *values.shape[1:]), chunks=(20, *values.shape[1:])
                )
            group.create_dataset("Scalogram", (0, 69, 100), np.float32, maxshape=(None, 69, 100), chunks=(20, 69, 100))
            texts = [json.dumps(entry) for entry in self.catalogue]
            group.create_dataset("Catalogue", data=texts, dtype=h5py.string_dtype(), maxshape=(None,), chunks=(1024,))
        if table:
            self.write_table(path.with_name(path.name + ".csv"))
        return path

    def write_table(self, path: Path) -> Path:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.catalogue[0]), lineterminator="\n")
            writer.writeheader()
            for entry in self.catalogue:
                writer.writerow({n: "" if isinstance(v, float) and np.isnan(v) else v for n, v in entry.items()})
        return path

    def reordered(self, order: Sequence[int]) -> "Published":
        rows = list(order)
        return Published(self.spectrogram[rows], self.trace[rows], [self.catalogue[i] for i in rows], self.group)


def published(stations: Sequence[str] = ("AA", "BB"), days: Sequence[date] = DAYS, each: int = 6) -> Published:
    """Return bursts of three pitches on every station-day, station-day by station-day."""
    spectrograms, traces, catalogue = [], [], []
    axes = np.full((88, 101), np.nan, np.float32)
    axes[:-1, 0], axes[-1, 1:] = FREQUENCY, TIME
    for day in days:
        for station in stations:
            rng = np.random.default_rng([*station.encode(), day.toordinal()])
            for number in range(each):
                samples = _burst(rng, number)
                f, _, density = signal.spectrogram(
                    samples, 50, np.kaiser(20, 5.7), 20, 18, 256, detrend="constant", mode="psd"
                )
                image = axes.copy()
                image[:-1, 1:] = density[(f >= 3.12) & (f <= 19.93)]
                trace = samples[_BEFORE : _BEFORE + 199].astype(np.float32)
                spectrograms.append(image)
                traces.append(trace)
                # Not in the order of time within the day.
                slot = timedelta(minutes=20 * ((7 * number) % each), milliseconds=120)
                start = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + slot
                catalogue.append(_entry(len(catalogue), station, start, trace))
    return Published(np.stack(spectrograms), np.stack(traces), catalogue)


def _burst(rng: np.random.Generator, number: int) -> NDArray[np.float64]:
    samples = rng.normal(0, 5, 218)
    t = np.arange(110) / 50
    pitch, ringing = ((5.0, 0.30), (9.0, 0.15), (14.0, 0.08))[number % 3]
    samples[108:] += rng.uniform(200, 900) * np.exp(-t / ringing) * np.sin(2 * np.pi * pitch * t + 0.5)
    return samples


def _entry(index: int, station: str, start: datetime, trace: NDArray[np.float32]) -> dict[str, Any]:
    peak = int(np.argmax(np.abs(trace)))

    def at(sample: int) -> str:
        return (start + timedelta(milliseconds=20 * sample)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

    return {
        "Index": index,
        "network": "XX",
        "station": station,
        "channel": "HHZ",
        "dt_on": at(peak - 3),
        "dt_off": at(peak + 20),
        "dt_peak": at(peak),
        "peak": round(float(trace[peak]), 5),
        "unit": float("nan"),
        "fs": 50.0,
        "delta": 0.02,
        "npts": 4326000,
        "STA": 0.5,
        "LTA": 30.0,
        "on": 15.0,
        "off": 10.0,
        "spec_start": at(0),
        "spec_stop": at(198),
    }


def published_values(stations: Sequence[str] = ("AA", "BB"), days: Sequence[date] = DAYS) -> dict[str, Any]:
    """Return settings that cover `published` and train in seconds."""
    return {
        "network": {"name": "published", "code": "XX"},
        "stations": [{"code": code} for code in stations],
        "first_day": days[0].isoformat(),
        "last_day": days[-1].isoformat(),
        "source": {"kind": "published"},
        "aec": {"grid": {"batch_size": [8], "learning_rate": [2e-3]}, "max_epochs": 1},
        "cluster_count": {"k_max": 3, "sample": 100, "n_init": 1, "references": 2, "repeats": 2},
        "dec": {"k": [2], "n_init": 1, "max_epochs": 1},
    }


def published_store(root: Path, **values: Any) -> Store:
    return Store(Settings.model_validate(published_values() | values), root)


def published_network(root: Path, **values: Any) -> StationDays:
    return StationDays.open(Settings.model_validate(published_values() | values), root)


def import_into(network: StationDays, path: Path, **how: Any) -> dict[StationDay, bool]:
    """Import a published file, and return which station-days were written."""
    return dict(prepare(network, path, **how).write())


def state_dict_of(model: Any) -> dict[str, Any]:
    """Return the weights of an autoencoder by the names that the published code gives them."""
    names = {"encoder.": "encoder.encoder.", "expand.": "decoder.latent2dec.", "decoder.": "decoder.decoder."}
    return {
        names[own] + name.removeprefix(own): value
        for name, value in model.state_dict().items()
        for own in names
        if name.startswith(own)
    }


def write_weights(path: Path, seed: int = 0, k: int | None = None) -> Path:
    """Write an untrained network as the published code saves its state dict: an autoencoder, or a DEC of K clusters."""
    import torch

    from ris_core.models.networks import Aec

    weights = state_dict_of(Aec(seed))
    if k is not None:
        weights["clustering.weights"] = torch.arange(9.0 * k).reshape(k, 9)
    torch.save(weights, path)
    return path
