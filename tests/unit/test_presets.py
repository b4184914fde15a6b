"""Each preset works: its values fit, its band's events are found and cut, and a network for their shape is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from obspy import Trace
from pydantic import ValidationError
from waveform_builders import KEY, by_channel, make_trace, noise, settings_values

from ris_core.config import PROJECT_ROOT, Settings, known_presets, load_settings
from ris_core.contracts.station_day import NS
from ris_core.models.networks import Aec
from ris_core.processing.chain import Products, process
from ris_core.training.aec import train_aec
from ris_core.training.normalise import normalise


def make_settings(**values: object) -> Settings:
    """Settings of a network that records at any rate."""
    return Settings.model_validate(settings_values(source={"kind": "sds", "root": "archive"}) | values)


@dataclass(frozen=True)
class Case:
    """What a network of a preset records: raw rate (Hz), events of a frequency (Hz) and decay (s), s between them."""

    raw: float
    frequency: float
    decay: float
    apart: float


CASES = {
    "icequakes_1000hz": Case(1000.0, 80.0, 0.03, 6.0),
    "volcano": Case(100.0, 3.0, 0.8, 50.0),
    "regional": Case(100.0, 6.0, 0.7, 80.0),
}
EVENTS = 24
PRESET = pytest.mark.parametrize("preset", CASES)


def recorded(case: Case, seed: int = 0) -> tuple[Trace, np.ndarray]:
    """Noise with events, and their onsets in seconds from 00:00 UTC."""
    onsets = 100.0 + case.apart * np.arange(EVENTS)
    samples = noise(round((onsets[-1] + 100) * case.raw), seed)
    for onset in onsets:
        time = np.arange(round(onset * case.raw), round((onset + 10 * case.decay) * case.raw)) / case.raw - onset
        wave = 3e3 * np.sin(2 * np.pi * case.frequency * time) * np.exp(-time / case.decay)
        samples[round(onset * case.raw) :][: time.size] += wave
    return make_trace(KEY.start_ns, np.rint(samples).astype(np.int32), case.raw), onsets


@cache
def processed(preset: str) -> tuple[Settings, Products, np.ndarray]:
    settings = make_settings(preset=preset)
    trace, onsets = recorded(CASES[preset])
    return settings, process(by_channel(KEY, trace), KEY, settings, None), onsets


def test_every_preset_is_tested() -> None:
    assert known_presets() == tuple(sorted(CASES))


@PRESET
def test_the_values_fit_and_the_lengths_follow_from_each_other(preset: str) -> None:
    settings = make_settings(preset=preset)
    spectrogram, context = settings.spectrogram, settings.context
    assert settings.profile == "recommended"
    frequencies, times = settings.input_spec().shape
    assert 80 <= frequencies <= 110
    assert times == 100
    assert context.half_length >= spectrogram.duration
    assert 2 * context.noise_reach >= 10 * spectrogram.duration
    assert settings.detector.cleaning_window == spectrogram.duration
    assert (settings.response.band_low, settings.response.band_high) == (
        settings.conditioning.band_low,
        settings.conditioning.band_high,
    )


@PRESET
def test_its_events_are_found_and_cut(preset: str) -> None:
    settings, products, onsets = processed(preset)
    events = products.spectrograms
    found = (products.detections["time_on"].to_numpy() - KEY.start_ns) / NS
    is_event = (products.detections["outcome"] == "event").to_numpy()
    # Within a short average of the onset; the filters are without delay and smear it by a period of the lower corner.
    tolerance = settings.detector.lead + 1 / settings.conditioning.band_low
    assert all(np.abs(found[is_event] - onset).min() < tolerance for onset in onsets)
    assert is_event.sum() == EVENTS
    assert events.spectrogram.shape == (EVENTS, *settings.input_spec().shape)
    assert np.isfinite(events.spectrogram).all()
    assert (events.spectrogram.sum(axis=(1, 2)) > 0).all()
    # The strongest column is the middle one, and the strongest frequency that of the events.
    column = events.spectrogram.sum(axis=1).argmax(axis=1)
    assert np.abs(column - events.time.size // 2).max() <= 1
    strongest = events.frequency[events.spectrogram.sum(axis=2).argmax(axis=1)]
    np.testing.assert_allclose(strongest, CASES[preset].frequency, atol=1 / settings.spectrogram.window)


@PRESET
def test_context_and_noise_lie_around_its_events(preset: str) -> None:
    settings, products, _ = processed(preset)
    events = products.spectrograms
    assert events.context is not None
    assert events.noise_psd is not None
    half = round(settings.context.half_length * settings.conditioning.sampling_rate)
    assert events.context.shape == (EVENTS, 1, 2 * half)
    assert np.isfinite(events.context).all()
    # White noise of deviation 100 counts: 2 · 100² / rate counts²/Hz; the lower quartile of its spectra lies below.
    level = 2 * 100**2 / CASES[preset].raw
    middle = slice(events.frequency.size // 4, -events.frequency.size // 4)
    np.testing.assert_allclose(np.median(events.noise_psd[:, 0, middle]), 0.29 * level, rtol=0.15)


@PRESET
def test_an_autoencoder_of_its_shape_is_trained(preset: str) -> None:
    settings, products, _ = processed(preset)
    x = normalise(products.spectrograms.spectrogram, settings.normalisation)
    options = settings.aec.model_copy(update={"max_epochs": 1, "device": "cpu"})
    result = train_aec(x[:16], x[16:], 8, 2e-3, options)
    assert isinstance(result.model, Aec)
    assert result.model.shape == settings.input_spec().network_shape
    assert np.isfinite(result.val_mse)


@pytest.mark.parametrize("missing", ["drop", "zeros"])
def test_three_components_of_a_volcano_are_cut_normalised_and_trained_on(missing: str) -> None:
    case = CASES["volcano"]
    channels = ["HHZ", "HHN", "HHE"]
    settings = make_settings(preset="volcano", channels=channels, components={"missing": missing})
    traces = []
    for number, code in enumerate(channels):
        trace, onsets = recorded(case, seed=number)
        trace.stats.channel = code
        # The last component ends before the last four events.
        traces.append(trace if code != "HHE" else trace.slice(endtime=trace.stats.starttime + onsets[-4] - 20))
    products = process(by_channel(KEY, *traces), KEY, settings, None)
    events = products.spectrograms
    kept = EVENTS if missing == "zeros" else EVENTS - 4
    assert events.spectrogram.shape == (kept, *settings.input_spec().network_shape)
    assert events.components == ("Z", "N", "E")
    assert np.isfinite(events.spectrogram).all()
    x = normalise(events.spectrogram, settings.normalisation)
    np.testing.assert_allclose(np.square(x, dtype=np.float64).sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    options = settings.aec.model_copy(update={"max_epochs": 1, "device": "cpu"})
    result = train_aec(x[:12], x[12:], 6, 2e-3, options)
    assert result.model.shape == settings.input_spec().network_shape  # type: ignore[attr-defined]
    assert np.isfinite(result.val_mse)


def test_own_values_stand_above_the_presets_and_those_above_the_profiles(tmp_path: Path) -> None:
    own = make_settings(preset="volcano", conditioning={"band_low": 1}, spectrogram={"frequency_low": 1})
    assert (own.conditioning.band_low, own.conditioning.band_high, own.conditioning.sampling_rate) == (1, 25, 100)
    assert (own.spectrogram.frequency_low, own.spectrogram.duration, own.response.band_low) == (1, 10, 1)
    assert own.normalisation.scale == "decibel"
    assert own.input_spec().frequencies == 97
    assert Settings.model_validate_json(own.model_dump_json()) == own
    file = tmp_path / "own.yaml"
    demo = (PROJECT_ROOT / "config" / "demo.yaml").read_text()
    file.write_text(demo + "preset: regional\ndetector: {threshold_on: 9}\n")
    read = load_settings(file)
    assert (read.detector.threshold_on, read.detector.lta) == (9, 60)  # type: ignore[attr-defined]


def test_a_detector_of_another_method_takes_nothing_from_the_presets() -> None:
    own = make_settings(preset="regional", detector={"method": "z_detect", "threshold_on": 3, "threshold_off": 1})
    assert own.detector.method == "z_detect"
    assert own.detector.cleaning_window == 5


def test_other_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="preset: vulcano is not known; known: icequakes_1000hz, regional, volc"):
        make_settings(preset="vulcano")
    with pytest.raises(ValidationError, match=r"\.\./demo is not known"):
        make_settings(preset="../demo")
    with pytest.raises(ValidationError, match="preset"):
        Settings.model_validate(settings_values(preset=["volcano"]))
