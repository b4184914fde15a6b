"""Series from text: columns of times and values, and AMRDC's weather stations; whatever is wrong with them is said."""

import numpy as np
import pytest
from series_builders import made, ns, settings_of

from ris_core.environment.reader import FaultySeriesError, NoSourceError
from ris_core.environment.series import load_series
from ris_core.environment.series_run import make_series, series_are_current
from ris_core.storage import tables
from ris_core.storage.layout import Layout


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def csv(tmp_path, *lines, **series):
    text = "\n".join(["# a comment", "time,value", *lines])
    return made(tmp_path / "root", **{"reader": "csv", "unit": "degC", **series}, path=write(tmp_path, text))


def test_kelvin_becomes_celsius_and_is_said(tmp_path):
    found = csv(tmp_path, "2015-01-10T00:00:00Z,263.15", "2015-01-10 01:00,264.15", unit="K")
    assert found.series.time.tolist() == [ns("2015-01-10"), ns("2015-01-10T01:00")]
    assert found.series.value == pytest.approx([-10.0, -9.0])
    assert (found.series.unit, found.converted) == ("degC", "degC = 1 · K -273.15")


def test_a_time_with_an_offset_becomes_utc(tmp_path):
    found = csv(tmp_path, "2015-01-10T00:00:00+13:00,1", "2015-01-09T12:00:00.500Z,2")
    assert found.series.time.tolist() == [ns("2015-01-09T11:00"), ns("2015-01-09T12:00:00.5")]


def test_missing_values_and_repeated_ones_are_counted(tmp_path):
    found = csv(tmp_path, "2015-01-10T00:00Z,1", "2015-01-10T00:00Z,1", "2015-01-10T01:00Z,NaN", "2015-01-10T02:00Z,")
    assert found.series.value.tolist() == [1]
    assert (found.faults.repeated, found.faults.missing) == (1, 2)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["yesterday,1"], r"t\.csv, line 3: 'yesterday' is not an ISO-8601 time.*correct the line"),
        (["2015-01-10T00:00Z,warm"], r"line 3: 'warm' is not a number"),
        (["2015-01-10T00:00Z,1,2"], r"line 3: 3 columns, but the first line names 2"),
        (
            ["2015-01-10T01:00Z,1", "2015-01-10T00:00Z,2"],
            r"t\.csv, line 4: 2015-01-10T00:00:00Z follows .*sort the file",
        ),
        (["2015-01-10T00:00Z,1", "2015-01-10T00:00Z,2"], r"line 4: 2 degC .* contradicts .*line 3: 1 degC"),
        (
            ["2015-01-10T00:00Z,1", "2015-01-10T01:00Z,444"],
            r"line 4: 444 degC .*out of -95 to 60 degC, as 1 of 2 .*`range`",
        ),
        (["2015-01-10T00:00Z,inf"], r"line 3: inf degC .*out of"),
        (["2015-01-10T00:00Z,NaN"], r"none of 1 rows has a value"),
        ([], "none of 0 rows has a value"),
    ],
)
def test_faults_are_said_with_file_and_remedy(tmp_path, lines, said):
    with pytest.raises(FaultySeriesError, match=said):
        csv(tmp_path, *lines)


def test_faults_can_be_left_out_and_are_counted(tmp_path):
    found = csv(
        tmp_path,
        "2015-01-10T02:00Z,1",
        "2015-01-10T00:00Z,2",
        "2015-01-10T01:00Z,444",
        "2015-01-10T03:00Z,5",
        "2015-01-10T03:00Z,6",
        on_fault="leave_out",
    )
    assert found.series.value.tolist() == [2, 1]
    faults = found.faults
    assert (faults.out_of_order, faults.out_of_range, faults.contradictory, faults.repeated) == (1, 1, 2, 0)


def test_another_range_and_other_columns_are_taken(tmp_path):
    path = write(tmp_path, "when;what\n2015-01-10T00:00Z;444\n", "x.csv")
    series = {"time_column": "when", "value_column": "what", "delimiter": ";", "range": (0, 500)}
    assert made(tmp_path / "root", reader="csv", unit="degC", path=path, **series).series.value.tolist() == [444]
    with pytest.raises(FaultySeriesError, match="names when, what, not 'time' once; give time_column"):
        made(tmp_path / "root", reader="csv", unit="degC", path=path, delimiter=";")


def test_accumulated_energy_becomes_the_mean_power_before_each_instant(tmp_path):
    found = csv(tmp_path, "2015-01-10T01:00Z,36000", kind="radiation", unit="J/m2", accumulated=1)
    assert (found.series.value.tolist(), found.series.unit) == ([10.0], "W/m2")
    assert found.series.time.tolist() == [ns("2015-01-10T00:30")]
    with pytest.raises(FaultySeriesError, match="energy per area needs `accumulated`"):
        csv(tmp_path, "2015-01-10T01:00Z,36000", kind="radiation", unit="J/m2")


