"""Settings: one station-day from raw samples to spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from ris_core.contracts.input_spec import InputSpec
from ris_core.section import Hertz, Seconds, Section


class ConditioningSettings(Section):
    """From raw counts to the conditioned trace."""

    padding: Seconds = Field(
        300.0, ge=60, le=3600, description="Length of the neighbouring days that is read on each side, s."
    )
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
    shortest_segment: Seconds = Field(
        40.0,
        gt=0,
        description="Shortest contiguous segment that is used, s (ours); it must hold the detector's warm-up and a "
        "spectrogram.",
    )
    guard_before_gap: Seconds = Field(1.0, ge=0, description="No detection starts this close before a gap, s (ours).")
    guard_after_gap: Seconds = Field(31.0, ge=0, description="No detection starts this soon after a gap, s (ours).")
    other_rates: Literal["resample", "refuse"] = Field(
        "resample",
        description="Other rates than whole multiples of sampling_rate: band-limited interpolation after the filters, "
        "or a failed station-day (ours).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> ConditioningSettings:
        if not self.band_low < self.band_high < self.sampling_rate / 2:
            raise ValueError(
                f"band_low ({self.band_low:g} Hz) < band_high ({self.band_high:g} Hz) < half the sampling_rate "
                f"({self.sampling_rate / 2:g} Hz) must hold"
            )
        if self.taper > self.padding:
            raise ValueError(f"taper ({self.taper:g} s) must lie inside the padding ({self.padding:g} s)")
        return self


FLANK = 1.1
"""The deconvolution's upper flank ends at this multiple of its upper corner."""
TraceKind = Literal["counts", "velocity", "acceleration", "acceleration_water_level"]


class ResponseSettings(Section):
    """Instrument response: the traces of detections and spectrograms, and the band of the deconvolution."""

    detection_trace: TraceKind = Field(
        "counts",
        description="Trace of detections (J21: acceleration_water_level, which in the band is proportional to "
        "counts; ours: counts).",
    )
    spectrogram_trace: TraceKind = Field("counts", description="Trace of spectrograms (J21: counts).")
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
    def _consistent(self) -> ResponseSettings:
        if self.band_low >= self.band_high:
            raise ValueError(f"band_low ({self.band_low:g} Hz) must lie below band_high ({self.band_high:g} Hz)")
        return self


class SpectrogramSettings(Section):
    """Spectrogram of one event, the input of the networks: 87 frequencies x 100 times by default, 17 x 17 at least."""

    window: Seconds = Field(0.4, gt=0, description="Length of the Kaiser window, s (J21: 0.4; 20 samples at 50 Hz).")
    kaiser_beta: float = Field(5.7, ge=0, le=100, description="Shape of the Kaiser window (code: 5.7).")
    hop: Seconds = Field(0.04, gt=0, description="Step between columns, s (J21: 90 % overlap, 0.04).")
    nfft: int = Field(256, ge=16, le=2**20, description="Points of the Fourier transform (J21: 256).")
    duration: Seconds = Field(4.0, gt=0, description="Length of the spectrogram, s (J21: 4; 100 columns).")
    search: Seconds = Field(
        5.0,
        ge=0,
        description="The centre column is searched from this time before the peak to just under it after, s (code: 5).",
    )
    frequency_low: Hertz = Field(3.0, ge=0, description="Lowest frequency kept, Hz (J21: 3).")
    frequency_high: Hertz = Field(20.0, gt=0, description="Highest frequency kept, Hz (J21: 20).")
    duplicate_within: Seconds = Field(
        0.1, ge=0, description="Windows that start less than this apart are duplicates, s (ours)."
    )


class ContextSettings(Section):
    """What is kept around each event: its trace, and the noise in which it lies."""

    half_length: Seconds = Field(
        12.0,
        gt=0,
        le=300,
        description="Length of the trace that is kept on each side of the middle of the spectrogram, s (ours).",
    )
    noise_reach: Seconds = Field(
        60.0, gt=0, le=3600, description="The noise is that of the trace up to this time before and after the event, s."
    )
    noise_step: Seconds = Field(
        1.0, gt=0, description="Step between the short-time spectra from which the noise is taken, s (ours)."
    )
    noise_quantile: float = Field(
        0.25, gt=0, lt=1, description="Quantile of these spectra at each frequency that counts as noise (ours)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> ContextSettings:
        if self.noise_step > self.noise_reach:
            raise ValueError(
                f"noise_step ({self.noise_step:g} s) must not be longer than noise_reach ({self.noise_reach:g} s)"
            )
        return self


def input_spec(
    channels: Sequence[str], conditioning: ConditioningSettings, spectrogram: SpectrogramSettings
) -> InputSpec:
    """Return what these settings make of an event of channels (SEED codes, in order) for the networks."""
    frequencies, times = spectrogram_shape(conditioning, spectrogram)
    return InputSpec(
        components=tuple(code[-1:] for code in channels),
        frequencies=frequencies,
        times=times,
        sampling_rate=conditioning.sampling_rate,
        band=(spectrogram.frequency_low, spectrogram.frequency_high),
        window=spectrogram.duration,
    )


def spectrogram_shape(conditioning: ConditioningSettings, spectrogram: SpectrogramSettings) -> tuple[int, int]:
    """Return the number of frequencies and of times of a spectrogram."""
    step = conditioning.sampling_rate / spectrogram.nfft
    bins = [
        i
        for i in range(spectrogram.nfft // 2 + 1)
        if spectrogram.frequency_low <= i * step <= spectrogram.frequency_high
    ]
    return len(bins), round(spectrogram.duration / spectrogram.hop)


PAPER_INPUT = input_spec(("HHZ",), ConditioningSettings(), SpectrogramSettings())
"""What the published networks take in, and all models and files that do not say what they are made for."""
