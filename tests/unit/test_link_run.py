"""Links of a network on disk: from catalogue and series, from the truth of a synthetic network; currency, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogue_builders import NAMES, network_of, write_catalogue, write_live

from ris_core.access import read_lags, read_links, read_phases, read_verdicts
from ris_core.config import Settings
from ris_core.config.links import LinksSettings
from ris_core.contracts.stamp import Stamp
from ris_core.environment.series import SERIES_SCHEMA
from ris_core.links import link_schema
from ris_core.links.label_inputs import label_inputs, noise_of_events
from ris_core.links.link_run import NoLinksError, link_notes, links_are_current, make_links
from ris_core.links.station_links import station_links
from ris_core.links.truth_events import lower_rate, truth_inputs
from ris_core.rates.confusion import Confusion
from ris_core.rates.exposure import HOUR_NS
from ris_core.station_days.station_days import StationDays
from ris_core.storage import tables
from ris_core.storage.damage import DamagedFileError

DAYS = 126
FIRST = pd.Timestamp("2015-01-01", tz="UTC")


def write_series(network: StationDays, name: str, kind: str, values: np.ndarray, noise: bool = False) -> None:
    time = FIRST + pd.to_timedelta(np.arange(len(values)), unit="h")
    frame = pd.DataFrame({"time": time.as_unit("ns"), "value": values, "unit": "m", "source": "test", "sha256": ""})
    said = {"kind": kind, "unit": "m", "source": "test", "noise_covariate": noise, "longest_gap": 21600.0}
    tables.write_table(network.layout.environment(name), frame, SERIES_SCHEMA, Stamp("s", "1", "i"), said)


def red(rng: np.random.Generator, number: int) -> np.ndarray:
    values = np.convolve(rng.standard_normal(number + 60), np.exp(-np.arange(60) / 20.0), mode="valid")[:number]
    return (values - values.mean()) / values.std()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> StationDays:
    """Two stations for 18 weeks; the class rift follows swell, thermal and noise do not; wind hides all of them."""
    root = tmp_path_factory.mktemp("links")
    csv = {"reader": "csv", "path": "x.csv", "unit": "m"}
    network = network_of(
        root,
        first_day="2015-01-01",
        last_day=str((FIRST + pd.Timedelta(days=DAYS - 1)).date()),
        environment=[
            {**csv, "name": "swell", "kind": "wave_height"},
            {**csv, "name": "wind", "kind": "wind", "unit": "m/s", "noise_covariate": True},
        ],
        links={"annual_harmonics": 1, "solar_harmonics": 1, "terms": [{"name": "swell", "kind": "wave_height"}]},
    )
    rng = np.random.default_rng(1)
    swell, wind = red(rng, 24 * DAYS), red(rng, 24 * DAYS)
    write_series(network, "swell", "wave_height", swell)
    write_series(network, "wind", "wind", wind, noise=True)
    rows, live = [], []
    hours = np.arange(24 * DAYS)
    for station in "AB":
        for label, effect in ((0, 0.7), (1, 0.0), (2, 0.0)):
            counts = rng.poisson(np.where(hours % 24 < 20, np.exp(-2.0 + effect * swell - 0.3 * wind), 0.0))
            for hour in np.repeat(hours, counts):
                time = FIRST + pd.Timedelta(hours=float(hour) + float(rng.uniform(0, 0.99)))
                rows.append({"station": station, "time_on": time.tz_localize(None), "label": label})
        days = [str((FIRST + pd.Timedelta(days=day)).date()) for day in range(DAYS)]
        live += [(station, f"{day} 00:00", f"{day} 20:00") for day in days]
    write_live(network, live)
    write_catalogue(network, rows, [(station, day[:10]) for station, day, _ in live])
    make_links(network)
    return network


def test_a_planted_link_is_claimed_and_only_this_one(planted: StationDays) -> None:
    found = read_verdicts(planted).set_index("class_name")
    assert found.loc["rift", ["verdict", "sign"]].tolist() == ["link", 1]
    assert found.loc["thermal", "verdict"] == "no evidence"
    links = read_links(planted)
    of_rift = links[links["class_name"] == "rift"]
    assert (of_rift["interval_low"] < 0.7).all() and (of_rift["interval_high"] > 0.5).all()
    assert (of_rift["gain"] > 0).all() and (of_rift["q"] < 0.01).all()
    assert (of_rift["effective_clusters"] > 10).all()
    assert of_rift["live_hours"].tolist() == pytest.approx([20 * DAYS] * 2, abs=3)


def test_noise_is_counted_but_not_tested(planted: StationDays) -> None:
    assert set(read_links(planted)["class_name"]) == {"rift", "thermal"}
    assert set(label_inputs(planted).stations[0].classes) == set(NAMES.values()) - {"unlabelled"}


def test_tables_say_where_events_come_from_and_what_wrong_labels_do(planted: StationDays) -> None:
    said = read_links(planted).attrs
    assert said["events"] == "the catalogue"
    assert "may be borrowed" in said["labels"]
    assert said["noise"] == ["wind"]
    notes = " ".join(link_notes(said))
    assert "2015-01-01" in notes and "2 stations" in notes


def test_phases_and_lags_are_beside_the_links(planted: StationDays) -> None:
    phases = read_phases(planted)
    assert len(phases) == 2 * 2 * 6
    assert phases.loc[phases["constituent"] == "S1", "p"].isna().all()
    assert "10 are needed" in phases.loc[phases["constituent"] == "O1", "reason"].iloc[0]
    lags = read_lags(planted)
    assert lags[["from_hours", "to_hours"]].drop_duplicates().to_numpy().tolist() == [
        [0, 1],
        [1, 24],
        [24, 72],
        [0, 72],
    ]


def test_links_are_current_until_events_series_or_settings_change(planted: StationDays) -> None:
    assert links_are_current(planted)
    other = planted.settings.model_copy(update={"links": LinksSettings(share=0.5)})
    assert not links_are_current(StationDays.open(other, planted.layout.root))
    path = planted.layout.environment("swell")
    kept = path.read_bytes()
    write_series(planted, "swell", "wave_height", np.zeros(24 * DAYS))
    assert not links_are_current(planted)
    path.write_bytes(kept)
    assert links_are_current(planted)


def test_a_damaged_table_is_not_current_and_not_read(planted: StationDays) -> None:
    path = planted.layout.analysis(link_schema.LINKS)
    kept = path.read_bytes()
    path.write_bytes(kept[:100] + bytes([kept[100] ^ 1]) + kept[101:])
    assert not links_are_current(planted)
    with pytest.raises(DamagedFileError):
        read_links(planted)
    path.write_bytes(kept)


def test_without_links_it_is_said_what_makes_them(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    assert not links_are_current(network)
    with pytest.raises(NoLinksError, match="environment_links"):
        read_links(network)


def test_a_few_days_identify_nothing_and_say_so(tmp_path: Path) -> None:
    network = network_of(tmp_path)
    days = [(station, day) for station in "AB" for day in ("2015-11-30", "2015-12-01")]
    write_live(network, [(station, f"{day} 00:00", f"{day} 23:00") for station, day in days])
    write_catalogue(network, [{"station": "A", "time_on": "2015-11-30 11:00", "label": 0}], days)
    found = make_links(network)
    assert found.verdicts.empty
    assert "temperature" in found.summary["without_series"]
    assert "wind" in found.summary["doubts"][-1]
    assert set(found.tides["verdict"]) == {"not identifiable"}
    assert links_are_current(network)


def test_the_noise_of_an_hour_is_that_before_its_triggers_and_never_reaches_over_a_gap() -> None:
    edges = np.arange(0, 31, dtype=np.int64) * HOUR_NS
    times = pd.to_datetime([1.5, 1.6, 5.5, 25.5], unit="h", utc=True).as_unit("ns")
    events = pd.DataFrame(
        {"time_on": times, "peak_counts": [-100.0, 1000.0, 100.0, 10.0], "snr": [20.0, 20.0, 10.0, 10.0]}
    )
    found = noise_of_events(events, edges, 12 * 3600.0)
    assert found[1] == pytest.approx(30.0)  # median of 20 and 40 dB
    assert found[[3, 5, 25]].tolist() == pytest.approx([30.0, 30.0, 10.0])
    assert np.isnan(found[[0, 6, 15, 24, 26]]).all()


def synthetic(**links: object) -> Settings:
    return Settings.model_validate(
        {
            "network": {"name": "truth", "code": "SY"},
            "stations": [
                {"code": "S01", "latitude": -81.5, "longitude": -176.5},
                {"code": "S02", "latitude": -80.2, "longitude": -178.0},
            ],
            "first_day": "2015-01-10",
            "last_day": "2015-01-12",
            "source": {
                "kind": "synthetic",
                "catalogue_first_day": "2014-12-01",
                "catalogue_last_day": "2015-05-31",
                "novelty_from": "2015-03-01",
                "missing": ["S02/2015-01-11"],
            },
            "links": {"events": "truth", **links},
        }
    )


def test_the_truth_is_drawn_at_a_lower_rate_and_says_so(tmp_path: Path) -> None:
    settings = synthetic(truth_events_per_day=60, annual_harmonics=1, solar_harmonics=1)
    network = StationDays.open(settings, tmp_path)
    found = make_links(network)
    assert "NOT the labels" in found.summary["events"]
    assert "60 true events" in found.summary["events"]
    assert links_are_current(network)
    verdict = found.verdicts.set_index(["class_name", "series"])
    assert verdict.loc[("rift", "tilt"), ["verdict", "sign"]].tolist() == ["link", 1]
    assert verdict.loc[("cultural", "tilt"), "verdict"] == "not identifiable"


def test_the_truth_leaves_out_days_without_data_and_hears_about_a_third() -> None:
    settings = synthetic(truth_events_per_day=100)
    first, second = truth_inputs(settings)
    assert first.live.sum() - second.live.sum() == pytest.approx(24)
    heard = first.counts.sum() / (100 * 182)
    assert 0.2 < heard < 0.5
    assert lower_rate(settings, 100.0).events_per_day == 100


def test_only_a_synthetic_network_has_a_truth(tmp_path: Path) -> None:
    network = network_of(tmp_path, links={"events": "truth"})
    with pytest.raises(ValueError, match=r"set links\.events to labels"):
        make_links(network)


def test_counts_are_unmixed_with_a_known_confusion(planted: StationDays, monkeypatch: pytest.MonkeyPatch) -> None:
    classes = ("rift", "thermal", "noise")
    tested = np.array([[450.0, 30, 20], [20, 460, 20], [10, 20, 470]])
    known = Confusion(classes, tested, "1500 audits")
    monkeypatch.setattr("ris_core.links.label_inputs.known_confusion", lambda *_: known)
    inputs = label_inputs(planted)
    assert inputs.labels == "counts are unmixed with the confusion of classes (1500 audits)"
    assert inputs.stations[0].classes == classes
    plain = station_links(inputs.stations[0], planted.settings.links).effects.set_index("class_name")
    unmixed = station_links(inputs.stations[0], planted.settings.links, inputs.confusion).effects.set_index(
        "class_name"
    )
    # Nothing is confused here, so that unmixing takes too much away: the effect grows, and so does its error.
    assert unmixed.loc["rift", "effect"] > plain.loc["rift", "effect"] > 0.4
    assert unmixed.loc["rift", "error"] > plain.loc["rift", "error"]
    assert np.isnan(unmixed.loc["rift", "gain"])


def test_few_tested_events_do_not_unmix_and_it_is_said(planted: StationDays, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Confusion(("rift", "thermal", "noise"), np.diag([40.0, 400, 400]), "840 audits")
    monkeypatch.setattr("ris_core.links.label_inputs.known_confusion", lambda *_: few)
    found = label_inputs(planted)
    assert found.confusion is None
    assert "rift: 40 tested events, 100 are needed" in found.labels and "may be borrowed" in found.labels


def test_one_tidal_series_alone_is_read_as_the_tide(tmp_path: Path) -> None:
    terms = [{"name": "tilt", "kind": "tilt"}, {"name": "cold", "kind": "temperature"}]
    settings = synthetic(terms=terms, truth_events_per_day=10)
    found = make_links(StationDays.open(settings, tmp_path))
    assert "only tilt has a series" in found.summary["doubts"][0]