def test_bytes_that_are_no_text_are_said(tmp_path):
    path = tmp_path / "b.csv"
    path.write_bytes(b"time,value\n\xff\xfe")
    with pytest.raises(OSError, match=r"b\.csv: damaged .*UTF-8"):
        made(tmp_path / "root", reader="csv", unit="degC", path=str(path))


def test_an_absent_file_is_said_with_the_place_where_it_is_looked_for(tmp_path):
    with pytest.raises(
        NoSourceError, match=r"environment_files/weather/\*\.csv: there is no such file; docs/environment"
    ):
        made(tmp_path / "root", reader="csv", unit="degC", path="weather/*.csv")


def test_the_table_is_current_until_a_file_or_a_setting_changes(tmp_path):
    lines = "time,value\n" + "\n".join(f"2015-01-10T{h:02d}:00Z,{h}" for h in range(24))
    layout = Layout.of(settings_of(), tmp_path / "root")
    layout.environment_files.mkdir(parents=True)
    (layout.environment_files / "t.csv").write_text(lines)
    series = {"name": "air", "reader": "csv", "kind": "temperature", "unit": "degC", "path": "t.csv"}
    settings = settings_of({**series, "noise_covariate": True})
    assert not series_are_current(layout, settings)
    found = make_series(layout, settings, "air")
    assert series_are_current(layout, settings)
    assert not series_are_current(layout, settings_of({**series, "longest_gap": "3 h"}))
    assert found.covered == pytest.approx(23 / (7 * 24))
    table = tables.read_table(layout.environment("air"))
    assert list(table.columns) == ["time", "value", "unit", "source", "sha256"]
    assert table["source"].unique().tolist() == ["csv: t.csv"]
    assert len(table["sha256"][0]) == 64
    series = load_series(layout, "air")
    assert (series.kind, series.unit, series.noise_covariate, series.longest_gap) == (
        "temperature",
        "degC",
        True,
        21600,
    )
    assert series.value.tolist() == list(range(24))
    (layout.environment_files / "t.csv").write_text(lines + "\n2015-01-11T00:00Z,1")
    assert not series_are_current(layout, settings)


AMRDC = """Year: 2015  Month: 01  ID: GIL  ARGOS:  8911  Name: Gill
Lat: 79.92S  Lon: 178.59W  Elev: 54M
2015  10  1 10 0000   -5.3  981.1    3.2  181.0   80.1  444.0
2015  10  1 10 0300  444.0  444.0  444.0  444.0  444.0  444.0

2015  10  1 10 0610   -7.5  980.0    0.0    0.0   80.1    0.1
2015  41  2 31 0000  444.0  444.0  444.0  444.0  444.0  444.0
"""


@pytest.mark.parametrize(
    ("kind", "values", "unit"),
    [("temperature", [-5.3, -7.5], "degC"), ("pressure", [981.1, 980.0], "hPa"), ("wind", [3.2, 0.0], "m/s")],
)
def test_a_weather_station_of_amrdc_has_its_values_and_none_where_it_says_444(tmp_path, kind, values, unit):
    path = write(tmp_path, AMRDC, "GIL201501q3h.txt")
    found = made(tmp_path / "root", reader="amrdc", kind=kind, path=path)
    assert found.series.time.tolist() == [ns("2015-01-10"), ns("2015-01-10T06:10")]
    assert (found.series.value.tolist(), found.series.unit, found.faults.missing) == (values, unit, 1)


def test_months_of_a_station_are_put_together(tmp_path):
    write(tmp_path, AMRDC, "GIL201501q3h.txt")
    later = AMRDC.replace("2015  10  1 10", "2015  32  2  1")
    write(tmp_path, later, "GIL201502q3h.txt")
    found = made(tmp_path / "root", reader="amrdc", path=str(tmp_path / "GIL*.txt"))
    assert found.series.time[2] == ns("2015-02-01")
    assert len(found.series.value) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("Year: 2015  Month", "Station"), "first line does not say Year"),
        (("2015  10  1 10 0610", "2015  11  1 10 0610"), r"line 6: 2015 11 1 10 0610 is no time"),
        (("2015  10  1 10 0610", "2015  10  1 10 0675"), r"line 6: .*is no time"),
        (("981.1    3.2", "981.1    x"), "line 3: .* is not a line of values"),
        (("2015  10  1 10 0610", "2015"), "line 6"),
    ],
)
def test_lines_that_are_not_amrdcs_are_said(tmp_path, change, said):
    path = write(tmp_path, AMRDC.replace(*change), "GIL201501q3h.txt")
    with pytest.raises(FaultySeriesError, match=said):
        made(tmp_path / "root", reader="amrdc", kind="wind", path=path)


def test_hourly_values_of_a_network_cover_its_days(tmp_path):
    lines = [f"2015-01-{10 + h // 24}T{h % 24:02d}:00Z,{np.sin(h):.3f}" for h in range(7 * 24)]
    assert csv(tmp_path, *lines).covered == pytest.approx(167 / 168)
