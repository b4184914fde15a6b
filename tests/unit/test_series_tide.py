"""Tides: a model that pyTMD reads, against the formula of S2; harmonics of utide, against the tide that they fit."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from series_builders import STATIONS, hours, made, ns, settings_of
from tide_builders import s2_height, write_model

from ris_core.environment.reader import FaultySeriesError, MissingExtraError, NoSourceError
from ris_core.environment.series import load_series
from ris_core.environment.series_run import make_series, series_are_current, series_names
from ris_core.storage.layout import Layout

PLACE = (STATIONS[0]["latitude"], STATIONS[0]["longitude"])
TIDE = {"reader": "tide", "kind": "tide", "station": "S01", "infer_minor": False}


def test_the_tide_of_a_model_is_that_of_its_constituents(tmp_path):
    write_model(tmp_path / "model", *PLACE)
    found = made(tmp_path / "root", **TIDE, folder=str(tmp_path / "model"))
    time = found.series.time
    assert time[[0, 1, -1]].tolist() == [ns("2015-01-10"), ns("2015-01-10T00:10"), ns("2015-01-17")]
    assert found.series.value == pytest.approx(s2_height(time), abs=2e-3)
    assert (found.series.source, found.covered) == ("tide: CATS2008-v2023", 1.0)


def test_flexure_scales_the_height_of_the_ice(tmp_path):
    write_model(tmp_path / "model", *PLACE, flexure=50.0)
    found = made(tmp_path / "root", **TIDE, folder=str(tmp_path / "model"), apply_flexure=True, step=3600)
    assert found.series.value == pytest.approx(0.5 * s2_height(found.series.time), abs=2e-3)
    assert found.series.source == "tide: CATS2008-v2023, with flexure"


def test_a_model_of_another_name_has_a_definition_file(tmp_path):
    model = write_model(tmp_path / "model", *PLACE)
    definition = {
        "format": "TMD3",
        "name": "mine",
        "projection": "+proj=stere +lat_0=-90 +lat_ts=-71 +lon_0=-70 +x_0=0 +y_0=0 +datum=WGS84 +units=km +type=crs",
        "z": {"model_file": str(model.relative_to(tmp_path / "model")), "units": "m", "variable": "tide_ocean"},
    }
    (tmp_path / "mine.json").write_text(json.dumps(definition))
    series = {"folder": str(tmp_path / "model"), "definition": str(tmp_path / "mine.json"), "step": 3600}
    found = made(tmp_path / "root", **TIDE, **series)
    assert found.series.value == pytest.approx(s2_height(found.series.time), abs=2e-3)
    assert found.series.source == "tide: mine.json"


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({"model": "CATS1066"}, "pyTMD knows no 'CATS1066'; it knows .*CATS2008-v2023"),
        ({"model": "CATS2008"}, r"grid_CATS2008.*there is no such file of CATS2008; docs/environment\.md"),
        ({"station": "S02"}, "no tide at -78.3, 179: land, or outside"),
        ({"folder": "nowhere"}, r"environment_files/nowhere: there is no such folder; docs/environment\.md"),
        ({"definition": "none.json"}, r"none\.json: there is no such definition file"),
    ],
)
def test_what_the_model_has_not_is_said(tmp_path, series, said):
    write_model(tmp_path / "model", *PLACE)
    with pytest.raises((FaultySeriesError, NoSourceError), match=said):
        made(tmp_path / "root", **{**TIDE, "folder": str(tmp_path / "model"), **series})


def test_a_place_on_land_and_a_model_without_flexure_are_said(tmp_path):
    write_model(tmp_path / "land", *PLACE, land=True)
    with pytest.raises(FaultySeriesError, match=r"no tide at -81\.5, -176\.5: land"):
        made(tmp_path / "root", **TIDE, folder=str(tmp_path / "land"))
    write_model(tmp_path / "stiff", *PLACE, flexure=None)
    with pytest.raises(FaultySeriesError, match="no flexure; set apply_flexure to false"):
        made(tmp_path / "root", **TIDE, folder=str(tmp_path / "stiff"), apply_flexure=True)


def test_a_damaged_model_is_said(tmp_path):
    path = write_model(tmp_path / "model", *PLACE)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(OSError, match=r"CATS2008_v2023\.nc: damaged .*docs/environment\.md"):
        made(tmp_path / "root", **TIDE, folder=str(tmp_path / "model"))


def test_reading_a_tide_leaves_warnings_as_they_were(tmp_path):
    write_model(tmp_path / "model", *PLACE)
    before = list(warnings.filters)
    made(tmp_path / "root", **TIDE, folder=str(tmp_path / "model"), step=3600)
    assert warnings.filters == before


def test_without_the_extra_the_command_that_installs_it_is_said(tmp_path, monkeypatch):
    import sys

    write_model(tmp_path / "model", *PLACE)
    monkeypatch.setitem(sys.modules, "pyTMD.compute", None)
    with pytest.raises(MissingExtraError, match=r"pyTMD is not installed.*pip install 'ris-dagster\[environment\]'"):
        made(tmp_path / "root", **TIDE, folder=str(tmp_path / "model"))


def gauge(tmp_path, days, gap=True):
    """Heights of K1, O1 and M2 by their speeds (degrees per hour) every 30 minutes, with a gap of two days."""
    time = hours("2014-12-01", days * 48, 0.5)
    t = time / 3600e9
    height = sum(
        amplitude * np.cos(np.deg2rad(speed * t - phase))
        for amplitude, speed, phase in ((0.4, 15.0410686, 20), (0.3, 13.9430356, 200), (0.1, 28.9841042, 100))
    )
    if gap:
        there = (time < ns("2014-12-20")) | (time >= ns("2014-12-22"))
        time, height = time[there], height[there]
    stamps = pd.to_datetime(time, utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = tmp_path / "gauge.csv"
    pd.DataFrame({"time": stamps, "value": height}).to_csv(path, index=False)
    return path, lambda at: sum(
        amplitude * np.cos(np.deg2rad(speed * at / 3600e9 - phase))
        for amplitude, speed, phase in ((0.4, 15.0410686, 20), (0.3, 13.9430356, 200), (0.1, 28.9841042, 100))
    )


def both(path, **further):
    return settings_of(
        {"name": "fit", "reader": "harmonics", "kind": "tide", "fit_to": "gauge", "station": "S01", **further},
        {"name": "gauge", "reader": "csv", "kind": "tide", "unit": "m", "path": str(path)},
    )


def test_harmonics_of_a_gauge_predict_its_tide_on_other_days(tmp_path):
    path, exact = gauge(tmp_path, 60)
    settings = both(path, constituents=["K1", "O1", "M2"])
    layout = Layout.of(settings, tmp_path / "root")
    assert series_names(settings) == ("gauge", "fit")
    with pytest.raises(NoSourceError, match="gauge has not been read; read it first"):
        make_series(layout, settings, "fit")
    make_series(layout, settings, "gauge")
    found = make_series(layout, settings, "fit")
    assert found.series.time[[0, -1]].tolist() == [ns("2015-01-10"), ns("2015-01-17")]
    assert found.series.value == pytest.approx(exact(found.series.time), abs=0.01)
    assert "explain 100.0% of the variance of gauge" in found.notes[0]
    assert series_are_current(layout, settings)
    assert load_series(layout, "fit").source.startswith("harmonics of gauge (")


def test_harmonics_of_two_weeks_are_refused(tmp_path):
    path, _ = gauge(tmp_path, 14, gap=False)
    settings = both(path)
    layout = Layout.of(settings, tmp_path / "root")
    make_series(layout, settings, "gauge")
    with pytest.raises(FaultySeriesError, match=r"14\.0 days are too few to tell tides apart"):
        make_series(layout, settings, "fit")
