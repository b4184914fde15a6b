"""Attributes of events: what they say, that they are finite, and what does not change them."""

from dataclasses import replace

import numpy as np
import pytest
from attribute_builders import INSTRUMENTS, WINDOWS, events_around, wavelets
from threadpoolctl import threadpool_limits

from ris_core.attributes import attribute_columns, attributes
from ris_core.attributes.short_time import ContextTooShortError, spectrum_width
from ris_core.config import AttributesSettings
from ris_core.contracts.events import Events, MissingPartError, bare_events

RATE = 50
ALL = pytest.mark.parametrize("of", INSTRUMENTS)


def settings_of(of: str) -> AttributesSettings:
    return AttributesSettings(windows=WINDOWS[of])


def burst(frequency: float, duration: float, noise: float = 0.01, later: float | None = None) -> Events:
    """Return an event of constant amplitude in its middle; from its middle on of another frequency."""
    trace = np.random.default_rng(3).normal(scale=noise, size=12_000)
    t = np.arange(round(duration * RATE)) / RATE
    at = 6000 - t.size // 2
    phase = np.cumsum(np.where(t < duration / 2, frequency, later or frequency)) / RATE
    trace[at : at + t.size] += np.sin(2 * np.pi * phase)
    return events_around(trace, [6000])


def one(events: Events, name: str) -> float:
    return float(attributes(events)[name].iloc[0])


def test_every_column_is_described_and_named_once() -> None:
    columns = attribute_columns()
    assert len(columns) == len({column.name for column in columns}) == 70
    assert all(column.meaning and column.range and column.source for column in columns)
    three = [column.name for column in attribute_columns(components=("Z", "N", "E"))]
    assert len(three) == 76 and {"rectilinearity_4s", "planarity_10s", "incidence_4s"} < set(three)
    assert list(attributes(burst(8, 1)).columns) == [column.name for column in columns]


@pytest.mark.parametrize("frequency", [5.0, 8.0, 14.0])
def test_frequencies_are_those_of_the_signal(frequency: float) -> None:
    found = attributes(burst(frequency, 3)).iloc[0]
    for name in ("peak_frequency_4s", "centroid_4s", "frequency_50_10s"):
        assert found[name] == pytest.approx(np.log2(frequency), abs=0.05)


@pytest.mark.parametrize("seconds", [0.8, 1.6, 3.2])
def test_durations_are_those_of_the_signal(seconds: float) -> None:
    found = attributes(burst(8, seconds)).iloc[0]
    assert 2 ** found["duration_50_4s"] == pytest.approx(seconds, abs=0.25)
    assert 2 ** found["energy_80_10s"] == pytest.approx(0.8 * seconds, abs=0.25)
    assert found["asymmetry_10s"] == pytest.approx(0, abs=1)


def test_a_slow_decay_is_seen_as_one() -> None:
    trace, t = np.random.default_rng(1).normal(scale=0.01, size=12_000), np.arange(200) / RATE
    trace[6000:6200] += np.exp(-t / 1.5) * np.sin(2 * np.pi * 8 * t)
    after = events_around(trace, [6000])
    before = events_around(trace[::-1], [5999])
    assert one(after, "fall_20_10s") > one(after, "rise_20_10s") + 1
    assert one(before, "rise_20_10s") > one(before, "fall_20_10s") + 1
    assert one(after, "asymmetry_10s") > 0.5 and one(before, "asymmetry_10s") < -0.5


def test_a_glide_upwards_is_above_zero_and_one_downwards_below() -> None:
    up, down = burst(6, 2, later=12), burst(12, 2, later=6)
    assert one(up, "glide_4s") > 0.3 and one(down, "glide_4s") < -0.3
    assert one(up, "glide_correlation_4s") > 0.7 and one(down, "glide_correlation_4s") < -0.7
    assert abs(one(burst(8, 2), "glide_4s")) < 0.05


