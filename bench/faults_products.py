"""Targets of `bench.faults` that the platform writes itself: products of station-days, records, models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow.parquet as pq
import torch
from obspy import Inventory, Stream, Trace, UTCDateTime

from bench.faults_targets import Found, Target, digest_of_values, never
from ris_core.catalogue.catalogue_reading import load_catalogue
from ris_core.catalogue.catalogue_update import event_catalogue_is_current, update_catalogue
from ris_core.clustering.candidates import Candidate
from ris_core.clustering.champion import appoint, read_champion
from ris_core.clustering.dec_model import DecModel
from ris_core.clustering.initial_clusters import make_clusters, read_clusters
from ris_core.clustering.latents import make_latents, read_latents
from ris_core.clustering.novelty import NoveltyModel
from ris_core.config import PAPER_INPUT, NormalisationSettings, Settings
from ris_core.contracts.station_day import StationDay
from ris_core.labels.appointment import prepare
from ris_core.models.networks import Aec, Dec
from ris_core.models.weights import load_model, save_model
from ris_core.station_days.state import state_table, states_of
from ris_core.station_days.station_days import StationDays
from ris_core.storage import spectrogram_file, tables
from ris_core.storage.acquisition_file import read_acquisition
from ris_core.training import training_set
from ris_core.training.aec_choice import AecChoice, read_choice, write_choice
from ris_core.training.event_sources import sources_of
from ris_core.training.training_draw import draw
from ris_core.verification import damaged_files

DAY = date(2020, 3, 1)
KEY = StationDay("AA", DAY)
TRIAL, K = "bs8_lr2e-3", 3
_RATE, _MINUTES = 100, 16


class _Bursts:
    """A source of a quarter of an hour with a burst each 35 s."""

    in_place = False

    def fetch(self, station: str, day: date) -> Stream:
        rng = np.random.default_rng(1)
        samples = rng.normal(0, 20, _MINUTES * 60 * _RATE)
        t = np.arange(2 * _RATE) / _RATE
        for number, start in enumerate(range(45 * _RATE, samples.size - 10 * _RATE, 35 * _RATE)):
            pitch, ringing = ((5.0, 0.30), (9.0, 0.15), (14.0, 0.08))[number % 3]
            samples[start : start + t.size] += 4000 * np.exp(-t / ringing) * np.sin(2 * np.pi * pitch * t)
        header = {"network": "XX", "station": station, "channel": "HHZ", "sampling_rate": _RATE}
        return Stream([Trace(samples.round().astype(np.int32), header | {"starttime": UTCDateTime(2020, 3, 1, 6)})])

    def inventory(self, station: str) -> Inventory | None:
        return None


@lru_cache(maxsize=4)
def _settings() -> Settings:
    return Settings.model_validate(
        {
            "network": {"name": "faults", "code": "XX"},
            "stations": [{"code": "AA"}],
            "first_day": DAY,
            "last_day": DAY,
            "source": {"kind": "fdsn", "provider": "http://127.0.0.1:9"},
            "aec": {"grid": {"batch_size": [8], "learning_rate": [2e-3]}},
            "dec": {"k": [K], "n_init": 1},
        }
    )


def _store(folder: Path) -> StationDays:
    return StationDays.open(_settings(), folder / "root")


def _network(folder: Path) -> StationDays:
    """Return a network of one station-day that went through everything; made once and copied."""
    template = folder.parent / "a network"
    if not template.exists():
        _make_network(_store(template))
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return _store(folder)


def _make_network(days: StationDays) -> None:
    days = StationDays(days.settings, days.layout, sources={days.settings.channel: _Bursts()}, pictures=False)
    days.acquire.run(KEY)
    days.process.run(KEY)
    settings = days.settings
    sections = settings.training_set, settings.normalisation
    sources = sources_of(days.process, days.all(), settings.training_set)
    draw(days.layout, sources, *sections, settings.processing_json())
    aec = Aec(1)
    digest = save_model(days.layout.aec(TRIAL), aec, {"metrics": {"val_mse": 1e-5}, "epochs": [1, 2, 3]}, PAPER_INPUT)
    data = training_set.load(days.layout, *sections)
    write_choice(days.layout, AecChoice(TRIAL, digest, data.digest))
    latents = make_latents(days.layout, data)
    make_clusters(days.layout, latents, K, days.settings.dec)
    order = np.argsort(latents.z.sum(axis=1))
    model = Dec.from_aec(aec, torch.from_numpy(latents.z[order[[0, len(order) // 2, -1]]]))
    save_model(days.layout.dec(K), model, {"metrics": {"silhouette": 0.1}}, PAPER_INPUT)
    candidate = Candidate("untrained", DecModel(model, NormalisationSettings(), PAPER_INPUT), {})
    appoint(days.layout, prepare(days.layout, candidate, days.settings).champion)
    days.label.run(KEY)
    days.journal.note("process", KEY, "ValueError: the samples of 06:00 are not finite")


class RaisedError(Exception):
    """A function that must answer for any files raised an error; it is not an error of the platform."""


def _answers(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function says that every command and sensor asks, and that must not raise."""
    try:
        return function(*arguments)
    except Exception as error:
        raise RaisedError(f"{function.__name__} raised {type(error).__name__}: {error}") from error


