"""Samples that came from a source: they are stored, unless they are read in place, and what was found is recorded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.acquisition import Acquisition, Exchange, OfChannel, SamplesAt
from ris_core.contracts.quality import Quality
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import Fetched, RemoteSource, WaveformSource
from ris_core.section import digest_of
from ris_core.storage.acquisition_file import write_acquisition
from ris_core.storage.atomic import remove
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.stationxml import digest_of_text
from ris_core.waveforms.stored import read_stored, write_stored
from ris_core.waveforms.stored_response import read_response, write_response

N = TypeVar("N", int, float)


class NoUsableSamplesError(ValueError):
    """There are samples of the day, but none that can be used; that is not absence."""


def take_in(
    layout: Layout,
    settings: Settings,
    key: StationDay,
    sources: Mapping[str, WaveformSource],
    fetched: Mapping[str, Fetched],
    before: Mapping[str, Acquisition],
) -> tuple[Acquisition, dict[str, list[Segment]]]:
    """Store the samples of a station-day unless they are read in place, record what was found, and return both.

    Nothing is stored if a channel's samples cannot be used.

    Parameters
    ----------
    layout, settings, key
        Where to, and which station-day. The settings decide about padding, digest and whether raw files are kept.
    sources, fetched
        Where the samples come from, and what came, by channel. Channels that were not fetched stay as before.
    before
        Earlier results by channel. Where a data centre no longer has samples of a day that is stored, the stored ones
        stay, and the reason says so; then there are no segments.

    Raises
    ------
    NoUsableSamplesError
        There are samples of a channel, but none is finite.
    """
    came = {code: _Samples.of(key, settings, code, fetched[code]) for code in settings.channels if code in fetched}
    staying = [code for code, known in before.items() if code not in came and known.has_data]
    stored = [*staying, *(code for code, samples in came.items() if samples.has_data)]
    if any(not sources[code].in_place for code in stored):
        _store_inventory(layout, key, sources[settings.channel])
    found, segments = dict(before), dict[str, list[Segment]]()
    for code, samples in came.items():
        known = before.get(code)
        if (
            not samples.has_data
            and isinstance(sources[code], RemoteSource)
            and known is not None
            and _is_stored(layout, settings, code, known)
        ):
            found[code] = replace(known, reason=f"kept: {samples.fetched.reason or 'no samples of the day came'}")
            continue
        found[code], segments[code] = _of_channel(layout, settings.of_channel(code), key, sources[code], samples)
    together = station_day_of(settings, key, found)
    write_acquisition(layout, together)
    return together, segments


@dataclass(frozen=True)
class _Samples:
    """What came of one channel."""

    fetched: Fetched
    segments: list[Segment]
    quality: Quality

    @classmethod
    def of(cls, key: StationDay, settings: Settings, code: str, fetched: Fetched) -> _Samples:
        segments = to_segments(fetched.stream, key, settings.conditioning.padding)
        found = cls(fetched, segments, quality_of(segments, key, fetched.stream))
        if not found.has_data and found.quality.non_finite:
            whose = f"{key}" if len(settings.channels) == 1 else f"{key}, {code}"
            raise NoUsableSamplesError(f"{whose}: all its {found.quality.non_finite} samples are NaN or infinite")
        return found

    @property
    def has_data(self) -> bool:
        return self.quality.samples > 0


def _of_channel(
    layout: Layout,
    settings: Settings,
    key: StationDay,
    source: WaveformSource,
    came: _Samples,
) -> tuple[Acquisition, list[Segment]]:
    """Store the samples of the one channel of the settings, and return what was found and the segments on disk."""
    path, has_data, segments = layout.waveform(key, settings.channel), came.has_data, came.segments
    whole_records = False
    if has_data and not source.in_place:
        whole_records = write_stored(came.fetched.stream, path)
        # What is on disk is what will be read: miniSEED rounds times to the µs.
        segments, _ = read_stored(path, key, settings.conditioning.padding, whole_records)
    elif not source.in_place:
        remove(path)
    is_stored = has_data and not source.in_place
    not_stored = SamplesAt.IN_PLACE if source.in_place else SamplesAt.NOWHERE
    found = Acquisition(
        key=key,
        has_data=has_data,
        reason="" if has_data else came.fetched.reason or "the source has no samples for this station-day",
        samples_at=SamplesAt.STORED if is_stored else not_stored,
        stored_as=layout.relative(path) if is_stored else None,
        size=path.stat().st_size if is_stored else sum(s.samples.nbytes for s in segments),
        segments=len(segments),
        quality=came.quality,
        stamp=Stamp(settings.acquire_digest(), versions.ACQUIRE, digest_of_segments(segments)),
        exchange=came.fetched.exchange,
        whole_records=whole_records,
        has_response=is_stored and layout.inventory(key.station).exists(),
        files=tuple(came.fetched.files),
    )
    return found, segments


def _is_stored(layout: Layout, settings: Settings, code: str, before: Acquisition) -> bool:
    """Return whether an earlier acquisition of the same channel found samples that are still there.

    Samples dropped after processing count as there: what was made from them is.
    """
    path = layout.waveform(before.key, code)
    if not before.has_data or before.stored_as != layout.relative(path):
        return False
    return path.exists() or settings.retention.raw == "drop_after_processing"


def station_day_of(settings: Settings, key: StationDay, found: Mapping[str, Acquisition]) -> Acquisition:
    """Return the result of a station-day from those of its channels; of one channel, it is the same.

    Parameters
    ----------
    settings, key
        The network's settings, and which station-day.
    found
        The results of all channels, by code.
    """
    if len(settings.channels) == 1:
        return found[settings.channel]
    channels = tuple(OfChannel(code, found[code]) for code in settings.channels)
    leading = found[settings.channel]
    if settings.components.detect_on == "vector_sum" and not leading.has_data:
        leading = next((of_channel for _, of_channel in channels if of_channel.has_data), leading)
    stamp = Stamp(settings.acquire_digest(), versions.ACQUIRE, "")
    for code, of_channel in channels:
        # Samples that a data centre no longer has stay out of date, as of one channel.
        if is_out_of_date(settings, code, of_channel):
            stamp = of_channel.stamp
    exchanges = [of_channel.exchange for _, of_channel in channels]
    return replace(
        leading,
        reason="; ".join(f"{code}: {of_channel.reason}" for code, of_channel in channels if of_channel.reason),
        size=sum(of_channel.size for _, of_channel in channels),
        stamp=replace(stamp, inputs=content_of({code: of_channel.content for code, of_channel in channels})),
        exchange=Exchange(
            leading.exchange.provider,
            _sum([e.request_seconds for e in exchanges]),
            _sum([e.attempts for e in exchanges]),
            _sum([e.received_bytes for e in exchanges]),
        ),
        has_response=any(of_channel.has_response for _, of_channel in channels),
        files=tuple(file for _, of_channel in channels for file in of_channel.files or ()),
        channels=channels,
    )


def channels_to_fetch(
    layout: Layout, settings: Settings, key: StationDay, known: Mapping[str, Acquisition]
) -> tuple[str, ...]:
    """Return the channels that are not stored as the settings want them; all of them if none is lacking."""
    lacking = tuple(
        code
        for code in settings.channels
        if (found := known.get(code)) is None
        or is_out_of_date(settings, code, found)
        or found.stored_as != layout.relative(path := layout.waveform(key, code))
        or not path.exists()
    )
    return lacking or settings.channels


def is_out_of_date(settings: Settings, code: str, found: Acquisition) -> bool:
    """Return whether a channel was acquired with other settings, or by another version."""
    now = settings.of_channel(code).acquire_digest(), versions.ACQUIRE
    return (found.stamp.settings, found.stamp.version) != now


def content_of(digests: Mapping[str, str]) -> str:
    """Return the digest of the samples of a station-day from those of its channels; of one channel, it is the same."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    return digest_of([[code, digest] for code, digest in digests.items()])


def _sum(values: list[N | None]) -> N | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def _store_inventory(layout: Layout, key: StationDay, source: WaveformSource) -> None:
    path, written = layout.inventory(key.station), io.BytesIO()
    if isinstance(source, RemoteSource):
        inventory = source.newer_inventory(key.station, key.day, path)
    else:
        inventory = source.inventory(key.station)
    if inventory is None:
        return
    inventory.write(written, format="STATIONXML")
    with suppress(FileNotFoundError, DamagedFileError):
        if digest_of_text(read_response(path)) == digest_of_text(written.getvalue()):
            # The time of the file is when its content was last known to be right.
            path.touch()
            return
    write_response(path, written.getvalue())
