"""The stage "acquire": makes a station-day's samples available, and records the result."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ris_core import versions
from ris_core.config import FdsnSettings, SdsSettings
from ris_core.contracts.acquisition import Acquisition, SamplesAt
from ris_core.contracts.outcome import Made
from ris_core.contracts.stamp import Stamp
from ris_core.contracts.station_day import StationDay
from ris_core.contracts.waveform_source import Fetched, WaveformSource, fetch_from
from ris_core.stages.station_day_stage import MissingInputError, StationDayStage, trouble_of
from ris_core.storage.acquisition_file import read_acquisition
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.intake import take_in
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.stored import read_checked
from ris_core.waveforms.stored_response import digest_of_response, read_stored_inventory

if TYPE_CHECKING:
    from obspy import Inventory


class NotAcquiredError(MissingInputError):
    """A stage needs a station-day that is not acquired."""

    def __init__(self, key: StationDay) -> None:
        super().__init__(f"{key}: not acquired yet")


class AcquireStage(StationDayStage[Acquisition]):
    """Makes station-days available: copies them into the data root, or reads the archive in place.

    It also gives the acquired samples and the response to the later stages.
    """

    name = "acquire"
    about = "Bring station-days into reach."
    done = "acquired"
    reads_waveforms = True

    def run(self, key: StationDay, again: bool = False) -> Made[Acquisition]:
        """Fetch one station-day, store it unless it is read in place, and return the result.

        A station-day without data is a recorded result, not an error. A stored station-day that is current is only
        fetched with ``again``; an archive is read in place each time. If a data centre no longer has the samples of a
        stored day, the stored ones are kept, and the reason says so. With samples, there is the picture ``day``.

        Raises
        ------
        NoUsableSamplesError
            There are samples, but none of them is finite.
        """
        started = time.perf_counter()
        source = self.context.source()
        if not again and not source.in_place and self.is_current(key) and (found := self._sound(key)) is not None:
            return Made(found, True, time.perf_counter() - started)
        found, pictures = self._take_in(key, source, fetch_from(source, key.station, key.day))
        return Made(found, False, time.perf_counter() - started, pictures)

    @property
    def code_version(self) -> str:
        """Step version, and digest of the settings that influence raw waveforms."""
        return f"{self._version}-{self._settings_digest}"

    def products(self, key: StationDay) -> tuple[Path, ...]:
        """Return the path of the record; a raw file exists only if samples are stored."""
        return (self.layout.acquisition(key),)

    def expected_stamp(self, key: StationDay) -> Stamp:
        """Return the present stamp with the digest of the recorded samples: only the source knows of changes."""
        return Stamp(self._settings_digest, self._version, self.require(key).content)

    def stamps(self, key: StationDay) -> tuple[Stamp | None, ...]:
        """Return the stamp of the record; raises as `require`."""
        return (self.require(key).stamp,)

    def unreadable(self, key: StationDay) -> list[OSError]:
        """Return why the record cannot be read; none if it can, or does not exist."""
        error = trouble_of(self.read, key)
        return [] if error is None else [error]

    def is_current(self, key: StationDay) -> bool:
        """Return whether a station-day was acquired with the present settings and version and still exists."""
        found = self._sound(key)
        if found is None or (found.stamp.settings, found.stamp.version) != (
            self._settings_digest,
            self._version,
        ):
            return False
        if not found.has_data and isinstance(self.settings.source, SdsSettings) and found.files is None:
            # An earlier version knew fewer names and suffixes, and recorded as absence what is a failure today.
            return False
        if not found.has_data or found.samples_at in (SamplesAt.IN_PLACE, SamplesAt.IMPORTED):
            return True
        if found.has_response and not self._response_is_sound(key.station):
            return False
        # A raw file that was removed after processing counts as acquired.
        return self.files.exists(self.layout.waveform(key)) or self._drops_raw

    def follows_its_input(self, key: StationDay) -> bool:
        """Return whether it was acquired: its input is outside."""
        return self.exists(key)

    def input_changed_at(self, key: StationDay) -> datetime:
        """Return the year 1970: its input is outside."""
        return self.changed_at()

    def most_at_once(self, keys: Iterable[StationDay]) -> int | None:
        """Return how many station-days may be requested from a data centre at once; none for other sources."""
        source = self.settings.source
        return source.simultaneous_requests if isinstance(source, FdsnSettings) else None

    def read(self, key: StationDay) -> Acquisition | None:
        """Return the acquisition of a station-day, none if it is not acquired; raises `DamagedFileError`."""
        source = self.settings.source
        return self.files.once(("acquired", key), lambda: read_acquisition(self.layout, key, source, self.files))

    def require(self, key: StationDay) -> Acquisition:
        """Return the acquisition of a station-day.

        Raises
        ------
        NotAcquiredError
            It is not acquired yet.
        DamagedFileError
            Its record is damaged.
        """
        found = self.read(key)
        if found is None:
            raise NotAcquiredError(key)
        return found

    def was_dropped(self, key: StationDay) -> bool:
        """Return whether the raw file of acquired samples is gone, so that they are requested again from the source."""
        if self.files.exists(self.layout.waveform(key)):
            return False
        try:
            found = self.read(key)
        except DamagedFileError:
            return True  # it is acquired again
        return found is not None and found.has_data

    def response_digest(self, station: str) -> str:
        """Return the digest of StationXML's description of a station's channel, or ``none``.

        Raises
        ------
        DamagedFileError
            The stored StationXML is damaged.
        """
        return self.files.once(("response", station), lambda: self._response_digest(station))

    def segments(self, key: StationDay) -> list[Segment]:
        """Return the segments of an acquired station-day, from the data root or from the archive read in place.

        A raw file that was removed after processing is fetched again.

        Raises
        ------
        NotAcquiredError
            The station-day is not acquired yet.
        FileNotFoundError
            The raw file is gone, and the source no longer has samples.
        DamagedFileError
            The raw file does not have the samples that were acquired.
        """
        return self._segments(key)[0]

    def segments_to_process(self, key: StationDay) -> tuple[list[Segment], Acquisition]:
        """Return the segments as `segments` does, and the record, with the digest of these segments.

        An archive that has changed since acquisition is recorded again, and so is a station-day with a damaged record.
        If its file is still being written, the record on disk has another digest, and the products are out of date.
        """
        if self._sound(key) is None and self.layout.acquisition(key).exists():
            self.run(key)
        segments, found, digest = self._segments(key)
        if found.samples_at is SamplesAt.IN_PLACE and digest != found.content:
            self.run(key, again=True)
            segments, found, digest = self._segments(key)
        return segments, replace(found, stamp=replace(found.stamp, inputs=digest))

    def inventory(self, station: str) -> Inventory | None:
        """Return a station's metadata with response, or none."""
        source = self.context.source()
        if source.in_place:
            return source.inventory(station)
        path = self.layout.inventory(station)
        return read_stored_inventory(path) if path.exists() else None

    @cached_property
    def _settings_digest(self) -> str:
        return self.settings.acquire_digest()

    @property
    def _version(self) -> str:
        return versions.IMPORT if self.settings.imported else versions.ACQUIRE

    @property
    def _drops_raw(self) -> bool:
        return self.settings.retention.raw == "drop_after_processing"

    @property
    def _padding(self) -> float:
        return self.settings.conditioning.padding

    def _sound(self, key: StationDay) -> Acquisition | None:
        """Return the acquisition of a station-day; a damaged record counts as none, so that it is made again."""
        try:
            return self.read(key)
        except DamagedFileError:
            return None

    def _take_in(
        self, key: StationDay, source: WaveformSource, fetched: Fetched
    ) -> tuple[Acquisition, dict[str, bytes]]:
        found, segments = take_in(self.layout, self.settings, key, source, fetched, self._sound(key))
        wanted = self.context.pictures and segments
        return found, {"day": _picture(segments, key)} if wanted else {}

    def _response_is_sound(self, station: str) -> bool:
        with suppress(DamagedFileError):
            return self.response_digest(station) != "none"
        return False

    def _response_digest(self, station: str) -> str:
        source, seed_id = self.settings.source, self.settings.seed_id(station)
        if isinstance(source, SdsSettings):
            if source.inventory is None:
                return "none"
            from ris_core.waveforms.inventories import Inventories

            return Inventories(source.inventory, seed_id.network, seed_id.location, seed_id.channel).digest(station)
        with suppress(FileNotFoundError):
            return digest_of_response(self.layout.inventory(station))
        return "none"

    def _segments(self, key: StationDay) -> tuple[list[Segment], Acquisition, str]:
        """Return the segments of an acquired station-day, its record, and the digest of the segments."""
        found = self.require(key)
        if not found.has_data:
            return [], found, found.content
        if found.samples_at is SamplesAt.IN_PLACE:
            segments = to_segments(self.context.source().fetch(key.station, key.day), key, self._padding)
            return segments, found, digest_of_segments(segments)
        path = self.layout.waveform(key)
        if not path.exists():
            found = self._fetch_again(key)
        return read_checked(path, key, self._padding, found), found, found.content

    def _fetch_again(self, key: StationDay) -> Acquisition:
        """Store a removed raw file again; if the source no longer has it, the record is kept."""
        source = self.context.source()
        fetched = fetch_from(source, key.station, key.day)
        if quality_of(to_segments(fetched.stream, key, self._padding), key).samples == 0:
            raise FileNotFoundError(
                f"{key}: the stored waveform {self.layout.waveform(key)} is gone, and the source no longer has "
                "samples; products made from it stay as they are"
            )
        return self._take_in(key, source, fetched)[0]


def _picture(segments: list[Segment], key: StationDay) -> bytes:
    from ris_core.figures.day_pictures import day_waveform

    return day_waveform(segments, key.start_ns, f"{key}, raw")
