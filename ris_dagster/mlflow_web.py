"""MLflow's server with a way to Dagster, in one process with one port; `python -m ris_dagster.mlflow_web`.

It serves the database of MLFLOW_BACKEND_STORE_URI, which is not on the command line: other users can read that.
"""

import argparse
import os

import uvicorn

from ris_dagster.links import TO_DAGSTER, dagster_address
from ris_dagster.mlflow_adapter.web_app import web_app

_STORE = "MLFLOW_BACKEND_STORE_URI"
_PROXIED = "mlflow-artifacts:/"
_STOP_S = 5


def main() -> None:
    """Read the command line and serve until Ctrl-C or SIGTERM; options are those of ``mlflow server``."""
    parser = argparse.ArgumentParser(prog="python -m ris_dagster.mlflow_web", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--default-artifact-root", default=_PROXIED, help="where artifacts of a new experiment go")
    parser.add_argument("--artifacts-destination", default="./mlartifacts", help="where those sent to it go")
    asked = parser.parse_args()
    if not (uri := os.environ.get(_STORE)):
        parser.error(f"{_STORE} is not set: it names the database, like postgresql+psycopg2://USER@HOST/mlflow")
    app = web_app(uri, asked.default_artifact_root, asked.artifacts_destination, TO_DAGSTER, dagster_address())
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=_STOP_S)


if __name__ == "__main__":
    main()
