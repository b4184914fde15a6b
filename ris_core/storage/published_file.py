"""The HDF5 file that the code of Jenkins et al. (2021) writes: spectrograms with their axes, waveforms, catalogue.

``/4.0/Spectrogram`` is float32 (N, 88, 101): column 0 holds the frequencies, the last row the times, and their common
corner NaN. ``/4.0/Trace`` (N, 199) has the samples from the middle of the first column to that of the last, and
``/4.0/Catalogue`` N texts of JSON, which may contain NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ris_core.storage import hdf5, hdf5_objects
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.hdf5_probe import probe
from ris_core.storage.seen import once

GROUP = "4.0"
SPECTROGRAM, TRACE, CATALOGUE = f"/{GROUP}/Spectrogram", f"/{GROUP}/Trace", f"/{GROUP}/Catalogue"
_READ = SPECTROGRAM, TRACE, CATALOGUE
BLOCK = 2048
"""Number of events in memory at once: 73 MB."""
_CHUNK_CACHE = 64 * 2**20
_CHUNK = 20
_AT_ONCE = 512
_SCALOGRAM, _SCALOGRAM_SHAPE = f"/{GROUP}/Scalogram", (69, 100)
_SHOWN = 12


class PublishedFileError(ValueError):
    """A published file cannot be used; the message names file, dataset, value and what is required."""


@dataclass(frozen=True)
class PublishedEvents:
    """Some events of a published file.

    Attributes
    ----------
    spectrogram
        (n, F + 1, T + 1), unchanged, with their axes.
    trace
        (n, M).
    catalogue
        n texts of JSON.
    """

    spectrogram: NDArray[np.float32]
    trace: NDArray[np.float32]
    catalogue: tuple[bytes, ...]

    @property
    def image(self) -> NDArray[np.float32]:
        """The spectrograms (n, F, T) without their axes."""
        return self.spectrogram[:, :-1, 1:]

    @property
    def frequency(self) -> NDArray[np.float32]:
        """The frequencies (n, F) in each, Hz."""
        return self.spectrogram[:, :-1, 0]

    @property
    def time(self) -> NDArray[np.float32]:
        """The times (n, T) in each, s."""
        return self.spectrogram[:, -1, 1:]


class PublishedFile:
    """A published file, open for reading; made by `open_published`."""

    def __init__(self, path: Path, file: h5py.File, shape: tuple[int, int], samples: int) -> None:
        self.path = path
        with _named(path):
            there = [f"/{name}" for name in file] + [f"/{GROUP}/{name}" for name in _names_in(file)]
            found = {name: _dataset(file, name) for name in (*_READ, _SCALOGRAM)}
        self._spectrogram, self._trace, self._catalogue = _needed(path, found, there)
        self.events = _checked_lengths(path, self._spectrogram, self._trace, self._catalogue, shape, samples)
        scalograms = found[_SCALOGRAM]
        self.scalograms = len(scalograms) if scalograms is not None and scalograms.shape else 0

    def catalogue_blocks(self, size: int) -> Iterator[tuple[int, list[bytes]]]:
        """Iterate over first row and catalogue texts, in the order of the file."""
        for start in range(0, self.events, size):
            with _named(self.path):
                texts = [_bytes(text) for text in self._catalogue[start : start + size]]
            yield start, texts

    def blocks(self, size: int) -> Iterator[tuple[int, PublishedEvents]]:
        """Iterate over first row and events, in the order of the file."""
        for start in range(0, self.events, size):
            yield start, self._read(slice(start, min(start + size, self.events)))

    def read(self, rows: NDArray[np.int64]) -> PublishedEvents:
        """Read the events of rows in increasing order; neighbouring rows are read together."""
        if not len(rows):
            return self._read(slice(0, 0))
        nearby = self._spectrogram.chunks[0] if self._spectrogram.chunks else 1
        pieces: list[NDArray[np.int64]] = []
        for start, end in pairwise([0, *(np.flatnonzero(np.diff(rows) > nearby) + 1).tolist(), len(rows)]):
            run = rows[start:end]
            cuts = np.flatnonzero(np.diff((run - run[0]) // _AT_ONCE)) + 1
            pieces += np.split(run, cuts)
        parts = [self._read(slice(int(piece[0]), int(piece[-1]) + 1), (piece - piece[0]).tolist()) for piece in pieces]
        return PublishedEvents(
            np.concatenate([part.spectrogram for part in parts]),
            np.concatenate([part.trace for part in parts]),
            tuple(text for part in parts for text in part.catalogue),
        )

    def _read(self, rows: slice, some: list[int] | None = None) -> PublishedEvents:
        # A value that does not fit into float32 becomes infinite, and is refused with its row.
        with _named(self.path), np.errstate(over="ignore"):
            spectrogram = self._spectrogram[rows].astype(np.float32, copy=False)
            trace = self._trace[rows].astype(np.float32, copy=False)
            texts = [_bytes(text) for text in self._catalogue[rows]]
        if some is None or len(some) == len(texts):
            return PublishedEvents(spectrogram, trace, tuple(texts))
        return PublishedEvents(spectrogram[some], trace[some], tuple(texts[i] for i in some))


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@contextmanager
def open_published(path: Path, shape: tuple[int, int], samples: int) -> Iterator[PublishedFile]:
    """Open a published file for reading.

    Parameters
    ----------
    path
        The file.
    shape, samples
        Expected F frequencies x T times of one spectrogram, and M samples of its trace.

    Raises
    ------
    PublishedFileError
        The file is not a published file, its datasets have the wrong type or shape, or it is damaged.
    """
    with _named(path):
        once("published", path, lambda path: probe(path, "published", _READ))
        file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE)
    with file:
        yield PublishedFile(path, file, shape, samples)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn errors of reading a file into `PublishedFileError`."""
    try:
        with hdf5.reading(path):
            yield
    except DamagedFileError as error:
        raise PublishedFileError(f"{path}: cannot be read as HDF5 ({error.why})") from error
    except FileNotFoundError as error:
        raise PublishedFileError(f"{path}: there is no such file") from error
    except OSError as error:
        raise PublishedFileError(f"{path}: cannot be read ({error.strerror})") from error


