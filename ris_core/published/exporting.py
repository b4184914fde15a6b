"""Export: station-days become a published file and the CSV beside it."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.contracts.events import Events, Part
from ris_core.contracts.station_day import NS, StationDay
from ris_core.detectors.detector import Detector
from ris_core.processing.spectrograms import Plan, plan
from ris_core.progress import bar
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.atomic import replacing
from ris_core.storage.layout import Layout
from ris_core.storage.published_file import PublishedFileError, writing_published


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes
    ----------
    path, table
        The published file, and the CSV beside it.
    events, station_days
        Number of events and of their station-days.
    outdated
        Number of station-days that were left out because they are out of date or damaged.
    channel, other_channels
        The one channel that the file holds, and those that the layout has no place for.
    """

    path: Path
    table: Path
    events: int
    station_days: int
    outdated: int
    channel: str
    other_channels: tuple[str, ...]


def export(network: StationDays, path: Path) -> Export:
    """Write all current station-days of a network as a published file, and its catalogue as ``FILE.csv`` beside it.

    The layout holds one channel: of several, that of the detections is written. It has no place for the context.

    Events imported from one file get the order that they had there; others are in the order of stations and days.

    Parameters
    ----------
    network, path
        The network, and the file that is written.

    Raises
    ------
    PublishedFileError
        The file or the table exists already, there are no events, or the spectrograms have different units.
    """
    settings, layout = network.settings, network.layout
    table = path.with_name(path.name + ".csv")
    for each in (path, table):
        if each.exists():
            raise PublishedFileError(f"{each}: it exists already; remove it, or give another name")
    keys = [key for key in settings.station_days() if layout.spectrograms(key).exists()]
    current = [key for key in keys if network.process.is_current(key)]
    counts = {key: n for key in current if (n := spectrogram_file.read_info(layout.spectrograms(key)).events)}
    if not counts:
        raise PublishedFileError(f"{path}: there are no events to export in {layout.root}; process station-days first")
    constants = plan(settings.spectrogram, settings.conditioning)
    samples = constants.samples_between_columns
    unit = spectrogram_file.read_spectrograms(layout.spectrograms(next(iter(counts))), slice(0, 1)).unit
    total = sum(counts.values())
    with (
        bar(total, "export", unit="event") as progress,
        writing_published(
            path, total, constants.frequency, constants.time, samples, unit, settings.spectrogram.nfft
        ) as writer,
    ):
        for key, rows in zip(counts, _rows(layout, counts, settings.imported), strict=True):
            parts: tuple[Part, ...] = ("spectrogram", "waveform")
            data = spectrogram_file.read_spectrograms(layout.spectrograms(key), parts=parts)
            if data.components:
                data = data.component(settings.channel[-1:])
            if data.unit != unit:
                raise PublishedFileError(f"{path}: spectrograms of {key} are of {data.unit}, those before of {unit}")
            if settings.imported:
                catalogue = spectrogram_file.read_column(layout.spectrograms(key), "catalogue").tolist()
                traces = data.waveform
            else:
                catalogue = _catalogue(layout, key, data, rows, constants, settings.detector)
                # Events made here begin half a window before the middle of the first column.
                traces = data.waveform[:, constants.window.size // 2 :][:, :samples]
            writer.put(rows, data.spectrogram, traces, catalogue)
            progress.update(len(rows))
        _write_table(table, (text for block in writer.catalogue_blocks() for text in block))
    others = tuple(code for code in settings.channels if code != settings.channel)
    return Export(path, table, total, len(counts), len(keys) - len(current), settings.channel, others)


def _rows(layout: Layout, counts: dict[StationDay, int], imported: bool) -> list[NDArray[np.int64]]:
    """Return the row of each event: in the order of the file that all came from, else as the station-days follow."""
    rows = np.arange(sum(counts.values()), dtype=np.int64)
    if imported:
        there = np.concatenate(
            [spectrogram_file.read_column(layout.spectrograms(key), "published_row") for key in counts]
        )
        order = np.argsort(there, kind="stable")
        if (np.diff(there[order]) > 0).all():
            rows[order] = np.arange(len(rows))
    return np.split(rows, np.cumsum(list(counts.values()))[:-1])


def _catalogue(
    layout: Layout,
    key: StationDay,
    data: Events,
    rows: NDArray[np.int64],
    constants: Plan,
    detector: Detector,
) -> list[bytes]:
    """Return the entries of the catalogue for events that were made here."""
    found: Any = tables.read_table(layout.detections(key)).set_index("event_id").loc[list(data.event_id)]
    half, length = constants.window.size / 2 / constants.rate, float(constants.time[-1])
    texts = []
    for event, row, start in zip(found.itertuples(), rows.tolist(), data.window_start.tolist(), strict=True):
        by, first = detector.parameters(event.found_by), start + round(half * NS)
        entry = {
            "Index": row,
            "network": event.network,
            "station": event.station,
            "channel": event.channel,
            "dt_on": _time(event.time_on.value),
            "dt_off": _time(event.time_off.value),
            "dt_peak": _time(event.time_peak.value),
            "peak": event.peak_counts,
            "unit": "counts",
            "fs": event.sampling_rate,
            "delta": 1 / event.sampling_rate,
            "npts": math.nan,
            "STA": by.get("sta", math.nan),
            "LTA": by.get("lta", math.nan),
            "on": by.get("threshold_on", math.nan),
            "off": by.get("threshold_off", math.nan),
            "spec_start": _time(first),
            "spec_stop": _time(first + round(length * NS)),
        }
        texts.append(json.dumps(entry).encode())
    return texts


def _time(time_ns: int) -> str:
    return pd.Timestamp(time_ns).isoformat(" ", timespec="milliseconds" if time_ns % 1_000_000 == 0 else "nanoseconds")


def _write_table(path: Path, texts: Iterable[bytes]) -> None:
    entries = (json.loads(text) for text in texts)
    first = next(entries)
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(first), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerow(_cells(first))
        writer.writerows(_cells(entry) for entry in entries)


def _cells(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if isinstance(value, float) and math.isnan(value) else value for name, value in entry.items()}
