"""Reading the HDF5 file of spectrograms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ris_core.config import PAPER_INPUT
from ris_core.contracts.events import PARTS, Events, Part, component_letters
from ris_core.contracts.input_spec import InputSpec
from ris_core.contracts.stamp import Stamp
from ris_core.storage import hdf5
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.finite import first_not_finite
from ris_core.storage.head import read_head
from ris_core.storage.opened_file import OpenedFile, open_checked, opened
from ris_core.storage.spectrogram_file.event_datasets import WRITE_BLOCK, content_digest, surroundings_digest

Rows = slice | NDArray[np.int64]


@dataclass(frozen=True)
class SpectrogramInfo:
    """What a spectrogram file says of itself.

    Attributes
    ----------
    events
        Number of events.
    stamp
        How it was made.
    content
        Digest of spectrograms, waveforms, times and identifiers.
    summary
        Figures of the making.
    surroundings
        Digest of context and noise spectra; empty if there are none.
    components
        Letters of several components; empty for one.
    """

    events: int
    stamp: Stamp | None
    content: str
    summary: dict[str, Any]
    surroundings: str = ""
    components: tuple[str, ...] = ()


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


def settings_of(path: Path) -> dict[str, Any]:
    """Return the settings sections with which the spectrograms were made, as plain values; empty if it has none.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged.
    """
    with open_checked(path) as file, file.reading():
        return dict(json.loads(file.attributes.get("settings_json", "{}")))


def _info(events: int, said: Mapping[str, Any], summary: Any) -> SpectrogramInfo:
    if not isinstance(summary, dict):
        raise TypeError("its summary is not a mapping")
    components = said.get("components", ())
    return SpectrogramInfo(
        events,
        Stamp.from_mapping(said),
        str(said.get("content", "")),
        summary,
        str(said.get("surroundings", "")),
        tuple(components.split(",") if isinstance(components, str) else components),
    )


def read_spectrograms(path: Path, rows: Rows | None = None, parts: Sequence[Part] = PARTS) -> Events:
    """Read all events of a file, or the given rows in increasing order.

    Parameters
    ----------
    path, rows
        The file; a slice of its events, or their numbers.
    parts
        Great arrays to read; others are left out (see `Events`). Those that the file does not have are None.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged; if all is read, files without a head are compared with
        the digests of what they hold.
    """
    with open_checked(path) as file:
        found = _read_events(file, slice(None) if rows is None else rows, parts)
        if rows is None and file.is_old and set(parts) == set(PARTS):
            kept = file.attributes
            if content_digest(found) != kept.get("content", ""):
                raise DamagedFileError(path, "its content does not match its digest")
            if surroundings_digest(found) != kept.get("surroundings", ""):
                raise DamagedFileError(path, "its context and noise spectra do not match their digest")
        return found


def _read_events(file: OpenedFile, rows: Rows, parts: Sequence[Part]) -> Events:
    with file.reading(rows):
        names = file["event_id"].asstr()
        names = names[rows] if isinstance(rows, slice) else names[:][rows]

        def great(name: Part) -> Any:
            if name in parts:
                return _rows(file[name], rows)
            return np.empty((len(names), *(len(file[name].shape) - 1) * [0]), np.float32)

        values: dict[str, Any] = {}
        if file.has("context"):
            values = {name: _rows(file[name], rows) for name in ("context_recorded", "noise_columns")}
            values |= {name: _rows(file[name], rows) for name in ("context", "noise_psd") if name in parts}
            values["context_lead"] = int(file["context"].attrs["samples_before_waveform"])
        if file.has("recorded"):
            values["recorded"] = _rows(file["recorded"], rows).astype(bool)
        return Events(
            spectrogram=great("spectrogram"),
            waveform=great("waveform"),
            frequency=file["frequency"][:],
            time=file["time"][:],
            event_id=tuple(str(name) for name in names),
            time_peak=_rows(file["time_peak"], rows),
            window_start=_rows(file["window_start"], rows),
            sampling_rate=float(file["waveform"].attrs["sampling_rate"]),
            unit=str(file["waveform"].attrs["unit"]),
            components=_components(file),
            **values,
        )


def _components(file: OpenedFile) -> tuple[str, ...]:
    said = str(file.attributes.get("components", ""))
    return tuple(said.split(",")) if said else ()


def iterate_events(path: Path, block: int, parts: Sequence[Part] = PARTS) -> Iterator[Events]:
    """Read all events of a file in blocks of at most ``block``, in the order of the file; arrays as `parts` say.

    Blocks begin where chunks of spectrograms do if they can hold one, so that each chunk is unpacked once. Errors are
    those of `read_spectrograms`, but digests of files without a head are not compared.
    """
    with open_checked(path) as file:
        with file.reading():
            step = _step(file["spectrogram"], block)
        for start in range(0, file.events, step):
            yield _read_events(file, slice(start, min(start + step, file.events)), parts)


def _step(dataset: h5py.Dataset, block: int) -> int:
    if dataset.chunks is not None and block > dataset.chunks[0]:
        return int(block - block % dataset.chunks[0])
    return block


def read_rows(path: Path, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read only the spectrograms of rows in increasing order; errors are those of `read_spectrograms`."""
    with open_checked(path) as file, file.reading(rows):
        return _rows(file["spectrogram"], rows)


