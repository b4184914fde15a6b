"""Targets of `bench.faults` that others write: published files and weights, and settings."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.faults_targets import Found, Target, digest_of_values, never
from ris_core.config import PROJECT_ROOT, Settings, load_settings
from ris_core.models.imported_models import read_weights
from ris_core.models.networks import Aec
from ris_core.processing.spectrograms import plan
from ris_core.published.importing import prepare
from ris_core.published.published_catalogue import parse
from ris_core.station_days.station_days import StationDays
from ris_core.storage.published_file import writing_published

_START = datetime(2015, 1, 3, 1, tzinfo=UTC)
_EVENTS, _SAMPLES = 6, 199
_PUBLISHED_NAMES = {"encoder.": "encoder.encoder.", "expand.": "decoder.latent2dec.", "decoder.": "decoder.decoder."}


def _network(folder: Path) -> StationDays:
    settings = {
        "network": {"name": "published", "code": "XX"},
        "stations": [{"code": "AA"}],
        "first_day": _START.date(),
        "last_day": _START.date(),
        "source": {"kind": "published"},
    }
    return StationDays.open(Settings.model_validate(settings), folder / "root")


def _entry(number: int) -> dict[str, Any]:
    start = _START + timedelta(minutes=number)
    times = {
        name: (start + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for name, seconds in (("dt_on", 1.9), ("dt_off", 2.4), ("dt_peak", 2.0), ("spec_start", 0), ("spec_stop", 3.96))
    }
    codes = {"Index": number, "network": "XX", "station": "AA", "channel": "HHZ"}
    return {**codes, **times, "peak": 1.5, "unit": float("nan"), "fs": 50.0, "STA": 0.5, "LTA": 30.0}


def _make_published(folder: Path) -> list[Path]:
    path, settings = folder / "published.h5", _network(folder).settings
    constants = plan(settings.spectrogram, settings.conditioning)
    rng = np.random.default_rng(0)
    shape = _EVENTS, len(constants.frequency), constants.columns
    entries = [_entry(number) for number in range(_EVENTS)]
    axes = constants.frequency, constants.time
    with writing_published(path, _EVENTS, *axes, _SAMPLES, "counts", 256) as writer:
        images = rng.exponential(size=shape).astype(np.float32)
        traces = rng.normal(size=(_EVENTS, _SAMPLES)).astype(np.float32)
        writer.put(np.arange(_EVENTS), images, traces, [json.dumps(entry).encode() for entry in entries])
    with path.with_name("published.h5.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(entries[0]), lineterminator="\n")
        table.writeheader()
        table.writerows({**entry, "unit": ""} for entry in entries)
    return [path]


def _make_published_table(folder: Path) -> list[Path]:
    return [_make_published(folder)[0].with_name("published.h5.csv")]


def _read_published(folder: Path, path: Path) -> Found:
    file, table = folder / "published.h5", folder / "published.h5.csv"
    found = prepare(_network(folder), file, table)
    days = [[str(some.key), some.rows, some.inputs] for some in found.station_days]
    return Found(digest_of_values([days, astuple(found.catalogue)]))


def _make_catalogue(folder: Path) -> list[Path]:
    path = folder / "entry.json"
    path.write_text(json.dumps(_entry(0)), encoding="utf-8")
    return [path]


def _read_catalogue(folder: Path, path: Path) -> Found:
    return Found(digest_of_values(parse(path.read_bytes(), f"{path}: row 0")))


def _make_weights(folder: Path) -> list[Path]:
    weights = {
        published + name.removeprefix(own): value
        for name, value in Aec(0).state_dict().items()
        for own, published in _PUBLISHED_NAMES.items()
        if name.startswith(own)
    }
    paths = [folder / "aec.pt", folder / "dec.pt"]
    torch.save(weights, paths[0])
    torch.save(weights | {"clustering.weights": torch.arange(27.0).reshape(3, 9)}, paths[1])
    return paths


def _read_weights(folder: Path, path: Path) -> Found:
    found = read_weights(path)
    weights = {key: value.numpy() for key, value in found.network.state_dict().items()}
    return Found(
        digest_of_values([found.name, type(found.network).__name__, weights, found.normalisation.model_dump()])
    )


def _make_settings(folder: Path) -> list[Path]:
    return [Path(shutil.copy(path, folder)) for path in sorted((PROJECT_ROOT / "config").glob("*.yaml"))]


def _read_settings(folder: Path, path: Path) -> Found:
    return Found(digest_of_values(load_settings(path).model_dump(mode="json")))


TARGETS: dict[str, Target] = {
    "published HDF5": Target(_make_published, _read_published, never),
    "published CSV": Target(_make_published_table, _read_published, never, text=True),
    "published catalogue": Target(_make_catalogue, _read_catalogue, never, text=True),
    "published .pt": Target(_make_weights, _read_weights, never),
    "settings": Target(_make_settings, _read_settings, never, text=True),
}
