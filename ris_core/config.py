"""Typed, frozen settings of one network, read from one YAML file.

Every default is the value of Jenkins et al. (2021, doi 10.1029/2021JB021716; "J21" below) or of its published code
("code"), unless the description says otherwise. A quantity may be written as a number in the unit of its field or as
text with that unit (``0.5`` or ``0.5 s``); another unit is refused.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from ris_core.section import Degrees, ExpandedPath, ExpandedText, Hertz, Metres, Seconds, Section, digest_of

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CONFIG = PROJECT_ROOT / "config" / "demo.yaml"
PROVIDER_VARIABLE = "RIS_FDSN_PROVIDER"


class SettingsError(ValueError):
    """The settings file cannot be used; the message names the file, the key, the value and what is allowed."""


class Network(Section):
    """The seismic network."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Name of the data root: products lie in RIS_DATA/<name>."
    )
    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$", description="FDSN network code.")
    title: str = Field("", description="What the network is, for people.")


class Station(Section):
    """One station; a station's place in the list is part of the partitions, so stations are only appended."""

    code: str = Field(pattern=r"^[A-Z0-9]{1,8}$", description="FDSN station code.")
    latitude: Degrees | None = Field(
        None, ge=-90, le=90, description="Latitude, degrees north (WGS84); none: see the station's StationXML."
    )
    longitude: Degrees | None = Field(
        None, ge=-180, le=180, description="Longitude, degrees east (WGS84); none: see the station's StationXML."
    )
    elevation: Metres = Field(0.0, ge=-12000, le=9000, description="Elevation of the ground, m.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Station:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(f"station {self.code}: give latitude and longitude, or neither")
        return self

    @property
    def position(self) -> tuple[float, float]:
        """Latitude and longitude, degrees; raises `ValueError` where the settings give none."""
        if self.latitude is None or self.longitude is None:
            raise ValueError(f"station {self.code}: latitude and longitude are not in the settings")
        return self.latitude, self.longitude


class SyntheticSource(Section):
    """The embedded network with ground truth (`ris_core.synthetic`)."""

    kind: Literal["synthetic"] = "synthetic"
    seed: int = Field(0, ge=0, description="Generator seed: templates, sites, noise, truth. Apart from model seeds.")
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


class SdsSource(Section):
    """A SeisComP Data Structure archive, read in place and never written."""

    kind: Literal["sds"] = "sds"
    root: ExpandedPath = Field(description="Root folder of the archive; ${NAME} is taken from the environment.")
    inventory: ExpandedPath | None = Field(
        None, description="Folder of StationXML files named NET.STA.xml; none means no instrument response."
    )


class FdsnSource(Section):
    """A data centre that answers FDSN web services; credentials come from the environment alone."""

    kind: Literal["fdsn"] = "fdsn"
    provider: ExpandedText = Field(
        "EARTHSCOPE",
        description="ObsPy provider name or base URL of the FDSN web services; ${NAME} is taken from the environment, "
        "and RIS_FDSN_PROVIDER overrides it.",
    )
    timeout: Seconds = Field(
        120.0, gt=0, le=3600, description="A request that stays silent this long has failed, s (ObsPy: 120)."
    )
    attempts: int = Field(6, ge=1, le=20, description="Times a request is made before its station-day fails (ours).")
    first_wait: Seconds = Field(
        2.0,
        ge=0,
        le=600,
        description="Wait after the first failed attempt, s; it doubles from attempt to attempt (ours).",
    )
    longest_wait: Seconds = Field(
        60.0, ge=0, le=3600, description="Longest wait of our own between attempts, s (ours)."
    )
    longest_retry_after: Seconds = Field(
        600.0, ge=0, le=86400, description="Longest wait that the data centre's Retry-After can ask for, s (ours)."
    )
    simultaneous_requests: int = Field(
        3, ge=1, le=64, description="Station-days of one run that are fetched at once on Dask workers (ours)."
    )
    metadata_days: float = Field(
        30.0, gt=0, description="A station's StationXML older than this is fetched anew, days (ours)."
    )

    @model_validator(mode="after")
    def _reachable(self) -> FdsnSource:
        # Checked here, not at the field: a message about a field repeats its value, which may hold a password.
        if "@" in self.provider:
            raise ValueError(
                "provider holds credentials ('@'); settings are no place for them: set RIS_FDSN_USER and "
                "RIS_FDSN_PASSWORD, or RIS_FDSN_EIDA_TOKEN, in the environment"
            )
        if not re.fullmatch(r"[A-Za-z0-9+_-]+|https?://[\w.\-\[\]:]+(/[\w.-]+)*/?", self.provider):
            raise ValueError(
                f"provider '{self.provider}' is neither a name that ObsPy knows, like EARTHSCOPE, nor a base URL, "
                "like https://service.earthscope.org"
            )
        return self


Source = Annotated[SyntheticSource | SdsSource | FdsnSource, Field(discriminator="kind")]


class Conditioning(Section):
    """From raw counts to the conditioned trace."""

    padding: Seconds = Field(300.0, ge=60, le=3600, description="Samples of the neighbouring days on each side, s.")
    taper: Seconds = Field(60.0, ge=0, description="Hann taper inside the padding, s (code: 60).")
    sampling_rate: Hertz = Field(50.0, gt=0, description="Rate after decimation, Hz (J21: 50).")
    decimation: Literal["causal_chebyshev", "zero_phase_fir"] = Field(
        "causal_chebyshev",
        description="Anti-alias filter. causal_chebyshev: Chebyshev-II as ObsPy's decimate (code: -3 dB at 17 Hz, "
        "54-186 ms late). zero_phase_fir: flat to 20 Hz, no delay.",
    )
    band_low: Hertz = Field(3.0, gt=0, description="Band-pass, lower corner, Hz (J21: 3).")
    band_high: Hertz = Field(20.0, gt=0, description="Band-pass, upper corner, Hz (J21: 20).")
    band_order: int = Field(4, ge=1, le=10, description="Order of the zero-phase Butterworth band-pass (ObsPy: 4).")
    shortest_segment: Seconds = Field(40.0, ge=35, description="Shorter contiguous segments are left out, s (ours).")
    guard_before_gap: Seconds = Field(1.0, ge=0, description="No detection starts this close before a gap, s (ours).")
    guard_after_gap: Seconds = Field(31.0, ge=0, description="No detection starts this soon after a gap, s (ours).")
    other_rates: Literal["resample", "refuse"] = Field(
        "resample",
        description="Sampling rates that are no whole multiple of sampling_rate: band-limited interpolation after the "
        "filters, or a failed station-day (ours).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Conditioning:
        if not self.band_low < self.band_high < self.sampling_rate / 2:
            raise ValueError(
                f"band_low ({self.band_low:g} Hz) < band_high ({self.band_high:g} Hz) < half the sampling_rate "
                f"({self.sampling_rate / 2:g} Hz) must hold"
            )
        if self.taper > self.padding:
            raise ValueError(f"taper ({self.taper:g} s) must lie inside the padding ({self.padding:g} s)")
        return self


TraceKind = Literal["counts", "velocity", "acceleration", "acceleration_water_level"]


class Response(Section):
    """Instrument response: what detections and spectrograms are made of, and the band of the deconvolution."""

    detection_trace: TraceKind = Field(
        "counts",
        description="What detections are made of (J21: acceleration_water_level, which in the band is proportional to "
        "counts; ours: counts).",
    )
    spectrogram_trace: TraceKind = Field("counts", description="What spectrograms are made of (J21: counts).")
    water_level: float = Field(
        14.0,
        ge=0,
        le=300,
        description="Water level of acceleration_water_level, dB below the response's maximum (J21).",
    )
    band_low: Hertz = Field(
        3.0, gt=0, description="Deconvolution to velocity, acceleration and peak_acceleration: lower corner, Hz."
    )
    band_high: Hertz = Field(
        20.0, gt=0, description="Deconvolution to velocity, acceleration and peak_acceleration: upper corner, Hz."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Response:
        if self.band_low >= self.band_high:
            raise ValueError(f"band_low ({self.band_low:g} Hz) must lie below band_high ({self.band_high:g} Hz)")
        return self


class StaLta(Section):
    """One pair of averages with its thresholds."""

    sta: Seconds = Field(0.5, gt=0, description="Short-term average, s (J21: 0.5).")
    lta: Seconds = Field(30.0, gt=0, description="Long-term average, s (J21: 30).")
    threshold_on: float = Field(15.0, description="Trigger on at this value of the characteristic function (J21: 15).")
    threshold_off: float = Field(10.0, description="Trigger off below this value (J21: 10).")

    @model_validator(mode="after")
    def _consistent(self) -> StaLta:
        if self.sta >= self.lta:
            raise ValueError(f"sta ({self.sta:g} s) must be shorter than lta ({self.lta:g} s)")
        if self.threshold_off > self.threshold_on:
            raise ValueError(
                f"threshold_off ({self.threshold_off:g}) must not exceed threshold_on ({self.threshold_on:g})"
            )
        return self


class Detector(StaLta):
    """The detector on the conditioned trace: its characteristic function, averages and thresholds."""

    method: Literal["recursive", "classic", "delayed", "z_detect", "carl"] = Field(
        "recursive", description="Characteristic function: recursive, classic or delayed STA/LTA, Z-detector, Carl."
    )
    further_pairs: tuple[StaLta, ...] = Field(
        (), max_length=8, description="Pairs that are looked for beside the first one; an event names its pair (ours)."
    )
    carl_ratio: float = Field(1.0, gt=0, description="Carl: weight of the long-term average; less is more sensitive.")
    carl_quiet: float = Field(0.0, ge=0, description="Carl: offset in units of the trace; less is more sensitive.")
    cleaning_window: Seconds = Field(
        5.0, ge=0, description="A trigger this soon after the last kept trigger's onset is left out, s (code: 5)."
    )

    @property
    def pairs(self) -> tuple[StaLta, ...]:
        """All pairs, the first one first."""
        first = StaLta(**{name: getattr(self, name) for name in StaLta.model_fields})
        return (first, *self.further_pairs)

    @model_validator(mode="after")
    def _fitting(self) -> Detector:
        spans = [(pair.sta, pair.lta) for pair in self.pairs]
        twice = sorted({f"{sta:g}/{lta:g} s" for sta, lta in spans if spans.count((sta, lta)) > 1})
        if twice:
            raise ValueError(f"further_pairs: {', '.join(twice)} stands more than once; every pair may stand only once")
        lowest = min(pair.threshold_off for pair in self.pairs)
        if self.method in ("recursive", "classic", "delayed") and lowest <= 0:
            raise ValueError(f"threshold_off ({lowest:g}) must be greater than 0 for a ratio of averages")
        return self


class Spectrogram(Section):
    """Spectrogram of one event: 87 frequencies x 100 times, the input of the networks."""

    window: Seconds = Field(0.4, gt=0, description="Length of the Kaiser window, s (J21: 0.4; 20 samples at 50 Hz).")
    kaiser_beta: float = Field(5.7, ge=0, description="Shape of the Kaiser window (code: 5.7).")
    hop: Seconds = Field(0.04, gt=0, description="Step between columns, s (J21: 90 % overlap, 0.04).")
    nfft: int = Field(256, ge=16, description="Points of the Fourier transform (J21: 256).")
    duration: Seconds = Field(4.0, gt=0, description="Length of the spectrogram, s (J21: 4; 100 columns).")
    search: Seconds = Field(5.0, ge=0, description="The centre column is sought this far from the peak, s (code: 5).")
    frequency_low: Hertz = Field(3.0, ge=0, description="Lowest frequency kept, Hz (J21: 3).")
    frequency_high: Hertz = Field(20.0, gt=0, description="Highest frequency kept, Hz (J21: 20).")
    duplicate_within: Seconds = Field(0.1, ge=0, description="Same window start within this: a duplicate, s (ours).")


class TrainingSet(Section):
    """The sample of events that the networks are trained on."""

    events: int = Field(50_000, ge=20, description="Events drawn uniformly over all station-days (J21: 50,000).")
    validation_fraction: float = Field(0.2, gt=0, lt=1, description="Share held out for validation (J21: 0.2).")
    seed: int = Field(2021, ge=0, description="Seed of the draw and of the split (ours).")


class AecGrid(Section):
    """The grid of trials: every batch size with every learning rate."""

    batch_size: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1, description="Batch sizes (J21: 64-512).")
    learning_rate: tuple[float, ...] = Field(
        (1e-4, 1e-3, 1e-2), min_length=1, description="Learning rates of Adam (J21: 1e-4-1e-2)."
    )

    @field_validator("batch_size", "learning_rate")
    @classmethod
    def _positive_unique(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if min(value) <= 0:
            raise ValueError("every value must be greater than 0")
        if len(set(value)) != len(value):
            raise ValueError("every value may stand only once")
        return value

    def trials(self) -> dict[str, tuple[int, float]]:
        """Return the trials by key, like ``{"bs64_lr1e-3": (64, 0.001)}``, in the order of the settings."""
        return {trial_key(b, lr): (b, lr) for b in self.batch_size for lr in self.learning_rate}


def trial_key(batch_size: int, learning_rate: float) -> str:
    """Return the key of a trial, like ``bs64_lr1e-3``."""
    mantissa, exponent = f"{learning_rate:.6e}".split("e")
    return f"bs{batch_size}_lr{float(mantissa):g}e{int(exponent)}"


Device = Literal["auto", "cpu", "cuda", "mps"]


class Aec(Section):
    """The convolutional autoencoder and its training."""

    grid: AecGrid = Field(AecGrid(), description="The trials.")
    max_epochs: int = Field(500, ge=1, description="Epochs at most (J21: 500).")
    patience: int = Field(10, ge=1, description="Epochs without a better validation MSE before stopping (J21: 10).")
    seed: int = Field(0, ge=0, description="Seed of weights and order of the samples (ours).")
    restarts: int = Field(
        3, ge=0, le=20, description="Times a trial whose latents all died is begun again with the next seed (ours)."
    )
    least_live_latents: int = Field(
        2, ge=1, le=9, description="A model with fewer latent dimensions that vary is not accepted (ours)."
    )
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")

    def training_values(self) -> dict[str, Any]:
        """Return what decides about the weights of a trial, besides its batch size and learning rate."""
        return self.model_dump(mode="json", exclude={"grid", "device", "least_live_latents"})


class ClusterCount(Section):
    """How many clusters: criteria over K."""

    k_min: int = Field(2, ge=2, description="Smallest K looked at (J21: 2).")
    k_max: int = Field(20, ge=2, description="Largest K looked at (J21: 20).")
    sample: int = Field(10_000, ge=100, description="Latents drawn for silhouette and GMM, seeded (ours).")
    n_init: int = Field(10, ge=1, description="k-means starts for each K (scikit-learn: 10).")
    seed: int = Field(0, ge=0, description="Seed (ours).")

    @model_validator(mode="after")
    def _consistent(self) -> ClusterCount:
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) must not exceed k_max ({self.k_max})")
        return self


class Dec(Section):
    """Deep embedded clustering: initialisation and joint training."""

    k: tuple[int, ...] = Field((5, 6, 7, 8, 9, 10), min_length=1, description="Cluster counts (J21: 5-10).")
    initialisation: Literal["gmm", "kmeans", "random"] = Field("gmm", description="Where centroids start (J21: GMM).")
    n_init: int = Field(100, ge=1, description="k-means starts behind the initial centroids (code: 100).")
    gamma: float = Field(1e-3, gt=0, description="Weight of the clustering loss; belongs to unit L2 norm (code: 1e-3).")
    batch_size: int = Field(64, ge=1, description="Batch size (J21: 64).")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam (J21: 1e-3).")
    max_epochs: int = Field(400, ge=1, description="Epochs at most (J21: 400).")
    shuffle: bool = Field(False, description="New order of the events in each epoch (code: no, as they were drawn).")
    updates_per_epoch: int = Field(2, ge=1, description="Updates of the target distribution P per epoch (code: 2).")
    tolerance: float = Field(
        3e-3, ge=0, lt=1, description="Stop when fewer labels change between two updates (J21: 0.3 %)."
    )
    seed: int = Field(0, ge=0, description="Seed (ours).")
    smallest_cluster: float = Field(
        0.002, ge=0, lt=0.5, description="A cluster with a smaller share of the training set is not accepted (ours)."
    )
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")

    @field_validator("k")
    @classmethod
    def _counts(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 2:
            raise ValueError("every K must be 2 or more")
        if len(set(value)) != len(value):
            raise ValueError("every K may stand only once")
        return value

    def initialisation_values(self) -> dict[str, Any]:
        """Return what decides about initial clusters."""
        return self.model_dump(mode="json", include={"initialisation", "n_init", "seed"})

    def training_values(self) -> dict[str, Any]:
        """Return what decides about the weights of a DEC, given its initial clusters."""
        return self.model_dump(mode="json", exclude={"k", "device", "smallest_cluster", "initialisation", "n_init"})


class Champion(Section):
    """The model that labels."""

    k: int | None = Field(None, ge=2, description="K of the champion; none: the accepted K of best silhouette.")


class Labelling(Section):
    """Inference over station-days."""

    batch_size: int = Field(128, ge=1, description="Spectrograms per batch (ours).")
    device: Device = Field("auto", description="auto takes CUDA, else MPS, else the CPU.")


class Retention(Section):
    """What is kept of raw waveforms."""

    raw: Literal["keep", "drop_after_processing"] = Field(
        "keep", description="Whether stored waveforms stay once a station-day is processed (34 x 730 days: 620 GB)."
    )


class Settings(Section):
    """Everything that describes one network and its products."""

    network: Network
    stations: tuple[Station, ...] = Field(min_length=1)
    channel: str = Field("HHZ", pattern=r"^[A-Z0-9]{3}$", description="SEED channel code (J21: HHZ).")
    location: str = Field("", pattern=r"^(--|[A-Z0-9]{0,2})$", description="SEED location code; '' or '--' is empty.")
    first_day: date = Field(description="First day, UTC.")
    last_day: date | None = Field(None, description="Last day, inclusive, UTC; none: the network still runs.")
    source: Source = Field(description="Where waveforms come from: synthetic, sds or fdsn.")
    conditioning: Conditioning = Conditioning()
    response: Response = Response()
    detector: Detector = Detector()
    spectrogram: Spectrogram = Spectrogram()
    training_set: TrainingSet = TrainingSet()
    aec: Aec = Aec()
    cluster_count: ClusterCount = ClusterCount()
    dec: Dec = Dec()
    champion: Champion = Champion()
    labelling: Labelling = Labelling()
    retention: Retention = Retention()

    @field_validator("location")
    @classmethod
    def _empty_location(cls, value: str) -> str:
        return "" if value == "--" else value

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        codes = [s.code for s in self.stations]
        twice = sorted({c for c in codes if codes.count(c) > 1})
        if twice:
            raise ValueError(f"stations: {', '.join(twice)} stand more than once; every code may stand only once")
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"last_day ({self.last_day}) lies before first_day ({self.first_day})")
        if self.champion.k is not None and self.champion.k not in self.dec.k:
            raise ValueError(f"champion.k ({self.champion.k}) is not among dec.k {list(self.dec.k)}")
        self._check_samples()
        if isinstance(self.source, SyntheticSource):
            without = [s.code for s in self.stations if s.latitude is None]
            if without:
                raise ValueError(f"stations: {', '.join(without)} need latitude and longitude for a synthetic network")
            last = self.last_day or self.source.catalogue_last_day
            if self.first_day < self.source.catalogue_first_day or last > self.source.catalogue_last_day:
                raise ValueError(
                    f"first_day ... last_day must lie in the truth catalogue, {self.source.catalogue_first_day} ... "
                    f"{self.source.catalogue_last_day}"
                )
        return self

    def _check_samples(self) -> None:
        """Refuse windows, averages and corners that do not fit the sampling rate after decimation."""
        rate, spec = self.conditioning.sampling_rate, self.spectrogram
        window, hop = spec.window * rate, spec.hop * rate
        if abs(window - round(window)) > 1e-6 or abs(hop - round(hop)) > 1e-6 or round(hop) < 1:
            raise ValueError(
                f"spectrogram.window ({spec.window:g} s) and hop ({spec.hop:g} s) must be whole samples at {rate:g} Hz"
            )
        if round(window) < 8:
            raise ValueError(
                f"spectrogram.window ({spec.window:g} s) has {round(window)} samples at {rate:g} Hz; it needs 8 or more"
            )
        shortest = min(pair.sta for pair in self.detector.pairs)
        if shortest * rate < 1:
            raise ValueError(f"detector.sta ({shortest:g} s) is shorter than one sample at {rate:g} Hz")
        if 1.1 * self.response.band_high > rate / 2:
            raise ValueError(
                f"response.band_high ({self.response.band_high:g} Hz) and its flank must lie below half the "
                f"conditioning.sampling_rate, at most {rate / 2.2:.4g} Hz"
            )
        if round(window) > spec.nfft:
            raise ValueError(f"spectrogram.nfft ({spec.nfft}) must be at least the window's {round(window)} samples")
        shape = spectrogram_shape(self.conditioning, spec)
        if shape != (87, 100):
            raise ValueError(
                f"spectrogram: these values give {shape[0]} frequencies x {shape[1]} times; the networks need 87 x 100"
            )

    def station(self, code: str) -> Station:
        """Return a station by its code; raises `KeyError` naming the known ones."""
        for station in self.stations:
            if station.code == code:
                return station
        raise KeyError(f"station {code} is not in the settings; known: {', '.join(s.code for s in self.stations)}")

    def days(self, today: date | None = None) -> list[date]:
        """Return all days that are over: first to last day, or to yesterday (UTC) where the end is open."""
        yesterday = (today or datetime.now(UTC).date()) - timedelta(days=1)
        last = min(self.last_day, yesterday) if self.last_day else yesterday
        return [self.first_day + timedelta(days=n) for n in range((last - self.first_day).days + 1)]

    def acquire_digest(self) -> str:
        """Return the digest of what decides about the raw waveforms."""
        source = self.source.model_dump(mode="json")
        if isinstance(self.source, SdsSource | FdsnSource):
            # Where the same samples lie is not part of what they are.
            source = {"kind": self.source.kind}
        # Synthetic sources are heard at several stations, so every station's place decides about all waveforms.
        where = [s.model_dump(mode="json") for s in self.stations] if source["kind"] == "synthetic" else []
        return digest_of([source, where, self.channel, self.location, self.conditioning.padding])

    def aec_digest(self) -> str:
        """Return the digest of what decides about the weights of a trial, besides its batch size and learning rate."""
        return digest_of(self.aec.training_values())

    def initial_clusters_digest(self) -> str:
        """Return the digest of what decides about initial clusters."""
        return digest_of(self.dec.initialisation_values())

    def dec_digest(self) -> str:
        """Return the digest of what decides about the weights of a DEC, given its initial clusters."""
        return digest_of(self.dec.training_values())

    def process_digest(self) -> str:
        """Return the digest of what decides about detections and spectrograms."""
        parts = (self.conditioning, self.response, self.detector, self.spectrogram)
        return digest_of([p.model_dump(mode="json") for p in parts])


def spectrogram_shape(conditioning: Conditioning, spectrogram: Spectrogram) -> tuple[int, int]:
    """Return the number of frequencies and of times of a spectrogram."""
    step = conditioning.sampling_rate / spectrogram.nfft
    bins = [
        i
        for i in range(spectrogram.nfft // 2 + 1)
        if spectrogram.frequency_low <= i * step <= spectrogram.frequency_high
    ]
    return len(bins), round(spectrogram.duration / spectrogram.hop)


def _explain(error: ValidationError, where: str) -> str:
    lines = []
    for item in error.errors():
        # The kind of the source is a step on pydantic's way, but no key of the file.
        way = [part for i, part in enumerate(item["loc"]) if (i, item["loc"][0]) != (1, "source")]
        key = ".".join(str(part) for part in way) or "(whole file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            lines.append(f"{key}: this key is not known")
        elif item["type"] == "missing":
            lines.append(f"{key}: this key is required")
        elif item["loc"] and not isinstance(item["input"], dict):
            lines.append(f"{key} = {item['input']!r}: {message}")
        else:
            lines.append(f"{key}: {message}")
    return f"{where}: {len(lines)} setting(s) cannot be used\n  " + "\n  ".join(lines)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key that stands twice is refused; plain YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def config_path() -> Path:
    """Return the settings file that `RIS_CONFIG` names, or the demo's."""
    named = os.environ.get("RIS_CONFIG")
    if not named:
        return DEFAULT_CONFIG
    path = Path(named).expanduser()
    if not path.is_absolute() and not path.exists():
        path = PROJECT_ROOT / path
    return path


def load_settings(path: Path | str | None = None) -> Settings:
    """Read settings from a YAML file, by default the one that `RIS_CONFIG` names.

    Where the source is a data centre, `RIS_FDSN_PROVIDER` overrides its address. The environment is looked at here and
    nowhere later, so that workers, which are given settings as JSON, ask the same data centre.

    Raises
    ------
    SettingsError
        The file is absent, is not YAML, or a value cannot be used; names file, key, value and what is allowed.
    """
    path = Path(path) if path is not None else config_path()
    try:
        content = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except OSError as error:
        raise SettingsError(f"{path}: the settings file cannot be read ({error.strerror}); set RIS_CONFIG") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected keys and values, for example 'network:'; found {type(content).__name__}")
    source = content.get("source")
    provider = os.environ.get(PROVIDER_VARIABLE) if isinstance(source, dict) and source.get("kind") == "fdsn" else None
    if provider:
        content = content | {"source": dict(source or {}, provider=provider)}
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        where = f"{path} with source.provider from {PROVIDER_VARIABLE}" if provider else str(path)
        raise SettingsError(_explain(error, where)) from error


def data_root(settings: Settings) -> Path:
    """Return the folder of all products of a network: `RIS_DATA`/<network name>, by default ./data/<network name>."""
    return Path(os.environ.get("RIS_DATA") or "data").expanduser().resolve() / settings.network.name
