"""Series from netCDF grids as ERA5 has them: the nearest point, boxes, accumulated energy, names of the time."""

import numpy as np
import pytest
import xarray as xr
from series_builders import made, ns

from ris_core.environment.reader import FaultySeriesError

TIMES = np.datetime64("2015-01-10", "ns") + np.arange(3) * np.timedelta64(1, "h")
NORTH = np.array([-80.0, -79.75, -79.5])[::-1]
EAST = np.array([179.5, 179.75, 180.0, 180.25])


def values():
    """A number that says where it is: 100 · row + 10 · column + hour."""
    return (
        np.arange(3)[:, None, None] + 100.0 * np.arange(3)[None, :, None] + 10.0 * np.arange(4)[None, None, :]
    ).astype("f4")


def write(tmp_path, name="t2m", units="K", time="valid_time", engine="h5netcdf", east=EAST, data=None, **further):
    data = values() if data is None else data
    coords = {time: TIMES, "latitude": NORTH, "longitude": east, "number": 0, "expver": "0001"}
    fields = {name: ((time, "latitude", "longitude"), data, {"units": units})}
    fields |= {key: ((time, "latitude", "longitude"), one, {"units": units}) for key, one in further.items()}
    path = tmp_path / f"{name}.nc"
    encoding = {time: {"units": "seconds since 1970-01-01", "dtype": "i4"}}
    if engine == "scipy":
        coords.pop("expver")
    xr.Dataset(fields, coords).to_netcdf(path, engine=engine, encoding=encoding)
    return str(path)


PLACE = {"latitude": -79.8, "longitude": -179.8}  # nearest: row 1 (-79.75), column 3 (180.25)


@pytest.mark.parametrize("time", ["time", "valid_time"])
@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_the_nearest_point_is_found_over_the_date_line(tmp_path, time, engine):
    path = write(tmp_path, time=time, engine=engine)
    found = made(tmp_path / "root", reader="netcdf", variable="t2m", path=path, range=(-300, 300), **PLACE)
    assert found.series.value == pytest.approx(130 + np.arange(3) - 273.15, abs=1e-4)
    assert found.series.time.tolist() == [ns(f"2015-01-10T0{h}:00") for h in range(3)]
    assert found.notes == ("nearest grid point to -79.8, -179.8: -79.75, 180.25",)


def test_the_place_of_a_station_is_taken(tmp_path):
    path = write(tmp_path, east=EAST - 0.75, data=values() + 250)
    with pytest.raises(FaultySeriesError, match=r"latitudes \(-80 to -79.5\) do not reach -78.3, 179"):
        made(tmp_path / "root", reader="netcdf", variable="t2m", path=path, station="S02")
    north = xr.open_dataset(path)
    moved = north.assign_coords(latitude=north.latitude + 1.5)
    moved.to_netcdf(tmp_path / "moved.nc", engine="h5netcdf")
    series = {"reader": "netcdf", "variable": "t2m", "path": str(tmp_path / "moved.nc"), "range": (-300, 300)}
    found = made(tmp_path / "root", station="S02", **series)
    assert found.series.value[0] == pytest.approx(250 + 100 + 10 - 273.15, abs=1e-3)  # row 1 (-78.25), column 1 (179)


def test_a_box_is_averaged_by_area_without_missing_points(tmp_path):
    data = values()
    data[:, 0, :] = np.nan
    path = write(tmp_path, name="swh", units="m", data=data / 10)
    found = made(
        tmp_path / "root",
        reader="netcdf",
        kind="wave_height",
        variable="swh",
        path=path,
        box=[-80, 179.7, -79.5, -179.9],
    )
    weight = np.cos(np.deg2rad([-79.75, -80.0]))
    mean = (weight * (np.array([100, 200]) + 15)).sum() / weight.sum() / 10  # columns 1 and 2
    assert found.series.value[0] == pytest.approx(mean, rel=1e-6)


def test_energy_of_an_hour_becomes_power_at_its_middle(tmp_path):
    path = write(tmp_path, name="ssr", units="J m**-2", data=np.full((3, 3, 4), 360_000.0))
    found = made(tmp_path / "root", reader="netcdf", kind="radiation", variable="ssr", path=path, **PLACE)
    assert (found.series.unit, found.series.value.tolist()) == ("W/m2", [100.0, 100.0, 100.0])
    assert found.series.time[0] == ns("2015-01-09T23:30")
    assert "J m**-2 over 1 h became the mean of that time, at its middle" in found.notes


