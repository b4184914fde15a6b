"""MLflow's server as an ASGI application, as ``mlflow server`` starts it, with a way to Dagster, without assistant."""

import os
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from ris_core.relied_upon import relying_on
from ris_core.web.elsewhere import leading_to
from ris_dagster.mlflow_adapter.first_page import with_first_settings


def web_app(uri: str, artifacts: str, destination: str, to_dagster: str, dagster: str) -> Any:
    """Return MLflow's server over a store; the variables of its environment say which hosts it answers to.

    Parameters
    ----------
    uri
        Address of the store's database.
    artifacts
        Where artifacts of a new experiment go.
    destination
        Where the server itself keeps artifacts of programs that reach it by HTTP.
    to_dagster, dagster
        Path below which addresses lead to Dagster, and Dagster's address.
    """
    with relying_on("mlflow", __name__):
        from mlflow.environment_variables import _MLFLOW_SGI_NAME
        from mlflow.server.constants import (
            ARTIFACT_ROOT_ENV_VAR,
            ARTIFACTS_DESTINATION_ENV_VAR,
            BACKEND_STORE_URI_ENV_VAR,
            REGISTRY_STORE_URI_ENV_VAR,
            SERVE_ARTIFACTS_ENV_VAR,
        )
        from mlflow.server.handlers import initialize_backend_stores

        os.environ |= {
            BACKEND_STORE_URI_ENV_VAR: uri,
            REGISTRY_STORE_URI_ENV_VAR: uri,
            ARTIFACT_ROOT_ENV_VAR: artifacts,
            ARTIFACTS_DESTINATION_ENV_VAR: destination,
            SERVE_ARTIFACTS_ENV_VAR: "true",
            _MLFLOW_SGI_NAME.name: "uvicorn",
        }
        initialize_backend_stores(uri, uri, artifacts)
        # Reads the environment when it is imported.
        from mlflow.server.assistant.api import assistant_router
        from mlflow.server.fastapi_app import app

        # Before the routes that match everything; MLflow's own test of hosts comes before all routes.
        app.router.routes[:0] = [
            leading_to(to_dagster, dagster),
            Route("/", _first_page),
            # It runs programs of this machine for whoever reaches the page.
            Mount(assistant_router.prefix, PlainTextResponse("MLflow's assistant is not served\n", 404)),
        ]
    return app


async def _first_page(request: Request) -> Response:
    import mlflow.server

    with relying_on("mlflow", __name__):
        page = Path(mlflow.server.__file__).parent / mlflow.server.REL_STATIC_DIR / "index.html"
    return HTMLResponse(with_first_settings(await run_in_threadpool(page.read_text, encoding="utf-8")))
