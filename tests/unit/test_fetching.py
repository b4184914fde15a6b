"""Fetching files of series: what is asked of AMRDC, NASA and the Climate Data Store, and what is kept of answers."""

import json
from datetime import date

import httpx
import pytest
from builders import ris, write_yaml
from climate_store import climate_store
from series_builders import settings_of

from ris_core.environment import downloads
from ris_core.environment.downloads import CannotFetchError, get
from ris_core.environment.fetch_era5 import area_of, climate_data_store, fetch_era5
from ris_core.environment.fetch_ice import fetch_ice
from ris_core.environment.fetch_weather import fetch_weather
from ris_core.environment.reader import Surroundings
from ris_core.storage.layout import Layout

WEATHER = b"Year: 2015  Month: 01  ID: GIL  ARGOS:  8911  Name: Gill\nLat: 79.92S  Lon: 178.59W  Elev: 54M\n"
NETCDF = b"\x89HDF\r\n\x1a\n and so on"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)


def client(answer):
    """A client whose requests go to a function, and the list of what it was asked."""
    asked = []

    def handle(request):
        asked.append(request)
        return answer(request)

    return httpx.Client(transport=httpx.MockTransport(handle), follow_redirects=True), asked


def answered(content, **headers):
    """An answer whose body is not read yet, as those of a server are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)


def data_set(name, year, *files, words="quality-controlled observational data"):
    return {
        "title": f"{name} Automatic Weather Station, {year} {words}.",
        "resources": [{"name": file, "url": f"https://amrdcdata.ssec.wisc.edu/x/download/{file}"} for file in files],
    }


def amrdc(*sets, content=WEATHER):
    def answer(request):
        if request.url.path.endswith("package_search"):
            return answered({"success": True, "result": {"count": len(sets), "results": list(sets)}})
        return answered(content)

    return answer


GILL = data_set("Gill", 2015, "1hr-gil201501q1h.txt", "1hr-gil201502q1h.txt", "10min-gil201501q10.txt")
FULL = (GILL, data_set("Gill", 2016, "3hr-gil201601q3h.txt"), data_set("Gill II", 2015, "1hr-gi2201501q1h.txt"))


def test_the_months_of_a_weather_station_are_fetched_once(tmp_path):
    found_by, asked = client(amrdc(*FULL))
    found = fetch_weather(found_by, "gill", [2014, 2015, 2016], "1hr", tmp_path)
    assert found.new == ("1hr-gil201501q1h.txt", "1hr-gil201502q1h.txt")
    assert found.missing == ("2014: no data set", "2016: no files of 1hr")
    assert (tmp_path / found.new[0]).read_bytes() == WEATHER
    assert asked[0].url.params["q"] == 'title:"gill Automatic Weather Station"'
    again = fetch_weather(found_by, "Gill", [2015], "1hr", tmp_path)
    assert (again.new, again.kept) == ((), found.new)
    assert fetch_weather(found_by, "Gill", [2015], "1hr", tmp_path, again=True).new == found.new


def test_a_station_that_amrdc_has_not_is_said_with_others(tmp_path):
    found_by, _ = client(amrdc(*FULL))
    with pytest.raises(CannotFetchError, match=r"no quality-controlled data of .* 'Gil'; there are Gill,"):
        fetch_weather(found_by, "Gil", [2015], "1hr", tmp_path)
    with pytest.raises(CannotFetchError, match="is not a name of a weather station"):
        fetch_weather(found_by, 'x" OR "', [2015], "1hr", tmp_path)


def test_a_page_in_place_of_a_file_is_not_kept(tmp_path):
    found_by, _ = client(amrdc(GILL, content=b"<html>down for maintenance"))
    with pytest.raises(CannotFetchError, match=r"201501q1h\.txt: .* not a text of AMRDC, but begins with '<html>"):
        fetch_weather(found_by, "Gill", [2015], "1hr", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_of_another_form_is_said(tmp_path):
    found_by, _ = client(lambda request: answered({"success": False}))
    with pytest.raises(CannotFetchError, match="another form than CKAN's"):
        fetch_weather(found_by, "Gill", [2015], "1hr", tmp_path)
    found_by, _ = client(lambda request: answered(b"<html>"))
    with pytest.raises(CannotFetchError, match="the answer is not JSON"):
        fetch_weather(found_by, "Gill", [2015], "1hr", tmp_path)


def granule(day, name=None, host="data.nsidc.earthdatacloud.nasa.gov"):
    name = name or f"NSIDC0051_SEAICE_PS_S25km_{day}_v2.0.nc"
    data = {"rel": "http://esipfed.org/ns/fedsearch/1.1/data#", "href": f"https://{host}/x/{name}"}
    return {
        "title": name,
        "links": [data, {"rel": "http://esipfed.org/ns/fedsearch/1.1/metadata#", "href": "https://y/z"}],
    }


def nasa(*pages):
    """Pages of NASA's catalogue, then files; each file is behind a redirect to another host."""

    def answer(request):
        if request.url.host == "cmr.earthdata.nasa.gov":
            number = int(request.headers.get("CMR-Search-After", "0"))
            after = {"CMR-Search-After": str(number + 1)} if number + 1 < len(pages) else {}
            return answered({"feed": {"entry": list(pages[number])}}, **after)
        if request.url.host == "data.nsidc.earthdatacloud.nasa.gov":
            if request.headers.get("Authorization") != "Bearer mine":
                return httpx.Response(401)
            return httpx.Response(303, headers={"Location": "https://storage.example/signed?secret=1"})
        assert "Authorization" not in request.headers
        return answered(NETCDF)

    return answer


