"""Axes and values of a published file's spectrograms, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ris_core.processing.spectrograms import Plan
from ris_core.progress import bar
from ris_core.storage.published_file import SPECTROGRAM, PublishedFile, PublishedFileError

_AXIS_TOLERANCE = 1e-4


def check_events(file: PublishedFile, constants: Plan, block: int) -> NDArray[np.uint64]:
    """Check axes and values of all events, and return a digest (N,) of what each holds.

    Raises
    ------
    PublishedFileError
        An event has other axes than the settings ask for, or values that cannot be power densities; names its row.
    """
    digests = np.empty(file.events, dtype=np.uint64)
    with bar(file.events, "check", unit="event") as progress:
        for first, events in file.blocks(block):
            where = f"{file.path}: {SPECTROGRAM}, row "
            _check_axis(events.frequency, constants.frequency, first, f"{where}{{}}: the frequencies (column 0)", "Hz")
            _check_axis(events.time, constants.time, first, f"{where}{{}}: the times (last row)", "s")
            _check_values(events.image, first, where)
            images = np.ascontiguousarray(events.image)
            for i, text in enumerate(events.catalogue):
                digest = xxhash.xxh3_64(images[i].data)
                digest.update(np.ascontiguousarray(events.trace[i]).data)
                digest.update(text)
                digests[first + i] = digest.intdigest()
            progress.update(len(images))
    return digests


def _check_axis(found: NDArray[Any], expected: NDArray[Any], first: int, where: str, unit: str) -> None:
    wrong = ~(np.abs(found - expected) <= _AXIS_TOLERANCE)  # also where it is NaN
    if wrong.any():
        row, place = (int(i) for i in np.argwhere(wrong)[0])
        raise PublishedFileError(
            f"{where.format(first + row)} are not those of the settings: number {place} is {found[row, place]:g} "
            f"{unit} instead of {expected[place]:g} ({len(expected)} from {expected[0]:g} to {expected[-1]:g} {unit})"
        )


def _check_values(images: NDArray[np.float32], first: int, where: str) -> None:
    least, greatest = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    for wrong, what in (
        (~np.isfinite(least) | ~np.isfinite(greatest), "holds a value that is not finite"),
        (least < 0, "holds a negative value; power densities on a linear scale are needed, not decibels"),
        (greatest == 0, "is zero everywhere; leave this event out of the file"),
    ):
        if wrong.any():
            rows = np.flatnonzero(wrong)
            raise PublishedFileError(f"{where}{first + rows[0]} {what}")
