"""The `ris` command: thin over the functions that the UI and the tests use."""

import os
import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ris_core.config import PROJECT_ROOT, Settings, SettingsError, config_path, load_settings
from ris_core.storage.store import Store, WrongNetworkError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Deep embedded clustering of continuous seismic data."
)
console = Console(highlight=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; by default RIS_CONFIG, else the demo's.")
]


def _open(config: Path | None, writes: bool = False) -> tuple[Settings, Store]:
    if config is not None:
        os.environ["RIS_CONFIG"] = str(config)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from ris_core.storage.atomic import CannotWriteError, check_writable
    from ris_dagster.deployment import DeploymentError
    from ris_dagster.instance import WrongHomeError, prepare_home
    from ris_dagster.resources.mlflow_store import MlflowStoreError
    from ris_dagster.resources.tracking import of_store

    try:
        settings = load_settings()
        store = Store(settings)
        if writes:
            check_writable(store.root)
        prepare_home(store)
        of_store(store)
        return settings, store
    except (
        SettingsError,
        WrongNetworkError,
        WrongHomeError,
        DeploymentError,
        MlflowStoreError,
        CannotWriteError,
    ) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


@app.command("check-config")
def check_config(config: ConfigOption = None) -> None:
    """Read the settings and say what they describe; anything wrong is named with key, value and what is allowed."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    days = settings.days()
    console.print(f"{config or config_path()}: good")
    console.print(f"  network {settings.network.code}, {len(settings.stations)} stations, channel {settings.channel}")
    console.print(
        f"  {settings.first_day} ... {settings.last_day or 'open'}: {len(days) * len(settings.stations)} station-days"
    )
    console.print(
        f"  source {settings.source.kind}, {len(settings.aec.grid.trials())} trials, K = {list(settings.dec.k)}"
    )


@app.command()
def status(config: ConfigOption = None) -> None:
    """Say what is there, missing, failed and out of date, with the size on disk and the size to expect."""
    from ris_dagster.summary import failures_table, states_of, status_table

    _, store = _open(config)
    states = states_of(store)
    console.print(status_table(store, states))
    failures = failures_table(states)
    if failures is not None:
        console.print(failures)


@app.command()
def run(
    config: ConfigOption = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only this job; may be given several times.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Train again what is current.")] = False,
) -> None:
    """Run all stages in order through Dagster, with progress; what is current on disk is not made again."""
    from ris_dagster.instance import open_instance
    from ris_dagster.launching import definitions_here
    from ris_dagster.resources.tracking import of_store
    from ris_dagster.stages import all_jobs, run_jobs
    from ris_dagster.summary import run_tables

    settings, store = _open(config, writes=True)
    names = all_jobs(settings)
    unknown = [name for name in only or [] if name not in names]
    if unknown:
        console.print(
            f"--only {unknown[0]}: no such job; known are {', '.join(names)}", style="red", markup=False, soft_wrap=True
        )
        raise typer.Exit(2)
    started = time.monotonic()
    of_store(store).prepare()
    with open_instance(store) as instance, definitions_here(settings) as definitions:
        try:
            failed = run_jobs(
                definitions,
                instance,
                store,
                [name for name in names if not only or name in only],
                again,
                lambda line: console.print(line, markup=False),
            )
        except KeyboardInterrupt:
            console.print("Interrupted: what is finished stays; the same command goes on from there.")
            raise typer.Exit(130) from None
    for table in run_tables(store):
        console.print(table)
    console.print(f"{time.monotonic() - started:.0f} s; products, Dagster and MLflow lie in {store.root}")
    console.print("Look next: `make ui` (or `ris ui`), `ris status`, docs/method.md")
    if failed:
        console.print(f"{len(failed)} run(s) failed:", style="red")
        for item in failed:
            console.print(f"  {item.run.job} {item.run.what} ({item.run_id}): {item.error}", markup=False)
        raise typer.Exit(1)


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
        str | None, typer.Option(help="Assets or stages, comma-separated; by default acquire, process and label.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask the source again for station-days that stand.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and begin nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Begin without asking.")] = False,
    inline: Annotated[bool, typer.Option("--inline", help="Work in this process; no daemon is needed.")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="Most runs that wait or work at once.")] = 4,
    workspace: Annotated[
        Path, typer.Option(help="Workspace file with which Dagster's daemon and webserver were started.")
    ] = PROJECT_ROOT / "workspace.yaml",
    config: ConfigOption = None,
) -> None:
    """Make what is missing or out of date of a block of station-days, in runs of the Dagster that is running."""
    from ris_dagster.backfill import Asked
    from ris_dagster.backfill_view import run_backfill
    from ris_dagster.instance import open_instance
    from ris_dagster.selection import SelectionError, choose_keys, choose_stages, impossible_stages

    settings, store = _open(config, writes=not dry_run)
    try:
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
        asked = Asked(choose_stages(store, assets), tuple(keys), again)
    except SelectionError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    for stage, why in impossible_stages(store).items():
        console.print(f"{stage} is left out: {why}", markup=False)
    with open_instance(store) as instance:
        code = run_backfill(
            console,
            store,
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
    stage: Annotated[str | None, typer.Option(help="acquire, process or label; by default all three.")] = None,
    config: ConfigOption = None,
) -> None:
    """Count the failed attempts at station-days from zero again, so that `catch_up` takes them up once more."""
    from ris_core.storage.store import STATION_DAY_STAGES
    from ris_dagster.selection import SelectionError, choose_keys

    settings, store = _open(config, writes=True)
    stages = [name for name in STATION_DAY_STAGES if stage in (None, name)]
    try:
        if not stages:
            raise SelectionError(f"--stage {stage}: no such stage; known are {', '.join(STATION_DAY_STAGES)}")
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
    except SelectionError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    count = sum(store.forgive_failure(name, key) for name in stages for key in keys)
    console.print(f"{count} failed station-day(s) are taken up again by `catch_up`, where it runs")


@app.command()
def verify(
    stations: StationsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove what is damaged, so that it is made again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read every product of station-days and name those that were damaged on disk after they were written."""
    from ris_core.verification import damaged_files
    from ris_dagster.selection import SelectionError, choose_keys

    settings, store = _open(config, writes=remove)
    try:
        keys = choose_keys(settings, stations, first and first.date(), last and last.date())
    except SelectionError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    count = 0
    for path in damaged_files(store, keys):
        count += 1
        if remove:
            path.unlink()
        console.print(f"{'removed' if remove else 'damaged'}: {path}", markup=False, soft_wrap=True)
    if not count:
        console.print(f"The files of {len(keys)} station-days are as they were written.")
    elif remove:
        console.print(f"{count} damaged files are removed; `ris backfill` makes them again.")
    else:
        console.print(f"{count} files are damaged; remove them with --remove, then `ris backfill` makes them again.")
        raise typer.Exit(1)