class KeptOpen:
    """The spectrograms of a file that stays open, so that it can be read to the end although another replaces it."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the spectrograms of rows in increasing order."""
        with self._file.reading(rows):
            return _rows(self._file["spectrogram"], rows)


def shape_of_one(path: Path) -> tuple[int, ...]:
    """Return the shape of one spectrogram of a file: (F, T), or of several components (C, F, T)."""
    with open_checked(path) as file, file.reading():
        return tuple(int(n) for n in file["spectrogram"].shape[1:])


def input_spec_of(path: Path) -> InputSpec:
    """Return the properties of a file's spectrograms as the input of a network.

    Size and sampling rate come from its data, several components from its attributes and one from its event ids (none
    if it has no events), and band and window from the settings in the file. Files of imported events without these
    settings are the paper's.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged.
    """
    with open_checked(path) as file, file.reading():
        frequencies, times = file["spectrogram"].shape[-2:]
        made_with = json.loads(file.attributes.get("settings_json", "{}")).get("spectrogram", {})
        low, high = PAPER_INPUT.band
        return InputSpec(
            components=_components(file) or component_letters(file["event_id"].asstr()[:]),
            frequencies=int(frequencies),
            times=int(times),
            sampling_rate=float(file["waveform"].attrs["sampling_rate"]),
            band=(float(made_with.get("frequency_low", low)), float(made_with.get("frequency_high", high))),
            window=float(made_with.get("duration", PAPER_INPUT.window)),
        )


def _rows(dataset: h5py.Dataset, rows: Rows) -> NDArray[Any]:
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


def iterate_spectrograms(path: Path, block: int, name: Part = "spectrogram") -> Iterator[NDArray[np.float32]]:
    """Read only the spectrograms (or another great array), in blocks of at most ``block`` events, in their order.

    Blocks begin where chunks do if they can hold one, so that each chunk is unpacked once.
    """
    with open_checked(path) as file:
        with file.reading():
            dataset = file[name]
        step = _step(dataset, block)
        for start in range(0, file.events, step):
            with file.reading():
                part = np.empty((min(step, file.events - start), *dataset.shape[1:]), np.float32)
                dataset.read_direct(part, np.s_[start : start + len(part)])
            yield part


def verify(path: Path) -> bool:
    """Return whether the file exists, can be read, and matches the digests of what it holds.

    Raises
    ------
    OSError
        The file could not be read because of too little memory, missing rights or the like; it may be sound.
    """
    try:
        found, info = read_spectrograms(path), read_info(path)
        return (content_digest(found), surroundings_digest(found)) == (info.content, info.surroundings)
    except (DamagedFileError, FileNotFoundError):
        return False


def not_finite(path: Path) -> str:
    """Return in words which value of spectrograms, waveforms and surroundings is not finite; empty if all are."""
    with open_checked(path) as file:
        parts = [name for name in PARTS if file.has(name)]
    for name in parts:
        for place, values in enumerate(iterate_spectrograms(path, WRITE_BLOCK, name)):
            if row := first_not_finite(values):
                return f"its {name} {place * WRITE_BLOCK + row} is not finite"
    return ""
