"""A made network of hundreds of thousands of labelled events, as the explorer opens it, written in minutes.

Label tables, live intervals, catalogue, map of events and reviews are whole. Spectrograms are real HDF5 in a part, of
which pictures are drawn; all other station-days share one file under many names, so that their labels count as made
from present spectrograms.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from bench.catalogue_network import CLASSES, settings_of, write_spectrograms
from ris_core.catalogue.catalogue_schema import CATALOGUE_SCHEMA, MEMBERSHIP
from ris_core.clustering.champion import Champion, appoint, label_digest
from ris_core.config import Settings, load_settings
from ris_core.contracts.decision import Decision
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import DAY_NS, NS, StationDay
from ris_core.event_map.event_map_run import make_event_map
from ris_core.progress import track
from ris_core.review.log import ReviewLog
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.layout import Layout

FIRST_DAY = date(2015, 1, 1)
DIMENSIONS = 60
PART_STATIONS, PART_DAYS = 4, 30
"""Stations and days, the first ones, that have spectrograms of their own."""
NAMES = ("stick-slip", "icequake", "basal", "thermal", "tremor", "swell", "rift", "noise")
_SHARES = np.array([0.30, 0.22, 0.16, 0.12, 0.09, 0.06, 0.04, 0.01])
_STAMP = Stamp("bench", "1", "0")


@dataclass(frozen=True, eq=False)
class MadeEvents:
    """N events, sorted by station and time.

    Attributes
    ----------
    station, day
        (N,) place of the station, and of the day.
    time
        (N,) time of the peak, whole microseconds in ns since 1970 UTC.
    label
        (N,) class numbers.
    features
        (N, 60) float32: a cloud for each class.
    """

    station: NDArray[np.int64] = field(repr=False)
    day: NDArray[np.int64] = field(repr=False)
    time: NDArray[np.int64] = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)
    features: NDArray[np.float32] = field(repr=False)

    @classmethod
    def draw(cls, settings: Settings, events: int) -> MadeEvents:
        """Draw events of a network, always the same: more of some stations, more in summer and by day."""
        rng = np.random.default_rng(0)
        stations, days = len(settings.stations), len(settings.days())
        season = 1 + 0.7 * np.cos(2 * np.pi * np.arange(days) / 365)
        weight = rng.uniform(0.4, 1.6, stations)[:, None] * season * rng.gamma(4.0, 0.25, (stations, days))
        counts = rng.multinomial(events, (weight / weight.sum()).ravel())
        station, day = np.divmod(np.repeat(np.arange(counts.size), counts), days)
        hour = rng.normal(20, 5, events) % 24
        start = np.datetime64(settings.first_day).astype("datetime64[ns]").astype(np.int64)
        time = start + day * DAY_NS + np.minimum((hour * 3.6e9).astype(np.int64) * 1000, DAY_NS - 10 * NS)
        order = np.lexsort((time, station))
        station, day, time = station[order], day[order], time[order]
        # An identifier has microseconds: each event is later than the one before it at its station.
        for place in range(stations):
            own = station == place
            steps = np.arange(own.sum()) * 1000
            time[own] = np.maximum.accumulate(time[own] - steps) + steps
        label = rng.choice(CLASSES, events, p=_SHARES)
        centres = rng.normal(0, 1.2, (CLASSES, DIMENSIONS))
        features = (centres[label] + rng.normal(0, 1, (events, DIMENSIONS))).astype(np.float32)
        return cls(station, day, time, label, features)

    def of(self, station: int) -> Iterator[tuple[int, slice]]:
        """Return each day of a station that has events, with the places of these."""
        first, last = np.searchsorted(self.station, [station, station + 1])
        days, starts = np.unique(self.day[first:last], return_index=True)
        for day, start, end in zip(days, starts, [*starts[1:], last - first], strict=True):
            yield int(day), slice(first + int(start), first + int(end))


def names_of(code: str, time: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the identifiers of events of a station, (N,)."""
    text = np.datetime_as_string(time.astype("datetime64[ns]").astype("datetime64[us]"))
    return np.char.add(f"XX.{code}..HHZ.", np.char.replace(np.char.replace(text, "-", ""), ":", ""))


