"""The events of a station-day or of a training set, the content of a spectrogram file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Part = Literal["spectrogram", "waveform", "context", "noise_psd"]
"""A great array of events, which can be left out in reading."""
PARTS: tuple[Part, ...] = get_args(Part)


class MissingPartError(ValueError):
    """Events lack an array that is needed; the message says how to get it."""


@dataclass(frozen=True)
class Events:
    """Events in the order of their detections.

    N events of C components have F = 87 frequencies, T = 100 times and S = 218 samples by default. Arrays of one
    component have no axis for it, except those that came with the context: these always have one.

    Attributes
    ----------
    spectrogram
        (N, F, T), or of several components (N, C, F, T), float32, ``unit``²/Hz.
    waveform
        (N, S), or of several components (N, C, S), float32, conditioned samples behind each spectrogram, ``unit``.
    frequency, time
        (F,) Hz and (T,) s from the first column.
    event_id
        N identifiers.
    time_peak, window_start
        (N,) ns since 1970 UTC: the detection's peak; the first of the S samples.
    sampling_rate
        Of the waveforms and the context, Hz.
    unit
        ``counts``, or that of the ground motion that the settings ask for.
    components
        Letters of several components, in the order of their axis; empty for one, whose letter the event ids have.
    context
        (N, C, samples) float32, ``unit``: a longer piece of the trace that the waveform is cut from, with zeros where
        there are no samples. None of the events of earlier versions and of imported ones.
    context_lead
        Number of samples of the context before the first one of the waveform.
    context_recorded
        (N, C, 2) int32: the first sample of the context that was recorded, and the first one after them that was not.
    noise_psd
        (N, C, F) float32, ``unit``²/Hz: a lower quantile, at each frequency, of the short-time spectra around the
        event. None if there is no context.
    noise_columns
        (N, C) int32: number of spectra behind it.
    recorded
        (N, C) bool: which components were recorded; none if all were.

    Notes
    -----
    A spectrogram or waveform that was left out in reading has no values: all its axes but the first have length 0.
    """

    spectrogram: NDArray[np.float32]
    waveform: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    event_id: tuple[str, ...]
    time_peak: NDArray[np.int64]
    window_start: NDArray[np.int64]
    sampling_rate: float
    unit: str = "counts"
    components: tuple[str, ...] = ()
    context: NDArray[np.float32] | None = None
    context_lead: int = 0
    context_recorded: NDArray[np.int32] | None = None
    noise_psd: NDArray[np.float32] | None = None
    noise_columns: NDArray[np.int32] | None = None
    recorded: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.event_id)

    @property
    def component_count(self) -> int:
        """C, the number of components of each event."""
        return len(self.components) or 1

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters of the components; of one component those that the event ids have (none if there are no events)."""
        return self.components or component_letters(self.event_id)

    def take(self, rows: slice | NDArray[Any]) -> Events:
        """Return some of the events: a slice, row numbers in any order, or a mask (N,) of bool."""
        numbers = np.arange(len(self))[rows]
        values = {name: array[rows] for name in PER_EVENT if (array := getattr(self, name)) is not None}
        return replace(self, event_id=tuple(self.event_id[i] for i in numbers), **values)

    def component(self, letter: str) -> Events:
        """Return the same events with one of their components alone; raises `ValueError` if it is not among them."""
        if letter not in self.letters:
            raise ValueError(f"component {letter} is not among those of the events, {', '.join(self.letters)}")
        if not self.components:
            return self
        place = self.components.index(letter)
        values: dict[str, Any] = {name: getattr(self, name)[:, place] for name in ("spectrogram", "waveform")}
        for name in SURROUNDINGS:
            if (array := getattr(self, name)) is not None:
                values[name] = array[:, place : place + 1]
        return replace(self, components=(), **values)

    def require(self, *parts: Part, where: str = "these events") -> None:
        """Raise `MissingPartError` unless these arrays are there; `where` says which events they are."""
        for part in parts:
            array = getattr(self, part)
            if array is None:
                raise MissingPartError(
                    f"{where}: there is no {part}. Imported events have none: use a representation that does without, "
                    "like aec. Where an earlier version made them, process their station-days again, and then draw the "
                    "training set again"
                )
            if len(self) and not array[:1].size:
                raise MissingPartError(f"{where}: {part} was not read; name it among the parts to read")


PER_EVENT = (
    "spectrogram",
    "waveform",
    "time_peak",
    "window_start",
    "context",
    "context_recorded",
    "noise_psd",
    "noise_columns",
    "recorded",
)
"""All arrays with one row per event."""
SURROUNDINGS = ("context", "context_recorded", "noise_psd", "noise_columns", "recorded")
"""Those that the digest of the content does not cover: what lies around the events."""


def component_letters(event_id: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted last letters of the channels in identifiers NET.STA.LOC.CHANNEL.TIME."""
    channels = {name.split(".", 4)[3] for name in event_id}
    return tuple(sorted({channel[-1:] for channel in channels}))


def bare_events(
    arrays: Mapping[str, NDArray[Any]],
    frequency: NDArray[np.float64],
    time: NDArray[np.float64],
    sampling_rate: float,
    components: tuple[str, ...] = (),
    context_lead: int = 0,
    unit: str = "counts",
) -> Events:
    """Return events of which only some arrays are known, not their times; errors name them by their rows.

    Parameters
    ----------
    arrays
        At least one of `PER_EVENT`, by name.
    frequency, time, sampling_rate, components, context_lead, unit
        As in `Events`, but one component may be named.
    """
    n, axes = len(next(iter(arrays.values()))), [0] * (len(components) > 1)
    left_out: dict[str, Any] = {
        "spectrogram": np.empty((n, *axes, 0, 0), np.float32),
        "waveform": np.empty((n, *axes, 0), np.float32),
        "time_peak": np.zeros(n, np.int64),
        "window_start": np.zeros(n, np.int64),
    }
    return Events(
        **left_out | dict(arrays),
        frequency=frequency,
        time=time,
        event_id=tuple(f"row {row}" for row in range(n)),
        sampling_rate=sampling_rate,
        unit=unit,
        components=components if len(components) > 1 else (),
        context_lead=context_lead,
    )
