"""The conditioned traces of a station-day: the components of one instrument, and the trace of detections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ris_core.contracts.station_day import NS
from ris_core.processing.condition import Conditioned, Trace

Place = tuple[int, int]
"""Number of a segment, and the index of a sample in it."""


@dataclass(frozen=True)
class DayTraces:
    """The conditioned segments of a padded station-day.

    Attributes
    ----------
    by_channel
        Segments of each channel, in the settings' order of channels; empty where nothing was recorded.
    channel
        The channel that names detections.
    detection
        Segments of the trace of detections: those of ``channel``, or of the vector sum of all channels.
    strength
        For each of these segments the traces (n,), of the kind of the spectrograms, whose power decides on the window.
    """

    by_channel: Mapping[str, Sequence[Conditioned]]
    channel: str
    detection: Sequence[Conditioned]
    strength: Sequence[Sequence[Trace]]

    def places(self, segment: int, first: int, length: int) -> tuple[Place | None, ...]:
        """Return where each channel has the samples that it recorded together with some of the trace of detections.

        Segments of two channels may begin at different times, with other gaps. The first sample is the one nearest in
        time, which for channels of one clock is that of the same index on the grid from 00:00 UTC. Where segments of a
        channel overlap, the one nearest in time counts.

        Parameters
        ----------
        segment, first, length
            Number of the segment of the trace of detections, and the samples in it.

        Returns
        -------
        tuple
            For each channel the place of the first sample; none if it has not recorded all of them in one segment.
        """
        return tuple(self._place(code, segment, first, length) for code in self.by_channel)

    def _place(self, code: str, segment: int, first: int, length: int) -> Place | None:
        trace, segments = self.detection[segment], self.by_channel[code]
        if segment < len(segments) and trace is segments[segment]:
            return segment, first
        time = trace.time_ns(first)
        starts, ends = self._spans[code]
        step = round(NS / trace.sampling_rate)
        found: list[tuple[int, Place]] = []
        for number in np.flatnonzero((starts - step < time) & (time < ends + step)).tolist():
            index = segments[number].piece.nearest(time)
            if 0 <= index <= segments[number].samples.size - length:
                found.append((abs(segments[number].time_ns(index) - time), (number, index)))
        return min(found)[1] if found else None

    @cached_property
    def _spans(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return {
            code: (
                np.array([s.start_ns for s in segments], dtype=np.int64),
                np.array([s.time_ns(s.samples.size) for s in segments], dtype=np.int64),
            )
            for code, segments in self.by_channel.items()
        }
