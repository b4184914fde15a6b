"""Every step, and all of them together, equal ObsPy's and SciPy's on the same samples: recorded and synthetic ones.

Each comparison prints what it reached: ``pytest tests/unit/test_conditioning_agreement.py -rP``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import Trace, UTCDateTime, read, read_inventory
from obspy.signal.trigger import recursive_sta_lta, trigger_onset
from scipy import fft, signal
from waveform_builders import KEY, burst, make_segment, make_settings, make_trace, noise, sds_settings

from ris_core.config import PROJECT_ROOT, ConditioningSettings, ResponseSettings
from ris_core.detectors.sta_lta import RecursiveStaLta
from ris_core.processing import filters
from ris_core.processing.condition import condition
from ris_core.processing.detect import triggers_of
from ris_core.processing.instrument import Instrument
from ris_core.processing.spectrograms import event_spectrogram, plan

PAPER = ConditioningSettings()
TAPER = 60
SHARED = PROJECT_ROOT.parent / "shared" / "data"
WHEEL = Path(obspy.__file__).parent / "signal" / "tests" / "data"

SLOWER = ConditioningSettings(sampling_rate=20, band_low=2, band_high=8)
SLOWER_RESPONSE = ResponseSettings(band_low=2, band_high=8)
OUTPUTS = {"velocity": ("VEL", None), "acceleration": ("ACC", None), "acceleration_water_level": ("ACC", 14.0)}


def swell() -> Trace:
    """40 min at 200 Hz: events in noise of 50 counts, under a swell of 2e5 counts and a drift of 1e6."""
    samples = noise(40 * 60 * 200, 1, 50)
    for at in np.arange(70, 2330, 43.7):
        burst(samples, 200, at, 3e3)
    slow = signal.butter(4, [0.05, 0.1], "band", fs=200, output="sos")
    wave = signal.sosfiltfilt(slow, noise(samples.size, 2))
    samples += 2e5 * wave / wave.std() + 1e6 * np.linspace(-1, 1, samples.size) ** 3
    return make_trace(KEY.start_ns, np.rint(samples).astype(np.int32), 200)


def recorded(name: str) -> Trace:
    """A recorded stretch: an hour at 200 Hz from ObsPy's own tests, or a day at 100 Hz or at 40 Hz."""
    if name == "STS2":
        return read(str(WHEEL / "ref_STS2"))[0]
    if name.startswith("UV"):
        path = SHARED / "undervolc" / "waveforms" / "2010" / "YA" / name / "HHZ.D" / f"YA.{name}.00.HHZ.D.2010.244"
    else:
        path = SHARED / "socal" / f"CI{name}__BHN___2022002.ms"
    if not path.is_file():
        pytest.skip(f"{path.relative_to(PROJECT_ROOT.parent)} is absent")
    return read(str(path))[0]


@lru_cache(maxsize=4)
def _waveform(name: str) -> Trace:
    return swell() if name == "swell" else recorded(name)


def waveform(name: str) -> Trace:
    return _waveform(name).copy()


@lru_cache(maxsize=2)
def plain_counts(name: str) -> Trace:
    return plain(_waveform(name))


def midnight(trace: Trace) -> int:
    return int(UTCDateTime(trace.stats.starttime.date).ns)


def ours(trace: Trace, settings=PAPER, response=None, instrument=None, ground=()):
    segment = make_segment(trace.data, trace.stats.sampling_rate, trace.stats.starttime.ns)
    return condition(segment, settings, midnight(trace), response, instrument, ground)


def plain(trace: Trace, settings=PAPER, inventory=None, output=None, water_level=None) -> Trace:
    """The steps one by one, in double precision and at the full rate as long as possible."""
    trace = trace.copy()
    trace.data = trace.data.astype(np.float64)
    trace.detrend("polynomial", order=3)
    trace.taper(max_percentage=0.5, type="hann", max_length=TAPER)
    if output:
        low, high = settings.band_low, settings.band_high
        guard = (0.9 * low, low, high, 1.1 * high) if water_level is None else None
        trace.remove_response(
            inventory, output=output, water_level=water_level, pre_filt=guard, taper=False, zero_mean=False
        )
    factor = round(trace.stats.sampling_rate / settings.sampling_rate)
    if factor > 1:
        trace.decimate(factor)
    trace.filter("bandpass", freqmin=settings.band_low, freqmax=settings.band_high, corners=4, zerophase=True)
    return trace


