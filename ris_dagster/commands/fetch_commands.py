"""Commands that fetch files of environmental series; nothing else does, and what needs a login needs the user's."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ris_core.config import Settings
from ris_core.storage.layout import Layout
from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse

if TYPE_CHECKING:
    from ris_core.environment.downloads import Fetched

fetch = typer.Typer(
    help="Fetch files of environmental series into environment_files of the data root (docs/environment.md).",
    no_args_is_help=True,
)
app.add_typer(fetch, name="fetch")

AgainOption = Annotated[bool, typer.Option("--again", help="Fetch files that are there already.")]


@fetch.command()
def aws(
    name: Annotated[str, typer.Argument(help="Weather station as AMRDC writes it, for example Gill.")],
    interval: Annotated[str, typer.Option(help="10min, 1hr or 3hr.")] = "1hr",
    folder: Annotated[Path | None, typer.Option(help="Below environment_files; the default is aws/NAME.")] = None,
    config: ConfigOption = None,
    again: AgainOption = False,
) -> None:
    """Fetch the data of an automatic weather station from AMRDC, for the years of the network; no login is needed."""
    from ris_core.environment.downloads import http_client
    from ris_core.environment.fetch_weather import INTERVALS, fetch_weather

    if interval not in INTERVALS:
        refuse(f"--interval {interval}: one of {', '.join(INTERVALS)}", 2)
    settings, layout = open_network(config, writes=True)
    first, last = _days(settings)
    where = layout.environment_files / (folder or Path("aws") / name.lower().replace(" ", "_"))
    years = range(first.year, last.year + 1)
    with http_client() as client:
        _show(lambda: fetch_weather(client, name, years, interval, where, again, _line), layout)


@fetch.command()
def ice(
    folder: Annotated[Path, typer.Option(help="Below environment_files.")] = Path("ice"),
    config: ConfigOption = None,
    again: AgainOption = False,
) -> None:
    """Fetch the sea ice of NSIDC-0051 for the days of the network, with the Earthdata token in EARTHDATA_TOKEN."""
    from ris_core.environment.downloads import http_client
    from ris_core.environment.fetch_ice import TOKEN, fetch_ice

    settings, layout = open_network(config, writes=True)
    first, last = _days(settings)
    where, token = layout.environment_files / folder, os.environ.get(TOKEN, "")
    with http_client() as client:
        _show(lambda: fetch_ice(client, first, last, token, where, again, _line), layout)


@fetch.command()
def era5(
    series: Annotated[str, typer.Argument(help="Series of the settings whose reader is netcdf.")],
    config: ConfigOption = None,
    again: AgainOption = False,
) -> None:
    """Fetch a variable of ERA5 for the months of the network, with the key of cdsapi."""
    from ris_core.config.environment import NetcdfSeriesSettings
    from ris_core.environment.fetch_era5 import climate_data_store, fetch_era5
    from ris_core.environment.reader import Surroundings
    from ris_core.environment.series_run import series_settings

    settings, layout = open_network(config, writes=True)
    try:
        section = series_settings(settings, series)
    except KeyError as error:
        refuse(str(error.args[0]), 2)
    if not isinstance(section, NetcdfSeriesSettings):
        refuse(f"series {series}: its reader is not netcdf, so there is nothing of ERA5 to fetch", 2)
    first, last = _days(settings)
    around = Surroundings(layout, settings)
    _show(lambda: fetch_era5(climate_data_store(), section, around, first, last, again, _line), layout)


def _days(settings: Settings) -> tuple[date, date]:
    days = settings.days()
    if not days:
        refuse("no day of the network is over yet", 2)
    return days[0], days[-1]


def _line(text: str) -> None:
    console.print(f"  {text}")


def _show(fetching: "Callable[[], Fetched]", layout: Layout) -> None:
    from ris_core.environment.downloads import CannotFetchError
    from ris_core.environment.reader import FaultySeriesError, MissingExtraError

    try:
        found = fetching()
    except (CannotFetchError, FaultySeriesError, MissingExtraError) as error:
        refuse(error)
    for text in found.missing:
        console.print(f"note: {text}", style="yellow", soft_wrap=True)
    there = f", {len(found.kept)} were there" if found.kept else ""
    console.print(f"{len(found.new)} files fetched{there}: {layout.relative(found.folder)}", soft_wrap=True)
