"""Dagster's webserver behind our guard, with a way to MLflow, and pictures; `python -m ris_dagster.webserver`."""

import argparse
import logging
from pathlib import Path

import dagster as dg
import uvicorn

from ris_core.web.elsewhere import leading_to
from ris_core.web.guard import AllowedHostsError, Guard, allowed_hosts
from ris_dagster.adapter.web_app import SAME_ORIGIN_ONLY, web_app
from ris_dagster.links import TO_MLFLOW, mlflow_address
from ris_dagster.metadata import PICTURES
from ris_dagster.recorded_pictures import pictures_route

_UPDATED_MS = 2000
"""Interval at which pages ask for news of assets; the value of `dagster dev`."""
_STOP_S = 5
"""Time that requests may take after Ctrl-C; pages keep connections open."""


def serve(host: str, port: int, workspace: Path) -> None:
    """Serve the instance of DAGSTER_HOME until Ctrl-C or SIGTERM.

    Parameters
    ----------
    host, port
        Address to listen on.
    workspace
        The workspace file.

    Raises
    ------
    AllowedHostsError
        RIS_ALLOWED_HOSTS cannot be used.
    """
    allowed, mlflow = allowed_hosts(host), leading_to(TO_MLFLOW, mlflow_address(), in_fragment=True)
    with (
        dg.DagsterInstance.get() as instance,
        web_app(instance, workspace, _UPDATED_MS, [mlflow, pictures_route(instance)]) as app,
    ):
        uvicorn.run(
            Guard(app, allowed, SAME_ORIGIN_ONLY | {PICTURES}),
            host=host,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=_STOP_S,
        )


def main() -> None:
    """Read the command line; its options are those of `dagster-webserver` with the same names."""
    parser = argparse.ArgumentParser(prog="python -m ris_dagster.webserver", add_help=False, allow_abbrev=False)
    parser.add_argument("--help", action="help")
    parser.add_argument("-h", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=3000)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(asked.host, asked.port, asked.workspace)
    except AllowedHostsError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
