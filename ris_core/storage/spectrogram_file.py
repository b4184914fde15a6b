"""The HDF5 file of spectrograms: of a station-day, and of a training set.

A head comes before the HDF5 part (`ris_core.storage.head`). Number of events, provenance and summary are read from it
alone, and all bytes are compared with its digest before the library reads them. Files of earlier versions have no head;
a separate process walks through them first (`ris_core.storage.hdf5_probe`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from ris_core.config import PAPER_INPUT
from ris_core.contracts.events import Events
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.stamp import Stamp
from ris_core.storage import hdf5
from ris_core.storage.array_digest import ArraysDigest, digest_of_arrays
from ris_core.storage.atomic import replacing
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.finite import check_finite, first_not_finite
from ris_core.storage.head import read_head, room_for, write_head
from ris_core.storage.opened_file import open_checked, opened
from ris_core.storage.rounding import KEPT_BITS, LARGEST_RELATIVE_ERROR, round_mantissa

# One chunk is 557 kB: it fits HDF5's default chunk cache of 1 MB, and one event is read without unpacking many others.
CHUNK = 16
_WRITE_BLOCK = 1024
_DIGITS = 12  # of a digest of content


@dataclass(frozen=True)
class SpectrogramInfo:
    """Number of events, provenance and summary of a spectrogram file."""

    events: int
    stamp: Stamp | None
    content: str
    summary: dict[str, Any]


def write_spectrograms(
    path: Path,
    data: Events,
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

    Raises
    ------
    NotFiniteError
        A spectrogram or a waveform is not finite; an existing file is kept.
    """
    columns: list[NDArray[Any]] = [data.waveform, data.time_peak, data.window_start, *extra.values()]
    size = 4 * math.prod(data.spectrogram.shape) + sum(column.nbytes for column in columns)
    info = {"events": data.spectrogram.shape[0], **stamp.as_dict(), "content": _DIGITS * "0", "summary": summary or {}}
    room = room_for(info)
    with replacing(path) as temporary:
        with hdf5.written(temporary, size, room) as file:
            content = _fill(file, data, waveform_note, extra)
            file.attrs.update(stamp.as_dict() | {"content": content, "settings_json": settings_json})
            file.attrs["summary_json"] = json.dumps(summary or {}, sort_keys=True)
        write_head(temporary, info | {"content": content}, room)
    return content


def _fill(file: h5py.File, data: Events, note: str, extra: dict[str, NDArray[Any]]) -> str:
    """Write all datasets and return the digest of the content."""
    digest = ArraysDigest()
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
        check_finite("spectrogram", rounded, data.event_id[start:])
        images[start : start + len(rounded)] = rounded
        digest.update(rounded)
    # The first name is that of the netCDF library for this kind of rounding.
    images.attrs["_QuantizeBitRoundNumberOfSignificantBits"] = KEPT_BITS
    images.attrs["largest_relative_error"] = LARGEST_RELATIVE_ERROR
    images.dims[1].attach_scale(frequency)
    images.dims[2].attach_scale(time)
    check_finite("waveform", data.waveform, data.event_id)
    waves = _dataset(file, "waveform", data.waveform, data.unit, "Conditioned samples behind the spectrogram")
    waves.attrs.update({"sampling_rate": data.sampling_rate, "sampling_rate_unit": "Hz"})
    if note:
        waves.attrs["note"] = note
    names = _encoded(data.event_id)
    file.create_dataset("event_id", data=names.astype(h5py.string_dtype("utf-8", names.dtype.itemsize)))
    _dataset(file, "time_peak", data.time_peak, "ns since 1970-01-01 UTC", "Peak of the detection")
    _dataset(file, "window_start", data.window_start, "ns since 1970-01-01 UTC", "First sample of the waveform")
    for name, values in extra.items():
        file.create_dataset(name, data=values)
    for column in _columns(data):
        digest.begin(column.shape, column.dtype)
        digest.update(column)
    return digest.text()


def power_unit(unit: str) -> str:
    """Return the unit of a power spectral density of samples in ``unit``."""
    return f"({unit})^2/Hz" if "/" in unit else f"{unit}^2/Hz"


def _encoded(names: tuple[str, ...]) -> NDArray[np.bytes_]:
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def content_digest(data: Events) -> str:
    """Return the digest over values, times and identifiers of all events, as it is kept in the file."""
    return digest_of_arrays(data.spectrogram, *_columns(data))


def _columns(data: Events) -> tuple[NDArray[Any], ...]:
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
    # checksum protects from Bitshuffle's reading of a damaged file, which would end the process.
    codec = hdf5plugin.Bitshuffle(nelems=8192, cname="lz4")
    return {"chunks": (min(CHUNK, shape[0]), *shape[1:]), "fletcher32": True, **codec}


