"""The synthetic network's own environment as series, and settings of series that do not fit the network."""

import re
import textwrap

import pytest
import yaml
from pydantic import ValidationError
from series_builders import settings_of

from ris_core.config import PROJECT_ROOT, load_settings
from ris_core.config.environment import READERS
from ris_core.config.units import UnitError, conversion
from ris_core.environment.series_run import make_series, series_are_current, series_settings
from ris_core.storage.layout import Layout
from ris_core.synthetic.network import SyntheticNetwork

KINDS = {
    "temperature": ("temperature_c", 1.0, "degC"),
    "wind": ("wind_m_s", 1.0, "m/s"),
    "ice": ("ice_concentration", 100.0, "%"),
    "wave_height": ("significant_wave_height_m", 1.0, "m"),
    "tide": ("tide_m", 1.0, "m"),
    "tilt": ("tilt", 1.0, "urad"),
}
SOURCE = {"kind": "synthetic", "seed": 3, "catalogue_first_day": "2015-01-08", "catalogue_last_day": "2015-02-10"}


def synthetic(*series):
    return settings_of(*series, source=SOURCE)


def test_every_series_is_that_which_drives_the_events(tmp_path):
    settings = synthetic(*({"name": kind, "reader": "synthetic", "kind": kind} for kind in KINDS))
    layout, network = Layout.of(settings, tmp_path), SyntheticNetwork(settings)
    truth = network.environment()
    for kind, (column, scale, unit) in KINDS.items():
        found = make_series(layout, settings, kind)
        assert (found.series.unit, found.covered, sum(found.faults.as_dict().values())) == (unit, 1.0, 0)
        # The environment begins a day before the catalogue, and ends a day after it.
        assert found.series.value[24:-25] == pytest.approx(scale * truth[column].to_numpy())
        assert found.series.time[24] == truth["time"][0].value
    assert series_are_current(layout, settings)
    other = settings.model_copy(update={"source": settings.source.model_copy(update={"seed": 4})})
    assert not series_are_current(layout, other)


def test_a_network_without_series_has_nothing_out_of_date(tmp_path):
    settings = settings_of()
    assert series_are_current(Layout.of(settings, tmp_path), settings)
    with pytest.raises(KeyError, match="air is not in the settings; known: none"):
        series_settings(settings, "air")


AIR = {"name": "air", "reader": "csv", "kind": "temperature", "unit": "degC", "path": "t.csv"}


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([AIR, AIR], "air is the name of several series"),
        ([{**AIR, "station": "S09"}], "S09 is not among the stations"),
        ([{**AIR, "station": "S01", "latitude": 1, "longitude": 1}], "not both"),
        ([{**AIR, "latitude": 1}], "latitude and longitude, or neither"),
        ([{**AIR, "unit": None}], "a csv file does not say its unit"),
        ([{**AIR, "unit": "furlong"}], "unit 'furlong' is not one of temperature; known: degC, K, degF"),
        ([{**AIR, "kind": "other", "unit": None}], "needs its unit"),
        ([{**AIR, "range": [5, 1]}], "the first number must be the smaller one"),
        ([{"name": "w", "reader": "synthetic", "kind": "wind"}], "only a synthetic network"),
        ([{"name": "n", "reader": "netcdf", "kind": "wind", "variable": "u", "path": "x"}], "give a place"),
        ([{"name": "i", "reader": "nsidc", "path": "x", "station": "S01"}], "give a place and a radius, or neither"),
        ([{"name": "i", "reader": "nsidc", "path": "x", "rows": [300, 340]}], "rows: two numbers from 0 to 332"),
        (
            [{"name": "m", "reader": "mat", "kind": "tide", "unit": "m", "variable": "z", "path": "x"}],
            "time_variable, or",
        ),
        ([{"name": "t", "reader": "tide", "folder": "x"}], "give station, or latitude and longitude"),
        (
            [{"name": "h", "reader": "harmonics", "fit_to": "air", "station": "S01"}, AIR],
            "no series of tide heights",
        ),
        ([{**AIR, "reader": "weather"}], "reader 'weather' is not known; there are csv"),
    ],
)
def test_series_that_do_not_fit_are_refused_with_what_would(series, said):
    with pytest.raises(ValidationError, match=said):
        settings_of(*series)


