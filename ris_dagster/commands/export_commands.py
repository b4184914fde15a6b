"""Commands that write results for others: exports of selected events, and releases."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

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

    An existing file with other content is not changed; the command names it and ends with 1.
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


@app.command()
def release(
    folder: Annotated[Path, typer.Argument(help="New folder; with --verify, the folder of a release.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the files with SHA256SUMS, and write nothing.")
    ] = False,
    licence: Annotated[
        str, typer.Option("--licence", "--license", help="SPDX identifier, for example CC-BY-4.0; there is no default.")
    ] = "",
    licence_file: Annotated[
        Path | None, typer.Option(help="File with the text of the licence, which is copied into the release.")
    ] = None,
    creator: Annotated[
        list[str] | None,
        typer.Option(help="'Family, Given; ORCID; affiliation', or an organisation; several in their order."),
    ] = None,
    publisher: Annotated[str, typer.Option(help="Repository, like Zenodo.")] = "",
    version: Annotated[str, typer.Option(help="Version of the release.")] = "1.0.0",
    doi: Annotated[str, typer.Option(help="DOI that the repository has reserved.")] = "",
    config: ConfigOption = None,
) -> None:
    """Write a folder that is ready for a repository: data, data card, citation, licence, model, report, checksums.

    With --verify it ends with 1 if a file is changed, missing or not listed.
    """
    if verify:
        _verify(folder)
        return
    from ris_core.exports.release_run import NotEmptyError
    from ris_core.exports.release_run import release as write_release
    from ris_core.exports.release_words import IncompleteReleaseError, ReleaseWords, creator_of
    from ris_core.exports.selection import NothingSelectedError
    from ris_core.exports.station_layers import MissingReleaseExtraError
    from ris_core.station_days.station_days import StationDays

    settings, layout = open_network(config)
    try:
        creators = tuple(creator_of(one) for one in creator or ())
        words = ReleaseWords.of(settings, licence, creators, publisher, version, doi)
        text = "" if licence_file is None else licence_file.read_text(encoding="utf-8")
        found = write_release(StationDays(settings, layout), folder, words, text)
    except (IncompleteReleaseError, MissingReleaseExtraError, NotEmptyError) as error:
        refuse(error, 2)
    except ValidationError as error:
        refuse(f"--creator: {error.errors()[0]['msg'].removeprefix('Value error, ')}", 2)
    except NothingSelectedError as error:
        refuse(error)
    console.print(f"{found.exported.total:,} events, {found.files:,} files, {found.size / 1e6:.1f} MB: {folder}")
    for note in (*found.exported.notes, *(f"left out: {text}" for text in found.left_out)):
        console.print(f"note: {note}", style="yellow", soft_wrap=True)
    console.print("Read README.md before you publish: it says of your data what the platform knows.")


def _verify(folder: Path) -> None:
    from ris_core.exports.checksums import NoChecksumsError, compare_checksums

    try:
        found = compare_checksums(folder)
    except NoChecksumsError as error:
        refuse(error, 2)
    lines = {"changed": found.changed, "missing": found.missing, "not listed": found.unknown}
    for what, names in lines.items():
        for name in names:
            console.print(f"{what}: {name}", style="red", soft_wrap=True)
    if not found.is_whole:
        refuse(f"{folder}: {len(found.same):,} files are as listed, and those above are not")
    console.print(f"{folder}: all {len(found.same):,} files are as listed", soft_wrap=True)


def _named(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
