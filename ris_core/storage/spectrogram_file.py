"""The HDF5 file of spectrograms: of a station-day, and of a training set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from ris_core.processing.chain import Spectrograms
from ris_core.storage.atomic import replacing
from ris_core.storage.stamp import Stamp, digest_of_arrays

_CHUNK = 16


@dataclass(frozen=True)
class SpectrogramInfo:
    """Number of events, provenance and summary of a spectrogram file."""

    events: int
    stamp: Stamp | None
    content: str
    summary: dict[str, Any]


def write_spectrograms(
    path: Path,
    data: Spectrograms,
    stamp: Stamp,
    settings_json: str,
    summary: dict[str, Any] | None = None,
    **extra: NDArray[Any],
) -> str:
    """Write spectrograms atomically and return the digest of their content.

    Parameters
    ----------
    path, data, stamp
        Where, what, and how it was made.
    settings_json
        The settings sections behind the stamp, for people who open the file.
    summary
        Figures of the making (numbers and short texts), kept with the file.
    **extra
        Further datasets with one value per event.
    """
    content = _content_digest(data)
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        frequency = _scale(file, "frequency", data.frequency, "Hz", "Frequency of the bins")
        time = _scale(file, "time", data.time, "s", "Time of the columns from the first one")
        images = _dataset(file, "spectrogram", data.spectrogram, "counts^2/Hz", "One-sided power spectral density")
        images.dims[1].attach_scale(frequency)
        images.dims[2].attach_scale(time)
        waves = _dataset(file, "waveform", data.waveform, "counts", "Conditioned samples behind the spectrogram")
        waves.attrs.update({"sampling_rate": data.sampling_rate, "sampling_rate_unit": "Hz"})
        file.create_dataset("event_id", data=np.array(data.event_id, dtype=object), dtype=h5py.string_dtype())
        _dataset(file, "time_peak", data.time_peak, "ns since 1970-01-01 UTC", "Peak of the detection")
        _dataset(file, "window_start", data.window_start, "ns since 1970-01-01 UTC", "First sample of the waveform")
        for name, values in extra.items():
            file.create_dataset(name, data=values)
        file.attrs.update(stamp.as_dict() | {"content": content, "settings_json": settings_json})
        file.attrs["summary_json"] = json.dumps(summary or {}, sort_keys=True)
    return content


def _content_digest(data: Spectrograms) -> str:
    names = np.array([name.encode() for name in data.event_id], dtype=np.bytes_)
    return digest_of_arrays(data.spectrogram, data.waveform, data.time_peak, data.window_start, names)


def _scale(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values)
    dataset.make_scale(name)
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def _dataset(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    layout: dict[str, Any] = {}
    if values.shape[0] and values.ndim > 1:
        layout = {"chunks": (min(_CHUNK, values.shape[0]), *values.shape[1:]), **hdf5plugin.Blosc("zstd", clevel=1)}
    dataset = file.create_dataset(name, data=values, **layout)
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def read_info(path: Path) -> SpectrogramInfo:
    """Return number of events and provenance; raises `OSError` naming the file if it is not a spectrogram file."""
    with _open(path) as file:
        return SpectrogramInfo(
            events=int(file["spectrogram"].shape[0]),
            stamp=Stamp.from_mapping(file.attrs),
            content=str(file.attrs.get("content", "")),
            summary=json.loads(file.attrs.get("summary_json", "{}")),
        )


def read_spectrograms(path: Path, rows: slice | NDArray[np.int64] | None = None) -> Spectrograms:
    """Read all events of a file, or the given rows in increasing order."""
    with _open(path) as file:
        selected: Any = slice(None) if rows is None else rows
        names = file["event_id"].asstr()[selected]
        return Spectrograms(
            spectrogram=file["spectrogram"][selected],
            waveform=file["waveform"][selected],
            frequency=file["frequency"][:],
            time=file["time"][:],
            event_id=tuple(str(name) for name in names),
            time_peak=file["time_peak"][selected],
            window_start=file["window_start"][selected],
            sampling_rate=float(file["waveform"].attrs["sampling_rate"]),
        )


def read_column(path: Path, name: str) -> NDArray[Any]:
    """Read one dataset that has one value per event."""
    with _open(path) as file:
        return np.asarray(file[name].asstr()[:] if name == "event_id" else file[name][:])


def iterate_spectrograms(path: Path, block: int) -> Iterator[NDArray[np.float32]]:
    """Read only the spectrograms, in blocks of at most ``block`` events, in the order of the file."""
    with _open(path) as file:
        dataset = file["spectrogram"]
        for start in range(0, dataset.shape[0], block):
            yield dataset[start : start + block]


def _open(path: Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise OSError(f"{path}: cannot be read as a spectrogram file ({error})") from error
    if "spectrogram" not in file:
        file.close()
        raise OSError(f"{path}: not a spectrogram file: it has no dataset /spectrogram")
    return file


def verify(path: Path) -> bool:
    """Return whether the content can be read and still has the digest it was written with."""
    try:
        return _content_digest(read_spectrograms(path)) == read_info(path).content
    except (OSError, KeyError, ValueError):
        return False