def test_two_bursts_are_two_maxima() -> None:
    trace = np.random.default_rng(1).normal(scale=0.01, size=12_000)
    bell = np.hanning(50) * np.sin(2 * np.pi * 8 * np.arange(50) / RATE)
    for at in (5930, 6060):
        trace[at : at + 50] += bell
    two = one(events_around(trace, [6000]), "envelope_peaks_25_10s")
    assert two == pytest.approx(np.log2(1 + 2))


@ALL
def test_gain_changes_nothing(of: str) -> None:
    events = events_around(*wavelets(12, of), of)
    wanted = attributes(events, settings_of(of))
    for gain in (2.0**-40, 2.0**40):
        louder = scaled(events, gain)
        np.testing.assert_array_equal(attributes(louder, settings_of(of)), wanted)
    found = attributes(scaled(events, 1234.5), settings_of(of))
    np.testing.assert_allclose(found, wanted, atol=0.02, rtol=1e-3)


def scaled(events: Events, gain: float) -> Events:
    assert events.context is not None and events.noise_psd is not None
    return replace(
        events,
        context=(events.context * gain).astype(np.float32),
        noise_psd=(events.noise_psd * gain**2).astype(np.float32),
    )


@ALL
def test_length_and_hop_of_the_spectrogram_do_not_matter(of: str) -> None:
    conditioning, spectrogram, context = INSTRUMENTS[of]
    events = events_around(*wavelets(3, of), of)
    other = spectrogram.model_copy(update={"duration": spectrogram.duration / 2, "hop": spectrogram.hop / 2})
    INSTRUMENTS["other"] = (conditioning, other, context)
    try:
        shorter = events_around(*wavelets(3, of), "other")
    finally:
        del INSTRUMENTS["other"]
    assert spectrum_width(events) == spectrum_width(shorter) == round(spectrogram.window * conditioning.sampling_rate)
    assert shorter.context_lead != events.context_lead
    np.testing.assert_array_equal(attributes(shorter, settings_of(of)), attributes(events, settings_of(of)))


@ALL
@pytest.mark.parametrize(("columns", "most", "most_of_time"), [(5, 0.12, 0.12), (-3, 0.12, 0.12), (2.5, 0.25, 0.3)])
def test_a_shift_within_the_window_changes_little(of: str, columns: float, most: float, most_of_time: float) -> None:
    trace, middles = wavelets(40, of, noise=0.3)
    here = events_around(trace, middles, of)
    shift = round(columns * round(spectrum_width(here) / 5))
    there = events_around(trace, [middle + shift for middle in middles], of)
    # In the units of each: octaves, powers of 2.
    change = (attributes(there, settings_of(of)) - attributes(here, settings_of(of))).abs().median()
    of_time = change.index.str.startswith(("duration", "rise", "fall"))
    assert change[~of_time].max() < most, change[~of_time].sort_values()
    assert change[of_time].max() < most_of_time, change[of_time].sort_values()


@ALL
def test_stationary_noise_that_is_added_changes_little(of: str) -> None:
    quiet, middles = wavelets(40, of, noise=0.3)
    noisy, _ = wavelets(40, of, noise=0.6)  # the same events and noise, the noise of four times the power
    wanted = attributes(events_around(quiet, middles, of), settings_of(of))
    change = (attributes(events_around(noisy, middles, of), settings_of(of)) - wanted).abs().median()
    # Of a pure tone without a glide, these are those of what is left of the noise.
    of_noise = change.index.str.startswith(("centroid_spread", "glide_correlation", "harmonicity"))
    assert change[~of_noise].max() < 0.25, change[~of_noise].sort_values()
    assert change[of_noise].max() < 0.8, change[of_noise].sort_values()


def test_blocks_order_and_threads_change_no_byte() -> None:
    events = events_around(*wavelets(70))
    wanted = attributes(events).to_numpy().tobytes()
    rng = np.random.default_rng(0)
    order = rng.permutation(70)
    for parts in ([order], np.array_split(order, 7), np.array_split(order, 70)):
        found = np.empty((70, 70), np.float32)
        for rows in parts:
            found[rows] = attributes(events.take(rows)).to_numpy()
        assert found.tobytes() == wanted
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            assert attributes(events).to_numpy().tobytes() == wanted


