"""Ground motion of one segment: a gain for each epoch of the response, and a trace joined from them by time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ris_core.config import ResponseSettings
from ris_core.contracts.station_day import NS
from ris_core.processing.filters import Gain, Samples
from ris_core.processing.instrument import Instrument, Kind, NoResponseError, Span

Trace = NDArray[np.float64]
_DAY_NS = 86_400 * NS


@dataclass(frozen=True)
class Missing:
    """Samples, from ``first`` to before ``stop``, that have no ``peak_acceleration``, and why."""

    first: int
    stop: int
    why: str


@dataclass
class Ground:
    """The gains for the ground motion of a segment.

    Attributes
    ----------
    gains
        Gain by kind of trace and epoch.
    spans
        Times of validity of the epochs, by kind.
    """

    gains: dict[tuple[Kind, int], Gain]
    spans: dict[Kind, list[Span]]

    def together(
        self, traces: Mapping[Hashable, Trace], start_ns: int, rate: float, size: int
    ) -> tuple[tuple[tuple[Kind, Trace], ...], tuple[Missing, ...]]:
        """Return each kind's trace, NaN without a response, and samples and reasons of missing ``peak_acceleration``.

        Parameters
        ----------
        traces
            Each of shape (size,), by kind and epoch.
        start_ns, rate
            Time of the first sample, ns since 1970 UTC, and sampling rate, Hz.
        """
        made: list[tuple[Kind, Trace]] = []
        missing: list[Missing] = []
        for kind, spans in self.spans.items():
            inner = [round((span.start_ns - start_ns) * rate / NS) for span in spans[1:]]
            bounds = [0, *np.clip(inner, 0, size).tolist(), size]
            missing += [
                Missing(bounds[i], bounds[i + 1], span.why) for i, span in enumerate(spans) if span.epoch is None
            ]
            epochs = {span.epoch for span in spans}
            if epochs == {None}:
                continue
            if len(epochs) == 1:
                made.append((kind, traces[kind, spans[0].epoch]))
                continue
            whole = np.full(size, np.nan)
            for i, span in enumerate(spans):
                if span.epoch is not None:
                    whole[bounds[i] : bounds[i + 1]] = traces[kind, span.epoch][bounds[i] : bounds[i + 1]]
            made.append((kind, whole))
        return tuple(made), tuple(missing)


def ground_of(
    kinds: Sequence[Kind],
    times_ns: tuple[int, int],
    midnight_ns: int,
    frequency: Samples,
    rate: float,
    response: ResponseSettings,
    instrument: Instrument | None,
) -> Ground:
    """Return the gains of a segment's ground motion.

    Only the part of the segment within the day decides which epochs are used. In the padding the nearest epoch of the
    day continues, so that a day does not fail because of samples that only settle the filters.

    Parameters
    ----------
    kinds, times_ns, midnight_ns
        The traces; start and end of the segment and 00:00 UTC of the day, ns since 1970.
    frequency, rate, response
        As in `Instrument.gain`.
    instrument
        The channel's responses; none without StationXML.

    Raises
    ------
    NoResponseError
        A trace other than ``peak_acceleration`` lacks a response.
    """
    start, end = max(times_ns[0], midnight_ns), min(times_ns[1], midnight_ns + _DAY_NS)
    if start >= end:
        start, end = times_ns
    held = instrument.spans(start, end, response) if instrument else [Span(start, end, None, "no response")]
    found = Ground({}, {})
    for kind in kinds:
        found.spans[kind] = []
        for span in held:
            here = span
            if instrument is not None and span.epoch is not None and (kind, span.epoch) not in found.gains:
                try:
                    gain = instrument.gain(kind, span.epoch, frequency, rate, response)
                    found.gains[kind, span.epoch] = gain
                except NoResponseError as error:
                    here = Span(span.start_ns, span.end_ns, None, str(error))
            if here.epoch is None and kind != "peak_acceleration":
                raise NoResponseError(here.why)
            found.spans[kind].append(here)
    return found
