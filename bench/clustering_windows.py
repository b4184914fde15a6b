"""Windows of the clustering benchmark: spectrogram, true class and origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ris_core.contracts import events as product

MOST_STATIONS = 4
TIMES_OF_YEAR = 6
MOST_DAYS = 5 * TIMES_OF_YEAR
_BLOCK_NS = 6 * 3_600_000_000_000
_ONCE = ("frequency", "time", "detected", "sampling_rate", "context_lead")


@dataclass(frozen=True)
class Size:
    """The size of the rendered and of the kept part.

    Attributes
    ----------
    stations, days
        Numbers for the network: at most 4 stations and at most 30 days. The first six are one in each two months from
        December, the next six one more in each, and so on.
    events
        Number of events drawn uniformly (seeded by the generator) from all detected ones.
    noise_windows
        Most windows without events, spread over the station-days.
    """

    stations: int = 4
    days: int = 6
    events: int = 1400
    noise_windows: int = 144

    def __post_init__(self) -> None:
        if not (1 <= self.stations <= MOST_STATIONS and 1 <= self.days <= MOST_DAYS):
            raise ValueError(
                f"1 to {MOST_STATIONS} stations and 1 to {MOST_DAYS} days, got {self.stations} and {self.days}"
            )


@dataclass(frozen=True, eq=False)
class Events:
    """Windows of one generator, in the order of role, station and time.

    Attributes
    ----------
    spectrogram
        (N, 87, 100) float32, linear PSD, counts²/Hz.
    frequency, time
        (87,) Hz, (100,) s.
    role
        ``sample``: drawn uniformly from all detected events, every family at its own rate; ``rare``: the events of the
        rare family that were not drawn; ``noise``: windows at random times without an event, not detections.
    family
        True class of the window (`ris_core.truth.evaluation.window_labels`): a family, ``mixed`` or ``noise``.
    snr_db
        SNR of the matched event, dB; NaN without one.
    station, time_peak
        Station code; ns since 1970 UTC.
    source_id
        Source of the matched event, the same at all stations that record it; a unique negative number without a match.
    detected
        Number of events that were detected before the draw, including mixed ones and false triggers.
    event_id, window_start, context, context_recorded, noise_psd, noise_columns, sampling_rate, context_lead
        As in `ris_core.contracts.events.Events`; identifiers of windows without an event have a time of their own.
    """

    spectrogram: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    role: NDArray[np.str_]
    family: NDArray[np.str_]
    snr_db: NDArray[np.float64]
    station: NDArray[np.str_]
    time_peak: NDArray[np.int64]
    source_id: NDArray[np.int64]
    detected: int
    event_id: NDArray[np.str_]
    window_start: NDArray[np.int64]
    context: NDArray[np.float32]
    context_recorded: NDArray[np.int32]
    noise_psd: NDArray[np.float32]
    noise_columns: NDArray[np.int32]
    sampling_rate: float
    context_lead: int

    def __len__(self) -> int:
        return len(self.family)

    def take(self, rows: NDArray[Any]) -> Events:
        """Return some of the windows: by their rows, or by a mask."""
        return replace(self, **{name: getattr(self, name)[rows] for name in per_window()})

    def product(self) -> product.Events:
        """Return the windows as the platform's own events, without waveforms."""
        return product.Events(
            **{name: getattr(self, name) for name in _OF_PRODUCT},
            waveform=np.empty((len(self), 0), np.float32),
            event_id=tuple(map(str, self.event_id)),
        )

    def of_role(self, role: str) -> Events:
        """Return the windows of a role."""
        return self.take(self.role == role)

    def counts(self) -> dict[str, int]:
        """Return the windows of each class, the most frequent first."""
        names, counts = np.unique(self.family, return_counts=True)
        return {str(names[i]): int(counts[i]) for i in np.argsort(-counts, kind="stable")}

    def validation(self, share: float, seed: int) -> NDArray[np.bool_]:
        """Return which windows are for validation: whole blocks of 6 h at all stations, with all copies of a source."""
        block = self.time_peak // _BLOCK_NS
        first = pd.Series(block).groupby(self.source_id).transform("min").to_numpy()
        random = np.random.default_rng(seed)
        chosen = np.zeros(len(self), dtype=np.bool_)
        for group in random.permutation(np.unique(first)):
            if chosen.sum() >= share * len(self):
                break
            chosen |= first == group
        return chosen


_OF_PRODUCT = (
    "spectrogram",
    "frequency",
    "time",
    "time_peak",
    "window_start",
    "sampling_rate",
    "context",
    "context_lead",
    "context_recorded",
    "noise_psd",
    "noise_columns",
)


def per_window() -> tuple[str, ...]:
    """Return the names of the arrays that have a value for every window."""
    return tuple(f.name for f in fields(Events) if f.name not in _ONCE)


def joined(parts: Sequence[Events]) -> Events:
    """Return the windows of several parts as one."""
    values: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in per_window()}
    return replace(parts[0], **values, detected=sum(part.detected for part in parts))