@ALL
@pytest.mark.parametrize("components", [1, 3])
def test_all_values_are_finite_whatever_comes(of: str, components: int) -> None:
    trace, middles = wavelets(12, of)
    letters = ("Z", "N", "E")[:components]
    events = events_around(np.stack([trace * (i + 1) for i in range(components)]), middles, of, letters)
    context, noise = np.array(events.context), np.array(events.noise_psd)
    recorded = np.array(events.context_recorded)
    middle = context.shape[-1] // 2
    context[0] = 0  # silent
    context[1] = 7.25  # constant
    noise[2] = 0
    noise[3] = 3e38
    context[4] *= np.float32(1e-30)
    context[5] *= np.float32(1e30)
    context[6, :, : middle - 3], recorded[6, :, 0] = 0, middle - 3  # recorded from just before the middle
    context[7, :, middle + 3 :], recorded[7, :, 1] = 0, middle + 3
    context[8], recorded[8] = 0, 0  # not at all
    context[9] = 0
    context[9, :, middle] = 1  # one sample
    if components > 1:
        context[10, 1], noise[10, 1], recorded[10, 1] = 0, 0, 0  # a component is missing
        context[11, 0], noise[11, 0], recorded[11, 0] = 0, 0, 0
    spoilt = replace(events, context=context, noise_psd=noise, context_recorded=recorded)
    found = attributes(spoilt, settings_of(of))
    assert np.isfinite(found.to_numpy()).all() and found.dtypes.eq(np.float32).all()
    assert list(found.columns) == [column.name for column in attribute_columns(settings_of(of), letters)]
    assert np.abs(found.to_numpy()).max() < 200
    # Those that are as they were.
    if components == 1:
        np.testing.assert_array_equal(found.iloc[10:], attributes(events, settings_of(of)).iloc[10:])


def test_what_was_not_recorded_is_no_part_of_an_event() -> None:
    trace = np.random.default_rng(5).normal(size=12_000)
    t = np.arange(100) / RATE
    trace[5950:6050] += 50 * np.sin(2 * np.pi * 8 * t)
    events = events_around(trace, [6000])
    context, recorded = np.array(events.context), np.array(events.context_recorded)
    context[..., :480], recorded[..., 0] = 0, 480
    # The jump from zero to the trace is in no column, so the spectrum stays that of the event.
    cut = replace(events, context=context, context_recorded=recorded)
    wanted, found = attributes(events).iloc[0], attributes(cut).iloc[0]
    for name in ("centroid_10s", "bandwidth_10s", "duration_50_10s", "fall_20_10s"):
        assert found[name] == pytest.approx(wanted[name], abs=0.1)


def test_noise_is_no_part_of_an_event() -> None:
    events = burst(8, 1, noise=0.3)
    counted, events_psd = attributes(events).iloc[0], events.noise_psd
    assert events_psd is not None
    not_counted = attributes(replace(events, noise_psd=np.zeros_like(events_psd))).iloc[0]
    assert counted["bandwidth_10s"] < not_counted["bandwidth_10s"] - 0.3
    assert 2 ** counted["energy_50_10s"] < 1 < 2 ** not_counted["energy_50_10s"]


@pytest.mark.parametrize(("direction", "incidence"), [((1, 0, 0), 0), ((0, 3, 4), 90), ((1, 1, 0), 45)])
def test_polarisation_of_a_straight_motion(direction: tuple[float, ...], incidence: float) -> None:
    rng, t = np.random.default_rng(2), np.arange(100) / RATE
    traces = rng.normal(scale=0.01, size=(3, 12_000))
    traces[:, 5950:6050] += np.outer(direction, np.sin(2 * np.pi * 8 * t))
    found = attributes(events_around(traces, [6000], components=("Z", "N", "E"))).iloc[0]
    assert found["rectilinearity_4s"] == pytest.approx(1, abs=0.01)
    assert found["incidence_10s"] == pytest.approx(incidence, abs=1)


