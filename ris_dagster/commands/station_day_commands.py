"""Commands about station-days: fill, take up again, verify."""

from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from ris_core.shipped_files import SHIPPED
from ris_core.storage.damage import DamagedFileError
from ris_core.storage.layout import Layout
from ris_dagster.commands.shared import (
    ConfigOption,
    app,
    console,
    note_killed_runs,
    open_network,
    refuse,
    terminating_raises,
)

StationsOption = Annotated[str | None, typer.Option("--stations", help="Codes, comma-separated; by default all.")]
FromOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC; by default the network's.")
]
ToOption = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC; by default the newest one.")
]


@app.command()
def backfill(
    stations: StationsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    assets: Annotated[
        str | None, typer.Option(help="Assets or stages, comma-separated, like acquire,process; by default all stages.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Request existing station-days again from the source.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and begin nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Begin without asking.")] = False,
    inline: Annotated[bool, typer.Option("--inline", help="Work in this process; no daemon is needed.")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="Most runs that wait or work at once.")] = 4,
    workspace: Annotated[
        Path, typer.Option(help="Workspace file with which Dagster's daemon and webserver were started.")
    ] = SHIPPED / "workspace.yaml",
    config: ConfigOption = None,
) -> None:
    """Make what is missing or out of date in a block of station-days, by runs of the Dagster that is running."""
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.backfill import Asked
    from ris_dagster.backfill_view import run_backfill
    from ris_dagster.instance import open_instance
    from ris_dagster.selection import SelectionError, choose_keys, choose_stages, impossible_stages

    settings, layout = open_network(config, writes=not dry_run)
    days = BINDINGS.station_days(settings, layout)
    try:
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
        asked = Asked(choose_stages(days, BINDINGS, assets), tuple(keys), again)
    except SelectionError as error:
        refuse(error, 2)
    for stage, why in impossible_stages(days).items() if assets is None else ():
        console.print(f"{stage} is left out: {why}")
    with open_instance(layout) as instance, terminating_raises():
        if not dry_run:
            note_killed_runs(instance)
        code = run_backfill(
            console,
            days,
            BINDINGS,
            instance,
            asked,
            workspace=None if inline else workspace,
            at_once=at_once,
            confirm=lambda blocks: not dry_run and (yes or typer.confirm(f"Begin with these {blocks} blocks?")),
        )
    raise typer.Exit(code)


@app.command()
def reset(
    stations: StationsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    stage: Annotated[str | None, typer.Option(help="A stage, like process; by default all stages.")] = None,
    config: ConfigOption = None,
) -> None:
    """Set the number of failed attempts at station-days to zero, so that `catch_up` requests them again."""
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.selection import SelectionError, choose_keys

    settings, layout = open_network(config, writes=True)
    stages = [name for name in BINDINGS.names if stage in (None, name)]
    try:
        if not stages:
            raise SelectionError(f"--stage {stage}: no such stage; known are {', '.join(BINDINGS.names)}")
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
    except SelectionError as error:
        refuse(error, 2)
    journal = BINDINGS.station_days(settings, layout).journal
    count = sum(journal.forgive(name, key) for name in stages for key in keys)
    console.print(f"{count} failed station-days are reset; if `catch_up` is on, it requests them again")


@app.command()
def verify(
    stations: StationsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is damaged, so that it is made again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read all products and name those that were damaged on disk; with a selection, only station-days."""
    from ris_core.verification import damaged_files, damaged_models
    from ris_dagster.assets.station_day_bindings import BINDINGS
    from ris_dagster.selection import SelectionError, choose_keys

    settings, layout = open_network(config, writes=remove)
    try:
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
    except SelectionError as error:
        refuse(error, 2)
    selected = not (stations is None and first is None and last is None)
    removed = left = 0
    models = () if selected else damaged_models(layout, settings.aec.grid.trials(), settings.all_counts)
    for found in chain(damaged_files(BINDINGS.station_days(settings, layout), keys), models):
        if not isinstance(found, DamagedFileError):
            left += 1
            console.print(f"not read: {found}", soft_wrap=True)
        elif remove and not (trouble := _kept(layout, found)):
            removed += 1
            console.print(f"removed: {found.path} ({found.why})", soft_wrap=True)
        else:
            left += 1
            console.print(f"damaged: {found.path} ({found.why})", soft_wrap=True)
            if remove:
                console.print(f"  not removed: {trouble}", soft_wrap=True)
    if removed:
        console.print(
            f"{removed} damaged files are removed; `ris backfill` makes them again (`ris run` models and analysis).",
            soft_wrap=True,
        )
    if left:
        console.print(
            f"{left} files are damaged or cannot be read"
            + (
                "."
                if remove
                else "; remove what is damaged with --remove, then `ris backfill` makes it again "
                "(`ris run` models and analysis)."
            ),
            soft_wrap=True,
        )
        raise typer.Exit(1)
    if not removed:
        console.print(f"The files of {len(keys)} station-days are as they were written.")


def _kept(layout: Layout, found: DamagedFileError) -> str:
    """Remove a damaged file; return why it stays if it does."""
    from ris_core.storage.atomic import CannotWriteError, remove
    from ris_core.storage.damage import REMADE

    if not found.path.is_relative_to(layout.root):
        return "it belongs to an archive that is read in place; put the good file there"
    by_hand = (layout.root / "models", layout.reviews.parent)
    if found.remedy != REMADE and any(found.path.is_relative_to(folder) for folder in by_hand):
        return found.remedy
    try:
        remove(found.path)
    except CannotWriteError as error:
        return str(error)
    return ""