def _dataset(file: h5py.File, name: str) -> h5py.Dataset | None:
    return hdf5_objects.dataset(file, name, hdf5_objects.BUILT_IN)


def _names_in(file: h5py.File) -> list[str]:
    group = file.id.links.exists(GROUP.encode()) and hdf5_objects.open_entry(file.id, GROUP.encode(), f"/{GROUP}")
    return list(h5py.Group(group)) if isinstance(group, h5py.h5g.GroupID) else []


def _needed(path: Path, found: dict[str, h5py.Dataset | None], there: list[str]) -> list[h5py.Dataset]:
    datasets = [dataset for name in _READ if (dataset := found[name]) is not None]
    if len(datasets) == len(_READ):
        return datasets
    shown = ", ".join(there[:_SHOWN]) + (", …" if len(there) > _SHOWN else "") or "none"
    if f"/{GROUP}" not in there:
        raise PublishedFileError(f"{path}: there is no group /{GROUP} (there are: {shown}); it holds windows of 4.0 s")
    missing = ", ".join(name for name in _READ if found[name] is None)
    raise PublishedFileError(f"{path}: there is no dataset {missing} (there are: {shown})")


def _checked_lengths(
    path: Path,
    spectrogram: h5py.Dataset,
    trace: h5py.Dataset,
    catalogue: h5py.Dataset,
    shape: tuple[int, int],
    samples: int,
) -> int:
    expected = (shape[0] + 1, shape[1] + 1)
    for name, dataset, rest in (
        (SPECTROGRAM, spectrogram, expected),
        (TRACE, trace, (samples,)),
        (CATALOGUE, catalogue, ()),
    ):
        if len(dataset.shape) != 1 + len(rest) or dataset.shape[1:] != rest:
            wanted = ", ".join(["N", *map(str, rest)])
            raise PublishedFileError(f"{path}: {name} has the shape {dataset.shape}; it must be ({wanted})")
        if name != CATALOGUE and dataset.dtype.kind != "f":
            raise PublishedFileError(f"{path}: {name} is of type {dataset.dtype}; it must be float32")
    if h5py.check_string_dtype(catalogue.dtype) is None:
        raise PublishedFileError(f"{path}: {CATALOGUE} is of type {catalogue.dtype}; it must be texts of JSON")
    lengths = {SPECTROGRAM: len(spectrogram), TRACE: len(trace), CATALOGUE: len(catalogue)}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise PublishedFileError(f"{path}: the numbers of events differ: {said}; every event needs one row in each")
    if not len(spectrogram):
        raise PublishedFileError(f"{path}: {SPECTROGRAM} holds no events")
    return len(spectrogram)


