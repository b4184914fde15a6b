"""A spectrogram file that is checked as a whole before HDF5 reads it in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import SURROUNDINGS
from ris_core.storage import hdf5, hdf5_objects
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.hdf5_probe import probe
from ris_core.storage.head import check_bytes
from ris_core.storage.seen import once


class OpenedFile:
    """A checked file, open for reading."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path, self.file = path, file
        self._found: dict[str, h5py.Dataset] = {}
        self.events = len(self["spectrogram"])

    def __getitem__(self, name: str) -> h5py.Dataset:
        if not self.has(name):
            raise DamagedFileError(self.path, f"not a spectrogram file: it has no dataset /{name}")
        return self._found[name]

    def has(self, name: str) -> bool:
        """Return whether there is such a dataset."""
        if name not in self._found:
            found = hdf5_objects.dataset(self.file, name)
            if found is not None:
                self._found[name] = found
        return name in self._found

    @property
    def attributes(self) -> h5py.AttributeManager:
        """The file's summary of itself."""
        return self.file.attrs

    @property
    def is_old(self) -> bool:
        """Whether it has no head."""
        return not self.file.userblock_size

    @contextmanager
    def reading(self, rows: slice | NDArray[np.int64] = np.s_[:]) -> Iterator[None]:
        """Name the file in errors; rows that do not exist are the caller's mistake, an `IndexError`."""
        if not isinstance(rows, slice) and len(rows) and not 0 <= rows.min() <= rows.max() < self.events:
            raise IndexError(f"{self.path}: rows {rows.min()} ... {rows.max()} do not exist; it has {self.events}")
        with hdf5.reading(self.path):
            yield


def opened(path: Path) -> OpenedFile:
    """Open a sound spectrogram file; this process checks the whole file once.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedFileError
        The file is not a spectrogram file, or it is damaged.
    """
    once("spectrograms", path, _check)
    with hdf5.reading(path):
        return OpenedFile(path, h5py.File(path, "r"))


@contextmanager
def open_checked(path: Path) -> Iterator[OpenedFile]:
    """Yield a sound spectrogram file, open for reading; raises the errors of `opened`."""
    file = opened(path)
    with file.file:
        yield file


def _check(path: Path) -> None:
    """Check a whole file before HDF5 reads it in this process."""
    if check_bytes(path):
        return
    probe(path, "own")
    with hdf5.reading(path), h5py.File(path, "r") as file:
        found = OpenedFile(path, file)
        present = [name for name in SURROUNDINGS if found.has(name)]
        for name in ("waveform", "event_id", "time_peak", "window_start", *present):
            if len(found[name]) != found.events:
                raise DamagedFileError(path, f"/{name} has {len(found[name])} rows, /spectrogram {found.events}")