def without_folding(trace: Trace):
    """The same with one Fourier transform of the whole trace in double precision, cut at the new Nyquist frequency."""
    trace = trace.copy()
    trace.data = trace.data.astype(np.float64)
    trace.detrend("polynomial", order=3)
    trace.taper(max_percentage=0.5, type="hann", max_length=TAPER)
    rate, size = trace.stats.sampling_rate, trace.stats.npts
    factor = round(rate / 50)
    # A minute of zeros for the filters to ring off in.
    long = fft.next_fast_len(size // factor + 60 * 50, real=True) * factor
    frequency = np.arange(long // factor // 2 + 1) * rate / long
    gain = filters.decimation_gain(frequency, rate, PAPER) * filters.bandpass_gain(frequency, PAPER) / factor
    spectrum = fft.rfft(trace.data, long)[: frequency.size] * gain
    return fft.irfft(spectrum, long // factor)[: -(-size // factor)]


def relative_rms(found, wanted) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2) / np.mean(wanted**2)))


def agrees(what: str, found, wanted, tolerance: float) -> None:
    """Assert, and print, the relative rms of the difference."""
    assert found.shape == wanted.shape
    reached = relative_rms(found, wanted)
    print(f"{what}: relative rms {reached:.1e}")
    assert reached < tolerance, what


def inner(samples, rate: float, edge: float = TAPER):
    """What lies inside the tapers (edge: s); ObsPy's filters start there from rest."""
    return samples[round(edge * rate) : -round(edge * rate)]


@pytest.mark.parametrize("name", ["STS2", "UV05"])
def test_the_trend(name):
    # ObsPy has subtracted the cubic from one of the two; a drift of a million counts comes on top of the other.
    trace = waveform(name)
    trace.data = trace.data[: 50 * 60 * 200].astype(np.float64)
    drifting = trace.copy()
    axis = np.linspace(-1, 1, trace.stats.npts)
    drifting.data += 1e6 * (axis**3 - 0.5 * axis**2 + 0.3 * axis)
    trace.detrend("polynomial", order=3)
    agrees(f"trend, {name}", inner(ours(drifting).samples, 50), inner(ours(trace).samples, 50), 1e-5)


@pytest.mark.parametrize("rate", [40.0, 100.0, 200.0])
def test_the_taper(rate):
    trace = make_trace(KEY.start_ns, np.ones(round(300 * rate)), rate)
    trace.taper(max_percentage=0.5, type="hann", max_length=TAPER)
    flank = filters.flank(round(TAPER * rate))
    np.testing.assert_allclose(flank, trace.data[: flank.size], rtol=0, atol=1e-12)
    np.testing.assert_allclose(flank[::-1], trace.data[-flank.size :], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "decimated"), [("STS2", 50.0), ("STS2", 20.0), ("UV05", 50.0), ("UV05", 10.0)])
def test_the_decimation(name, decimated):
    # All that a band-pass leaves between 1 Hz and almost the new Nyquist frequency.
    trace = waveform(name)
    trace.data = trace.data[: 50 * 60 * 200]
    wide = ConditioningSettings(sampling_rate=decimated, band_low=1, band_high=0.48 * decimated)
    found, wanted = inner(ours(trace, wide).samples, decimated), inner(plain(trace, wide).data, decimated)
    agrees(f"decimation to {decimated:g} Hz, {name}", found, wanted, 1e-5)


@pytest.mark.parametrize(("rate", "steps"), [(100, (2,)), (250, (5,)), (400, (8,)), (1000, (10, 2))])
def test_the_decimation_of_white_noise_from_any_rate(rate, steps):
    # As much energy above the new Nyquist frequency as below it for every Hz: ObsPy folds it back at -96 dB.
    trace = make_trace(KEY.start_ns, noise(rate * 600), rate)
    found = ours(trace).samples
    for step in steps:
        trace.decimate(step)
    trace.filter("bandpass", freqmin=3, freqmax=20, corners=4, zerophase=True)
    agrees(f"decimation from {rate} Hz", inner(found, 50), inner(trace.data, 50), 1e-4)


