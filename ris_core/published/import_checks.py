"""Axes and values of a published file's spectrograms, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from ris_core.processing.spectrograms import Plan
from ris_core.progress import bar
from ris_core.storage.published_file import SPECTROGRAM, TRACE, PublishedFile, PublishedFileError

_AXIS_TOLERANCE = 1e-4


def check_events(
    file: PublishedFile, constants: Plan, block: int, leave_out: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Check axes and values of all events.

    Parameters
    ----------
    file, constants
        The file, and the constants of spectrograms that give the axes.
    block
        Events that are read together.
    leave_out
        Whether events with values that are not finite, or whose spectrogram is zero everywhere, are marked instead of
        refused.

    Returns
    -------
    tuple
        A digest (N,) of what each event holds, and which events (N,) are marked.

    Raises
    ------
    PublishedFileError
        An event has other axes than the settings ask for, or values that cannot be power densities; names its row.
    """
    digests = np.empty(file.events, dtype=np.uint64)
    unusable = np.zeros(file.events, dtype=np.bool_)
    with bar(file.events, "check", unit="event") as progress:
        for first, events in file.blocks(block):
            where = f"{file.path}: {SPECTROGRAM}, row "
            _check_axis(events.frequency, constants.frequency, first, f"{where}{{}}: the frequencies (column 0)", "Hz")
            _check_axis(events.time, constants.time, first, f"{where}{{}}: the times (last row)", "s")
            images = np.ascontiguousarray(events.image)
            bad = _check_values(images, first, where, leave_out) | _check_traces(
                events.trace, first, file.path, leave_out
            )
            unusable[first : first + len(images)] = bad
            for i, text in enumerate(events.catalogue):
                digest = xxhash.xxh3_64(images[i].data)
                digest.update(np.ascontiguousarray(events.trace[i]).data)
                digest.update(text)
                digests[first + i] = digest.intdigest()
            progress.update(len(images))
    return digests, unusable


def _check_axis(found: NDArray[Any], expected: NDArray[Any], first: int, where: str, unit: str) -> None:
    wrong = ~(np.abs(found - expected) <= _AXIS_TOLERANCE)  # also where it is NaN
    if wrong.any():
        row, place = (int(i) for i in np.argwhere(wrong)[0])
        raise PublishedFileError(
            f"{where.format(first + row)} are not those of the settings: number {place} is {found[row, place]:g} "
            f"{unit} instead of {expected[place]:g} ({len(expected)} from {expected[0]:g} to {expected[-1]:g} {unit})"
        )


def _check_values(images: NDArray[np.float32], first: int, where: str, leave_out: bool) -> NDArray[np.bool_]:
    least, greatest = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    not_finite: NDArray[np.bool_] = ~np.isfinite(least) | ~np.isfinite(greatest)
    empty: NDArray[np.bool_] = greatest == 0
    for wrong, what in (
        (
            ~not_finite & (least < 0),
            "holds a negative value; linear power densities are needed, not decibels",
        ),
        (not_finite & (not leave_out), "holds a value that is not finite; --leave-out imports the others"),
        (empty & (not leave_out), "is zero everywhere; --leave-out imports the others"),
    ):
        if wrong.any():
            raise PublishedFileError(f"{where}{first + int(np.argmax(wrong))} {what}")
    return not_finite | empty


def _check_traces(traces: NDArray[np.float32], first: int, path: Path, leave_out: bool) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = np.any(~np.isfinite(traces), axis=1)
    if wrong.any() and not leave_out:
        raise PublishedFileError(
            f"{path}: {TRACE}, row {first + int(np.argmax(wrong))} holds a value that is not finite; --leave-out "
            "imports the others"
        )
    return wrong