def test_two_components_give_the_speed(tmp_path):
    path = write(tmp_path, name="u10", units="m s**-1", data=np.full((3, 3, 4), 3.0), v10=np.full((3, 3, 4), -4.0))
    found = made(
        tmp_path / "root", reader="netcdf", kind="wind", variable="u10", second_variable="v10", path=path, **PLACE
    )
    assert (found.series.value.tolist(), found.series.unit) == ([5.0, 5.0, 5.0], "m/s")


def test_final_values_come_before_preliminary_ones(tmp_path):
    final, early = values() + 250, values() + 251
    final[2] = np.nan
    data = xr.Dataset(
        {"t2m": (("time", "expver", "latitude", "longitude"), np.stack([final, early], axis=1), {"units": "K"})},
        {"time": TIMES, "expver": [1, 5], "latitude": NORTH, "longitude": EAST},
    )
    data.to_netcdf(tmp_path / "both.nc", engine="h5netcdf")
    series = {"reader": "netcdf", "variable": "t2m", "path": str(tmp_path / "both.nc"), "range": (-300, 300)}
    found = made(tmp_path / "root", **series, **PLACE)
    assert found.series.value + 273.15 == pytest.approx([380, 381, 383], abs=1e-3)


def test_a_month_after_another_is_one_series_and_other_units_are_refused(tmp_path):
    write(tmp_path, name="t2m", data=values() + 250)
    later = xr.open_dataset(tmp_path / "t2m.nc").load()
    later = later.assign_coords(valid_time=later.valid_time + np.timedelta64(3, "h"))
    later.to_netcdf(tmp_path / "t2m_later.nc", engine="h5netcdf")
    series = {"reader": "netcdf", "variable": "t2m", "path": str(tmp_path / "t2m*.nc"), "range": (-300, 300), **PLACE}
    assert len(made(tmp_path / "root", **series).series.value) == 6
    later.t2m.attrs["units"] = "degC"
    later.to_netcdf(tmp_path / "t2m_later.nc", engine="h5netcdf")
    with pytest.raises(FaultySeriesError, match=r"t2m_later\.nc: its unit is 'degC', that of .*t2m\.nc 'K'"):
        made(tmp_path / "root", **series)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({"variable": "sst"}, r"no variable 'sst'; it has t2m"),
        ({"kind": "wind"}, r"unit 'K' is not one of wind; known: m/s"),
        ({"latitude": -60.0}, "do not reach -60"),
        ({"longitude": 10.0}, "do not reach"),
    ],
)
def test_what_the_file_has_not_is_said(tmp_path, series, said):
    path = write(tmp_path)
    with pytest.raises(FaultySeriesError, match=said):
        made(tmp_path / "root", **{"reader": "netcdf", "variable": "t2m", "path": path, **PLACE, **series})


def test_a_box_without_a_point_and_further_axes_are_said(tmp_path):
    path = write(tmp_path)
    with pytest.raises(FaultySeriesError, match="no grid point lies in the box"):
        made(tmp_path / "root", reader="netcdf", variable="t2m", path=path, box=[-70, 0, -69, 1])
    data = xr.Dataset(
        {"t": (("time", "level", "latitude", "longitude"), np.zeros((3, 2, 3, 4)), {"units": "K"})},
        {"time": TIMES, "level": [1, 2], "latitude": NORTH, "longitude": EAST},
    )
    data.to_netcdf(tmp_path / "levels.nc", engine="h5netcdf")
    with pytest.raises(FaultySeriesError, match="t has further axes: level"):
        made(tmp_path / "root", reader="netcdf", variable="t", path=str(tmp_path / "levels.nc"), **PLACE)


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "t.nc"
    path.write_bytes(b"CDF\x01 nothing")
    with pytest.raises(OSError, match=r"t\.nc: damaged .*fetch it again"):
        made(tmp_path / "root", reader="netcdf", variable="t2m", path=str(path), **PLACE)
