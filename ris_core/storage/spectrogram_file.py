"""The HDF5 file of spectrograms: of a station-day, and of a training set."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from ris_core.processing.chain import Spectrograms
from ris_core.storage.hdf5 import created
from ris_core.storage.stamp import ArraysDigest, Stamp, digest_of_arrays

# One chunk is 557 kB: it fits HDF5's default chunk cache of 1 MB, and one event is read without unpacking many others.
CHUNK = 16
KEPT_BITS = 17
LARGEST_RELATIVE_ERROR = 2.0 ** -(KEPT_BITS + 1)
_MANTISSA = 23
_WRITE_BLOCK = 1024


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
    waveform_note: str = "",
    **extra: NDArray[Any],
) -> str:
    """Write spectrograms atomically and return the digest of their content.

    The spectrograms are rounded to `KEPT_BITS` bits of mantissa (see `round_mantissa`); all else is kept as it is.

    Parameters
    ----------
    path, data, stamp
        Where, what, and how it was made.
    settings_json
        The settings sections behind the stamp, for people who open the file.
    summary
        Figures of the making (numbers and short texts), kept with the file.
    waveform_note
        What is particular about the waveforms, kept as their attribute ``note``.
    **extra
        Further datasets with one value per event.
    """
    digest = ArraysDigest()
    columns: list[NDArray[Any]] = [data.waveform, data.time_peak, data.window_start, *extra.values()]
    size = 4 * math.prod(data.spectrogram.shape) + sum(column.nbytes for column in columns)
    with created(path, size) as file:
        frequency = _scale(file, "frequency", data.frequency, "Hz", "Frequency of the bins")
        time = _scale(file, "time", data.time, "s", "Time of the columns from the first one")
        unit = power_unit(data.unit)
        shape = data.spectrogram.shape
        images = file.create_dataset("spectrogram", shape, np.float32, **layout(shape))
        images.attrs.update({"unit": unit, "title": "One-sided power spectral density"})
        digest.begin(shape, np.dtype(np.float32))
        # Block by block: a training set may be greater than the memory.
        for start in range(0, shape[0], _WRITE_BLOCK):
            rounded = round_mantissa(data.spectrogram[start : start + _WRITE_BLOCK])
            images[start : start + len(rounded)] = rounded
            digest.update(rounded)
        # The first name is that of the netCDF library for this kind of rounding.
        images.attrs["_QuantizeBitRoundNumberOfSignificantBits"] = KEPT_BITS
        images.attrs["largest_relative_error"] = LARGEST_RELATIVE_ERROR
        images.dims[1].attach_scale(frequency)
        images.dims[2].attach_scale(time)
        waves = _dataset(file, "waveform", data.waveform, data.unit, "Conditioned samples behind the spectrogram")
        waves.attrs.update({"sampling_rate": data.sampling_rate, "sampling_rate_unit": "Hz"})
        if waveform_note:
            waves.attrs["note"] = waveform_note
        names = _encoded(data.event_id)
        file.create_dataset("event_id", data=names.astype(h5py.string_dtype("utf-8", names.dtype.itemsize)))
        _dataset(file, "time_peak", data.time_peak, "ns since 1970-01-01 UTC", "Peak of the detection")
        _dataset(file, "window_start", data.window_start, "ns since 1970-01-01 UTC", "First sample of the waveform")
        for name, values in extra.items():
            file.create_dataset(name, data=values)
        for column in _columns(data):
            digest.begin(column.shape, column.dtype)
            digest.update(column)
        content = digest.text()
        file.attrs.update(stamp.as_dict() | {"content": content, "settings_json": settings_json})
        file.attrs["summary_json"] = json.dumps(summary or {}, sort_keys=True)
    return content


def round_mantissa(values: NDArray[np.float32], bits: int = KEPT_BITS) -> NDArray[np.float32]:
    """Return the values rounded to the nearest that have only ``bits`` explicit bits of mantissa.

    The relative error is at most 2^-(bits + 1) for normal numbers; rounding again changes nothing. The zeros left
    at the end of each number are what makes noisy values compressible.

    Parameters
    ----------
    values
        Any shape, float32. They are not changed.
    bits
        1 to 22.

    References
    ----------
    Klöwer et al. (2021), Compressing atmospheric data into its real information content, Nature Computational Science,
    10.1038/s43588-021-00156-2 ("BitRound").
    """
    if not 1 <= bits < _MANTISSA:
        raise ValueError(f"bits={bits}: a float32 can be rounded to 1 to {_MANTISSA - 1} bits of mantissa")
    dropped = _MANTISSA - bits
    rounded = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) + np.uint32(1 << (dropped - 1))
    rounded &= np.uint32(2**32 - (1 << dropped))
    result = rounded.view(np.float32)
    # The carry turns the greatest numbers into infinity, and some NaN into zero.
    if values.size and not np.isfinite(result.max() - result.min()):
        np.copyto(result, values, where=~(np.isfinite(values) & np.isfinite(result)))
    return result


def power_unit(unit: str) -> str:
    """Return the unit of a power spectral density of samples in ``unit``."""
    return f"({unit})^2/Hz" if "/" in unit else f"{unit}^2/Hz"


def _encoded(names: tuple[str, ...]) -> NDArray[np.bytes_]:
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def content_digest(data: Spectrograms) -> str:
    """Return the digest over values, times and identifiers of all events, as it is kept in the file."""
    return digest_of_arrays(data.spectrogram, *_columns(data))


def _columns(data: Spectrograms) -> tuple[NDArray[Any], ...]:
    return data.waveform, data.time_peak, data.window_start, _encoded(data.event_id)


def _scale(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values)
    dataset.make_scale(name)
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def layout(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return chunks and filter of a dataset of this shape: h5py's arguments; none for columns and for no events."""
    if len(shape) < 2 or not shape[0]:
        return {}
    # Chosen by `bench.spectrogram_file`. Bitshuffle cuts a chunk into blocks of 8,192 values, about one event. The
    # checksum stands between a damaged file and Bitshuffle, which would end the process.
    codec = hdf5plugin.Bitshuffle(nelems=8192, cname="lz4")
    return {"chunks": (min(CHUNK, shape[0]), *shape[1:]), "fletcher32": True, **codec}