def _check_answers(days: StationDays) -> None:
    """Ask what `ris status`, `ris verify`, plans and sensors ask of a station-day."""
    days = StationDays(days.settings, days.layout)
    for stage in days.stages.values():
        _answers(stage.is_current, KEY)
    _answers(lambda: state_table(states_of(days, [KEY])))
    _answers(lambda: list(damaged_files(days, [KEY])))


def _one_file(path: Callable[[StationDays], Path]) -> Callable[[Path], list[Path]]:
    return lambda folder: [path(_network(folder))]


# --- products of a station-day


def _spectrograms_of(path: Path) -> list[Any]:
    info, data = spectrogram_file.read_info(path), spectrogram_file.read_spectrograms(path)
    return [asdict(info), dict(vars(data))]


def _read_spectrograms(folder: Path, path: Path) -> Found:
    days = _store(folder)
    _check_answers(days)
    rows = spectrogram_file.read_rows(path, np.arange(3))
    return Found(digest_of_values([*_spectrograms_of(path), rows, spectrogram_file.read_column(path, "time_peak")]))


def _read_training_set(folder: Path, path: Path) -> Found:
    days = _store(folder)
    data = training_set.load(days.layout, days.settings.training_set, days.settings.normalisation)
    values = [data.samples.take(np.arange(len(data))), data.event_id, data.validation, data.digest]
    return Found(digest_of_values([*values, data.frequency, data.time, *_spectrograms_of(path)]))


def _read_table(folder: Path, path: Path) -> Found:
    days = _store(folder)
    _check_answers(days)
    frame, stamp = tables.read_table(path), tables.read_stamp(path)
    some = tables.read_table(path, [str(name) for name in frame][:2])
    columns = [[name, frame[name].tolist()] for name in frame]
    return Found(digest_of_values([columns, some.to_numpy().tolist(), str(stamp), tables.read_summary(path)]))


def _make_earlier(folder: Path) -> list[Path]:
    """Write spectrograms and tables as versions before wrote them: their values alone have a digest."""
    days = _network(folder)
    path, new = days.layout.spectrograms(KEY), folder / "new.h5"
    path.rename(new)
    with h5py.File(new) as kept, h5py.File(path, "w") as file:
        for name in kept:
            kept.copy(name, file)
        file.attrs.update(kept.attrs)
    for table in _tables(days):
        pq.write_table(pq.read_table(table, partitioning=None), table, compression="zstd")
    return [path, *_tables(days)]


def _read_earlier(folder: Path, path: Path) -> Found:
    return (_read_spectrograms if path.suffix == ".h5" else _read_table)(folder, path)


def _make_catalogue(folder: Path) -> list[Path]:
    days = _network(folder)
    update_catalogue(days)
    return sorted([*(days.layout.root / "catalogue").rglob("*.parquet"), days.layout.analysis("associations.parquet")])


