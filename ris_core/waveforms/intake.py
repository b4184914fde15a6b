"""Samples that came from a source: they are stored, unless they are read in place, and what was found is recorded."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace

from ris_core import versions
from ris_core.config import Settings
from ris_core.contracts.acquisition import Acquisition, SamplesAt
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import Fetched, RemoteSource, WaveformSource
from ris_core.storage.acquisition_file import write_acquisition
from ris_core.storage.atomic import remove
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.stationxml import digest_of_text
from ris_core.waveforms.stored import read_stored, write_stored
from ris_core.waveforms.stored_response import read_response, write_response


class NoUsableSamplesError(ValueError):
    """There are samples of the day, but none that can be used; that is not absence."""


def take_in(
    layout: Layout,
    settings: Settings,
    key: StationDay,
    source: WaveformSource,
    fetched: Fetched,
    before: Acquisition | None,
) -> tuple[Acquisition, list[Segment]]:
    """Store the samples of a station-day unless they are read in place, record what was found, and return both.

    Parameters
    ----------
    layout, settings, key
        Where to, and which station-day. The settings decide about padding, digest and whether raw files are kept.
    source, fetched
        Where the samples come from, and what came.
    before
        An earlier acquisition. Where a data centre no longer has samples of a day that is stored, the stored ones stay,
        and the reason says so; then there are no segments.

    Raises
    ------
    NoUsableSamplesError
        There are samples, but none is finite.
    """
    padding = settings.conditioning.padding
    segments = to_segments(fetched.stream, key, padding)
    quality = quality_of(segments, key, fetched.stream)
    path = layout.waveform(key)
    has_data = quality.samples > 0
    if not has_data and quality.non_finite:
        raise NoUsableSamplesError(f"{key}: all its {quality.non_finite} samples are NaN or infinite")
    drops_raw = settings.retention.raw == "drop_after_processing"
    if not has_data and isinstance(source, RemoteSource) and before and _is_stored(layout, before, drops_raw):
        found = replace(before, reason=f"kept: {fetched.reason or 'no samples of the day came'}")
        write_acquisition(layout, found)
        return found, []
    whole_records = False
    if has_data and not source.in_place:
        _store_inventory(layout, key, source)
        whole_records = write_stored(fetched.stream, path)
        # What is on disk is what will be read: miniSEED rounds times to the µs.
        segments, _ = read_stored(path, key, padding, whole_records)
    elif not source.in_place:
        remove(path)
    is_stored = has_data and not source.in_place
    not_stored = SamplesAt.IN_PLACE if source.in_place else SamplesAt.NOWHERE
    found = Acquisition(
        key=key,
        has_data=has_data,
        reason="" if has_data else fetched.reason or "the source has no samples for this station-day",
        samples_at=SamplesAt.STORED if is_stored else not_stored,
        stored_as=layout.relative(path) if is_stored else None,
        size=path.stat().st_size if is_stored else sum(s.samples.nbytes for s in segments),
        segments=len(segments),
        quality=quality,
        stamp=Stamp(settings.acquire_digest(), versions.ACQUIRE, digest_of_segments(segments)),
        exchange=fetched.exchange,
        whole_records=whole_records,
        has_response=is_stored and layout.inventory(key.station).exists(),
        files=tuple(fetched.files),
    )
    write_acquisition(layout, found)
    return found, segments


def _is_stored(layout: Layout, before: Acquisition, drops_raw: bool) -> bool:
    """Return whether an earlier acquisition of the same channel found samples that are still there.

    Samples dropped after processing count as there: what was made from them is.
    """
    path = layout.waveform(before.key)
    if not before.has_data or before.stored_as != layout.relative(path):
        return False
    return path.exists() or drops_raw


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
