"""Settings: which events of a class the detector would find, by templates in the station's own noise."""

from __future__ import annotations

from pydantic import Field, model_validator

from ris_core.section import Seconds, Section


class CompletenessSettings(Section):
    """Completeness: templates of each class, scaled and added to real noise, and the detector's answer."""

    station_days: int = Field(
        4,
        ge=1,
        description="Station-days of each station whose waveforms are used, spread over the network's time (ours).",
    )
    passes: int = Field(
        4, ge=1, le=100, description="Number of times that templates are added to each of these station-days (ours)."
    )
    templates: int = Field(
        3, ge=1, le=100, description="Templates of each class: clear events, nearest to its centre (ours)."
    )
    template_station_days: int = Field(
        60, ge=1, description="Station-days at most, drawn by the seed, among whose events templates are sought (ours)."
    )
    template_snr: float = Field(
        10.0,
        description="Least signal-to-noise ratio of a template, dB; a class without such events near its centre takes "
        "the clearest ones that it has, and the result says so (ours).",
        json_schema_extra={"unit": "dB"},
    )
    margin: Seconds = Field(
        1.0, ge=0, description="Flank by which a template fades in and out beside its spectrogram's window, s (ours)."
    )
    apart: float = Field(
        4.0,
        ge=1,
        description="Least time between two templates, in long averages of the detector: exp(-4) of one's power is "
        "left in the average when the next one comes (ours).",
    )
    noise_window: Seconds = Field(
        30.0,
        gt=0,
        description="The noise of a template is the median power of the seconds in this time before it (ours).",
    )
    amplitude_low: float = Field(
        1.0, gt=0, description="Least peak amplitude of a template, in rms of the noise around it (ours)."
    )
    amplitude_high: float = Field(
        40.0, gt=0, description="Greatest peak amplitude of a template, in rms of the noise around it (ours)."
    )
    least: int = Field(
        20, ge=5, description="Templates that a station, class and noise quartile needs for an amplitude (ours)."
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="Confidence of the intervals (ours).")
    seed: int = Field(0, ge=0, description="Seed of the sample, of the times and of the amplitudes (ours).")

    @model_validator(mode="after")
    def _range(self) -> CompletenessSettings:
        if self.amplitude_low >= self.amplitude_high:
            raise ValueError(
                f"amplitude_low ({self.amplitude_low:g}) must lie below amplitude_high ({self.amplitude_high:g})"
            )
        return self