def _read_catalogue(folder: Path, path: Path) -> Found:
    days = _store(folder)
    _answers(event_catalogue_is_current, days)
    events = load_catalogue(days.layout)
    columns = [[name, events[name].tolist()] for name in events]
    pairs = tables.read_table(days.layout.analysis("associations.parquet"))
    summary = tables.read_summary(next((days.layout.root / "catalogue").rglob("*.parquet")))
    return Found(digest_of_values([columns, pairs.to_numpy().tolist(), summary, str(tables.read_stamp(path))]))


# --- records


def _read_acquisition(folder: Path, path: Path) -> Found:
    days = _store(folder)
    _check_answers(days)
    return Found(digest_of_values(read_acquisition(days.layout, KEY, days.settings.source)))


def _read_failure(folder: Path, path: Path) -> Found:
    days = _store(folder)
    _check_answers(days)
    every = _answers(days.journal.all, "process")
    one = days.journal.read("process", KEY)
    return Found(digest_of_values([{str(key): asdict(record) for key, record in every.items()}, one and asdict(one)]))


def _read_choice(folder: Path, path: Path) -> Found:
    return Found(digest_of_values(read_choice(_store(folder).layout).as_record()))


def _read_champion(folder: Path, path: Path) -> Found:
    return Found(digest_of_values(asdict(read_champion(_store(folder).layout))))


# --- models


def _make_weights(folder: Path) -> list[Path]:
    days = _network(folder)
    return [path for model in (days.layout.aec(TRIAL), days.layout.dec(K)) for path in sorted(model.iterdir())]


def _read_weights(folder: Path, path: Path) -> Found:
    model, description = load_model(path.parent)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    return Found(digest_of_values([weights, description.input.as_record(), description.metadata]))


def _read_latents(folder: Path, path: Path) -> Found:
    days = _store(folder)
    found = read_latents(days.layout, days.settings.normalisation)
    return Found(digest_of_values([found.z, found.inputs.representation, found.inputs.training_set]))


def _make_clusters(folder: Path) -> list[Path]:
    return sorted(_network(folder).layout.initial_clusters(K).iterdir())


def _read_clusters(folder: Path, path: Path) -> Found:
    days = _store(folder)
    found = read_clusters(days.layout, K, days.settings.normalisation)
    return Found(digest_of_values([found.start.centroids, found.start.labels, found.description()]))


def _make_novelty(folder: Path) -> list[Path]:
    days = _network(folder)
    return sorted(days.layout.champion_model(read_champion(days.layout).model_version).glob("novelty-*"))


def _read_novelty(folder: Path, path: Path) -> Found:
    model = NoveltyModel.load(path)
    return Found(digest_of_values([model.digest, vars(model)]))


TARGETS: dict[str, Target] = {
    "spectrograms": Target(_one_file(lambda days: days.layout.spectrograms(KEY)), _read_spectrograms),
    "training set": Target(_one_file(lambda days: days.layout.training_set), _read_training_set),
    "tables": Target(lambda folder: _tables(_network(folder)), _read_table),
    "catalogue": Target(_make_catalogue, _read_catalogue),
    "of versions before": Target(_make_earlier, _read_earlier, never),
    "acquisition records": Target(_one_file(lambda days: days.layout.acquisition(KEY)), _read_acquisition, text=True),
    "failure records": Target(lambda folder: _failures(_network(folder)), _read_failure, text=True),
    "chosen.json": Target(_one_file(lambda days: days.layout.aec_choice), _read_choice, text=True),
    "champion.json": Target(_one_file(lambda days: days.layout.champion), _read_champion, text=True),
    "weights": Target(_make_weights, _read_weights),
    "latents": Target(_one_file(lambda days: days.layout.latent_features), _read_latents),
    "initial clusters": Target(_make_clusters, _read_clusters),
    "novelty": Target(_make_novelty, _read_novelty),
}


def _tables(days: StationDays) -> list[Path]:
    return [days.layout.detections(KEY), days.layout.live(KEY), days.layout.labels(KEY)]


def _failures(days: StationDays) -> list[Path]:
    return sorted((days.layout.root / "failures").rglob("*.json"))