@pytest.mark.parametrize("name", ["swell", "STS2", "UV05"])
def test_the_band_pass(name):
    trace = waveform(name)
    trace.data = trace.data[: 50 * 60 * 200].astype(np.float64)
    trace.decimate(round(trace.stats.sampling_rate / 50))
    agrees(f"band-pass, {name}", inner(ours(trace).samples, 50), inner(plain(trace).data, 50), 1e-5)


@pytest.fixture(scope="module", params=["swell", "STS2", "UV05", "UV06"])
def name(request) -> str:
    """A waveform; all tests of one run before those of the next."""
    return str(request.param)


def test_counts_and_their_onsets_of_the_whole_chain(name):
    trace = waveform(name)
    found, wanted = ours(trace), plain_counts(name)
    assert (found.start_ns, found.sampling_rate) == (wanted.stats.starttime.ns, wanted.stats.sampling_rate)
    agrees(f"counts, {name}", found.samples, wanted.data, 1e-5)
    ratio = recursive_sta_lta(wanted.data, 25, 1500)
    for on, off in ((15, 10), (4, 2)):
        triggers = triggers_of(found, 0, RecursiveStaLta(threshold_on=on, threshold_off=off), PAPER)
        expected = trigger_onset(ratio, on, off)
        assert len(expected) > 0
        assert [t.on for t in triggers] == expected[:, 0].tolist()
        print(f"onsets at {on}, {name}: {len(triggers)} of {len(expected)} identical")


@pytest.mark.parametrize("folding", ["left out", "as in ObsPy"])
def test_spectrograms_of_the_whole_chain(name, folding):
    trace = waveform(name)
    found = ours(trace)
    wanted = plain_counts(name).data if folding == "as in ObsPy" else without_folding(trace)
    agrees(f"counts, folding {folding}, {name}", inner(found.samples, 50), inner(wanted, 50), 1e-5)
    constants = plan(make_settings().spectrogram, PAPER)
    greatest = []
    for trigger in triggers_of(found, 0, RecursiveStaLta(threshold_on=4, threshold_off=2), PAPER):
        cut = event_spectrogram(found.samples, found.grid_offset, trigger.peak, constants)
        if cut is None:
            continue
        start, image, wave = cut
        _, _, expected = signal.spectrogram(
            wanted[start : start + wave.size],
            50,
            signal.windows.kaiser(20, 5.7),
            noverlap=18,
            nfft=256,
            detrend="constant",
            scaling="density",
        )
        greatest.append(np.abs(image - expected[16:103]).max() / expected[16:103].max())
    print(
        f"spectrograms, folding {folding}, {name}: greatest difference of {len(greatest)} events {max(greatest):.1e}, "
        f"of the median event {np.median(greatest):.1e} of its maximum"
    )
    assert len(greatest) >= 50
    # ObsPy folds what lies above 25 Hz back at -96 dB, which in the faintest events is more than rounding.
    assert max(greatest) < (1e-5 if folding == "left out" else 5e-5)
    assert np.median(greatest) < 1e-5


@pytest.mark.parametrize("settings", [SLOWER, ConditioningSettings(sampling_rate=40, band_low=2, band_high=8)])
@pytest.mark.parametrize("station", ["CCA", "HEC"])
def test_the_removal_of_a_recorded_instrument_s_response(station, settings):
    trace = recorded(station)
    rate = settings.sampling_rate
    # Two hours that begin on the grid of the decimated samples, as ObsPy knows none.
    trace.stats.starttime += trace.stats.delta
    trace.data = trace.data[1 : 2 * 3600 * 40 + 1]
    inventory = read_inventory(str(SHARED / "socal" / f"CI_{station}.xml"))
    found = ours(trace, settings, SLOWER_RESPONSE, Instrument.of(inventory, trace.id), tuple(OUTPUTS))
    assert found.grid_offset == (1 if rate == 20 else 2)
    counts = plain(trace, settings).data
    agrees(f"counts at {rate:g} Hz, {station}", inner(found.samples, rate), inner(counts, rate), 1e-5)
    for kind, (output, water_level) in OUTPUTS.items():
        wanted = plain(trace, settings, inventory, output, water_level).data
        agrees(f"{kind} at {rate:g} Hz, {station}", inner(found.of_kind(kind), rate), inner(wanted, rate), 1e-4)