def test_polarisation_of_a_circle_and_of_all_directions() -> None:
    rng, t = np.random.default_rng(2), np.arange(100) / RATE
    traces = rng.normal(scale=0.01, size=(3, 12_000))
    traces[:2, 5950:6050] += np.stack([np.sin(2 * np.pi * 8 * t), np.cos(2 * np.pi * 8 * t)])
    found = attributes(events_around(traces, [6000], components=("Z", "N", "E"))).iloc[0]
    assert found["rectilinearity_4s"] == pytest.approx(0.5, abs=0.05)
    assert found["planarity_4s"] == pytest.approx(1, abs=0.01)
    silent = rng.normal(size=(3, 12_000))
    found = attributes(events_around(silent, [6000], components=("Z", "N", "E"))).iloc[0]
    assert found["rectilinearity_10s"] < 0.5 and found["planarity_10s"] < 0.5


def test_imported_events_have_the_windows_that_their_spectrogram_holds() -> None:
    whole = events_around(*wavelets(8, noise=0.05))
    imported = replace(whole, context=None, context_lead=0, context_recorded=None, noise_psd=None, noise_columns=None)
    found = attributes(imported)
    assert list(found.columns) == [column.name for column in attribute_columns()][:35]
    assert np.isfinite(found.to_numpy()).all()
    wanted = attributes(whole)
    for name in ("centroid_4s", "frequency_50_4s", "energy_80_4s"):
        np.testing.assert_allclose(found[name], wanted[name], atol=0.4)
    with pytest.raises(ValueError, match="name a shorter one"):
        attributes(imported, AttributesSettings(windows=(10,)))


def test_errors_say_what_to_do() -> None:
    events = burst(8, 1)
    with pytest.raises(ContextTooShortError, match=r"windows of at most 23\.\d+ s, or raise context.half_length"):
        attributes(events, AttributesSettings(windows=(4, 30)))
    with pytest.raises(MissingPartError, match="name it among the parts to read"):
        attributes(replace(events, context=events.context[..., :0]))
    broken = np.array(events.context)
    broken[0, 0, 600] = np.nan
    with pytest.raises(ValueError, match=r"XX\.S01.*not finite; leave this event out"):
        attributes(replace(events, context=broken))
    with pytest.raises(ValueError, match="the shortest first"):
        AttributesSettings(windows=(10, 4))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_event_that_is_not_finite_is_named_and_never_described(wrong: float) -> None:
    events = events_around(*wavelets(3))
    noise, spectrogram = events.noise_psd.copy(), events.spectrogram.copy()
    noise[1, 0, 3] = spectrogram[2, 5, 7] = wrong
    with pytest.raises(ValueError, match=r"000001: its noise spectrum is not finite; leave this event out"):
        attributes(replace(events, noise_psd=noise))
    with pytest.raises(ValueError, match=r"000002: its spectrogram is not finite; leave this event out"):
        attributes(replace(events, context=None, noise_psd=None, spectrogram=spectrogram))


def test_a_window_shorter_than_a_column_has_finite_attributes_without_a_context_too() -> None:
    events = events_around(*wavelets(3))
    for of in (events, replace(events, context=None, noise_psd=None)):
        assert np.isfinite(attributes(of, AttributesSettings(windows=(0.01,))).to_numpy()).all()


def test_no_events_give_an_empty_table() -> None:
    found = attributes(burst(8, 1).take(slice(0, 0)))
    assert found.shape == (0, 70)


def test_arrays_of_a_package_are_enough() -> None:
    events = events_around(*wavelets(4))
    names = ("context", "context_recorded", "noise_psd", "noise_columns")
    bare = bare_events(
        {name: getattr(events, name) for name in names},
        events.frequency,
        events.time,
        events.sampling_rate,
        ("Z",),
        events.context_lead,
    )
    np.testing.assert_array_equal(attributes(bare), attributes(events))
