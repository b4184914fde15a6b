"""Writing the HDF5 file of spectrograms."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.events import SURROUNDINGS, Events
from ris_core.contracts.stamp import Stamp
from ris_core.storage import hdf5
from ris_core.storage.array_digest import ArraysDigest
from ris_core.storage.atomic import replacing
from ris_core.storage.finite import check_finite
from ris_core.storage.head import room_for, write_head
from ris_core.storage.rounding import KEPT_BITS, LARGEST_RELATIVE_ERROR, round_mantissa
from ris_core.storage.spectrogram_file.event_datasets import (
    WRITE_BLOCK,
    check_shapes,
    content_columns,
    encoded,
    layout,
    power_unit,
)

_DIGITS = 12  # of a digest of content


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

    Mantissas of spectrograms, context and noise spectra are rounded to `KEPT_BITS` bits (see `round_mantissa`); all
    else is kept as it is.

    Parameters
    ----------
    path, data, stamp
        Where, what, and how it was made. Spectrograms and context may be in a file (`ScratchArray`).
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
        A spectrogram, a waveform, a context or a noise spectrum is not finite; an existing file is kept.
    ValueError
        The shapes of the arrays do not belong together.
    """
    check_shapes(data)
    columns: list[NDArray[Any]] = [data.waveform, data.time_peak, data.window_start, *extra.values()]
    size = 4 * math.prod(data.spectrogram.shape) + sum(column.nbytes for column in columns)
    info = {"events": data.spectrogram.shape[0], **stamp.as_dict(), "content": _DIGITS * "0", "summary": summary or {}}
    if data.components:
        info["components"] = list(data.components)
    if data.context is not None:
        size += 4 * math.prod(data.context.shape)
        info["surroundings"] = _DIGITS * "0"
    room = room_for(info)
    with replacing(path) as temporary:
        with hdf5.written(temporary, size, room) as file:
            digests = {"content": _fill(file, data, waveform_note, extra)}
            if data.context is not None:
                digests["surroundings"] = _fill_surroundings(file, data)
            file.attrs.update(stamp.as_dict() | digests | {"settings_json": settings_json})
            if data.components:
                file.attrs["components"] = ",".join(data.components)
            file.attrs["summary_json"] = json.dumps(summary or {}, sort_keys=True)
        write_head(temporary, info | digests, room)
    return digests["content"]


def _fill(file: h5py.File, data: Events, note: str, extra: dict[str, NDArray[Any]]) -> str:
    """Write all datasets but the surroundings and return the digest of the content."""
    digest = ArraysDigest()
    frequency = _scale(file, "frequency", data.frequency, "Hz", "Frequency of the bins")
    time = _scale(file, "time", data.time, "s", "Time of the columns from the first one")
    said = {"unit": power_unit(data.unit), "title": "One-sided power spectral density"}
    images = _rounded(file, "spectrogram", data.spectrogram, said, data.event_id, digest)
    images.dims[len(images.shape) - 2].attach_scale(frequency)
    images.dims[len(images.shape) - 1].attach_scale(time)
    check_finite("waveform", data.waveform, data.event_id)
    waves = _dataset(file, "waveform", data.waveform, data.unit, "Conditioned samples behind the spectrogram")
    waves.attrs.update({"sampling_rate": data.sampling_rate, "sampling_rate_unit": "Hz"})
    if note:
        waves.attrs["note"] = note
    names = encoded(data.event_id)
    file.create_dataset("event_id", data=names.astype(h5py.string_dtype("utf-8", names.dtype.itemsize)))
    _dataset(file, "time_peak", data.time_peak, "ns since 1970-01-01 UTC", "Peak of the detection")
    _dataset(file, "window_start", data.window_start, "ns since 1970-01-01 UTC", "First sample of the waveform")
    for name, values in extra.items():
        file.create_dataset(name, data=values)
    for column in content_columns(data):
        digest.begin(column.shape, column.dtype)
        digest.update(column)
    for chunked in (images, waves):
        chunked.flush()  # see `_fill_surroundings`
    return digest.text()


def _fill_surroundings(file: h5py.File, data: Events) -> str:
    """Write context and noise spectra, and return the digest of the surroundings."""
    digest = ArraysDigest()
    texts = {
        "context": (data.unit, "Conditioned samples around the event; zeros where nothing was recorded"),
        "context_recorded": ("samples", "First recorded sample of the context, and the first one after them"),
        "noise_psd": (power_unit(data.unit), "Lower quantile of the short-time spectra around the event"),
        "noise_columns": ("spectra", "Number of spectra behind the noise spectrum"),
        "recorded": ("", "Whether the component was recorded"),
    }
    for name in SURROUNDINGS:
        values = getattr(data, name)
        if values is None:
            continue
        unit, title = texts[name]
        if name in ("context", "noise_psd"):
            # HDF5 writes the last chunks when Python frees the dataset. That may be later, and then they are at another
            # place in the file: a profiler, like that of Dask's workers, keeps the variables of a function for a while.
            _rounded(file, name, values, {"unit": unit, "title": title}, data.event_id, digest).flush()
        else:
            file.create_dataset(name, data=values).attrs.update({"unit": unit, "title": title})
            digest.begin(values.shape, values.dtype)
            digest.update(values)
    file["context"].attrs.update(
        {
            "sampling_rate": data.sampling_rate,
            "sampling_rate_unit": "Hz",
            "samples_before_waveform": data.context_lead,
        }
    )
    file["noise_psd"].dims[2].attach_scale(file["frequency"])
    return digest.text()


def _rounded(
    file: h5py.File,
    name: str,
    values: Any,
    said: dict[str, str],
    event_id: tuple[str, ...],
    digest: ArraysDigest,
) -> h5py.Dataset:
    """Write an array rounded, block by block: a training set may be greater than the memory."""
    shape = values.shape
    dataset = file.create_dataset(name, shape, np.float32, **layout(shape))
    dataset.attrs.update(said)
    digest.begin(shape, np.dtype(np.float32))
    for start in range(0, shape[0], WRITE_BLOCK):
        rounded = round_mantissa(values[start : start + WRITE_BLOCK])
        check_finite(name, rounded, event_id[start:])
        dataset[start : start + len(rounded)] = rounded
        digest.update(rounded)
    # The first name is that of the netCDF library for this kind of rounding.
    dataset.attrs["_QuantizeBitRoundNumberOfSignificantBits"] = KEPT_BITS
    dataset.attrs["largest_relative_error"] = LARGEST_RELATIVE_ERROR
    return dataset


def _scale(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values)
    dataset.make_scale(name)
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset


def _dataset(file: h5py.File, name: str, values: NDArray[Any], unit: str, title: str) -> h5py.Dataset:
    dataset = file.create_dataset(name, data=values, **layout(values.shape))
    dataset.attrs.update({"unit": unit, "title": title})
    return dataset
