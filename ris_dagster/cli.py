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