@app.command()
def ui(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    host: Annotated[str, typer.Option(help="Address to listen on; neither UI has a login.")] = "127.0.0.1",
) -> None:
    """Serve Dagster (webserver and daemon) and MLflow over the same data until Ctrl-C, by default on 127.0.0.1."""
    from ris_dagster.services import serve

    _, store = _open(config, writes=True)
    raise typer.Exit(serve(store, port, mlflow_port, lambda line: console.print(line, markup=False), host))


@app.command()
def workers(
    at_least: Annotated[int, typer.Option(min=0, help="Worker processes that are kept when there is no work.")] = 0,
    at_most: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default RIS_WORKERS.")] = None,
    config: ConfigOption = None,
) -> None:
    """Run a Dask scheduler here whose workers Slurm starts as there is work (RIS_DEPLOYMENT=slurm) until Ctrl-C."""
    from ris_dagster.resources.compute import processes_asked
    from ris_dagster.resources.workers import NoWorkersError, serve

    _, store = _open(config, writes=True)
    try:
        serve(store.root, at_least, at_most or processes_asked(), lambda line: console.print(line, markup=False))
    except NoWorkersError as error:
        _refuse(error)


def _refuse(error: Exception) -> None:
    console.print(str(error), style="red", markup=False, soft_wrap=True)
    raise typer.Exit(1) from error


@app.command("import-h5")
def import_h5(
    file: Annotated[Path | None, typer.Argument(help="HDF5 file of the published code.")] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="CSV beside it, to be compared with its catalogue; by default FILE.csv if any.")
    ] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(help="Weight file of the published code; may be given several times.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace station-days that stand with other events.")
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
    from ris_core.models.weights import WeightsError
    from ris_core.storage.published_file import PublishedFileError
    from ris_dagster import importing

    if file is None and (not weights or write_config is not None):
        console.print("Give a FILE, or --weights, or both.", style="red")
        raise typer.Exit(2)
    try:
        if write_config is not None and file is not None:
            console.print(importing.write_config(file, catalogue, write_config), markup=False, soft_wrap=True)
            return
        _, store = _open(config)
        for line in importing.import_published(store, file, catalogue, weights or [], replace, leave_out):
            console.print(line, markup=False, soft_wrap=True)
    except (PublishedFileError, WeightsError) as error:
        _refuse(error)
    except KeyboardInterrupt:
        console.print("Interrupted: station-days that are written stay; the same command goes on from there.")
        raise typer.Exit(130) from None


@app.command("export-h5")
def export_h5(
    file: Annotated[Path, typer.Argument(help="HDF5 file to be written; its catalogue goes to FILE.csv.")],
    config: ConfigOption = None,
) -> None:
    """Write the events of all station-days as one HDF5 file of the published layout, with its CSV."""
    from ris_core.published.exporting import export
    from ris_core.storage.published_file import PublishedFileError

    _, store = _open(config)
    try:
        found = export(store, file)
    except PublishedFileError as error:
        _refuse(error)
        return
    left_out = f"; {found.outdated} that are out of date are left out" if found.outdated else ""
    console.print(
        f"{found.path}, {found.table}: {found.events} events of {found.station_days} station-days{left_out}",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def env(config: ConfigOption = None) -> None:
    """Print the environment in which Dagster's own commands see this network, and its MLflow store (for `eval`)."""
    from ris_dagster.instance import prepare_home
    from ris_dagster.resources.tracking import of_store

    _, store = _open(config)
    values = {
        "RIS_CONFIG": config_path().resolve(),
        "RIS_DATA": store.root.parent,
        "DAGSTER_HOME": prepare_home(store),
        "RIS_MLFLOW_STORE": of_store(store).uri,
    }
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(str(value))}")
