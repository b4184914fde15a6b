"""The `ris` command: thin over the functions that the UI and the tests use."""

import os
import shlex
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ris_core.config import Settings, SettingsError, config_path, load_settings
from ris_core.storage.store import Store, WrongNetworkError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Deep embedded clustering of continuous seismic data."
)
console = Console(highlight=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; by default RIS_CONFIG, else the demo's.")
]


def _open(config: Path | None) -> tuple[Settings, Store]:
    if config is not None:
        os.environ["RIS_CONFIG"] = str(config)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from ris_dagster.instance import DeploymentError, WrongHomeError, prepare_home

    try:
        settings = load_settings()
        store = Store(settings)
        prepare_home(store)
        return settings, store
    except (SettingsError, WrongNetworkError, WrongHomeError, DeploymentError) as error:
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
    from ris_dagster.definitions import build_definitions
    from ris_dagster.instance import open_instance
    from ris_dagster.resources.compute import Compute, local_cluster
    from ris_dagster.resources.tracking import of_store
    from ris_dagster.stages import all_jobs, run_jobs
    from ris_dagster.summary import run_tables

    settings, store = _open(config)
    names = all_jobs(settings)
    unknown = [name for name in only or [] if name not in names]
    if unknown:
        console.print(
            f"--only {unknown[0]}: no such job; known are {', '.join(names)}", style="red", markup=False, soft_wrap=True
        )
        raise typer.Exit(2)
    started = time.monotonic()
    of_store(store).prepare()
    compute = Compute.from_environment()
    own_cluster = compute.kind == "dask" and not compute.address
    with open_instance(store) as instance, local_cluster(compute.workers) if own_cluster else nullcontext() as client:
        if client is not None:
            compute = Compute(kind="dask", workers=compute.workers, address=client.scheduler.address)
        definitions = build_definitions(settings, {"compute": compute})
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


@app.command()
def ui(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Serve Dagster (webserver and daemon) and MLflow over the same data on 127.0.0.1 until Ctrl-C."""
    from ris_dagster.services import serve

    _, store = _open(config)
    raise typer.Exit(serve(store, port, mlflow_port, lambda line: console.print(line, markup=False)))


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