FIGURE = {"name": "whole", "stations": ["S01"], "series": ["air"]}


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ([FIGURE, FIGURE], "whole is the name of several figures"),
        ([{**FIGURE, "series": ["ice"]}], r"whole: ice is not among the series of `environment` \(air\)"),
        ([{**FIGURE, "stations": ["S09"]}], "S09 is not among the stations"),
        ([{**FIGURE, "axes": {"ice": [0, 100]}}], "axes of ice, which it does not show"),
        ([{**FIGURE, "first": "2015-01-12", "last": "2015-01-11"}], "must lie before last"),
    ],
)
def test_figures_that_do_not_fit_are_refused(figures, said):
    with pytest.raises(ValidationError, match=said):
        settings_of(AIR, environment_figures=figures)


@pytest.mark.parametrize(
    ("kind", "unit", "value", "kept"),
    [
        ("temperature", "K", 273.15, 0.0),
        ("temperature", "°F", 14.0, -10.0),
        ("wind", "knots", 10.0, 5.1444444),
        ("ice", "(0 - 1)", 0.5, 50.0),
        ("pressure", "Pa", 98100.0, 981.0),
        ("tide", "cm", 12.0, 0.12),
        ("tilt", "nrad", 500.0, 0.5),
        ("other", "V", 2.0, 2.0),
    ],
)
def test_units_are_converted(kind, unit, value, kept):
    _, scale, offset = conversion(kind, unit)
    assert scale * value + offset == pytest.approx(kept)


def test_a_unit_that_is_not_stated_is_an_error():
    with pytest.raises(UnitError, match="the unit of wind is not stated; known: m/s, km/h, knot"):
        conversion("wind", "")


def test_every_example_of_the_documentation_can_be_read():
    text = (PROJECT_ROOT / "docs" / "environment.md").read_text("utf-8")
    blocks = [yaml.safe_load(textwrap.dedent(block)) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    stations = [{"code": code, "latitude": -78.0, "longitude": 180.0} for code in ("DR02", "RS09", "RS10")]
    readers = set()
    for block in blocks:
        if "environment" in block:
            found = settings_of(*block["environment"], stations=stations)
            readers |= {READERS.kind_of(one) for one in found.environment}
        else:
            series = [{**AIR, "name": name} for name in ("ice", "wind_gill")]
            assert len(settings_of(*series, stations=stations, **block).environment_figures) == 2
    assert readers == set(READERS.kinds) - {"synthetic"}


def test_the_series_and_figures_of_the_published_study_can_be_taken_in(tmp_path):
    text = (PROJECT_ROOT / "config" / "ross_ice_shelf.yaml").read_text("utf-8")
    assert load_settings(PROJECT_ROOT / "config" / "ross_ice_shelf.yaml").environment == ()
    head, begin, block = text.partition("# environment:\n")
    path = tmp_path / "ross.yaml"
    path.write_text(head + re.sub(r"^# ", "", begin + block, flags=re.MULTILINE))
    settings = load_settings(path)
    assert [one.name for one in settings.environment if one.noise_covariate] == ["wind_gill", "wind_margaret"]
    axes = {name: limits for one in settings.environment_figures for name, limits in one.axes.items()}
    assert axes["tide_rs09"] == (-1, 1) and axes["ice"] == (0, 100) and axes["temperature_gill"] == (-60, 10)
    caps = {(one.name, one.stations): one.cap for one in settings.environment_figures}
    assert caps[("front", ("DR02",))] == 20 and caps[("roosevelt", ("RS09",))] == 30
