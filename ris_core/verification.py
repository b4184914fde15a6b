"""Reads every byte that was written, and names the files that are not what was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.candidate_name import CandidateName
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import NS, StationDay
from ris_core.progress import track
from ris_core.review.log import ReviewLog
from ris_core.review.log_lines import REMEDY as LOG_AGAIN
from ris_core.station_days.station_days import StationDays
from ris_core.storage import parquet_file, spectrogram_file, tables
from ris_core.storage.damage import MODEL_AGAIN, REMADE, DamagedFileError, check_regular
from ris_core.storage.head import check_bytes
from ris_core.storage.journal import Journal
from ris_core.storage.json_records import read_json
from ris_core.storage.layout import Layout
from ris_core.storage.tensors import read_arrays
from ris_core.waveforms.stored import read_checked
from ris_core.waveforms.stored_response import read_stored_inventory

_VERSION = r"([a-z0-9_]+-[a-z0-9_]+-)?k\d+-[0-9a-f]{12}"
"""Versions of models (`ClusterModel.version`), after which the copies of champions are named."""
Reader = Callable[[Path], object]
"""Reads all of a file; raises `DamagedFileError` if it is not what was written."""


def damaged_files(network: StationDays, keys: Iterable[StationDay]) -> Iterator[OSError]:
    """Read every product of station-days, and yield an error for each that is not what was written.

    All bytes are read, which takes long. Whether a product is out of date is seen from its stamp alone.

    Parameters
    ----------
    network, keys
        The network, and the station-days to read. Products that were never made are skipped.

    Yields
    ------
    OSError
        `DamagedFileError` for a damaged file, another error for a file that cannot be read.
    """
    wanted = list(keys)
    for station in dict.fromkeys(key.station for key in wanted):
        yield from _wrong(network.layout.inventory(station), read_stored_inventory)
    for key in track(wanted, "reading all files", unit="station-day"):
        for path, reader in _readers_of(network, key).items():
            yield from _wrong(path, reader)


def damaged_models(layout: Layout, trials: Collection[str], counts: Collection[int]) -> Iterator[OSError]:
    """Read all other files (training, models, analysis, catalogue, series, reviews); yields as `damaged_files`.

    Parameters
    ----------
    layout
        The data root.
    trials, counts
        Trials and numbers of clusters of the settings: the models in their folders must be theirs.
    """
    for folder in ("training", "models", "analysis", "catalogue", "environment", "reviews"):
        for path in sorted((layout.root / folder).rglob("*")):
            if not path.name.startswith(".") and (reader := _reader_of(layout, path, trials, counts)) is not None:
                yield from _wrong(path, reader)


def _wrong(path: Path, reader: Reader) -> Iterator[OSError]:
    try:
        check_regular(path)
        reader(path)
    except FileNotFoundError:
        return  # it was never made, or was removed in the meantime
    except OSError as error:
        yield error
    except MemoryError as error:
        yield OSError(f"{path}: there is too little memory to read it ({error})")
    except Exception as error:  # noqa: BLE001 - readers name damage themselves; a fault of ours is no reason to remove a file
        yield OSError(f"{path}: a fault of the platform stopped its verification ({type(error).__name__}: {error})")


def _readers_of(network: StationDays, key: StationDay) -> dict[Path, Reader]:
    """Return all files that a station-day can have, each with its reader."""
    layout = network.layout
    found: dict[Path, Reader] = {}
    for name, stage in network.stages.items():
        found[layout.failure(name, key)] = _failure_reader(network.journal, name, key)
        found |= {path: reader for path in stage.products(key) if (reader := _BY_SUFFIX.get(path.suffix))}
    for channel, path in network.acquire.raw_files(key).items():
        found[path] = _waveform_reader(network, key, channel)
    return found | {
        layout.acquisition(key): lambda _: network.acquire.read(key),
        layout.detections(key): lambda path: _read_detections(path, network, key),
        layout.live(key): lambda path: _read_live(path, network, key),
        layout.spectrograms(key): lambda path: _read_spectrograms_of(path, network, key),
        layout.attributes(key): lambda path: _read_table_of(path, network, key),
        layout.labels(key): lambda path: _read_table_of(path, network, key),
    }


def _failure_reader(journal: Journal, stage: str, key: StationDay) -> Reader:
    return lambda _: journal.read(stage, key)


def _waveform_reader(network: StationDays, key: StationDay, channel: str) -> Reader:
    def read(path: Path) -> None:
        """Raise `DamagedFileError` if a stored raw file does not have the samples that were recorded."""
        try:
            found = network.acquire.read(key)
        except DamagedFileError:
            return  # reported for the record; the station-day is acquired again
        of_channel = None if found is None else network.acquire.by_channel(found).get(channel)
        if of_channel is not None:
            read_checked(path, key, network.settings.conditioning.padding, of_channel)

    return read


def _read_detections(path: Path, network: StationDays, key: StationDay) -> None:
    _read_table_of(path, network, key)
    _require_present_input(path, tables.read_stamp(path)[0], network, key)


def _read_live(path: Path, network: StationDays, key: StationDay) -> None:
    """Raise `DamagedFileError` if live intervals have changed, or are of another station-day."""
    tables.verify(path)
    table = tables.read_table(path)
    start, end = (table[name].to_numpy(np.int64) for name in ("start", "end"))
    other = (table["station"].to_numpy() != key.station) | (start < key.start_ns) | (end > key.end_ns)
    if other.any():
        raise DamagedFileError(path, f"{other.sum()} of its {len(table)} intervals are of another station-day")
    _require_present_input(path, tables.read_stamp(path)[0], network, key)


def _read_spectrograms_of(path: Path, network: StationDays, key: StationDay) -> None:
    _read_spectrograms(path)
    names, times = (spectrogram_file.read_column(path, name) for name in ("event_id", "time_peak"))
    _require_events_of(path, network, key, names, times)
    _require_present_input(path, spectrogram_file.read_info(path).stamp, network, key)


def _read_table_of(path: Path, network: StationDays, key: StationDay) -> None:
    """Raise `DamagedFileError` if a table has changed, or is of another station-day."""
    tables.verify(path)
    table = tables.read_table(path, ["event_id", "time_peak"])
    _require_events_of(path, network, key, table["event_id"].to_numpy(), table["time_peak"].to_numpy(np.int64))


def _require_present_input(path: Path, stamp: Stamp | None, network: StationDays, key: StationDay) -> None:
    """Raise `DamagedFileError` if a product of the present settings was not made from the present input."""
    try:
        expected = network.process.expected_stamp(key)
    except OSError:
        return  # reported for the record or the response
    if stamp is None or (stamp.settings, stamp.version) != (expected.settings, expected.version):
        return  # out of date
    if stamp.inputs != expected.inputs:
        raise DamagedFileError(path, "it was not made from the samples and the response that are there")


def _require_events_of(
    path: Path, network: StationDays, key: StationDay, names: NDArray[Any], times: NDArray[np.int64]
) -> None:
    """Raise `DamagedFileError` if events are of another station-day: an intact file that has replaced another one."""
    # An event of 23:59:59 may have its peak after midnight.
    margin = round(network.settings.conditioning.padding * NS)
    stations = np.array([str(name).split(".")[1] for name in names], dtype=object)
    other = (stations != key.station) | (times < key.start_ns) | (times >= key.end_ns + margin)
    if other.any():
        name = names[other.argmax()]
        raise DamagedFileError(path, f"{other.sum()} of its {len(names)} events are of another station-day, as {name}")


def _read_spectrograms(path: Path) -> None:
    if not check_bytes(path):
        spectrogram_file.read_spectrograms(path)  # of an earlier version, which has only a digest of its content
    # Earlier versions stored NaN that came from a broken response.
    if why := spectrogram_file.not_finite(path):
        raise DamagedFileError(path, why)


def _read_table(path: Path) -> None:
    metadata, _ = parquet_file.read_metadata(path)
    if b"content" in (metadata.metadata or {}):
        tables.verify(path)
    else:
        parquet_file.read_rows(path)  # the report `availability`


_BY_SUFFIX: dict[str, Reader] = {
    ".json": read_json,
    ".parquet": _read_table,
    ".h5": _read_spectrograms,
}


def _reader_of(layout: Layout, path: Path, trials: Collection[str], counts: Collection[int]) -> Reader | None:
    """Return the reader of a file outside of station-days; none if it is not a product or is read with another file."""
    from ris_core.clustering.champion import read_champion
    from ris_core.models.imported_models import IMPORT_AGAIN
    from ris_core.models.model_file import JSON_FILE, WEIGHTS_FILE

    if path == layout.champion:
        return lambda _: read_champion(layout)
    # The record of a log that was removed says so.
    if path == layout.reviews or (path == ReviewLog(layout.reviews).record and not layout.reviews.exists()):
        return lambda _: _read_reviews(layout.reviews)
    # Files that the platform does not make again automatically must not be removed.
    remedy = REMADE
    if path.is_relative_to(layout.imported("")):
        remedy = IMPORT_AGAIN
    elif path.is_relative_to(layout.champion_model("")):
        remedy = MODEL_AGAIN
    if path.name == JSON_FILE:
        return lambda _: _read_model(layout, path.parent, remedy, trials, counts)
    if path.name == WEIGHTS_FILE:
        return None
    if path.suffix == ".safetensors":
        return lambda _: read_arrays(path, remedy)
    return _BY_SUFFIX.get(path.suffix)


def _read_reviews(path: Path) -> None:
    """Raise `DamagedFileError` if a decision has changed, or the last ones are missing."""
    if missing := ReviewLog(path).read().missing:
        raise DamagedFileError(path, missing, LOG_AGAIN)


def _read_model(layout: Layout, folder: Path, remedy: str, trials: Collection[str], counts: Collection[int]) -> None:
    """Raise `DamagedFileError` if a model does not match its digest, or is not the one that its folder names."""
    from ris_core.clustering.candidate_models import read_candidate
    from ris_core.clustering.champion_files import load_copy
    from ris_core.models.model_file import require_sound
    from ris_core.registry import UnknownKindError
    from ris_core.representations.fitted import read_fitted
    from ris_core.training.trials import read_trial

    require_sound(folder, remedy)
    # A folder with another name is a copy that a user made.
    if folder.parent == layout.champion_model("x").parent and re.fullmatch(_VERSION, folder.name):
        with suppress(UnknownKindError):  # sound, but of a plug-in that is not installed here
            load_copy(folder)
    elif folder in map(layout.aec, trials):
        read_trial(layout, folder.name)
    elif (name := _representation_of(layout, folder)) is not None:
        read_fitted(layout, name)
    elif (candidate := _candidate_of(layout, folder)) is not None and candidate[1] in counts:
        read_candidate(layout, *candidate)


def _representation_of(layout: Layout, folder: Path) -> str | None:
    """Return the name of a folder's representation; none if it is another folder."""
    with suppress(ValueError):
        return folder.parent.name if folder == layout.representation(folder.parent.name) else None
    return None


def _candidate_of(layout: Layout, folder: Path) -> tuple[CandidateName, int] | None:
    """Return candidate and K of a folder of models; none if it is another folder."""
    found = re.fullmatch(r"models/([^/]+/[^/]+)/k=(\d+)", layout.relative(folder))
    with suppress(ValueError):
        return None if found is None else (CandidateName.of(found[1]), int(found[2]))
    return None
