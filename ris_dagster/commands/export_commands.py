"""Commands that write results for others: exports of selected events, and releases."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse

_NAMED = 5


class _Kind(StrEnum):
    """What can be exported."""

    QUAKEML = "quakeml"
    CSV = "csv"
    PARQUET = "parquet"
    STATIONS = "stations"
    MINISEED = "miniseed"


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; it may exist.")],
    kinds: Annotated[
        list[_Kind] | None,
        typer.Option("--as", help="What to write; may be given several times. By default all but miniseed."),
    ] = None,
    station: Annotated[list[str] | None, typer.Option(help="Only this station; may be given several times.")] = None,
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", help="Only this class, by number or name; may be given several times."),
    ] = None,
    first: Annotated[str | None, typer.Option(help="First day of the peaks, UTC, like 2015-01-31.")] = None,
    last: Annotated[str | None, typer.Option(help="Last day, inclusive.")] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Cut raw counts of all channels out, not the conditioned trace.")
    ] = False,
    before: Annotated[float, typer.Option(min=0, help="Seconds before the peak; of --raw only.")] = 5.0,
    after: Annotated[float, typer.Option(min=0, help="Seconds after the peak; of --raw only.")] = 10.0,
    most: Annotated[int, typer.Option(min=1, help="Most events whose waveforms are cut out.")] = 10_000,
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write events as QuakeML, CSV, Parquet and miniSEED, and stations as GeoParquet and GeoPackage.

    A file that is there with other content is left as it is and named, and the command ends with 1.
    """
    from ris_core.exports.cutouts import CutoutOptions
    from ris_core.exports.export_run import FORMATS, TooManyCutoutsError
    from ris_core.exports.export_run import export as write_export
    from ris_core.exports.selection import NothingSelectedError, Selection
    from ris_core.exports.station_layers import MissingReleaseExtraError, require_geopandas
    from ris_core.station_days.station_days import StationDays

    settings, layout = open_network(config)
    network = StationDays(settings, layout)
    wanted = tuple(name for name in FORMATS if (name in kinds if kinds else name != "miniseed"))
    if kinds is None:
        try:
            require_geopandas()
        except MissingReleaseExtraError as error:
            console.print(f"left out: {error}", style="yellow", soft_wrap=True)
            wanted = tuple(name for name in wanted if name != "stations")
    try:
        numbers = tuple(int(one) if one.lstrip("-").isdigit() else one for one in class_ or ())
        selection = Selection.of(network, tuple(station or ()), numbers, first, last)
    except (KeyError, ValueError) as error:
        refuse(str(error.args[0]), 2)
    try:
        found = write_export(network, folder, selection, wanted, CutoutOptions(raw, before, after), most, force)
    except MissingReleaseExtraError as error:
        refuse(error, 2)
    except (NothingSelectedError, TooManyCutoutsError) as error:
        refuse(error)
    placing = found.placing
    console.print(f"{found.total:,} events: {selection.words}", soft_wrap=True)
    for number, count in found.events.items():
        name = found.names[number]
        console.print(f"  {count:>9,}  {number}{'' if name == str(number) else f' {name}'}")
    if found.cutouts:
        console.print(f"{found.cutouts:,} events with a miniSEED file")
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True)
    there = f", {len(placing.same):,} were there already" if placing.same else ""
    console.print(f"{len(placing.written):,} files written{there}: {folder}", soft_wrap=True)
    if strangers := placing.strangers():
        console.print(
            f"note: {len(strangers):,} other files in {folder} are not of this export: {_named(strangers)}",
            style="yellow",
            soft_wrap=True,
        )
    if placing.differing:
        refuse(
            f"{len(placing.differing):,} files differ from what this export would write and are left as they are: "
            f"{_named(placing.differing)}; give another folder, or --force to replace them"
        )


def _named(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
