"""The peak ground acceleration of detections against ObsPy's deconvolution at the full rate, on recorded data.

``pytest tests/unit/test_peak_acceleration.py -rP`` prints the ratios.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pytest
from numpy.typing import NDArray
from scipy import signal
from waveform_builders import KEY, by_channel, make_settings, make_trace, ns_at

from ris_core.config import PROJECT_ROOT
from ris_core.contracts.station_day import NS
from ris_core.processing.amplitude import peak_between_samples
from ris_core.processing.chain import process
from ris_core.synthetic.seismometer import build_inventory

STS2 = Path(obspy.__file__).parent / "signal" / "tests" / "data" / "ref_STS2"
CALIFORNIA = PROJECT_ROOT.parent / "shared" / "data" / "socal" / "CICCA__BHN___2022002.ms"
SETTLED_S = 60.0


def recorded(path: Path) -> NDArray[np.float64]:
    trace = obspy.read(str(path)).merge()[0]
    return np.asarray(trace.data, dtype=np.float64) - trace.data.mean()


def resampled(samples: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    return np.asarray(signal.resample_poly(samples, factor, 1, window=("kaiser", 9.0)))


def ratios(samples: NDArray[np.float64], rate: float, decimation: str) -> NDArray[np.float64]:
    """Return dominant frequency (Hz) and ratio of ours to the reference for each detection, shape (detections, 2)."""
    settings = make_settings(
        conditioning={"decimation": decimation}, detector={"threshold_on": 4, "threshold_off": 2, "cleaning_window": 0}
    )
    inventory = build_inventory(settings, "S01")
    trace = make_trace(ns_at(KEY, 0), np.rint(samples * 1e5 / np.abs(samples).max()).astype(np.int32), rate)
    table = process(by_channel(KEY, trace), KEY, settings, inventory).detections
    trace.data = trace.data.astype(np.float64)
    trace.remove_response(inventory, output="ACC", water_level=None, pre_filt=(2.7, 3, 20, 22), taper_fraction=0.02)
    found = []
    for row in table.to_dict("records"):
        start, end = (row["time_on"] - ns_at(KEY, 0)) / NS - 0.5, (row["time_off"] - ns_at(KEY, 0)) / NS
        if start > SETTLED_S and end < samples.size / rate - SETTLED_S:
            stretch = trace.data[round(start * rate) : round(end * rate) + 1]
            power = np.abs(np.fft.rfft(stretch * np.hanning(stretch.size), 1 << 15))
            dominant = float(np.fft.rfftfreq(1 << 15, 1 / rate)[np.argmax(power)])
            found.append((dominant, row["peak_acceleration"] / stretch[np.argmax(np.abs(stretch))]))
    return np.array(found)


def assert_alike(found: NDArray[np.float64], what: str) -> None:
    for low, high in ((3, 20), (3, 8), (8, 14), (14, 20)):
        some = found[(found[:, 0] >= low) & (found[:, 0] < high), 1]
        if some.size:
            print(
                f"{what}, {low}-{high} Hz: {some.size} detections, median {np.median(some):.4f}, least {some.min():.3f}"
            )
            # Sign and size.
            assert np.median(some) == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(found[:, 1] - 1) < 0.03) > 0.9


@pytest.mark.parametrize("decimation", ["causal_chebyshev", "zero_phase_fir"])
@pytest.mark.parametrize(("factor", "rate"), [(1, 200.0), (2, 400.0), (1, 400.0)])
def test_the_peak_acceleration_is_that_of_the_deconvolved_record_at_its_full_rate(factor, rate, decimation):
    # 1 sample for 1 at 400 Hz: the record twice as fast, whose energy then lies at 16 to 20 Hz.
    found = ratios(resampled(recorded(STS2), factor), rate, decimation)
    assert len(found) > 15
    if factor == 1 and rate == 400:
        assert np.sum(found[:, 0] > 14) > 10
    assert_alike(found, f"STS2 {factor} at {rate:g} Hz, {decimation}")


@pytest.mark.skipif(not CALIFORNIA.exists(), reason=f"{CALIFORNIA.relative_to(PROJECT_ROOT.parent)} is absent")
def test_so_it_is_on_a_day_of_california_played_faster():
    found = ratios(resampled(recorded(CALIFORNIA)[: 40 * 60 * 60 * 4], 4), 400.0, "causal_chebyshev")
    assert np.sum(found[:, 0] > 14) > 10
    assert_alike(found, "CCA, 10 times as fast")


@pytest.mark.parametrize("frequency", [0.5, 3.0, 10.0, 17.0, 20.0, 22.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_peak_of_a_packet_is_read_between_samples(frequency, sign):
    for shift in np.linspace(0, 0.02, 7):
        time = np.arange(400) / 50 - 4 - shift
        packet = sign * np.exp(-((time / 0.4) ** 2)) * np.cos(2 * np.pi * frequency * time)
        found = peak_between_samples(packet, 150, 250)
        # Near the Nyquist frequency the neighbouring peaks of the other sign are as large.
        assert (found if frequency < 20 else sign * abs(found)) == pytest.approx(sign, abs=0.02)


def test_a_peak_is_read_at_the_ends_of_a_trace_and_not_beyond_the_stretch():
    samples = np.zeros(100)
    samples[60] = 5.0
    assert peak_between_samples(samples, 60, 60) == 5.0
    assert peak_between_samples(samples, 60, 99) == 5.0
    assert abs(peak_between_samples(samples, 0, 50)) < 0.5
    ramp = np.linspace(0, 1, 40)
    assert peak_between_samples(ramp, 0, 39) == pytest.approx(1.0, abs=0.02)
    assert peak_between_samples(ramp[:1], 0, 0) == 0.0


def test_samples_that_are_missing_leave_no_peak_and_spoil_none_beside_them():
    samples = np.sin(np.arange(200) / 3)
    samples[:50] = np.nan
    assert np.isnan(peak_between_samples(samples, 40, 100))
    assert abs(peak_between_samples(samples, 50, 199)) == pytest.approx(1.0, abs=0.05)
