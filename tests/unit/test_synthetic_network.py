"""The synthetic network: what is rendered, what is missing, and that it all follows from the settings alone."""

from __future__ import annotations

import io
import pickle
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from obspy import read, read_inventory
from scipy.signal import butter, sosfiltfilt, welch

from ris_core.config import Settings
from ris_core.synthetic.network import SyntheticNetwork
from ris_core.synthetic.noise import band_power, render_noise
from ris_core.synthetic.outages import first_sample
from ris_core.synthetic.site import build_site

DAY = date(2015, 5, 10)
NEXT = DAY + timedelta(days=1)


def make_settings(**source: object) -> Settings:
    stations = [
        {"code": "S01", "latitude": -81.5, "longitude": -176.5},
        {"code": "S02", "latitude": -80.2, "longitude": -178.0},
        {"code": "S03", "latitude": -78.3, "longitude": 179.0},
    ]
    return Settings.model_validate(
        {
            "network": {"name": "test", "code": "SY"},
            "stations": stations,
            "first_day": DAY,
            "last_day": NEXT,
            "source": {"kind": "synthetic", "seed": 3, "events_per_day": 300, **source},
        }
    )


@pytest.fixture(scope="module")
def network() -> SyntheticNetwork:
    return SyntheticNetwork(
        make_settings(
            missing=[f"S02/{NEXT}"],
            gaps=[f"S01/{NEXT}", f"S03/{DAY}"],
            clock_steps=[f"S01/{NEXT}"],
        )
    )


@pytest.fixture(scope="module")
def whole_day(network):
    return network.fetch("S01", DAY)


@pytest.fixture(scope="module")
def broken_day(network):
    return network.fetch("S01", NEXT)


def test_a_station_day_has_200_hz_int32_counts_from_padding_to_padding(whole_day):
    (trace,) = whole_day
    assert trace.id == "SY.S01..HHZ"
    assert trace.stats.sampling_rate == 200.0
    assert trace.data.dtype == np.int32
    assert str(trace.stats.starttime) == "2015-05-09T23:55:00.000000Z"
    assert len(trace) == (86400 + 600) * 200


def test_neighbouring_days_hold_identical_samples_where_their_padding_overlaps(whole_day, broken_day):
    before = whole_day[0].data[-600 * 200 :]
    after = broken_day[0].data[: 600 * 200]
    assert broken_day[0].stats.starttime.ns == first_sample(NEXT) * 5_000_000 - 300_000_000_000
    np.testing.assert_array_equal(before, after)


def test_rendering_does_not_depend_on_process_or_on_what_was_rendered_before(network, whole_day):
    copy = pickle.loads(pickle.dumps(network))  # noqa: S301
    first = first_sample(DAY) + 3_000_000
    part = np.rint(copy._samples("S01", first, first + 200_000))
    np.testing.assert_array_equal(part, whole_day[0].data[3_060_000:3_260_000])


def test_another_seed_gives_other_samples():
    first = first_sample(DAY)
    a, b = (SyntheticNetwork(make_settings(seed=seed))._samples("S01", first, first + 2000) for seed in (0, 1))
    assert not np.array_equal(a, b)


def test_stations_do_not_change_when_one_is_added():
    settings = make_settings()
    fewer = Settings.model_validate({**settings.model_dump(), "stations": settings.model_dump()["stations"][:2]})
    noise = []
    for chosen in (settings, fewer):
        environment = SyntheticNetwork(chosen)._environment
        noise.append(render_noise(3, "S02", build_site(3, "S02"), environment, first_sample(DAY), 1000))
    np.testing.assert_array_equal(*noise)


def test_a_missing_station_day_is_empty_and_its_padding_is_absent_next_door(network):
    assert len(network.fetch("S02", NEXT)) == 0
    (trace,) = network.fetch("S02", DAY)
    assert str(trace.stats.endtime) == "2015-05-10T23:59:59.995000Z"


def test_gaps_leave_five_pieces_one_of_them_a_fragment_of_20_s(network):
    stream = network.fetch("S03", DAY)
    assert len(stream) == 5
    lengths = [trace.stats.npts / 200.0 for trace in stream]
    assert min(lengths) == pytest.approx(20.0, abs=0.02)
    for before, after in pairwise(stream):
        assert 5.0 <= after.stats.starttime - before.stats.endtime <= 1201.0


def test_a_clock_step_is_a_small_gap_then_a_small_overlap_off_the_sample_grid(broken_day):
    offsets = [trace.stats.starttime.ns % 5_000_000 for trace in broken_day]
    assert set(offsets) == {0, 2_500_000}
    jumps = [b.stats.starttime - a.stats.endtime - 0.005 for a, b in pairwise(broken_day)]
    assert any(jump == pytest.approx(0.3525, abs=1e-6) for jump in jumps)
    assert any(jump == pytest.approx(-0.3525, abs=1e-6) for jump in jumps)


def test_waveforms_survive_miniseed(whole_day):
    buffer = io.BytesIO()
    part = whole_day.slice(endtime=whole_day[0].stats.starttime + 60)
    part.write(buffer, format="MSEED")
    buffer.seek(0)
    np.testing.assert_array_equal(read(buffer)[0].data, part[0].data)


def test_a_day_outside_the_catalogue_is_refused_with_the_span(network):
    with pytest.raises(ValueError, match=r"2014-12-01 \.\.\. 2016-11-30"):
        network.fetch("S01", date(2013, 1, 1))
    with pytest.raises(KeyError, match="S09"):
        network.fetch("S09", DAY)