@pytest.mark.parametrize("name", ["swell", "STS2"])
def test_the_removal_of_the_synthetic_instrument_s_response_at_200_hz(name):
    from ris_core.synthetic.seismometer import build_inventory

    trace = waveform(name)
    trace.id = "XX.S01..HHZ"
    trace.stats.starttime = UTCDateTime(ns=KEY.start_ns)
    inventory = build_inventory(make_settings(), "S01")
    found = ours(trace, PAPER, ResponseSettings(), Instrument.of(inventory, trace.id), tuple(OUTPUTS))
    for kind, (output, water_level) in OUTPUTS.items():
        wanted = plain(trace, PAPER, inventory, output, water_level).data
        agrees(f"{kind}, {name}", inner(found.of_kind(kind), 50), inner(wanted, 50), 1e-4)


def test_what_lies_above_the_new_nyquist_frequency_is_left_out_and_not_folded_back():
    # A wave of 1e6 counts at the frequency above 25 Hz that the published filter lets through most of.
    frequency = np.linspace(26, 46, 20_001)
    through = np.abs(filters.decimation_gain(frequency, 200, PAPER))
    strongest = frequency[np.argmax(through)]
    assert 20 * np.log10(through.max()) == pytest.approx(-96, abs=0.5)
    assert 3 < 50 - strongest < 24
    samples = 1e6 * np.sin(2 * np.pi * strongest * np.arange(200 * 600) / 200)
    trace = make_trace(KEY.start_ns, samples, 200)
    found, folded = inner(ours(trace).samples, 50), inner(plain(trace).data, 50)
    # Ground motion in the band there is none: what ObsPy has is the wave folded to 50 Hz minus its frequency.
    at = 50 - strongest
    line = folded @ np.exp(-2j * np.pi * at * np.arange(folded.size) / 50) * 2 / folded.size
    passed = filters.bandpass_gain(np.array([at]), PAPER)[0]
    assert abs(line) == pytest.approx(1e6 * through.max() * passed, rel=0.02)
    ours_rms, theirs = found.std(), abs(line) / np.sqrt(2)
    print(f"folded back from {strongest:.1f} Hz, rms: ObsPy {theirs:.2f}, ours {ours_rms:.2f} counts of 1e6")
    # What is left is the rounding of 1e6 counts in single precision.
    assert ours_rms < 0.03 * theirs


VOLCANO, ICE = (sds_settings(SHARED, preset=name) for name in ("volcano", "icequakes_1000hz"))
# The end of the taper of a swell rings for half a minute at 0.5 Hz; a day's padding is longer.
EDGE = 1.5 * TAPER


def tremor(rate: float, minutes: int = 12) -> Trace:
    """Events of many frequencies in white noise, under a swell and a drift, at any rate."""
    samples = noise(round(minutes * 60 * rate), 3, 50)
    for number, at in enumerate(np.arange(70, minutes * 60 - 70, 17.3)):
        burst(samples, rate, at, 3e3, rate / 400 * 2 ** (number % 6))
    time = np.arange(samples.size) / rate
    samples += 2e4 * np.sin(2 * np.pi * 0.07 * time) + 1e5 * np.linspace(-1, 1, samples.size) ** 3
    return make_trace(KEY.start_ns, np.rint(samples).astype(np.int32), rate)