def _dataset(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values, **layout(values.shape))
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def read_info(path: Path) -> SpectrogramInfo:
    """Return number of events and provenance; raises `OSError` naming the file if it is not a spectrogram file."""
    with _open(path) as file:
        attributes = file.attrs
        return SpectrogramInfo(
            events=int(file["spectrogram"].shape[0]),
            stamp=Stamp.from_mapping(attributes),
            content=str(attributes.get("content", "")),
            summary=json.loads(attributes.get("summary_json", "{}")),
        )


def read_spectrograms(path: Path, rows: slice | NDArray[np.int64] | None = None) -> Spectrograms:
    """Read all events of a file, or the given rows in increasing order."""
    selected = slice(None) if rows is None else rows
    with _open(path) as file:
        names = file["event_id"].asstr()
        names = names[selected] if isinstance(selected, slice) else names[:][selected]
        return Spectrograms(
            spectrogram=_rows(file["spectrogram"], selected),
            waveform=_rows(file["waveform"], selected),
            frequency=file["frequency"][:],
            time=file["time"][:],
            event_id=tuple(str(name) for name in names),
            time_peak=_rows(file["time_peak"], selected),
            window_start=_rows(file["window_start"], selected),
            sampling_rate=float(file["waveform"].attrs["sampling_rate"]),
            unit=str(file["waveform"].attrs["unit"]),
        )


def read_rows(path: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read only the spectrograms (n, F, T) of rows in increasing order."""
    with _open(path) as file:
        return _rows(file["spectrogram"], rows)


class KeptOpen:
    """The spectrograms of a file that stays open: it is read to the end although another takes its place meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _open(path):
            self._file = h5py.File(path, "r")

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the spectrograms (n, F, T) of rows in increasing order."""
        with _damage_named(self._path):
            return _rows(self._file["spectrogram"], rows)


def shape_of_one(path: Path) -> tuple[int, int]:
    """Return the number of frequencies and of times of a file's spectrograms."""
    with _open(path) as file:
        _, frequencies, times = file["spectrogram"].shape
        return int(frequencies), int(times)


def _rows(dataset: h5py.Dataset, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
    if isinstance(rows, slice):
        return np.asarray(dataset[rows])
    if dataset.chunks is None:
        return np.asarray(dataset[:][rows])
    result = np.empty((len(rows), *dataset.shape[1:]), dataset.dtype)
    if len(rows) and np.all(np.diff(rows) == 1):
        dataset.read_direct(result, np.s_[int(rows[0]) : int(rows[-1]) + 1])
        return result
    # Chunk by chunk: HDF5's own selection of scattered rows takes milliseconds for each of them.
    bounds = [0, *(np.flatnonzero(np.diff(rows // dataset.chunks[0])) + 1), len(rows)]
    for start, end in pairwise(bounds):
        if group := rows[start:end].tolist():
            first = min(group)
            result[start:end] = dataset[first : max(group) + 1][np.array(group) - first]
    return result


def read_column(path: Path, name: str) -> NDArray[Any]:
    """Read one dataset that has one value per event."""
    with _open(path) as file:
        return np.asarray(file[name].asstr()[:] if name == "event_id" else file[name][:])


def iterate_spectrograms(path: Path, block: int) -> Iterator[NDArray[np.float32]]:
    """Read only the spectrograms, in blocks of at most ``block`` events, in the order of the file.

    Blocks begin where chunks do if they can hold one, so that each chunk is unpacked once.
    """
    with _open(path) as file:
        dataset = file["spectrogram"]
        step = block
        if dataset.chunks is not None and block > dataset.chunks[0]:
            step -= block % dataset.chunks[0]
        for start in range(0, dataset.shape[0], step):
            part = np.empty((min(step, dataset.shape[0] - start), *dataset.shape[1:]), np.float32)
            dataset.read_direct(part, np.s_[start : start + len(part)])
            yield part


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise OSError(f"{path}: cannot be read as a spectrogram file ({error})") from error
    with file:
        if "spectrogram" not in file:
            raise OSError(f"{path}: not a spectrogram file: it has no dataset /spectrogram")
        with _damage_named(path):
            yield file


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(f"{path}: damaged ({error}); remove it, and it will be made again") from error


def verify(path: Path) -> bool:
    """Return whether the content can be read and still has the digest it was written with."""
    try:
        return content_digest(read_spectrograms(path)) == read_info(path).content
    except (OSError, KeyError, ValueError):
        return False
