"""One event: its spectrogram and samples, and what lies around it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.event_identifier import possible_days
from ris_core.contracts.events import Events, MissingPartError
from ris_core.contracts.seed_id import SeedId
from ris_core.contracts.station_day import NS, StationDay
from ris_core.station_days.station_days import StationDays
from ris_core.storage.spectrogram_file import power_unit, read_column, read_spectrograms

if TYPE_CHECKING:
    from obspy import Stream, Trace

_BLOCK = 64
"""Events of a station-day that are read at once."""


class UnknownEventError(KeyError):
    """There is no spectrogram of this event in the data root."""


@dataclass(frozen=True, repr=False)
class Event:
    """One event; of several components all arrays but `frequency` and `time` have a first axis for them, C.

    Attributes
    ----------
    event_id
        NET.STA.LOC.CHAN.time of the peak.
    components
        Letters of the components, in the order of their axis; the one letter of one component.
    spectrogram
        (F, T) or (C, F, T) float32, ``unit``²/Hz; 87 × 100 by default.
    frequency, time
        (F,) Hz; (T,) s from the first column.
    waveform
        (S,) or (C, S) float32, conditioned samples behind the spectrogram, ``unit``; 218 by default, 199 of an imported
        event.
    sampling_rate
        Of waveform and context, Hz.
    unit
        ``counts``, or m/s or m/s^2 where the settings ask for spectrograms of ground motion.
    time_peak, window_start
        ns since 1970 UTC.
    context
        (samples,) or (C, samples) float32, ``unit``: the trace around the event (`context` of the settings), with zeros
        where nothing was recorded. None if the event was imported or made by an earlier version.
    context_start
        Time of its first sample, ns since 1970 UTC.
    context_recorded
        (2,) or (C, 2): its first recorded sample, and the first one after them.
    noise_psd
        (F,) or (C, F) float32, ``unit``²/Hz: the noise around the event at each frequency; None as `context`.
    noise_columns
        () or (C,): number of short-time spectra that the noise was taken from.
    recorded
        () or (C,) bool: whether the component was recorded; None if all were.
    """

    event_id: str
    components: tuple[str, ...]
    spectrogram: NDArray[np.float32]
    frequency: NDArray[np.float64]
    time: NDArray[np.float64]
    waveform: NDArray[np.float32]
    sampling_rate: float
    unit: str
    time_peak: int
    window_start: int
    context: NDArray[np.float32] | None
    context_start: int
    context_recorded: NDArray[np.int32] | None
    noise_psd: NDArray[np.float32] | None
    noise_columns: NDArray[np.int32] | None
    recorded: NDArray[np.bool_] | None

    def __repr__(self) -> str:
        frequencies, times = self.spectrogram.shape[-2:]
        several = f"components {', '.join(self.components)}; " if len(self.components) > 1 else ""
        around = "no context"
        if self.context is not None:
            around = f"context of {self.context.shape[-1] / self.sampling_rate:g} s"
        return (
            f"<Event {self.event_id}: {several}spectrogram {frequencies} x {times}, {power_unit(self.unit)}; "
            f"{self.waveform.shape[-1]} samples at {self.sampling_rate:g} Hz, {self.unit}; {around}>"
        )

    def trace(self, component: str = "") -> Trace:
        """Return the conditioned waveform of a component as an ObsPy trace.

        Parameters
        ----------
        component
            Its letter; by default that of the channel in the event id.

        Raises
        ------
        ValueError
            There is no such component.
        """
        return self._trace(self.waveform, self.window_start, component)

    def context_trace(self, component: str = "") -> Trace:
        """Return the recorded part of the context of a component as an ObsPy trace; parameters as in `trace`.

        Raises
        ------
        ValueError
            There is no such component.
        MissingPartError
            The event has no context.
        """
        if self.context is None or self.context_recorded is None:
            raise MissingPartError(
                f"{self.event_id} has no context: it was imported or made by an earlier version; process its "
                "station-day again"
            )
        first, stop = self._of(self.context_recorded, component)
        trace = self._trace(self.context, self.context_start, component)
        trace.data = trace.data[first:stop]
        trace.stats.starttime += first / self.sampling_rate
        return trace

    def _trace(self, values: NDArray[np.float32], start_ns: int, component: str) -> Trace:
        from obspy import Trace, UTCDateTime

        seed_id = _seed_id(self.event_id)
        header: dict[str, object] = seed_id._asdict()
        channel = seed_id.channel[:-1] + (component or seed_id.channel[-1:])
        header |= {
            "channel": channel,
            "sampling_rate": self.sampling_rate,
            "starttime": UTCDateTime(ns=start_ns),
        }
        # ObsPy 1.5 writes samples whose type names its byte order, as HDF5 gives it, as if they were swapped.
        return Trace(self._of(values, component).astype(np.float32), header=header)

    def _of(self, values: NDArray[Any], component: str) -> NDArray[Any]:
        letter = component or _seed_id(self.event_id).channel[-1:]
        if letter not in self.components:
            raise ValueError(f"component = {letter!r}: {self.event_id} has {', '.join(self.components)}")
        found: NDArray[Any] = values[self.components.index(letter)] if len(self.components) > 1 else values
        return found


def _seed_id(event_id: str) -> SeedId:
    return SeedId(*event_id.split(".", 4)[:4])


def read_event(network: StationDays, event_id: str) -> Event:
    """Return all that is kept of an event: spectrogram, samples, context and noise.

    Raises
    ------
    ValueError
        The identifier is not one.
    UnknownEventError
        There is no such spectrogram in the data root.
    """
    key, row = _find(network, event_id)
    return _event(read_spectrograms(network.layout.spectrograms(key), slice(row, row + 1)), 0)


def read_events_of_day(network: StationDays, key: StationDay, event_ids: Collection[str]) -> Iterator[Event]:
    """Yield some events of a station-day in the order of its file; those that it does not have are left out.

    Raises
    ------
    FileNotFoundError
        The station-day has no spectrograms.
    DamagedFileError
        They are damaged.
    """
    path = network.layout.spectrograms(key)
    wanted = np.isin(read_column(path, "event_id").astype(str), list(event_ids))
    for block in np.array_split(np.flatnonzero(wanted), max(1, -(-int(wanted.sum()) // _BLOCK))):
        data = read_spectrograms(path, block)
        for row in range(len(block)):
            yield _event(data, row)


def _event(data: Events, row: int) -> Event:
    window_start = int(data.window_start[row])

    def around(values: NDArray[Any] | None) -> Any:
        """Return the row of an array that always has an axis for components."""
        if values is None:
            return None
        return values[row] if data.components else values[row, 0]

    event_id = data.event_id[row]
    return Event(
        event_id=event_id,
        components=data.letters,
        spectrogram=data.spectrogram[row],
        frequency=data.frequency,
        time=data.time,
        waveform=data.waveform[row],
        sampling_rate=data.sampling_rate,
        unit=data.unit,
        time_peak=int(data.time_peak[row]),
        window_start=window_start,
        context=around(data.context),
        context_start=window_start - round(data.context_lead * NS / data.sampling_rate),
        context_recorded=around(data.context_recorded),
        noise_psd=around(data.noise_psd),
        noise_columns=around(data.noise_columns),
        recorded=around(data.recorded),
    )


def read_raw(network: StationDays, event_id: str, before: float = 5.0, after: float = 10.0) -> Stream:
    """Return the raw samples around the peak of an event, of all channels, counts.

    A raw file that was dropped after processing is fetched again, and stored.

    Parameters
    ----------
    network, event_id
        As in `read_event`.
    before, after
        Seconds before and after the peak.

    Raises
    ------
    ValueError, UnknownEventError
        As in `read_event`.
    """
    from obspy import UTCDateTime

    key, row = _find(network, event_id)
    peak = UTCDateTime(ns=int(read_column(network.layout.spectrograms(key), "time_peak")[row]))
    return raw_of_day(network, key).slice(peak - before, peak + after)


def raw_of_day(network: StationDays, key: StationDay) -> Stream:
    """Return the raw samples of a station-day with its padding, of all channels, counts.

    A raw file that was dropped after processing is fetched again, and stored. Raises as `AcquireStage.segments`.
    """
    from obspy import Stream, Trace, UTCDateTime

    header = network.settings.seed_id(key.station)._asdict()
    return Stream(
        [
            Trace(
                s.samples,
                header | {"channel": code, "sampling_rate": s.sampling_rate, "starttime": UTCDateTime(ns=s.start_ns)},
            )
            for code, found in network.acquire.segments(key).items()
            for s in found
        ]
    )


def _find(network: StationDays, event_id: str) -> tuple[StationDay, int]:
    for key in possible_days(str(event_id)):
        if not network.layout.spectrograms(key).exists():
            continue
        rows = np.flatnonzero(read_column(network.layout.spectrograms(key), "event_id") == event_id)
        if rows.size:
            return key, int(rows[0])
    paths = [network.layout.spectrograms(key) for key in possible_days(str(event_id))]
    if there := [path for path in paths if path.exists()]:
        why = (
            f"{there[0]} does not have it. If the catalogue or a label table does, its station-day was processed again "
            "afterwards, with other settings: `ris run` labels it again and brings the catalogue up to date"
        )
    else:
        why = f"there is no file {paths[0]}. If it was removed, `ris run --only process` makes it again"
    raise UnknownEventError(f"{event_id}: no spectrogram of this event in {network.layout.root}: {why}")