def plain_zero_phase(trace: Trace, settings: ConditioningSettings) -> Trace:
    """The zero-phase FIR by a convolution at the full rate, then ObsPy's band-pass."""
    trace = trace.copy()
    trace.data = trace.data.astype(np.float64)
    trace.detrend("polynomial", order=3)
    trace.taper(max_percentage=0.5, type="hann", max_length=TAPER)
    rate, target = trace.stats.sampling_rate, settings.sampling_rate
    if rate != target:
        taps = filters.fir_lowpass(settings.band_high, target - settings.band_high, rate)
        trace.data = signal.oaconvolve(trace.data, taps, mode="same")[:: round(rate / target)].copy()
        trace.stats.sampling_rate = target
    trace.filter("bandpass", freqmin=settings.band_low, freqmax=settings.band_high, corners=4, zerophase=True)
    return trace


@pytest.mark.parametrize(
    ("raw", "settings"),
    [
        (100.0, VOLCANO.conditioning),
        (200.0, VOLCANO.conditioning),
        (1000.0, ICE.conditioning),
        (500.0, ICE.conditioning),
    ],
)
def test_other_bands_and_rates_by_the_zero_phase_filter(raw, settings):
    trace = tremor(raw)
    rate = settings.sampling_rate
    found, wanted = ours(trace, settings).samples, plain_zero_phase(trace, settings).data
    what = f"{settings.band_low:g}-{settings.band_high:g} Hz, {raw:g} to {rate:g} Hz"
    agrees(what, inner(found, rate, EDGE), inner(wanted, rate, EDGE), 1e-4)


def test_from_1000_to_400_hz_which_is_no_whole_number():
    trace = tremor(1000.0)
    settings = ConditioningSettings(sampling_rate=400, band_low=10, band_high=120, decimation="zero_phase_fir")
    found = ours(trace, settings).samples
    # The filters at the full rate, and a Fourier interpolation of the whole trace.
    spectrum = fft.rfft(trace.data.astype(np.float64) * signal.windows.tukey(trace.stats.npts, 0.1))
    frequency = np.arange(spectrum.size) * 1000 / trace.stats.npts
    spectrum *= filters.decimation_gain(frequency, 1000, settings) * filters.bandpass_gain(frequency, settings)
    wanted = fft.irfft(spectrum[: found.size // 2 + 1], found.size) * found.size / trace.stats.npts
    agrees("10-120 Hz, 1000 to 400 Hz", inner(found, 400, EDGE), inner(wanted, 400, EDGE), 1e-3)


def test_from_1000_hz_by_the_published_filter():
    trace = tremor(1000.0)
    settings = ConditioningSettings(sampling_rate=500, band_low=10, band_high=160)
    found, wanted = ours(trace, settings).samples, plain(trace, settings).data
    agrees("10-160 Hz, 1000 to 500 Hz", inner(found, 500), inner(wanted, 500), 1e-4)


def test_a_recorded_day_of_a_volcano_from_half_a_hertz():
    trace = waveform("UV05")
    trace.data = trace.data[: 50 * 60 * 100]
    found, wanted = ours(trace, VOLCANO.conditioning).samples, plain(trace, VOLCANO.conditioning).data
    agrees("0.5-25 Hz at 100 Hz, UV05", inner(found, 100), inner(wanted, 100), 1e-5)


@pytest.mark.parametrize(("raw", "settings"), [(100.0, VOLCANO), (1000.0, ICE)])
def test_spectrograms_of_other_windows(raw, settings):
    found = ours(tremor(raw), settings.conditioning)
    constants = plan(settings.spectrogram, settings.conditioning)
    rate, window = constants.rate, constants.window.size
    cut = event_spectrogram(found.samples, found.grid_offset, round(300 * rate), constants)
    start, image, wave = cut
    frequency, _, expected = signal.spectrogram(
        found.samples[start : start + wave.size],
        rate,
        signal.windows.kaiser(window, 5.7),
        noverlap=window - constants.hop,
        nfft=constants.nfft,
        detrend="constant",
        scaling="density",
    )
    band = settings.spectrogram
    kept = (frequency >= band.frequency_low) & (frequency <= band.frequency_high)
    assert image.shape == settings.input_spec().shape == expected[kept].shape
    np.testing.assert_allclose(constants.frequency, frequency[kept])
    np.testing.assert_allclose(image, expected[kept], rtol=0, atol=1e-5 * expected.max())
