"""The vector sum of the components of an instrument: the root of the sum of their squares, where all were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ris_core.processing.condition import Conditioned, Trace
from ris_core.processing.instrument import Kind


@dataclass(frozen=True)
class _Stretch:
    """Samples [first, stop) of a segment of one channel, and the segments of the others that have them as well."""

    of: Conditioned
    first: int
    stop: int
    others: tuple[Conditioned, ...] = ()


def vector_sums(
    by_channel: Mapping[str, Sequence[Conditioned]], channel: str, detection: Kind, spectrogram: Kind
) -> tuple[list[Conditioned], list[list[Trace]]]:
    """Return the vector sum of all channels, and the components that belong to each of its segments.

    A sample of the sum has the time and the place on the grid of the sample of ``channel``; of the other channels it
    takes the sample nearest in time.

    Parameters
    ----------
    by_channel, channel
        Conditioned segments by channel, and the one whose samples give the times.
    detection, spectrogram
        Kinds of the traces that are summed and that are returned beside the sum.

    Returns
    -------
    tuple
        The segments of the sum, in the order of time, each with the trace of the kind ``detection``; and for each the
        traces (n,) of the kind ``spectrogram`` of all channels, in their order.
    """
    stretches = [_Stretch(trace, 0, trace.samples.size) for trace in by_channel[channel]]
    codes = [code for code in by_channel if code != channel]
    for code in codes:
        stretches = [both for one in stretches for other in by_channel[code] if (both := _both(one, other)) is not None]
    sums, components = [], []
    for stretch in sorted(stretches, key=lambda s: s.of.time_ns(s.first)):
        of_channel = dict(zip((channel, *codes), (stretch.of, *stretch.others), strict=True))
        kinds: dict[Kind, Trace] = {
            kind: np.sqrt(reduce(np.add, (np.square(_aligned(stretch, trace, kind)) for trace in of_channel.values())))
            for kind in dict.fromkeys(("counts", detection))
        }
        part = stretch.of.piece.part(stretch.first, stretch.stop)
        sums.append(
            Conditioned(
                start_ns=part.start_ns,
                sampling_rate=stretch.of.sampling_rate,
                samples=kinds["counts"],
                grid_offset=stretch.of.grid_offset + stretch.first,
                opens_window=all(trace.opens_window for trace in of_channel.values()),
                closes_window=all(trace.closes_window for trace in of_channel.values()),
                ground=tuple((kind, total) for kind, total in kinds.items() if kind != "counts"),
                marks=part.marks,
                block=max(trace.block for trace in of_channel.values()),
            )
        )
        components.append([_aligned(stretch, of_channel[code], spectrogram) for code in by_channel])
    return sums, components


def _both(one: _Stretch, other: Conditioned) -> _Stretch | None:
    """Return the part of a stretch that another segment has as well; none if there is none."""
    first = max(one.first, one.of.piece.nearest(other.time_ns(0)))
    stop = min(one.stop, one.of.piece.nearest(other.time_ns(other.samples.size - 1)) + 1)
    if first < stop:
        # Rounding of a time between two samples may lead one sample beyond the other segment.
        first += max(0, -other.piece.nearest(one.of.time_ns(first)))
        stop -= max(0, other.piece.nearest(one.of.time_ns(stop - 1)) - (other.samples.size - 1))
    return _Stretch(one.of, first, stop, (*one.others, other)) if first < stop else None


def _aligned(stretch: _Stretch, trace: Conditioned, kind: Kind) -> Trace:
    """Return a segment's samples nearest in time to those of a stretch, shape (stop − first,)."""
    samples = trace.of_kind(kind)
    if trace is stretch.of:
        return samples[stretch.first : stretch.stop]
    parts = []
    for first, stop, shift in _shifts(stretch.of, trace, stretch.first, stretch.stop):
        inside = first + shift >= 0 and stop + shift <= samples.size
        # Times between two samples may be rounded either way, beyond the end of the segment as well.
        index = np.clip(np.arange(first, stop) + shift, 0, samples.size - 1)
        parts.append(samples[first + shift : stop + shift] if inside else samples[index])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _shifts(of: Conditioned, trace: Conditioned, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Divide samples of a segment into parts with one difference to the index of the sample nearest in time.

    There is one part unless the clock of one of the two drifts against its nominal rate.
    """
    shift = trace.piece.nearest(of.time_ns(first)) - first
    if stop - first == 1 or shift == trace.piece.nearest(of.time_ns(stop - 1)) - (stop - 1):
        yield first, stop, shift
    else:
        middle = (first + stop) // 2
        yield from _shifts(of, trace, first, middle)
        yield from _shifts(of, trace, middle, stop)