def test_the_response_is_written_as_stationxml_and_evaluates_to_the_stated_sensitivity(network):
    buffer = io.BytesIO()
    network.inventory("S02").write(buffer, format="STATIONXML", validate=True)
    buffer.seek(0)
    channel = read_inventory(buffer)[0][0][0]
    assert channel.sample_rate == 200.0
    response, _ = channel.response.get_evalresp_response(0.005, 4096, output="VEL")
    frequency = np.linspace(0.0, 100.0, len(response))
    flat = np.abs(response[(frequency >= 3) & (frequency <= 20)])
    np.testing.assert_allclose(flat, 5.04e8, rtol=1e-3)


def test_counts_are_ground_motion_through_the_response(network):
    quiet = SyntheticNetwork(make_settings(events_per_day=1e-9))
    first = first_sample(DAY)
    samples = quiet._samples("S01", first, first + 200 * 3600)
    frequency, psd = welch(samples, 200.0, nperseg=200 * 60)
    response, bins = quiet.inventory("S01")[0][0][0].response.get_evalresp_response(0.005, 12000, output="ACC")
    ground = psd[1:] / np.abs(np.interp(frequency[1:], bins, np.abs(response))) ** 2
    site, environment = build_site(3, "S01"), quiet._environment
    wind = environment.at(environment.wind, np.array([first * 5_000_000 + 1_800_000_000_000]))[0]
    expected = -138.0 + site.noise_db + 1.5 * max(0.0, wind - 5.0)
    # 3-5 Hz lies below the firn's resonances.
    level = 10 * np.log10(np.mean(ground[(frequency[1:] > 3) & (frequency[1:] < 5)]))
    assert level == pytest.approx(expected, abs=2.0)
    microseism = 10 * np.log10(np.mean(ground[(frequency[1:] > 0.14) & (frequency[1:] < 0.16)]))
    assert -131 < microseism < -109


def test_noise_is_stationary_across_blocks_and_has_the_power_the_truth_refers_to():
    quiet = SyntheticNetwork(make_settings(events_per_day=1e-9))
    first = first_sample(DAY) + 200 * 3600
    samples = quiet._samples("S02", first, first + 2 * 3600 * 200).astype(np.float64)
    band = sosfiltfilt(butter(4, (3, 20), "bandpass", fs=200, output="sos"), samples)[2000:-2000]
    power = (band**2)[: len(band) // 12000 * 12000].reshape(-1, 12000).mean(axis=1)
    environment = quiet._environment
    time = np.array([(first + 720_000) * 5_000_000])
    expected = band_power(build_site(3, "S02"), environment.at(environment.wind, time), np.array([False]))[0]
    assert np.mean(power) == pytest.approx(expected, rel=0.35)
    assert np.abs(band).max() < 8 * np.sqrt(power.max())


def test_a_rendered_event_has_the_strength_of_its_truth(network):
    truth = network.truth(DAY, DAY)
    strong = truth[(truth.station == "S01") & (truth.snr_db > 25)].reset_index(drop=True)
    gap = strong["time"].diff().dt.total_seconds().fillna(1e9).to_numpy()
    event = strong[gap > 60].iloc[0]
    first = event["time"].value // 5_000_000 - 200 * 60
    samples = network._samples("S01", first, first + 200 * 120).astype(np.float64)
    band = sosfiltfilt(butter(6, (3, 20), "bandpass", fs=200, output="sos"), samples)
    power = np.convolve(band**2, np.ones(100) / 100, mode="valid")
    noise = np.median(power[200 * 10 : 200 * 50])
    assert 10 * np.log10(power.max() / noise) == pytest.approx(event["snr_db"], abs=4.0)


def test_window_energy_names_the_family_whose_event_fills_the_window(network):
    truth = network.truth(DAY, DAY)
    own = truth[(truth.station == "S01") & (truth.snr_db > 20)]
    start = own["time"].astype("int64").to_numpy() - 1_000_000_000
    energy = network.window_energy("S01", start, start + 4_000_000_000)
    assert list(energy.columns[-1:]) == ["noise"]
    families = energy.drop(columns="noise").idxmax(axis=1).to_numpy()
    assert np.mean(families == own["family"].to_numpy()) > 0.95
    total = energy.drop(columns="noise").sum(axis=1).to_numpy()
    # Half a second at the stated ratio is the least a window can hold of an event that lies inside it.
    least = 10 ** (own["snr_db"].to_numpy() / 10) * energy["noise"].to_numpy() / 4.0 * 0.5
    inside = (own["sustained_until"] - own["time"]).dt.total_seconds().to_numpy() < 1.0
    assert np.all(total[inside] > 0.5 * least[inside])


def test_window_energy_is_zero_where_nothing_happens():
    quiet = SyntheticNetwork(make_settings(events_per_day=1e-9))
    start = np.array([pd.Timestamp(DAY, tz="UTC").value])
    energy = quiet.window_energy("S01", start, start + 4_000_000_000)
    assert energy.drop(columns="noise").to_numpy().sum() == 0.0
    assert energy["noise"][0] > 0.0


def test_settings_of_another_source_are_refused():
    settings = make_settings()
    fdsn = Settings.model_validate({**settings.model_dump(), "source": {"kind": "fdsn"}})
    with pytest.raises(ValueError, match="'fdsn'"):
        SyntheticNetwork(fdsn)
