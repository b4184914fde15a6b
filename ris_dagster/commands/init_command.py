"""The command that writes the first settings of a network."""

import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ris_core.config import SettingsError, known_presets
from ris_core.plugins import PluginError
from ris_dagster.commands.shared import app, console, refuse

_NAME = r"[a-z][a-z0-9_]*"


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip().upper() for part in (text or "").split(",") if part.strip())


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Name of the network: small letters, digits and _; also of the file.")],
    archive: Annotated[
        Path | None, typer.Option(help="Folder of an archive of day files, in SDS or another layout; it is only read.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"Values for one kind of network: {', '.join(known_presets())}.")
    ] = None,
    network: Annotated[str | None, typer.Option(help="Network code, if the archive has several.")] = None,
    stations: Annotated[str | None, typer.Option(help="Station codes, comma-separated; by default all.")] = None,
    channels: Annotated[str | None, typer.Option(help="Channel codes of one instrument, comma-separated.")] = None,
    location: Annotated[
        str | None, typer.Option(help="Location code, if the archive has several; -- is empty.")
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC; by default the archive's.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC; by default the archive's.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Paths below the folder, like '{station}/{channel}.{year}.{julday}'.")
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option(help="StationXML (folder or file); by default it is looked for beside the archive.")
    ] = None,
    provider: Annotated[
        str, typer.Option(help="Data centre, if there is no archive: a name that ObsPy knows, or a base URL.")
    ] = "EARTHSCOPE",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; by default NAME.yaml.")] = None,
) -> None:
    """Write a commented settings file of a new network, from what an archive holds or from codes at a data centre.

    Ends with 2 if nothing could be written: the message says which option decides, and what there is.
    """
    from ris_core.new_network.archive_choice import Wanted
    from ris_core.new_network.archive_network import network_in
    from ris_core.new_network.archive_survey import SurveyError
    from ris_core.new_network.settings_text import NewNetwork, without_response, write_settings_of
    from ris_core.waveforms.source_check import check_source

    if not re.fullmatch(_NAME, name):
        refuse(f"{name}: a name has small letters, digits and _ and begins with a letter, like my_network", 2)
    if preset is not None and preset not in known_presets():
        refuse(f"--preset {preset}: not known; known are {', '.join(known_presets())}", 2)
    path = output or Path(f"{name}.yaml")
    if path.exists():
        refuse(f"{path}: it exists already and is not overwritten; choose another name, or --output FILE", 2)
    days = first and first.date(), last and last.date()
    wanted = Wanted(network and network.upper(), location, _codes(channels), _codes(stations))
    try:
        if archive is not None:
            found = network_in(archive, name, preset, wanted, pattern, inventory, days)
            new, chosen = found.new, found.chosen
            rates = ", ".join(f"{rate:g}" for rate in chosen.rates)
            console.print(
                f"{new.source['root']} ({new.source.get('pattern', 'SDS')}): network {new.network}, "
                f"{len(new.stations)} stations, {', '.join(new.channels)} in location {new.location or '--'}, "
                f"{rates} Hz, {chosen.first_day} ... {chosen.last_day}, {chosen.station_days} station-days",
                soft_wrap=True,
            )
            if preset is None:
                console.print(
                    f"  no preset is asked for; there is {', '.join(known_presets())}: docs/method.md", soft_wrap=True
                )
            for note in found.notes:
                console.print(f"  note: {note}", style="yellow", soft_wrap=True)
        else:
            if network is None or not wanted.stations or days[0] is None:
                _refuse_without_source()
            where = "--" if location is None else location
            new = NewNetwork(
                name, preset, network.upper(), where.replace("--", ""), wanted.channels or ("HHZ",), wanted.stations,
                days[0], days[1], {"kind": "fdsn", "provider": provider},
                beside=("Credentials come from the environment alone: docs/acquisition.md",),
            )  # fmt: skip
        settings = write_settings_of(new, path)
        if "inventory" in new.source and (wrong := [f.text for f in check_source(settings) if f.wrong]):
            console.print(f"  note: StationXML is not used: {wrong[0]}", style="yellow", soft_wrap=True)
            path.unlink()
            new = without_response(new, "It is not used: ris check-config says why if you take it in.")
            settings = write_settings_of(new, path)
    except (SurveyError, SettingsError, PluginError, ValueError, OSError) as error:
        refuse(error, 2)
    for doubt in settings.doubts():
        console.print(f"  note: {doubt}", style="yellow", soft_wrap=True)
    given = shlex.quote(str(path))
    console.print(f"{path} is written. Read it, then:", soft_wrap=True)
    for command, what in (
        ("check-config", "tests the settings, and whether their source is there"),
        ("run", "runs all stages in order; what is current is not made again"),
        ("ui", "serves Dagster, MLflow and the explorer"),
    ):
        console.print(f"  ris {command} --config {given}  # {what}", soft_wrap=True)


def _refuse_without_source() -> NoReturn:
    refuse(
        "where do the samples come from? Give --archive FOLDER for an archive of day files, or for a data centre "
        "--network, --stations, --from and, if the network does not record any more, --to (--provider, --channels and "
        "--location have the defaults EARTHSCOPE, HHZ and --)",
        2,
    )
