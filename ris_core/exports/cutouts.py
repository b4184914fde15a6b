"""Waveforms of single events as miniSEED: the conditioned trace around them, or raw counts."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ris_core.access.event_access import Event, raw_of_day, read_events_of_day
from ris_core.contracts.event_identifier import peak_of
from ris_core.contracts.station_day import NS, StationDay
from ris_core.exports.placing import Placing
from ris_core.station_days.station_days import StationDays
from ris_core.storage.json_records import to_text

if TYPE_CHECKING:
    from obspy import Stream, Trace

FOLDER, INDEX, RECORD = "cutouts", "cutouts.csv", "cutouts.json"
CUTOUT_SCHEMA = pa.schema(
    [
        pa.field(name, kind, False, {"description": about} | ({"unit": unit} if unit else {}))
        for name, kind, about, unit in (
            ("file", pa.string(), "Path of the miniSEED file", ""),
            ("event_id", pa.string(), "As in the catalogue", ""),
            ("channel", pa.string(), "SEED channel of the trace", ""),
            (
                "kind",
                pa.string(),
                "context: conditioned trace around the event; window: conditioned samples of its spectrogram alone, "
                "where no context was kept; raw: counts as they were recorded",
                "",
            ),
            ("unit", pa.string(), "Unit of the samples", ""),
            ("start", pa.string(), "First sample (UTC, ISO 8601; a miniSEED time is exact to the microsecond)", ""),
            ("samples", pa.int64(), "Number of samples", ""),
            ("sampling_rate", pa.float64(), "Samples per second", "Hz"),
        )
    ]
)
"""One row per trace of a cut-out."""


@dataclass(frozen=True)
class CutoutOptions:
    """What is cut out.

    Attributes
    ----------
    raw
        Raw counts of all channels in place of the conditioned trace.
    before, after
        Seconds before and after the peak; of raw counts only.
    """

    raw: bool = False
    before: float = 5.0
    after: float = 10.0


@dataclass
class Cutouts:
    """Cut-outs that are being written.

    Attributes
    ----------
    placing
        Where to.
    options
        What is cut out.
    events
        Number of events that were written.
    left_out
        Why events were left out, with their numbers.
    without_context
        Number of events of which only the samples of the spectrogram are there.
    """

    placing: Placing
    options: CutoutOptions
    events: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    without_context: int = 0
    _rows: list[dict[str, object]] = field(default_factory=list)

    def write(self, network: StationDays, events: pa.Table) -> None:
        """Write the cut-outs of rows of the catalogue, station-day by station-day."""
        days: dict[StationDay, list[str]] = {}
        onset = events["time_on"].cast(pa.int64()).to_pylist()
        for station, time_on, event_id in zip(
            events["station"].to_pylist(), onset, events["event_id"].to_pylist(), strict=True
        ):
            day = datetime.fromtimestamp(time_on // NS, UTC).date()
            days.setdefault(StationDay(station, day), []).append(event_id)
        for key, ids in days.items():
            self._write_day(network, key, ids)

    def _write_day(self, network: StationDays, key: StationDay, ids: list[str]) -> None:
        done = 0
        try:
            for event_id, kind, unit, stream in self._streams(network, key, ids):
                if not len(stream):
                    self.left_out["there are no raw samples around the peak"] += 1
                else:
                    self._place(key, event_id, kind, unit, stream)
                done += 1
        except (OSError, ValueError) as error:
            why = str(error).replace(f"{network.layout.root}/", "")
            self.left_out[f"{key}: {why}"] += len(ids) - done
            return
        if done < len(ids):
            self.left_out[f"{key}: they are not in its spectrograms; bring the catalogue up to date"] += len(ids) - done

    def _streams(self, network: StationDays, key: StationDay, ids: list[str]) -> Iterator[tuple[str, str, str, Stream]]:
        from obspy import UTCDateTime

        if self.options.raw:
            whole = raw_of_day(network, key)
            for event_id in ids:
                peak = UTCDateTime(ns=peak_of(event_id))
                cut = whole.slice(peak - self.options.before, peak + self.options.after)
                yield event_id, "raw", "counts", cut
            return
        for event in read_events_of_day(network, key, ids):
            kind = "window" if event.context is None else "context"
            self.without_context += kind == "window"
            yield event.event_id, kind, event.unit, _conditioned(event)

    def _place(self, key: StationDay, event_id: str, kind: str, unit: str, stream: Stream) -> None:
        name = f"{FOLDER}/{key.station}/{key.day}/{event_id}.mseed"
        with self.placing.writing(name) as temporary:
            temporary.write_bytes(mseed(stream))
        self.events += 1
        self._rows += [
            {
                "file": name,
                "event_id": event_id,
                "channel": trace.stats.channel,
                "kind": kind,
                "unit": unit,
                "start": str(trace.stats.starttime),
                "samples": trace.stats.npts,
                "sampling_rate": trace.stats.sampling_rate,
            }
            for trace in stream
        ]

    def finish(self) -> None:
        """Write the table of the traces, and what was left out."""
        frame = pd.DataFrame(self._rows, columns=CUTOUT_SCHEMA.names)
        with self.placing.writing(INDEX) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        said = {"of": asdict(self.options), "events": self.events, "left_out": dict(self.left_out)}
        self.placing.write_text(RECORD, to_text(said | {"without_context": self.without_context}))


def _conditioned(event: Event) -> Stream:
    """Return the context of all recorded components, else their windows."""
    from obspy import Stream

    recorded = np.atleast_1d(np.ones(len(event.components), bool) if event.recorded is None else event.recorded)
    letters = [letter for letter, there in zip(event.components, recorded, strict=True) if there]
    traces = [event.trace(one) if event.context is None else event.context_trace(one) for one in letters]
    return Stream([trace for trace in traces if trace.stats.npts])


def mseed(traces: Iterable[Trace]) -> bytes:
    """Return traces as miniSEED without loss: whole numbers as STEIM2 where their steps fit, floats as they are."""
    from obspy import Stream

    return b"".join(_record_bytes(Stream([_native(trace)])) for trace in traces)


def _native(trace: Trace) -> Trace:
    """Return a trace whose samples are in the byte order of this machine without naming it.

    ObsPy 1.5 takes samples whose type names its byte order ('<f4') for swapped ones when it writes miniSEED.
    """
    from obspy import Trace

    return Trace(trace.data.astype(trace.data.dtype.newbyteorder("=")), header=trace.stats)


def _record_bytes(one: Stream) -> bytes:
    from obspy.io.mseed import InternalMSEEDError

    if not np.issubdtype(one[0].data.dtype, np.integer):
        return _written(one)
    try:
        return _written(one, encoding="STEIM2")
    except InternalMSEEDError:
        return _written(one, encoding="INT32")


def _written(one: Stream, **encoding: str) -> bytes:
    target = io.BytesIO()
    one.write(target, format="MSEED", **encoding)
    return target.getvalue()
