"""A network of many station-days with small products, all current and recorded: what `bench.scale` measures on.

The first day goes through the stages in real runs. The other days are written after its pattern by the project's own
writers, with times and names of their own, and are recorded in the Dagster home without pictures.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
import yaml
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Station
from obspy.core.inventory import Network as StationNetwork

from bench.archive import RATE, settings_of, write_archive
from bench.operations_memory import record_after_pattern
from bench.operations_network import Network, first_days
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import appoint
from ris_core.clustering.dec_model import DecModel
from ris_core.config import PAPER_INPUT, NormalisationSettings, Settings, load_settings
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import DAY_NS, NS, StationDay
from ris_core.labels.appointment import prepare
from ris_core.models.inference import encode
from ris_core.models.networks import Aec, Dec
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, table_schemas, tables
from ris_core.storage.json_records import read_json, write_json
from ris_core.storage.layout import Layout
from ris_core.training.event_sources import sources_of
from ris_core.training.training_draw import draw
from ris_core.training.training_set import load
from ris_dagster.assets.station_day_bindings import BINDINGS
from ris_dagster.instance import open_instance
from ris_dagster.records import recorded_station_days

_PITCHES_HZ = (5.0, 9.0, 14.0)
"""Of the events of each station-day."""
_TIMES = ("time_on", "time_off", "time_peak", "start", "end")
_DRAWN = 2000


def made_network(root: Path, stations: int, days: int) -> Network:
    """Return a network of so many stations and days in a folder; what is there already is not made again."""
    names, dates = [f"S{n:02d}" for n in range(1, stations + 1)], first_days(days)
    network = _network(root, names, dates)
    there, first = network.days, dates[0].isoformat()
    block = ("backfill", "--inline", "--yes", "--from", first, "--to", first)
    if not there.layout.champion.exists():
        _tell(f"the first day of {stations} stations, in real runs")
        network.run(*block, "--assets", "acquire,process")
        _appoint_untrained(there)
    if not _are_labelled(there, [StationDay(name, dates[0]) for name in names]):
        network.run(*block, "--assets", "label")
    _tell(f"{stations * days} station-days")
    lacking = [name for name in names if not all(there.layout.labels(StationDay(name, d)).exists() for d in dates)]
    if lacking:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            written = pool.map(partial(_write_days, there.settings, there.layout), lacking)
            for name, made in zip(lacking, written, strict=True):
                _tell(f"{name}: {made} days written")
    record_missing(network, there.all())
    return network


def _are_labelled(days: StationDays, keys: Sequence[StationDay]) -> bool:
    """Return whether the labels of station-days are there and recorded."""
    with open_instance(days.layout) as instance:
        recorded = recorded_station_days(instance, BINDINGS["label"])
    return all(key in recorded and days.layout.labels(key).exists() for key in keys)


def record_missing(network: Network, keys: Iterable[StationDay], anew: bool = False) -> None:
    """Record station-days as made by all stages, one after the other, unless they are; ``anew`` in any case."""
    wanted = list(keys)
    with open_instance(network.days.layout) as instance:
        for binding in BINDINGS.wanted_by(network.days.settings):
            recorded = set() if anew else recorded_station_days(instance, binding)
            missing = [key for key in wanted if key not in recorded]
            for asset in binding.assets if missing else ():
                record_after_pattern(instance, asset, missing, pictures=False)
                _tell(f"{asset.to_user_string()}: {len(missing)} recorded")


def _network(root: Path, names: Sequence[str], dates: Sequence[date]) -> Network:
    archive, inventory = root / "archive", root / "stationxml"
    settings = settings_of(archive, names, dates).model_dump(mode="json", exclude_unset=True)
    settings["source"] |= {"inventory": str(inventory)}
    settings["training_set"] = {"events": _DRAWN}
    text = yaml.safe_dump(settings, sort_keys=False)
    config = root / "bench.yaml"
    if config.exists() and config.read_text(encoding="utf-8") != text:
        raise ValueError(f"{root} holds another network; name another folder")
    if not config.exists():
        write_archive(archive, names, dates[:1], _PITCHES_HZ)
        _write_inventory(inventory, names)
        config.write_text(text, encoding="utf-8")
    environment = {"RIS_DATA": str(root / "data"), "MPLBACKEND": "Agg", "COLUMNS": "200"}
    return Network(config, StationDays.open(load_settings(config), root / "data" / "bench"), environment)


def _write_inventory(folder: Path, names: Sequence[str]) -> None:
    """Write a StationXML file for each station."""
    folder.mkdir(parents=True, exist_ok=True)
    place: dict[str, Any] = {"latitude": -78.0, "longitude": 170.0, "elevation": 50.0}
    for name in names:
        channel = Channel("HHZ", "", depth=0.0, sample_rate=RATE, start_date=UTCDateTime(2000, 1, 1), **place)
        stations = [Station(name, channels=[channel], **place)]
        found = Inventory(networks=[StationNetwork("XX", stations=stations)], source="bench.scale")
        found.write(str(folder / f"XX.{name}.xml"), format="STATIONXML")


def _appoint_untrained(days: StationDays) -> None:
    """Make a network of random weights champion: what is measured does not depend on how good it is."""
    settings = days.settings
    sections = settings.training_set, settings.normalisation
    sources = sources_of(days.process, days.all(), settings.training_set)
    draw(days.layout, sources, *sections, settings.processing_json())
    aec = Aec(1)
    latents = encode(aec, load(days.layout, *sections).samples)
    order = np.argsort(latents.sum(axis=1))
    centroids = latents[order[[0, len(latents) // 2, -1]]]
    model = Dec.from_aec(aec, torch.from_numpy(centroids))
    candidate = Candidate("untrained", DecModel(model, NormalisationSettings(), PAPER_INPUT), {})
    appoint(days.layout, prepare(days.layout, candidate, days.settings).champion)


def _write_days(settings: Settings, layout: Layout, station: str) -> int:
    """Write the products of all days of a station but the first, and return how many days were missing."""
    first, *others = settings.days()
    pattern = _Pattern(settings, layout, StationDay(station, first))
    missing = [day for day in others if not layout.labels(StationDay(station, day)).exists()]
    with patch("os.fsync"):  # a folder of a bench need not outlive a power cut
        for day in missing:
            pattern.write(StationDay(station, day))
    return len(missing)


class _Pattern:
    """The products of one station-day, from which those of others are made."""

    def __init__(self, settings: Settings, layout: Layout, key: StationDay) -> None:
        self._settings, self._layout, self._key = settings, layout, key
        self._record: dict[str, Any] = read_json(layout.acquisition(key))
        self._spectrograms = spectrogram_file.read_spectrograms(layout.spectrograms(key))
        self._summary = spectrogram_file.read_info(layout.spectrograms(key)).summary
        self._tables = {path: tables.read_table(path(key)) for path in (layout.detections, layout.live, layout.labels)}
        self._stamps = {path: tables.read_stamp(path(key))[0] for path in self._tables}
        self._summaries = {path: tables.read_summary(path(key)) for path in self._tables}

    def write(self, key: StationDay) -> None:
        """Write record, detections, live intervals, spectrograms and labels of a station-day."""
        layout = self._layout
        shift = (key.day - self._key.day).days * DAY_NS
        write_json(layout.acquisition(key), self._record | {"station": key.station, "day": key.day.isoformat()})
        processed, labelled = self._stamps[layout.detections], self._stamps[layout.labels]
        if processed is None or labelled is None:
            raise ValueError(f"{self._key}: its products have no stamps")
        schema = table_schemas.detection_schema(self._settings.channels)
        self._write_table(layout.detections, key, shift, schema, processed)
        self._write_table(layout.live, key, shift, table_schemas.LIVE_SCHEMA, processed)
        data = self._spectrograms
        peaks = data.time_peak + shift
        events = replace(
            data,
            event_id=tuple(_renamed(name, int(peak)) for name, peak in zip(data.event_id, peaks, strict=True)),
            time_peak=peaks,
            window_start=data.window_start + shift,
        )
        content = spectrogram_file.write_spectrograms(
            layout.spectrograms(key), events, processed, self._settings.processing_json(), self._summary
        )
        schema = table_schemas.label_schema(len(_PITCHES_HZ))
        self._write_table(layout.labels, key, shift, schema, replace(labelled, inputs=content))

    def _write_table(self, path: Any, key: StationDay, shift: int, schema: Any, stamp: Stamp) -> None:
        frame = self._tables[path]
        moved: dict[str, Any] = {name: frame[name] + pd.Timedelta(shift, "ns") for name in _TIMES if name in frame}
        if "event_id" in frame:
            peaks = moved["time_peak"].to_numpy(dtype="int64")
            moved["event_id"] = [_renamed(name, int(peak)) for name, peak in zip(frame["event_id"], peaks, strict=True)]
        tables.write_table(path(key), frame.assign(**moved), schema, stamp, self._summaries[path])


def _renamed(name: str, peak_ns: int) -> str:
    """Return the name of an event with another time of its peak."""
    channel = name.rpartition(".")[0].rpartition(".")[0]
    peak = datetime.fromtimestamp(peak_ns // NS, UTC).replace(microsecond=peak_ns % NS // 1000)
    return f"{channel}.{peak:%Y%m%dT%H%M%S.%f}"


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