class PublishedWriter:
    """Writes events to any rows of a new published file; made by `writing_published`."""

    def __init__(self, file: h5py.File, frequency: NDArray[Any], time: NDArray[Any]) -> None:
        self._group = file[GROUP]
        self._axes = np.full((len(frequency) + 1, len(time) + 1), np.nan, np.float32)
        self._axes[:-1, 0], self._axes[-1, 1:] = frequency, time

    def put(
        self, rows: NDArray[np.int64], image: NDArray[Any], trace: NDArray[Any], catalogue: Sequence[bytes]
    ) -> None:
        """Write spectrograms (n, F, T), traces (n, M) and catalogue texts to n rows, in any order."""
        order = np.argsort(rows, kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(rows[order]) != 1) + 1):
            for some in np.split(run, range(BLOCK, len(run), BLOCK)):
                to = slice(int(rows[some[0]]), int(rows[some[-1]]) + 1)
                block = np.tile(self._axes, (len(some), 1, 1))
                block[:, :-1, 1:] = image[some]
                self._group["Spectrogram"][to] = block
                self._group["Trace"][to] = trace[some]
                self._group["Catalogue"][to] = np.array([catalogue[i] for i in some], dtype=object)

    def catalogue_blocks(self, size: int = BLOCK) -> Iterator[list[bytes]]:
        """Iterate over the catalogue texts that were written."""
        dataset = self._group["Catalogue"]
        for start in range(0, len(dataset), size):
            yield [_bytes(text) for text in dataset[start : start + size]]


@contextmanager
def writing_published(
    path: Path, events: int, frequency: NDArray[Any], time: NDArray[Any], samples: int, unit: str, nfft: int
) -> Iterator[PublishedWriter]:
    """Yield a writer of a new published file, which is complete or does not exist.

    Parameters
    ----------
    path, events
        The file, and its number of rows.
    frequency, time
        Axes (F,) Hz and (T,) s.
    samples
        M of each trace.
    unit
        Unit of the traces.
    nfft
        Length of the transform, for the file's attribute.
    """
    rows, columns = len(frequency), len(time)
    size = 4 * events * ((rows + 1) * (columns + 1) + samples)
    with hdf5.created(path, size, rdcc_nbytes=_CHUNK_CACHE) as file:
        group = file.create_group(GROUP)
        group.attrs.update({"NFFT": nfft, "T_seg (s)": float(GROUP)})
        shape = (rows + 1, columns + 1)
        spectrogram = _growing(group, "Spectrogram", events, shape)
        spectrogram.attrs.update(
            {
                "AmplUnits": f"({unit})^2/Hz" if "/" in unit else f"{unit}^2/Hz",
                "FreqUnits": "Hz",
                "FreqVecXCoord": 0,
                "FreqVecYCoord": [0, rows - 1],
                "TimeUnits": "s",
                "TimeVecXCoord": [1, columns],
                "TimeVecYCoord": rows,
            }
        )
        _growing(group, "Trace", events, (samples,)).attrs["AmplUnits"] = unit
        # The published code has a dataset for scalograms and leaves it empty.
        _growing(group, "Scalogram", 0, _SCALOGRAM_SHAPE)
        group.create_dataset("Catalogue", (events,), h5py.string_dtype(), maxshape=(None,), chunks=(1024,))
        yield PublishedWriter(file, frequency, time)


def _growing(group: h5py.Group, name: str, events: int, shape: tuple[int, ...]) -> h5py.Dataset:
    return group.create_dataset(
        name, (events, *shape), np.float32, maxshape=(None, *shape), chunks=(_CHUNK, *shape), fillvalue=np.nan
    )
