"""Settings: the network, its stations, and where waveforms come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from ris_core.config.archive_pattern import components_of
from ris_core.config.channels import SYNTHETIC_COMPONENTS
from ris_core.section import Degrees, ExpandedPath, ExpandedText, Megabytes, Metres, Seconds, Section

SYNTHETIC_RATE = 200.0
"""Sampling rate of the synthetic network, Hz."""


class NetworkSettings(Section):
    """The seismic network."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Name of the data root: products lie in RIS_DATA/<name>."
    )
    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$", description="FDSN network code.")
    title: str = Field("", description="Description for readers.")


class StationSettings(Section):
    """One station; its position in the list is part of the partitions, so add new stations at the end."""

    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$", description="FDSN station code.")
    latitude: Degrees | None = Field(
        None, ge=-90, le=90, description="Latitude, degrees north (WGS84); none: see the station's StationXML."
    )
    longitude: Degrees | None = Field(
        None, ge=-180, le=180, description="Longitude, degrees east (WGS84); none: see the station's StationXML."
    )
    elevation: Metres = Field(0.0, ge=-12000, le=9000, description="Elevation of the ground, m.")

    @model_validator(mode="after")
    def _both_or_none(self) -> StationSettings:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(f"station {self.code}: give latitude and longitude, or neither")
        return self

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude, degrees; raises `ValueError` if the settings give none."""
        if self.latitude is None or self.longitude is None:
            raise ValueError(f"station {self.code}: latitude and longitude are not in the settings")
        return self.latitude, self.longitude


class SyntheticSettings(Section):
    """The embedded network with ground truth (`ris_core.synthetic`)."""

    kind: Literal["synthetic"] = "synthetic"
    seed: int = Field(
        0, ge=0, description="Generator seed: templates, sites, noise, truth. Independent of model seeds."
    )
    events_per_day: float = Field(
        600.0, gt=0, le=5000, description="True events per station-day; about a third is detected at STA/LTA 15."
    )
    catalogue_first_day: date = Field(date(2014, 12, 1), description="First day of the truth catalogue.")
    catalogue_last_day: date = Field(date(2016, 11, 30), description="Last day of the truth catalogue, inclusive.")
    novelty_from: date = Field(
        date(2015, 12, 1), description="First day of the rare novelty family; no event of it exists before."
    )
    missing: tuple[str, ...] = Field((), description="Station-days without data, as 'STATION/YYYY-MM-DD'.")
    gaps: tuple[str, ...] = Field((), description="Station-days with gaps, as 'STATION/YYYY-MM-DD'.")
    clock_steps: tuple[str, ...] = Field((), description="Station-days with a clock step, as 'STATION/YYYY-MM-DD'.")

    @field_validator("missing", "gaps", "clock_steps")
    @classmethod
    def _station_days(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            station, _, day = text.partition("/")
            try:
                date.fromisoformat(day)
            except ValueError:
                station = ""
            if not station:
                raise ValueError(f"'{text}' is not a station-day; write it like S01/2014-12-03")
        return value

    def check(
        self,
        channels: Sequence[str],
        stations: Sequence[StationSettings],
        first_day: date,
        last_day: date | None,
        sampling_rate: float,
    ) -> None:
        """Raise `ValueError` for channels, stations, days or a rate (Hz) that the synthetic network cannot have."""
        if sampling_rate > SYNTHETIC_RATE:
            raise ValueError(
                f"conditioning.sampling_rate ({sampling_rate:g} Hz) is above the {SYNTHETIC_RATE:g} Hz of the "
                "synthetic network; take a lower rate, or another source"
            )
        strange = [code for code in channels if code[-1] not in SYNTHETIC_COMPONENTS]
        if strange:
            raise ValueError(
                f"channels: {', '.join(strange)}, but the channels of the synthetic network end in "
                f"{', '.join(SYNTHETIC_COMPONENTS)}"
            )
        without = [s.code for s in stations if s.latitude is None]
        if without:
            raise ValueError(f"stations: {', '.join(without)} need latitude and longitude for a synthetic network")
        last = last_day or self.catalogue_last_day
        if first_day < self.catalogue_first_day or last > self.catalogue_last_day:
            raise ValueError(
                f"first_day ... last_day must lie in the truth catalogue, {self.catalogue_first_day} ... "
                f"{self.catalogue_last_day}"
            )


class SdsSettings(Section):
    """An archive of day files in the SeisComP Data Structure or another layout, read in place and never written."""

    kind: Literal["sds"] = "sds"
    root: ExpandedPath = Field(description="Root folder of the archive; ${NAME} is taken from the environment.")
    pattern: str = Field(
        "SDS",
        description="Path of a station-day's file below the root: SDS, BUD, IDDS, PDF (MSNoise's names), or a path "
        "with fields in braces like {year}/{station}/{channel}.D/{network}.{station}.{location}.{channel}.{julday}; "
        "* and ? match anything.",
    )
    inventory: ExpandedPath | None = Field(
        None,
        description="StationXML: a folder of files with any names, one file, or several by * and ?; none means no "
        "instrument response.",
    )

    @field_validator("pattern")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        components_of(value)
        return value


class FdsnSettings(Section):
    """A data centre with FDSN web services; credentials come only from the environment."""

    kind: Literal["fdsn"] = "fdsn"
    provider: ExpandedText = Field(
        "EARTHSCOPE",
        description="ObsPy provider name or base URL of the FDSN web services; ${NAME} is taken from the environment, "
        "and RIS_FDSN_PROVIDER overrides it.",
    )
    timeout: Seconds = Field(
        120.0, gt=0, le=3600, description="A request without any answer for this long has failed, s (ObsPy: 120)."
    )
    attempts: int = Field(6, ge=1, le=20, description="Number of requests before the station-day fails (ours).")
    first_wait: Seconds = Field(
        2.0,
        ge=0,
        le=600,
        description="Wait after the first failed attempt, s; it doubles from attempt to attempt (ours).",
    )
    longest_wait: Seconds = Field(
        60.0, ge=0, le=3600, description="Longest wait between attempts without Retry-After, s (ours)."
    )
    longest_retry_after: Seconds = Field(
        600.0, ge=0, le=86400, description="Longest wait that the data centre's Retry-After can ask for, s (ours)."
    )
    largest_answer: Megabytes = Field(
        1000.0,
        gt=0,
        le=100_000,
        description="Greatest size of a data centre's answer, as received and unpacked, MB; a day at 1000 Hz in "
        "64-bit floats is 691 MB (ours).",
    )
    simultaneous_requests: int = Field(
        3, ge=1, le=64, description="Station-days of one run that are fetched at once on Dask workers (ours)."
    )
    metadata_days: float = Field(
        30.0, gt=0, description="A station's StationXML older than this is fetched again, days (ours)."
    )

    @model_validator(mode="after")
    def _reachable(self) -> FdsnSettings:
        # Checked here, not at the field: a message about a field repeats its value, which may hold a password.
        if "@" in self.provider:
            raise ValueError(
                "provider contains credentials ('@'); they do not belong in settings: set RIS_FDSN_USER and "
                "RIS_FDSN_PASSWORD, or RIS_FDSN_EIDA_TOKEN, in the environment"
            )
        if not re.fullmatch(r"[A-Za-z0-9+_-]+|https?://[\w.\-\[\]:]+(/[\w.-]+)*/?", self.provider):
            raise ValueError(
                f"provider '{self.provider}' is neither a name that ObsPy knows, like EARTHSCOPE, nor a base URL, "
                "like https://service.earthscope.org"
            )
        return self


class PublishedSettings(Section):
    """Events of the published HDF5 file, imported by ``ris import-h5``; there are no waveforms."""

    kind: Literal["published"] = "published"


SourceSettings = Annotated[
    SyntheticSettings | SdsSettings | FdsnSettings | PublishedSettings, Field(discriminator="kind")
]


class RetentionSettings(Section):
    """Which raw waveforms are kept."""

    raw: Literal["keep", "drop_after_processing"] = Field(
        "keep", description="Whether stored waveforms are kept after processing (34 x 730 days: 620 GB)."
    )


def source_name(source: SourceSettings) -> str:
    """Return the name of a source. Runs that ask the same source wait for each other under this name.

    A data centre is known by its name or host, like ``fdsn_earthscope`` or ``fdsn_127_0_0_1_8080``; the other kinds by
    their kind, like ``source_sds``.
    """
    if not isinstance(source, FdsnSettings):
        return f"source_{source.kind}"
    place = urlsplit(source.provider).netloc if "://" in source.provider else source.provider
    return "fdsn_" + re.sub(r"[^a-z0-9]+", "_", place.lower()).strip("_")
