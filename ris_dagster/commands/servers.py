"""Commands that run until Ctrl-C: the three UIs, and the scheduler of workers that Slurm starts."""

import os
import sys
from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, note_killed_runs, open_network, refuse

ExplorerPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of the explorer.")]


@app.command()
def ui(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
    explorer_port: ExplorerPort = 8050,
    host: Annotated[str, typer.Option(help="Address to listen on; no UI has a login.")] = "127.0.0.1",
) -> None:
    """Serve Dagster (webserver and daemon), MLflow and the explorer over the same data until Ctrl-C, on 127.0.0.1."""
    from ris_core.web.guard import AllowedHostsError
    from ris_dagster.instance import open_instance, require_records
    from ris_dagster.services import Ports, serve

    settings, layout = open_network(config, writes=True)
    require_records(layout)
    with open_instance(layout) as instance:
        note_killed_runs(instance)
    try:
        ports = Ports(port, mlflow_port, explorer_port)
        code = serve(settings, layout, ports, lambda line: console.print(line, soft_wrap=True), host)
    except AllowedHostsError as error:
        refuse(error, 2)
    raise typer.Exit(code)


@app.command()
def explore(
    config: ConfigOption = None,
    port: ExplorerPort = 8050,
    host: Annotated[str, typer.Option(help="Address to listen on; the explorer has no login.")] = "127.0.0.1",
    dagster: Annotated[
        str | None, typer.Option(help="Address of the Dagster UI, for links and for training again; or RIS_DAGSTER_UI.")
    ] = None,
    mlflow: Annotated[str | None, typer.Option(help="Address of the MLflow UI, for links; or RIS_MLFLOW_UI.")] = None,
) -> None:
    """Serve the explorer alone until Ctrl-C: see, hear and review events in the browser, without Dagster."""
    given = {"--config": config, "--dagster": dagster, "--mlflow": mlflow}
    options = [str(part) for name, value in given.items() if value is not None for part in (name, value)]
    options += ["--host", host, "--port", str(port)]
    # The server takes the place of this process, so that nothing of Dagster stays in its memory.
    os.execv(sys.executable, [sys.executable, "-m", "ris_explorer", *options])  # noqa: S606 - no shell is wanted


@app.command()
def workers(
    at_least: Annotated[int, typer.Option(min=0, help="Worker processes that are kept when there is no work.")] = 0,
    at_most: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default RIS_WORKERS.")] = None,
    config: ConfigOption = None,
) -> None:
    """Run a Dask scheduler here whose workers Slurm starts as there is work (RIS_DEPLOYMENT=slurm) until Ctrl-C."""
    from ris_dagster.resources.compute import processes_asked
    from ris_dagster.resources.workers import NoWorkersError, serve

    _, layout = open_network(config, writes=True)
    try:
        serve(layout.root, at_least, at_most or processes_asked(), console.print)
    except NoWorkersError as error:
        refuse(error)