def made_network(folder: Path, events: int, stations: int, days: int) -> Path:
    """Write the network in a folder and return its settings file; what is there already is not written again."""
    config = folder / "bench.yaml"
    values = settings_of(stations, FIRST_DAY, days).model_dump(mode="json", exclude_unset=True)
    values["champion"] = {"names": dict(enumerate(NAMES))}
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    settings = load_settings(config)
    network = StationDays.open(settings, folder / "data" / settings.network.name)
    if network.layout.reviews.exists():
        return config
    champion = _champion()
    appoint(network.layout, champion)
    drawn = MadeEvents.draw(settings, events)
    names = _write_catalogue(network, drawn, champion)
    _write_station_days(network, drawn, champion)
    make_event_map(network)
    _write_reviews(network, names, drawn)
    return config


def _champion() -> Champion:
    version = "spectra-gmm-k8-bench"
    classes = tuple(range(CLASSES))
    return Champion(
        k=CLASSES,
        model_version=version,
        origin="a benchmark",
        classes=classes,
        next_class=CLASSES,
        classes_of={version: classes},
        normalisation={},
        novelty="n",
        candidate="spectra/gmm",
    )


_drawn: tuple[StationDays, MadeEvents, Champion] | None = None


def _write_station_days(network: StationDays, drawn: MadeEvents, champion: Champion) -> None:
    global _drawn  # noqa: PLW0603 - processes inherit the events instead of being sent them
    _drawn = network, drawn, champion
    template = network.layout.root / "template.h5"
    if not template.exists():
        key = StationDay(network.stations[0], FIRST_DAY)
        write_spectrograms(network.layout, key, np.array([key.start_ns]), 0)
        network.layout.spectrograms(key).rename(template)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(os.cpu_count(), context, _without_flushing) as pool:
        places = range(len(network.stations))
        for _ in track(pool.map(_write_station, places), "stations", total=len(places), unit="station"):
            pass
    _drawn = None


def _without_flushing() -> None:
    # Thousands of small files of a benchmark need not outlive a failing machine.
    os.fsync = lambda file: None  # type: ignore[assignment]


def _write_station(place: int) -> None:
    if _drawn is None:
        raise RuntimeError("this process did not inherit the events")
    network, drawn, champion = _drawn
    layout, code = network.layout, network.stations[place]
    for day, rows in drawn.of(place):
        key = StationDay(code, FIRST_DAY + timedelta(days=day))
        if layout.labels(key).exists():
            continue
        if place < PART_STATIONS and day < PART_DAYS:
            write_spectrograms(layout, key, drawn.time[rows], 0)
        else:
            layout.spectrograms(key).parent.mkdir(parents=True, exist_ok=True)
            layout.spectrograms(key).unlink(missing_ok=True)
            os.link(layout.root / "template.h5", layout.spectrograms(key))
        live = pd.DataFrame({"station": [code], "start": [key.start_ns], "end": [key.end_ns - 3600 * NS]})
        tables.write_table(layout.live(key), live, table_schemas.LIVE_SCHEMA, _STAMP)
        _write_labels(network, key, drawn, rows, champion)


def _write_labels(network: StationDays, key: StationDay, drawn: MadeEvents, rows: slice, champion: Champion) -> None:
    label = drawn.label[rows]
    shares = np.full((len(label), CLASSES), 0.1 / (CLASSES - 1), np.float32)
    shares[np.arange(len(label)), label] = 0.9
    frame = pd.DataFrame(
        {
            "event_id": names_of(key.station, drawn.time[rows]),
            "station": key.station,
            "time_peak": drawn.time[rows],
            "label": label.astype(np.int32),
            "probability": 0.9,
            "probabilities": list(shares),
            "latent": list(drawn.features[rows]),
            "reconstruction_error": 0.1,
            "novelty": 0.2,
            "assigned": True,
            "model_version": champion.model_version,
        }
    )
    content = spectrogram_file.read_info(network.layout.spectrograms(key)).content
    stamp = Stamp(label_digest(champion, network.settings.labelling), "1", content)
    schema = table_schemas.label_schema(CLASSES, DIMENSIONS)
    tables.write_table(network.layout.labels(key), frame, schema, stamp, {"classes": list(range(CLASSES))})


