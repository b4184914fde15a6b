"""Commands about the files of the published code."""

from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse


@app.command("import-h5")
def import_h5(
    file: Annotated[Path | None, typer.Argument(help="HDF5 file of the published code.")] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="CSV that is compared with the catalogue in FILE; by default FILE.csv if there is one."),
    ] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(help="Weight file of the published code; may be given several times.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace station-days that were imported with other events.")
    ] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out events that are repeated, not finite or zero everywhere.")
    ] = False,
    write_config: Annotated[
        Path | None, typer.Option(help="Write settings that cover FILE to this new file, and import nothing.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Import published events as station-days, and published weights as models; docs/published_data.md says how."""
    from ris_core.models.model_file import WeightsError
    from ris_core.station_days.station_days import StationDays
    from ris_core.storage.published_file import PublishedFileError
    from ris_dagster import published_import

    if file is None and (not weights or write_config is not None):
        console.print("Give a FILE, or --weights, or both.", style="red")
        raise typer.Exit(2)
    try:
        if write_config is not None and file is not None:
            console.print(published_import.write_config(file, catalogue, write_config), soft_wrap=True)
            return
        settings, layout = open_network(config)
        days = StationDays(settings, layout)
        for line in published_import.import_published(days, file, catalogue, weights or [], replace, leave_out):
            console.print(line, soft_wrap=True)
    except (PublishedFileError, WeightsError) as error:
        refuse(error)
    except KeyboardInterrupt:
        console.print("Interrupted. The written station-days are kept; the same command continues from there.")
        raise typer.Exit(130) from None


@app.command("export-h5")
def export_h5(
    file: Annotated[Path, typer.Argument(help="HDF5 file to be written; its catalogue goes to FILE.csv.")],
    config: ConfigOption = None,
) -> None:
    """Write the events of all station-days as one HDF5 file of the published layout, with its CSV."""
    from ris_core.published.exporting import export
    from ris_core.station_days.station_days import StationDays
    from ris_core.storage.published_file import PublishedFileError

    settings, layout = open_network(config)
    try:
        found = export(StationDays(settings, layout), file)
    except PublishedFileError as error:
        refuse(error)
    left_out = f"; {found.outdated} that are out of date or damaged are left out" if found.outdated else ""
    only = f"; the layout holds one channel: {found.channel} without {', '.join(found.other_channels)}"
    console.print(
        f"{found.path}, {found.table}: {found.events} events of {found.station_days} station-days{left_out}"
        f"{only if found.other_channels else ''}",
        soft_wrap=True,
    )
