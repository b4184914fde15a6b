"""The truth catalogue follows its rate laws over two years."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ris_core.config import Settings
from ris_core.synthetic.families import FAMILIES, NAMES, draw_snr, truncated_lognormal
from ris_core.synthetic.network import SyntheticNetwork

DAYS = 731


def make_settings(**source: object) -> Settings:
    return Settings.model_validate(
        {
            "network": {"name": "test", "code": "SY"},
            "stations": [
                {"code": "S01", "latitude": -81.5, "longitude": -176.5},
                {"code": "S02", "latitude": -80.2, "longitude": -178.0},
                {"code": "S03", "latitude": -78.3, "longitude": 179.0},
            ],
            "first_day": date(2015, 1, 1),
            "source": {"kind": "synthetic", "events_per_day": 300, **source},
        }
    )


@pytest.fixture(scope="module")
def network():
    return SyntheticNetwork(make_settings(seed=0))


@pytest.fixture(scope="module")
def truth(network):
    return network.truth()


@pytest.fixture(scope="module")
def hourly(network, truth):
    environment = network.environment().set_index("time")
    counts = truth.groupby([truth["time"].dt.floor("h"), "family"]).size().unstack(fill_value=0)
    return environment.join(counts.reindex(environment.index, fill_value=0))


def test_families_have_their_shares_on_average(truth):
    for family in FAMILIES:
        stations = 1 if family.name == "cultural" else 3
        n = int(np.sum(truth["family"] == family.name))
        assert n == pytest.approx(family.share * 300 * DAYS * stations, rel=0.06)


def test_truth_is_sorted_and_every_event_runs_from_onset_to_end(truth):
    assert truth["time"].is_monotonic_increasing
    assert (truth["peak_time"] > truth["time"]).all()
    assert (truth["sustained_until"] >= truth["peak_time"]).all()
    assert (truth["end_time"] > truth["time"]).all()


def test_a_source_is_one_row_per_station_and_regional_sources_are_everywhere_with_moveout(truth):
    assert not truth.duplicated(["source_id", "station"]).any()
    regional = truth[truth["family"] == "regional"].groupby("source_id")["time"].agg(["size", "min", "max"])
    assert (regional["size"] == 3).mean() > 0.999
    moveout = (regional["max"] - regional["min"]).dt.total_seconds()
    # The outermost stations lie about 365 km apart: at most 61 s at 6 km/s.
    assert 5 < moveout.median() < 61
    assert (truth[truth["family"] != "regional"]["source_id"].value_counts() == 1).all()


def test_truth_of_some_days_is_the_same_as_in_the_whole(network, truth):
    part = network.truth(date(2015, 7, 1), date(2015, 7, 2))
    whole = truth[(truth["time"] >= "2015-07-01") & (truth["time"] < "2015-07-03")].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, whole)


def test_the_novelty_is_absent_before_its_first_day(truth):
    novelty = truth[truth["family"] == "novelty"]
    assert novelty["time"].min() >= pd.Timestamp("2015-12-01", tz="UTC")
    assert len(novelty) > 1000


def test_rift_fracture_follows_seaward_tilt_and_cold_and_not_swell(hourly):
    by_day = hourly.resample("D").mean()
    assert np.corrcoef(hourly["tilt"], hourly["rift"])[0, 1] > 0.3
    assert np.corrcoef(by_day["temperature_c"], by_day["rift"])[0, 1] < -0.3
    assert abs(np.corrcoef(by_day["significant_wave_height_m"], by_day["rift"])[0, 1]) < 0.15


def test_ice_front_fracture_needs_open_water(hourly):
    open_water = hourly["ice_concentration"] < 0.3
    assert hourly["ice_front"][open_water].mean() > 20 * hourly["ice_front"][~open_water].mean()
    summer = hourly[open_water]
    assert np.corrcoef(summer["significant_wave_height_m"] ** 2, summer["ice_front"])[0, 1] > 0.3


def test_stick_slip_prefers_the_falling_tide_and_is_regular(hourly, truth):
    falling = np.gradient(hourly["tide_m"]) < 0
    assert hourly["stick_slip"][falling].mean() > 2 * hourly["stick_slip"][~falling].mean()


def test_thermal_cracks_need_warmth_and_come_in_the_evening(hourly, truth):
    assert hourly["thermal"][hourly["temperature_c"] < -10].sum() == 0
    # Local time is UTC + 12 h near the date line.
    local = np.mod(hourly.index.hour + 12, 24)
    by_hour = hourly.groupby(local)["thermal"].mean()
    assert 17 <= by_hour.idxmax() <= 24 or by_hour.idxmax() <= 1
    busiest = by_hour.rolling(12).sum().max() if by_hour.idxmax() > 11 else by_hour.sum()
    assert busiest > 0.7 * by_hour.sum()


def test_cultural_events_come_from_the_camp_in_summer_only(truth):
    cultural = truth[truth["family"] == "cultural"]
    assert set(cultural["station"]) == {"S01"}
    assert set(cultural["time"].dt.month) <= {12, 1}


def test_tremor_comes_in_clusters(truth):
    times = truth[(truth["family"] == "tremor") & (truth["station"] == "S01")]["time"]
    gaps = times.diff().dt.total_seconds().dropna()
    # A Poisson process has a coefficient of variation of 1.
    assert gaps.std() / gaps.mean() > 2


def test_signal_to_noise_falls_with_wind(network, truth):
    own = truth[(truth["station"] == "S01") & (truth["family"] == "stick_slip")]
    environment = network.environment()
    wind = np.interp(own["time"].astype("int64"), environment["time"].astype("int64"), environment["wind_m_s"])
    assert own["snr_db"][wind > 12].mean() < own["snr_db"][wind < 5].mean() - 6


def test_events_that_were_not_recorded_are_marked():
    network = SyntheticNetwork(make_settings(seed=3, missing=["S02/2015-05-10"], gaps=["S03/2015-05-10"]))
    truth = network.truth(date(2015, 5, 10), date(2015, 5, 10))
    recorded = truth.groupby("station")["recorded"].mean()
    assert recorded["S01"] == 1.0
    assert recorded["S02"] == 0.0
    assert 0.9 < recorded["S03"] < 1.0


def test_the_environment_is_hourly_and_within_its_ranges(network):
    environment = network.environment()
    assert len(environment) == DAYS * 24
    assert (environment["time"].diff().dropna() == pd.Timedelta(hours=1)).all()
    month = environment["time"].dt.month
    assert environment["ice_concentration"][month.between(5, 11)].min() > 0.9
    assert environment["ice_concentration"][month == 2].max() < 0.3
    assert environment["temperature_c"].mean() == pytest.approx(-25, abs=2)
    assert environment["wind_m_s"].median() == pytest.approx(4.9, abs=0.7)
    assert environment["tide_m"].std() == pytest.approx(0.35, abs=0.03)


def test_generators_differ_by_seed():
    other = SyntheticNetwork(make_settings(seed=1)).environment()
    same = SyntheticNetwork(make_settings(seed=0)).environment()
    assert not np.allclose(other["temperature_c"], same["temperature_c"])


def test_draws_stay_within_their_limits():
    rng = np.random.default_rng(0)
    f = truncated_lognormal(rng, 5000, 11.0, 0.25, 6.0, 18.0)
    assert f.min() >= 6.0 and f.max() <= 18.0
    assert np.median(f) == pytest.approx(11.0, rel=0.02)
    snr = draw_snr(rng, 5000)
    assert snr.min() >= 5.0 and snr.max() <= 45.0
    assert sum(family.share for family in FAMILIES) == pytest.approx(1.0)
    assert len(set(NAMES)) == 8
