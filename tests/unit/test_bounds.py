"""Which windows, bands, averages and lengths fit each other, and what is said of those that do not."""

import pytest
from pydantic import ValidationError
from waveform_builders import settings_values

from ris_core.config import Settings
from ris_core.config.defaults import with_defaults

# A network at 100 Hz with 2 s of noise, half a second of signal, and windows of 5 s: 33 x 50.
FITTING = {
    "profile": "recommended",
    "conditioning": {"sampling_rate": 100, "band_low": 2, "band_high": 35},
    "spectrogram": {"window": 0.64, "hop": 0.1, "nfft": 100, "duration": 5, "frequency_low": 2, "frequency_high": 35},
}


def make(**sections: object) -> Settings:
    values = settings_values() | FITTING
    for name, section in sections.items():
        merged = {**values.get(name, {}), **section} if isinstance(section, dict) else section
        values = values | {name: merged}
    return Settings.model_validate(values)


def test_other_sizes_than_the_papers_can_be_used_with_the_profile_recommended() -> None:
    assert make().input_spec().shape == (34, 50)
    with pytest.raises(
        ValidationError, match=r"34 frequencies x 50 times; profile: paper has 87 x 100 alone; .*recomm"
    ):
        make(profile="paper")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"spectrogram": {"window": 0.645}}, ["spectrogram.window (0.645 s)", "whole samples", "100 Hz", "0.64 s"]),
        ({"spectrogram": {"hop": 0.004}}, ["spectrogram.hop (0.004 s)", "for example 0.01 s"]),
        ({"spectrogram": {"window": 0.05, "hop": 0.05}}, ["5 samples", "8 or more, 0.08 s"]),
        ({"spectrogram": {"hop": 1.0}}, ["hop (1 s) must not be longer than spectrogram.window (0.64 s)"]),
        ({"spectrogram": {"duration": 5.04}}, ["duration (5.04 s)", "whole steps", "for example 5 s"]),
        ({"spectrogram": {"nfft": 50}}, ["nfft (50)", "64 samples", "for example 64"]),
        ({"spectrogram": {"window": 0.16, "nfft": 16}}, ["nfft (16) gives 5 frequencies in 2-35 Hz", "17", "64 would"]),
        ({"spectrogram": {"duration": 1.6}}, ["duration (1.6 s) has 16 columns", "1.7 s would do"]),
        ({"spectrogram": {"frequency_low": 20, "frequency_high": 10}}, ["frequency_low (20 Hz)", "10 Hz"]),
        ({"spectrogram": {"search": 40}}, ["spectrogram.search (40 s)", "30 s or less"]),
        (
            {"conditioning": {"sampling_rate": 250, "padding": 400}, "spectrogram": {"nfft": 256}},
            ["conditioning.sampling_rate (250 Hz) is above the 200 Hz of the synthetic network", "another source"],
        ),
        ({"response": {"band_high": 46}}, ["response.band_high (46 Hz)", "45.45 Hz"]),
        ({"detector": {"sta": 0.005}}, ["detector.sta (0.005 s)", "one sample at 100 Hz"]),
        ({"context": {"half_length": 2}}, ["context.half_length (2 s)", "5.64 s", "2.82 s or more"]),
        ({"context": {"noise_step": 0.001}}, ["context.noise_step (0.001 s)", "0.01 s or more"]),
        ({"context": {"noise_reach": 0.4, "noise_step": 0.2}}, ["noise_reach (0.4 s)", "0.64 s", "0.42 s or more"]),
        ({"conditioning": {"band_low": 0.002}}, ["conditioning.band_low (0.002 Hz)", "0.0025 Hz or more", "3600 s"]),
        ({"response": {"band_low": 0.002}}, ["response.band_low (0.002 Hz)", "0.0025 Hz or more"]),
        ({"conditioning": {"band_high": 2.001}}, ["band_high less band_low (0.001 Hz)", "0.0025 Hz or more"]),
        ({"conditioning": {"band_high": 49.999}}, ["sampling_rate less band_high (0.001 Hz)", "0.0025 Hz or more"]),
        ({"spectrogram": {"kaiser_beta": 1e9}}, ["spectrogram.kaiser_beta", "100"]),
        ({"spectrogram": {"nfft": 1e9}}, ["spectrogram.nfft", "1048576"]),
        ({"aec": {"time_shift": 26}}, ["aec.time_shift (26)", "50 columns", "25 or less"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(sections: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**sections)
    message = str(caught.value)
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"spectrogram": {"frequency_low": 1}}, ["frequency_low (1 Hz)", "2-35 Hz", "set it to 2 Hz", "band_low"]),
        ({"spectrogram": {"frequency_high": 40}}, ["frequency_high (40 Hz)", "set it to 35 Hz", "band_high"]),
        (
            {"conditioning": {"band_high": 46}, "response": {"band_high": 45}},
            ["band_high (46 Hz)", "45 Hz", "zero_phase_fir", "102.2 Hz or more"],
        ),
        (
            {"conditioning": {"decimation": "causal_chebyshev"}},
            ["band_high (35 Hz)", "32.5 Hz", "107.7 Hz or more or conditioning.decimation: zero_phase_fir"],
        ),
        ({"conditioning": {"shortest_segment": 30}}, ["shortest_segment (30 s)", "30 s", "36.64 s or more"]),
        ({"conditioning": {"guard_after_gap": 60}}, ["shortest_segment (45 s)", "guard_after_gap (60 s)", "65.64 s"]),
        (
            {"conditioning": {"band_low": 0.03}},
            ["padding (300 s)", "ringing of the band-pass (300 s)", "360 s or more"],
        ),
        ({"conditioning": {"padding": 100}}, ["padding (100 s)", "context.noise_reach (60 s)", "120 s or more"]),
    ],
)
def test_what_is_rarely_wanted_can_be_used_and_is_said(sections: dict[str, object], words: list[str]) -> None:
    (doubt,) = make(**sections).doubts()
    assert all(word in doubt for word in words), doubt


