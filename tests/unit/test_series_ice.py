"""Sea ice of NSIDC-0051, in both formats: the box, and land, coast and gaps that never reach a mean."""

import numpy as np
import pytest
from series_builders import made, ns

from ris_core.environment.reader import FaultySeriesError

ROWS, COLUMNS = 332, 316


def grid():
    """80 % ice in the published box, half of which is land and coast; open water elsewhere."""
    counts = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    counts[220:280, 120:180] = 200
    counts[220:250, 120:180] = 254
    counts[250, 120:180] = 253
    counts[279, 179] = 255
    return counts


def binary(tmp_path, counts, day="20150110", header=b"00255 00316 00332 "):
    path = tmp_path / f"nt_{day}_f17_v1.1_s.bin"
    path.write_bytes(header.ljust(300, b"\0") + counts.tobytes())
    return str(path)


def netcdf(tmp_path, counts, name="NSIDC0051_SEAICE_PS_S25km_20150110_v2.0.nc", variables=("F17_ICECON",), flip=False):
    import xarray as xr

    y = 4_337_500.0 - 25_000.0 * np.arange(ROWS)
    if flip:
        counts, y = counts[::-1], y[::-1]
    attributes = {"scale_factor": 0.004, "add_offset": 0.0, "units": "1"}
    data = dict.fromkeys(variables, (("time", "y", "x"), counts[None], attributes))
    coords = {"time": [np.datetime64("2015-01-10", "ns")], "y": y, "x": -3_937_500.0 + 25_000.0 * np.arange(COLUMNS)}
    path = tmp_path / name
    xr.Dataset(data, coords).to_netcdf(path, engine="h5netcdf")
    return str(path)


@pytest.mark.parametrize("write", [binary, netcdf])
def test_the_mean_of_a_box_is_that_of_its_water(tmp_path, write):
    found = made(tmp_path / "root", reader="nsidc", kind="ice", path=write(tmp_path, grid()))
    assert found.series.value == pytest.approx([80.0])
    assert found.series.time.tolist() == [ns("2015-01-10T12:00")]
    assert found.series.unit == "%"
    assert found.notes == ("mean over those of 3600 cells that are water and observed",)


def test_the_published_mean_with_coast_and_land_would_be_more_than_the_ice(tmp_path):
    counts = grid()
    unmasked = counts[220:280, 120:180].astype(float).mean() / 250 * 100
    assert unmasked > 90  # the fault of the published code, for comparison
    found = made(tmp_path / "root", reader="nsidc", kind="ice", path=binary(tmp_path, counts))
    assert found.series.value[0] == pytest.approx(80.0)


def test_a_day_that_is_all_land_or_missing_has_no_value(tmp_path):
    binary(tmp_path, np.full((ROWS, COLUMNS), 255, np.uint8), "20150110")
    binary(tmp_path, grid(), "20150111")
    found = made(tmp_path / "root", reader="nsidc", kind="ice", path=str(tmp_path / "nt_*.bin"))
    assert (found.series.value.tolist(), found.faults.missing) == ([80.0], 1)
    assert found.series.time.tolist() == [ns("2015-01-11T12:00")]


def test_a_grid_from_south_to_north_is_turned(tmp_path):
    found = made(tmp_path / "root", reader="nsidc", kind="ice", path=netcdf(tmp_path, grid(), flip=True))
    assert found.series.value[0] == pytest.approx(80.0)


def test_a_day_without_a_name_takes_the_time_in_the_file_and_one_without_satellites_is_missing(tmp_path):
    netcdf(tmp_path, grid(), "one.nc")
    netcdf(tmp_path, grid(), "NSIDC0051_SEAICE_PS_S25km_20150112_v2.0.nc", variables=())
    found = made(tmp_path / "root", reader="nsidc", kind="ice", path=str(tmp_path / "*.nc"))
    assert found.series.time.tolist() == [ns("2015-01-10T12:00")]
    assert found.faults.missing == 1


def test_cells_around_a_place_are_found_on_the_polar_grid(tmp_path):
    from pyproj import Transformer

    counts = np.full((ROWS, COLUMNS), 25, np.uint8)
    counts[230, 150] = 250
    x, y = -3_950_000 + 25_000 * 150.5, 4_350_000 - 25_000 * 230.5
    longitude, latitude = Transformer.from_crs("EPSG:3412", "EPSG:4326", always_xy=True).transform(x, y)
    place = {"latitude": latitude, "longitude": longitude}
    path = binary(tmp_path, counts)
    one = made(tmp_path / "root", reader="nsidc", kind="ice", path=path, radius=20e3, **place)
    assert one.series.value[0] == pytest.approx(100.0)
    # The cell, its four neighbours at 25 km and none of the corners at 35 km.
    five = made(tmp_path / "root", reader="nsidc", kind="ice", path=path, radius=26e3, **place)
    assert five.series.value[0] == pytest.approx((100 + 4 * 10) / 5)


def test_the_published_box_has_the_stated_corners_on_the_polar_grid():
    from ris_core.environment.nsidc_reader import CELL_M, NORTH_M, WEST_M

    assert [WEST_M + CELL_M * column for column in (120, 180)] == [-950_000, 550_000]
    assert [NORTH_M - CELL_M * row for row in (280, 220)] == [-2_650_000, -1_150_000]


def test_files_of_another_size_or_grid_are_said(tmp_path):
    path = tmp_path / "nt_20150110_f17_v1.1_n.bin"
    path.write_bytes(bytes(300 + 448 * 304))
    with pytest.raises(FaultySeriesError, match=r"136492 bytes; a southern grid has 105212"):
        made(tmp_path / "root", reader="nsidc", kind="ice", path=str(path))
    with pytest.raises(FaultySeriesError, match="its header says 00304 columns"):
        made(tmp_path, reader="nsidc", kind="ice", path=binary(tmp_path, grid(), header=b"00255 00304 00448 "))


def test_a_damaged_netcdf_file_is_said(tmp_path):
    path = tmp_path / "NSIDC0051_SEAICE_PS_S25km_20150110_v2.0.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 500)
    with pytest.raises(OSError, match=r"v2\.0\.nc: damaged .*fetch it again"):
        made(tmp_path / "root", reader="nsidc", kind="ice", path=str(path))
