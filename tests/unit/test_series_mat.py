"""Series from MATLAB files: the published tide with its borrowed rows, and the published swell with datenums."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from series_builders import made, ns

from ris_core.environment.reader import FaultySeriesError

TIDE = {"reader": "mat", "kind": "tide", "unit": "m", "variable": "z", "start": "2014-12-01", "step": 600}


def matrix():
    """Rows of five stations: 0.1 m per row, 0.01 m per step of ten minutes."""
    return 0.1 * np.arange(5)[:, None] + 0.01 * np.arange(7)[None, :]


def five(tmp_path):
    path = tmp_path / "RIS_Tides.mat"
    savemat(path, {"z": matrix()})
    return str(path)


CODES = ["S01", "RS08", "RS09", "RS10", "S02"]


def test_the_row_of_a_station_is_read_in_steps_of_ten_minutes(tmp_path):
    found = made(tmp_path / "root", **TIDE, path=five(tmp_path), station="S02", stations=CODES)
    assert found.series.value == pytest.approx(0.4 + 0.01 * np.arange(7))
    assert found.series.time[:2].tolist() == [ns("2014-12-01"), ns("2014-12-01T00:10")]
    assert found.notes == ("row of S02",)


def test_a_station_without_a_tide_borrows_the_row_of_another(tmp_path):
    found = made(
        tmp_path / "root", **TIDE, path=five(tmp_path), station="S02", stations=CODES, borrowed={"S02": "RS10"}
    )
    assert found.series.value[0] == pytest.approx(0.3)
    assert found.notes == ("row of RS10, borrowed for S02",)


def test_by_default_the_rows_are_those_of_the_settings_stations(tmp_path):
    savemat(tmp_path / "two.mat", {"z": matrix()[:2]})
    found = made(tmp_path / "root", **TIDE, path=str(tmp_path / "two.mat"), station="S02")
    assert found.series.value[0] == pytest.approx(0.1)


def test_datenums_become_times_to_the_millisecond(tmp_path):
    # datenum('2016-03-04 06:00:00') = 736393.25
    datenum = np.array([[736393.25, 736393.25 + 1 / 24 + 1e-10]])
    savemat(tmp_path / "KPDR.mat", {"t": datenum.T, "a": np.array([[0.002], [0.003]])})
    found = made(
        tmp_path / "root",
        reader="mat",
        kind="other",
        unit="1",
        variable="a",
        time_variable="t",
        path=str(tmp_path / "KPDR.mat"),
    )
    assert found.series.time.tolist() == [ns("2016-03-04T06:00"), ns("2016-03-04T07:00")]
    assert found.series.value.tolist() == [0.002, 0.003]


def test_dates_as_text_are_read_and_a_fraction_becomes_per_cent(tmp_path):
    savemat(tmp_path / "ice.mat", {"C": np.array([0.5, 0.75]), "date": np.array(["2015-01-10", "2015-01-11"])})
    series = {"reader": "mat", "kind": "ice", "unit": "fraction", "variable": "C", "time_variable": "date"}
    found = made(tmp_path / "root", **series, path=str(tmp_path / "ice.mat"))
    assert (found.series.value.tolist(), found.series.unit) == ([50.0, 75.0], "%")
    assert found.series.time.tolist() == [ns("2015-01-10"), ns("2015-01-11")]


def test_dates_in_cells_are_read(tmp_path):
    cells = np.empty(2, dtype=object)
    cells[:] = ["10-Jan-2015", "11-Jan-2015 12:00:00"]
    savemat(tmp_path / "ice.mat", {"C": np.array([0.5, 0.75]), "date": cells})
    series = {"reader": "mat", "kind": "ice", "unit": "fraction", "variable": "C", "time_variable": "date"}
    found = made(tmp_path / "root", **series, path=str(tmp_path / "ice.mat"))
    assert found.series.time.tolist() == [ns("2015-01-10"), ns("2015-01-11T12:00")]


def test_version_7_3_is_read_as_matlab_shows_it(tmp_path):
    with h5py.File(tmp_path / "v73.mat", "w", userblock_size=512) as file:
        file["z"] = matrix().T  # MATLAB's order
    found = made(tmp_path / "root", **TIDE, path=str(tmp_path / "v73.mat"), station="S02", stations=CODES)
    assert found.series.value[:2] == pytest.approx([0.4, 0.41])


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({"variable": "h"}, "no variable 'h'; it has z"),
        ({"station": None}, "z has 5 rows; give the station"),
        ({"stations": ["S01", "S02"]}, "z has 5 rows for 2 stations"),
        ({"borrowed": {"S02": "RS99"}}, "RS99 is not among the stations of its rows"),
        ({"time_variable": "z", "start": None, "step": None}, "z does not hold datenums|values"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, series, said):
    with pytest.raises(FaultySeriesError, match=said):
        made(tmp_path / "root", **{**TIDE, "path": five(tmp_path), "station": "S02", "stations": CODES, **series})


def test_a_file_that_is_not_matlabs_is_said(tmp_path):
    path = tmp_path / "t.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 200)
    with pytest.raises(OSError, match=r"t\.mat: damaged .*fetch it again"):
        made(tmp_path / "root", **TIDE, path=str(path), station="S02")