def test_settings_that_fit_give_no_doubts_and_neither_do_the_papers() -> None:
    assert make().doubts() == ()
    assert Settings.model_validate(settings_values()).doubts() == ()


def test_what_the_messages_propose_is_accepted() -> None:
    assert make(spectrogram={"window": 0.16, "nfft": 64}).input_spec().frequencies >= 17
    assert make(spectrogram={"duration": 1.7}).input_spec().times == 17
    at_108 = make(conditioning={"sampling_rate": 108, "decimation": "causal_chebyshev"}, spectrogram=WHOLE_AT_108)
    assert not at_108.doubts()
    assert not make(conditioning={"guard_after_gap": 60, "shortest_segment": 65.64}).doubts()
    assert not make(conditioning={"padding": 120}).doubts()
    assert make(aec={"time_shift": 25})


WHOLE_AT_108 = {"window": 0.5, "hop": 1 / 12, "duration": 5}


def test_the_deconvolution_has_the_band_of_the_trace_unless_its_own_is_given() -> None:
    found = make().response
    assert (found.band_low, found.band_high) == (2, 35)
    found = make(response={"band_low": 3}).response
    assert (found.band_low, found.band_high) == (3, 35)
    # A corner near half the sampling rate leaves room for the flank of the deconvolution.
    found = make(conditioning={"band_high": 48}, spectrogram={"frequency_high": 40}).response
    assert (found.band_low, found.band_high) == (2, 45.454)
    assert make(conditioning={"band_high": 48}, response={"band_high": 40}).response.band_high == 40
    # A band in which there is no such room, or no band given: the published one.
    near = {"conditioning": {"band_low": 24, "band_high": 24.5}}
    found = Settings.model_validate(settings_values(**near)).response
    assert (found.band_low, found.band_high) == (3, 20)
    found = Settings.model_validate(settings_values()).response
    assert (found.band_low, found.band_high) == (3, 20)


def test_a_band_that_cannot_be_used_is_refused_once() -> None:
    with pytest.raises(ValidationError) as caught:
        make(conditioning={"band_low": "2 s"})
    assert [error["loc"] for error in caught.value.errors()] == [("conditioning", "band_low")]


def test_a_section_for_another_method_is_not_completed() -> None:
    values = {"preset": "volcano", "detector": {"method": "z_detect", "sta": 2}}
    assert with_defaults(values)["detector"] == {"method": "z_detect", "sta": 2}
    assert with_defaults({"preset": "volcano", "detector": {"sta": 2}})["detector"]["lta"] == "30 s"