def test_daily_southern_grids_of_all_pages_are_fetched_with_the_token_to_its_host_alone(tmp_path):
    first = [granule("20150110"), granule("", "NSIDC0051_SEAICE_PS_N25km_20150110_v2.0.nc")]
    second = [granule("20150111"), granule("", "NSIDC0051_SEAICE_PS_S25km_201501_v2.0.nc"), granule("20150201")]
    found_by, asked = client(nasa(first, second))
    found = fetch_ice(found_by, date(2015, 1, 10), date(2015, 1, 12), "mine", tmp_path)
    assert found.new == ("NSIDC0051_SEAICE_PS_S25km_20150110_v2.0.nc", "NSIDC0051_SEAICE_PS_S25km_20150111_v2.0.nc")
    assert found.missing == ("1 of 3 days have no file",)
    assert (tmp_path / found.new[1]).read_bytes() == NETCDF
    query = asked[0].url.params
    assert (query["short_name"], query["temporal"]) == ("NSIDC-0051", "2015-01-10T00:00:00Z,2015-01-12T23:59:59Z")


def test_without_a_token_or_with_an_old_one_it_is_said_what_to_do(tmp_path):
    found_by, asked = client(nasa([granule("20150110")]))
    with pytest.raises(CannotFetchError, match=r"make a token at .* and set EARTHDATA_TOKEN"):
        fetch_ice(found_by, date(2015, 1, 10), date(2015, 1, 10), "", tmp_path)
    assert not asked
    with pytest.raises(CannotFetchError, match=r"S25km_20150110_v2\.0\.nc: the answer is 401 Unauthorized"):
        fetch_ice(found_by, date(2015, 1, 10), date(2015, 1, 10), "old", tmp_path)


def test_failures_that_may_pass_are_repeated_and_others_are_not():
    statuses = iter([503, 429, 200])
    found_by, asked = client(lambda request: httpx.Response(next(statuses), stream=httpx.ByteStream(b"ok")))
    assert get(found_by, "https://x.example/a?signature=1")[0] == b"ok"
    found_by, asked = client(lambda request: httpx.Response(404))
    with pytest.raises(CannotFetchError, match=r"^https://x\.example/a: the answer is 404 Not Found; try again later"):
        get(found_by, "https://x.example/a?signature=1")
    assert len(asked) == 1

    def broken(request):
        raise httpx.ConnectError("no route")

    found_by, asked = client(broken)
    with pytest.raises(CannotFetchError, match="ConnectError: no route"):
        get(found_by, "https://x.example/a")
    assert len(asked) == 4


WAVES = {"name": "waves", "reader": "netcdf", "kind": "wave_height", "variable": "swh", "path": "era5/waves_*.nc"}
WIND = {**WAVES, "name": "wind", "kind": "wind", "variable": "u10", "second_variable": "v10", "path": "era5/wind_*.nc"}


def around(tmp_path, **series):
    settings = settings_of({**WAVES, "station": "S02", **series})
    return settings.environment[0], Surroundings(Layout.of(settings, tmp_path / "root"), settings)


