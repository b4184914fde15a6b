"""The HDF5 file of spectrograms: of a station-day, and of a training set.

A head comes before the HDF5 part (`ris_core.storage.head`). Number of events, provenance and summary are read from it
alone, and all bytes are compared with its digest before the library reads them. Files of earlier versions have no head;
a separate process walks through them first (`ris_core.storage.hdf5_probe`).
"""

from ris_core.storage.spectrogram_file.event_datasets import (
    CHUNK,
    content_digest,
    layout,
    power_unit,
    surroundings_digest,
)
from ris_core.storage.spectrogram_file.spectrogram_reading import (
    KeptOpen,
    SpectrogramInfo,
    input_spec_of,
    iterate_events,
    iterate_spectrograms,
    not_finite,
    read_column,
    read_info,
    read_rows,
    read_spectrograms,
    settings_of,
    shape_of_one,
    verify,
)
from ris_core.storage.spectrogram_file.spectrogram_writing import write_spectrograms

__all__ = [
    "CHUNK",
    "KeptOpen",
    "SpectrogramInfo",
    "content_digest",
    "input_spec_of",
    "iterate_events",
    "iterate_spectrograms",
    "layout",
    "not_finite",
    "power_unit",
    "read_column",
    "read_info",
    "read_rows",
    "read_spectrograms",
    "settings_of",
    "shape_of_one",
    "surroundings_digest",
    "verify",
    "write_spectrograms",
]
