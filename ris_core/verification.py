"""Reads everything that stands, and says which files are not what was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS, StationDay
from ris_core.progress import track
from ris_core.storage import parquet_file, spectrogram_file, tables
from ris_core.storage.damage import MODEL_AGAIN, REMADE, DamagedFileError, check_regular
from ris_core.storage.head import check_bytes
from ris_core.storage.json_records import read_json
from ris_core.storage.store import Store
from ris_core.storage.tensors import read_arrays
from ris_core.waveforms.stored_response import read_stored_inventory

Check = Callable[[Path], object]
"""Reads all of a file; raises `DamagedFileError` if it is not what was written."""


def damaged_files(store: Store, keys: Iterable[StationDay]) -> Iterator[OSError]:
    """Read every product of station-days and yield what is wrong with each that is not what was written.

    What is out of date is told by stamps alone, which takes milliseconds; this reads all bytes, so it is done by hand.

    Parameters
    ----------
    store, keys
        Where to look. What was never made is passed over.

    Yields
    ------
    OSError
        `DamagedFileError` for a damaged file, another one for a file that could not be looked at.
    """
    wanted = list(keys)
    for station in dict.fromkeys(key.station for key in wanted):
        yield from _wrong(store.inventory(station), read_stored_inventory)
    for key in track(wanted, "reading what is there", unit="station-day"):
        for path, check in _of_station_day(store, key):
            yield from _wrong(path, check)


def damaged_models(store: Store) -> Iterator[OSError]:
    """Read what lies outside of station-days (training, models, choices, analysis); yields as `damaged_files`."""
    for folder in ("training", "models", "analysis"):
        for path in sorted((store.root / folder).rglob("*")):
            if not path.name.startswith(".") and (check := _check_of(store, path)) is not None:
                yield from _wrong(path, check)


def _wrong(path: Path, check: Check) -> Iterator[OSError]:
    try:
        check_regular(path)
        check(path)
    except FileNotFoundError:
        return  # never made, or gone in the meantime
    except OSError as error:
        yield error
    except MemoryError as error:
        yield OSError(f"{path}: there is too little memory to read it ({error})")
    except Exception as error:  # noqa: BLE001 - readers name damage themselves: this is ours, and no reason to remove a file
        yield OSError(f"{path}: a fault of the platform kept it from being checked ({type(error).__name__}: {error})")


def _of_station_day(store: Store, key: StationDay) -> Iterator[tuple[Path, Check]]:
    yield store.acquisition(key), lambda _: store.days.acquire.read(key)
    yield store.waveform(key), lambda path: _check_waveform(path, store, key)
    yield from ((store.failure(stage, key), _failure_check(store, stage, key)) for stage in store.days.stages)
    yield store.detections(key), lambda path: _check_product(path, store, key)
    yield store.spectrograms(key), lambda path: _check_product(path, store, key)
    yield store.labels(key), lambda path: _check_labels(path, store, key)


def _failure_check(store: Store, stage: str, key: StationDay) -> Check:
    return lambda _: store.journal.read(stage, key)


def _check_waveform(path: Path, store: Store, key: StationDay) -> None:
    """Raise `DamagedFileError` if a stored raw file has not the samples that were recorded."""
    from ris_core.waveforms.stored import read_checked

    if not path.exists():
        return
    try:
        found = store.days.acquire.read(key)
    except DamagedFileError:
        return  # said already; the station-day is acquired again
    if found is not None:
        read_checked(path, key, store.settings.conditioning.padding, found)


def _check_product(path: Path, store: Store, key: StationDay) -> None:
    """Raise `DamagedFileError` if a product has changed, or was not made from the input that stands."""
    if path == store.detections(key):
        tables.verify(path)
        stamp = tables.read_stamp(path)[0]
        _check_owner_of_table(path, store, key)
    else:
        _check_spectrograms(path)
        stamp = spectrogram_file.read_info(path).stamp
        names, times = (spectrogram_file.read_column(path, name) for name in ("event_id", "time_peak"))
        _check_owner(path, store, key, names, times)
    try:
        expected = store.days.process.expected_stamp(key)
    except OSError:
        return  # what is wrong with the acquisition or the response is said elsewhere
    if stamp is None or (stamp.settings, stamp.version) != (expected.settings, expected.version):
        return  # out of date, which `ris status` tells
    if stamp.inputs != expected.inputs:
        raise DamagedFileError(path, "it was made from other samples or another response than stand now")


def _check_labels(path: Path, store: Store, key: StationDay) -> None:
    """Raise `DamagedFileError` if a label table has changed; which are out of date, `ris status` tells."""
    tables.verify(path)
    _check_owner_of_table(path, store, key)


def _check_owner_of_table(path: Path, store: Store, key: StationDay) -> None:
    table = tables.read_table(path, ["event_id", "time_peak"])
    _check_owner(path, store, key, table["event_id"].to_numpy(), table["time_peak"].to_numpy(np.int64))


def _check_owner(path: Path, store: Store, key: StationDay, names: NDArray[Any], times: NDArray[np.int64]) -> None:
    """Raise `DamagedFileError` if events are of another station-day: a sound file in the place of another."""
    margin = round(store.settings.conditioning.padding * NS)  # an event of 23:59:59 may have its peak after midnight
    stations = np.array([str(name).split(".")[1] for name in names], dtype=object)
    other = (stations != key.station) | (times < key.start_ns) | (times >= key.end_ns + margin)
    if other.any():
        name = names[other.argmax()]
        raise DamagedFileError(path, f"{other.sum()} of its {len(names)} events are of another station-day, as {name}")


def _check_spectrograms(path: Path) -> None:
    if not check_bytes(path):
        spectrogram_file.read_spectrograms(path)  # one of an earlier version, which has a digest of what it holds alone
    # Earlier versions stored what a broken response had made NaN.
    if why := spectrogram_file.not_finite(path):
        raise DamagedFileError(path, why)


def _check_table(path: Path) -> None:
    metadata, _ = parquet_file.read_metadata(path)
    if b"content" in (metadata.metadata or {}):
        tables.verify(path)
    else:
        parquet_file.read_rows(path)  # `availability`, which is a report


_BY_SUFFIX: dict[str, Check] = {
    ".json": read_json,
    ".parquet": _check_table,
    ".h5": _check_spectrograms,
}


def _check_of(store: Store, path: Path) -> Check | None:
    """Return what reads a file outside of station-days; none for what is no product, or is read with another file."""
    from ris_core.clustering.champion import read_champion
    from ris_core.models.imported_models import IMPORT_AGAIN
    from ris_core.models.weights import JSON_FILE, WEIGHTS_FILE

    if path == store.champion:
        return lambda _: read_champion(store)
    # What the platform does not make again by itself is not to be removed.
    remedy = REMADE
    if path.is_relative_to(store.imported("")):
        remedy = IMPORT_AGAIN
    elif path.is_relative_to(store.champion_model("")):
        remedy = MODEL_AGAIN
    if path.name == JSON_FILE:
        return lambda _: _check_model(store, path.parent, remedy)
    if path.name == WEIGHTS_FILE:
        return None
    if path.suffix == ".safetensors":
        return lambda _: read_arrays(path, remedy)
    return _BY_SUFFIX.get(path.suffix)


def _check_model(store: Store, folder: Path, remedy: str) -> None:
    """Raise `DamagedFileError` if a model is not what was written, or is another than its folder says."""
    from ris_core.clustering.champion_files import load_copy
    from ris_core.clustering.dec_models import read_dec
    from ris_core.models.weights import require_sound
    from ris_core.training.trials import read_trial

    require_sound(folder, remedy)
    # A folder of another name is someone's own copy.
    if folder.parent == store.champion_model("x").parent and re.fullmatch(r"k\d+-[0-9a-f]{12}", folder.name):
        load_copy(folder)
    elif folder in map(store.aec, store.settings.aec.grid.trials()):
        read_trial(store, folder.name)
    elif folder in map(store.dec, store.settings.dec.k):
        read_dec(store, int(folder.name.removeprefix("k=")))
