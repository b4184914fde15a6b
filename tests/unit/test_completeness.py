"""Completeness: a known template recovers its threshold; where templates lie; what is said where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from amplitude_detector import AmplitudeDetector
from builders import QUIET, Opened, opened
from waveform_builders import KEY, make_settings

from ris_core.access import read_completeness as read_table
from ris_core.completeness.class_templates import Template, windowed
from ris_core.completeness.complete_rates import rates_above
from ris_core.completeness.completeness_file import (
    INJECTIONS,
    TABLE,
    completeness_is_current,
    named_now,
    read_completeness,
)
from ris_core.completeness.completeness_run import NOT_AT_HAND, NoWaveformsAtHandError, amplitudes, make_completeness
from ris_core.completeness.injection import inject_day, noise_before
from ris_core.config import CompletenessSettings, Settings
from ris_core.contracts.station_day import NS
from ris_core.processing.chain import day_traces
from ris_core.processing.condition import Conditioned
from ris_core.processing.day_traces import DayTraces
from ris_core.station_days.station_days import StationDays
from ris_core.storage.damage import DamagedFileError
from ris_dagster.assets.completeness import build_completeness_assets

RATE = 50.0


def traces_of(samples: np.ndarray, settings: Settings) -> DayTraces:
    trace = Conditioned(KEY.start_ns, RATE, samples, 0, opens_window=True, closes_window=True)
    return day_traces({"HHZ": [trace]}, settings)


def noise(deviation: float, hours: float = 24.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, deviation, round(hours * 3600 * RATE))


def pulse(seconds: float = 2.0, frequency: float = 8.0) -> Template:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.sin(2 * np.pi * frequency * time) * np.exp(-time / 0.4)
    return Template(3, "pulse", "E", 30.0, (wave / np.abs(wave).max())[None])


def with_detector(detector: AmplitudeDetector, **completeness: object) -> Settings:
    return make_settings(completeness=completeness).model_copy(update={"detector": detector})


def test_a_known_template_recovers_its_threshold():
    """The detector triggers above 1000 counts: in noise of 5 counts a template needs an amplitude of 1000."""
    settings = with_detector(AmplitudeDetector(level=1000.0), passes=10, amplitude_low=100, amplitude_high=400)
    rows = inject_day(traces_of(noise(5.0), settings), KEY, settings, [pulse()])
    table = amplitudes(rows, settings.completeness)
    whole = table[table["noise_quartile"] == 0].iloc[0]
    assert whole["injected"] > 5_000
    assert whole["amplitude_50"] == pytest.approx(1000, rel=0.02)
    assert whole["amplitude_90"] == pytest.approx(1000, rel=0.03)
    assert (rows["detected"] == (rows["amplitude"] > 1000)).mean() > 0.99


def test_the_thresholds_of_sta_lta_are_those_of_templates_of_one_amplitude():
    """Templates of the amplitude of 50 and of 90 % alone are found as often (1 % of amplitude changes 0.07)."""
    settings = make_settings(completeness={"passes": 8, "amplitude_low": 1, "amplitude_high": 20})
    table = amplitudes(inject_day(traces_of(noise(10.0), settings), KEY, settings, [pulse()]), settings.completeness)
    whole = table[table["noise_quartile"] == 0].iloc[0]
    for share in (50, 90):
        value = whole[f"amplitude_{share}"] / 10.0
        one = make_settings(
            completeness={"passes": 8, "amplitude_low": value, "amplitude_high": value * 1.0001, "seed": 1}
        )
        rows = inject_day(traces_of(noise(10.0, seed=1), one), KEY, one, [pulse()])
        assert rows["detected"].mean() == pytest.approx(share / 100, abs=0.1)


def test_thresholds_follow_the_noise():
    quiet, loud = noise(10.0, 12, 1), noise(40.0, 12, 2)
    settings = make_settings()
    rows = inject_day(traces_of(np.concatenate([quiet, loud]), settings), KEY, settings, [pulse()])
    table = amplitudes(rows, settings.completeness).set_index("noise_quartile")
    assert table.loc[4, "amplitude_90"] / table.loc[1, "amplitude_90"] == pytest.approx(4, rel=0.25)
    assert table.loc[1, "noise_high"] < 15
    assert table.loc[4, "noise_low"] > 35


def test_templates_keep_apart_from_gaps_detections_and_each_other():
    settings = make_settings()
    samples = noise(10.0)
    own = pulse().wave[0] * 2000
    for second in range(600, 86_000, 200):
        first = round(second * RATE)
        samples[first : first + own.size] += own
    halves = [
        Conditioned(KEY.start_ns, RATE, samples[: 40_000 * 50], 0, opens_window=True, closes_window=False),
        Conditioned(KEY.start_ns + 41_000 * NS, RATE, samples[41_000 * 50 :], 41_000 * 50, False, True),
    ]
    rows = inject_day(day_traces({"HHZ": halves}, settings), KEY, settings, [pulse()])
    seconds = (rows["time"].to_numpy() - KEY.start_ns) / NS
    assert not ((seconds > 39_998) & (seconds < 41_030)).any()
    offset = (seconds - 600) % 200
    far = (seconds < 600) | (seconds > 86_000) | ((offset > 2) & (offset < 193))
    assert far.all()
    for _, one in rows.groupby((np.diff(seconds, prepend=seconds[0]) < 0).cumsum()):
        assert np.diff(one["time"]).min() >= 4 * 30 * NS
    # The day's own events are no detections of templates: weak ones are missed as without them.
    assert not rows.loc[rows["amplitude"] < 15, "detected"].any()


def test_the_same_seed_gives_the_same_templates():
    settings = make_settings(completeness={"passes": 1})
    first, again = (inject_day(traces_of(noise(10.0), settings), KEY, settings, [pulse()]) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other = make_settings(completeness={"passes": 1, "seed": 1})
    assert not first["time"].equals(inject_day(traces_of(noise(10.0), other), KEY, other, [pulse()])["time"])


def test_a_day_without_room_has_no_templates():
    settings = make_settings()
    assert inject_day(traces_of(noise(10.0, hours=0.005), settings), KEY, settings, [pulse()]).empty


def test_the_noise_is_that_of_most_seconds():
    samples = noise(10.0, hours=1)
    samples[2_000:2_100] += 1e5
    assert noise_before(samples, 3_000, RATE, 30) == pytest.approx(10, rel=0.05)
    assert np.isnan(noise_before(samples, 60, RATE, 30))


def test_templates_fade_in_and_out_beside_the_window():
    context = np.full((1, 1200), 5.0)
    wave = windowed(context, np.array([[0, 1200]]), 491, 218, RATE, CompletenessSettings(), 0)
    assert wave is not None and wave.shape == (1, 218 + 100)
    assert wave[0, 0] == 0 and wave[0, -1] == 0
    assert np.allclose(wave[0, 50:268], 1)
    assert windowed(context, np.array([[460, 1200]]), 491, 218, RATE, CompletenessSettings(), 0) is None
    assert windowed(np.zeros((1, 1200)), np.array([[0, 1200]]), 491, 218, RATE, CompletenessSettings(), 0) is None


def injections(detected: np.ndarray, amplitude: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station": "S01",
            "label": 1,
            "class_name": "one",
            "noise": np.linspace(1, 2, detected.size),
            "amplitude": amplitude,
            "detected": detected,
        }
    )


@pytest.mark.parametrize(
    ("detected", "said"),
    [
        (np.ones(200, bool), "all of 200 templates found: lower amplitude_low"),
        (np.zeros(200, bool), "none of 200 templates found: raise amplitude_high"),
        (np.arange(200) < 100, "does not become more probable"),
    ],
)
def test_amplitudes_that_cannot_be_given_say_why(detected: np.ndarray, said: str):
    table = amplitudes(injections(detected, np.geomspace(1, 100, detected.size)), CompletenessSettings())
    whole = table[table["noise_quartile"] == 0].iloc[0]
    assert said in whole["note"] and np.isnan(whole["amplitude_50"]) and whole["injected"] == 200


def test_few_templates_and_amplitudes_beyond_the_templates_are_said():
    amplitude = np.random.default_rng(0).permutation(np.geomspace(10, 100, 60))
    table = amplitudes(injections(amplitude > 95, amplitude), CompletenessSettings(least=50)).set_index(
        "noise_quartile"
    )
    assert "90 % lie at" in table.loc[0, "note"] and np.isnan(table.loc[0, "amplitude_90"])
    assert "15 templates; 50 are needed" in table.loc[1, "note"]


@pytest.fixture
def own(network: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Opened]:
    """A copy of the shared network, to which completeness is added."""
    shutil.copytree(network.store.root, tmp_path / "tiny")
    monkeypatch.setenv("RIS_DATA", str(tmp_path))
    with opened(network.config) as found:
        yield found


def test_a_network_gets_amplitudes_that_stay_current(own: Opened):
    days = own.days
    days.layout.analysis(TABLE).unlink(missing_ok=True)
    assert not completeness_is_current(days)
    with pytest.raises(FileNotFoundError, match="measure_completeness"):
        read_table(days)
    found, content = make_completeness(days)
    assert content and completeness_is_current(days)
    table = read_completeness(days.layout).table
    assert set(table["station"]) == {"S01", "S02"} and set(table["noise_quartile"]) == {0, 1, 2, 3, 4}
    whole = table[table["noise_quartile"] == 0]
    assert (whole["amplitude_50"] < whole["amplitude_90"]).all()
    renamed = days.settings.model_copy(
        update={"champion": days.settings.champion.model_copy(update={"names": {int(table["label"].iloc[0]): "hum"}})}
    )
    assert named_now(table, StationDays(renamed, own.store))["class_name"].iloc[0] == "hum"
    assert found.station_days == ("S01 2015-01-10", "S02 2015-01-11") and found.seconds > 0 and not found.without
    path = days.layout.analysis(INJECTIONS)
    path.write_bytes(path.read_bytes()[:-100])
    assert not completeness_is_current(days)
    with pytest.raises(DamagedFileError):
        read_completeness(days.layout)


def test_the_asset_says_what_is_lacking(own: Opened):
    for path in (own.store.root / "waveforms").rglob("*S02*"):
        if path.is_file():
            path.unlink()
    chosen = build_completeness_assets(own.settings)
    result = dg.materialize(chosen, instance=own.instance, resources=own.definitions.resources, run_config=QUIET)
    said = own.latest("completeness").metadata
    assert result.success and {"picture", "amplitudes", "seconds", "without"} <= set(said)
    checks = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert not checks["every_station"].passed and "S02" in str(checks["every_station"].description)
    assert checks["every_amplitude"].passed
    assert set(read_table(own.days)["station"]) == {"S01"}


def test_imported_events_have_no_such_asset():
    assert not build_completeness_assets(make_settings(source={"kind": "published"}))


def test_stations_without_waveforms_are_named(own: Opened):
    days = own.days
    for path in (own.store.root / "waveforms").rglob("*S02*"):
        if path.is_file():
            path.unlink()
    found, _ = make_completeness(days)
    assert found.without == {"S02": NOT_AT_HAND}
    assert set(found.table["station"]) == {"S01"} and completeness_is_current(days)
    shutil.rmtree(own.store.root / "waveforms")
    # As where waveforms are dropped after processing: that there is nothing is a result, until there is something.
    nothing, _ = make_completeness(days)
    assert nothing.without == {"S01": NOT_AT_HAND, "S02": NOT_AT_HAND} and not len(nothing.table)
    assert completeness_is_current(days) and not len(read_completeness(days.layout).injections)
    result = own.run("measure_completeness")
    assert result.success
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "every_station"]
    assert not check.passed and "S01: no waveform" in str(check.description)


def test_templates_of_another_trace_are_refused(own: Opened):
    settings = own.settings.model_copy(
        update={"response": own.settings.response.model_copy(update={"detection_trace": "velocity"})}
    )
    days = type(own.days)(settings, own.store)
    with pytest.raises(NoWaveformsAtHandError, match="give both the same trace"):
        make_completeness(days)


def test_rates_above_completeness_stand_beside_raw_ones():
    hour = pd.Timestamp("2015-01-10", tz="UTC") + pd.to_timedelta(np.arange(12), unit="h")
    events = pd.DataFrame(
        {
            "station": ["S01"] * 10 + ["S02"] * 2,
            "time_on": hour,
            "label": [1] * 8 + [2] * 2 + [1] * 2,
            "class_name": ["one"] * 8 + ["two"] * 2 + ["one"] * 2,
            "peak_counts": [-50.0, 150, -150, 99, 101, 10, 20, 300, 500, 500, 200, 200],
        }
    )
    live = pd.DataFrame({"station": ["S01", "S02"], "start": hour[:1].repeat(2), "end": hour[:1].repeat(2)})
    live["end"] += pd.to_timedelta([20, 11], unit="h")
    amplitude = pd.DataFrame(
        {
            "station": ["S01", "S01", "S02"],
            "label": [1, 1, 1],
            "noise_quartile": [1, 4, 4],
            "amplitude_90": [1.0, 100.0, np.nan],
            "note": ["", "", "too few"],
        }
    )
    found = rates_above(events, live, amplitude).set_index(["station", "label"])
    one = found.loc[("S01", 1)]
    assert (one["events"], one["events_above"], one["live_hours"]) == (8, 4, 20)
    assert one["rate"] == pytest.approx(0.4) and one["rate_above"] == pytest.approx(0.2)
    # Garwood's interval of 4 events at 95 %: 1.090 to 10.242.
    assert one["rate_above_low"] == pytest.approx(1.0899 / 20, rel=1e-3)
    assert one["rate_above_high"] == pytest.approx(10.2416 / 20, rel=1e-3)
    assert pd.isna(found.loc[("S01", 2), "events_above"]) and "no completeness" in found.loc[("S01", 2), "note"]
    # The last event of S02 lies just after its live time.
    assert found.loc[("S02", 1), "events"] == 1 and found.loc[("S02", 1), "note"] == "too few"
    assert "in counts" in rates_above(events, live, amplitude, "m/s").iloc[0]["note"]