def _write_catalogue(network: StationDays, drawn: MadeEvents, champion: Champion) -> NDArray[np.str_]:
    """Write the months and return the identifiers in the order of `drawn`."""
    rng = np.random.default_rng(1)
    n = len(drawn.time)
    codes = np.array(network.stations)[drawn.station]
    names = np.concatenate(
        [names_of(code, drawn.time[drawn.station == place]) for place, code in enumerate(network.stations)]
    )
    frequency = rng.gamma(8.0, 1.0, n) + 2 + drawn.label
    frame = pd.DataFrame(
        {
            "event_id": names,
            "station": codes,
            "time_peak": _utc(drawn.time),
            "time_on": _utc(drawn.time - NS // 2),
            "time_off": _utc(drawn.time + NS),
            "label": drawn.label.astype(np.int32),
            "class_name": np.array(NAMES)[drawn.label],
            "probability": rng.beta(8, 2, n).astype(np.float32),
            "probability_kind": MEMBERSHIP,
            "novelty": rng.gamma(2.0, 0.3, n).astype(np.float32),
            "assigned": rng.random(n) < 0.93,
            "reviewed": None,
            "peak_counts": rng.lognormal(6, 1, n),
            "peak_acceleration": rng.lognormal(-14, 1, n),
            "acceleration_note": "",
            "snr": 6 + rng.gamma(3.0, 3.0, n),
            "peak_frequency": frequency.astype(np.float32),
            "centroid_frequency": (frequency + 0.5).astype(np.float32),
            "duration": rng.gamma(3.0, 0.5, n).astype(np.float32),
            "distance": rng.gamma(5.0, 0.5, n).astype(np.float32),
            "characteristic_max": 20.0,
            "found_by": "recursive 0.5/30 s",
            "model_version": champion.model_version,
            "source_id": _sources(names, drawn),
        }
    ).sort_values(["time_peak", "event_id"], ignore_index=True)[CATALOGUE_SCHEMA.names]
    month = frame["time_on"].dt.strftime("%Y-%m")
    keys = [
        StationDay(code, FIRST_DAY + timedelta(days=day))
        for place, code in enumerate(network.stations)
        for day, _ in drawn.of(place)
    ]
    for name, own in frame.groupby(month.to_numpy()):
        measured = {str(key): "digest" for key in keys if f"{key.day:%Y-%m}" == name}
        summary = {"events": len(own), "unlabelled": 0, "measured": measured}
        year, number = map(int, str(name).split("-"))
        tables.write_table(network.layout.catalogue(year, number), own, CATALOGUE_SCHEMA, _STAMP, summary)
    return names


def _utc(time: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.to_datetime(time, unit="ns", utc=True)


def _sources(names: NDArray[np.str_], drawn: MadeEvents) -> NDArray[np.str_]:
    """Return the source of each event: every tenth event and the next one of another station have one in common."""
    order = np.argsort(drawn.time, kind="stable")
    found = np.full(len(names), "", names.dtype)
    first, second = order[:-1:10], order[1::10]
    both = drawn.station[first] != drawn.station[second]
    found[first[both]] = found[second[both]] = names[first[both]]
    return found


def _write_reviews(network: StationDays, names: NDArray[np.str_], drawn: MadeEvents) -> None:
    rng = np.random.default_rng(2)
    chosen = rng.choice(len(names), min(2000, len(names) // 4), replace=False)
    decisions = [
        Decision(
            "label", "ann", (str(names[row]),), NAMES[drawn.label[row]], reason="audit" if row % 5 == 0 else "free"
        )
        for row in chosen
    ]
    for group in np.array_split(rng.choice(len(names), len(names) // 50, replace=False), 20):
        if len(group):
            decisions.append(Decision("label", "ben", tuple(map(str, names[group])), "noise", bulk=True))
    ReviewLog(network.layout.reviews).append(decisions)


def layout_of(config: Path) -> Layout:
    """Return the paths of a network that `made_network` wrote."""
    settings = load_settings(config)
    return StationDays.open(settings, config.parent / "data" / settings.network.name).layout
