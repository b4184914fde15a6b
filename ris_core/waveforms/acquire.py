"""The stage "acquire": makes a station-day's samples available, and records the result."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
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
from ris_core.contracts.waveform_source import Fetched, fetch_from
from ris_core.stages.station_day_stage import MissingInputError, StationDayStage, trouble_of
from ris_core.storage.acquisition_file import read_acquisition
from ris_core.storage.damage import DamagedFileError
from ris_core.waveforms.intake import channels_to_fetch, content_of, station_day_of, take_in
from ris_core.waveforms.sample_quality import quality_of
from ris_core.waveforms.segments import Segment, digest_of_segments, to_segments
from ris_core.waveforms.station_response import inventory_of_station, response_digest
from ris_core.waveforms.stored import read_checked

if TYPE_CHECKING:
    from obspy import Inventory


class NotAcquiredError(MissingInputError):
    """A stage needs a station-day, or some of its channels, that are not acquired."""

    def __init__(self, key: StationDay, channels: Iterable[str] = ()) -> None:
        super().__init__(": ".join([str(key), *([", ".join(channels)] if channels else []), "not acquired yet"]))


class AcquireStage(StationDayStage[Acquisition]):
    """Makes all channels of station-days available: copies them into the data root, or reads the archive in place.

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
        If one of several channels fails, the station-day fails.

        Raises
        ------
        NoUsableSamplesError
            There are samples of a channel, but none of them is finite.
        """
        started = time.perf_counter()
        if not again and not self._in_place and self.is_current(key) and (found := self._sound(key)) is not None:
            return Made(found, True, time.perf_counter() - started)
        channels = self.settings.channels
        if not again and not self._in_place:
            channels = channels_to_fetch(self.layout, self.settings, key, self._known(key))
        found, pictures = self._take_in(key, self._fetched(key, channels))
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
        stored = [code for code, of_channel in self.by_channel(found).items() if _is_stored(of_channel)]
        if not stored:
            return True
        if found.has_response and not self._response_is_sound(key.station):
            return False
        # A raw file that was removed after processing counts as acquired.
        return self._drops_raw or all(self.files.exists(self.layout.waveform(key, code)) for code in stored)

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
        """Return the acquisition of a station-day, none if it is not acquired; raises `DamagedFileError`.

        A record of more channels, in another order or with other detections gives what the settings' channels are.
        """
        return self.files.once(("acquired", key), lambda: self._read(key))

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
        """Return whether a raw file of acquired samples is gone, so that they are requested again from the source.

        Samples that are read in place, in an archive, have no raw file.
        """
        gone = [code for code, path in self.raw_files(key).items() if not self.files.exists(path)]
        if not gone:
            return False
        try:
            found = self.read(key)
        except DamagedFileError:
            return True  # it is acquired again
        known = {} if found is None else self.by_channel(found)
        return any(code in known and _is_stored(known[code]) for code in gone)

    def is_at_hand(self, key: StationDay) -> bool:
        """Return whether there are samples of a station-day in the data root or in an archive that is read in place."""
        found = self.read(key)
        if found is None or not found.has_data or found.samples_at is SamplesAt.IMPORTED:
            return False
        return not self.was_dropped(key)

    def by_channel(self, found: Acquisition) -> dict[str, Acquisition]:
        """Return the results of the settings' channels, those that were acquired, in their order."""
        return found.by_channel(self.settings.channels, self.settings.channel)

    def raw_files(self, key: StationDay) -> dict[str, Path]:
        """Return the paths that the raw files of a station-day have in the data root, by channel."""
        return {code: self.layout.waveform(key, code) for code in self.settings.channels}

    def response_digest(self, station: str) -> str:
        """Return the digest of StationXML's description of a station's channels, or ``none``.

        Raises
        ------
        DamagedFileError
            The stored StationXML is damaged.
        """
        return self.files.once(("response", station), lambda: response_digest(self.settings, self.layout, station))

    def segments(self, key: StationDay) -> dict[str, list[Segment]]:
        """Return the segments of an acquired station-day, from the data root or from the archive read in place.

        There is an entry for each channel of the settings, in their order; it is empty if there are no samples. A raw
        file that was removed after processing is fetched again.

        Raises
        ------
        NotAcquiredError
            The station-day is not acquired yet, or not with these channels.
        FileNotFoundError
            A raw file is gone, and the source no longer has samples.
        DamagedFileError
            A raw file does not have the samples that were acquired.
        """
        return self._segments(key)[0]

    def segments_to_process(self, key: StationDay) -> tuple[dict[str, list[Segment]], Acquisition]:
        """Return the segments as `segments` does, and the record, with the digest of these segments.

        An archive that has changed since acquisition is recorded again, and so is a station-day with a damaged record.
        If its file is still being written, the record on disk has another digest, and the products are out of date.
        """
        if self._sound(key) is None and self.layout.acquisition(key).exists():
            self.run(key)
        segments, found, digest = self._segments(key)
        in_place = any(known.samples_at is SamplesAt.IN_PLACE for known in self.by_channel(found).values())
        if in_place and digest != found.content:
            self.run(key, again=True)
            segments, found, digest = self._segments(key)
        return segments, replace(found, stamp=replace(found.stamp, inputs=digest))

    def inventory(self, station: str, channels: Sequence[str] = ()) -> Inventory | None:
        """Return a station's metadata with response, or none.

        Parameters
        ----------
        station
            Its code.
        channels
            The channels that must be described where an archive has StationXML; by default all of the settings.
        """
        return inventory_of_station(self.settings, self.layout, self.context.sources(), station, channels)

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

    def _read(self, key: StationDay) -> Acquisition | None:
        found = read_acquisition(self.layout, key, self.settings.source, self.files)
        if found is None or len(known := self.by_channel(found)) < len(self.settings.channels):
            return found
        return station_day_of(self.settings, key, known)

    def _sound(self, key: StationDay) -> Acquisition | None:
        """Return the acquisition of a station-day; a damaged record counts as none, so that it is made again."""
        try:
            return self.read(key)
        except DamagedFileError:
            return None

    @property
    def _in_place(self) -> bool:
        return any(source.in_place for source in self.context.sources().values())

    def _fetched(self, key: StationDay, channels: Iterable[str]) -> dict[str, Fetched]:
        sources = self.context.sources()
        return {code: fetch_from(sources[code], key.station, key.day) for code in channels}

    def _known(self, key: StationDay) -> dict[str, Acquisition]:
        found = self._sound(key)
        return {} if found is None else self.by_channel(found)

    def _take_in(self, key: StationDay, fetched: Mapping[str, Fetched]) -> tuple[Acquisition, dict[str, bytes]]:
        found, segments = take_in(self.layout, self.settings, key, self.context.sources(), fetched, self._known(key))
        wanted = self.context.pictures and any(segments.values())
        return found, {"day": _picture(segments, key, len(self.settings.channels) > 1)} if wanted else {}

    def _response_is_sound(self, station: str) -> bool:
        with suppress(DamagedFileError):
            return self.response_digest(station) != "none"
        return False

    def _segments(self, key: StationDay) -> tuple[dict[str, list[Segment]], Acquisition, str]:
        """Return the segments of an acquired station-day, its record, and the digest of the segments."""
        found = self.require(key)
        known = self.by_channel(found)
        if unknown := [code for code in self.settings.channels if code not in known]:
            raise NotAcquiredError(key, unknown)
        gone = [
            code
            for code, path in self.raw_files(key).items()
            if known[code].has_data and known[code].samples_at is not SamplesAt.IN_PLACE and not path.exists()
        ]
        if gone:
            found = self._fetch_again(key, gone)
            known = self.by_channel(found)
        segments, digests = dict[str, list[Segment]](), dict[str, str]()
        for code, of_channel in known.items():
            segments[code], digests[code] = self._segments_of(key, code, of_channel)
        return segments, found, content_of(digests)

    def _segments_of(self, key: StationDay, code: str, found: Acquisition) -> tuple[list[Segment], str]:
        """Return the segments of one channel, and their digest."""
        if not found.has_data:
            return [], found.content
        if found.samples_at is SamplesAt.IN_PLACE:
            stream = self.context.sources()[code].fetch(key.station, key.day)
            segments = to_segments(stream, key, self._padding)
            return segments, digest_of_segments(segments)
        return read_checked(self.layout.waveform(key, code), key, self._padding, found), found.content

    def _fetch_again(self, key: StationDay, channels: Iterable[str]) -> Acquisition:
        """Store removed raw files again; if the source no longer has one, the record is kept."""
        fetched = self._fetched(key, channels)
        for code, came in fetched.items():
            if quality_of(to_segments(came.stream, key, self._padding), key).samples == 0:
                raise FileNotFoundError(
                    f"{key}: the stored waveform {self.layout.waveform(key, code)} is gone, and the source no longer "
                    "has samples; products made from it stay as they are"
                )
        return self._take_in(key, fetched)[0]


def _is_stored(found: Acquisition) -> bool:
    return found.has_data and found.samples_at not in (SamplesAt.IN_PLACE, SamplesAt.IMPORTED)


def _picture(segments: Mapping[str, list[Segment]], key: StationDay, several: bool) -> bytes:
    """Return the picture of what came; of a network of several channels, each is named."""
    from ris_core.figures.day_pictures import day_waveform, day_waveforms

    if several:
        return day_waveforms(segments, key.start_ns, f"{key}, raw")
    return day_waveform(next(iter(segments.values())), key.start_ns, f"{key}, raw")
