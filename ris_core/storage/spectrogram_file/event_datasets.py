"""Events as datasets of a file: their chunks and codec, how they are rounded, and the digests over them."""

from __future__ import annotations

import math
from typing import Any

import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import SURROUNDINGS, Events
from ris_core.storage.array_digest import digest_of_arrays

CHUNK = 16
"""Most events of one chunk, so that one event is read without unpacking many others (557 kB of 87 x 100)."""
_CHUNK_BYTES = 2**20  # HDF5's default chunk cache
WRITE_BLOCK = 1024
"""Number of events that are written together."""


def power_unit(unit: str) -> str:
    """Return the unit of a power spectral density of samples in ``unit``."""
    return f"({unit})^2/Hz" if "/" in unit else f"{unit}^2/Hz"


def layout(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return chunks and filter of a dataset of this shape: h5py's arguments; none for columns and for no events."""
    if len(shape) < 2 or not shape[0]:
        return {}
    events = max(1, min(CHUNK, _CHUNK_BYTES // (4 * math.prod(shape[1:]))))
    # Chosen by `bench.spectrogram_file`. Bitshuffle cuts a chunk into blocks of 8,192 values, about one event. The
    # checksum protects from Bitshuffle's reading of a damaged file, which would end the process.
    codec = hdf5plugin.Bitshuffle(nelems=8192, cname="lz4")
    return {"chunks": (min(events, shape[0]), *shape[1:]), "fletcher32": True, **codec}


def content_digest(data: Events) -> str:
    """Return the digest over spectrograms, waveforms, times and identifiers, as it is kept in the file."""
    return digest_of_arrays(data.spectrogram, *content_columns(data))


def content_columns(data: Events) -> tuple[NDArray[Any], ...]:
    """Return what the digest of the content covers beside the spectrograms."""
    return data.waveform, data.time_peak, data.window_start, encoded(data.event_id)


def encoded(names: tuple[str, ...]) -> NDArray[np.bytes_]:
    """Return identifiers as an array of bytes."""
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def surroundings_digest(data: Events) -> str:
    """Return the digest over context, noise spectra and what belongs to them; empty if there are none."""
    arrays = [array for name in SURROUNDINGS if (array := getattr(data, name)) is not None]
    return digest_of_arrays(*arrays) if arrays else ""


def check_shapes(data: Events) -> None:
    """Raise `ValueError` if the arrays of events do not belong together."""
    several = data.component_count > 1
    axes = 4 if several else 3
    shape = data.spectrogram.shape
    if len(shape) != axes or (several and shape[1] != data.component_count):
        raise ValueError(f"spectrograms of the components {data.letters} cannot have the shape {shape}")
    together = {name: getattr(data, name) is None for name in SURROUNDINGS[:4]}
    if len(set(together.values())) > 1:
        raise ValueError(f"{', '.join(together)} come together; there are no {[n for n in together if together[n]]}")
    each = (shape[0], data.component_count)
    for name in SURROUNDINGS:
        array = getattr(data, name)
        if array is not None and array.shape[:2] != each:
            raise ValueError(f"{name} has the shape {array.shape}; {each} events and components are needed")
