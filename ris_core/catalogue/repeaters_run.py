"""The table of repeating events: made of the catalogue and the waveforms of its events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from ris_core import versions
from ris_core.catalogue.catalogue_reading import load_catalogue, months_on_disk
from ris_core.catalogue.catalogue_schema import NO_LABEL, REPEATERS_SCHEMA
from ris_core.catalogue.repeaters import families
from ris_core.config import RepeaterSettings
from ris_core.contracts.stamp import Stamp
from ris_core.progress import track
from ris_core.section import digest_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.storage.spectrogram_file import read_spectrograms

REPEATERS = "repeaters.parquet"
"""Name of the table among the files of the analysis."""


class NoRepeatersError(ValueError):
    """The settings do not ask for families of repeating events."""


def repeaters_are_current(network: StationDays) -> bool:
    """Return whether the table is undamaged, of the present catalogue and of the present settings."""
    with suppress(FileNotFoundError, DamagedFileError, NoRepeatersError):
        path = network.layout.analysis(REPEATERS)
        if tables.read_stamp(path)[0] == _stamp(network):
            tables.read_table(path, ["event_id"])
            return True
    return False


def find_repeaters(network: StationDays) -> pd.DataFrame:
    """Find the families of repeating events of each station and class, write their table and return it.

    Events without a label are left out. The waveforms of one station are in memory at once.

    Raises
    ------
    NoRepeatersError
        The settings do not ask for them.
    NoCatalogueError
        There is no catalogue yet.
    DamagedFileError
        A file is damaged.
    """
    settings, stamp = _settings(network), _stamp(network)
    columns = ["event_id", "station", "time_peak", "label", "model_version"]
    parts = [REPEATERS_SCHEMA.empty_table().to_pandas()]
    for station in track(network.stations, "repeating events", unit="station"):
        events = load_catalogue(network.layout, stations=[station], columns=columns)
        events = events[events["label"] != NO_LABEL].reset_index(drop=True)
        if len(events) > 1:
            parts += _of_station(network, station, events, settings)
    whole: pd.DataFrame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    whole = whole.sort_values(["station", "family", "time_peak"], ignore_index=True)[REPEATERS_SCHEMA.names]
    times = pd.to_datetime(whole["time_peak"], utc=True).dt.as_unit("ns").astype("int64")
    tables.write_table(network.layout.analysis(REPEATERS), whole.assign(time_peak=times), REPEATERS_SCHEMA, stamp)
    return whole


def _settings(network: StationDays) -> RepeaterSettings:
    if (found := network.settings.catalogue.repeaters) is None:
        raise NoRepeatersError("the settings do not ask for repeating events; add `repeaters: {}` to their `catalogue`")
    return found


def _stamp(network: StationDays) -> Stamp:
    layout = network.layout
    made = [[*month, tables.read_stamp(layout.catalogue(*month))[1]] for month in months_on_disk(layout)]
    inputs = [tables.read_summary(layout.catalogue(*month)).get("measured") for month in months_on_disk(layout)]
    return Stamp(_settings(network).digest(), versions.REPEATERS, digest_of([made, inputs]))


def _of_station(
    network: StationDays, station: str, events: pd.DataFrame, settings: RepeaterSettings
) -> Iterator[pd.DataFrame]:
    place = {name: row for row, name in enumerate(events["event_id"])}
    samples: np.ndarray[Any, Any] | None = None
    features: np.ndarray[Any, Any] | None = None
    rate = 1.0
    for key in _days(network.layout, network, station):
        found = read_spectrograms(network.layout.spectrograms(key), parts=("waveform",))
        labels = tables.read_arrow(network.layout.labels(key), ["event_id", "latent"])
        if not len(found) or not labels.num_rows:
            continue
        rate = found.sampling_rate
        latent = labels["latent"].combine_chunks().flatten().to_numpy().reshape(labels.num_rows, -1)
        if samples is None or features is None:
            samples = np.zeros((len(events), found.component_count, found.waveform.shape[-1]), np.float32)
            features = np.full((len(events), latent.shape[1]), np.nan, np.float32)
        if latent.shape[1] != features.shape[1] or found.waveform.shape[-1] != samples.shape[-1]:
            continue  # by another model, or cut by other settings: they cannot be compared
        for name, values in zip(found.event_id, found.waveform, strict=True):
            if (row := place.get(name)) is not None:
                samples[row] = values
        for name, vector in zip(labels["event_id"].to_pylist(), latent, strict=True):
            if (row := place.get(name)) is not None:
                features[row] = vector
    if samples is None or features is None:
        return
    known = np.isfinite(features).all(axis=1)
    # Features of two models cannot be compared.
    for places in events.groupby(["label", "model_version"]).indices.values():
        rows = places[known[places]]
        found_here = families(samples[rows], features[rows], rate, settings)
        inside = np.flatnonzero(found_here.reference >= 0)
        if not inside.size:
            continue
        names = events["event_id"].to_numpy(dtype=object)[rows]
        reference = found_here.reference[inside]
        yield events.iloc[rows[inside]][["event_id", "station", "time_peak", "label"]].assign(
            family=names[reference],
            members=np.bincount(reference, minlength=len(rows))[reference].astype(np.int32),
            correlation=found_here.correlation[inside],
            nearest=found_here.nearest[inside],
        )


def _days(layout: Layout, network: StationDays, station: str) -> Iterator[Any]:
    for key in network.all():
        if key.station == station and layout.labels(key).exists() and network.label.follows_its_input(key):
            yield key
