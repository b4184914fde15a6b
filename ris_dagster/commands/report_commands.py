"""The command that writes the report of a network."""

from pathlib import Path
from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, open_network


@app.command()
def report(
    config: ConfigOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default in the folder of the network.")
    ] = None,
) -> None:
    """Write the report of a network: one page in HTML with what is known of its classes, for a browser or for paper.

    It computes no table, and shows those that exist. Missing parts say why, and which command makes them.
    """
    from ris_core.report.report_run import write_report
    from ris_core.station_days.station_days import StationDays

    settings, layout = open_network(config)
    found = write_report(StationDays(settings, layout), output)
    console.print(f"{found.path} ({found.size / 1e6:.1f} MB)", soft_wrap=True)
    for one in found.parts:
        if one.absent:
            command = f"; `{one.command}`" if one.command else ""
            console.print(f"not there: {one.part.title}: {one.absent}{command}", soft_wrap=True)