def _dataset(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values, **layout(values.shape))
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def read_info(path: Path) -> SpectrogramInfo:
    """Return number of events and provenance, from the head alone where there is one.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or its head is damaged; its data are not read.
    """
    head = read_head(path)
    with hdf5.reading(path):
        if head is not None:
            return _info(int(head["events"]), head, head["summary"])
        with open_checked(path) as file:
            attributes = file.attributes
            return _info(file.events, attributes, json.loads(attributes.get("summary_json", "{}")))


def _info(events: int, said: Mapping[str, Any], summary: Any) -> SpectrogramInfo:
    if not isinstance(summary, dict):
        raise TypeError("its summary is not a mapping")
    return SpectrogramInfo(events, Stamp.from_mapping(said), str(said.get("content", "")), summary)


def read_spectrograms(path: Path, rows: slice | NDArray[np.int64] | None = None) -> Events:
    """Read all events of a file, or the given rows in increasing order.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged; if all events are read, files without a head are compared
        with the digest of their content.
    """
    selected = slice(None) if rows is None else rows
    with open_checked(path) as file, file.reading(selected):
        names = file["event_id"].asstr()
        names = names[selected] if isinstance(selected, slice) else names[:][selected]
        found = Events(
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
        if rows is None and file.is_old and content_digest(found) != file.attributes.get("content", ""):
            raise DamagedFileError(path, "its content does not match its digest")
        return found


def read_rows(path: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read only the spectrograms (n, F, T) of rows in increasing order; errors are those of `read_spectrograms`."""
    with open_checked(path) as file, file.reading(rows):
        return _rows(file["spectrogram"], rows)


class KeptOpen:
    """The spectrograms of a file that stays open, so that it can be read to the end although another replaces it."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the spectrograms (n, F, T) of rows in increasing order."""
        with self._file.reading(rows):
            return _rows(self._file["spectrogram"], rows)


def shape_of_one(path: Path) -> tuple[int, int]:
    """Return the number of frequencies and of times of a file's spectrograms."""
    with open_checked(path) as file, file.reading():
        _, frequencies, times = file["spectrogram"].shape
        return int(frequencies), int(times)


def input_spec_of(path: Path) -> InputSpec:
    """Return the properties of a file's spectrograms as the input of a network.

    Size and sampling rate come from its data, components from its event ids (none if it has no events), and band and
    window from the settings in the file. Files of imported events do not have these settings; they are the paper's.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged.
    """
    with open_checked(path) as file, file.reading():
        _, frequencies, times = file["spectrogram"].shape
        # NET.STA.LOC.CHANNEL.TIME
        channels = {str(name).split(".")[3] for name in file["event_id"].asstr()[:]}
        made_with = json.loads(file.attributes.get("settings_json", "{}")).get("spectrogram", {})
        low, high = PAPER_INPUT.band
        return InputSpec(
            components=tuple(sorted({channel[-1:] for channel in channels})),
            frequencies=int(frequencies),
            times=int(times),
            sampling_rate=float(file["waveform"].attrs["sampling_rate"]),
            band=(float(made_with.get("frequency_low", low)), float(made_with.get("frequency_high", high))),
            window=float(made_with.get("duration", PAPER_INPUT.window)),
        )


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
    """Read one dataset that has one value per event; errors are those of `read_spectrograms`."""
    with open_checked(path) as file, file.reading():
        return np.asarray(file[name].asstr()[:] if name == "event_id" else file[name][:])


def iterate_spectrograms(path: Path, block: int, name: str = "spectrogram") -> Iterator[NDArray[np.float32]]:
    """Read only the spectrograms (or ``waveform``), in blocks of at most ``block`` events, in the order of the file.

    Blocks begin where chunks do if they can hold one, so that each chunk is unpacked once.
    """
    with open_checked(path) as file:
        with file.reading():
            dataset = file[name]
        step = block
        if dataset.chunks is not None and block > dataset.chunks[0]:
            step -= block % dataset.chunks[0]
        for start in range(0, file.events, step):
            with file.reading():
                part = np.empty((min(step, file.events - start), *dataset.shape[1:]), np.float32)
                dataset.read_direct(part, np.s_[start : start + len(part)])
            yield part


def verify(path: Path) -> bool:
    """Return whether the file exists, can be read, and matches the digest of its content.

    Raises
    ------
    OSError
        The file could not be read because of too little memory, missing rights or the like; it may be sound.
    """
    try:
        return content_digest(read_spectrograms(path)) == read_info(path).content
    except (DamagedFileError, FileNotFoundError):
        return False


def not_finite(path: Path) -> str:
    """Return in words which spectrogram or waveform of a file is not finite; empty if all are."""
    for name in ("spectrogram", "waveform"):
        for place, values in enumerate(iterate_spectrograms(path, _WRITE_BLOCK, name)):
            if row := first_not_finite(values):
                return f"its {name} {place * _WRITE_BLOCK + row} is not finite"
    return ""
