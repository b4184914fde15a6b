"""Commands that run until Ctrl-C: the two UIs, and the scheduler of workers that Slurm starts."""

from typing import Annotated

import typer

from ris_dagster.commands.shared import ConfigOption, app, console, open_network, refuse


@app.command()
def ui(
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
    host: Annotated[str, typer.Option(help="Address to listen on; neither UI has a login.")] = "127.0.0.1",
) -> None:
    """Serve Dagster (webserver and daemon) and MLflow over the same data until Ctrl-C, by default on 127.0.0.1."""
    from ris_core.web.guard import AllowedHostsError
    from ris_dagster.instance import require_records
    from ris_dagster.services import serve

    settings, layout = open_network(config, writes=True)
    require_records(layout)
    try:
        code = serve(settings, layout, port, mlflow_port, lambda line: console.print(line, soft_wrap=True), host)
    except AllowedHostsError as error:
        refuse(error, 2)
    raise typer.Exit(code)


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