def test_months_of_era5_come_through_cdsapi_with_the_right_request(tmp_path, monkeypatch):
    with climate_store(NETCDF) as (url, requests):
        monkeypatch.setenv("CDSAPI_URL", url)
        monkeypatch.setenv("CDSAPI_KEY", "my-key")
        series, network = around(tmp_path)
        found = fetch_era5(climate_data_store(), series, network, date(2015, 12, 10), date(2016, 1, 3))
        assert found.new == ("waves_2015-12.nc", "waves_2016-01.nc")
        assert (network.layout.environment_files / "era5" / "waves_2015-12.nc").read_bytes() == NETCDF
        assert fetch_era5(climate_data_store(), series, network, date(2016, 1, 1), date(2016, 1, 3)).kept == (
            "waves_2016-01.nc",
        )
    assert len(requests) == 2
    assert requests[0]["path"] == "/api/retrieve/v1/processes/reanalysis-era5-single-levels/execution"
    assert requests[0]["key"] == "my-key"
    asked = requests[0]["inputs"]
    assert asked["variable"] == ["significant_height_of_combined_wind_waves_and_swell"]
    assert (asked["year"], asked["month"], len(asked["day"]), len(asked["time"])) == (["2015"], ["12"], 31, 24)
    assert asked["area"] == pytest.approx([-77.3, 178.0, -79.3, 180.0])
    assert (asked["product_type"], asked["data_format"], asked["download_format"]) == (
        ["reanalysis"],
        "netcdf",
        "unarchived",
    )


def test_a_request_that_fails_and_a_file_that_is_none_are_said(tmp_path, monkeypatch):
    series, network = around(tmp_path)
    monkeypatch.setenv("CDSAPI_KEY", "my-key")
    with climate_store(NETCDF, fails="licence not accepted") as (url, _):
        monkeypatch.setenv("CDSAPI_URL", url)
        with pytest.raises(CannotFetchError, match=r"waves_2015-01\.nc: .* says: .*licence not accepted"):
            fetch_era5(climate_data_store(), series, network, date(2015, 1, 1), date(2015, 1, 2))
    with climate_store(b"PK\x03\x04 a zip") as (url, _):
        monkeypatch.setenv("CDSAPI_URL", url)
        with pytest.raises(CannotFetchError, match="what came is not netCDF"):
            fetch_era5(climate_data_store(), series, network, date(2015, 1, 1), date(2015, 1, 2))
    assert not list((network.layout.environment_files / "era5").iterdir())


def test_without_a_key_it_is_said_where_to_make_one(monkeypatch, tmp_path):
    for name in ("CDSAPI_URL", "CDSAPI_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
    with pytest.raises(CannotFetchError, match=r"cds\.climate\.copernicus\.eu.*CDSAPI_KEY"):
        climate_data_store()


class Never:
    def retrieve(self, name, request, target):
        raise AssertionError(request)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({"variable": "ocean_colour"}, "ocean_colour is not a variable that this command knows"),
        ({"path": "era5/x.nc"}, r"would not find waves_2015-01\.nc; write it as era5/waves_\*\.nc"),
    ],
)
def test_what_would_not_be_found_is_not_fetched(tmp_path, series, said):
    section, network = around(tmp_path, **series)
    with pytest.raises(CannotFetchError, match=said):
        fetch_era5(Never(), section, network, date(2015, 1, 1), date(2015, 1, 2))


def test_the_area_is_around_the_place_or_the_box(tmp_path):
    section, network = around(tmp_path, station=None, latitude=-89.5, longitude=200)
    assert area_of(section, network) == [-88.5, -161.0, -90.0, -159.0]
    section, network = around(tmp_path, station=None, box=[-80, 170, -76, -170])
    assert area_of(section, network) == [-76, 170, -80, -170]


def test_commands_say_what_they_cannot_fetch(data_root, tmp_path, monkeypatch):
    monkeypatch.delenv("EARTHDATA_TOKEN", raising=False)
    air = {"name": "air", "reader": "csv", "kind": "temperature", "unit": "degC", "path": "air.csv"}
    values = json.loads(settings_of(air).model_dump_json(exclude_unset=True))
    config = write_yaml(tmp_path / "small.yaml", values)
    done = ris("fetch", "ice", "-c", config)
    assert (done.exit_code, "EARTHDATA_TOKEN" in done.output) == (1, True)
    done = ris("fetch", "era5", "air", "-c", config)
    assert (done.exit_code, "its reader is not netcdf" in done.output) == (2, True)
    done = ris("fetch", "era5", "ice", "-c", config)
    assert (done.exit_code, "known: air" in done.output) == (2, True)
    done = ris("fetch", "aws", "Gill", "--interval", "2hr", "-c", config)
    assert (done.exit_code, "one of 10min, 1hr, 3hr" in done.output) == (2, True)
