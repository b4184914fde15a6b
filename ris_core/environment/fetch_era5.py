"""ERA5 from the Copernicus Climate Data Store, by cdsapi with the user's key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

from ris_core.config.environment import NetcdfSeriesSettings
from ris_core.environment.downloads import CannotFetchError, Fetched, is_hdf5
from ris_core.environment.reader import Surroundings, extra
from ris_core.storage.atomic import replacing

DATA_SET = "reanalysis-era5-single-levels"
MARGIN_DEG = 1.0
"""Distance of the fetched area from the place; waves have a grid of 0.5 degrees."""
LONG_NAMES = {
    "t2m": "2m_temperature",
    "skt": "skin_temperature",
    "u10": "10m_u_component_of_wind",
    "v10": "10m_v_component_of_wind",
    "i10fg": "instantaneous_10m_wind_gust",
    "sp": "surface_pressure",
    "msl": "mean_sea_level_pressure",
    "siconc": "sea_ice_cover",
    "swh": "significant_height_of_combined_wind_waves_and_swell",
    "shts": "significant_height_of_total_swell",
    "ssr": "surface_net_solar_radiation",
    "ssrd": "surface_solar_radiation_downwards",
    "str": "surface_net_thermal_radiation",
    "strd": "surface_thermal_radiation_downwards",
    "sshf": "surface_sensible_heat_flux",
    "slhf": "surface_latent_heat_flux",
}
"""Names of variables in requests, by their names in files (ECMWF, ERA5 documentation)."""


class Retriever(Protocol):
    """What `cdsapi.Client` offers."""

    def retrieve(self, name: str, request: dict[str, Any], target: str) -> Any:
        """Ask for data and write them to a file."""


def fetch_era5(
    client: Retriever,
    series: NetcdfSeriesSettings,
    around: Surroundings,
    first: date,
    last: date,
    again: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> Fetched:
    """Fetch the months of a series of reader netcdf, one file each, ``NAME_YYYY-MM.nc`` in the folder of its path.

    Parameters
    ----------
    client
        `climate_data_store`.
    series
        The series; its variables and its place or box are asked for, by the hour.
    around
        The network.
    first, last
        Days, inclusive; whole months are fetched.
    again
        Whether to fetch files that are there already.
    report
        Gets a line for each file.

    Raises
    ------
    CannotFetchError
        A variable is not known here, the path of the series would not find these files, or the request failed.
    """
    pattern = around.path(series.path)
    wanted = [series.variable, *([series.second_variable] if series.second_variable else [])]
    if unknown := [name for name in wanted if name not in LONG_NAMES]:
        raise CannotFetchError(
            f"series {series.name}: {', '.join(unknown)} is not a variable that this command knows "
            f"({', '.join(LONG_NAMES)}); get the file by hand (docs/environment.md)"
        )
    new, kept = [], []
    for year, month in _months(first, last):
        path = pattern.parent / f"{series.name}_{year}-{month:02d}.nc"
        if not fnmatch(path.name, pattern.name):
            raise CannotFetchError(
                f"series {series.name}: its path ({series.path}) would not find {path.name}; write it as "
                f"{series.path.parent / f'{series.name}_*.nc'}"
            )
        if path.exists() and not again:
            kept.append(path.name)
            continue
        request = {
            "product_type": ["reanalysis"],
            "variable": [LONG_NAMES[name] for name in wanted],
            "year": [str(year)],
            "month": [f"{month:02d}"],
            "day": [f"{day:02d}" for day in range(1, 32)],
            "time": [f"{hour:02d}:00" for hour in range(24)],
            "area": area_of(series, around),
            "data_format": "netcdf",
            "download_format": "unarchived",
        }
        _retrieve(client, request, path)
        new.append(path.name)
        report(path.name)
    return Fetched(pattern.parent, tuple(new), tuple(kept))


def area_of(series: NetcdfSeriesSettings, around: Surroundings) -> list[float]:
    """Return north, west, south and east of the area that a series needs, degrees."""
    if series.box is not None:
        south, west, north, east = series.box
        return [north, west, south, east]
    latitude, longitude = around.place(series)
    longitude = (longitude + 180.0) % 360.0 - 180.0
    north, south = min(latitude + MARGIN_DEG, 90.0), max(latitude - MARGIN_DEG, -90.0)
    return [north, longitude - MARGIN_DEG, south, longitude + MARGIN_DEG]


def climate_data_store() -> Retriever:
    """Return cdsapi's client with the key of this user.

    Raises
    ------
    MissingExtraError
        cdsapi is not installed.
    CannotFetchError
        There is no key.
    """
    cdsapi = extra("cdsapi")
    try:
        # Its own defaults try 500 times, 2 minutes apart.
        client: Retriever = cdsapi.Client(quiet=True, progress=False, retry_max=4, sleep_max=30)
    except Exception as error:  # cdsapi raises a plain Exception without a key
        raise CannotFetchError(
            f"cdsapi has no key ({error}): make one at https://cds.climate.copernicus.eu, accept the licence of ERA5 "
            "there, and write it into ~/.cdsapirc or CDSAPI_URL and CDSAPI_KEY (docs/environment.md)"
        ) from error
    return client


def _retrieve(client: Retriever, request: dict[str, Any], path: Path) -> None:
    with replacing(path) as temporary:
        try:
            client.retrieve(DATA_SET, request, str(temporary))
        except Exception as error:  # cdsapi passes on the errors of requests and its own
            said = " ".join(str(error).split())[:300]
            raise CannotFetchError(
                f"{path.name}: the Climate Data Store says: {said}; is the licence of ERA5 accepted there?"
            ) from error
        with temporary.open("rb") as file:
            head = file.read(8)
        if not is_hdf5(head):
            raise CannotFetchError(
                f"{path.name}: what came is not netCDF, but begins with {head!r}; nothing was written"
            )


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield year, month
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
